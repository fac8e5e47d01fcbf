//! Enrollment: the server proves its key first, only then is the token shown.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::Fingerprint;
use gururmm_protocol::enroll::{
    ENROLL_PATH, EnrollRequest, EnrollResponse, EnrollmentToken, IDENTITY_PATH, IdentityRequest, IdentityResponse,
    MachineIdentity,
};
use gururmm_protocol::text::clean_line;
use reqwest::{Client, Response, StatusCode, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, sleep};

use super::address::ServerAddress;
use super::proxy::{TCP_TIMEOUT, chain};
use super::retry_after;
use super::tls::{self, TlsError};
use crate::core::random::Random;
use crate::store::DataDir;
use crate::store::StoreError;
use crate::store::config::{Config, Decommissioned};
use crate::store::journal_file::JournalFile;

const TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server that is busy is asked again, as when a whole site enrolls at once.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// Pause before a busy server is asked again when it names none.
const PAUSE: Duration = Duration::from_secs(2);
/// Longest pause that a busy server may name.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Largest answer that is read.
const MAX_ANSWER: usize = 64 * 1024;
/// Longest text of the server that is shown.
const MAX_SHOWN: usize = 400;

/// The machine could not be enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrollError {
    /// The server could not be reached.
    #[error("{server} cannot be reached: {problem}")]
    Unreachable {
        /// The server's address.
        server: String,
        /// What happened.
        problem: String,
        /// Whether the server may have got the request all the same.
        maybe_received: bool,
    },
    /// The server is another one than the token names.
    #[error(
        "the server at {0} is not the one this enrollment token is for (its key does not have the fingerprint in the \
         token). The token was not sent. Check the address, or somebody stands between this machine and the server"
    )]
    WrongServer(String),
    /// The server said no.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The server, or a proxy before it, failed.
    #[error("the server failed: {0}; try again later")]
    ServerFailed(String),
    /// The server is too busy (503 or 429).
    #[error("the server is busy: {problem}; try again later")]
    Busy {
        /// What it said.
        problem: String,
        /// A pause that it asked for.
        retry_after: Option<Duration>,
    },
    /// The server's answer makes no sense.
    #[error("the server's answer cannot be read: {0}")]
    BadAnswer(String),
    /// TLS.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The data directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error("the operating system gave no random numbers: {0}")]
    Random(std::io::Error),
}

/// What an enrollment needs.
pub struct Enrollment<'a> {
    /// The server.
    pub server: &'a ServerAddress,
    /// The token.
    pub token: &'a EnrollmentToken,
    /// Extra certificate authorities, PEM.
    pub ca_pem: Option<&'a str>,
    /// The machine.
    pub machine: MachineIdentity,
    /// Randomness for key, nonce and jitter.
    pub random: &'a dyn Random,
    /// How long a busy server is asked again, usually [`PATIENCE`].
    pub patience: Duration,
}

/// Enrolls this machine; the configuration changes only after the server has accepted. An earlier enrollment in the
/// same data directory proves itself, so that the server keeps the machine's record. The new key is on the disk before
/// the server hears of it: when the answer is lost, the next attempt asks again with that key, or proves itself with it.
///
/// # Errors
/// [`EnrollError`]; the earlier enrollment, if any, then stands as before.
pub async fn enroll(dir: &DataDir, enrollment: Enrollment<'_>) -> Result<Config, EnrollError> {
    let Enrollment { server, token, ca_pem, machine, random, patience } = enrollment;
    let link = Link { client: client(server, ca_pem)?, server, random, until: Instant::now() + patience };
    let earlier = match Decommissioned::load(dir)? {
        Some(_) => None,
        None => earlier_enrollment(dir),
    };
    let unanswered = Config::unused_key(dir, earlier.as_ref().map(|(config, _)| config))?;

    let nonce = Fingerprint::from_bytes(random.bytes().map_err(EnrollError::Random)?);
    let identity: IdentityResponse = link.ask(IDENTITY_PATH, &IdentityRequest { nonce }).await?;
    identity.verify(&token.server, &nonce).map_err(|_| EnrollError::WrongServer(server.to_string()))?;

    let earlier_key = earlier.as_ref().map(|(_, key)| key);
    let sign =
        |key: &SigningKey, previous| EnrollRequest::sign(token, key, nonce, machine.clone(), crate::VERSION, previous);
    // The server may have heard of a key whose answer was lost: with the same token it gives the same answer, uncounted.
    let repeated = match &unanswered {
        None => None,
        Some(key) => match link.ask::<EnrollResponse>(ENROLL_PATH, &sign(key, earlier_key)).await {
            // Another token than that one: the key can still prove which machine this is.
            Err(EnrollError::Refused(_)) => None,
            answered => Some((Config::write_key(dir, key)?, answered?)),
        },
    };
    let (key_file, answer) = match repeated {
        Some(repeated) => repeated,
        None => {
            let key = SigningKey::from_bytes(&random.bytes().map_err(EnrollError::Random)?);
            let request = sign(&key, unanswered.as_ref().or(earlier_key));
            let key_file = Config::write_key(dir, &key)?;
            let answered = link.ask(ENROLL_PATH, &request).await;
            if let Err(EnrollError::Refused(_) | EnrollError::Unreachable { maybe_received: false, .. }) = &answered {
                crate::store::files::remove(&dir.join(&key_file))?;
            }
            (key_file, answered?)
        }
    };
    if answer.server_public_key != identity.public_key {
        return Err(EnrollError::WrongServer(server.to_string()));
    }

    let same_server = earlier.as_ref().filter(|(config, _)| config.server_public_key == answer.server_public_key);
    let config = Config {
        server: server.to_string(),
        server_public_key: answer.server_public_key,
        agent_id: answer.agent_id,
        epoch: same_server.map_or(0, |(config, _)| config.epoch),
        key_file,
        ca_pem: ca_pem.map(str::to_owned),
        clock_offset_ms: same_server.map_or(0, |(config, _)| config.clock_offset_ms),
    };
    JournalFile::create(dir, earlier.is_some())?;
    config.save(dir)?;
    Decommissioned::clear(dir)?;
    config.remove_other_keys(dir)?;
    Ok(config)
}

/// Asks the server who it is, once. Whether the answer is right is the caller's to verify.
///
/// # Errors
/// [`EnrollError`].
pub async fn ask_identity(
    client: &Client,
    server: &ServerAddress,
    random: &dyn Random,
    nonce: Fingerprint,
) -> Result<IdentityResponse, EnrollError> {
    let link = Link { client: client.clone(), server, random, until: Instant::now() };
    link.post(IDENTITY_PATH, &IdentityRequest { nonce }).await
}

/// The configuration and key of an earlier enrollment; one that cannot be read is as good as none.
fn earlier_enrollment(dir: &DataDir) -> Option<(Config, SigningKey)> {
    let read = || -> Result<_, StoreError> {
        let Some(config) = Config::load(dir)? else { return Ok(None) };
        let key = config.load_key(dir)?;
        Ok(Some((config, key)))
    };
    read().unwrap_or_else(|error| {
        tracing::warn!(%error, "the earlier enrollment cannot be read; this machine enrolls as a new one");
        None
    })
}

fn client(server: &ServerAddress, ca_pem: Option<&str>) -> Result<Client, EnrollError> {
    http_client(server, &*tls::client_config(ca_pem)?)
}

/// A client that follows no redirect, and uses no proxy to this machine itself.
///
/// # Errors
/// [`EnrollError::Unreachable`] when the TLS settings cannot be used.
pub fn http_client(server: &ServerAddress, config: &rustls::ClientConfig) -> Result<Client, EnrollError> {
    let mut builder = Client::builder()
        .tls_backend_preconfigured(config.clone())
        // A redirect would carry the token to another address, perhaps in plain text.
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT)
        .connect_timeout(TCP_TIMEOUT)
        .user_agent(concat!("gururmm-agent/", env!("CARGO_PKG_VERSION")));
    if server.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build().map_err(|error| EnrollError::Unreachable {
        server: server.to_string(),
        problem: chain(&error),
        maybe_received: false,
    })
}

/// The way to the server during one enrollment.
struct Link<'a> {
    client: Client,
    server: &'a ServerAddress,
    random: &'a dyn Random,
    /// When the patience with a busy server ends.
    until: Instant,
}

impl Link<'_> {
    /// Asks until the server is not busy or the patience ends. Both requests may be repeated: to the same key and token
    /// the server gives the same answer.
    async fn ask<T: DeserializeOwned>(&self, path: &str, body: &impl serde::Serialize) -> Result<T, EnrollError> {
        let mut asked_before = false;
        loop {
            let (problem, retry_after) = match self.post(path, body).await {
                Err(EnrollError::Busy { problem, retry_after }) => (problem, retry_after),
                // Who said "busy" may have been a proxy that had passed the request on.
                Err(EnrollError::Unreachable { server, problem, .. }) if asked_before => {
                    return Err(EnrollError::Unreachable { server, problem, maybe_received: true });
                }
                answered => return answered,
            };
            let pause = pause(retry_after, self.random.fraction());
            if Instant::now() + pause > self.until {
                return Err(EnrollError::Busy { problem, retry_after });
            }
            tracing::warn!("the server is busy: {problem}; asking again in {:.0} s", pause.as_secs_f64().ceil());
            sleep(pause).await;
            asked_before = true;
        }
    }

    async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl serde::Serialize) -> Result<T, EnrollError> {
        let unreachable = |error: reqwest::Error| EnrollError::Unreachable {
            server: self.server.to_string(),
            maybe_received: !error.is_connect(),
            problem: clean_line(&chain(&error.without_url()), MAX_SHOWN),
        };
        let response = self.client.post(self.server.endpoint(path)).json(body).send().await.map_err(unreachable)?;
        let status = response.status();
        let retry_after = retry_after(response.headers());
        let answer = read_bounded(response).await.map_err(unreachable)?;
        if status.is_success() {
            return serde_json::from_slice(&answer)
                .map_err(|error| EnrollError::BadAnswer(clean_line(&format!("{path}: {error}"), MAX_SHOWN)));
        }
        let problem = problem_text(status, &answer);
        Err(match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS => {
                EnrollError::Busy { problem, retry_after }
            }
            _ if status.is_server_error() => EnrollError::ServerFailed(problem),
            _ => EnrollError::Refused(problem),
        })
    }
}

/// The pause that was asked for is kept in full; jitter only adds to it, so that a site does not return at once.
fn pause(asked: Option<Duration>, fraction: f64) -> Duration {
    let base = asked.unwrap_or(PAUSE).clamp(Duration::from_secs(1), LONGEST_PAUSE);
    base + base.mul_f64(fraction.clamp(0.0, 1.0) / 4.0)
}

async fn read_bounded(mut response: Response) -> Result<Vec<u8>, reqwest::Error> {
    let mut answer = Vec::new();
    while let Some(piece) = response.chunk().await? {
        let room = MAX_ANSWER - answer.len();
        answer.extend_from_slice(&piece[..piece.len().min(room)]);
        if answer.len() == MAX_ANSWER {
            break;
        }
    }
    Ok(answer)
}

/// Title and detail of a problem document (RFC 9457), or the status where there is none.
fn problem_text(status: StatusCode, answer: &[u8]) -> String {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Problem {
        title: Option<String>,
        detail: Option<String>,
    }
    let problem: Problem = serde_json::from_slice(answer).unwrap_or_default();
    let shown = [problem.title, problem.detail]
        .into_iter()
        .flatten()
        .map(|text| clean_line(&text, MAX_SHOWN))
        .filter(|text| !text.is_empty())
        .collect::<Vec<_>>()
        .join(": ");
    if shown.is_empty() { format!("HTTP {status}") } else { format!("{shown} (HTTP {})", status.as_u16()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_is_what_the_server_asks_for_within_bounds() {
        let pause = |asked: Option<u64>, fraction| pause(asked.map(Duration::from_secs), fraction).as_millis();
        assert_eq!(pause(None, 0.0), 2_000);
        assert_eq!(pause(Some(0), 0.0), 1_000);
        assert_eq!(pause(Some(8), 0.0), 8_000);
        assert_eq!(pause(Some(8), 1.0), 10_000);
        assert_eq!(pause(Some(u64::MAX), 0.0), 30_000);
    }

    #[test]
    fn problem_documents_are_shown_as_bounded_text() {
        let text =
            problem_text(StatusCode::FORBIDDEN, br#"{"title":"No\u001b[31m","detail":"the token\nis not valid"}"#);
        assert_eq!(text, "No[31m: the token is not valid (HTTP 403)");
        let long = format!(r#"{{"title":"{}"}}"#, "x".repeat(5_000));
        assert!(problem_text(StatusCode::FORBIDDEN, long.as_bytes()).len() < 500);
        assert_eq!(problem_text(StatusCode::BAD_GATEWAY, b"<html>"), "HTTP 502 Bad Gateway");
    }
}
