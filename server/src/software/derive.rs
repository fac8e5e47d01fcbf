//! What agents have installed, derived from the section `software` of their inventory.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use gururmm_protocol::inventory::Software;
use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

use super::store_derive::{self as store, Installed};
use super::version::sort_key;
use super::{TitleSource, fold};
use crate::app::App;
use crate::core::Result;
use crate::inventory;

/// Agents that are looked for at a time.
const CATCH_UP: i64 = 100;
/// Decommissioned agents of which everything is removed in one statement: each may have thousands of rows.
const FORGET: i64 = 10;
/// Titles that are looked at or removed in one transaction.
const TITLES: i64 = 1_000;
/// For how long a pass goes on: it holds up the others.
pub(crate) const PASS: Duration = Duration::from_secs(5);

/// How far this process has come with stored sections.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The agent that was looked at last; nil to begin anew.
    after: Uuid,
    /// Agents whose stored section cannot be read by this server, and which section that is.
    unreadable: HashMap<Uuid, DateTime<Utc>>,
}

/// Makes this what the agent has installed, in the transaction that stores its section. Answers how many rows that wrote.
pub(crate) async fn replace(
    connection: &mut PgConnection,
    agent_id: Uuid,
    software: &[Software],
    collected_at: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<usize> {
    let stored = store::replace(connection, agent_id, &columns(software), collected_at, now).await?;
    if stored.left_out > 0 {
        tracing::warn!(%agent_id, left_out = stored.left_out, "an agent reported too many new names of software in an hour");
    }
    Ok(usize::try_from(stored.rows).unwrap_or(usize::MAX))
}

/// Each name and version once: another architecture, registry view or publisher makes no difference.
fn columns(software: &[Software]) -> Installed {
    let mut seen = BTreeSet::new();
    let mut installed = Installed::default();
    for item in software {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let (key, source) = (fold(&item.name), TitleSource::from(item.source).word());
        let (publisher, version) = (text(&item.publisher), text(&item.version));
        if item.name.is_empty() || !seen.insert((key.clone(), source, version.clone())) {
            continue;
        }
        installed.keys.push(key);
        installed.sources.push(source.to_owned());
        installed.publisher_keys.push(fold(&publisher));
        installed.publishers.push(publisher);
        installed.names.push(item.name.clone());
        installed.version_keys.push(sort_key(&version));
        installed.versions.push(version);
    }
    installed
}

/// Derives sections that were stored by a version of the server that did not, or did it otherwise, and removes what it left
/// of decommissioned agents; to be called every half minute or so. It goes on for about as long as `pass`, and for one
/// agent at least; what one call leaves, the next one takes.
///
/// # Errors
/// When the database cannot be reached.
pub async fn catch_up(app: &App, pass: Duration) -> Result<()> {
    let until = Instant::now() + pass;
    let mut connection = app.db.acquire().await?;
    if let Err(error) = forget_ended(&mut connection, until).await {
        tracing::warn!(%error, "software of decommissioned agents cannot be removed now; it will be tried again");
    }
    if let Err(error) = fold_publishers(&mut connection, until).await {
        tracing::warn!(%error, "publishers of software cannot be put into lower case now; it will be tried again");
    }
    let now = app.env.now();
    let mut progress = app.software.progress.lock().await;
    loop {
        let agents = store::behind(&mut connection, now, progress.after, CATCH_UP).await?;
        if agents.is_empty() {
            progress.after = Uuid::nil();
            return Ok(());
        }
        for (agent_id, collected_at) in agents {
            progress.after = agent_id;
            if progress.unreadable.get(&agent_id) == Some(&collected_at) {
                continue;
            }
            // One that cannot be derived does not keep the others from it.
            match derive_stored(&mut connection, agent_id, now).await {
                Ok(None) => drop(progress.unreadable.remove(&agent_id)),
                Ok(Some(unreadable)) => drop(progress.unreadable.insert(agent_id, unreadable)),
                Err(error) => {
                    tracing::warn!(%agent_id, %error, "stored software cannot be derived now; it will be tried again");
                }
            }
            if Instant::now() >= until {
                return Ok(());
            }
        }
    }
}

/// Derives the stored section of an agent. One that cannot be read is left as it is: answers which that was.
async fn derive_stored(
    connection: &mut PgConnection,
    agent_id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<DateTime<Utc>>> {
    let mut tx = connection.begin().await?;
    // Locked as a report does it (the agent's record first), and looked at again: a report may have come in between.
    inventory::store::lock_agent(&mut tx, agent_id).await?;
    let Some((data, collected_at)) = store::lock_section(&mut tx, agent_id).await? else { return Ok(None) };
    // It is null while it never could be read.
    match serde_json::from_str::<Option<Vec<Software>>>(&data) {
        Ok(software) => {
            replace(&mut tx, agent_id, &software.unwrap_or_default(), collected_at, now).await?;
            tx.commit().await?;
            Ok(None)
        }
        Err(error) => {
            tracing::warn!(%agent_id, %error, "stored software cannot be read; it counts as never read");
            Ok(Some(collected_at))
        }
    }
}

async fn forget_ended(connection: &mut PgConnection, until: Instant) -> Result<()> {
    while store::forget_ended(connection, FORGET).await? > 0 && Instant::now() < until {}
    Ok(())
}

/// Gives publishers their lower case that an earlier version of the server stored without.
async fn fold_publishers(connection: &mut PgConnection, until: Instant) -> Result<()> {
    loop {
        let titles = store::unfolded_publishers(connection, TITLES).await?;
        if titles.is_empty() {
            return Ok(());
        }
        let (ids, publishers): (Vec<i64>, Vec<String>) = titles.into_iter().unzip();
        let folded: Vec<String> = publishers.iter().map(|publisher| fold(publisher)).collect();
        store::fold_publishers(connection, &ids, &folded).await?;
        if Instant::now() >= until {
            return Ok(());
        }
    }
}

/// Removes titles that nobody has any more; to be called every few minutes. It goes on for about as long as `pass`; what
/// one call leaves, the next one takes.
///
/// # Errors
/// When the database cannot be reached.
pub async fn remove_unused_titles(app: &App, pass: Duration) -> Result<()> {
    let until = Instant::now() + pass;
    let mut after = 0;
    while Instant::now() < until {
        // Looked for outside of the lock, and looked at again within.
        let mut tx = app.db.begin().await?;
        let unused = store::unused_titles(&mut tx, after, TITLES).await?;
        let Some(last) = unused.last() else { break };
        after = *last;
        store::remove_unused(&mut tx, &unused).await?;
        tx.commit().await?;
    }
    Ok(())
}
