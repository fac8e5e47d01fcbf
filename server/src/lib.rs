//! GuruRMM server. `docs/ARCHITECTURE.md` describes the rooms of this house.

pub mod accounts;
pub mod agents;
pub mod app;
pub mod audit;
pub mod authz;
pub mod boot;
pub mod cli;
pub mod commands;
pub mod config;
pub mod core;
pub mod db;
pub mod enrollment_tokens;
pub mod events;
pub mod http;
pub mod hub;
pub mod inventory;
pub mod keys;
pub mod operations;
pub mod organizations;
pub mod overview;
pub mod reconcile;
pub mod runs;
pub mod search;
pub mod serve;
pub mod software;
