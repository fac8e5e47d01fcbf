//! What a session does with a report: to the domain it belongs to, and back with the verdict.

use gururmm_protocol::message::Report;

use super::registry::Handle;
use crate::agents::standing;
use crate::app::App;
use crate::commands::link::{self, Verdict};
use crate::core::Result;
use crate::inventory;

/// What became of a report.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored for good.
    Stored,
    /// It never can be, for this reason.
    Refused(String),
    /// Stored, and the agent is no longer one.
    Decommissioned,
}

/// What became of a report, and what it cost.
#[derive(Debug)]
pub struct Done {
    /// What became of it.
    pub outcome: Outcome,
    /// Bytes it unfolded to beyond those of its message: the agent's pace counts them.
    pub unfolded: usize,
}

impl From<Outcome> for Done {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, unfolded: 0 }
    }
}

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Stored => Self::Stored,
            Verdict::Refused(reason) => Self::Refused(reason),
        }
    }
}

/// Stores one report. `restricted`: the agent is being decommissioned, and only what ends its story is taken.
///
/// # Errors
/// When the database cannot be reached: nothing was stored.
pub async fn store(app: &App, agent: &Handle, restricted: bool, report: &Report) -> Result<Done> {
    let refused = |reason: &str| Ok(Outcome::Refused(reason.to_owned()).into());
    match report {
        Report::Command { id, event } => {
            let verdict = link::on_event(app, agent.agent_id, agent.organization_id, *id, event.clone()).await?;
            Ok(Outcome::from(verdict).into())
        }
        Report::Decommissioned { envelope_id } => {
            if standing::decommissioned(app, agent.agent_id, agent.organization_id, *envelope_id).await? {
                Ok(Outcome::Decommissioned.into())
            } else {
                refused("no such decommission order for this agent")
            }
        }
        Report::Inventory(_) | Report::Readings { .. } if restricted => refused("this agent is being decommissioned"),
        Report::Inventory(report) => {
            let (verdict, unfolded) =
                inventory::service::store(app, agent.agent_id, agent.organization_id, report.clone()).await?;
            Ok(Done { outcome: verdict.into(), unfolded })
        }
        Report::Readings { readings } => {
            let verdict =
                inventory::readings::store(app, agent.agent_id, agent.organization_id, readings.clone()).await?;
            Ok(Outcome::from(verdict).into())
        }
        Report::Unknown => refused("this server does not know this kind of report"),
    }
}
