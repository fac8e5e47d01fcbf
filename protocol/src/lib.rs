//! What GuruRMM's server and agent say to each other: message types, bounds and signatures.
//!
//! Nothing here does I/O or reads a clock: callers pass instants and random bytes in.
//! `docs/specs/SPEC-002-protocol.md` is the narrative; `golden/` holds one JSON file per message.

pub mod command;
pub mod crypto;
pub mod enroll;
pub mod envelope;
pub mod handshake;
pub mod instant;
pub mod inventory;
pub mod limits;
pub mod message;
pub mod readings;
pub mod selftest;
pub mod text;

/// The version of the agent link that this build speaks.
///
/// History, one line per change:
/// - 1 (2026-11-23): first version: enrollment, handshake, reports with acknowledgements, signed envelopes for
///   commands, cancel and decommission.
pub const PROTOCOL_VERSION: u32 = 1;

/// The oldest agent protocol that this build's server still talks to.
pub const OLDEST_SUPPORTED_PROTOCOL: u32 = 1;
