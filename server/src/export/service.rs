//! The one use case of exports.

use super::record::{BYTE_ORDER_MARK, records};
use super::{Column, List, MAX_ROWS, Place};
use crate::accounts;
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::Actor;
use crate::core::page::Page;
use crate::core::{Error, Result};

/// Longest query that the audit log keeps of an export, in characters.
const MAX_QUERY: usize = 500;

/// A file in the making. Dropping it ends it.
pub struct Export<L: List> {
    app: App,
    ctx: Ctx,
    /// The caller's access token: a secret.
    token: String,
    list: L,
    columns: Vec<&'static Column<L::Row>>,
    written: usize,
    next: Next<L::Row>,
    _place: Place,
}

/// What comes next.
enum Next<R> {
    /// The first page, which is read before anything is answered.
    First(Page<R>),
    /// The page that follows on there.
    Page(String),
    /// Nothing: the last line was written.
    End,
}

impl<L: List> Export<L> {
    /// Begins an export, in the audit log too: of these columns (names with commas between; all where none are given), of
    /// what the query asks for.
    ///
    /// # Errors
    /// Those of the list; 422 naming a column that there is none of, 429 when the account has too many exports running.
    pub async fn begin(
        app: &App,
        ctx: &Ctx,
        token: String,
        list: L,
        columns: Option<&str>,
        query: Option<&str>,
    ) -> Result<Self> {
        let Actor::User(user) = &ctx.actor else { return Err(Error::NotFound("list")) };
        // Before the transaction: a request holds one connection at a time.
        let ready = async {
            let columns = chosen::<L>(columns)?;
            let place = app.exports.begin(user.id)?;
            Ok((columns, place, list.page(app, ctx, None).await?))
        }
        .await;
        let mut work = Mutation::begin(app, ctx, L::ACTION, Target::unknown("list", L::NAME)).await?;
        work.entry.organization_id = list.organization().filter(|id| ctx.scope().contains(*id));
        work.note("query", query.unwrap_or_default().chars().take(MAX_QUERY).collect::<String>());
        let (columns, place, first) = work.finish(ready).await?;
        Ok(Self {
            app: app.clone(),
            ctx: ctx.clone(),
            token,
            list,
            columns,
            written: 0,
            next: Next::First(first),
            _place: place,
        })
    }

    /// What the file is to be called.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.csv", L::NAME, self.app.env.now().format("%Y-%m-%d"))
    }

    /// The next part of the file; none after its end. Whoever cannot be given the rest is told so in the last line.
    pub async fn next(&mut self) -> Option<Vec<u8>> {
        match std::mem::replace(&mut self.next, Next::End) {
            Next::First(page) => {
                let names = self.columns.iter().map(|column| column.name.to_owned()).collect();
                let mut file = BYTE_ORDER_MARK.as_bytes().to_vec();
                file.extend(records(std::iter::once(names)).ok()?);
                file.extend(self.part(page));
                Some(file)
            }
            Next::Page(cursor) => Some(match self.read(&cursor).await {
                Ok(page) => self.part(page),
                Err(error) => self.last_line(&format!("# incomplete: {error}")),
            }),
            Next::End => None,
        }
    }

    async fn read(&mut self, cursor: &str) -> Result<Page<L::Row>> {
        if self.app.shutdown.is_cancelled() {
            let detail = "the server was stopped; export again";
            return Err(Error::Unavailable { detail, retry_after: std::time::Duration::from_secs(5) });
        }
        self.ctx.actor = Actor::User(accounts::service::authenticate(&self.app, &self.token).await?);
        self.list.page(&self.app, &self.ctx, Some(cursor)).await
    }

    /// A page as records; decides what comes next.
    fn part(&mut self, mut page: Page<L::Row>) -> Vec<u8> {
        let cut = page.next_cursor.is_some() && self.written + page.items.len() >= MAX_ROWS;
        page.items.truncate(MAX_ROWS - self.written);
        self.written += page.items.len();
        let cells = |row: &L::Row| self.columns.iter().map(|column| (column.cell)(row)).collect::<Vec<_>>();
        let mut part = records(page.items.iter().map(cells)).unwrap_or_default();
        match page.next_cursor {
            Some(_) if cut => {
                part.extend(
                    self.last_line(&format!("# incomplete: an export has at most {MAX_ROWS} rows; narrow the filter")),
                );
            }
            Some(cursor) => self.next = Next::Page(cursor),
            None => {}
        }
        part
    }

    /// A record that says why the file ends before the list does, with as many cells as the others.
    fn last_line(&self, words: &str) -> Vec<u8> {
        let mut cells = vec![String::new(); self.columns.len()];
        if let Some(first) = cells.first_mut() {
            words.clone_into(first);
        }
        records(std::iter::once(cells)).unwrap_or_default()
    }
}

/// The columns of these names.
fn chosen<L: List>(names: Option<&str>) -> Result<Vec<&'static Column<L::Row>>> {
    let Some(names) = names.filter(|names| !names.is_empty()) else { return Ok(L::COLUMNS.iter().collect()) };
    let mut columns: Vec<&'static Column<L::Row>> = Vec::new();
    for name in names.split(',') {
        if columns.iter().any(|column| column.name == name) {
            return Err(Error::invalid("columns", format!("{name} stands twice")));
        }
        let found = L::COLUMNS.iter().find(|column| column.name == name).ok_or_else(|| {
            let known: Vec<_> = L::COLUMNS.iter().map(|column| column.name).collect();
            Error::invalid("columns", format!("{name:?} is none of {}", known.join(", ")))
        })?;
        columns.push(found);
    }
    Ok(columns)
}
