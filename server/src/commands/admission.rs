//! Whether an agent may be given a command: the one place of these rules, for one command and for many.

use gururmm_protocol::command::{InvalidCommand, RunCommand};
use gururmm_protocol::limits;

use super::MAX_OPEN_PER_AGENT;
use super::store::Agent;
use crate::agents::view::AgentState;
use crate::authz::{Action, Actor, Permission, Resource};
use crate::core::{Error, Result};

/// Why an agent is given no command now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refusal {
    /// Machine-readable.
    pub code: &'static str,
    /// In words.
    pub words: String,
}

/// The code of what the actor is not permitted.
pub const FORBIDDEN: &str = "forbidden";

impl Agent {
    /// What the rule book knows it as.
    pub const fn resource(&self) -> Resource {
        Resource::Agent { organization: self.organization_id, server_host: self.server_host }
    }

    /// Why the actor may not give it a command now, whoever's fault it is.
    pub fn refusal(&self, actor: &Actor, is_full: bool) -> Option<Refusal> {
        let permission = Permission::of(actor, Action::Command, self.resource());
        match permission.reason {
            Some(words) => Some(Refusal { code: FORBIDDEN, words }),
            None => self.obstacle(is_full),
        }
    }

    /// Why nobody can give it a command now. It is full with [`MAX_OPEN_PER_AGENT`] commands that have not ended.
    pub fn obstacle(&self, is_full: bool) -> Option<Refusal> {
        let refuse = |code, words: &str| Some(Refusal { code, words: words.to_owned() });
        let inactive = |words| refuse("agent_not_active", words);
        match self.state {
            AgentState::Quarantined => {
                inactive("the agent is quarantined: two machines use its key; release it for one of them first")
            }
            AgentState::Decommissioning => inactive("the agent is being decommissioned"),
            AgentState::Decommissioned => inactive("the agent is decommissioned"),
            AgentState::Active if is_full => refuse(
                "too_many_open_commands",
                &format!(
                    "the agent has {MAX_OPEN_PER_AGENT} commands that have not ended; wait for some, or cancel them"
                ),
            ),
            AgentState::Active => None,
        }
    }
}

/// Whether a command is one, whoever it is for.
pub fn check(run: &RunCommand, expires_in: i64) -> Result<()> {
    run.validate().map_err(|InvalidCommand { field, problem }| Error::invalid(field, problem))?;
    if let Some(name) = run.secrets.keys().find(|name| run.environment.contains_key(*name)) {
        return Err(Error::invalid("secrets", format!("{name} is also in environment; give it once")));
    }
    if !(1..=limits::MAX_COMMAND_EXPIRY).contains(&expires_in) {
        return Err(Error::invalid("expires_in_seconds", format!("must be 1 to {}", limits::MAX_COMMAND_EXPIRY)));
    }
    Ok(())
}
