//! What a session still has to send: the question about earlier commands, orders, commands. Pure bookkeeping.

use std::collections::HashSet;
use std::time::Duration;

use gururmm_protocol::command::CommandStatus;
use gururmm_protocol::envelope::SignedEnvelope;
use tokio::time::Instant;
use uuid::Uuid;

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
    fn without_open_commands_nothing_is_waited_for() {
        let mut dispatch = Dispatch::default();
        dispatch.asked(&[], Instant::now());
        assert_eq!((dispatch.is_new(), dispatch.waits_until()), (false, None));
    }
}
