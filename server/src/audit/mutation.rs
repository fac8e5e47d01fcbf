//! The wrapper in which every mutation runs: its transaction, and the audit row that commits with it.

use serde_json::{Map, Value};
use sqlx::PgTransaction;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::app::{App, Ctx};
use crate::authz::Actor;
use crate::core::{Error, Result};

use super::store;

/// Rows of parts in one statement.
const PARTS_AT_ONCE: usize = 2_000;

/// What a mutation is done to.
#[derive(Debug, Clone)]
pub struct Target {
    /// For example `agent`.
    pub kind: &'static str,
    /// Its id, once known.
    pub id: Option<Uuid>,
    /// Its name, written out: the row outlives the thing.
    pub label: String,
}

impl Target {
    /// A thing that exists.
    pub fn new(kind: &'static str, id: Uuid, label: impl Into<String>) -> Self {
        Self { kind, id: Some(id), label: label.into() }
    }

    /// A thing that is only being made, or not found.
    pub fn unknown(kind: &'static str, label: impl Into<String>) -> Self {
        Self { kind, id: None, label: label.into() }
    }
}

/// An audit row in the making.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Verb, for example `agent.decommission`.
    pub action: &'static str,
    /// What it is done to.
    pub target: Target,
    /// Whose auditors see it; none: only the installation's.
    pub organization_id: Option<Uuid>,
    /// The agent it concerns, for its activity page.
    pub agent_id: Option<Uuid>,
    /// Facts, without secrets.
    pub detail: Map<String, Value>,
}

/// A mutation under way.
pub struct Mutation<'a> {
    app: &'a App,
    ctx: &'a Ctx,
    /// Who it turned out to be.
    actor: Option<Actor>,
    /// The transaction: every change of the mutation goes through it.
    pub tx: PgTransaction<'static>,
    /// The audit row; services fill it in as they learn more.
    pub entry: Entry,
    /// Rows of the parts of a mutation of many things at once, beside its own: written when it is done. A refusal has no
    /// parts.
    pub parts: Vec<Entry>,
}

impl<'a> Mutation<'a> {
    /// Opens the transaction.
    ///
    /// # Errors
    /// When the database cannot be reached.
    pub async fn begin(app: &'a App, ctx: &'a Ctx, action: &'static str, target: Target) -> Result<Mutation<'a>> {
        let tx = app.db.begin().await?;
        let entry = Entry { action, target, organization_id: None, agent_id: None, detail: Map::new() };
        Ok(Self { app, ctx, actor: None, tx, entry, parts: Vec::new() })
    }

    /// Who asks.
    #[must_use]
    pub const fn ctx(&self) -> &'a Ctx {
        self.ctx
    }

    /// Says who acts, where that is known only by what the mutation does: a login.
    pub fn acted_by(&mut self, actor: Actor) {
        self.actor = Some(actor);
    }

    /// Adds a fact to the audit row.
    pub fn note(&mut self, key: &str, value: impl Into<Value>) {
        self.entry.detail.insert(key.to_owned(), value.into());
    }

    /// Ends the mutation: commits it with its audit row, or undoes it and records the refusal.
    ///
    /// # Errors
    /// The mutation's own error, or that of writing the audit row: without its row nothing is committed.
    pub async fn finish<T>(mut self, result: Result<T>) -> Result<T> {
        match result {
            Ok(value) => {
                let at = self.app.env.now();
                let known = self.actor.map(|actor| Ctx { actor, ..self.ctx.clone() });
                let ctx = known.as_ref().unwrap_or(self.ctx);
                store::insert(&mut self.tx, at, ctx, &self.entry, "success").await?;
                for parts in self.parts.chunks(PARTS_AT_ONCE) {
                    store::insert_all(&mut self.tx, at, ctx, parts, "success").await?;
                }
                self.tx.commit().await.map_err(uncertain)?;
                Ok(value)
            }
            Err(error) => {
                self.tx.rollback().await?;
                if is_refusal(&error) && is_known(&self.ctx.actor) {
                    self.entry.detail.insert("refused".into(), error.code().into());
                    self.entry.detail.insert("reason".into(), error.to_string().into());
                    let mut connection = self.app.db.acquire().await?;
                    store::insert(&mut connection, self.app.env.now(), self.ctx, &self.entry, "refused").await?;
                }
                Err(error)
            }
        }
    }

    /// [`Self::finish`], and then what is to follow a commit, in a task of its own: who asked may go away meanwhile, and
    /// what was committed would be told to nobody.
    ///
    /// # Errors
    /// As [`Self::finish`].
    pub async fn finish_then<T, Then, Told>(self, result: Result<T>, then: Then) -> Result<Told::Output>
    where
        T: Send + 'static,
        Then: FnOnce(App, T) -> Told + Send + 'static,
        Told: Future<Output: Send + 'static> + Send,
    {
        let Self { app, ctx, actor, tx, entry, parts } = self;
        let (app, ctx) = (app.clone(), ctx.clone());
        let finishing = async move {
            let value = Mutation { app: &app, ctx: &ctx, actor, tx, entry, parts }.finish(result).await?;
            Ok(then(app.clone(), value).await)
        };
        tokio::spawn(finishing.in_current_span()).await.map_err(Error::internal)?
    }
}

/// A commit whose answer was lost may have happened.
fn uncertain(error: sqlx::Error) -> Error {
    match Error::from(error) {
        Error::Unavailable { retry_after, .. } => Error::Unavailable {
            detail: "the database went away while the change was saved; look whether it was made before trying again",
            retry_after,
        },
        other => other,
    }
}

/// Refusals before authentication are counted, not stored one by one: nobody can fill the log from outside.
fn is_known(actor: &Actor) -> bool {
    !matches!(actor, Actor::Anonymous)
}

fn is_refusal(error: &Error) -> bool {
    !matches!(error, Error::Internal(_) | Error::Unavailable { .. } | Error::Busy { .. })
}
