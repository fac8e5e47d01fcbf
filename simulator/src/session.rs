//! An established session, stepped by the caller.

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::command::{CommandEvent, CommandStatus, Knowledge, RunCommand};
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::envelope::{Action, EnvelopeHeader, Expectation, Refusal, SignedEnvelope};
use gururmm_protocol::handshake::{RejectCode, Rejected, Welcome};
use gururmm_protocol::inventory::InventorySection;
use gururmm_protocol::message::{FromAgent, Report, ToAgent};
use gururmm_protocol::readings::Reading;
use uuid::Uuid;

use crate::{Link, SimAgent, SimError};

/// A session after the handshake.
pub struct Session {
    link: Link,
    server_key: PublicKey,
    welcome: Welcome,
    welcomed: Instant,
    next_seq: u64,
}

/// A command that arrived in a verified envelope.
#[derive(Debug, Clone)]
pub struct Command {
    /// The envelope's header.
    pub header: EnvelopeHeader,
    /// What to run.
    pub run: RunCommand,
}

impl Command {
    /// The command's id: the envelope's.
    #[must_use]
    pub const fn id(&self) -> Uuid {
        self.header.id
    }
}

impl Session {
    pub(crate) fn new(link: Link, server_key: PublicKey, welcome: Welcome) -> Self {
        Self { link, server_key, welcome, welcomed: Instant::now(), next_seq: 1 }
    }

    /// The agent's id as the welcome says it.
    #[must_use]
    pub const fn agent_id(&self) -> Uuid {
        self.welcome.agent_id
    }

    /// The whole welcome.
    #[must_use]
    pub const fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// The socket below, for raw frames.
    pub const fn link(&mut self) -> &mut Link {
        &mut self.link
    }

    /// The server's clock as a real agent knows it: from the welcome, and the time that has passed since.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.welcome.server_time + TimeDelta::from_std(self.welcomed.elapsed()).unwrap_or_default()
    }

    /// Sets how long later calls wait; [`crate::DEFAULT_WAIT`] otherwise.
    pub const fn set_wait(&mut self, wait: Duration) {
        self.link.set_wait(wait);
    }

    /// Sends one message.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn send(&mut self, message: &FromAgent) -> Result<(), SimError> {
        self.link.send(message).await
    }

    /// The next message in order; see [`Link::next_message`].
    ///
    /// # Errors
    /// When nothing comes in time or the connection ends.
    pub async fn next_message(&mut self) -> Result<ToAgent, SimError> {
        self.link.next_message().await
    }

    /// Waits for a message that `pick` takes; see [`Link::wait_for`].
    ///
    /// # Errors
    /// When nothing fits in time or the connection ends.
    pub async fn expect<T>(
        &mut self,
        wanted: &'static str,
        pick: impl FnMut(&ToAgent) -> Option<T>,
    ) -> Result<T, SimError> {
        self.link.wait_for(wanted, pick).await
    }

    /// Waits for an envelope, unopened.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn expect_envelope(&mut self) -> Result<SignedEnvelope, SimError> {
        self.expect("envelope", |message| match message {
            ToAgent::Envelope(envelope) => Some(envelope.clone()),
            _ => None,
        })
        .await
    }

    /// Waits for an envelope and opens it as a real agent does.
    ///
    /// # Errors
    /// As [`Self::expect`], and [`SimError::Envelope`] when a real agent would refuse it.
    pub async fn expect_action(&mut self) -> Result<(EnvelopeHeader, Action), SimError> {
        let envelope = self.expect_envelope().await?;
        Ok(self.open_envelope(&envelope)?)
    }

    /// Waits for an envelope with a command in it.
    ///
    /// # Errors
    /// As [`Self::expect_action`], and [`SimError::Unexpected`] when it is another action.
    pub async fn expect_command(&mut self) -> Result<Command, SimError> {
        match self.expect_action().await? {
            (header, Action::RunCommand(run)) => Ok(Command { header, run }),
            (_, other) => Err(SimError::Unexpected { wanted: "run_command", got: other.kind().to_owned() }),
        }
    }

    /// Waits for the server to end the connection with this reason.
    ///
    /// # Errors
    /// [`SimError::Unexpected`] when it ends otherwise, [`SimError::Timeout`] when it does not end.
    pub async fn expect_rejected(&mut self, code: RejectCode) -> Result<Rejected, SimError> {
        match self.link.expect_end().await? {
            Some(rejected) if rejected.code == code => Ok(rejected),
            other => Err(SimError::Unexpected { wanted: "another rejection", got: format!("{other:?}") }),
        }
    }

    /// Opens an envelope as a real agent does: pinned key, own id, epoch, expiry by the server's clock.
    ///
    /// # Errors
    /// The [`Refusal`] a real agent would answer with.
    pub fn open_envelope(&self, envelope: &SignedEnvelope) -> Result<(EnvelopeHeader, Action), Refusal> {
        envelope.open(&Expectation {
            server_key: &self.server_key,
            agent_id: self.agent_id(),
            epoch: self.welcome.epoch,
            now: self.now(),
        })
    }

    /// Sends a report and returns its number without waiting for the acknowledgement.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn send_report(&mut self, report: Report) -> Result<u64, SimError> {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.send(&FromAgent::Report { seq, report }).await?;
        Ok(seq)
    }

    /// Waits until the server has stored the report with this number. An acknowledgement that names several reports
    /// is kept for the others.
    ///
    /// # Errors
    /// [`SimError::ReportRefused`] when it never will, or as [`Self::expect`].
    pub async fn expect_ack(&mut self, seq: u64) -> Result<(), SimError> {
        let outcome = self
            .expect("ack", |message| match message {
                ToAgent::Ack { seqs } if seqs.contains(&seq) => Some(Ok(seqs.clone())),
                ToAgent::Refused { seq: refused, message } if *refused == seq => Some(Err(message.clone())),
                _ => None,
            })
            .await?;
        match outcome {
            Ok(seqs) => {
                let others: Vec<u64> = seqs.into_iter().filter(|other| *other != seq).collect();
                if !others.is_empty() {
                    self.link.keep(ToAgent::Ack { seqs: others });
                }
                Ok(())
            }
            Err(message) => Err(SimError::ReportRefused { seq, message }),
        }
    }

    /// Sends a report and waits until the server has stored it; returns its number.
    ///
    /// # Errors
    /// As [`Self::expect_ack`].
    pub async fn report(&mut self, report: Report) -> Result<u64, SimError> {
        let seq = self.send_report(report).await?;
        self.expect_ack(seq).await?;
        Ok(seq)
    }

    /// Reports those inventory sections of `agent` whose digest the welcome did not have; returns how many.
    ///
    /// # Errors
    /// As [`Self::report`].
    pub async fn report_inventory(&mut self, agent: &SimAgent) -> Result<usize, SimError> {
        let mut sections = Vec::new();
        for content in agent.machine.inventory() {
            let name = content.name();
            let section = InventorySection::new(content, vec![])?;
            if self.welcome.inventory.get(name) != Some(&section.digest) {
                sections.push(section);
            }
        }
        let count = sections.len();
        if count > 0 {
            self.report(Report::Inventory(sections.into())).await?;
        }
        Ok(count)
    }

    /// Reports readings.
    ///
    /// # Errors
    /// As [`Self::report`].
    pub async fn report_readings(&mut self, readings: Vec<Reading>) -> Result<u64, SimError> {
        self.report(Report::Readings { readings }).await
    }

    /// Reports a step of a command.
    ///
    /// # Errors
    /// As [`Self::report`].
    pub async fn report_event(&mut self, id: Uuid, event: CommandEvent) -> Result<u64, SimError> {
        self.report(Report::Command { id, event }).await
    }

    /// Waits for the server's question about commands; returns the ids.
    ///
    /// # Errors
    /// As [`Self::expect`].
    pub async fn expect_query(&mut self) -> Result<Vec<Uuid>, SimError> {
        self.expect("query_commands", |message| match message {
            ToAgent::QueryCommands { ids } => Some(ids.clone()),
            _ => None,
        })
        .await
    }

    /// Answers the server's question with one knowledge for each id.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn answer_query(&mut self, answers: &[(Uuid, Knowledge)]) -> Result<(), SimError> {
        let commands = answers.iter().map(|&(id, knowledge)| CommandStatus { id, knowledge }).collect();
        self.send(&FromAgent::CommandStatus { commands }).await
    }

    /// Says that an envelope was refused.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn refuse_envelope(&mut self, id: Option<Uuid>, refusal: Refusal) -> Result<(), SimError> {
        self.send(&FromAgent::EnvelopeRefused { id, refusal }).await
    }

    /// Ends the session with a close frame, as an agent does that is stopped.
    pub async fn close(self) {
        self.link.close().await;
    }

    /// Ends the session without a word, as an agent does that is killed.
    pub fn drop_socket(self) {
        drop(self);
    }
}
