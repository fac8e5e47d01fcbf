//! The server's tests on the real router, with a Postgres database for each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod support;

mod agents;
mod attention;
mod audit;
mod audit_list;
mod auth;
mod bounds;
mod command_faults;
mod command_line;
mod commands;
mod connection;
mod database_faults;
mod enrollment;
mod enrollment_tokens;
mod epochs;
mod events;
mod failed_logins;
mod forged_orders;
mod hostile;
mod inventory;
mod machine_changes;
mod matrix;
mod migrations;
mod openapi;
mod operations;
mod organizations;
mod overview;
mod paging;
mod permissions;
mod presence;
mod process;
mod real_agent;
mod refused_orders;
mod reports;
mod runs;
mod runs_large;
mod search;
mod software;
mod software_derived;
mod spa;
mod windows_agent;
mod work;
