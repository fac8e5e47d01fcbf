//! The simulator against a small scripted server in the same process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod automatic;
mod scripted_server;
mod seeds;
mod stepped;
