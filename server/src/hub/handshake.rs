//! The first messages of a connection: who is it, and may it stay?

use std::net::IpAddr;
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket};
use gururmm_protocol::crypto::Fingerprint;
use gururmm_protocol::enroll::MachineIdentity;
use gururmm_protocol::handshake::{Challenge, Hello, Rejected, Welcome, WelcomeContent};
use gururmm_protocol::message::{FromAgent, ToAgent};
use gururmm_protocol::{OLDEST_SUPPORTED_PROTOCOL, PROTOCOL_VERSION, limits, text};

use super::frames::{self, Frame};
use super::registry::Handle;
use super::reject;
use crate::agents::standing::{self, ConnectionFacts, Record, SeenMachine, Verdict};
use crate::app::App;
use crate::core::{Error, Result};

/// Frames before the hello that may be of an unknown type, or pings.
const MAX_OTHER_FRAMES: usize = 8;

/// Why there is no session.
pub enum Refusal {
    /// Nobody is there any more.
    Gone,
    /// The agent is told why.
    Rejected(Rejected),
}

/// A connection that may become a session.
pub struct Admitted {
    /// The record of the key.
    pub record: Record,
    /// The machine that it says it is.
    pub machine: MachineIdentity,
    /// Only for the decommission order.
    pub restricted: bool,
    /// The session, as others will see it.
    pub handle: Handle,
    /// The first message of the session.
    pub welcome: Welcome,
}

/// Challenges the agent, which has `patience` for its hello, and judges its answer. The caller bounds the whole time.
///
/// # Errors
/// [`Refusal`].
pub async fn run(
    app: &App,
    socket: &mut WebSocket,
    address: Option<IpAddr>,
    patience: Duration,
) -> Result<Admitted, Refusal> {
    let challenge = Challenge {
        nonce: Fingerprint::from_bytes(app.env.bytes()),
        protocol_version: PROTOCOL_VERSION,
        server_time: app.env.now(),
    };
    let text = ToAgent::Challenge(challenge.clone()).encode().map_err(|_| Refusal::Gone)?;
    socket.send(Message::Text(text.into())).await.map_err(|_| Refusal::Gone)?;
    let mut hello = tokio::time::timeout(patience, receive_hello(socket)).await.unwrap_or_else(|_| {
        Err(Refusal::Rejected(reject::violation("handshake_timeout", "the hello took too long")))
    })?;
    if hello.protocol_version < OLDEST_SUPPORTED_PROTOCOL {
        return Err(Refusal::Rejected(reject::protocol_unsupported(hello.protocol_version)));
    }
    if hello.verify(&app.keys.server_fingerprint(), &challenge.nonce).is_err() {
        metrics::counter!("agent_bad_proofs_total").increment(1);
        return Err(Refusal::Rejected(reject::bad_proof()));
    }
    // Only now cut to size: the signature covers what was sent.
    hello.machine.bound();
    if hello.machine.machine_id.is_empty() {
        return Err(Refusal::Rejected(reject::violation("no_machine_id", "machine.machine_id must not be empty")));
    }
    admit(app, hello, &challenge, address).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a connection could not be judged");
        Err(Refusal::Rejected(reject::busy()))
    })
}

async fn receive_hello(socket: &mut WebSocket) -> Result<Hello, Refusal> {
    let violation = |kind, message| Err(Refusal::Rejected(reject::violation(kind, message)));
    for _ in 0..MAX_OTHER_FRAMES {
        match frames::judge(socket.recv().await, limits::MAX_HANDSHAKE_MESSAGE) {
            Frame::Text(text) => match FromAgent::decode(&text) {
                Ok(FromAgent::Hello(hello)) => return Ok(hello),
                Ok(FromAgent::Unknown) => {}
                Ok(_) => return violation("out_of_order", "the first message must be hello"),
                Err(_) => return violation("unreadable", "the hello cannot be read"),
            },
            Frame::Sign => {}
            Frame::Gone => return Err(Refusal::Gone),
            Frame::Violation(rejected) => return Err(Refusal::Rejected(rejected)),
        }
    }
    violation("out_of_order", "the first message must be hello")
}

/// What the record of the key says.
async fn admit(
    app: &App,
    mut hello: Hello,
    challenge: &Challenge,
    address: Option<IpAddr>,
) -> Result<Result<Admitted, Refusal>> {
    let refuse = |rejected| Ok(Err(Refusal::Rejected(rejected)));
    let Some(record) = standing::of_key(app, &hello.public_key).await? else {
        return refuse(reject::unknown_key());
    };
    if hello.machine.hostname.is_empty() {
        hello.machine.hostname.clone_from(&record.machine.hostname);
    }
    let seen = SeenMachine::new(&hello.machine, address, app.env.now());
    let restricted = match standing::judge(&record, &hello.machine) {
        Verdict::Welcome => false,
        Verdict::DecommissionOnly => true,
        Verdict::Gone => return refuse(reject::unknown_key()),
        Verdict::NotThisMachine => return refuse(reject::not_this_machine()),
        Verdict::Clone => {
            let reason = "a second machine connected with this agent's key";
            standing::quarantine(app, &record, reason, &[machine_on_record(app, &record), seen]).await?;
            return refuse(reject::quarantined());
        }
        Verdict::Quarantined => {
            standing::quarantine(app, &record, "", &[seen]).await?;
            return refuse(reject::quarantined());
        }
    };
    let facts = ConnectionFacts {
        agent_version: text::clean_line(&hello.agent_version, limits::MAX_NAME),
        protocol_version: i32::try_from(hello.protocol_version).ok(),
        address: address.map(|address| address.to_string()),
    };
    standing::remember(app, &record, &hello.machine, &facts).await?;
    let content = WelcomeContent {
        agent_id: record.agent_id,
        session_id: app.env.id(),
        epoch: u32::try_from(app.epoch).map_err(Error::internal)?,
        server_time: app.env.now(),
        inventory: record.inventory.clone(),
    };
    Ok(Ok(Admitted {
        restricted,
        handle: Handle::new(record.agent_id, record.organization_id, content.session_id, hello.public_key, seen),
        welcome: Welcome::sign(&app.keys.signing, &challenge.nonce, &hello.nonce, content),
        machine: hello.machine,
        record,
    }))
}

/// The machine that the record knows: as its session shows it, or as it last did.
fn machine_on_record(app: &App, record: &Record) -> SeenMachine {
    app.hub.sessions.registry.get(record.agent_id).map_or_else(
        || {
            let address = record.last.address.as_deref().and_then(|address| address.parse().ok());
            SeenMachine::new(&record.machine, address, record.last_seen_at)
        },
        |handle| handle.machine.clone(),
    )
}
