//! The life of a command as a pure, total function: what an event does to a command, and nothing else.
//!
//! `queued -> sent -> running -> succeeded | failed | timed_out | cancelled | expired | unknown`

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{CommandResult, Outcome};
use gururmm_protocol::envelope::Refusal;

use super::CommandState;

/// What the rules need to know of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// Where it stands.
    pub state: CommandState,
    /// It went to the agent at some time, so that the agent can have something to say about it.
    pub was_sent: bool,
    /// Somebody asked to cancel it while an agent may have had it.
    pub cancel_requested: bool,
    /// It does not start after this.
    pub expires_at: DateTime<Utc>,
    /// The recorded exit code.
    pub exit_code: Option<i32>,
    /// The recorded signal.
    pub signal: Option<i32>,
}

/// What can happen to a command.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    /// It is about to be sent to its agent.
    Claim,
    /// Its stored envelope cannot be opened.
    Unreadable,
    /// Its stored envelope is of an older epoch of the installation: every agent would refuse it.
    Void,
    /// The agent says that it runs.
    Started,
    /// The agent brings output.
    Output,
    /// The agent brings the end.
    Finished(&'a CommandResult),
    /// Asked, the agent says it never had it, or did not start it.
    NeverHad {
        /// The record that it was made for is sent no more: it is being decommissioned, or history.
        departed: bool,
    },
    /// The agent refused the envelope and did nothing.
    EnvelopeRefused(Refusal),
    /// A person wants it stopped.
    Cancel,
}

/// What an event does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The command gets this state, for this reason (where the state alone does not say).
    Become(CommandState, Option<Cow<'static, str>>),
    /// A signed order to stop goes to the agent; the state stays until the agent answers.
    OrderCancel,
    /// The state stays, the result is kept beside it.
    KeepLate,
    /// Known already: nothing changes, and the sender is told that all is well.
    Nothing,
    /// It cannot be: nothing changes, and the sender must not send it again.
    Refuse(&'static str),
}

impl Step {
    const fn to(state: CommandState) -> Self {
        Self::Become(state, None)
    }

    const fn because(state: CommandState, reason: &'static str) -> Self {
        Self::Become(state, Some(Cow::Borrowed(reason)))
    }
}

const EXPIRED_UNSENT: &str = "the agent did not connect before the command expired";
/// Why a command ends that waits since an older epoch.
pub const VOID: &str = "a backup of the installation was restored after this was authorized, which makes it void";
const NOT_SENT: &str = "the command was never sent to this agent";

/// The rules.
#[must_use]
pub fn step(facts: &Facts, event: &Event<'_>, now: DateTime<Utc>) -> Step {
    use CommandState::{Cancelled, Expired, Failed, Queued, Running, Sent, Unknown};
    let over_time = now >= facts.expires_at;
    match (event, facts.state) {
        (Event::Claim, Queued) if over_time => Step::because(Expired, EXPIRED_UNSENT),
        (Event::Claim, Queued) => Step::to(Sent),
        (Event::Unreadable, Queued) => Step::because(
            Failed,
            "the stored command cannot be opened (altered, or made with another storage key); it was not sent",
        ),
        (Event::Void, Queued) => Step::because(Cancelled, VOID),
        (Event::Claim | Event::Unreadable | Event::Void, _) => Step::Nothing,

        (Event::Started | Event::Output | Event::Finished(_), Queued) => Step::Refuse(NOT_SENT),
        (Event::Started | Event::Output | Event::Finished(_), _) if !facts.was_sent => Step::Refuse(NOT_SENT),

        // Output before the start says as much as the start.
        (Event::Started | Event::Output, Sent) => Step::to(Running),
        (Event::Started | Event::Output, _) => Step::Nothing,

        (Event::Finished(result), Sent | Running) => {
            Step::Become(result.outcome.into(), result.reason.clone().map(Cow::Owned))
        }
        (Event::Finished(result), state) if says_the_same(facts, result, state) => Step::Nothing,
        (Event::Finished(result), Unknown) if result.outcome == Outcome::Unknown => Step::Nothing,
        (Event::Finished(result), Unknown) => {
            Step::Become(result.outcome.into(), result.reason.clone().map(Cow::Owned))
        }
        (Event::Finished(_), _) => Step::KeepLate,

        (Event::NeverHad { .. }, Sent) if facts.cancel_requested => {
            Step::because(Cancelled, "cancelled before the agent had it")
        }
        (Event::NeverHad { .. }, Sent) if over_time => Step::because(Expired, EXPIRED_UNSENT),
        (Event::NeverHad { departed: true }, Sent) => {
            Step::because(Cancelled, "the agent was decommissioned or merged into another record before it had this")
        }
        (Event::NeverHad { departed: false }, Sent) => Step::to(Queued),
        (Event::NeverHad { .. }, Running) => Step::because(
            Unknown,
            "the agent has lost its record of the command: it was started, how it ended is not known",
        ),
        (Event::NeverHad { .. }, _) => Step::Nothing,

        (Event::EnvelopeRefused(Refusal::Expired), Sent) => {
            Step::because(Expired, "it reached the agent after its expiry and was not started")
        }
        (Event::EnvelopeRefused(refusal), Sent) => Step::Become(
            Failed,
            Some(Cow::Owned(format!("the agent refused the envelope: {refusal}; nothing was run"))),
        ),
        (Event::EnvelopeRefused(_), _) => Step::Nothing,

        (Event::Cancel, Queued) => Step::because(Cancelled, "cancelled before it was sent"),
        (Event::Cancel, Sent | Running) if facts.cancel_requested => Step::Nothing,
        (Event::Cancel, Sent | Running) => Step::OrderCancel,
        (Event::Cancel, Cancelled) => Step::Nothing,
        (Event::Cancel, _) => Step::Refuse("the command is already over"),
    }
}

/// A result that was sent again, or that only confirms what is recorded.
fn says_the_same(facts: &Facts, result: &CommandResult, state: CommandState) -> bool {
    CommandState::from(result.outcome) == state && result.exit_code == facts.exit_code && result.signal == facts.signal
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
