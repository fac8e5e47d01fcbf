//! What a session still has to send: the question about earlier commands, orders, commands. Pure bookkeeping.

use std::collections::HashSet;
use std::time::Duration;

use gururmm_protocol::command::CommandStatus;
use gururmm_protocol::envelope::SignedEnvelope;
use tokio::time::Instant;
use uuid::Uuid;

use crate::commands::link::SilentCommand;

/// How long the answer about earlier commands is waited for before anything new is sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// The state of sending.
#[derive(Debug, Default)]
pub struct Dispatch {
    /// The question about earlier commands was put, or there was nothing to ask.
    begun: bool,
    /// Commands asked about and not answered for.
    asked: HashSet<Uuid>,
    /// Nothing new is sent before the answer, or this.
    waits_until: Option<Instant>,
    /// Orders that this session has sent.
    sent: HashSet<Uuid>,
    /// Commands that this session has sent and that have not ended.
    handed_over: HashSet<Uuid>,
}

impl Dispatch {
    /// Whether the question is still to be put.
    pub const fn is_new(&self) -> bool {
        !self.begun
    }

    /// The question was put (or is needless when `ids` is empty).
    pub fn asked(&mut self, ids: &[Uuid], now: Instant) {
        self.begun = true;
        self.asked = ids.iter().copied().collect();
        self.waits_until = (!ids.is_empty()).then(|| now + PATIENCE);
    }

    /// A command goes to the agent.
    pub fn handed_over(&mut self, command: &SignedEnvelope) {
        self.handed_over.extend(command.claimed_header().map(|header| header.id));
    }

    /// A command has ended.
    pub fn ended(&mut self, id: Uuid) {
        self.handed_over.remove(&id);
    }

    /// Which of these silent commands are to be asked about, beside what was asked before: those that run for too long,
    /// and those that were sent, but not by this session. Nothing waits for the answer.
    pub fn ask_again(&mut self, silent: Vec<SilentCommand>) -> Vec<Uuid> {
        let doubtful = |command: &SilentCommand| command.running || !self.handed_over.contains(&command.id);
        let ids: Vec<Uuid> = silent.into_iter().filter(doubtful).map(|command| command.id).collect();
        self.asked.extend(&ids);
        ids
    }

    /// When the waiting for the answer ends, if it is waited for.
    pub const fn waits_until(&self) -> Option<Instant> {
        self.waits_until
    }

    /// No answer came in time.
    pub const fn stop_waiting(&mut self) {
        self.waits_until = None;
    }

    /// What of an answer counts: only what was asked, and each once.
    pub fn answered(&mut self, statuses: Vec<CommandStatus>) -> Vec<CommandStatus> {
        self.waits_until = None;
        statuses.into_iter().filter(|status| self.asked.remove(&status.id)).collect()
    }

    /// Of these orders, those that this session has not sent yet; they count as sent now.
    pub fn unsent(&mut self, orders: Vec<SignedEnvelope>, decommission_only: bool) -> Vec<SignedEnvelope> {
        orders
            .into_iter()
            .filter(|order| {
                order.claimed_header().is_some_and(|header| {
                    (!decommission_only || header.kind == "decommission") && self.sent.insert(header.id)
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gururmm_protocol::command::Knowledge;

    #[test]
    fn only_what_was_asked_counts_and_each_once() {
        let mut dispatch = Dispatch::default();
        assert!(dispatch.is_new());
        let (asked, foreign) = (Uuid::from_u128(1), Uuid::from_u128(2));
        dispatch.asked(&[asked], Instant::now());
        assert!(!dispatch.is_new() && dispatch.waits_until().is_some());
        let answer = |id| CommandStatus { id, knowledge: Knowledge::NeverHad };
        let counted = dispatch.answered(vec![answer(foreign), answer(asked), answer(asked)]);
        assert_eq!(counted, [answer(asked)]);
        assert_eq!(dispatch.waits_until(), None);
        assert_eq!(dispatch.answered(vec![answer(asked)]), []);
    }

    #[test]
    fn only_what_another_session_sent_or_what_runs_too_long_is_asked_about_again() {
        let mut dispatch = Dispatch::default();
        dispatch.asked(&[], Instant::now());
        let (lost, late) = (Uuid::from_u128(1), Uuid::from_u128(2));
        dispatch.handed_over.extend([late, Uuid::from_u128(3)]);
        let silent = [(1, false), (2, true), (3, false)];
        let silent = silent.map(|(id, running)| SilentCommand { id: Uuid::from_u128(id), running });
        assert_eq!(dispatch.ask_again(silent.to_vec()), [lost, late]);
        assert_eq!(dispatch.waits_until(), None);
        let answer = CommandStatus { id: lost, knowledge: Knowledge::NeverHad };
        assert_eq!(dispatch.answered(vec![answer]), [answer]);
    }

    #[test]
    fn without_open_commands_nothing_is_waited_for() {
        let mut dispatch = Dispatch::default();
        dispatch.asked(&[], Instant::now());
        assert_eq!((dispatch.is_new(), dispatch.waits_until()), (false, None));
    }
}
