//! SQL of a raised epoch.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::core::Result;

/// What a raised epoch ended.
pub struct Voided {
    pub commands: i64,
    pub orders: i64,
}

/// Ends every queued command and every open order of an older epoch, for this reason.
pub async fn void_older(connection: &mut PgConnection, epoch: i32, reason: &str, now: DateTime<Utc>) -> Result<Voided> {
    Ok(sqlx::query_as!(
        Voided,
        r#"WITH voided_commands AS (
               UPDATE commands SET state = 'cancelled', reason = $2, finished_at = $3
               WHERE state = 'queued' AND epoch < $1 RETURNING 1
           ), voided_orders AS (
               UPDATE agent_envelopes SET done_at = $3, refusal = $2
               WHERE done_at IS NULL AND epoch < $1 RETURNING 1
           )
           SELECT (SELECT count(*) FROM voided_commands) AS "commands!", (SELECT count(*) FROM voided_orders) AS "orders!""#,
        epoch,
        reason,
        now
    )
    .fetch_one(connection)
    .await?)
}
