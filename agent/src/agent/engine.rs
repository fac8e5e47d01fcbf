//! The main loop.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::handshake::Welcome;
use gururmm_protocol::message::{FromAgent, ToAgent};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

use super::leave::Leaving;
use super::{AgentError, Ended};
use crate::collect::Collected;
use crate::core::clock::Time;
use crate::core::outbox::{Outbox, Settled};
use crate::link::supervise::LinkEvent;
use crate::run::{RunEvent, Runner};
use crate::store::DataDir;
use crate::store::config::Config;
use crate::store::ledger::SharedLedger;
use crate::store::status::{LinkState, Status};

const TICK: Duration = Duration::from_secs(1);
/// While the agent ends, it looks this often whether all is done.
const LEAVING_TICK: Duration = Duration::from_millis(50);
/// A status that only counts differently is written this often at most; a change of state at once.
const STATUS_EVERY: Duration = Duration::from_secs(5);
const PRUNE_EVERY: Duration = Duration::from_secs(3_600);
/// How soon is looked whether a journal that cannot be written can be written again.
const MEND_EVERY: Duration = Duration::from_secs(60);
/// The clock offset is recorded anew when it has changed by this much.
const OFFSET_CHANGE: TimeDelta = TimeDelta::seconds(1);
/// How long the connection may take to close in order.
const CLOSE: Duration = Duration::from_secs(3);

/// What feeds the loop.
pub(super) struct Inputs {
    pub linked: mpsc::Receiver<LinkEvent>,
    pub ran: mpsc::UnboundedReceiver<RunEvent>,
    pub collected: mpsc::Receiver<Collected>,
    pub stop: CancellationToken,
}

/// A running session: where messages go, and what is said once and only in it.
pub(super) struct Session {
    outgoing: mpsc::Sender<FromAgent>,
    pub(super) urgent: VecDeque<FromAgent>,
}

/// Everything the agent knows.
pub(super) struct Engine {
    pub(super) dir: DataDir,
    pub(super) config: Config,
    pub(super) time: Arc<Time>,
    pub(super) ledger: SharedLedger,
    pub(super) outbox: Outbox,
    pub(super) runner: Runner,
    pub(super) session: Option<Session>,
    pub(super) leaving: Option<Leaving>,
    status: Status,
    status_written: Duration,
    status_changed: bool,
    status_refused: bool,
    pruned: Option<Duration>,
}

impl Engine {
    pub fn new(
        dir: DataDir,
        config: Config,
        time: Arc<Time>,
        ledger: SharedLedger,
        outbox: Outbox,
        runner: Runner,
    ) -> Self {
        let now = time.wall();
        let status = Status {
            state: LinkState::Connecting,
            since: now,
            reason: None,
            next_attempt: None,
            server: config.server.clone(),
            agent_id: config.agent_id,
            version: crate::VERSION.to_owned(),
            pid: std::process::id(),
            last_acknowledged: None,
            queues: outbox.lengths(),
            commands_in_progress: 0,
            problem: None,
            clock_offset_ms: None,
            written_at: now,
        };
        let status_written = time.steady();
        let mut engine = Self {
            dir,
            config,
            time,
            ledger,
            outbox,
            runner,
            session: None,
            leaving: None,
            status,
            status_written,
            status_changed: false,
            status_refused: false,
            pruned: None,
        };
        engine.write_status();
        engine
    }

    pub async fn run(
        mut self,
        mut inputs: Inputs,
        link_stop: CancellationToken,
        link: JoinHandle<()>,
    ) -> Result<(Ended, Option<DataDir>), AgentError> {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut sensors_live, mut link_live) = (true, true);
        while !self.may_leave() {
            let outgoing = self.sender();
            tokio::select! {
                event = inputs.linked.recv(), if link_live => match event {
                    Some(event) => self.on_link(event),
                    None => {
                        tracing::error!("the connection's task has failed; the agent ends so that it can be started anew");
                        link_live = false;
                        self.session_lost();
                        if self.leaving.is_none() {
                            self.stop_in_order();
                        }
                    }
                },
                Some(event) = inputs.ran.recv() => self.on_run(event),
                found = inputs.collected.recv(), if sensors_live => match found {
                    Some(found) => self.on_collected(found),
                    None => sensors_live = false,
                },
                permit = reserve(outgoing.as_ref()), if outgoing.is_some() => match permit {
                    Some(permit) => if let Some(message) = self.next_message() {
                        permit.send(message);
                    },
                    None => self.session_lost(),
                },
                _ = tick.tick() => self.on_tick(),
                () = tokio::time::sleep(LEAVING_TICK), if self.leaving.is_some() => {}
                () = inputs.stop.cancelled(), if self.leaving.is_none() => self.stop_in_order(),
            }
        }
        // Reports without an acknowledgement go again after the next start.
        self.session = None;
        link_stop.cancel();
        inputs.linked.close();
        if timeout(CLOSE, link).await.is_err() {
            tracing::warn!("the connection did not close in time");
        }
        let ended = self.farewell();
        // A decommissioned agent is not started again to do better: it goes on to remove itself.
        if link_live || ended.0 == Ended::Decommissioned { Ok(ended) } else { Err(AgentError::Broken) }
    }

    /// The session's channel, when there is something to send.
    fn sender(&self) -> Option<mpsc::Sender<FromAgent>> {
        let session = self.session.as_ref()?;
        (!session.urgent.is_empty() || self.outbox.has_ready(self.time.steady())).then(|| session.outgoing.clone())
    }

    fn next_message(&mut self) -> Option<FromAgent> {
        if let Some(urgent) = self.session.as_mut().and_then(|session| session.urgent.pop_front()) {
            return Some(urgent);
        }
        let mut ledger = self.ledger.lock();
        let (seq, report) = self.outbox.next(self.time.steady(), &mut *ledger)?;
        Some(FromAgent::Report { seq, report })
    }

    fn on_link(&mut self, event: LinkEvent) {
        match event {
            LinkEvent::Connecting => self.set_state(LinkState::Connecting, None, None),
            LinkEvent::Connected { welcome, received, outgoing } => self.on_welcome(*welcome, received, outgoing),
            LinkEvent::Message(message) => self.on_message(*message),
            LinkEvent::Ended { reason, retry_in } => {
                self.session_lost();
                let next =
                    TimeDelta::from_std(retry_in).ok().and_then(|wait| self.time.wall().checked_add_signed(wait));
                self.set_state(LinkState::Waiting, Some(reason), next);
            }
        }
    }

    fn on_welcome(&mut self, welcome: Welcome, received: Duration, outgoing: mpsc::Sender<FromAgent>) {
        let Welcome { agent_id, epoch, server_time, inventory, session_id, .. } = welcome;
        self.time.synchronize(server_time, received);
        let dated = self.ledger.lock().date_damage(server_time);
        if let Err(error) = dated {
            tracing::error!(%error, "when the journal was found damaged cannot be written down");
        }
        self.outbox.readings.date(&self.time.server());
        self.outbox.connected(inventory);
        let offset = self.time.offset();
        self.status.clock_offset_ms = Some(offset.num_milliseconds());
        self.status.agent_id = agent_id;
        let known_offset = TimeDelta::milliseconds(self.config.clock_offset_ms);
        let news = self.config.agent_id != agent_id
            || self.config.epoch < epoch
            || (offset - known_offset).abs() >= OFFSET_CHANGE;
        if news {
            self.config.agent_id = agent_id;
            self.config.epoch = self.config.epoch.max(epoch);
            self.config.clock_offset_ms = offset.num_milliseconds();
            if let Err(error) = self.config.save(&self.dir) {
                tracing::error!(%error, "what the server told cannot be recorded");
            }
        }
        // The server knows this key: what an enrollment without an answer left is of no use.
        if let Err(error) = self.config.remove_other_keys(&self.dir) {
            tracing::warn!(%error, "an unused key cannot be removed");
        }
        tracing::info!(session = %session_id, agent = %agent_id, offset_ms = offset.num_milliseconds(), "connected");
        self.session = Some(Session { outgoing, urgent: VecDeque::new() });
        self.set_state(LinkState::Connected, None, None);
    }

    fn on_message(&mut self, message: ToAgent) {
        match message {
            ToAgent::Ack { seqs } => {
                self.status.last_acknowledged = Some(self.time.wall());
                self.status_changed = true;
                for seq in seqs {
                    let settled = self.outbox.settle(seq);
                    self.on_settled(settled);
                }
            }
            ToAgent::Refused { seq, message } => {
                let message = gururmm_protocol::text::clean_line(&message, 400);
                tracing::warn!(seq, %message, "the server refused a report; it is not sent again");
                let settled = self.outbox.refuse(seq);
                self.on_settled(settled);
            }
            ToAgent::Envelope(envelope) => self.on_envelope(&envelope),
            ToAgent::QueryCommands { ids } => self.on_query(&ids),
            // A newer server's message, or one that belongs to the handshake.
            ToAgent::Unknown | ToAgent::Challenge(_) | ToAgent::Welcome(_) | ToAgent::Rejected(_) => {}
        }
    }

    fn on_settled(&mut self, settled: Option<Settled>) {
        match settled {
            None => {}
            Some(Settled::Command(id)) => {
                let recorded = self.ledger.lock().acknowledge(id);
                if let Err(error) = recorded {
                    tracing::error!(command = %id, %error, "an acknowledgement cannot be written down");
                }
            }
            Some(Settled::Decommissioned) => {
                if let Some(leaving) = &mut self.leaving {
                    leaving.acknowledged();
                }
            }
        }
    }

    fn on_run(&mut self, event: RunEvent) {
        self.status_changed = true;
        match event {
            RunEvent::Started { id, started_at } => self.outbox.command_started(id, started_at),
            RunEvent::Output { id } => self.outbox.command_output(id),
            RunEvent::Finished { id, result } => {
                tracing::info!(command = %id, outcome = ?result.outcome, "a command is over");
                self.outbox.command_finished(id, result);
            }
            RunEvent::Gone { id } => self.runner.gone(id),
        }
    }

    fn on_collected(&mut self, found: Collected) {
        self.status_changed = true;
        match found {
            Collected::Finding(finding) => {
                if let Err(error) = self.outbox.inventory.update(*finding) {
                    tracing::warn!(%error, "a section of the inventory cannot be sent");
                }
            }
            Collected::Reading { steady, reading } => {
                self.outbox.readings.push(steady, reading, &self.time.server());
            }
        }
    }

    fn on_tick(&mut self) {
        let now = self.time.steady();
        let trouble = self.ledger.lock().trouble().map(|trouble| format!("no command is started: {trouble}"));
        let prune_every = if trouble.is_some() { MEND_EVERY } else { PRUNE_EVERY };
        if self.status.problem != trouble {
            self.status.problem = trouble;
            self.write_status();
        }
        if self.status_changed && now.saturating_sub(self.status_written) >= STATUS_EVERY {
            self.write_status();
        }
        let due = self.pruned.is_none_or(|last| now.saturating_sub(last) >= prune_every);
        if due && self.time.server().synchronized() {
            self.pruned = Some(now);
            let pruned = self.ledger.lock().prune(self.time.now());
            if let Err(error) = pruned {
                tracing::error!(%error, "the journal cannot be pruned");
            }
        }
    }

    fn session_lost(&mut self) {
        self.session = None;
        self.outbox.disconnected();
    }

    pub(super) fn set_state(
        &mut self,
        state: LinkState,
        reason: Option<String>,
        next_attempt: Option<chrono::DateTime<chrono::Utc>>,
    ) {
        // While the agent tries again, the reason of the last failure stays readable.
        let retrying = state == LinkState::Connecting && self.status.state == LinkState::Waiting;
        if self.status.state != state {
            self.status.since = self.time.wall();
        }
        self.status.state = state;
        if !retrying {
            self.status.reason = reason;
        }
        self.status.next_attempt = next_attempt;
        self.write_status();
    }

    fn write_status(&mut self) {
        let queues = self.outbox.lengths();
        let in_progress = self.runner.in_progress();
        self.status.queues = queues;
        self.status.commands_in_progress = in_progress;
        self.status.written_at = self.time.wall();
        self.status_written = self.time.steady();
        self.status_changed = false;
        let saved = self.status.save(&self.dir);
        if let Err(error) = &saved
            && !self.status_refused
        {
            tracing::warn!(%error, "the status cannot be written; `status` shows an older one");
        }
        self.status_refused = saved.is_err();
    }
}

async fn reserve(outgoing: Option<&mpsc::Sender<FromAgent>>) -> Option<mpsc::Permit<'_, FromAgent>> {
    outgoing?.reserve().await.ok()
}
