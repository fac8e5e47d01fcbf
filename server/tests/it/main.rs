//! The server's tests on the real router, with a Postgres database for each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

mod audit;
mod auth;
mod command_faults;
mod commands;
mod connection;
mod enrollment;
mod events;
mod migrations;
mod openapi;
mod process;
