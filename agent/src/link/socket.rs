//! Opening a session: connection, TLS, WebSocket, and the handshake in which both sides prove their keys.

use std::sync::Arc;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use futures_util::{SinkExt as _, StreamExt as _};
use gururmm_protocol::crypto::{Fingerprint, PublicKey};
use gururmm_protocol::enroll::MachineIdentity;
use gururmm_protocol::handshake::{Challenge, Hello, Rejected, Welcome};
use gururmm_protocol::limits;
use gururmm_protocol::message::{FromAgent, ToAgent};
use gururmm_protocol::text::clean_line;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as WsError, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};
use tokio_util::sync::CancellationToken;

use super::address::ServerAddress;
use super::proxy::{Proxies, chain};
use super::retry_after;
use crate::core::clock::Clock;
use crate::core::random::Random;

/// How long TCP, TLS and the WebSocket upgrade may take together.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const READ_BUFFER: usize = 4_096;
/// Longest text of the server that is kept as a reason.
const MAX_REASON: usize = 400;

/// An open WebSocket.
pub type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What it takes to open a session.
pub struct Peer {
    /// The server.
    pub server: ServerAddress,
    /// The server's key, pinned.
    pub server_key: PublicKey,
    /// The agent's key.
    pub key: SigningKey,
    /// This machine.
    pub machine: MachineIdentity,
    /// TLS settings.
    pub tls: Arc<ClientConfig>,
    /// Proxy rules.
    pub proxies: Proxies,
}

/// No session came about, or it ended.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum LinkError {
    /// The server cannot be reached, or what answers is not it. Worth another try.
    #[error("{problem}")]
    Failed {
        /// What happened.
        problem: String,
        /// A pause that was asked for.
        retry_after: Option<Duration>,
    },
    /// The server closed with a reason.
    #[error("the server refused ({code:?}): {message}", code = .0.code, message = .0.message)]
    Rejected(Rejected),
}

impl LinkError {
    /// A failure without a pause.
    #[must_use]
    pub fn failed(problem: impl Into<String>) -> Self {
        Self::Failed { problem: problem.into(), retry_after: None }
    }
}

/// An established session.
pub struct Established {
    /// The socket.
    pub socket: Socket,
    /// The server's answer, verified.
    pub welcome: Welcome,
    /// When it arrived, by the steady clock.
    pub received: Duration,
}

/// Connects and shakes hands.
///
/// # Errors
/// [`LinkError`].
pub async fn open(peer: &Peer, clock: &dyn Clock, random: &dyn Random) -> Result<Established, LinkError> {
    let mut socket = timeout(CONNECT_TIMEOUT, connect(&peer.server, &peer.proxies, &peer.tls))
        .await
        .map_err(|_| LinkError::failed(format!("{} does not answer", peer.server)))??;
    let (welcome, received) = timeout(limits::HANDSHAKE_TIMEOUT, handshake(&mut socket, peer, clock, random))
        .await
        .map_err(|_| LinkError::failed("the server did not finish the handshake in time"))??;
    Ok(Established { socket, welcome, received })
}

/// Opens a WebSocket, hears the challenge with which the server begins, and leaves. Nothing is said of this agent: a
/// session that it has is not disturbed.
///
/// # Errors
/// [`LinkError`].
pub async fn knock(server: &ServerAddress, proxies: &Proxies, tls: &Arc<ClientConfig>) -> Result<Challenge, LinkError> {
    let mut socket = connect(server, proxies, tls).await?;
    let first = receive(&mut socket).await?;
    // The close frame is a courtesy.
    let _ = socket.close(None).await;
    match first {
        ToAgent::Challenge(challenge) => Ok(challenge),
        ToAgent::Rejected(rejected) => Err(LinkError::Rejected(cleaned(rejected))),
        _ => Err(LinkError::failed("the server began with something else than a challenge")),
    }
}

async fn connect(server: &ServerAddress, proxies: &Proxies, tls: &Arc<ClientConfig>) -> Result<Socket, LinkError> {
    let unreachable = |error: &dyn std::error::Error| {
        LinkError::failed(clean_line(&format!("{server} cannot be reached: {}", chain(error)), MAX_REASON))
    };
    let stream = proxies.connect(server).await.map_err(|error| unreachable(&error))?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(limits::MAX_MESSAGE))
        .max_frame_size(Some(limits::MAX_MESSAGE));
    let connector = Connector::Rustls(Arc::clone(tls));
    match aside(client_async_tls_with_config(server.socket(), stream, Some(config), Some(connector))).await {
        None => Err(LinkError::failed("a part of the agent has failed while it connected")),
        Some(Ok((socket, _))) => Ok(socket),
        Some(Err(WsError::Http(response))) => {
            let problem = format!("{server} answered HTTP {}", response.status());
            Err(LinkError::Failed { problem, retry_after: retry_after(response.headers()) })
        }
        Some(Err(error)) => Err(unreachable(&error)),
    }
}

/// Drives something on a thread of its own: in the middle of a TLS handshake the certificate is judged, for which the operating
/// system may look for revocation lists in the network, and all other work of the agent has one thread. Given up when this
/// future is dropped; none when it has panicked.
async fn aside<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let given_up = CancellationToken::new();
    let (runtime, stop) = (Handle::current(), given_up.clone());
    let _given_up = given_up.drop_guard();
    tokio::task::spawn_blocking(move || runtime.block_on(stop.run_until_cancelled(work))).await.ok().flatten()
}

async fn handshake(
    socket: &mut Socket,
    peer: &Peer,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<(Welcome, Duration), LinkError> {
    let challenge = match receive(socket).await? {
        ToAgent::Challenge(challenge) => challenge,
        ToAgent::Rejected(rejected) => return Err(LinkError::Rejected(cleaned(rejected))),
        _ => return Err(LinkError::failed("the server began with something else than a challenge")),
    };
    let nonce = Fingerprint::from_bytes(
        random.bytes().map_err(|error| LinkError::failed(format!("no random numbers: {error}")))?,
    );
    let hello =
        Hello::sign(&peer.key, &peer.server_key.fingerprint(), &challenge, nonce, crate::VERSION, peer.machine.clone());
    let text = FromAgent::Hello(hello).encode().map_err(|error| LinkError::failed(error.to_string()))?;
    socket.send(Message::text(text)).await.map_err(|error| broken(&error))?;
    match receive(socket).await? {
        ToAgent::Welcome(welcome) => {
            let received = clock.steady();
            welcome.verify(&peer.server_key, &challenge.nonce, &nonce).map_err(|_| {
                LinkError::failed(
                    "the server does not hold the key this agent was enrolled with; nothing it says is followed",
                )
            })?;
            Ok((welcome, received))
        }
        ToAgent::Rejected(rejected) => Err(LinkError::Rejected(cleaned(rejected))),
        _ => Err(LinkError::failed("the server answered the hello with something else than a welcome")),
    }
}

/// The next message of the handshake.
async fn receive(socket: &mut Socket) -> Result<ToAgent, LinkError> {
    loop {
        let message = match socket.next().await {
            None => return Err(LinkError::failed("the server closed the connection during the handshake")),
            Some(message) => message.map_err(|error| broken(&error))?,
        };
        match message {
            Message::Text(text) if text.len() > limits::MAX_HANDSHAKE_MESSAGE => {
                return Err(LinkError::failed("the server sent too large a message during the handshake"));
            }
            Message::Text(text) => {
                return ToAgent::decode(&text)
                    .map_err(|error| LinkError::failed(clean_line(&error.to_string(), MAX_REASON)));
            }
            Message::Ping(_) | Message::Pong(_) => {}
            Message::Close(_) => {
                return Err(LinkError::failed("the server closed the connection during the handshake"));
            }
            Message::Binary(_) | Message::Frame(_) => {
                return Err(LinkError::failed("the server sent binary data during the handshake"));
            }
        }
    }
}

/// A broken connection, in words.
pub(super) fn broken(error: &WsError) -> LinkError {
    LinkError::failed(clean_line(&format!("the connection broke: {}", chain(error)), MAX_REASON))
}

/// A rejection whose text can be shown.
pub(super) fn cleaned(mut rejected: Rejected) -> Rejected {
    rejected.message = clean_line(&rejected.message, MAX_REASON);
    rejected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_driven_aside_holds_nothing_up_and_ends_with_who_waits_for_it() {
        let here = std::thread::current().id();
        let there = aside(async { std::thread::current().id() }).await.unwrap();
        assert_ne!(there, here);
        assert!(aside(async { panic!("for a test") }).await.is_none_or(|()| false));
        // Dropped when the work is.
        let (held, released) = tokio::sync::oneshot::channel::<()>();
        let (begun, has_begun) = tokio::sync::oneshot::channel();
        let endless = aside(async move {
            begun.send(()).unwrap();
            std::future::pending::<()>().await;
            drop(held);
        });
        tokio::select! {
            _ = endless => panic!("it does not end"),
            done = has_begun => done.unwrap(),
        }
        assert!(released.await.is_err());
    }
}
