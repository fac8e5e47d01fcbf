//! Running the server: health, readiness, metrics.

pub mod metrics;
pub mod routes;
