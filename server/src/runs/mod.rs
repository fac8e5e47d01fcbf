//! Runs: one command ordered for many agents at once.
//!
//! What is meant is previewed ([`target`]) and ordered by the preview's fingerprint ([`service`]). Each agent gets a command
//! of its own, which lives as every command does; what could not be commanded is kept with its reason.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::agents::view::Presence;
use crate::authz::Permission;
use crate::commands::{CommandState, CommandSummary, Program};

pub mod cancel;
pub mod routes;
pub mod routes_work;
pub mod service;
pub mod settle;
pub(crate) mod store;
pub(crate) mod store_agents;
pub(crate) mod store_list;
pub(crate) mod store_settle;
pub(crate) mod store_work;
pub mod target;
pub mod work;

/// Most agents of one run.
pub const MAX_AGENTS: usize = 10_000;
/// Most agents that a selection by filter leaves out.
pub const MAX_EXCEPT: usize = 1_000;
/// Most bytes of a command times the agents that get it.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Most agents that a preview names.
pub const MAX_NAMED: usize = 200;

/// One command, ordered for many agents at once. Numbers are of the agents within the caller's scope.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Run {
    /// Id.
    pub id: Uuid,
    /// One line that stands for the program.
    pub summary: String,
    /// Who ordered it.
    pub requested_by: String,
    /// When it was ordered.
    pub created_at: DateTime<Utc>,
    /// Nothing of it starts after this.
    pub expires_at: DateTime<Utc>,
    /// Agents that it was ordered for.
    pub total: i64,
    /// How they stand.
    pub counts: RunCounts,
    /// When the last of its commands ended; null while any is open.
    pub ended_at: Option<DateTime<Utc>>,
    /// What is executed.
    pub program: Program,
    /// The process tree is killed after this many seconds.
    pub timeout_seconds: u32,
    /// Output beyond this many bytes is dropped.
    pub output_limit_bytes: u32,
    /// Where it runs; null: the agent's own choice.
    pub working_directory: Option<String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
    /// Names of the environment variables whose values are secret.
    pub secret_names: Vec<String>,
    /// What the caller may do with it.
    pub permissions: RunPermissions,
}

/// What the caller may do with a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunPermissions {
    /// Cancel what is open of it.
    pub cancel: Permission,
}

/// Agents of a run by how its command stands there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunCounts {
    /// It waits for its agent.
    pub queued: i64,
    /// It is on its way.
    pub sent: i64,
    /// It runs.
    pub running: i64,
    /// Exit code 0.
    pub succeeded: i64,
    /// Another exit code, a signal, or it could not be started.
    pub failed: i64,
    /// Its time was up.
    pub timed_out: i64,
    /// Cancelled on request.
    pub cancelled: i64,
    /// It did not start before its expiry.
    pub expired: i64,
    /// It may or may not have run.
    pub unknown: i64,
    /// The agent could be given no command.
    pub refused: i64,
}

impl RunCounts {
    /// Adds commands in this state.
    pub const fn add(&mut self, state: CommandState, count: i64) {
        let field = match state {
            CommandState::Queued => &mut self.queued,
            CommandState::Sent => &mut self.sent,
            CommandState::Running => &mut self.running,
            CommandState::Succeeded => &mut self.succeeded,
            CommandState::Failed => &mut self.failed,
            CommandState::TimedOut => &mut self.timed_out,
            CommandState::Cancelled => &mut self.cancelled,
            CommandState::Expired => &mut self.expired,
            CommandState::Unknown => &mut self.unknown,
        };
        *field += count;
    }

    /// Commands that have not ended.
    #[must_use]
    pub const fn open(&self) -> i64 {
        self.queued + self.sent + self.running
    }
}

/// Why an agent is given no command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// Machine-readable: `forbidden`, `agent_not_active` or `too_many_open_commands`.
    pub code: String,
    /// In words.
    pub words: String,
}

/// Agents that are given no command for the same reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RefusalCount {
    /// Machine-readable.
    pub code: String,
    /// In words.
    pub words: String,
    /// How many they are.
    pub count: i64,
}

/// What a run would do.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Preview {
    /// Agents that are meant.
    pub total: i64,
    /// Of these: those that would get a command.
    pub ready: i64,
    /// Of these: those that would not.
    pub refused: i64,
    /// Stands for exactly these agents: a run is ordered with it.
    pub fingerprint: String,
    /// Why some would not, the most frequent reason first.
    pub refusals: Vec<RefusalCount>,
    /// The agents, those that would not get it first, then by name; at most 200.
    pub agents: Vec<PreviewAgent>,
}

/// An agent that a run is meant for.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewAgent {
    /// The agent.
    pub agent_id: Uuid,
    /// Its name.
    pub name: String,
    /// Its organization.
    pub organization_id: Uuid,
    /// The organization's name.
    pub organization_name: String,
    /// The site's name.
    pub site_name: String,
    /// Whether it is connected: where it is not, the command waits.
    pub presence: Presence,
    /// Why it would get none; null: it would.
    pub refusal: Option<Refusal>,
}

/// An agent of a run.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunAgent {
    /// The agent.
    pub agent_id: Uuid,
    /// Its name.
    pub agent_name: String,
    /// Its organization.
    pub organization_id: Uuid,
    /// The organization's name.
    pub organization_name: String,
    /// The name of the site where it is now.
    pub site_name: String,
    /// Its command; null: it got none.
    pub command: Option<CommandSummary>,
    /// Why it got none.
    pub refusal: Option<Refusal>,
}

/// Which runs a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct RunFilter {
    /// With agents of this organization.
    pub organization_id: Option<Uuid>,
    /// Ordered by this user.
    pub requested_by: Option<Uuid>,
    /// With commands that have not ended.
    pub open: bool,
}

/// Which agents of a run a list shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunAgentState {
    /// Its command waits.
    Queued,
    /// Its command is on its way.
    Sent,
    /// Its command runs.
    Running,
    /// Exit code 0.
    Succeeded,
    /// Another exit code, a signal, or it could not be started.
    Failed,
    /// Its time was up.
    TimedOut,
    /// Cancelled on request.
    Cancelled,
    /// It did not start before its expiry.
    Expired,
    /// It may or may not have run.
    Unknown,
    /// It got no command.
    Refused,
}

impl RunAgentState {
    /// The state of its command; none: it got none.
    #[must_use]
    pub const fn command(self) -> Option<CommandState> {
        Some(match self {
            Self::Queued => CommandState::Queued,
            Self::Sent => CommandState::Sent,
            Self::Running => CommandState::Running,
            Self::Succeeded => CommandState::Succeeded,
            Self::Failed => CommandState::Failed,
            Self::TimedOut => CommandState::TimedOut,
            Self::Cancelled => CommandState::Cancelled,
            Self::Expired => CommandState::Expired,
            Self::Unknown => CommandState::Unknown,
            Self::Refused => return None,
        })
    }
}

/// Where a page of the agents of a run follows on: the name when it was ordered, and the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunAgentKey(pub String, pub Uuid);
