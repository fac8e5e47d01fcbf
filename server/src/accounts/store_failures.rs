//! SQL of failed logins.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::core::Result;

/// Failed logins of one account from one network in one hour, so far.
pub struct Counted {
    pub network: String,
    pub failures: i32,
    pub first_at: DateTime<Utc>,
}

/// Counts one more. In one hour an account has its own row for so many networks; all further ones share that of `others`.
pub async fn count(
    connection: &mut PgConnection,
    user_id: Uuid,
    hour: DateTime<Utc>,
    network: &str,
    now: DateTime<Utc>,
    most_networks: i64,
    others: &str,
) -> Result<Counted> {
    // One after the other, so that the number of rows is exact.
    sqlx::query!("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user_id).fetch_all(&mut *connection).await?;
    Ok(sqlx::query_as!(
        Counted,
        "INSERT INTO login_failures AS f (user_id, hour, network, failures, first_at)
         SELECT $1, $2, CASE WHEN count(*) < $5 OR bool_or(network = $3) THEN $3 ELSE $6 END, 1, $4
         FROM login_failures WHERE user_id = $1 AND hour = $2 AND network <> $6
         ON CONFLICT (user_id, hour, network) DO UPDATE SET failures = f.failures + 1
         RETURNING network, failures, first_at",
        user_id,
        hour,
        network,
        now,
        most_networks,
        others
    )
    .fetch_one(connection)
    .await?)
}

/// Forgets the counts of hours that began before `before`.
pub async fn delete_before(connection: &mut PgConnection, before: DateTime<Utc>) -> Result<()> {
    sqlx::query!("DELETE FROM login_failures WHERE hour < $1", before).execute(connection).await?;
    Ok(())
}
