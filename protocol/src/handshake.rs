//! The first messages of a connection: both sides prove their keys.
//!
//! server -> [`Challenge`], agent -> [`Hello`], server -> [`Welcome`] or [`Rejected`]. Both signatures cover both
//! nonces, so neither can be replayed. Who the agent is follows from its key alone.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::crypto::{BadSignature, Fingerprint, PublicKey, SignatureBytes, Transcript};
use crate::enroll::MachineIdentity;

/// Path of the agent's WebSocket, below the server's address.
pub const AGENT_SOCKET_PATH: &str = "/ws/agent";

/// The server's first message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    /// 32 random bytes.
    pub nonce: Fingerprint,
    /// The newest protocol the server speaks.
    pub protocol_version: u32,
    /// The server's clock: the agent derives its offset from it.
    pub server_time: DateTime<Utc>,
}

/// The agent's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// The agent's public key: its identity.
    pub public_key: PublicKey,
    /// 32 random bytes of the agent.
    pub nonce: Fingerprint,
    /// The protocol the agent speaks.
    pub protocol_version: u32,
    /// The agent's version.
    pub agent_version: String,
    /// The machine it runs on: evidence against copied keys, not an identity.
    pub machine: MachineIdentity,
    /// Signature by the agent's key.
    pub proof: SignatureBytes,
}

/// The server's proof, and what the session starts from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The agent's id; it may differ from the one at enrollment when a technician merged two records.
    pub agent_id: Uuid,
    /// This connection.
    pub session_id: Uuid,
    /// The installation's epoch.
    pub epoch: u32,
    /// The server's clock.
    pub server_time: DateTime<Utc>,
    /// Digests of the inventory sections the server holds, by section name: the agent sends those that differ.
    #[serde(default)]
    pub inventory: BTreeMap<String, String>,
    /// Signature by the server's key.
    pub proof: SignatureBytes,
}

/// Why the server closes a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RejectCode {
    /// No agent has this key, or it was revoked.
    UnknownKey,
    /// The signature does not hold.
    BadProof,
    /// Two machines use this key; a technician has to decide.
    Quarantined,
    /// The protocol is too old for this server.
    ProtocolUnsupported,
    /// Not what the protocol allows at this point.
    ProtocolViolation,
    /// A newer connection of the same agent took over.
    Displaced,
    /// The server is full or cannot reach its database; try again later.
    Busy,
    /// The server stops or restarts.
    ShuttingDown,
    /// A code of a newer server.
    #[serde(other)]
    Other,
}

/// The server closes the connection and says why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Machine-readable reason.
    pub code: RejectCode,
    /// The same in words.
    pub message: String,
    /// Do not come back before this many seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_seconds: Option<u32>,
}

fn hello_transcript(server_nonce: &Fingerprint, server: &Fingerprint, hello: &Hello) -> Transcript {
    Transcript::new("gururmm/hello/v1")
        .part(server.as_bytes())
        .part(server_nonce.as_bytes())
        .part(hello.nonce.as_bytes())
        .part(hello.public_key.as_bytes())
        .part(&hello.protocol_version.to_be_bytes())
        .part(hello.agent_version.as_bytes())
        .part(hello.machine.machine_id.as_bytes())
        .part(hello.machine.boot_id.as_bytes())
        .part(hello.machine.hostname.as_bytes())
}

impl Hello {
    /// Answers a challenge of the server whose key is pinned as `server`.
    #[must_use]
    pub fn sign(
        key: &SigningKey,
        server: &Fingerprint,
        challenge: &Challenge,
        nonce: Fingerprint,
        agent_version: &str,
        machine: MachineIdentity,
    ) -> Self {
        let mut hello = Self {
            public_key: PublicKey::of(key),
            nonce,
            protocol_version: crate::PROTOCOL_VERSION,
            agent_version: agent_version.to_owned(),
            machine,
            proof: SignatureBytes::from_bytes([0; 64]),
        };
        hello.sign_again(key, server, &challenge.nonce);
        hello
    }

    /// Signs what the hello says now: for tests that change a field, such as the protocol version.
    pub fn sign_again(&mut self, key: &SigningKey, server: &Fingerprint, server_nonce: &Fingerprint) {
        self.proof = hello_transcript(server_nonce, server, self).sign(key);
    }

    /// Checks the agent's signature against the nonce this connection was challenged with.
    ///
    /// # Errors
    /// [`BadSignature`] when it does not hold.
    pub fn verify(&self, server: &Fingerprint, server_nonce: &Fingerprint) -> Result<(), BadSignature> {
        self.public_key.verify(&hello_transcript(server_nonce, server, self), &self.proof)
    }
}

/// What a [`Welcome`] says before it is signed.
#[derive(Debug, Clone)]
pub struct WelcomeContent {
    /// See [`Welcome::agent_id`].
    pub agent_id: Uuid,
    /// See [`Welcome::session_id`].
    pub session_id: Uuid,
    /// See [`Welcome::epoch`].
    pub epoch: u32,
    /// See [`Welcome::server_time`].
    pub server_time: DateTime<Utc>,
    /// See [`Welcome::inventory`].
    pub inventory: BTreeMap<String, String>,
}

fn welcome_transcript(
    server_nonce: &Fingerprint,
    agent_nonce: &Fingerprint,
    agent_id: Uuid,
    session_id: Uuid,
    epoch: u32,
    server_time: DateTime<Utc>,
) -> Transcript {
    Transcript::new("gururmm/welcome/v1")
        .part(server_nonce.as_bytes())
        .part(agent_nonce.as_bytes())
        .part(agent_id.as_bytes())
        .part(session_id.as_bytes())
        .part(&epoch.to_be_bytes())
        .part(&server_time.timestamp_millis().to_be_bytes())
}

impl Welcome {
    /// Signs the answer to an accepted hello.
    #[must_use]
    pub fn sign(
        key: &SigningKey,
        server_nonce: &Fingerprint,
        agent_nonce: &Fingerprint,
        content: WelcomeContent,
    ) -> Self {
        let WelcomeContent { agent_id, session_id, epoch, server_time, inventory } = content;
        let proof = welcome_transcript(server_nonce, agent_nonce, agent_id, session_id, epoch, server_time).sign(key);
        Self { agent_id, session_id, epoch, server_time, inventory, proof }
    }

    /// Checks that the pinned server answered this very hello.
    ///
    /// # Errors
    /// [`BadSignature`] when it did not.
    pub fn verify(
        &self,
        server_key: &PublicKey,
        server_nonce: &Fingerprint,
        agent_nonce: &Fingerprint,
    ) -> Result<(), BadSignature> {
        let transcript =
            welcome_transcript(server_nonce, agent_nonce, self.agent_id, self.session_id, self.epoch, self.server_time);
        server_key.verify(&transcript, &self.proof)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nonce(n: u8) -> Fingerprint {
        Fingerprint::from_bytes([n; 32])
    }

    fn machine() -> MachineIdentity {
        MachineIdentity { machine_id: "m".into(), boot_id: "b".into(), hostname: "h".into() }
    }

    #[test]
    fn a_hello_cannot_be_replayed_relayed_or_altered() {
        let key = SigningKey::from_bytes(&[1; 32]);
        let server = nonce(9);
        let challenge = Challenge { nonce: nonce(2), protocol_version: 1, server_time: DateTime::UNIX_EPOCH };
        let hello = Hello::sign(&key, &server, &challenge, nonce(3), "1.0", machine());
        assert!(hello.verify(&server, &nonce(2)).is_ok());
        assert!(hello.verify(&server, &nonce(4)).is_err(), "another connection's challenge");
        assert!(hello.verify(&nonce(8), &nonce(2)).is_err(), "another server");
        let mut altered = hello;
        altered.machine.machine_id = "n".into();
        assert!(altered.verify(&server, &nonce(2)).is_err());
    }

    #[test]
    fn a_welcome_proves_the_pinned_server_for_this_connection() {
        let (key, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let content = WelcomeContent {
            agent_id: Uuid::from_u128(1),
            session_id: Uuid::from_u128(2),
            epoch: 1,
            server_time: DateTime::UNIX_EPOCH,
            inventory: BTreeMap::new(),
        };
        let welcome = Welcome::sign(&key, &nonce(1), &nonce(2), content);
        assert!(welcome.verify(&PublicKey::of(&key), &nonce(1), &nonce(2)).is_ok());
        assert!(welcome.verify(&PublicKey::of(&other), &nonce(1), &nonce(2)).is_err());
        assert!(welcome.verify(&PublicKey::of(&key), &nonce(1), &nonce(3)).is_err());
        let altered = Welcome { agent_id: Uuid::from_u128(5), ..welcome };
        assert!(altered.verify(&PublicKey::of(&key), &nonce(1), &nonce(2)).is_err());
    }
}
