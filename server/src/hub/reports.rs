//! What a session does with a report: to the domain it belongs to, and back with the verdict.

use gururmm_protocol::message::Report;

use super::pace::SharedPace;
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

impl From<Verdict> for Outcome {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Stored => Self::Stored,
            Verdict::Refused(reason) => Self::Refused(reason),
        }
    }
}

/// Stores one report. `restricted`: the agent is being decommissioned, and only what ends its story is taken. `pace` counts
/// the work beyond the message as it is done, also when this is given up on the way.
///
/// # Errors
/// When the database cannot be reached: nothing was stored.
pub async fn store(app: &App, agent: &Handle, restricted: bool, report: &Report, pace: &SharedPace) -> Result<Outcome> {
    let refused = |reason: &str| Ok(Outcome::Refused(reason.to_owned()));
    match report {
        Report::Command { id, event } => {
            Ok(link::on_event(app, agent.agent_id, agent.organization_id, *id, event.clone()).await?.into())
        }
        Report::Decommissioned { envelope_id } => {
            if standing::decommissioned(app, agent.agent_id, agent.organization_id, *envelope_id).await? {
                Ok(Outcome::Decommissioned)
            } else {
                refused("no such decommission order for this agent")
            }
        }
        Report::Inventory(_) | Report::Readings { .. } if restricted => refused("this agent is being decommissioned"),
        Report::Inventory(report) => {
            let report = report.clone();
            Ok(inventory::service::store(app, agent.agent_id, agent.organization_id, report, pace).await?.into())
        }
        Report::Readings { readings } => {
            let readings = readings.clone();
            Ok(inventory::readings::store(app, agent.agent_id, agent.organization_id, readings).await?.into())
        }
        Report::Unknown => refused("this server does not know this kind of report"),
    }
}
