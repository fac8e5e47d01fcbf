//! Counts once and for all what of a run is over.

use super::store_settle;
use crate::app::App;
use crate::core::Result;

/// Parts of runs settled in one transaction.
const BATCH: usize = 200;
/// Batches of one pass; the next pass goes on.
const MAX_BATCHES: usize = 50;

/// Settles what is over and is not settled yet. Until then, and again after a late result, it is counted with each look.
///
/// # Errors
/// When the database cannot be reached; what was settled so far stays so.
pub async fn settle(app: &App) -> Result<()> {
    for _ in 0..MAX_BATCHES {
        let mut tx = app.db.begin().await?;
        let over = store_settle::lock_over(&mut tx, i64::try_from(BATCH).unwrap_or(i64::MAX)).await?;
        store_settle::settle(&mut tx, &over).await?;
        tx.commit().await?;
        if over.len() < BATCH {
            break;
        }
    }
    Ok(())
}
