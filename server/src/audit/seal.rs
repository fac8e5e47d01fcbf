//! The sealer: chains rows after they were committed, so that writers never wait for the chain.

use super::chain::{self, Head};
use super::{heads, store_chain as store};
use crate::app::App;
use crate::core::{Error, Result};

/// Most rows of one batch.
const BATCH: i64 = 1000;

/// Chains rows that are not sealed yet, signs the new end, and brings the file of heads up to date (also with what a
/// crash kept from being written there). One process at a time; the others answer 0. Answers how many rows were sealed.
///
/// # Errors
/// When the database cannot be reached or the file cannot be written; what was sealed stays sealed.
pub async fn seal_batch(app: &App) -> Result<usize> {
    let mut tx = app.db.begin().await?;
    if !store::try_lock(&mut tx).await? {
        return Ok(0);
    }
    let rows = store::unsealed(&mut tx, BATCH).await?;
    if !rows.is_empty() {
        let (mut seq, mut hash) = store::last(&mut tx).await?.unwrap_or((0, chain::START));
        let links: Vec<_> = rows
            .iter()
            .map(|row| {
                seq += 1;
                hash = chain::row_hash(&hash, seq, row);
                (seq, row.id, hash)
            })
            .collect();
        store::append(&mut tx, &links).await?;
        store::insert_head(&mut tx, &Head::sign(&app.keys.audit, seq, hash, app.env.now())).await?;
    }
    tx.commit().await?;
    export(app).await?;
    Ok(rows.len())
}

/// Appends to the file whatever heads it lacks.
async fn export(app: &App) -> Result<()> {
    let path = heads::path(&app.config.data_dir);
    let mut last = on_disk({
        let path = path.clone();
        move || heads::last_seq(&path)
    })
    .await?;
    loop {
        let missing = {
            let mut connection = app.db.acquire().await?;
            store::heads_after(&mut connection, last, BATCH).await?
        };
        let Some(end) = missing.last() else { return Ok(()) };
        last = end.seq;
        let path = path.clone();
        on_disk(move || heads::append(&path, &missing)).await?;
    }
}

async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?.map_err(|error| Error::Internal(error.into()))
}
