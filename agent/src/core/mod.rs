//! The agent's rules as state machines. No I/O: instants, randomness and stored output are passed in.

pub mod backoff;
pub mod certificate;
pub mod clock;
pub mod firmware;
pub mod inventory;
pub mod journal;
pub mod outbox;
pub mod output;
pub mod random;
pub mod readings;
pub mod windows;
