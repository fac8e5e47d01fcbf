//! Reports on their way to the server: numbered per session, bounded, sent again until they are acknowledged.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{CommandEvent, CommandResult};
use gururmm_protocol::limits::MAX_UNACKED_REPORTS;
use gururmm_protocol::message::Report;
use gururmm_protocol::readings::Reading;
use uuid::Uuid;

use super::inventory::{Batch, Inventory};
use super::readings::Readings;

/// A report without an acknowledgement for this long is sent again in the same session.
pub const RESEND_AFTER: Duration = Duration::from_secs(60);

/// Where stored output comes from.
pub trait OutputSource {
    /// The piece of output with this index, if it is (still) there. Asked for in ascending order.
    fn output(&mut self, command: Uuid, index: u32) -> Option<CommandEvent>;
}

/// One command's events: step 0 is its start, then its output, the last one its end.
#[derive(Debug)]
struct Feed {
    id: Uuid,
    started_at: Option<DateTime<Utc>>,
    chunks: u32,
    result: Option<CommandResult>,
    next: u32,
    again: BTreeMap<u32, CommandEvent>,
    under_way: BTreeSet<u32>,
}

impl Feed {
    fn steps(&self) -> u32 {
        self.chunks.saturating_add(1).saturating_add(u32::from(self.result.is_some()))
    }

    fn has_ready(&self) -> bool {
        !self.again.is_empty() || self.next < self.steps()
    }

    fn complete(&self) -> bool {
        self.result.is_some() && !self.has_ready() && self.under_way.is_empty()
    }

    fn take(&mut self, source: &mut dyn OutputSource) -> Option<(u32, CommandEvent)> {
        if let Some((step, event)) = self.again.pop_first() {
            self.under_way.insert(step);
            return Some((step, event));
        }
        while self.next < self.steps() {
            let step = self.next;
            self.next += 1;
            let event = if step == 0 {
                self.started_at.map(|started_at| CommandEvent::Started { started_at })
            } else if step <= self.chunks {
                source.output(self.id, step - 1)
            } else {
                self.result.clone().map(CommandEvent::Finished)
            };
            if let Some(event) = event {
                self.under_way.insert(step);
                return Some((step, event));
            }
        }
        None
    }
}

#[derive(Debug, Clone)]
enum Item {
    Inventory(Batch),
    Readings(Vec<Reading>),
    Command { id: Uuid, step: u32, event: CommandEvent },
    Decommissioned(Uuid),
}

impl Item {
    fn report(&self) -> Report {
        match self {
            Self::Inventory(batch) => Report::Inventory(batch.report.clone()),
            Self::Readings(readings) => Report::Readings { readings: readings.clone() },
            Self::Command { id, event, .. } => Report::Command { id: *id, event: event.clone() },
            Self::Decommissioned(envelope_id) => Report::Decommissioned { envelope_id: *envelope_id },
        }
    }
}

#[derive(Debug)]
struct UnderWay {
    item: Item,
    sent: Duration,
}

/// What an acknowledgement has settled for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settled {
    /// The server has everything of this command.
    Command(Uuid),
    /// The server knows that the agent is gone.
    Decommissioned,
}

/// All reports that wait or are under way.
#[derive(Debug, Default)]
pub struct Outbox {
    /// The inventory's share.
    pub inventory: Inventory,
    /// The readings' share.
    pub readings: Readings,
    feeds: VecDeque<Feed>,
    decommissioned: Option<Uuid>,
    under_way: BTreeMap<u64, UnderWay>,
    last_seq: u64,
}

/// How much waits, for the status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct QueueLengths {
    /// Reports sent and not acknowledged.
    pub unacknowledged: usize,
    /// Readings not yet sent.
    pub readings: usize,
    /// Commands with events the server does not have.
    pub commands: usize,
}

impl Outbox {
    /// A session begins: numbers start again.
    pub fn connected(&mut self, held: BTreeMap<String, String>) {
        self.disconnected();
        self.last_seq = 0;
        self.inventory.connected(held);
    }

    /// The session is over: everything under way goes back into its queue, in order.
    pub fn disconnected(&mut self) {
        self.inventory.disconnected();
        for (_, UnderWay { item, .. }) in std::mem::take(&mut self.under_way).into_iter().rev() {
            match item {
                Item::Inventory(_) => {}
                Item::Readings(readings) => self.readings.give_back(readings),
                Item::Command { id, step, event } => {
                    if let Some(feed) = self.feeds.iter_mut().find(|feed| feed.id == id) {
                        feed.under_way.remove(&step);
                        feed.again.insert(step, event);
                    }
                }
                Item::Decommissioned(envelope) => self.decommissioned = Some(envelope),
            }
        }
    }

    /// A command has started.
    pub fn command_started(&mut self, id: Uuid, started_at: DateTime<Utc>) {
        self.feed(id).started_at = Some(started_at);
    }

    /// One more piece of a command's output is stored.
    pub fn command_output(&mut self, id: Uuid) {
        let feed = self.feed(id);
        feed.chunks = feed.chunks.saturating_add(1);
    }

    /// A command is over; its whole output is stored.
    pub fn command_finished(&mut self, id: Uuid, result: CommandResult) {
        let feed = self.feed(id);
        feed.started_at = feed.started_at.or(result.started_at);
        feed.chunks = feed.chunks.max(result.output_chunks);
        feed.result = Some(result);
    }

    /// Queues a result alone, of which everything had been acknowledged once: the server asked for it again.
    pub fn repeat_result(&mut self, id: Uuid, result: CommandResult) {
        if self.feeds.iter().any(|feed| feed.id == id) {
            return;
        }
        let chunks = result.output_chunks;
        let feed = self.feed(id);
        feed.chunks = chunks;
        feed.next = chunks.saturating_add(1);
        feed.result = Some(result);
    }

    /// Queues the last report of this agent.
    pub fn decommissioned(&mut self, envelope: Uuid) {
        self.decommissioned = Some(envelope);
    }

    /// The next report to send now, with its number.
    pub fn next(&mut self, now: Duration, source: &mut dyn OutputSource) -> Option<(u64, Report)> {
        let overdue = |entry: &UnderWay| now.saturating_sub(entry.sent) >= RESEND_AFTER;
        if let Some((seq, entry)) = self.under_way.iter_mut().find(|(_, entry)| overdue(entry)) {
            entry.sent = now;
            return Some((*seq, entry.item.report()));
        }
        if self.under_way.len() >= MAX_UNACKED_REPORTS {
            return None;
        }
        let item = self.take(source)?;
        let report = item.report();
        self.last_seq += 1;
        self.under_way.insert(self.last_seq, UnderWay { item, sent: now });
        Some((self.last_seq, report))
    }

    fn take(&mut self, source: &mut dyn OutputSource) -> Option<Item> {
        if let Some(envelope) = self.decommissioned.take() {
            return Some(Item::Decommissioned(envelope));
        }
        if let Some(batch) = self.inventory.take() {
            return Some(Item::Inventory(batch));
        }
        let readings = self.readings.take();
        if !readings.is_empty() {
            return Some(Item::Readings(readings));
        }
        // Commands take turns, so that a talkative one does not hold up the others.
        for _ in 0..self.feeds.len() {
            self.feeds.rotate_left(1);
            if let Some(feed) = self.feeds.back_mut()
                && let Some((step, event)) = feed.take(source)
            {
                return Some(Item::Command { id: feed.id, step, event });
            }
        }
        None
    }

    /// Whether [`Self::next`] may have something. (Pieces of output that are gone make it say yes once too often.)
    #[must_use]
    pub fn has_ready(&self, now: Duration) -> bool {
        self.under_way.values().any(|entry| now.saturating_sub(entry.sent) >= RESEND_AFTER)
            || self.under_way.len() < MAX_UNACKED_REPORTS
                && (self.decommissioned.is_some()
                    || self.inventory.has_news()
                    || self.readings.has_ready()
                    || self.feeds.iter().any(Feed::has_ready))
    }

    /// The server will never take the report with this number as it is.
    pub fn refuse(&mut self, seq: u64) -> Option<Settled> {
        match self.under_way.remove(&seq)?.item {
            Item::Inventory(batch) => {
                self.inventory.refused(batch);
                None
            }
            item => self.over(item),
        }
    }

    /// The server has stored the report with this number.
    pub fn settle(&mut self, seq: u64) -> Option<Settled> {
        let item = self.under_way.remove(&seq)?.item;
        self.over(item)
    }

    fn over(&mut self, item: Item) -> Option<Settled> {
        match item {
            Item::Inventory(batch) => {
                self.inventory.settled(batch);
                None
            }
            Item::Readings(_) => None,
            Item::Decommissioned(_) => Some(Settled::Decommissioned),
            Item::Command { id, step, .. } => {
                let index = self.feeds.iter().position(|feed| feed.id == id)?;
                let feed = self.feeds.get_mut(index)?;
                feed.under_way.remove(&step);
                if !feed.complete() {
                    return None;
                }
                self.feeds.remove(index);
                Some(Settled::Command(id))
            }
        }
    }

    /// How much waits.
    #[must_use]
    pub fn lengths(&self) -> QueueLengths {
        QueueLengths {
            unacknowledged: self.under_way.len(),
            readings: self.readings.len(),
            commands: self.feeds.iter().filter(|feed| feed.has_ready() || !feed.under_way.is_empty()).count(),
        }
    }

    /// Whether nothing of any command waits or is under way.
    #[must_use]
    pub fn commands_delivered(&self) -> bool {
        self.lengths().commands == 0
    }

    fn feed(&mut self, id: Uuid) -> &mut Feed {
        let index = self.feeds.iter().position(|feed| feed.id == id).unwrap_or_else(|| {
            self.feeds.push_back(Feed {
                id,
                started_at: None,
                chunks: 0,
                result: None,
                next: 0,
                again: BTreeMap::new(),
                under_way: BTreeSet::new(),
            });
            self.feeds.len() - 1
        });
        &mut self.feeds[index]
    }
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
