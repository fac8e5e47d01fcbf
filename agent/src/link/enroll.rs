//! Enrollment: the server proves its key first, only then is the token shown.

use std::time::Duration;

use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::Fingerprint;
use gururmm_protocol::enroll::{
    ENROLL_PATH, EnrollRequest, EnrollResponse, EnrollmentToken, IDENTITY_PATH, IdentityRequest, IdentityResponse,
    MachineIdentity,
};
use gururmm_protocol::text::clean_line;
use reqwest::{Client, Response, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::address::ServerAddress;
use super::proxy::chain;
use super::tls::{self, TlsError};
use crate::core::random::Random;
use crate::store::DataDir;
use crate::store::StoreError;
use crate::store::config::{Config, Decommissioned};

const TIMEOUT: Duration = Duration::from_secs(30);
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
    /// Randomness for key and nonce.
    pub random: &'a dyn Random,
}

/// Enrolls this machine; the configuration changes only after the server has accepted. An earlier enrollment in the
/// same data directory proves itself, so that the server keeps the machine's record. The new key is on the disk before
/// the server hears of it: when the answer is lost, the next attempt proves itself with that key.
///
/// # Errors
/// [`EnrollError`]; the earlier enrollment, if any, then stands as before.
pub async fn enroll(dir: &DataDir, enrollment: Enrollment<'_>) -> Result<Config, EnrollError> {
    let Enrollment { server, token, ca_pem, machine, random } = enrollment;
    let client = client(server, ca_pem)?;
    let earlier = match Decommissioned::load(dir)? {
        Some(_) => None,
        None => earlier_enrollment(dir),
    };
    let unanswered = Config::unused_key(dir, earlier.as_ref().map(|(config, _)| config))?;

    let nonce = Fingerprint::from_bytes(random.bytes().map_err(EnrollError::Random)?);
    let identity: IdentityResponse = post(&client, server, IDENTITY_PATH, &IdentityRequest { nonce }).await?;
    identity.verify(&token.server, &nonce).map_err(|_| EnrollError::WrongServer(server.to_string()))?;

    let key = SigningKey::from_bytes(&random.bytes().map_err(EnrollError::Random)?);
    let previous = unanswered.as_ref().or(earlier.as_ref().map(|(_, key)| key));
    let request = EnrollRequest::sign(token, &key, nonce, machine, crate::VERSION, previous);
    let key_file = Config::write_key(dir, &key)?;
    let answered = post::<EnrollResponse>(&client, server, ENROLL_PATH, &request).await;
    if let Err(EnrollError::Refused(_) | EnrollError::Unreachable { maybe_received: false, .. }) = &answered {
        crate::store::files::remove(&dir.join(&key_file))?;
    }
    let answer = answered?;
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
    config.save(dir)?;
    Decommissioned::clear(dir)?;
    config.remove_other_keys(dir)?;
    Ok(config)
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
    let config = tls::client_config(ca_pem)?;
    let mut builder = Client::builder()
        .tls_backend_preconfigured(rustls::ClientConfig::clone(&config))
        // A redirect would carry the token to another address, perhaps in plain text.
        .redirect(redirect::Policy::none())
        .timeout(TIMEOUT)
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

async fn post<T: DeserializeOwned>(
    client: &Client,
    server: &ServerAddress,
    path: &str,
    body: &impl serde::Serialize,
) -> Result<T, EnrollError> {
    let unreachable = |error: reqwest::Error| EnrollError::Unreachable {
        server: server.to_string(),
        maybe_received: !error.is_connect(),
        problem: clean_line(&chain(&error.without_url()), MAX_SHOWN),
    };
    let response = client.post(server.endpoint(path)).json(body).send().await.map_err(unreachable)?;
    let status = response.status();
    let answer = read_bounded(response).await.map_err(unreachable)?;
    if status.is_success() {
        return serde_json::from_slice(&answer)
            .map_err(|error| EnrollError::BadAnswer(clean_line(&format!("{path}: {error}"), MAX_SHOWN)));
    }
    let text = problem_text(status, &answer);
    Err(if status.is_server_error() { EnrollError::ServerFailed(text) } else { EnrollError::Refused(text) })
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
fn problem_text(status: reqwest::StatusCode, answer: &[u8]) -> String {
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
    use reqwest::StatusCode;

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
