//! The private Postgres.
