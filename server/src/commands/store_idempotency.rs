//! SQL of orders that are sent again.

use sqlx::PgConnection;
use uuid::Uuid;

use super::idempotency::Made;
use crate::core::{Error, Result};

/// Whose key it is now.
pub enum Claim {
    /// That of the caller's transaction.
    Taken,
    /// That of an order before.
    Earlier {
        /// What it meant.
        sealed: Vec<u8>,
        /// What was made of it.
        made: Uuid,
    },
}

/// Takes a key, or says what it was taken for. Waits for who is taking it at this moment.
pub async fn claim(
    connection: &mut PgConnection,
    requested_by: Uuid,
    key: Uuid,
    sealed: &[u8],
    made: Made,
) -> Result<Claim> {
    let (run_id, command_id) = match made {
        Made::Run(id) => (Some(id), None),
        Made::Command(id) => (None, Some(id)),
    };
    let taken = sqlx::query!(
        "INSERT INTO command_idempotency_keys (requested_by, idempotency_key, meaning_sealed, run_id, command_id)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        requested_by,
        key,
        sealed,
        run_id,
        command_id
    )
    .execute(&mut *connection)
    .await?;
    if taken.rows_affected() == 1 {
        return Ok(Claim::Taken);
    }
    // A statement of its own: it sees what was committed while the one before waited.
    let row = sqlx::query!(
        r#"SELECT meaning_sealed, coalesce(run_id, command_id) AS "made!" FROM command_idempotency_keys
           WHERE requested_by = $1 AND idempotency_key = $2"#,
        requested_by,
        key
    )
    .fetch_optional(connection)
    .await?
    .ok_or_else(|| {
        Error::conflict("idempotency_key_used", "idempotency_key: what was ordered with it is being deleted")
    })?;
    Ok(Claim::Earlier { sealed: row.meaning_sealed, made: row.made })
}
