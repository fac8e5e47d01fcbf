//! To be described.

pub mod routes;
