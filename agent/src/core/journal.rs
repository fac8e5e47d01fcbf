//! What the agent remembers of envelope ids, so that it acts on each at most once whatever happens in between.
//!
//! The journal is a list of records; the state is what comes out of applying them in order. Whoever writes the records
//! to disk does so before the step they stand for is taken.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::command::{CommandResult, Knowledge, Outcome};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How long an id is kept after its envelope has expired (SPEC-002, commands).
pub const KEEP_AFTER_EXPIRY: TimeDelta = TimeDelta::days(1);
/// How long a result that nobody acknowledged is kept beyond that.
const KEEP_UNACKNOWLEDGED: TimeDelta = TimeDelta::days(30);
/// Most ids in the journal: beyond it new commands are not accepted, since forgetting an id could run it twice.
pub const MAX_IDS: usize = 10_000;

/// One step, as it is written to disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// A command was accepted and waits for a slot.
    Accepted {
        /// The command.
        id: Uuid,
        /// The envelope's expiry.
        expires_at: DateTime<Utc>,
    },
    /// Its process is about to be spawned.
    Started {
        /// The command.
        id: Uuid,
        /// The envelope's expiry.
        expires_at: DateTime<Utc>,
        /// When, by the server's clock.
        started_at: DateTime<Utc>,
    },
    /// It is over.
    Finished {
        /// The command.
        id: Uuid,
        /// The envelope's expiry.
        expires_at: DateTime<Utc>,
        /// How it ended.
        result: CommandResult,
    },
    /// The server has everything of it.
    Acknowledged {
        /// The command.
        id: Uuid,
    },
    /// Records were lost: of a command authorized until then that the journal does not know, nobody can say whether it
    /// ran.
    Damaged {
        /// When the loss was found, by the server's clock; absent until a server has told its time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        at: Option<DateTime<Utc>>,
    },
    /// An envelope that is no command (cancel, decommission) was acted on.
    Acted {
        /// The envelope.
        id: Uuid,
        /// Its expiry.
        expires_at: DateTime<Utc>,
    },
}

/// Where a known id stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Accepted, not started.
    Waiting,
    /// Started, no end known.
    Running {
        /// When, by the server's clock.
        started_at: DateTime<Utc>,
    },
    /// Over.
    Finished {
        /// How it ended.
        result: CommandResult,
        /// Whether the server has it.
        acknowledged: bool,
    },
    /// No command; acted on.
    Acted,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    expires_at: DateTime<Utc>,
    phase: Phase,
}

/// The state of all known ids.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Journal {
    entries: BTreeMap<Uuid, Entry>,
    /// See [`Record::Damaged`].
    damaged_at: Option<DateTime<Utc>>,
    undated_damage: bool,
}

impl Journal {
    /// Takes a record in. Records that make no sense after what came before (a torn or doubled line) never lead back:
    /// started does not become waiting, finished does not become running.
    pub fn apply(&mut self, record: Record) {
        match record {
            Record::Accepted { id, expires_at } => {
                self.entries.entry(id).or_insert(Entry { expires_at, phase: Phase::Waiting });
            }
            Record::Started { id, expires_at, started_at } => {
                let entry = self.entries.entry(id).or_insert(Entry { expires_at, phase: Phase::Waiting });
                if entry.phase == Phase::Waiting {
                    entry.phase = Phase::Running { started_at };
                }
            }
            Record::Finished { id, expires_at, result } => {
                let entry = self.entries.entry(id).or_insert(Entry { expires_at, phase: Phase::Waiting });
                if matches!(entry.phase, Phase::Waiting | Phase::Running { .. }) {
                    entry.phase = Phase::Finished { result, acknowledged: false };
                }
            }
            Record::Acknowledged { id } => {
                if let Some(Entry { phase: Phase::Finished { acknowledged, .. }, .. }) = self.entries.get_mut(&id) {
                    *acknowledged = true;
                }
            }
            Record::Damaged { at } => {
                self.damaged_at = self.damaged_at.max(at);
                self.undated_damage = at.is_none();
            }
            Record::Acted { id, expires_at } => {
                self.entries.entry(id).or_insert(Entry { expires_at, phase: Phase::Acted });
            }
        }
    }

    /// Where an id stands; `None` when it was never seen (or is long forgotten).
    #[must_use]
    pub fn phase(&self, id: Uuid) -> Option<&Phase> {
        self.entries.get(&id).map(|entry| &entry.phase)
    }

    /// The answer to the server's question about a command.
    #[must_use]
    pub fn knowledge(&self, id: Uuid) -> Knowledge {
        match self.phase(id) {
            None => Knowledge::NeverHad,
            Some(Phase::Waiting | Phase::Running { .. }) => Knowledge::InProgress,
            Some(Phase::Finished { .. } | Phase::Acted) => Knowledge::Finished,
        }
    }

    /// Whether a command authorized at this time may have run although the journal does not know it.
    #[must_use]
    pub fn is_doubtful(&self, issued_at: DateTime<Utc>) -> bool {
        self.undated_damage || self.damaged_at.is_some_and(|at| issued_at <= at)
    }

    /// Whether records were lost and nobody knows yet when that was found.
    #[must_use]
    pub const fn has_undated_damage(&self) -> bool {
        self.undated_damage
    }

    /// Whether the journal can take another command without forgetting one.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.entries.len() < MAX_IDS
    }

    /// How many ids are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no id is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// After a restart of the agent: what was only accepted is forgotten (it may be sent again), what was started has
    /// an end that nobody knows. `chunks` tells how many pieces of output of a command are on disk. Returns whether there
    /// was anything to settle.
    pub fn recover(&mut self, now: DateTime<Utc>, chunks: impl Fn(Uuid) -> u32) -> bool {
        let known = self.entries.len();
        self.entries.retain(|_, entry| entry.phase != Phase::Waiting);
        let mut settled = self.entries.len() < known;
        for (id, entry) in &mut self.entries {
            if let Phase::Running { started_at } = entry.phase {
                let reason = Some("the agent stopped while the command ran");
                let result = CommandResult {
                    started_at: Some(started_at),
                    output_chunks: chunks(*id),
                    ..CommandResult::bare(Outcome::Unknown, reason, now.max(started_at))
                };
                entry.phase = Phase::Finished { result, acknowledged: false };
                settled = true;
            }
        }
        settled
    }

    /// Forgets what can do no harm any more: a day after the envelope's expiry the envelope itself is refused.
    /// `now` must be the server's clock. Returns the forgotten ids.
    pub fn prune(&mut self, now: DateTime<Utc>) -> Vec<Uuid> {
        let over = |at: DateTime<Utc>, keep: TimeDelta| at.checked_add_signed(keep).is_some_and(|end| end < now);
        let gone: Vec<Uuid> = self
            .entries
            .iter()
            .filter(|(_, entry)| {
                over(entry.expires_at, KEEP_AFTER_EXPIRY)
                    && match &entry.phase {
                        Phase::Waiting | Phase::Running { .. } => false,
                        Phase::Finished { acknowledged: true, .. } | Phase::Acted => true,
                        Phase::Finished { acknowledged: false, result } => {
                            over(entry.expires_at.max(result.finished_at), KEEP_UNACKNOWLEDGED)
                        }
                    }
            })
            .map(|(id, _)| *id)
            .collect();
        for id in &gone {
            self.entries.remove(id);
        }
        gone
    }

    /// Commands that are over and that the server has not acknowledged, oldest first.
    #[must_use]
    pub fn undelivered(&self) -> Vec<(Uuid, CommandResult)> {
        let mut list: Vec<_> = self
            .entries
            .iter()
            .filter_map(|(id, entry)| match &entry.phase {
                Phase::Finished { result, acknowledged: false } => Some((*id, result.clone())),
                _ => None,
            })
            .collect();
        list.sort_by_key(|(_, result)| result.finished_at);
        list
    }

    /// The shortest list of records that gives this state.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let mut records = Vec::with_capacity(self.entries.len() + 2);
        records.extend(self.damaged_at.map(|at| Record::Damaged { at: Some(at) }));
        records.extend(self.undated_damage.then_some(Record::Damaged { at: None }));
        for (id, Entry { expires_at, phase }) in &self.entries {
            let (id, expires_at) = (*id, *expires_at);
            match phase {
                Phase::Waiting => records.push(Record::Accepted { id, expires_at }),
                Phase::Running { started_at } => {
                    records.push(Record::Started { id, expires_at, started_at: *started_at });
                }
                Phase::Finished { result, acknowledged } => {
                    records.push(Record::Finished { id, expires_at, result: result.clone() });
                    if *acknowledged {
                        records.push(Record::Acknowledged { id });
                    }
                }
                Phase::Acted => records.push(Record::Acted { id, expires_at }),
            }
        }
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(days: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000 + days)
    }

    fn result(outcome: Outcome) -> CommandResult {
        CommandResult::bare(outcome, None, at(0))
    }

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn a_restart_forgets_the_waiting_and_makes_the_started_unknown() {
        let mut journal = Journal::default();
        journal.apply(Record::Accepted { id: id(1), expires_at: at(1) });
        journal.apply(Record::Accepted { id: id(2), expires_at: at(1) });
        journal.apply(Record::Started { id: id(2), expires_at: at(1), started_at: at(0) });
        assert!(journal.recover(at(0), |_| 3));
        assert!(!journal.clone().recover(at(0), |_| 3), "settled once");
        assert_eq!(journal.knowledge(id(1)), Knowledge::NeverHad);
        assert_eq!(journal.knowledge(id(2)), Knowledge::Finished);
        let (_, end) = &journal.undelivered()[0];
        assert_eq!((end.outcome, end.output_chunks), (Outcome::Unknown, 3));
    }

    #[test]
    fn a_cancel_that_comes_first_keeps_the_command_from_ever_starting() {
        let mut journal = Journal::default();
        journal.apply(Record::Finished { id: id(1), expires_at: at(1), result: result(Outcome::Cancelled) });
        journal.apply(Record::Accepted { id: id(1), expires_at: at(1) });
        journal.apply(Record::Started { id: id(1), expires_at: at(1), started_at: at(0) });
        assert!(matches!(journal.phase(id(1)), Some(Phase::Finished { .. })));
    }

    #[test]
    fn ids_are_kept_until_a_day_after_expiry_and_undelivered_results_longer() {
        let mut journal = Journal::default();
        for n in 1..=2 {
            journal.apply(Record::Finished { id: id(n), expires_at: at(1), result: result(Outcome::Succeeded) });
        }
        journal.apply(Record::Acknowledged { id: id(1) });
        journal.apply(Record::Acted { id: id(3), expires_at: at(1) });
        assert!(journal.prune(at(2)).is_empty());
        assert_eq!(journal.prune(at(2) + TimeDelta::seconds(1)), [id(1), id(3)]);
        assert!(journal.prune(at(31)).is_empty());
        assert_eq!(journal.prune(at(32)), [id(2)]);
    }

    #[test]
    fn damage_of_unknown_date_puts_every_command_in_doubt_until_it_is_dated() {
        let mut journal = Journal::default();
        journal.apply(Record::Damaged { at: None });
        assert!(journal.is_doubtful(at(100)));
        journal.apply(Record::Damaged { at: Some(at(0)) });
        assert!(journal.is_doubtful(at(0)) && !journal.is_doubtful(at(1)));
    }

    #[test]
    fn damage_that_an_earlier_version_dated_is_read() {
        let line = r#"{"record":"damaged","at":"2026-11-23T12:00:00Z"}"#;
        assert!(matches!(serde_json::from_str(line).unwrap(), Record::Damaged { at: Some(_) }));
    }

    fn record() -> impl Strategy<Value = Record> {
        let id = (0_u128..4).prop_map(Uuid::from_u128);
        (id, 0_u8..7).prop_map(|(id, kind)| match kind {
            0 => Record::Accepted { id, expires_at: at(1) },
            1 => Record::Started { id, expires_at: at(1), started_at: at(0) },
            2 => Record::Finished { id, expires_at: at(1), result: result(Outcome::Succeeded) },
            3 => Record::Acknowledged { id },
            4 => Record::Acted { id, expires_at: at(1) },
            5 => Record::Damaged { at: Some(at(0)) },
            _ => Record::Damaged { at: None },
        })
    }

    proptest! {
        #[test]
        fn compaction_keeps_the_state(records in proptest::collection::vec(record(), 0..40)) {
            let mut journal = Journal::default();
            records.into_iter().for_each(|record| journal.apply(record));
            let mut copy = Journal::default();
            journal.records().into_iter().for_each(|record| copy.apply(record));
            prop_assert_eq!(journal, copy);
        }

        /// However the machine dies and comes back, what was started once is never unknown to the journal again before
        /// its time, and never waits again.
        #[test]
        fn nothing_starts_twice(
            records in proptest::collection::vec(record(), 1..40),
            crashes in proptest::collection::btree_set(0_usize..40, 0..6),
        ) {
            let mut journal = Journal::default();
            let mut started = std::collections::BTreeSet::new();
            for (step, record) in records.into_iter().enumerate() {
                let waited = |journal: &Journal, id| matches!(journal.phase(id), None | Some(Phase::Waiting));
                if let Record::Started { id, .. } = &record
                    && waited(&journal, *id)
                {
                    prop_assert!(started.insert(*id), "started twice");
                }
                journal.apply(record);
                if crashes.contains(&step) {
                    let mut reloaded = Journal::default();
                    journal.records().into_iter().for_each(|record| reloaded.apply(record));
                    reloaded.recover(at(0), |_| 0);
                    journal = reloaded;
                }
                journal.prune(at(1));
                for id in &started {
                    prop_assert!(!waited(&journal, *id));
                }
            }
        }
    }
}
