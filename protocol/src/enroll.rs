//! Enrollment: how a machine becomes an agent.
//!
//! The token's text carries the fingerprint of the server's key. The agent first asks the server to prove that key
//! ([`IdentityRequest`]), and only then shows the token ([`EnrollRequest`]): nothing is trusted on first contact.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::{BadSignature, Fingerprint, PublicKey, SignatureBytes, Transcript, sha256};
use crate::limits;
use crate::text::clean_line;
use ed25519_dalek::SigningKey;

/// Path of the identity request, below the server's address.
pub const IDENTITY_PATH: &str = "/api/agent/identity";
/// Path of the enrollment request, below the server's address.
pub const ENROLL_PATH: &str = "/api/agent/enroll";

const TOKEN_PREFIX: &str = "gre1";

/// An enrollment token: `gre1.<fingerprint of the server's key>.<32 random bytes>`, each base64url without padding.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrollmentToken {
    /// Fingerprint of the server's signing key.
    pub server: Fingerprint,
    secret: [u8; 32],
}

/// The text is not an enrollment token.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "this is not an enrollment token: it has the form gre1.<server key>.<secret>; copy it whole from the dashboard"
)]
pub struct BadToken;

impl EnrollmentToken {
    /// Puts a token together; `secret` must come from the operating system's random source.
    #[must_use]
    pub const fn new(server: Fingerprint, secret: [u8; 32]) -> Self {
        Self { server, secret }
    }

    /// What the server stores instead of the token: SHA-256 of the secret. (The secret has 256 random bits, so a slow
    /// password hash would add nothing.)
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        sha256(&self.secret)
    }

    /// The text that a person copies. It is a secret.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("{TOKEN_PREFIX}.{}.{}", self.server, URL_SAFE_NO_PAD.encode(self.secret))
    }
}

impl std::str::FromStr for EnrollmentToken {
    type Err = BadToken;
    fn from_str(text: &str) -> Result<Self, BadToken> {
        let mut parts = text.trim().split('.');
        let (Some(TOKEN_PREFIX), Some(server), Some(secret), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(BadToken);
        };
        let secret = URL_SAFE_NO_PAD.decode(secret).map_err(|_| BadToken)?;
        Ok(Self { server: server.parse().map_err(|_| BadToken)?, secret: secret.try_into().map_err(|_| BadToken)? })
    }
}

impl std::fmt::Debug for EnrollmentToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnrollmentToken(server {}, secret hidden)", self.server)
    }
}

/// Asks the server to prove its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityRequest {
    /// 32 random bytes, base64url.
    pub nonce: Fingerprint,
}

/// The server's proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentityResponse {
    /// The server's signing key.
    pub public_key: PublicKey,
    /// Its signature over the nonce.
    pub signature: SignatureBytes,
    /// The server's clock.
    pub server_time: DateTime<Utc>,
    /// The protocol the server speaks.
    pub protocol_version: u32,
}

fn identity_transcript(nonce: &Fingerprint) -> Transcript {
    Transcript::new("gururmm/identity/v1").part(nonce.as_bytes())
}

impl IdentityResponse {
    /// Answers an [`IdentityRequest`].
    #[must_use]
    pub fn sign(key: &SigningKey, nonce: &Fingerprint, server_time: DateTime<Utc>) -> Self {
        Self {
            public_key: PublicKey::of(key),
            signature: identity_transcript(nonce).sign(key),
            server_time,
            protocol_version: crate::PROTOCOL_VERSION,
        }
    }

    /// Checks that the server holds the key whose fingerprint the token names.
    ///
    /// # Errors
    /// [`BadSignature`] when it is another key, or the signature is not over this nonce.
    pub fn verify(&self, expected: &Fingerprint, nonce: &Fingerprint) -> Result<(), BadSignature> {
        if self.public_key.fingerprint() != *expected {
            return Err(BadSignature);
        }
        self.public_key.verify(&identity_transcript(nonce), &self.signature)
    }
}

/// Who the machine says it is. Can be guessed or copied, so it identifies nobody by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MachineIdentity {
    /// A stable id of the installation of the operating system (hash over SMBIOS UUID and machine id).
    pub machine_id: String,
    /// Changes with every start of the machine.
    pub boot_id: String,
    /// The host name.
    pub hostname: String,
}

/// Derives [`MachineIdentity::machine_id`], on the agent and, to recognize its own host, on the server.
///
/// `smbios_uuid` is the system UUID of the firmware (SMBIOS type 1; Linux: `/sys/class/dmi/id/product_uuid`), which a
/// machine or its permissions may not give; `os_machine_id` is the id that the installed system made for itself (Linux:
/// machine-id(5); Windows: `MachineGuid`). Case and surrounding space do not count. The result does not reveal either.
#[must_use]
pub fn machine_id(smbios_uuid: Option<&str>, os_machine_id: &str) -> String {
    let plain = |text: &str| text.trim().to_ascii_lowercase();
    let smbios = smbios_uuid.map(plain).unwrap_or_default();
    hex::encode(sha256(format!("gururmm/machine/v1\n{smbios}\n{}", plain(os_machine_id)).as_bytes()))
}

impl MachineIdentity {
    /// Bounds and cleans everything that came from the agent.
    pub fn bound(&mut self) {
        for text in [&mut self.machine_id, &mut self.boot_id, &mut self.hostname] {
            *text = clean_line(text, limits::MAX_NAME);
        }
    }
}

/// Shows the token and the agent's new key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollRequest {
    /// The enrollment token's text.
    pub token: String,
    /// The agent's new public key; the private half never leaves the machine.
    pub public_key: PublicKey,
    /// The new key's signature: proof of possession.
    pub proof: SignatureBytes,
    /// The nonce of the identity request, so that the proof is bound to this exchange.
    pub nonce: Fingerprint,
    /// The machine.
    pub machine: MachineIdentity,
    /// The agent's version.
    pub agent_version: String,
    /// Proof that this machine holds the key of an earlier enrollment; with it the existing record is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousKey>,
}

/// Proof by an earlier enrollment's key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviousKey {
    /// The earlier public key.
    pub public_key: PublicKey,
    /// Its signature over the same content that [`EnrollRequest::proof`] signs.
    pub proof: SignatureBytes,
}

/// The server's answer to a successful enrollment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnrollResponse {
    /// The agent's id.
    pub agent_id: Uuid,
    /// The server's signing key, to be pinned.
    pub server_public_key: PublicKey,
}

fn enroll_transcript(server: &Fingerprint, nonce: &Fingerprint, key: &PublicKey, machine_id: &str) -> Transcript {
    Transcript::new("gururmm/enroll/v1")
        .part(server.as_bytes())
        .part(nonce.as_bytes())
        .part(key.as_bytes())
        .part(machine_id.as_bytes())
}

impl EnrollRequest {
    /// Builds a request signed by the new key, and by the earlier one where there is one.
    #[must_use]
    pub fn sign(
        token: &EnrollmentToken,
        key: &SigningKey,
        nonce: Fingerprint,
        machine: MachineIdentity,
        agent_version: &str,
        previous: Option<&SigningKey>,
    ) -> Self {
        let public_key = PublicKey::of(key);
        let transcript = enroll_transcript(&token.server, &nonce, &public_key, &machine.machine_id);
        Self {
            token: token.reveal(),
            public_key,
            proof: transcript.sign(key),
            nonce,
            agent_version: agent_version.to_owned(),
            previous: previous.map(|old| PreviousKey { public_key: PublicKey::of(old), proof: transcript.sign(old) }),
            machine,
        }
    }

    /// Checks the proof of possession for the server with this fingerprint.
    ///
    /// # Errors
    /// [`BadSignature`] when the proof does not belong to the key and content.
    pub fn verify(&self, server: &Fingerprint) -> Result<(), BadSignature> {
        self.public_key.verify(&self.transcript(server), &self.proof)
    }

    /// The earlier key, if one is given and its proof holds.
    #[must_use]
    pub fn proven_previous_key(&self, server: &Fingerprint) -> Option<PublicKey> {
        let previous = self.previous.as_ref()?;
        previous.public_key.verify(&self.transcript(server), &previous.proof).ok()?;
        Some(previous.public_key)
    }

    fn transcript(&self, server: &Fingerprint) -> Transcript {
        enroll_transcript(server, &self.nonce, &self.public_key, &self.machine.machine_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> MachineIdentity {
        MachineIdentity { machine_id: "m".into(), boot_id: "b".into(), hostname: "h".into() }
    }

    #[test]
    fn a_machine_id_follows_from_both_ids_and_nothing_else() {
        let id = machine_id(Some("4C4C4544-0042"), "0f1e");
        assert_eq!(id, machine_id(Some(" 4c4c4544-0042\n"), "0F1E\n"));
        assert_eq!(id.len(), 64);
        assert_ne!(id, machine_id(None, "0f1e"));
        assert_ne!(id, machine_id(Some("4c4c4544-0042"), "0f1f"));
        assert_ne!(machine_id(Some("a"), "b"), machine_id(Some("b"), "a"));
    }

    #[test]
    fn a_token_round_trips_and_hides_its_secret() {
        let token = EnrollmentToken::new(Fingerprint::from_bytes([1; 32]), [2; 32]);
        assert_eq!(token.reveal().parse::<EnrollmentToken>(), Ok(token.clone()));
        assert!(!format!("{token:?}").contains(token.reveal().split('.').next_back().unwrap()));
        for bad in ["", "gre1", "gre1.a.b", "gre2.x.y", &format!("{}.x", token.reveal())] {
            assert_eq!(bad.parse::<EnrollmentToken>(), Err(BadToken), "{bad}");
        }
    }

    #[test]
    fn a_server_with_another_key_cannot_prove_the_fingerprint() {
        let (real, other) = (SigningKey::from_bytes(&[3; 32]), SigningKey::from_bytes(&[4; 32]));
        let expected = PublicKey::of(&real).fingerprint();
        let nonce = Fingerprint::from_bytes([5; 32]);
        let at = DateTime::UNIX_EPOCH;
        assert!(IdentityResponse::sign(&real, &nonce, at).verify(&expected, &nonce).is_ok());
        assert!(IdentityResponse::sign(&other, &nonce, at).verify(&expected, &nonce).is_err());
        let replayed = IdentityResponse::sign(&real, &Fingerprint::from_bytes([6; 32]), at);
        assert!(replayed.verify(&expected, &nonce).is_err());
    }

    #[test]
    fn enrollment_proofs_are_bound_to_key_machine_and_server() {
        let server = Fingerprint::from_bytes([1; 32]);
        let token = EnrollmentToken::new(server, [2; 32]);
        let (key, old) = (SigningKey::from_bytes(&[3; 32]), SigningKey::from_bytes(&[4; 32]));
        let nonce = Fingerprint::from_bytes([5; 32]);
        let request = EnrollRequest::sign(&token, &key, nonce, machine(), "1", Some(&old));
        assert!(request.verify(&server).is_ok());
        assert_eq!(request.proven_previous_key(&server), Some(PublicKey::of(&old)));

        let mut other_key = request.clone();
        other_key.public_key = PublicKey::of(&old);
        assert!(other_key.verify(&server).is_err());
        let mut other_machine = request.clone();
        other_machine.machine.machine_id = "n".into();
        assert!(other_machine.verify(&server).is_err());
        assert_eq!(other_machine.proven_previous_key(&server), None);
        assert!(request.verify(&Fingerprint::from_bytes([9; 32])).is_err());
    }
}
