//! Use cases of inventory and readings.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::inventory::Section;
use gururmm_protocol::message::InventorySection;
use gururmm_protocol::{limits, text};
use uuid::Uuid;

use super::store::{self, NewSection, SystemFacts};
use super::{Point, StoredSection, readings, store_readings};
use crate::app::{App, Ctx};
use crate::authz::{self, Action, Resource};
use crate::commands::link::Verdict;
use crate::core::{Error, Result};
use crate::hub::agents_changed;

/// Days for which readings are kept.
const KEPT_DAYS: i64 = 30;
/// Longest time that one request for readings may span.
const MAX_SPAN: TimeDelta = TimeDelta::days(31);

/// Stores sections of an agent's inventory, and copies what lists show into the agent's record.
///
/// # Errors
/// When the database cannot be reached.
pub(crate) async fn store(
    app: &App,
    agent_id: Uuid,
    organization_id: Uuid,
    sections: Vec<InventorySection>,
) -> Result<Verdict> {
    let mut rows: BTreeMap<&'static str, NewSection> = BTreeMap::new();
    let mut facts = SystemFacts::default();
    for InventorySection { digest, mut content } in sections {
        content.bound();
        let data = data_of(&content)?;
        if data.to_string().len() > limits::MAX_SECTION {
            return Ok(Verdict::Refused(format!(
                "the section {} is over {} bytes",
                content.name(),
                limits::MAX_SECTION
            )));
        }
        facts.learn(&content)?;
        // The same section twice in one report: the last one counts.
        let digest = text::clean_line(&digest, limits::MAX_NAME);
        rows.insert(content.name(), NewSection { section: content.name(), digest, data });
    }
    let rows: Vec<NewSection> = rows.into_values().collect();
    let mut tx = app.db.begin().await?;
    store::put_sections(&mut tx, agent_id, &rows, app.env.now()).await?;
    store::copy_facts(&mut tx, agent_id, &facts).await?;
    tx.commit().await?;
    agents_changed(app, &[(agent_id, organization_id)]).await;
    Ok(Verdict::Stored)
}

fn data_of(section: &Section) -> Result<serde_json::Value> {
    let mut tagged = serde_json::to_value(section).map_err(Error::internal)?;
    Ok(tagged["data"].take())
}

/// What is stored of an agent's inventory.
///
/// # Errors
/// 404 outside the caller's scope.
pub async fn inventory(app: &App, ctx: &Ctx, agent_id: Uuid) -> Result<Vec<StoredSection>> {
    let mut connection = app.db.acquire().await?;
    let (organization, server_host) =
        store::agent(&mut connection, agent_id, ctx.scope().organizations()).await?.ok_or(Error::NotFound("agent"))?;
    authz::require(&ctx.actor, Action::View, Resource::Agent { organization, server_host }, "agent")?;
    store::sections(&mut connection, agent_id).await
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
    let (organization, server_host) =
        store::agent(&mut connection, agent_id, ctx.scope().organizations()).await?.ok_or(Error::NotFound("agent"))?;
    authz::require(&ctx.actor, Action::View, Resource::Agent { organization, server_host }, "agent")?;
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
