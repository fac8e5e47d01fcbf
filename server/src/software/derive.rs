//! What agents have installed, derived from the section `software` of their inventory.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use gururmm_protocol::inventory::Software;
use sqlx::PgConnection;
use uuid::Uuid;

use super::TitleSource;
use super::store_derive::{self as store, Installed};
use super::version::sort_key;
use crate::app::App;
use crate::core::Result;

/// Agents whose stored section is derived in one pass.
const CATCH_UP: i64 = 100;
/// Unused titles that are removed in one transaction.
const REMOVE_BATCH: i64 = 1_000;
/// Transactions in one pass.
const REMOVE_BATCHES: u32 = 50;

/// Makes this what the agent has installed, in the transaction that stores its section. Answers how many rows that wrote.
pub(crate) async fn replace(
    connection: &mut PgConnection,
    agent_id: Uuid,
    software: &[Software],
    collected_at: DateTime<Utc>,
) -> Result<usize> {
    let written = store::replace(connection, agent_id, &columns(software), collected_at).await?;
    Ok(usize::try_from(written).unwrap_or(usize::MAX))
}

/// Each name and version once: another architecture, registry view or publisher makes no difference.
fn columns(software: &[Software]) -> Installed {
    let mut seen = BTreeSet::new();
    let mut installed = Installed::default();
    for item in software {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (key, source) = (item.name.to_lowercase(), TitleSource::from(item.source).word());
        let (publisher, version) = (text(&item.publisher), text(&item.version));
        if item.name.is_empty() || !seen.insert((key.clone(), source, version.clone())) {
            continue;
        }
        installed.keys.push(key);
        installed.sources.push(source.to_owned());
        installed.publishers.push(publisher);
        installed.names.push(item.name.clone());
        installed.version_keys.push(sort_key(&version));
        installed.versions.push(version);
    }
    installed
}

/// Derives sections that were stored by a version of the server that did not; to be called every half minute or so. What
/// one call leaves, the next one takes.
///
/// # Errors
/// When the database cannot be reached.
pub async fn catch_up(app: &App) -> Result<()> {
    let mut connection = app.db.acquire().await?;
    let agents = store::behind(&mut connection, CATCH_UP).await?;
    drop(connection);
    for agent_id in agents {
        let mut tx = app.db.begin().await?;
        // Locked as a report does it, and looked at again: a report may have come in between.
        if let Some((data, collected_at)) = store::lock_section(&mut tx, agent_id).await? {
            // It is null while it never could be read.
            match serde_json::from_str::<Option<Vec<Software>>>(&data) {
                Ok(software) => {
                    replace(&mut tx, agent_id, &software.unwrap_or_default(), collected_at).await?;
                }
                Err(error) => {
                    tracing::warn!(%agent_id, %error, "stored software cannot be read; it counts as never read");
                }
            }
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Removes titles that nobody has any more; to be called every hour or so. What one call leaves, the next one takes.
///
/// # Errors
/// When the database cannot be reached.
pub async fn remove_unused_titles(app: &App) -> Result<()> {
    for _ in 0..REMOVE_BATCHES {
        // Looked for outside of the lock, and looked at again within.
        let mut tx = app.db.begin().await?;
        let unused = store::unused_titles(&mut tx, REMOVE_BATCH).await?;
        if unused.is_empty() {
            return Ok(());
        }
        store::remove_unused(&mut tx, &unused).await?;
        tx.commit().await?;
    }
    Ok(())
}
