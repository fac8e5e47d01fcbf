//! What can go wrong in a simulation.

use gururmm_protocol::envelope::Refusal;
use gururmm_protocol::handshake::Rejected;

/// A step of a simulated agent failed.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// The agent has no enrollment yet.
    #[error("the agent is not enrolled: call enroll first")]
    NotEnrolled,
    /// The enrollment token's text is wrong.
    #[error(transparent)]
    BadToken(#[from] gururmm_protocol::enroll::BadToken),
    /// The address is not `http(s)://host[:port]`.
    #[error("{0} is not an http or https address")]
    BadAddress(String),
    /// An HTTP request did not get an answer that can be read.
    #[error("HTTP request: {0}")]
    Http(#[from] reqwest::Error),
    /// The server answered an HTTP request with an error.
    #[error("the server answered {status}: {body}")]
    HttpStatus {
        /// HTTP status code.
        status: u16,
        /// `code` of the problem document, if there is one.
        code: Option<String>,
        /// Seconds after which the server wants to be asked again.
        retry_after: Option<u64>,
        /// The whole body.
        body: String,
    },
    /// The server is not the one whose key the token or the enrollment names.
    #[error("the server does not prove the expected key")]
    WrongServer,
    /// The WebSocket failed.
    #[error("socket: {0}")]
    Socket(#[source] Box<tokio_tungstenite::tungstenite::Error>),
    /// The connection is over, without a `rejected` before it.
    #[error("the connection is closed (close code {code:?})")]
    Closed {
        /// WebSocket close code (RFC 6455, section 7.4), when the server sent one.
        code: Option<u16>,
    },
    /// The server said that it closes the connection.
    #[error("rejected: {:?}: {}", .0.code, .0.message)]
    Rejected(Rejected),
    /// The server said nothing that was waited for.
    #[error("no {wanted} within {seconds} s; kept meanwhile: {kept}")]
    Timeout {
        /// What was waited for.
        wanted: &'static str,
        /// How long.
        seconds: f32,
        /// Messages that arrived instead.
        kept: String,
    },
    /// The server sent what is no message.
    #[error("unreadable message: {0}")]
    Unreadable(String),
    /// The server sent something else.
    #[error("expected {wanted}, got {got}")]
    Unexpected {
        /// What was waited for.
        wanted: &'static str,
        /// What came.
        got: String,
    },
    /// The server will not take a report.
    #[error("report {seq} refused: {message}")]
    ReportRefused {
        /// Its number.
        seq: u64,
        /// Why.
        message: String,
    },
    /// The server sent an envelope that a real agent refuses.
    #[error("envelope: {0}")]
    Envelope(#[from] Refusal),
    /// A value could not be written as JSON.
    #[error("JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A file of the state directory.
    #[error("state directory: {0}")]
    State(#[from] std::io::Error),
}

impl From<tokio_tungstenite::tungstenite::Error> for SimError {
    fn from(error: tokio_tungstenite::tungstenite::Error) -> Self {
        Self::Socket(Box::new(error))
    }
}

impl SimError {
    /// The rejection, if the server rejected the connection.
    #[must_use]
    pub const fn rejected(&self) -> Option<&Rejected> {
        match self {
            Self::Rejected(rejected) => Some(rejected),
            _ => None,
        }
    }

    /// The HTTP status and problem code, if the server answered an HTTP request with an error.
    #[must_use]
    pub fn http_status(&self) -> Option<(u16, Option<&str>)> {
        match self {
            Self::HttpStatus { status, code, .. } => Some((*status, code.as_deref())),
            _ => None,
        }
    }
}
