//! Machines under management.

pub mod attention;
pub mod decommission;
pub mod enrollment;
pub mod export;
pub mod lifecycle;
pub mod order;
pub mod routes;
pub mod routes_enrollment;
pub mod server_host;
pub mod service;
pub mod standing;
pub(crate) mod store;
pub(crate) mod store_attention;
pub(crate) mod store_decommission;
pub(crate) mod store_enrollment;
pub(crate) mod store_list;
pub(crate) mod store_order;
pub(crate) mod store_standing;
pub mod view;
