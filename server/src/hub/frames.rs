//! One frame from an agent, and whether it is one at all.

use axum::extract::ws::Message;
use gururmm_protocol::handshake::Rejected;
use tokio_tungstenite::tungstenite::Error as SocketError;
use tokio_tungstenite::tungstenite::error::ProtocolError;

use super::reject;

/// Largest message that is read at all. Above the protocol's bound, so that a message somewhat too large is read to its
/// end and its sender is told, instead of finding a connection reset.
pub const MAX_READ: usize = gururmm_protocol::limits::MAX_MESSAGE + 64 * 1024;

/// What the socket gave.
#[derive(Debug)]
pub enum Frame {
    /// A message, within bounds, and its length in bytes.
    Text(String),
    /// A ping or pong: it lives.
    Sign,
    /// The connection is over.
    Gone,
    /// Not what the protocol allows.
    Violation(Rejected),
}

/// Judges what the socket gave. `max` is the largest message allowed at this point.
#[must_use]
pub fn judge(received: Option<Result<Message, axum::Error>>, max: usize) -> Frame {
    let too_large = || Frame::Violation(reject::violation("too_large", &format!("the message is over {max} bytes")));
    match received {
        Some(Ok(Message::Text(text))) if text.len() > max => too_large(),
        Some(Ok(Message::Text(text))) => Frame::Text(text.as_str().to_owned()),
        Some(Ok(Message::Binary(_))) => {
            Frame::Violation(reject::violation("binary", "binary frames are not allowed on this connection"))
        }
        Some(Ok(Message::Ping(_) | Message::Pong(_))) => Frame::Sign,
        Some(Ok(Message::Close(_))) | None => Frame::Gone,
        Some(Err(error)) => match error.into_inner().downcast_ref::<SocketError>() {
            Some(SocketError::Capacity(_)) => too_large(),
            Some(SocketError::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Frame::Gone,
            Some(SocketError::Protocol(_) | SocketError::Utf8(_)) => Frame::Violation(reject::violation(
                "not_websocket",
                "the frame is not a WebSocket text frame (RFC 6455)",
            )),
            _ => Frame::Gone,
        },
    }
}
