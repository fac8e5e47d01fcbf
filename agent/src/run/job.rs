//! One command from its acceptance to its result.

use std::time::Duration;

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{CommandResult, Outcome, OutputStream, RunCommand};
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};
use uuid::Uuid;

use super::start::{self, NotStarted};
use super::{Context, Exit, Order, RunEvent, Stop};
use crate::core::journal::Record;
use crate::core::output::Output;
use crate::platform::{self, Prepared, Process};

/// Output waits this long for more before it is sent.
const FLUSH: Duration = Duration::from_millis(250);
/// After the process has ended, its pipes are read this much longer: something it left in the background may hold them.
/// After it was killed, its end is waited for as long.
const PIPES: Duration = Duration::from_secs(2);
const READ: usize = 16 * 1024;
/// Added to a reason.
const UNDYING: &str = "; it does not end even when killed";

/// A command that was accepted.
pub(super) struct Job {
    pub id: Uuid,
    pub expires_at: DateTime<Utc>,
    pub command: RunCommand,
}

/// Waits for a slot, writes down the start, runs the command and writes down its end.
pub(super) async fn run(context: &Context, job: Job, mut stop: watch::Receiver<Option<Stop>>) {
    let slot = tokio::select! {
        biased;
        why = stopped(&mut stop) => {
            // When the agent ends, a command that was not started is forgotten: it may be sent again.
            if why == Stop::Cancelled {
                finish(context, &job, end(context, Outcome::Cancelled, Some("cancelled before it was started")));
            }
            return;
        }
        slot = context.slots.acquire() => slot,
    };
    let Ok(_slot) = slot else { return };
    if context.time.now() >= job.expires_at {
        let reason = "its expiry passed while it waited for other commands of this agent";
        finish(context, &job, end(context, Outcome::Expired, Some(reason)));
        return;
    }
    let started_at = context.time.now();
    let started = Record::Started { id: job.id, expires_at: job.expires_at, started_at };
    let recorded = context.ledger.lock().record(started);
    if let Err(error) = recorded {
        // Without the journal nothing may run: it could run twice.
        let reason = format!("not started, because the journal cannot be written: {error}");
        finish(context, &job, end(context, Outcome::Failed, Some(&reason)));
        return;
    }
    let _ = context.events.send(RunEvent::Started { id: job.id, started_at });
    let mut result = execute(context, &job, stop).await;
    result.started_at = Some(started_at);
    finish(context, &job, result);
}

fn end(context: &Context, outcome: Outcome, reason: Option<&str>) -> CommandResult {
    CommandResult::bare(outcome, reason, context.time.now())
}

fn finish(context: &Context, job: &Job, result: CommandResult) {
    let recorded = context.ledger.lock().finish(job.id, job.expires_at, result.clone());
    if let Err(error) = recorded {
        tracing::error!(command = %job.id, %error, "a result cannot be written down; it is sent from memory");
    }
    let _ = context.events.send(RunEvent::Finished { id: job.id, result });
}

/// Waits until somebody stops the command; for ever when nobody can any more.
async fn stopped(stop: &mut watch::Receiver<Option<Stop>>) -> Stop {
    match stop.wait_for(Option::is_some).await.map(|why| *why) {
        Ok(Some(why)) => why,
        _ => std::future::pending().await,
    }
}

/// Why the tree is being ended.
#[derive(Clone, Copy)]
enum Killed {
    TimedOut,
    Stopped(Stop),
}

async fn execute(context: &Context, job: &Job, mut stop: watch::Receiver<Option<Stop>>) -> CommandResult {
    match start_process(context, job, &mut stop).await {
        Ok(process) => attend(context, job, process, stop).await,
        Err(not_started) => {
            let (outcome, reason) = without_process(not_started);
            end(context, outcome, Some(&reason))
        }
    }
}

/// Lets a process run, and waits until it is over and its output is read. One that was stopped in the last moment of its start
/// is not let run: it is only ended.
pub(super) async fn attend(
    context: &Context,
    job: &Job,
    mut process: Process,
    mut stop: watch::Receiver<Option<Stop>>,
) -> CommandResult {
    let command = &job.command;
    let stopped_already = *stop.borrow();
    if let Some(why) = stopped_already {
        platform::kill_tree(process.tree()).await;
        let ended = matches!(timeout(PIPES, process.wait()).await, Ok(Ok(_)));
        let (outcome, mut reason) = without_process(NotStarted::Stopped(why));
        if !ended {
            reason.push_str(UNDYING);
        }
        return end(context, outcome, Some(&reason));
    }
    // Here, and nowhere before: from now on it is waited for, whatever happens.
    if let Err(error) = process.begin() {
        return end(context, Outcome::Failed, Some(&format!("the program could not be started: {error}")));
    }
    let mut pump = Pump::new(context, job, process.output());
    let deadline = Instant::now() + Duration::from_secs(u64::from(command.timeout_seconds));
    let mut exit: Option<Exit> = None;
    let mut killed: Option<Killed> = None;
    let mut killing: Option<JoinHandle<()>> = None;
    let mut give_up: Option<Instant> = None;

    while exit.is_none() || killing.is_some() || pump.is_open() {
        tokio::select! {
            () = pump.step() => {}
            ended = process.wait(), if exit.is_none() => {
                match ended {
                    Ok(ended) => exit = Some(ended),
                    Err(error) => {
                        tracing::error!(command = %job.id, %error, "the process cannot be waited for");
                        break;
                    }
                }
                give_up = Some(Instant::now() + PIPES);
            }
            () = sleep_until(deadline), if exit.is_none() && killed.is_none() => {
                killed = Some(Killed::TimedOut);
                killing = Some(tokio::spawn(platform::kill_tree(process.tree())));
            }
            why = stopped(&mut stop), if exit.is_none() && killed.is_none() => {
                killed = Some(Killed::Stopped(why));
                killing = Some(tokio::spawn(platform::kill_tree(process.tree())));
            }
            () = done(&mut killing) => {
                killing = None;
                give_up = Some(Instant::now() + PIPES);
            }
            () = until(give_up), if killing.is_none() => break,
        }
    }
    pump.close();
    let (chunks, dropped) = (pump.chunks, pump.dropped());
    let (outcome, reason) = verdict(exit.as_ref(), killed, command.timeout_seconds);
    CommandResult {
        exit_code: exit.as_ref().and_then(|exit| exit.code),
        signal: exit.as_ref().and_then(|exit| exit.signal),
        output_chunks: chunks,
        output_dropped_bytes: dropped,
        ..end(context, outcome, reason.as_deref())
    }
}

async fn start_process(
    context: &Context,
    job: &Job,
    stop: &mut watch::Receiver<Option<Stop>>,
) -> Result<Process, NotStarted> {
    let (id, command) = (job.id, job.command.clone());
    let (scratch, data_dir) = (context.scratch.clone(), context.data_dir.clone());
    let prepare = move || Prepared::new(&Order { id, command: &command, scratch: &scratch, data_dir: &data_dir });
    let runtime = Handle::current();
    let undo = move |process: Process| {
        tracing::warn!(command = %id, "a command started after it was given up; it is ended");
        runtime.block_on(platform::kill_tree(process.tree()));
    };
    start::start(&context.starts, start::PATIENCE, prepare, Prepared::spawn, undo, stopped(stop)).await
}

/// How a command ends of which there is no process.
fn without_process(not_started: NotStarted) -> (Outcome, String) {
    match not_started {
        NotStarted::Refused(reason) => (Outcome::Failed, reason),
        NotStarted::Late => {
            let reason = format!(
                "it did not start within {} s: its program or working directory may lie on a disk that does not \
                 answer. {}",
                start::PATIENCE.as_secs(),
                platform::STARTED_LATE
            );
            (Outcome::Failed, reason)
        }
        NotStarted::TooMany => {
            let reason =
                "not started: too many earlier commands hang at their start, as on a disk that does not answer";
            (Outcome::Failed, reason.to_owned())
        }
        NotStarted::Stopped(Stop::Cancelled) => {
            (Outcome::Cancelled, format!("cancelled while it was being started. {}", platform::STARTED_LATE))
        }
        NotStarted::Stopped(Stop::AgentEnds(why)) => (Outcome::Unknown, why.to_owned()),
    }
}

fn verdict(exit: Option<&Exit>, killed: Option<Killed>, timeout_seconds: u32) -> (Outcome, Option<String>) {
    let still_there = if exit.is_none() { UNDYING } else { "" };
    match (killed, exit) {
        (Some(Killed::TimedOut), _) => {
            (Outcome::TimedOut, Some(format!("it did not end within {timeout_seconds} s{still_there}")))
        }
        (Some(Killed::Stopped(Stop::Cancelled)), _) => (Outcome::Cancelled, Some(format!("cancelled{still_there}"))),
        (Some(Killed::Stopped(Stop::AgentEnds(why))), _) => (Outcome::Unknown, Some(why.to_owned())),
        (None, Some(exit)) if exit.success => (Outcome::Succeeded, exit.note.clone()),
        (None, Some(exit)) => (Outcome::Failed, exit.note.clone()),
        (None, None) => (Outcome::Unknown, Some("how the process ended could not be found out".into())),
    }
}

async fn done(killing: &mut Option<JoinHandle<()>>) {
    match killing {
        // A task that panicked has ended as well.
        Some(task) => drop(task.await),
        None => std::future::pending().await,
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

type Readable = Box<dyn AsyncRead + Send + Unpin>;

/// One pipe of the process, until it is closed.
struct Pipe {
    which: OutputStream,
    from: Option<Readable>,
    buffer: Vec<u8>,
}

impl Pipe {
    fn new(which: OutputStream, from: Option<Readable>) -> Self {
        Self { which, from, buffer: vec![0; READ] }
    }

    /// Reads what is there; 0 is the end. Waits for ever once the pipe is closed.
    async fn read(&mut self) -> usize {
        match &mut self.from {
            Some(from) => from.read(&mut self.buffer).await.unwrap_or(0),
            None => std::future::pending().await,
        }
    }
}

/// From the pipes to the disk.
struct Pump<'a> {
    context: &'a Context,
    id: Uuid,
    pipes: [Pipe; 2],
    output: Output,
    flush_at: Option<Instant>,
    chunks: u32,
    lost: u64,
}

impl<'a> Pump<'a> {
    fn new(context: &'a Context, job: &Job, [stdout, stderr]: [Option<Readable>; 2]) -> Self {
        let secrets = job.command.secrets.values().map(String::as_str);
        Self {
            context,
            id: job.id,
            pipes: [Pipe::new(OutputStream::Stdout, stdout), Pipe::new(OutputStream::Stderr, stderr)],
            output: Output::new(job.command.output_limit_bytes, secrets, platform::OUTPUT_ENCODING),
            flush_at: None,
            chunks: 0,
            lost: 0,
        }
    }

    fn is_open(&self) -> bool {
        self.pipes.iter().any(|pipe| pipe.from.is_some())
    }

    /// One read or one flush. Losing this future between polls loses nothing.
    async fn step(&mut self) {
        let [out, err] = &mut self.pipes;
        let (index, read) = tokio::select! {
            read = out.read() => (0, read),
            read = err.read() => (1, read),
            () = until(self.flush_at) => {
                self.flush(true);
                return;
            }
        };
        let pipe = &mut self.pipes[index];
        if read == 0 {
            pipe.from = None;
            self.output.end(pipe.which);
        } else {
            self.output.push(pipe.which, &pipe.buffer[..read]);
        }
        if self.output.has_full_chunk() {
            self.flush(false);
        }
        if self.output.has_text() {
            self.flush_at.get_or_insert(Instant::now() + FLUSH);
        }
    }

    fn flush(&mut self, all: bool) {
        for (stream, text) in self.output.chunks(all) {
            let bytes = text.len() as u64;
            let stored = self.context.ledger.lock().append(self.id, stream, text);
            match stored {
                Ok(()) => {
                    self.chunks = self.chunks.saturating_add(1);
                    let _ = self.context.events.send(RunEvent::Output { id: self.id });
                }
                Err(error) => {
                    if self.lost == 0 {
                        tracing::error!(command = %self.id, %error, "output cannot be stored and is dropped");
                    }
                    self.lost = self.lost.saturating_add(bytes);
                }
            }
        }
        if all {
            self.flush_at = None;
        }
    }

    /// The end: pipes that are still open are closed, what was held back is stored.
    fn close(&mut self) {
        for index in 0..self.pipes.len() {
            if self.pipes[index].from.take().is_some() {
                self.output.end(self.pipes[index].which);
            }
        }
        self.flush(true);
    }

    fn dropped(&self) -> u64 {
        self.output.dropped().saturating_add(self.lost)
    }
}
