//! Use cases of inventory and readings.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::inventory::InventoryReport;
use sqlx::PgConnection;
use tokio::time::Instant;
use uuid::Uuid;

use super::{Point, StoredSection, history, readings, receive, store, store_readings};
use crate::app::{App, Ctx};
use crate::authz::{self, Action, Resource};
use crate::commands::link::Verdict;
use crate::core::{Error, Result};
use crate::hub::agents_changed;
use crate::hub::pace::{SharedPace, locked};
use crate::software;

/// Days for which readings are kept.
const KEPT_DAYS: i64 = 30;
/// Longest time that one request for readings may span.
const MAX_SPAN: TimeDelta = TimeDelta::days(31);

/// What a row that a report makes the server write counts as, in bytes of its agent's pace.
const ROW_COST: usize = 512;

/// Stores what a report says of an agent's inventory, and copies what lists show into the agent's record. Few reports
/// are worked on at a time, because an unpacked one is large. What that takes beyond the message counts towards the agent's
/// pace at once: its session may be displaced before the report is stored.
///
/// # Errors
/// When the database cannot be reached.
pub(crate) async fn store(
    app: &App,
    agent_id: Uuid,
    organization_id: Uuid,
    report: InventoryReport,
    pace: &SharedPace,
) -> Result<Verdict> {
    let place = Arc::clone(&app.hub.inventories).acquire_owned().await.map_err(Error::internal)?;
    // First of all: nothing is unpacked again and again while the database is away.
    let mut tx = app.db.begin().await?;
    let reading = Arc::clone(pace);
    let read = tokio::task::spawn_blocking(move || {
        let read = receive::read(report);
        locked(&reading).charge(read.unfolded, Instant::now());
        // The place stays taken until this is done, also when the session is displaced meanwhile.
        (place, read.outcome)
    });
    let (_place, outcome) = read.await.map_err(Error::internal)?;
    let received = match outcome {
        Ok(received) => received,
        Err(reason) => return Ok(Verdict::Refused(reason)),
    };
    let now = app.env.now();
    store::lock_agent(&mut tx, agent_id).await?;
    let (received, changes) = history::record(&mut tx, agent_id, received, now).await?;
    store::put_sections(&mut tx, agent_id, &received.sections, now).await?;
    store::put_unread(&mut tx, agent_id, &received.unread, now).await?;
    if let Some(os) = received.os() {
        store::copy_os(&mut tx, agent_id, os).await?;
    }
    if let Some(pending) = received.pending_reboot() {
        store::copy_pending_reboot(&mut tx, agent_id, pending, now).await?;
    }
    let mut rows = changes;
    if let Some(list) = received.software() {
        rows += software::derive::replace(&mut tx, agent_id, list, now, now).await?;
    }
    locked(pace).charge(rows * ROW_COST, Instant::now());
    tx.commit().await?;
    agents_changed(app, &[(agent_id, organization_id)]).await;
    Ok(Verdict::Stored)
}

/// What is stored of an agent's inventory.
///
/// # Errors
/// 404 outside the caller's scope.
pub async fn inventory(app: &App, ctx: &Ctx, agent_id: Uuid) -> Result<Vec<StoredSection>> {
    let mut connection = app.db.acquire().await?;
    require_view(&mut connection, ctx, agent_id).await?;
    store::sections(&mut connection, agent_id).await
}

/// Whether the caller may see this agent.
pub(super) async fn require_view(connection: &mut PgConnection, ctx: &Ctx, agent_id: Uuid) -> Result<()> {
    let (organization, server_host) =
        store::agent(connection, agent_id, ctx.scope().organizations()).await?.ok_or(Error::NotFound("agent"))?;
    authz::require(&ctx.actor, Action::View, Resource::Agent { organization, server_host }, "agent")
}

/// An agent's readings in points of five minutes; the last day when no time is given.
///
/// # Errors
/// 404 outside the caller's scope; 422 when the time is empty or longer than 31 days.
pub async fn points(
    app: &App,
    ctx: &Ctx,
    agent_id: Uuid,
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
) -> Result<Vec<Point>> {
    let to = to.unwrap_or_else(|| app.env.now());
    let from = from.unwrap_or(to - TimeDelta::days(1));
    if from >= to {
        return Err(Error::invalid("from", "must be before to"));
    }
    if to - from > MAX_SPAN {
        return Err(Error::invalid("from", "must be at most 31 days before to"));
    }
    let mut connection = app.db.acquire().await?;
    require_view(&mut connection, ctx, agent_id).await?;
    store_readings::points(&mut connection, agent_id, from, to).await
}

/// Makes the partitions that readings of these days need, and drops those that are too old; to be called at the start
/// and every few hours.
///
/// # Errors
/// When the database cannot be reached.
pub async fn ensure_partitions(app: &App) -> Result<()> {
    let now = app.env.now();
    readings::ensure_partitions(app, now - TimeDelta::days(3), now + TimeDelta::days(2)).await?;
    let mut connection = app.db.acquire().await?;
    let first_kept = (now - TimeDelta::days(KEPT_DAYS)).date_naive();
    let dropped = store_readings::drop_partitions(&mut connection, first_kept).await?;
    if dropped > 0 {
        tracing::info!(dropped, "days of readings dropped");
    }
    Ok(())
}
