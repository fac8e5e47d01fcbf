//! One session of an automatic agent.

use std::collections::BTreeMap;
use std::time::Duration;

use gururmm_protocol::envelope::{Action, SignedEnvelope};
use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::inventory::InventorySection;
use gururmm_protocol::limits::SESSION_TIMEOUT;
use gururmm_protocol::message::{FromAgent, Report, ToAgent};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{AutoAgent, End, SessionEnd};
use crate::{Session, SimError};

impl AutoAgent {
    pub(super) async fn live(
        &mut self,
        mut session: Session,
        stop: &CancellationToken,
    ) -> Result<SessionEnd, SimError> {
        self.agent.machine.settle(session.now());
        self.commands.seen(session.now());
        self.outbox.new_session();
        let mut held = session.welcome().inventory.clone();
        self.queue_inventory(&mut held)?;
        let leave = self.behaviour.reconnect_every.map(|mean| Instant::now() + mean.mul_f64(0.5 + self.rng.f64()));
        loop {
            let ended = self.commands.advance(
                session.now(),
                &self.agent.machine,
                self.behaviour.statement_takes,
                &mut self.rng,
                &mut self.outbox,
            );
            self.stats.commands_ran(ended);
            self.outbox.flush(&mut session).await?;
            let dead = session.link().last_frame() + SESSION_TIMEOUT;
            let wake = [Some(self.next_tick), Some(dead), leave, self.commands.next()].into_iter().flatten().min();
            tokio::select! {
                () = stop.cancelled() => {
                    session.close().await;
                    return Ok(SessionEnd::Final(End::Stopped));
                }
                message = session.link().receive() => {
                    if let Some(end) = self.hear(message?, &mut session).await? {
                        return Ok(end);
                    }
                }
                () = tokio::time::sleep_until(wake.unwrap_or(dead)) => {
                    let now = Instant::now();
                    if now >= dead {
                        return Err(SimError::Closed { code: None });
                    }
                    if leave.is_some_and(|leave| now >= leave) {
                        return Ok(SessionEnd::Left { restart: self.rng.u32(0..5) == 0 });
                    }
                    if now >= self.next_tick {
                        self.tick(&mut session, &mut held).await?;
                    }
                }
            }
        }
    }

    async fn hear(&mut self, message: ToAgent, session: &mut Session) -> Result<Option<SessionEnd>, SimError> {
        match message {
            ToAgent::Ack { seqs } => {
                for seq in seqs {
                    match self.outbox.settled(seq) {
                        Some(Report::Decommissioned { .. }) => {
                            return Ok(Some(SessionEnd::Final(End::Decommissioned)));
                        }
                        Some(_) => self.stats.acknowledged(),
                        None => {}
                    }
                }
            }
            ToAgent::Refused { seq, message } => {
                self.outbox.settled(seq);
                self.stats.refused(&message);
            }
            ToAgent::Envelope(envelope) => self.obey(&envelope, session).await?,
            ToAgent::QueryCommands { ids } => {
                let commands = self.commands.status(&ids, &mut self.outbox);
                session.send(&FromAgent::CommandStatus { commands }).await?;
            }
            ToAgent::Rejected(rejected) => {
                self.stats.rejected(&rejected);
                return Ok(Some(if rejected.code == RejectCode::UnknownKey {
                    SessionEnd::Final(End::UnknownKey)
                } else {
                    let seconds = rejected.retry_after_seconds.unwrap_or_default();
                    SessionEnd::Rejected { retry_after: Duration::from_secs(seconds.into()) }
                }));
            }
            ToAgent::Challenge(_) | ToAgent::Welcome(_) | ToAgent::Unknown => {}
        }
        Ok(None)
    }

    async fn obey(&mut self, envelope: &SignedEnvelope, session: &mut Session) -> Result<(), SimError> {
        match session.open_envelope(envelope) {
            Ok((header, Action::RunCommand(run))) => self.commands.accept(header.id, run),
            Ok((_, Action::CancelCommand { command_id })) => {
                self.commands.cancel(command_id, session.now(), &mut self.outbox);
            }
            Ok((header, Action::Decommission { .. })) => {
                self.outbox.push(Report::Decommissioned { envelope_id: header.id });
            }
            Err(refusal) => {
                let id = envelope.claimed_header().map(|header| header.id);
                session.refuse_envelope(id, refusal).await?;
            }
        }
        Ok(())
    }

    async fn tick(&mut self, session: &mut Session, held: &mut BTreeMap<String, String>) -> Result<(), SimError> {
        self.next_tick += self.behaviour.tick;
        // After a long absence there is one reading, not one for each tick missed.
        self.next_tick = self.next_tick.max(Instant::now());
        self.outbox.resend_overdue(session).await?;
        if let Some(reading) = self.walk.next(&self.agent.machine, session.now(), &mut self.rng) {
            self.outbox.push(Report::Readings { readings: vec![reading] });
        }
        self.agent.machine.pass_time(session.now(), &mut self.rng);
        self.queue_inventory(held)
    }

    /// Queues the sections whose digest the server does not have.
    fn queue_inventory(&mut self, held: &mut BTreeMap<String, String>) -> Result<(), SimError> {
        let mut sections = Vec::new();
        for content in self.agent.machine.inventory() {
            let name = content.name();
            let section = InventorySection::new(content, vec![])?;
            if held.get(name) != Some(&section.digest) {
                held.insert(name.to_owned(), section.digest.clone());
                sections.push(section);
            }
        }
        if !sections.is_empty() {
            self.outbox.push(Report::Inventory(sections.into()));
        }
        Ok(())
    }
}
