//! History of inventory: what changed and when.

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::inventory::{SECTION_NAMES, Section};
use sqlx::PgConnection;
use uuid::Uuid;

use super::difference::{Change, Sight, bounded, changes};
use super::receive::Received;
use super::store_history::{self as store, Before};
use super::{ChangeFilter, ChangeKey, FleetChange, InventoryChange, service};
use crate::app::{App, Ctx};
use crate::core::page::{Page, PageRequest};
use crate::core::{Error, Result};

/// Most changes that are kept of one section in one report; the rest is counted.
const MAX_CHANGES: usize = 500;
/// Most changes that are kept of one agent in an hour: an upgrade of the whole system fits, and whoever lies about a new
/// machine every second does not fill the disk. What is beyond is not kept.
const MAX_PER_HOUR: i64 = 2_000;
/// Most changes that are kept of one agent in a day.
const MAX_PER_DAY: i64 = 6_000;
/// How long changes are kept.
const KEPT: TimeDelta = TimeDelta::days(365);
/// Changes that are forgotten in one statement.
const FORGET_BATCH: i64 = 5_000;
/// Statements in one pass: few, because other passes wait for their turn.
const FORGET_BATCHES: u32 = 4;

/// Changes of one section.
pub(super) struct SectionChanges {
    /// Its name.
    pub section: &'static str,
    /// What changed.
    pub changes: Vec<Change>,
}

/// Writes down what this report changes. To be called before the report's sections are stored. Answers the number of
/// changes.
pub(super) async fn record(
    connection: &mut PgConnection,
    agent_id: Uuid,
    received: Received,
    now: DateTime<Utc>,
) -> Result<(Received, usize)> {
    let names: Vec<_> = received.sections.keys().map(ToString::to_string).collect();
    let before = store::lock_before(connection, agent_id, &names).await?;
    if before.is_empty() {
        return Ok((received, 0));
    }
    let compared = tokio::task::spawn_blocking(move || {
        let found = compare(&before, &received);
        (received, found)
    });
    let (received, mut found) = compared.await.map_err(Error::internal)?;
    if found.is_empty() {
        return Ok((received, 0));
    }
    let hour = store::count_since(connection, agent_id, now - TimeDelta::hours(1), now, MAX_PER_HOUR).await?;
    let day = store::count_since(connection, agent_id, now - TimeDelta::days(1), now, MAX_PER_DAY).await?;
    let mut room = usize::try_from((MAX_PER_HOUR - hour).min(MAX_PER_DAY - day)).unwrap_or_default();
    for section in &mut found {
        section.changes =
            if room == 0 { Vec::new() } else { bounded(std::mem::take(&mut section.changes), room.min(MAX_CHANGES)) };
        room = room.saturating_sub(section.changes.len());
    }
    store::insert(connection, agent_id, &found, now).await?;
    Ok((received, found.iter().map(|section| section.changes.len()).sum()))
}

fn compare(before: &[Before], received: &Received) -> Vec<SectionChanges> {
    let changes_of = |before: &Before| {
        let (section, now) = received.sections.get_key_value(before.section.as_str())?;
        // What an older version stored in another form has no history.
        let tagged = format!(r#"{{"section":"{section}","data":{}}}"#, before.data);
        let then: Section = serde_json::from_str(&tagged).ok()?;
        let then = Sight { content: &then, problems: &before.problems };
        let changes = changes(&then, &Sight { content: &now.content, problems: &now.problems }).ok()?;
        (!changes.is_empty()).then_some(SectionChanges { section, changes })
    };
    before.iter().filter_map(changes_of).collect()
}

/// What changed in an agent's inventory, newest first.
///
/// # Errors
/// 404 outside the caller's scope; 422 when there is no such section.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    agent_id: Uuid,
    section: Option<&str>,
    page: &PageRequest<ChangeKey>,
) -> Result<Page<InventoryChange>> {
    check_section("section", section)?;
    let mut connection = app.db.acquire().await?;
    service::require_view(&mut connection, ctx, agent_id).await?;
    let rows = store::list(&mut connection, agent_id, section, page).await?;
    Ok(page.page(rows, |row| ChangeKey { at: row.at, id: row.id }))
}

/// What changed in the inventories of the agents that the caller may see, newest first.
///
/// # Errors
/// 422 when there is no such section.
pub async fn list_of_fleet(
    app: &App,
    ctx: &Ctx,
    filter: &ChangeFilter,
    page: &PageRequest<ChangeKey>,
) -> Result<Page<FleetChange>> {
    check_section("section", filter.section.as_deref())?;
    check_section("except_section", filter.except_section.as_deref())?;
    let mut connection = app.db.acquire().await?;
    let rows = store::list_of_fleet(&mut connection, &ctx.scope(), filter, page).await?;
    Ok(page.page(rows, |row| ChangeKey { at: row.change.at, id: row.change.id }))
}

fn check_section(field: &'static str, section: Option<&str>) -> Result<()> {
    if section.is_some_and(|section| !SECTION_NAMES.contains(&section)) {
        return Err(Error::invalid(field, format!("must be one of {}", SECTION_NAMES.join(", "))));
    }
    Ok(())
}

/// Forgets changes that are old; to be called every few minutes. What one call leaves, the next one takes.
///
/// # Errors
/// When the database cannot be reached.
pub async fn forget(app: &App) -> Result<()> {
    let mut connection = app.db.acquire().await?;
    for _ in 0..FORGET_BATCHES {
        let forgotten = store::forget(&mut connection, app.env.now() - KEPT, FORGET_BATCH).await?;
        if forgotten < FORGET_BATCH.unsigned_abs() {
            break;
        }
    }
    Ok(())
}
