//! Commands: signed when a person is authorized, run at most once by the agent, ended in exactly one honest state.
//!
//! [`lifecycle`] holds the rules as a pure function, `admission` who may be given one, [`service`] what people do, [`link`] what
//! agents say, [`orders`] the other signed envelopes.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::command as wire;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::authz::Permission;

pub(crate) mod admission;
pub mod epoch;
pub mod export;
pub(crate) mod idempotency;
pub mod lifecycle;
pub mod link;
pub(crate) mod many;
pub mod orders;
pub mod routes;
pub mod service;
pub(crate) mod store;
pub(crate) mod store_epoch;
pub(crate) mod store_idempotency;
pub(crate) mod store_link;
pub(crate) mod store_orders;
pub(crate) mod store_sweep;
pub mod sweep;

/// Most commands of one agent that have not ended.
pub const MAX_OPEN_PER_AGENT: i64 = 200;
/// Most commands that one agent has been sent and has not ended.
pub const MAX_OUTSTANDING_PER_AGENT: i64 = 8;
/// How long after a command should have ended the server gives up on hearing of it.
pub const PATIENCE: TimeDelta = TimeDelta::minutes(10);
/// How long a command may be sent and not started before a living session makes sure that the agent has it.
pub const SENT_SILENCE: TimeDelta = TimeDelta::seconds(60);

/// Where a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum CommandState {
    /// Waits for its agent.
    Queued,
    /// On its way; whether the agent has it is not known yet.
    Sent,
    /// The agent has started it.
    Running,
    /// Exit code 0.
    Succeeded,
    /// Another exit code, a signal, or it could not be started.
    Failed,
    /// Its time was up; the process tree was killed.
    TimedOut,
    /// Cancelled on request.
    Cancelled,
    /// It did not start before its expiry.
    Expired,
    /// It may or may not have run: nobody can tell any more.
    Unknown,
}

impl CommandState {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Queued,
        Self::Sent,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::TimedOut,
        Self::Cancelled,
        Self::Expired,
        Self::Unknown,
    ];

    /// The state as the database and the API write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::TimedOut => "timed_out",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Unknown => "unknown",
        }
    }

    /// Whether nothing more is expected.
    #[must_use]
    pub const fn is_end(self) -> bool {
        !matches!(self, Self::Queued | Self::Sent | Self::Running)
    }
}

impl From<wire::Outcome> for CommandState {
    fn from(outcome: wire::Outcome) -> Self {
        match outcome {
            wire::Outcome::Succeeded => Self::Succeeded,
            wire::Outcome::Failed => Self::Failed,
            wire::Outcome::TimedOut => Self::TimedOut,
            wire::Outcome::Cancelled => Self::Cancelled,
            wire::Outcome::Expired => Self::Expired,
            wire::Outcome::Unknown => Self::Unknown,
        }
    }
}

/// Which commands a list shows.
#[derive(Debug, Clone, Copy, Default)]
pub struct CommandFilter {
    /// In this state.
    pub state: Option<CommandState>,
    /// Of this agent.
    pub agent_id: Option<Uuid>,
    /// Of this organization.
    pub organization_id: Option<Uuid>,
    /// Of agents that are at this site now.
    pub site_id: Option<Uuid>,
}

/// A command as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
pub struct CommandSummary {
    /// Id; also that of its envelope.
    pub id: Uuid,
    /// The agent.
    pub agent_id: Uuid,
    /// Its name.
    pub agent_name: String,
    /// Its organization.
    pub organization_id: Uuid,
    /// One line that stands for the program.
    pub summary: String,
    /// Where it stands.
    pub state: CommandState,
    /// Who asked for it.
    pub requested_by: String,
    /// When it was asked for.
    pub created_at: DateTime<Utc>,
    /// When it went to the agent.
    pub sent_at: Option<DateTime<Utc>>,
    /// When it started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// It does not start after this.
    pub expires_at: DateTime<Utc>,
    /// The process's exit code, when it had one.
    pub exit_code: Option<i32>,
}

/// A command, whole. The values of its secrets are not in it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Command {
    /// What lists show.
    #[serde(flatten)]
    pub summary: CommandSummary,
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
    /// The run that it is part of; null: ordered by itself.
    pub run_id: Option<Uuid>,
    /// The signal that ended it (Unix).
    pub signal: Option<i32>,
    /// Why it is in this state, when the state alone does not say.
    pub reason: Option<String>,
    /// When somebody asked to cancel it.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Chunks of output so far; at the end, all that were made.
    pub output_chunks: u32,
    /// Bytes of output that were dropped over the limit.
    pub output_dropped_bytes: u64,
    /// A result that came after another end was recorded.
    pub late_result: Option<LateResult>,
    /// What the caller may do with it.
    pub permissions: CommandPermissions,
}

/// What the caller may do with a command.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct CommandPermissions {
    /// Cancel it.
    pub cancel: Permission,
}

/// A result that came after another end was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LateResult {
    /// How it ended, as the agent says.
    pub state: CommandState,
    /// The process's exit code, when it had one.
    pub exit_code: Option<i32>,
    /// The signal that ended it (Unix).
    pub signal: Option<i32>,
    /// Why, in the agent's words.
    pub reason: Option<String>,
    /// When it ended, as the agent says.
    pub finished_at: DateTime<Utc>,
    /// When the server heard of it.
    pub received_at: DateTime<Utc>,
}

impl LateResult {
    /// What is kept of a late `result`.
    #[must_use]
    pub fn new(result: &wire::CommandResult, received_at: DateTime<Utc>) -> Self {
        Self {
            state: result.outcome.into(),
            exit_code: result.exit_code,
            signal: result.signal,
            reason: result.reason.clone(),
            finished_at: result.finished_at,
            received_at,
        }
    }
}

/// The shell that reads a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Interpreter {
    /// `/bin/sh` on Linux.
    Sh,
    /// `cmd.exe` on Windows.
    Cmd,
    /// Windows PowerShell.
    Powershell,
}

/// What is executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Program {
    /// A script, read by a shell.
    Shell {
        /// Which shell.
        interpreter: Interpreter,
        /// The script's text.
        script: String,
    },
    /// A program and its arguments, without any shell between.
    Exec {
        /// Program first.
        argv: Vec<String>,
    },
    /// The agent examines itself, its machine and the way to the server: rights, disk, clock, name resolution, proxy, TLS,
    /// reachability, WMI, task scheduler. Standard output is one JSON document with `overall` (`ok`, `warning` or
    /// `failed`) and `checks` (`name`, `state`, `code`, `reason`, `fix`, `evidence`); the exit code is 1, and the command
    /// fails, when a check has failed. It takes at most 90 seconds.
    Selftest,
}

impl From<Program> for wire::Program {
    fn from(program: Program) -> Self {
        match program {
            Program::Exec { argv } => Self::Exec { argv },
            Program::Selftest => Self::Selftest,
            Program::Shell { interpreter, script } => Self::Shell {
                interpreter: match interpreter {
                    Interpreter::Sh => wire::Interpreter::Sh,
                    Interpreter::Cmd => wire::Interpreter::Cmd,
                    Interpreter::Powershell => wire::Interpreter::Powershell,
                },
                script,
            },
        }
    }
}

impl From<wire::Program> for Program {
    fn from(program: wire::Program) -> Self {
        match program {
            wire::Program::Exec { argv } => Self::Exec { argv },
            wire::Program::Selftest => Self::Selftest,
            wire::Program::Shell { interpreter, script } => Self::Shell {
                interpreter: match interpreter {
                    wire::Interpreter::Sh => Interpreter::Sh,
                    wire::Interpreter::Cmd => Interpreter::Cmd,
                    wire::Interpreter::Powershell => Interpreter::Powershell,
                },
                script,
            },
        }
    }
}

/// One piece of output.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OutputChunk {
    /// 0, 1, 2 ... over both streams.
    pub index: u32,
    /// Where it came from.
    pub stream: OutputStream,
    /// The text.
    pub text: String,
    /// When the server got it.
    pub received_at: DateTime<Utc>,
}

/// Which stream a chunk of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Output of a command from some chunk on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Output {
    /// The chunks, in order.
    pub chunks: Vec<OutputChunk>,
    /// Give it back as `after` for what follows; null while there is nothing at all.
    pub next_after: Option<u32>,
    /// The command is over and this is the end of its output.
    pub complete: bool,
}
