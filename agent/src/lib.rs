//! GuruRMM's agent: runs on each managed machine, keeps one connection to the server, reports what the machine is and
//! does what signed envelopes tell it, each at most once.

pub mod agent;
pub mod cli;
pub mod collect;
pub mod core;
pub mod link;
pub mod log;
pub mod platform;
pub mod run;
pub mod selftest;
pub mod service;
pub mod store;

/// The agent's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
