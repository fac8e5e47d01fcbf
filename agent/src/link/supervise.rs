//! Keeps a session open: connects, waits after failures, connects again.

use std::sync::Arc;
use std::time::Duration;

use gururmm_protocol::handshake::{RejectCode, Welcome};
use gururmm_protocol::message::{FromAgent, ToAgent};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::session;
use super::socket::{self, LinkError, Peer};
use crate::core::backoff::{Backoff, Ending};
use crate::core::clock::Clock;
use crate::core::random::Random;

/// Messages of the agent that may wait for the socket.
const OUTGOING: usize = 8;

/// What happens to the connection.
#[derive(Debug)]
pub enum LinkEvent {
    /// An attempt begins.
    Connecting,
    /// A session is established.
    Connected {
        /// The server's verified answer.
        welcome: Box<Welcome>,
        /// When it arrived, by the steady clock.
        received: Duration,
        /// Takes what is to be said in this session.
        outgoing: mpsc::Sender<FromAgent>,
    },
    /// The server said something.
    Message(Box<ToAgent>),
    /// There is no session any more.
    Ended {
        /// Why, in words.
        reason: String,
        /// How long until the next attempt.
        retry_in: Duration,
    },
}

/// Runs until `stop`; a running session is then closed in order.
pub async fn run(
    peer: Peer,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    events: mpsc::Sender<LinkEvent>,
    stop: CancellationToken,
) {
    let mut backoff = Backoff::default();
    while !stop.is_cancelled() {
        if events.send(LinkEvent::Connecting).await.is_err() {
            return;
        }
        let opened = tokio::select! {
            opened = socket::open(&peer, clock.as_ref(), random.as_ref()) => opened,
            () = stop.cancelled() => return,
        };
        let began = clock.steady();
        let (error, lasted) = match opened {
            Err(error) => (error, Duration::ZERO),
            Ok(established) => match hold(established, &events, &stop).await {
                None => return,
                Some(error) => (error, clock.steady().saturating_sub(began)),
            },
        };
        let retry_in = backoff.next(&ending(&error), lasted, random.fraction());
        let reason = match &error {
            LinkError::Rejected(rejected) if rejected.code == RejectCode::UnknownKey => {
                format!("{error}; this machine was removed on the server: enroll it again or uninstall the agent")
            }
            _ => error.to_string(),
        };
        tracing::info!(%reason, retry_in = ?retry_in, "no session");
        if events.send(LinkEvent::Ended { reason, retry_in }).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(retry_in) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Runs one session; `None` when `stop` or the agent's end ended it.
async fn hold(
    established: socket::Established,
    events: &mpsc::Sender<LinkEvent>,
    stop: &CancellationToken,
) -> Option<LinkError> {
    let socket::Established { socket, welcome, received } = established;
    let (outgoing, to_send) = mpsc::channel(OUTGOING);
    let (incoming, mut arrived) = mpsc::channel::<ToAgent>(1);
    events.send(LinkEvent::Connected { welcome: Box::new(welcome), received, outgoing }).await.ok()?;
    let forward = async {
        while let Some(message) = arrived.recv().await {
            if events.send(LinkEvent::Message(Box::new(message))).await.is_err() {
                return;
            }
        }
    };
    let session = async move { session::run(socket, &incoming, to_send, stop).await };
    let (ended, ()) = tokio::join!(session, forward);
    ended.err()
}

fn ending(error: &LinkError) -> Ending {
    match error {
        LinkError::Failed { retry_after, .. } => Ending::Failed { retry_after: *retry_after },
        LinkError::Rejected(rejected) => Ending::Rejected {
            code: rejected.code,
            retry_after: rejected.retry_after_seconds.map(|seconds| Duration::from_secs(u64::from(seconds))),
        },
    }
}
