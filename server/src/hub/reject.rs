//! The reasons for which the server closes a connection.

use axum::extract::ws::{CloseFrame, Message, close_code};
use gururmm_protocol::handshake::{RejectCode, Rejected};
use gururmm_protocol::message::ToAgent;

/// Seconds until a quarantined agent may come back.
pub const QUARANTINE_RETRY: u32 = 300;

fn rejected(code: RejectCode, message: &str, retry_after_seconds: Option<u32>) -> Rejected {
    Rejected { code, message: message.to_owned(), retry_after_seconds }
}

/// No agent has this key.
#[must_use]
pub fn unknown_key() -> Rejected {
    rejected(
        RejectCode::UnknownKey,
        "no agent has this key, or it was revoked; enroll this machine again",
        Some(QUARANTINE_RETRY),
    )
}

/// A technician decided that the key belongs to another machine.
#[must_use]
pub fn not_this_machine() -> Rejected {
    rejected(
        RejectCode::UnknownKey,
        "this key belongs to another machine: this one is a copy; enroll it with a key of its own",
        Some(QUARANTINE_RETRY),
    )
}

/// The hello's signature does not hold.
#[must_use]
pub fn bad_proof() -> Rejected {
    rejected(RejectCode::BadProof, "the signature does not belong to this key, server and challenge", None)
}

/// Two machines use the key.
#[must_use]
pub fn quarantined() -> Rejected {
    rejected(
        RejectCode::Quarantined,
        "more than one machine uses this key (a copied disk image?); a technician has to decide in the dashboard",
        Some(QUARANTINE_RETRY),
    )
}

/// The agent's protocol is too old.
#[must_use]
pub fn protocol_unsupported(spoken: u32) -> Rejected {
    let oldest = gururmm_protocol::OLDEST_SUPPORTED_PROTOCOL;
    rejected(
        RejectCode::ProtocolUnsupported,
        &format!("this server speaks protocol {oldest} and newer, the agent {spoken}; update the agent"),
        Some(3600),
    )
}

/// A newer connection took over.
#[must_use]
pub fn displaced() -> Rejected {
    rejected(RejectCode::Displaced, "a newer connection with this key took over", Some(30))
}

/// Only a new session will do: the key belongs to another record since a technician merged two, or the agent's clock is
/// to be set anew.
#[must_use]
pub fn connect_again() -> Rejected {
    rejected(RejectCode::Busy, "the agent's record has changed; connect again", Some(1))
}

/// The database is away, or the server fails at its work.
#[must_use]
pub fn busy() -> Rejected {
    rejected(RejectCode::Busy, "the server cannot do its work now (its database is away?); try again later", Some(15))
}

/// The server stops.
#[must_use]
pub fn shutting_down() -> Rejected {
    rejected(RejectCode::ShuttingDown, "the server stops or restarts; connect again", Some(2))
}

/// What the protocol does not allow; `kind` names it in the metrics.
#[must_use]
pub fn violation(kind: &'static str, message: &str) -> Rejected {
    metrics::counter!("agent_protocol_violations_total", "kind" => kind).increment(1);
    rejected(RejectCode::ProtocolViolation, message, None)
}

/// The last frames of a connection: the reason as a message, and the close frame (codes of RFC 6455, section 7.4.1, and
/// of the IANA registry: 1012 service restart, 1013 try again later).
#[must_use]
pub fn farewell(rejected: Rejected) -> [Message; 2] {
    let code = match rejected.code {
        RejectCode::ShuttingDown => close_code::RESTART,
        RejectCode::Busy => close_code::AGAIN,
        _ => close_code::POLICY,
    };
    // A close frame has room for 123 bytes; the reason stands in the message before it.
    let close = Message::Close(Some(CloseFrame { code, reason: "".into() }));
    let text = ToAgent::Rejected(rejected).encode().unwrap_or_default();
    [Message::Text(text.into()), close]
}
