//! Machines under management.

pub mod enrollment;
pub mod routes;
pub mod routes_enrollment;
pub mod server_host;
pub mod standing;
pub(crate) mod store_enrollment;
pub(crate) mod store_standing;
