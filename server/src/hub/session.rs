//! An established session: reads what the agent says, in order, and sends what it has to do.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use futures_util::stream::SplitStream;
use futures_util::{FutureExt as _, StreamExt as _};
use gururmm_protocol::command::{CommandEvent, CommandStatus};
use gururmm_protocol::enroll::MachineIdentity;
use gururmm_protocol::envelope::{Refusal, SignedEnvelope};
use gururmm_protocol::handshake::Rejected;
use gururmm_protocol::message::{FromAgent, Report, ToAgent};
use gururmm_protocol::{limits, text};
use tokio::sync::mpsc;
use tokio::time::Instant;
use uuid::Uuid;

use super::bus::{AgentSignal, Inbox, Signals};
use super::dispatch::Dispatch;
use super::frames::{self, Frame};
use super::pace::{SharedPace, locked};
use super::registry::Handle;
use super::reject;
use super::reports::{self, Outcome};
use crate::agents::decommission::{self, Refused};
use crate::agents::standing::{self, Verdict};
use crate::app::App;
use crate::commands::link::{self, Recipient};
use crate::core::{Error, Result};
use crate::db;

/// Acknowledgements in one message at most.
const MAX_ACKS: usize = 32;
/// How long one piece of work is tried again while the database is away.
const DATABASE_PATIENCE: Duration = Duration::from_secs(600);
/// Longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(5);
/// Tries of work that fails although the database is there.
const MAX_FAILURES: u32 = 3;

/// How a session ended.
pub enum Ending {
    /// Nobody is there any more, or nobody was heard for too long.
    Gone,
    /// The agent is told why.
    Rejected(Rejected),
    /// The agent has obeyed its decommission order.
    Done,
}

/// Where a session puts what is to be sent.
pub struct Outbox(mpsc::Sender<Message>);

impl Outbox {
    /// Puts into this queue.
    #[must_use]
    pub const fn new(queue: mpsc::Sender<Message>) -> Self {
        Self(queue)
    }

    /// Queues a frame; without a writer it is lost, like the connection.
    pub async fn send(&self, frame: Message) {
        let _ = self.0.send(frame).await;
    }

    async fn say(&self, message: &ToAgent) -> Result<(), Ending> {
        let text = message.encode().map_err(|_| Ending::Gone)?;
        self.0.send(Message::Text(text.into())).await.map_err(|_| Ending::Gone)
    }
}

/// One session.
pub struct Session {
    app: App,
    handle: Arc<Handle>,
    machine: MachineIdentity,
    /// Serves only the decommission order.
    restricted: bool,
    inbox: Arc<Inbox>,
    dispatch: Dispatch,
    /// Reports that are stored and not acknowledged yet.
    acks: Vec<u64>,
    pace: SharedPace,
    /// The next frame is read no sooner.
    read_at: Instant,
    /// Without a frame until then, the agent is gone.
    silent_at: Instant,
}

enum Step {
    Signals(Signals),
    Frame(Frame),
    FlushAcks,
    Silence,
    NoAnswer,
}

impl Session {
    /// A session that has not begun.
    #[must_use]
    pub fn new(app: App, handle: Arc<Handle>, machine: MachineIdentity, restricted: bool, inbox: Arc<Inbox>) -> Self {
        let now = Instant::now();
        let silent_at = now + app.hub.silence;
        let pace = app.hub.sessions.paces.of(handle.agent_id, now);
        let read_at = locked(&pace).ready_at(now);
        Self {
            app,
            handle,
            machine,
            restricted,
            inbox,
            dispatch: Dispatch::default(),
            acks: Vec::new(),
            pace,
            read_at,
            silent_at,
        }
    }

    /// Runs until it ends.
    pub async fn run(&mut self, stream: &mut SplitStream<WebSocket>, out: &Outbox, welcome: &ToAgent) -> Ending {
        match self.converse(stream, out, welcome).await {
            Err(ending) => ending,
        }
    }

    async fn converse(
        &mut self,
        stream: &mut SplitStream<WebSocket>,
        out: &Outbox,
        welcome: &ToAgent,
    ) -> Result<Infallible, Ending> {
        // Whoever is told to leave before the beginning gets no welcome.
        if let Some(ending) = self.told_to_end().now_or_never() {
            return Err(ending);
        }
        out.say(welcome).await?;
        // What handles a step is large and lives for a moment. Boxed, it takes its memory only then: in place, every
        // idle session would hold room for it (some 15 KB).
        loop {
            match self.next_step(stream).await? {
                Step::Signals(signals) => Box::pin(self.on_signals(signals, out)).await?,
                Step::Frame(frame) => {
                    Box::pin(self.on_frame(frame, out)).await?;
                    self.silent_at = Instant::now() + self.app.hub.silence;
                }
                Step::FlushAcks => self.flush_acks(out).await?,
                Step::Silence => return Err(Ending::Gone),
                Step::NoAnswer => {
                    tracing::warn!(agent_id = %self.handle.agent_id, "no answer about earlier commands; sending new ones");
                    self.dispatch.stop_waiting();
                    Box::pin(self.send_work(out)).await?;
                }
            }
        }
    }

    async fn next_step(&mut self, stream: &mut SplitStream<WebSocket>) -> Result<Step, Ending> {
        let answer_due = self.dispatch.waits_until();
        let (read_at, silent_at) = (self.read_at, self.silent_at);
        let frame = async {
            tokio::time::sleep_until(read_at).await;
            tokio::time::timeout_at(silent_at.max(read_at), stream.next()).await
        };
        Ok(tokio::select! {
            biased;
            ending = self.told_to_end() => return Err(ending),
            signals = self.inbox.next() => Step::Signals(signals),
            received = frame => match received {
                Ok(received) => Step::Frame(frames::judge(received, limits::MAX_MESSAGE)),
                Err(_) => Step::Silence,
            },
            () = std::future::ready(()), if !self.acks.is_empty() => Step::FlushAcks,
            () = tokio::time::sleep_until(answer_due.unwrap_or(silent_at)), if answer_due.is_some() => Step::NoAnswer,
        })
    }

    /// Waits until somebody else ends this session. Cancel-safe.
    async fn told_to_end(&self) -> Ending {
        tokio::select! {
            rejected = self.handle.told_to_leave() => Ending::Rejected(rejected),
            () = self.app.shutdown.cancelled() => Ending::Rejected(reject::shutting_down()),
        }
    }

    async fn on_frame(&mut self, frame: Frame, out: &Outbox) -> Result<(), Ending> {
        let text = match frame {
            Frame::Text(text) => Some(text),
            Frame::Sign => None,
            Frame::Gone => return Err(Ending::Gone),
            Frame::Violation(rejected) => return Err(Ending::Rejected(rejected)),
        };
        self.handle.seen(self.app.env.now());
        self.read_at = locked(&self.pace).next_read(text.as_ref().map_or(0, String::len), Instant::now());
        match text {
            Some(text) => self.on_text(text, out).await,
            None => Ok(()),
        }
    }

    async fn on_text(&mut self, text: String, out: &Outbox) -> Result<(), Ending> {
        metrics::counter!("agent_messages_total").increment(1);
        let message = FromAgent::decode(&text);
        // It may be large, and what follows may have to wait.
        drop(text);
        match message {
            Ok(FromAgent::Report { seq, report }) => self.on_report(seq, report, out).await,
            Ok(FromAgent::CommandStatus { commands }) => self.on_status(commands, out).await,
            Ok(FromAgent::EnvelopeRefused { id, refusal }) => self.on_refused(id, refusal, out).await,
            Ok(FromAgent::Unknown) => Ok(()),
            Ok(FromAgent::Hello(_)) => {
                Err(Ending::Rejected(reject::violation("out_of_order", "hello may only be the first message")))
            }
            Err(unreadable) => match unreadable.seq {
                Some(seq) => refuse(seq, &unreadable.problem, out).await,
                None => Err(Ending::Rejected(reject::violation("unreadable", "the message cannot be read"))),
            },
        }
    }

    async fn on_report(&mut self, seq: u64, report: Report, out: &Outbox) -> Result<(), Ending> {
        let (app, handle, restricted, pace) = (&self.app, &*self.handle, self.restricted, &self.pace);
        let outcome = self
            .patiently(|| async {
                match reports::store(app, handle, restricted, &report, pace).await {
                    // The agent deletes what is refused: only what can never be stored.
                    Err(error) if db::is_bad_data(&error) => {
                        tracing::error!(agent_id = %handle.agent_id, %error, cause = cause(&error), "unstorable report");
                        // How much of it was done is not known, and nothing keeps the agent from sending it again.
                        locked(pace).charge(limits::MAX_SECTION, Instant::now());
                        Ok(Outcome::Refused("the server cannot store this report".to_owned()))
                    }
                    outcome => outcome,
                }
            })
            .await?;
        self.read_at = self.read_at.max(locked(&self.pace).ready_at(Instant::now()));
        match &outcome {
            Outcome::Refused(reason) => return refuse(seq, reason, out).await,
            Outcome::Stored | Outcome::Decommissioned => self.acks.push(seq),
        }
        if self.acks.len() >= MAX_ACKS || outcome == Outcome::Decommissioned {
            self.flush_acks(out).await?;
        }
        if outcome == Outcome::Decommissioned {
            return Err(Ending::Done);
        }
        if let Report::Command { id, event: CommandEvent::Finished(_) } = report {
            self.dispatch.ended(id);
            // A place is free.
            self.send_work(out).await?;
        }
        Ok(())
    }

    async fn flush_acks(&mut self, out: &Outbox) -> Result<(), Ending> {
        let seqs = std::mem::take(&mut self.acks);
        out.say(&ToAgent::Ack { seqs }).await
    }

    async fn on_status(&mut self, commands: Vec<CommandStatus>, out: &Outbox) -> Result<(), Ending> {
        let counted = self.dispatch.answered(commands);
        if !counted.is_empty() {
            let (app, agent_id) = (&self.app, self.handle.agent_id);
            self.patiently(|| link::on_status(app, agent_id, counted.clone())).await?;
        }
        self.send_work(out).await
    }

    async fn on_refused(&mut self, id: Option<Uuid>, refusal: Refusal, out: &Outbox) -> Result<(), Ending> {
        let (app, agent_id) = (&self.app, self.handle.agent_id);
        metrics::counter!("envelopes_refused_total").increment(1);
        tracing::warn!(%agent_id, envelope_id = ?id, %refusal, "an agent refused an envelope");
        let Some(id) = id else { return Ok(()) };
        match self.patiently(|| decommission::on_refused(app, agent_id, id, refusal)).await? {
            // The clock by which the agent judges an expiry is set by the handshake.
            Refused::Renewed => return Err(Ending::Rejected(reject::connect_again())),
            Refused::Closed => {}
            Refused::NotAnOrder => {
                self.patiently(|| link::on_envelope_refused(app, agent_id, id, refusal)).await?;
            }
        }
        self.send_work(out).await
    }

    async fn on_signals(&mut self, signals: Signals, out: &Outbox) -> Result<(), Ending> {
        let recheck = signals.has(AgentSignal::Recheck);
        if recheck || signals.has(AgentSignal::Standing) {
            self.read_standing().await?;
        }
        if recheck && !self.restricted && !self.dispatch.is_new() {
            self.ask_again(out).await?;
        }
        self.send_work(out).await
    }

    /// Asks about commands that are silent for too long: this session may never have handed them over.
    async fn ask_again(&mut self, out: &Outbox) -> Result<(), Ending> {
        let (app, agent_id) = (&self.app, self.handle.agent_id);
        let silent = self.patiently(|| link::silent(app, agent_id)).await?;
        let ids = self.dispatch.ask_again(silent);
        if ids.is_empty() { Ok(()) } else { out.say(&ToAgent::QueryCommands { ids }).await }
    }

    /// Reads what the key is worth now, and leaves if that is nothing.
    async fn read_standing(&mut self) -> Result<(), Ending> {
        let (app, key) = (&self.app, &self.handle.key);
        let Some(record) = self.patiently(|| standing::of_key(app, key)).await? else {
            return Err(Ending::Rejected(reject::unknown_key()));
        };
        if record.agent_id != self.handle.agent_id {
            return Err(Ending::Rejected(reject::connect_again()));
        }
        self.restricted = match standing::judge(&record, &self.machine) {
            Verdict::Welcome => false,
            Verdict::DecommissionOnly => true,
            Verdict::Quarantined | Verdict::Clone => return Err(Ending::Rejected(reject::quarantined())),
            Verdict::NotThisMachine => return Err(Ending::Rejected(reject::not_this_machine())),
            Verdict::Gone => return Err(Ending::Rejected(reject::unknown_key())),
        };
        Ok(())
    }

    /// Sends what is to be sent: first the question about earlier commands; after its answer, orders and commands.
    async fn send_work(&mut self, out: &Outbox) -> Result<(), Ending> {
        let (app, agent_id) = (&self.app, self.handle.agent_id);
        if self.dispatch.is_new() && !self.restricted {
            let ids = self.patiently(|| link::open_commands(app, agent_id)).await?;
            self.dispatch.asked(&ids, Instant::now());
            if !ids.is_empty() {
                out.say(&ToAgent::QueryCommands { ids }).await?;
            }
        }
        if self.dispatch.waits_until().is_some() && !self.restricted {
            return Ok(());
        }
        let orders = self.patiently(|| link::orders(&self.app, self.recipient())).await?;
        for order in self.dispatch.unsent(orders, self.restricted) {
            self.hand_over(order, out).await?;
        }
        if self.restricted {
            return Ok(());
        }
        for command in self.patiently(|| link::claim(&self.app, self.recipient())).await? {
            self.dispatch.handed_over(&command);
            self.hand_over(command, out).await?;
        }
        Ok(())
    }

    fn recipient(&self) -> Recipient<'_> {
        Recipient { agent_id: self.handle.agent_id, key: &self.handle.key, machine_id: &self.machine.machine_id }
    }

    async fn hand_over(&self, envelope: SignedEnvelope, out: &Outbox) -> Result<(), Ending> {
        metrics::counter!("envelopes_sent_total").increment(1);
        out.say(&ToAgent::Envelope(envelope)).await
    }

    /// Does work that needs the database, again and again while it is away, so that the agent loses neither its
    /// connection nor a report. Work that keeps failing although the database is there ends the session: the agent
    /// keeps what is not acknowledged, and comes again later.
    async fn patiently<T, W: Future<Output = Result<T>>>(&self, work: impl Fn() -> W) -> Result<T, Ending> {
        let done = tokio::select! {
            biased;
            ending = self.told_to_end() => return Err(ending),
            done = persist(work) => done,
        };
        done.map_err(|error| {
            if !matches!(error, Error::Unavailable { .. }) {
                tracing::error!(agent_id = %self.handle.agent_id, %error, cause = cause(&error), "a session's work failed");
            }
            Ending::Rejected(reject::busy())
        })
    }
}

/// What only the log may say of an error.
fn cause(error: &Error) -> Option<String> {
    std::error::Error::source(error).map(|cause| format!("{cause:#}"))
}

async fn refuse(seq: u64, reason: &str, out: &Outbox) -> Result<(), Ending> {
    metrics::counter!("agent_reports_refused_total").increment(1);
    out.say(&ToAgent::Refused { seq, message: text::clean_line(reason, limits::MAX_TEXT) }).await
}

async fn persist<T, W: Future<Output = Result<T>>>(work: impl Fn() -> W) -> Result<T> {
    let give_up = Instant::now() + DATABASE_PATIENCE;
    let (mut pause, mut failures) = (Duration::from_millis(200), 0);
    loop {
        match work().await {
            Err(Error::Unavailable { .. }) if Instant::now() < give_up => {}
            Err(Error::Internal(_)) if failures < MAX_FAILURES => failures += 1,
            done => return done,
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(MAX_PAUSE);
    }
}
