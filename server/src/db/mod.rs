//! Postgres: connecting, migrating, and what its errors mean.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions as _, PgPool};

use crate::core::Error;

mod migrate;
pub mod private_cluster;
pub(crate) mod store;

pub use migrate::{Patience, migrate, migrate_with};

/// Every migration, embedded.
pub static MIGRATOR: Migrator = sqlx::migrate!("../migrations");

/// How long a request waits for a connection before it is told that the database is away.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(3);

/// Opens the pool. No connection is made yet.
#[must_use]
pub fn pool(options: PgConnectOptions, max_connections: u32) -> PgPool {
    let options = options
        .application_name("gururmm-server")
        .log_statements(tracing::log::LevelFilter::Trace)
        // A statement that takes this long is stuck; the caller has given up long before.
        .options([("statement_timeout", "30s"), ("idle_in_transaction_session_timeout", "60s")]);
    PgPoolOptions::new()
        .max_connections(max_connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(Duration::from_secs(300))
        .connect_lazy_with(options)
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        if is_away(&error) {
            tracing::warn!(%error, "the database is away or cannot do its work now");
            return Self::database_away();
        }
        if let sqlx::Error::Database(cause) = &error
            && let Some(known) = cause.constraint().and_then(from_constraint)
        {
            return known;
        }
        Self::Internal(anyhow::Error::new(error).context("database"))
    }
}

/// Constraints that a caller can run into, as errors of their own.
fn from_constraint(name: &str) -> Option<Error> {
    let duplicate =
        |field: &str, message: &str| Some(Error::Conflict { code: "duplicate", detail: format!("{field}: {message}") });
    match name {
        "organizations_name_key" => duplicate("name", "an organization of this name exists already"),
        "sites_name_key" => duplicate("name", "a site of this name exists already in this organization"),
        "saved_views_name_key" => duplicate("name", "you have a view of this name on this page already"),
        "users_email_key" => duplicate("email", "an account with this email exists already"),
        "agent_keys_pkey" => {
            Some(Error::conflict("key_in_use", "this key belongs to an earlier enrollment; enroll with a new key"))
        }
        _ => None,
    }
}

/// Whether the error means that Postgres cannot be reached or cannot do its work now, so that trying again may help.
/// The codes are those of the PostgreSQL documentation, appendix A.
#[must_use]
pub fn is_away(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) | sqlx::Error::WorkerCrashed => true,
        // Classes 08: connection; 40: deadlock, serialization; 53: disk, memory or connections used up; 58: files.
        // 57P01-57P03: shutting down or starting; 57014: statement timeout; 55P03: lock timeout; 25006: read-only, as
        // a standby is after a switch-over.
        sqlx::Error::Database(cause) => cause.code().is_some_and(|code| {
            matches!(&*code, "57P01" | "57P02" | "57P03" | "57014" | "55P03" | "25006")
                || ["08", "40", "53", "58"].contains(&code.get(..2).unwrap_or_default())
        }),
        _ => false,
    }
}

/// Whether the error means that Postgres can never take these data (classes 22 data exception, 23 integrity constraint):
/// sending them again cannot help.
#[must_use]
pub fn is_bad_data(error: &Error) -> bool {
    let Error::Internal(cause) = error else { return false };
    cause
        .downcast_ref::<sqlx::Error>()
        .and_then(sqlx::Error::as_database_error)
        .and_then(|error| error.code())
        .is_some_and(|code| ["22", "23"].contains(&code.get(..2).unwrap_or_default()))
}

/// What the readiness check says about the schema.
///
/// # Errors
/// When the database cannot be asked.
pub async fn pending_migrations(db: &PgPool) -> Result<usize, sqlx::Error> {
    let applied = store::applied_migrations(db).await?;
    Ok(MIGRATOR.iter().filter(|migration| !applied.contains(&migration.version)).count())
}
