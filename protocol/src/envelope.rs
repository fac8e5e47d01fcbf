//! Signed envelopes: the only thing that makes an agent act.
//!
//! An envelope is signed by the server at the moment somebody authorizes an action, and stored signed. Dispatch only
//! copies it, so a row put into the database by hand commands nobody. The payload travels beside the header, which
//! carries its hash: a payload with secrets can lie encrypted at rest while header and signature stay readable.

use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::command::RunCommand;
use crate::crypto::{Fingerprint, PublicKey, SignatureBytes, Transcript, sha256};

/// What an envelope makes the agent do. All but a command is called an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Run a command. The envelope's id is the command's id.
    RunCommand(RunCommand),
    /// Stop a command, or never start it if it has not arrived yet.
    CancelCommand {
        /// The command to stop.
        command_id: Uuid,
    },
    /// The agent is no longer wanted: it forgets its key and stops for good.
    Decommission {
        /// Whether it also removes its program and data from the machine.
        uninstall: bool,
    },
}

impl Action {
    /// The kind as it stands in the header.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RunCommand(_) => "run_command",
            Self::CancelCommand { .. } => "cancel_command",
            Self::Decommission { .. } => "decommission",
        }
    }
}

/// Who may do what until when; signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeHeader {
    /// The envelope's own id: an agent acts on an id at most once.
    pub id: Uuid,
    /// The one agent it is for.
    pub agent_id: Uuid,
    /// Which key signed it.
    pub key: Fingerprint,
    /// The kind of action (also inside the payload; both must agree).
    pub kind: String,
    /// The installation's epoch: restoring a backup raises it, which voids older envelopes.
    pub epoch: u32,
    /// When it was authorized.
    pub issued_at: DateTime<Utc>,
    /// Not to be acted on after this.
    pub expires_at: DateTime<Utc>,
    /// SHA-256 of the payload's bytes.
    pub payload_hash: Fingerprint,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    /// Random, so that the hash of a payload says nothing about a short secret in it.
    salt: Uuid,
    #[serde(flatten)]
    action: Action,
}

/// An envelope as it travels and as it is stored. Header and payload are kept as the exact text that was signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedEnvelope {
    /// JSON of an [`EnvelopeHeader`].
    pub header: String,
    /// Signature over the header's text.
    pub signature: SignatureBytes,
    /// JSON of the action, with a salt.
    pub payload: String,
}

/// Why an agent refuses an envelope.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// Not JSON of the expected form, or header and payload disagree.
    #[error("the envelope cannot be read")]
    Malformed,
    /// Signed by a key that is not the pinned one.
    #[error("the envelope is signed by a key this agent does not trust")]
    UnknownKey,
    /// Header, payload or signature were altered.
    #[error("the envelope's signature does not match its content")]
    BadSignature,
    /// For another agent.
    #[error("the envelope is for another agent")]
    OtherAgent,
    /// Its time is over.
    #[error("the envelope has expired")]
    Expired,
    /// From before a restore of the installation.
    #[error("the envelope belongs to an older epoch of the installation")]
    OldEpoch,
    /// An action this agent does not know.
    #[error("this agent does not know the action")]
    UnknownAction,
}

/// What an agent checks an envelope against.
#[derive(Debug, Clone, Copy)]
pub struct Expectation<'a> {
    /// The pinned key of the server.
    pub server_key: &'a PublicKey,
    /// The agent's own id.
    pub agent_id: Uuid,
    /// The highest epoch the agent has been told in a handshake.
    pub epoch: u32,
    /// Now, by the server's clock (own clock plus the offset found in the handshake).
    pub now: DateTime<Utc>,
}

/// The header's fields that the caller decides.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The envelope's id.
    pub id: Uuid,
    /// The one agent it is for.
    pub agent_id: Uuid,
    /// The installation's epoch.
    pub epoch: u32,
    /// Now.
    pub issued_at: DateTime<Utc>,
    /// Not to be acted on after this.
    pub expires_at: DateTime<Utc>,
    /// Random.
    pub salt: Uuid,
}

fn transcript(header: &str) -> Transcript {
    Transcript::new("gururmm/envelope/v1").part(header.as_bytes())
}

impl SignedEnvelope {
    /// Signs an action.
    ///
    /// # Errors
    /// Only if the action cannot be written as JSON, which no value of these types causes.
    pub fn seal(key: &SigningKey, terms: Terms, action: Action) -> Result<Self, serde_json::Error> {
        let kind = action.kind().to_owned();
        let payload = serde_json::to_string(&Payload { salt: terms.salt, action })?;
        let header = serde_json::to_string(&EnvelopeHeader {
            id: terms.id,
            agent_id: terms.agent_id,
            key: PublicKey::of(key).fingerprint(),
            kind,
            epoch: terms.epoch,
            issued_at: terms.issued_at,
            expires_at: terms.expires_at,
            payload_hash: Fingerprint::from_bytes(sha256(payload.as_bytes())),
        })?;
        let signature = transcript(&header).sign(key);
        Ok(Self { header, signature, payload })
    }

    /// Checks the envelope and hands out what it says. Whether its id was seen before is the caller's journal to know.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    pub fn open(&self, expect: &Expectation<'_>) -> Result<(EnvelopeHeader, Action), Refusal> {
        // The signature comes first: nothing of an unsigned header is believed, not even its key id.
        if expect.server_key.verify(&transcript(&self.header), &self.signature).is_err() {
            return match self.claimed_header() {
                Some(header) if header.key != expect.server_key.fingerprint() => Err(Refusal::UnknownKey),
                Some(_) => Err(Refusal::BadSignature),
                None => Err(Refusal::Malformed),
            };
        }
        let header = self.claimed_header().ok_or(Refusal::Malformed)?;
        if header.key != expect.server_key.fingerprint() {
            return Err(Refusal::UnknownKey);
        }
        if header.payload_hash.as_bytes() != &sha256(self.payload.as_bytes()) {
            return Err(Refusal::BadSignature);
        }
        if header.agent_id != expect.agent_id {
            return Err(Refusal::OtherAgent);
        }
        if header.epoch < expect.epoch {
            return Err(Refusal::OldEpoch);
        }
        if expect.now >= header.expires_at {
            return Err(Refusal::Expired);
        }
        let payload: Payload = serde_json::from_str(&self.payload).map_err(|_| Refusal::UnknownAction)?;
        if payload.action.kind() != header.kind {
            return Err(Refusal::Malformed);
        }
        Ok((header, payload.action))
    }

    /// The header as it claims to be, unchecked: for logs and for naming a refused envelope.
    #[must_use]
    pub fn claimed_header(&self) -> Option<EnvelopeHeader> {
        serde_json::from_str(&self.header).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Interpreter, Program};
    use chrono::TimeDelta;

    const AGENT: Uuid = Uuid::from_u128(7);

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[1; 32])
    }

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    fn command(script: &str) -> Action {
        Action::RunCommand(RunCommand {
            program: Program::Shell { interpreter: Interpreter::Sh, script: script.into() },
            timeout_seconds: 60,
            output_limit_bytes: 1024,
            working_directory: None,
            environment: Default::default(),
            secrets: Default::default(),
        })
    }

    fn terms() -> Terms {
        Terms {
            id: Uuid::from_u128(1),
            agent_id: AGENT,
            epoch: 3,
            issued_at: now(),
            expires_at: now() + TimeDelta::minutes(5),
            salt: Uuid::from_u128(99),
        }
    }

    fn open(envelope: &SignedEnvelope) -> Result<(EnvelopeHeader, Action), Refusal> {
        let server_key = PublicKey::of(&key());
        envelope.open(&Expectation { server_key: &server_key, agent_id: AGENT, epoch: 3, now: now() })
    }

    #[test]
    fn a_genuine_envelope_opens() {
        let envelope = SignedEnvelope::seal(&key(), terms(), command("true")).unwrap();
        let (header, action) = open(&envelope).unwrap();
        assert_eq!(header.kind, "run_command");
        assert_eq!(action, command("true"));
    }

    #[test]
    fn any_alteration_is_refused() {
        let good = SignedEnvelope::seal(&key(), terms(), command("true")).unwrap();
        let other = SignedEnvelope::seal(&key(), terms(), command("rm -rf /")).unwrap();

        let mut swapped = good.clone();
        swapped.payload.clone_from(&other.payload);
        assert_eq!(open(&swapped), Err(Refusal::BadSignature));

        let mut extended = good.clone();
        extended.header = extended.header.replace("\"epoch\":3", "\"epoch\":4");
        assert_eq!(open(&extended), Err(Refusal::BadSignature));

        let mut garbage = good;
        garbage.header = "{".into();
        assert_eq!(open(&garbage), Err(Refusal::Malformed));
    }

    #[test]
    fn foreign_keys_agents_epochs_and_late_arrival_are_refused() {
        let foreign = SignedEnvelope::seal(&SigningKey::from_bytes(&[2; 32]), terms(), command("true")).unwrap();
        assert_eq!(open(&foreign), Err(Refusal::UnknownKey));
        let cases = [
            (Terms { agent_id: Uuid::from_u128(8), ..terms() }, Refusal::OtherAgent),
            (Terms { epoch: 2, ..terms() }, Refusal::OldEpoch),
            (Terms { expires_at: now(), ..terms() }, Refusal::Expired),
        ];
        for (terms, refusal) in cases {
            assert_eq!(open(&SignedEnvelope::seal(&key(), terms, command("true")).unwrap()), Err(refusal));
        }
    }

    #[test]
    fn equal_actions_have_different_hashes() {
        let a = SignedEnvelope::seal(&key(), terms(), command("true")).unwrap();
        let b = SignedEnvelope::seal(&key(), Terms { salt: Uuid::from_u128(100), ..terms() }, command("true")).unwrap();
        assert_ne!(a.claimed_header().unwrap().payload_hash, b.claimed_header().unwrap().payload_hash);
    }
}
