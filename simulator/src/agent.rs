//! A simulated agent: who it is, how it enrolls and connects.

use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::{Fingerprint, PublicKey, SignatureBytes};
use gururmm_protocol::enroll::{
    ENROLL_PATH, EnrollRequest, EnrollResponse, EnrollmentToken, IDENTITY_PATH, IdentityRequest, IdentityResponse,
    MachineIdentity,
};
use gururmm_protocol::handshake::{Challenge, Hello};
use gururmm_protocol::message::{FromAgent, ToAgent};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::link::Io;
use crate::{DEFAULT_WAIT, Link, Machine, Session, SimError, random};

/// What an agent keeps of its enrollment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enrollment {
    /// The id at enrollment. A session's own id ([`Session::agent_id`]) may differ after a merge.
    pub agent_id: Uuid,
    /// The server's key, pinned.
    pub server_key: PublicKey,
}

/// A simulated agent. Cloning it copies its key: two clones are a copied disk image.
#[derive(Clone)]
pub struct SimAgent {
    /// The machine it says it runs on.
    pub machine: Machine,
    /// The version it says it is.
    pub version: String,
    key: SigningKey,
    enrollment: Option<Enrollment>,
    base_url: String,
}

/// What a [`Hello`] says instead of the truth. All but [`HelloOverrides::wrong_signature`] are signed properly.
#[derive(Clone, Default)]
pub struct HelloOverrides {
    /// Another machine id (a copied key).
    pub machine_id: Option<String>,
    /// Another boot id.
    pub boot_id: Option<String>,
    /// Another host name.
    pub hostname: Option<String>,
    /// Another protocol version.
    pub protocol_version: Option<u32>,
    /// Another agent version.
    pub agent_version: Option<String>,
    /// Spoil the signature after signing.
    pub wrong_signature: bool,
}

impl SimAgent {
    /// An agent that follows from `seed` alone: key, machine, inventory.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self::on(Machine::from_seed(seed), seed)
    }

    /// An agent on a given machine, whose key follows from `key_seed`.
    #[must_use]
    pub fn on(machine: Machine, key_seed: u64) -> Self {
        let key = new_key(&mut random::stream(key_seed, "agent key"));
        Self { machine, version: "0.1.0".to_owned(), key, enrollment: None, base_url: String::new() }
    }

    /// An agent that enrolled earlier.
    #[must_use]
    pub fn restore(machine: Machine, key: SigningKey, enrollment: Enrollment, base_url: &str) -> Self {
        Self {
            machine,
            version: "0.1.0".to_owned(),
            key,
            enrollment: Some(enrollment),
            base_url: base_url.trim_end_matches('/').to_owned(),
        }
    }

    /// The agent's key pair.
    #[must_use]
    pub const fn key(&self) -> &SigningKey {
        &self.key
    }

    /// The agent's public key.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        PublicKey::of(&self.key)
    }

    /// What the agent keeps of its enrollment.
    #[must_use]
    pub const fn enrollment(&self) -> Option<&Enrollment> {
        self.enrollment.as_ref()
    }

    /// The id the server gave at enrollment.
    ///
    /// # Errors
    /// [`SimError::NotEnrolled`].
    pub fn agent_id(&self) -> Result<Uuid, SimError> {
        Ok(self.enrollment.ok_or(SimError::NotEnrolled)?.agent_id)
    }

    /// The server's address: of the enrollment, or as set since.
    #[must_use]
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Sets the server's address, for example after the server came back on another port.
    pub fn set_server(&mut self, base_url: &str) {
        base_url.trim_end_matches('/').clone_into(&mut self.base_url);
    }

    /// Enrolls with the agent's key: identity proof first, then the token. Remembers `base_url` for [`Self::connect`].
    ///
    /// # Errors
    /// [`SimError::WrongServer`] before the token is shown, [`SimError::HttpStatus`] when the server refuses.
    pub async fn enroll(&mut self, base_url: &str, token: &str) -> Result<Uuid, SimError> {
        self.enroll_proving(&http_client()?, base_url, token, None).await
    }

    /// Like [`Self::enroll`] with a client that many agents share.
    pub(crate) async fn enroll_by(
        &mut self,
        client: &reqwest::Client,
        base_url: &str,
        token: &str,
    ) -> Result<Uuid, SimError> {
        self.enroll_proving(client, base_url, token, None).await
    }

    /// Enrolls again with a new key, and proves the earlier one.
    ///
    /// # Errors
    /// As [`Self::enroll`]; the agent then keeps its earlier key and enrollment.
    pub async fn reenroll(&mut self, base_url: &str, token: &str) -> Result<Uuid, SimError> {
        let earlier = self.clone();
        self.replace_key();
        let result = self.enroll_proving(&http_client()?, base_url, token, Some(&earlier.key)).await;
        if result.is_err() {
            *self = earlier;
        }
        result
    }

    /// Forgets enrollment and key, as when the machine was installed anew: same machine, unknown agent.
    pub fn forget(&mut self) {
        self.replace_key();
        self.enrollment = None;
    }

    fn replace_key(&mut self) {
        self.key = new_key(&mut fastrand::Rng::new());
    }

    async fn enroll_proving(
        &mut self,
        client: &reqwest::Client,
        base_url: &str,
        token: &str,
        previous: Option<&SigningKey>,
    ) -> Result<Uuid, SimError> {
        let token: EnrollmentToken = token.parse()?;
        let base_url = base_url.trim_end_matches('/');
        let nonce = random::nonce();
        let identity: IdentityResponse = post(client, base_url, IDENTITY_PATH, &IdentityRequest { nonce }).await?;
        identity.verify(&token.server, &nonce).map_err(|_| SimError::WrongServer)?;
        let request = self.enroll_request(&token, nonce, previous);
        let response: EnrollResponse = post(client, base_url, ENROLL_PATH, &request).await?;
        if response.server_public_key != identity.public_key {
            return Err(SimError::WrongServer);
        }
        base_url.clone_into(&mut self.base_url);
        Ok(self.accept_enrollment(&response))
    }

    /// The body of the enrollment request, to be sent (or spoiled first) by the caller.
    #[must_use]
    pub fn enroll_request(
        &self,
        token: &EnrollmentToken,
        nonce: Fingerprint,
        previous: Option<&SigningKey>,
    ) -> EnrollRequest {
        EnrollRequest::sign(token, &self.key, nonce, self.machine.identity.clone(), &self.version, previous)
    }

    /// Takes the server's answer to an [`Self::enroll_request`] that the caller sent.
    pub fn accept_enrollment(&mut self, response: &EnrollResponse) -> Uuid {
        self.enrollment = Some(Enrollment { agent_id: response.agent_id, server_key: response.server_public_key });
        response.agent_id
    }

    /// Connects to the server of the enrollment and finishes the handshake.
    ///
    /// # Errors
    /// [`SimError::Rejected`] with the server's reason, or what else went wrong.
    pub async fn connect(&self) -> Result<Session, SimError> {
        self.connect_with(&HelloOverrides::default()).await
    }

    /// Like [`Self::connect`], saying something else than the truth.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_with(&self, overrides: &HelloOverrides) -> Result<Session, SimError> {
        self.handshake(Link::open(&self.base_url).await?, overrides).await
    }

    /// Like [`Self::connect`] over a stream that is already open.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_over(&self, stream: impl Io) -> Result<Session, SimError> {
        self.handshake(Link::over(stream).await?, &HelloOverrides::default()).await
    }

    /// Opens the socket only: no message is read or sent. For tests that break the handshake.
    ///
    /// # Errors
    /// When nobody answers as a WebSocket server.
    pub async fn open(&self) -> Result<Link, SimError> {
        Link::open(&self.base_url).await
    }

    /// The signed answer to a challenge.
    ///
    /// # Errors
    /// [`SimError::NotEnrolled`]: there is no server key to sign for.
    pub fn respond_hello(&self, challenge: &Challenge, overrides: &HelloOverrides) -> Result<Hello, SimError> {
        let server = self.enrollment.ok_or(SimError::NotEnrolled)?.server_key.fingerprint();
        let truth = &self.machine.identity;
        let machine = MachineIdentity {
            machine_id: overrides.machine_id.as_ref().unwrap_or(&truth.machine_id).clone(),
            boot_id: overrides.boot_id.as_ref().unwrap_or(&truth.boot_id).clone(),
            hostname: overrides.hostname.as_ref().unwrap_or(&truth.hostname).clone(),
        };
        let version = overrides.agent_version.as_ref().unwrap_or(&self.version);
        let mut hello = Hello::sign(&self.key, &server, challenge, random::nonce(), version, machine);
        if let Some(protocol_version) = overrides.protocol_version {
            hello.protocol_version = protocol_version;
            hello.sign_again(&self.key, &server, &challenge.nonce);
        }
        if overrides.wrong_signature {
            let mut bytes = *hello.proof.as_bytes();
            bytes[0] ^= 1;
            hello.proof = SignatureBytes::from_bytes(bytes);
        }
        Ok(hello)
    }

    /// Challenge, hello, welcome over an open link; the server's proof is checked.
    ///
    /// # Errors
    /// [`SimError::Rejected`] with the server's reason, [`SimError::WrongServer`], or a broken link.
    pub async fn handshake(&self, mut link: Link, overrides: &HelloOverrides) -> Result<Session, SimError> {
        let server_key = self.enrollment.ok_or(SimError::NotEnrolled)?.server_key;
        let challenge = link.challenge().await?;
        let hello = self.respond_hello(&challenge, overrides)?;
        let nonce = hello.nonce;
        link.send(&FromAgent::Hello(hello)).await?;
        let welcome = link
            .wait_for("welcome", |message| match message {
                ToAgent::Welcome(welcome) => Some(welcome.clone()),
                _ => None,
            })
            .await?;
        welcome.verify(&server_key, &challenge.nonce, &nonce).map_err(|_| SimError::WrongServer)?;
        Ok(Session::new(link, server_key, welcome))
    }
}

fn new_key(rng: &mut fastrand::Rng) -> SigningKey {
    let mut bytes = [0; 32];
    rng.fill(&mut bytes);
    SigningKey::from_bytes(&bytes)
}

/// An HTTP client without any proxy, with the TLS provider that the workspace uses.
///
/// # Errors
/// When TLS cannot be set up.
pub fn http_client() -> Result<reqwest::Client, SimError> {
    // Already installed (by an earlier agent or the program itself) is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().timeout(DEFAULT_WAIT).no_proxy().build()?)
}

async fn post<T: DeserializeOwned>(
    client: &reqwest::Client,
    base_url: &str,
    path: &str,
    body: &impl Serialize,
) -> Result<T, SimError> {
    let response = client.post(format!("{base_url}{path}")).json(body).send().await?;
    let status = response.status();
    if status.is_success() {
        return Ok(response.json().await?);
    }
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    let body = response.text().await?;
    let code = serde_json::from_str::<serde_json::Value>(&body)
        .ok()
        .and_then(|problem| Some(problem.get("code")?.as_str()?.to_owned()));
    Err(SimError::HttpStatus { status: status.as_u16(), code, retry_after, body })
}
