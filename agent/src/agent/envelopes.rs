//! What signed envelopes make the agent do.

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::command::{CommandResult, CommandStatus, Outcome, RunCommand};
use gururmm_protocol::envelope::{Action, EnvelopeHeader, Expectation, Refusal, SignedEnvelope};
use gururmm_protocol::limits;
use gururmm_protocol::message::FromAgent;
use uuid::Uuid;

use super::engine::Engine;
use crate::core::journal::{KEEP_AFTER_EXPIRY, Phase, Record};
use crate::run::Stop;

/// Most ids answered in one message.
const ANSWER_BATCH: usize = 1_000;
/// Most answers that wait for the connection.
const MAX_URGENT: usize = 256;

impl Engine {
    pub(super) fn on_envelope(&mut self, envelope: &SignedEnvelope) {
        let server_key = self.config.server_public_key;
        let expect = Expectation {
            server_key: &server_key,
            agent_id: self.config.agent_id,
            epoch: self.config.epoch,
            now: self.time.now(),
        };
        match envelope.open(&expect) {
            Ok((header, action)) => self.obey(&header, action),
            Err(refusal) => self.refuse(envelope, refusal),
        }
    }

    fn obey(&mut self, header: &EnvelopeHeader, action: Action) {
        let seen = self.ledger.lock().journal().phase(header.id).cloned();
        if let Some(phase) = seen {
            tracing::info!(envelope = %header.id, "an envelope arrived again and is not followed a second time");
            self.repeat_end(header.id, &phase);
            return;
        }
        if self.leaving.is_some() {
            return;
        }
        match action {
            Action::RunCommand(command) => self.accept(header, command),
            Action::CancelCommand { command_id } => self.cancel(header, command_id),
            Action::Decommission { uninstall } => self.decommission(header, uninstall),
        }
    }

    fn accept(&mut self, header: &EnvelopeHeader, command: RunCommand) {
        let EnvelopeHeader { id, expires_at, .. } = *header;
        if self.ledger.lock().journal().is_doubtful(header.issued_at) {
            let result =
                self.not_run(Outcome::Unknown, "the agent's journal was damaged: whether this ran is not known");
            self.end_without_run(id, expires_at, result);
            return;
        }
        if let Err(error) = command.validate() {
            let result = self.not_run(Outcome::Failed, &format!("not started: {error}"));
            self.end_without_run(id, expires_at, result);
            return;
        }
        if !self.ledger.lock().journal().has_room() {
            self.cannot_accept(id, expires_at, "the agent's journal is full");
            return;
        }
        let recorded = self.ledger.lock().record(Record::Accepted { id, expires_at });
        match recorded {
            Ok(()) => {
                tracing::info!(command = %id, "a command was accepted");
                self.runner.accept(id, expires_at, command);
            }
            Err(error) => {
                self.cannot_accept(id, expires_at, &format!("the agent's journal cannot be written: {error}"));
            }
        }
    }

    /// Says that a command was not started because it could not be written down. It is remembered in memory only, for the
    /// same reason: if the agent is restarted before the server knows, it never had the command and may be sent it again.
    fn cannot_accept(&mut self, id: Uuid, expires_at: DateTime<Utc>, why: &str) {
        tracing::error!(command = %id, why, "a command is not accepted");
        let result = self.not_run(Outcome::Failed, &format!("not started: {why}"));
        self.ledger.lock().remember_refused(id, expires_at, result.clone());
        self.outbox.command_finished(id, result);
    }

    fn cancel(&mut self, header: &EnvelopeHeader, command: Uuid) {
        let phase = self.ledger.lock().journal().phase(command).cloned();
        match phase {
            Some(Phase::Waiting | Phase::Running { .. }) => self.runner.stop(command, Stop::Cancelled),
            Some(phase) => self.repeat_end(command, &phase),
            None => {
                // The command may still arrive: with its end written down it can never start. Its own expiry is not
                // known here, so the longest possible one counts.
                let longest = TimeDelta::try_seconds(limits::MAX_COMMAND_EXPIRY).unwrap_or_default();
                let until = header.expires_at.max(self.time.now() + longest);
                let result = self.not_run(Outcome::Cancelled, "cancelled before it arrived");
                self.end_without_run(command, until, result);
            }
        }
        // Written down last: after a crash in between, the cancel is simply followed again.
        let acted = self.ledger.lock().record(Record::Acted { id: header.id, expires_at: header.expires_at });
        if let Err(error) = acted {
            tracing::error!(envelope = %header.id, %error, "a cancel cannot be written down");
        }
    }

    /// Says no. A command that arrived late gets its honest end instead: it was signed by the server for this agent
    /// (expiry is checked last), only too old to start.
    fn refuse(&mut self, envelope: &SignedEnvelope, refusal: Refusal) {
        let header = envelope.claimed_header();
        if let (Refusal::Expired, Some(header)) = (refusal, &header)
            && header.kind == "run_command"
            && self.time.now() <= header.expires_at + KEEP_AFTER_EXPIRY
        {
            let seen = self.ledger.lock().journal().phase(header.id).cloned();
            match seen {
                Some(phase) => self.repeat_end(header.id, &phase),
                None => {
                    let result = self.not_run(Outcome::Expired, "it arrived after its expiry");
                    self.end_without_run(header.id, header.expires_at, result);
                }
            }
            return;
        }
        let id = header.map(|header| header.id);
        tracing::warn!(envelope = ?id, %refusal, "an envelope was refused");
        self.say(FromAgent::EnvelopeRefused { id, refusal });
    }

    /// Queues the end of a command again that the server may have missed.
    fn repeat_end(&mut self, id: Uuid, phase: &Phase) {
        if let Phase::Finished { result, .. } = phase {
            self.outbox.repeat_result(id, result.clone());
        }
    }

    fn not_run(&self, outcome: Outcome, reason: &str) -> CommandResult {
        CommandResult::bare(outcome, Some(reason), self.time.now())
    }

    fn end_without_run(&mut self, id: Uuid, expires_at: DateTime<Utc>, result: CommandResult) {
        let recorded = self.ledger.lock().finish(id, expires_at, result.clone());
        if let Err(error) = recorded {
            tracing::error!(command = %id, %error, "a result cannot be written down; it is sent from memory");
        }
        self.outbox.command_finished(id, result);
    }

    pub(super) fn on_query(&mut self, ids: &[Uuid]) {
        let mut commands = Vec::with_capacity(ids.len());
        for id in ids.iter().copied() {
            let (knowledge, phase) = {
                let ledger = self.ledger.lock();
                (ledger.journal().knowledge(id), ledger.journal().phase(id).cloned())
            };
            commands.push(CommandStatus { id, knowledge });
            if let Some(phase) = phase {
                self.repeat_end(id, &phase);
            }
        }
        for batch in commands.chunks(ANSWER_BATCH) {
            self.say(FromAgent::CommandStatus { commands: batch.to_vec() });
        }
    }

    /// Says something in this session only.
    fn say(&mut self, message: FromAgent) {
        if let Some(session) = &mut self.session {
            if session.urgent.len() < MAX_URGENT {
                session.urgent.push_back(message);
            } else {
                tracing::warn!("too many answers wait for the connection; one is dropped");
            }
        }
    }
}
