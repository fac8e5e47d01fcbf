//! Queries about the installation and the schema themselves.

use std::time::Duration;

use sqlx::{PgConnection, PgPool};

use crate::core::{Error, Result};
use crate::keys::KeyFingerprints;

/// Versions of the migrations that are in the database.
///
/// # Errors
/// When the database cannot be asked.
pub async fn applied_migrations(db: &PgPool) -> Result<Vec<i64>, sqlx::Error> {
    // Not a checked query: the table is sqlx's own and does not exist before the first migration.
    sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success ORDER BY version").fetch_all(db).await
}

/// Lets statements of this connection take as long as they need: a migration, and the wait for another server's.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lift_time_limit(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("SET statement_timeout = 0").execute(connection).await.map(drop)
}

/// Lets statements of this connection wait for a lock no longer than this.
///
/// # Errors
/// When the database cannot be reached.
pub async fn limit_lock_wait(connection: &mut PgConnection, limit: Duration) -> Result<(), sqlx::Error> {
    let limit = format!("{}ms", limit.as_millis());
    sqlx::query!("SELECT set_config('lock_timeout', $1, false) AS set", limit).fetch_one(connection).await.map(drop)
}

/// The process that serves this connection.
///
/// # Errors
/// When the database cannot be reached.
pub async fn process(connection: &mut PgConnection) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT pg_backend_pid() AS "process!""#).fetch_one(connection).await
}

/// Who holds the lock that this process waits for, in words for the operator.
///
/// # Errors
/// When the database cannot be reached.
pub async fn in_the_way(db: &PgPool, process: i32) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT format('process %s (%s, %s, in a transaction since %s)', pid,
                         coalesce(nullif(application_name, ''), 'without a name'), coalesce(state, backend_type),
                         to_char(coalesce(xact_start, backend_start) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS "UTC"'))
                  AS "holder!"
           FROM pg_stat_activity WHERE pid = ANY(pg_blocking_pids($1)) ORDER BY xact_start LIMIT 5"#,
        process
    )
    .fetch_all(db)
    .await
}

/// Binds the database to these keys at the first start, and refuses other keys afterwards. Answers the epoch.
///
/// # Errors
/// In words for the operator, when the database belongs to other keys.
pub async fn claim_installation(connection: &mut PgConnection, keys: &KeyFingerprints) -> Result<i32> {
    let row = sqlx::query!(
        "UPDATE installation SET signing_key = coalesce(signing_key, $1), token_key = coalesce(token_key, $2),
             storage_key = coalesce(storage_key, $3), audit_key = coalesce(audit_key, $4)
         RETURNING epoch, signing_key, token_key, storage_key, audit_key",
        keys.signing,
        keys.token,
        keys.storage,
        keys.audit
    )
    .fetch_one(connection)
    .await?;
    let known = [
        ("signing.key", row.signing_key, &keys.signing),
        ("token.key", row.token_key, &keys.token),
        ("storage.key", row.storage_key, &keys.storage),
        ("audit.key", row.audit_key, &keys.audit),
    ];
    for (file, expected, found) in known {
        if expected.as_deref() != Some(found) {
            return Err(Error::internal(format!(
                "the key file {file} is not the one this database was set up with; put the installation's own key \
                 files into the key directory (database expects {}, found {found})",
                expected.unwrap_or_default()
            )));
        }
    }
    Ok(row.epoch)
}

/// Whether the database already belongs to an installation: then missing key files must not be made anew.
///
/// # Errors
/// When the database cannot be asked.
pub async fn is_claimed(connection: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT signing_key IS NOT NULL AS "claimed!" FROM installation"#)
        .fetch_one(connection)
        .await?)
}

/// Whether the cluster has this database.
///
/// # Errors
/// When Postgres cannot be asked.
pub async fn database_exists(connection: &mut PgConnection, name: &str) -> Result<bool, sqlx::Error> {
    // Not checked queries, like the next one: they run against the maintenance database.
    sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)")
        .bind(name)
        .fetch_one(connection)
        .await
}

/// Makes a database.
///
/// # Errors
/// When Postgres refuses.
pub async fn create_database(connection: &mut PgConnection, name: &str) -> Result<(), sqlx::Error> {
    let statement = format!("CREATE DATABASE \"{}\"", name.replace('"', "\"\""));
    sqlx::query(sqlx::AssertSqlSafe(statement)).execute(connection).await.map(drop)
}

/// Takes the cluster-wide lock of this name for as long as the answer lives, or says that another process has it.
///
/// # Errors
/// When the database cannot be reached.
pub async fn try_lock(db: &PgPool, name: &str) -> Result<Option<sqlx::PgTransaction<'static>>> {
    let mut tx = db.begin().await?;
    let taken = sqlx::query_scalar!(r#"SELECT pg_try_advisory_xact_lock(hashtextextended($1, 0)) AS "taken!""#, name)
        .fetch_one(&mut *tx)
        .await?;
    Ok(taken.then_some(tx))
}
