//! The real agent against a scripted server. On Linux: these tests signal processes, and their commands are for `sh`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod agent;
mod binary;
mod commands;
mod disk;
mod enrollment;
mod link;
mod proxy;
mod reports;
mod restart;
mod selftest;
mod server;
