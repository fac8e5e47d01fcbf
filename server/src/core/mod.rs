//! Ground that everything stands on: addresses, clock, randomness, ids, errors, pages, searches, secrets. No axum, no sqlx.

pub mod address;
pub mod env;
pub mod error;
pub mod page;
pub(crate) mod places;
pub mod search;
pub mod secret;

pub use env::{Clock, Env, Random};
pub use error::{Error, FieldError, Result};
