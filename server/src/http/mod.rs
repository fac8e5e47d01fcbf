//! HTTP: router, middleware, error answers, the embedded dashboard.

pub mod csv;
pub mod extract;
pub mod middleware;
pub mod openapi;
pub mod problem;
pub mod rate_limit;
pub mod router;
pub mod spa;
