//! Applying migrations, beside servers of an earlier version that still work with the schema.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use sqlx::migrate::{Migrate as _, MigrateError, Migrator};
use sqlx::{PgConnection, PgPool};

use super::{MIGRATOR, store};

/// How long a migration waits for a table that others use.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long one try waits for a lock. So long, everybody who comes later waits behind it.
    pub lock: Duration,
    /// How long the others may go on between two tries.
    pub pause: Duration,
    /// How often it is tried.
    pub tries: u32,
}

impl Default for Patience {
    /// In all somewhat longer than a server lets a transaction of its own stay idle (60 s).
    fn default() -> Self {
        Self { lock: Duration::from_secs(2), pause: Duration::from_secs(3), tries: 15 }
    }
}

/// Applies the migrations that are missing, with the usual patience.
///
/// # Errors
/// See [`migrate_with`].
pub async fn migrate(db: &PgPool) -> anyhow::Result<()> {
    migrate_with(db, Patience::default()).await
}

/// Applies the migrations that are missing, under Postgres's advisory lock, each in its own transaction.
///
/// A migration that this build does not know (a newer server ran here) is a warning: releases only add to the schema.
///
/// # Errors
/// When a migration fails or does not get a lock (the schema stays at the one before), or an applied one was altered.
pub async fn migrate_with(db: &PgPool, patience: Patience) -> anyhow::Result<()> {
    let mut connection = db.acquire().await?;
    // Its limits are not those of requests, so it does not go back to them; and the lock goes with it.
    connection.close_on_drop();
    store::lift_time_limit(&mut connection).await?;
    // Postgres lets two sessions that create the same table at once fail, even with IF NOT EXISTS. Another server's
    // migration may take as long as it needs.
    connection.lock().await?;
    connection.ensure_migrations_table(&MIGRATOR.table_name).await?;
    let newest = MIGRATOR.iter().map(|migration| migration.version).max().unwrap_or(0);
    for applied in connection.list_applied_migrations(&MIGRATOR.table_name).await? {
        if applied.version > newest {
            tracing::warn!(version = applied.version, "the schema is newer than this server; it still works with it");
        }
    }
    store::limit_lock_wait(&mut connection, patience.lock).await?;
    let mut tried = 0;
    loop {
        let (result, holders) = apply(db, &mut connection).await?;
        let (Err(error), true) = (&result, result.as_ref().is_err_and(waited_in_vain)) else { return Ok(result?) };
        tried += 1;
        let holders = if holders.is_empty() { "others, which have ended since".to_owned() } else { holders.join("; ") };
        if tried >= patience.tries {
            return Err(anyhow!("{error}")).with_context(|| {
                format!(
                    "a migration needs a table that others use: {holders}. It was tried {tried} times. Wait until they \
                     have finished, or end them (SELECT pg_terminate_backend(...) with the number of the process), and \
                     start the server again"
                )
            });
        }
        tracing::warn!(%error, %holders, tried, "a migration waits for others; it will be tried again");
        tokio::time::sleep(patience.pause).await;
    }
}

/// Tries once. Answers also who held what it waited for last, in words.
async fn apply(db: &PgPool, connection: &mut PgConnection) -> anyhow::Result<(Result<(), MigrateError>, Vec<String>)> {
    /// How often it is looked at who is in the way: several times in the shortest wait that makes sense.
    const LOOK: Duration = Duration::from_millis(100);
    let process = store::process(connection).await?;
    let mut migrator = Migrator { ..sqlx::migrate!("../migrations") };
    migrator.set_ignore_missing(true).set_locking(false);
    let mut run = pin!(migrator.run_direct(None, connection, false));
    let mut holders = Vec::new();
    loop {
        tokio::select! {
            result = &mut run => return Ok((result, holders)),
            () = tokio::time::sleep(LOOK) => {
                // Only for the message: without it the migration goes on all the same.
                if let Ok(seen) = store::in_the_way(db, process).await && !seen.is_empty() {
                    holders = seen;
                }
            }
        }
    }
}

/// Whether it did not get a lock in time, or was ended because others and it waited for each other (55P03 and 40P01,
/// PostgreSQL documentation, appendix A).
fn waited_in_vain(error: &MigrateError) -> bool {
    let (MigrateError::Execute(cause) | MigrateError::ExecuteMigration(cause, _)) = error else { return false };
    cause.as_database_error().and_then(|cause| cause.code()).is_some_and(|code| matches!(&*code, "55P03" | "40P01"))
}
