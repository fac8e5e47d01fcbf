//! The bare WebSocket: frames in and out, nothing known about a session. Hostile tests work here.

use std::collections::VecDeque;
use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use gururmm_protocol::handshake::{AGENT_SOCKET_PATH, Challenge};
use gururmm_protocol::limits;
use gururmm_protocol::message::{FromAgent, ToAgent};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::{DEFAULT_WAIT, SimError};

/// Any byte stream that a WebSocket can run over: a TCP connection or one half of an in-memory pipe.
pub trait Io: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Io for T {}

/// An open WebSocket to the server's agent endpoint.
pub struct Link {
    socket: WebSocketStream<MaybeTlsStream<Box<dyn Io>>>,
    /// Messages that arrived while another kind was waited for.
    kept: VecDeque<ToAgent>,
    wait: Duration,
    last_frame: Instant,
}

/// The WebSocket address below a server's `http(s)://` or `ws(s)://` base address.
///
/// # Errors
/// [`SimError::BadAddress`] for any other scheme.
pub fn socket_url(base_url: &str) -> Result<String, SimError> {
    let base = base_url.trim_end_matches('/');
    let (scheme, rest) = base.split_once("://").ok_or_else(|| SimError::BadAddress(base_url.to_owned()))?;
    let scheme = match scheme {
        "http" | "ws" => "ws",
        "https" | "wss" => "wss",
        _ => return Err(SimError::BadAddress(base_url.to_owned())),
    };
    Ok(format!("{scheme}://{rest}{AGENT_SOCKET_PATH}"))
}

impl Link {
    /// Connects by TCP (and TLS for `https`) to the server at `base_url`.
    ///
    /// # Errors
    /// When the address is wrong, or nobody answers there as a WebSocket server.
    pub async fn open(base_url: &str) -> Result<Self, SimError> {
        let url = socket_url(base_url)?;
        let request = url.as_str().into_client_request()?;
        let bad = || SimError::BadAddress(base_url.to_owned());
        let host = request.uri().host().ok_or_else(bad)?.trim_matches(['[', ']']).to_owned();
        let port = request.uri().port_u16().unwrap_or(if url.starts_with("wss") { 443 } else { 80 });
        let stream =
            TcpStream::connect((host.as_str(), port)).await.map_err(tokio_tungstenite::tungstenite::Error::Io)?;
        stream.set_nodelay(true).map_err(tokio_tungstenite::tungstenite::Error::Io)?;
        Self::over_named(stream, &url).await
    }

    /// Speaks over a stream that is already open to the server, for example one half of [`tokio::io::duplex`].
    ///
    /// # Errors
    /// When the other side does not answer as a WebSocket server.
    pub async fn over(stream: impl Io) -> Result<Self, SimError> {
        Self::over_named(stream, &format!("ws://localhost{AGENT_SOCKET_PATH}")).await
    }

    async fn over_named(stream: impl Io, url: &str) -> Result<Self, SimError> {
        // Small buffers: the defaults of 128 KiB each would make a fleet of thousands cost gigabytes.
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(0)
            .max_message_size(Some(limits::MAX_MESSAGE))
            .max_frame_size(Some(limits::MAX_MESSAGE));
        let stream: Box<dyn Io> = Box::new(stream);
        let connecting = client_async_tls_with_config(url, stream, Some(config), None);
        let (socket, _) = tokio::time::timeout(DEFAULT_WAIT, connecting).await.map_err(|_| SimError::Timeout {
            wanted: "WebSocket upgrade",
            seconds: DEFAULT_WAIT.as_secs_f32(),
            kept: String::new(),
        })??;
        Ok(Self { socket, kept: VecDeque::new(), wait: DEFAULT_WAIT, last_frame: Instant::now() })
    }

    /// Sets how long later calls wait; [`DEFAULT_WAIT`] otherwise.
    pub const fn set_wait(&mut self, wait: Duration) {
        self.wait = wait;
    }

    /// When the last frame of any kind came from the server.
    #[must_use]
    pub const fn last_frame(&self) -> Instant {
        self.last_frame
    }

    /// Sends one message.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn send(&mut self, message: &FromAgent) -> Result<(), SimError> {
        self.send_text(message.encode()?).await
    }

    /// Sends a text frame as it is: JSON or not.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn send_text(&mut self, text: impl Into<String>) -> Result<(), SimError> {
        Ok(self.socket.send(Message::Text(text.into().into())).await?)
    }

    /// Sends a binary frame.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn send_binary(&mut self, bytes: impl Into<Vec<u8>>) -> Result<(), SimError> {
        Ok(self.socket.send(Message::Binary(bytes.into().into())).await?)
    }

    /// Sends a WebSocket ping.
    ///
    /// # Errors
    /// When the socket is gone.
    pub async fn send_ping(&mut self) -> Result<(), SimError> {
        Ok(self.socket.send(Message::Ping(Vec::new().into())).await?)
    }

    /// The next message, first among those kept. A `rejected` is a message here.
    ///
    /// # Errors
    /// When nothing comes in time, the connection ends, or a frame is no message.
    pub async fn next_message(&mut self) -> Result<ToAgent, SimError> {
        match self.kept.pop_front() {
            Some(message) => Ok(message),
            None => self.read(Instant::now() + self.wait, "message").await,
        }
    }

    /// Like [`Link::next_message`] without a time limit, for the caller's own `select!` (cancel-safe).
    ///
    /// # Errors
    /// When the connection ends, or a frame is no message.
    pub async fn receive(&mut self) -> Result<ToAgent, SimError> {
        match self.kept.pop_front() {
            Some(message) => Ok(message),
            None => self.read_frame().await,
        }
    }

    /// Waits for a message that `pick` takes; others are kept for later calls, in order.
    ///
    /// # Errors
    /// As [`Link::next_message`], and [`SimError::Rejected`] when a `rejected` comes that `pick` does not take.
    pub async fn wait_for<T>(
        &mut self,
        wanted: &'static str,
        mut pick: impl FnMut(&ToAgent) -> Option<T>,
    ) -> Result<T, SimError> {
        for (index, message) in self.kept.iter().enumerate() {
            if let Some(found) = pick(message) {
                self.kept.remove(index);
                return Ok(found);
            }
        }
        let deadline = Instant::now() + self.wait;
        loop {
            let message = self.read(deadline, wanted).await?;
            if let Some(found) = pick(&message) {
                return Ok(found);
            }
            match message {
                ToAgent::Rejected(rejected) => return Err(SimError::Rejected(rejected)),
                other => self.kept.push_back(other),
            }
        }
    }

    /// Puts a message back, in front of those kept.
    pub(crate) fn keep(&mut self, message: ToAgent) {
        self.kept.push_front(message);
    }

    /// Waits for the server's challenge.
    ///
    /// # Errors
    /// As [`Link::wait_for`].
    pub async fn challenge(&mut self) -> Result<Challenge, SimError> {
        self.wait_for("challenge", |message| match message {
            ToAgent::Challenge(challenge) => Some(challenge.clone()),
            _ => None,
        })
        .await
    }

    /// Fails if any message arrives, or was kept, within `quiet`; pings are answered meanwhile.
    ///
    /// # Errors
    /// [`SimError::Unexpected`] with the message, or the end of the connection.
    pub async fn expect_silence(&mut self, quiet: Duration) -> Result<(), SimError> {
        match tokio::time::timeout(quiet, self.receive()).await {
            Err(_) => Ok(()),
            Ok(message) => Err(SimError::Unexpected { wanted: "silence", got: format!("{:?}", message?) }),
        }
    }

    /// Waits until the server has ended the connection, and returns the `rejected` it said before, if any.
    ///
    /// # Errors
    /// [`SimError::Timeout`] when the connection stays open.
    pub async fn expect_end(&mut self) -> Result<Option<gururmm_protocol::handshake::Rejected>, SimError> {
        let deadline = Instant::now() + self.wait;
        let mut rejected = None;
        loop {
            match self.read(deadline, "end of the connection").await {
                Ok(ToAgent::Rejected(said)) => rejected = Some(said),
                Ok(_) | Err(SimError::Unreadable(_)) => {}
                Err(error @ SimError::Timeout { .. }) => return Err(error),
                Err(_) => return Ok(rejected),
            }
        }
    }

    /// Says goodbye with a close frame.
    pub async fn close(mut self) {
        // The other side may be gone already, which is as good.
        let _ = tokio::time::timeout(self.wait, self.socket.close(None)).await;
    }

    async fn read(&mut self, deadline: Instant, wanted: &'static str) -> Result<ToAgent, SimError> {
        match tokio::time::timeout_at(deadline, self.read_frame()).await {
            Ok(result) => result,
            Err(_) => {
                Err(SimError::Timeout { wanted, seconds: self.wait.as_secs_f32(), kept: format!("{:?}", self.kept) })
            }
        }
    }

    async fn read_frame(&mut self) -> Result<ToAgent, SimError> {
        loop {
            let frame = self.socket.next().await;
            self.last_frame = Instant::now();
            match frame {
                Some(Ok(Message::Text(text))) => {
                    return ToAgent::decode(&text).map_err(|error| SimError::Unreadable(error.problem));
                }
                Some(Ok(Message::Close(frame))) => {
                    return Err(SimError::Closed { code: frame.map(|frame| frame.code.into()) });
                }
                Some(Ok(Message::Binary(bytes))) => {
                    return Err(SimError::Unreadable(format!("a binary frame of {} bytes", bytes.len())));
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(error.into()),
                None => return Err(SimError::Closed { code: None }),
            }
        }
    }
}
