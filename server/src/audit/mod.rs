//! The audit log: one row for each mutation, the refused ones too.

pub mod mutation;
pub mod routes;
pub(crate) mod store;

pub use mutation::{Entry, Mutation, Target};
