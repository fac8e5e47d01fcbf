//! Commands of an automatic agent: the journal (at most once), the queue, and what pretends to run.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{
    CommandEvent, CommandResult, CommandStatus, Knowledge, Outcome, OutputStream, RunCommand,
};
use gururmm_protocol::message::Report;
use tokio::time::Instant;
use uuid::Uuid;

use super::outbox::Outbox;
use super::workload::{Course, course};
use crate::Machine;

/// Commands that run at the same time.
const SLOTS: usize = 4;

/// What is known of every command that ever arrived.
#[derive(Default)]
pub struct Commands {
    journal: HashMap<Uuid, Entry>,
    waiting: VecDeque<(Uuid, RunCommand)>,
    running: Vec<Running>,
    /// The server's clock when something last happened: what a restarted machine dates its results by.
    last_seen: Option<DateTime<Utc>>,
}

enum Entry {
    Waiting,
    Running,
    Finished(CommandResult),
}

struct Running {
    id: Uuid,
    course: Course,
    started_at: DateTime<Utc>,
    next: Instant,
    chunks: u32,
}

impl Commands {
    /// Takes a command, unless it was here before.
    pub fn accept(&mut self, id: Uuid, run: RunCommand) {
        if let std::collections::hash_map::Entry::Vacant(entry) = self.journal.entry(id) {
            entry.insert(Entry::Waiting);
            self.waiting.push_back((id, run));
        }
    }

    /// Stops a command, or makes sure that it never starts.
    pub fn cancel(&mut self, id: Uuid, now: DateTime<Utc>, outbox: &mut Outbox) {
        self.last_seen = Some(now);
        if matches!(self.journal.get(&id), Some(Entry::Finished(_))) {
            return;
        }
        self.waiting.retain(|(waiting, _)| *waiting != id);
        let running = self.running.iter().position(|running| running.id == id);
        let running = running.map(|index| self.running.swap_remove(index));
        let result = CommandResult {
            started_at: running.as_ref().map(|running| running.started_at),
            output_chunks: running.as_ref().map_or(0, |running| running.chunks),
            ..CommandResult::bare(Outcome::Cancelled, None, now)
        };
        self.finish(id, result, outbox);
    }

    /// Answers what the server asks. A command that only waits is given up: the server will send it again.
    pub fn status(&mut self, ids: &[Uuid], outbox: &mut Outbox) -> Vec<CommandStatus> {
        ids.iter()
            .map(|&id| {
                let knowledge = match self.journal.get(&id) {
                    None => Knowledge::NeverHad,
                    Some(Entry::Waiting) => {
                        self.journal.remove(&id);
                        self.waiting.retain(|(waiting, _)| *waiting != id);
                        Knowledge::NeverHad
                    }
                    Some(Entry::Running) => Knowledge::InProgress,
                    Some(Entry::Finished(result)) => {
                        resend(id, result, outbox);
                        Knowledge::Finished
                    }
                };
                CommandStatus { id, knowledge }
            })
            .collect()
    }

    /// Starts what there is a slot for, and lets what runs go on. Returns how many commands ended.
    pub fn advance(
        &mut self,
        now: DateTime<Utc>,
        machine: &Machine,
        statement_takes: Duration,
        rng: &mut fastrand::Rng,
        outbox: &mut Outbox,
    ) -> u64 {
        self.last_seen = Some(now);
        let mut ended = 0;
        let mut index = 0;
        while index < self.running.len() {
            if self.running[index].step(outbox) {
                let done = self.running.swap_remove(index);
                let result = CommandResult {
                    exit_code: done.course.exit_code,
                    started_at: Some(done.started_at),
                    output_chunks: done.chunks,
                    output_dropped_bytes: done.course.dropped,
                    ..CommandResult::bare(done.course.outcome, None, now)
                };
                self.finish(done.id, result, outbox);
                ended += 1;
            } else {
                index += 1;
            }
        }
        while self.running.len() < SLOTS
            && let Some((id, run)) = self.waiting.pop_front()
        {
            let course = course(&run, machine, now, statement_takes, rng);
            self.journal.insert(id, Entry::Running);
            outbox.push(Report::Command { id, event: CommandEvent::Started { started_at: now } });
            let next = Instant::now() + course.chunks.front().map_or(course.tail, |(pause, ..)| *pause);
            self.running.push(Running { id, course, started_at: now, next, chunks: 0 });
        }
        ended
    }

    /// When [`Self::advance`] has something to do; now, if a command waits for a slot that is free.
    pub fn next(&self) -> Option<Instant> {
        if self.running.len() < SLOTS && !self.waiting.is_empty() {
            return Some(Instant::now());
        }
        self.running.iter().map(|running| running.next).min()
    }

    /// The machine went down: what ran has an unknown end. Returns the server's clock as last known.
    pub fn machine_restarted(&mut self, outbox: &mut Outbox) -> Option<DateTime<Utc>> {
        let reason = "the agent stopped while the command ran";
        for running in std::mem::take(&mut self.running) {
            let result = CommandResult {
                started_at: Some(running.started_at),
                output_chunks: running.chunks,
                ..CommandResult::bare(Outcome::Unknown, Some(reason), self.last_seen.unwrap_or(running.started_at))
            };
            self.finish(running.id, result, outbox);
        }
        self.last_seen
    }

    /// Notes the server's clock.
    pub const fn seen(&mut self, now: DateTime<Utc>) {
        self.last_seen = Some(now);
    }

    fn finish(&mut self, id: Uuid, result: CommandResult, outbox: &mut Outbox) {
        outbox.push(Report::Command { id, event: CommandEvent::Finished(result.clone()) });
        self.journal.insert(id, Entry::Finished(result));
    }
}

impl Running {
    /// Does everything that is due; true when the process is over.
    fn step(&mut self, outbox: &mut Outbox) -> bool {
        while self.next <= Instant::now() {
            let Some((_, stream, text)) = self.course.chunks.pop_front() else { return true };
            outbox.push(output(self.id, self.chunks, stream, text));
            self.chunks += 1;
            self.next += self.course.chunks.front().map_or(self.course.tail, |(pause, ..)| *pause);
        }
        false
    }
}

fn output(id: Uuid, index: u32, stream: OutputStream, text: String) -> Report {
    Report::Command { id, event: CommandEvent::Output { index, stream, text } }
}

fn resend(id: Uuid, result: &CommandResult, outbox: &mut Outbox) {
    let on_its_way =
        |report: &Report| matches!(report, Report::Command { id: of, event: CommandEvent::Finished(_) } if *of == id);
    if !outbox.holds(on_its_way) {
        outbox.push(Report::Command { id, event: CommandEvent::Finished(result.clone()) });
    }
}
