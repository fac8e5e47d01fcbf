//! The audit log: one row for each mutation, the refused ones too.
//!
//! Rows commit with their change ([`mutation`]). A sealer chains them by hash afterwards and signs the end of each batch
//! ([`seal`]); the signed heads are also kept in a file outside Postgres ([`heads`]), so that whoever changes, removes or
//! inserts rows, or cuts off the end, is found out ([`verify`]).

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

pub mod chain;
pub mod export;
pub mod heads;
pub mod mutation;
pub mod routes;
pub mod seal;
pub mod service;
pub(crate) mod store;
pub(crate) mod store_chain;
pub(crate) mod store_list;
pub mod verify;

pub use mutation::{Entry, Mutation, Target};

/// One row of the audit log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuditEntry {
    /// Id; grows, with gaps.
    pub id: i64,
    /// When.
    pub at: DateTime<Utc>,
    /// Who.
    pub actor: Actor,
    /// What, for example `agent.decommission`.
    pub action: String,
    /// To what.
    pub target: Subject,
    /// Of which organization.
    pub organization_id: Option<Uuid>,
    /// The agent it concerns.
    pub agent_id: Option<Uuid>,
    /// Whether it was done.
    pub outcome: Outcome,
    /// Facts; for a refusal, with the reason.
    #[schema(value_type = Object)]
    pub detail: Value,
    /// The request it came with.
    pub request_id: Option<String>,
    /// The address it came from.
    pub address: Option<String>,
    /// It is in the chain: a later change of it would show.
    pub sealed: bool,
}

/// Who did it, written out: outlives the account.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AuditActor)]
pub struct Actor {
    /// `user`, `agent`, `operator` (the server's command line) or `system`.
    pub kind: String,
    /// Id of the user or agent.
    pub id: Option<Uuid>,
    /// Email or name.
    pub label: String,
}

/// What it was done to, written out: outlives the thing.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = AuditTarget)]
pub struct Subject {
    /// For example `agent`.
    pub kind: String,
    /// Its id.
    pub id: Option<Uuid>,
    /// Its name.
    pub label: String,
}

/// Whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    Success,
    /// Refused; nothing was changed.
    Refused,
}

impl Outcome {
    /// The outcome as the database and the API write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Refused => "refused",
        }
    }
}

/// Where a page of the log follows on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditKey {
    /// When the last row of the page before was written.
    pub at: DateTime<Utc>,
    /// Its id.
    pub id: i64,
}

/// Which rows a list is about.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Pattern of the action.
    pub action_pattern: Option<String>,
    /// Pattern of the actor's label.
    pub actor_pattern: Option<String>,
    /// Of this organization.
    pub organization_id: Option<Uuid>,
    /// About this agent.
    pub agent_id: Option<Uuid>,
    /// With this outcome.
    pub outcome: Option<Outcome>,
    /// From this instant on.
    pub from: Option<DateTime<Utc>>,
    /// Before this instant.
    pub to: Option<DateTime<Utc>>,
}
