//! SQL of a raised epoch.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::core::Result;

/// What a raised epoch ended.
pub struct Voided {
    pub commands: i64,
    pub orders: i64,
}

/// Ends every queued command and every open order of an older epoch, for this reason. What a server stored that did not
/// know the column yet is judged by its header, as text: one that somebody wrote into the
/// database by hand need not be JSON, and must not stop the server.
pub async fn void_older(connection: &mut PgConnection, epoch: i32, reason: &str, now: DateTime<Utc>) -> Result<Voided> {
    Ok(sqlx::query_as!(
        Voided,
        r#"WITH voided_commands AS (
               UPDATE commands SET state = 'cancelled', reason = $2, finished_at = $3
               WHERE state = 'queued' AND coalesce(epoch, substring(header from '"epoch":([0-9]{1,9})[,}]')::integer) < $1 RETURNING 1
           ), voided_orders AS (
               UPDATE agent_envelopes SET done_at = $3, refusal = $2
               WHERE done_at IS NULL AND coalesce(epoch, substring(header from '"epoch":([0-9]{1,9})[,}]')::integer) < $1 RETURNING 1
           )
           SELECT (SELECT count(*) FROM voided_commands) AS "commands!", (SELECT count(*) FROM voided_orders) AS "orders!""#,
        epoch,
        reason,
        now
    )
    .fetch_one(connection)
    .await?)
}
