//! Readings of all agents, written together: many agents a minute, few transactions.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use gururmm_protocol::limits;
use gururmm_protocol::readings::Reading;
use tokio::sync::oneshot;
use uuid::Uuid;

use super::rollup::{MAX_AGE, MAX_AHEAD, Rollup, roll_up};
use super::store_readings as store;
use crate::app::App;
use crate::commands::link::Verdict;
use crate::core::{Error, Result};
use crate::hub::agents_changed;
use crate::hub::batch::Added;

/// How long readings are collected before they are written.
const WINDOW: Duration = Duration::from_millis(250);
/// Readings that are written without waiting longer.
const FULL: usize = 500;

/// Reports that wait to be written.
#[derive(Default)]
pub struct Waiting {
    reports: Vec<Report>,
    readings: usize,
}

struct Report {
    agent_id: Uuid,
    organization_id: Uuid,
    readings: Vec<Reading>,
    stored: oneshot::Sender<Result<()>>,
}

/// Stores an agent's readings; returns when they are committed. Readings that were stored before, or whose time is too
/// far from now, count as stored: sending them again would not help.
///
/// # Errors
/// When the database cannot be reached.
pub(crate) async fn store(
    app: &App,
    agent_id: Uuid,
    organization_id: Uuid,
    mut readings: Vec<Reading>,
) -> Result<Verdict> {
    if readings.len() > limits::MAX_READINGS {
        return Ok(Verdict::Refused(format!("more than {} readings in one report", limits::MAX_READINGS)));
    }
    if readings.is_empty() {
        return Ok(Verdict::Stored);
    }
    readings.iter_mut().for_each(Reading::bound);
    let (stored, outcome) = oneshot::channel();
    let added = app.hub.readings.add(|waiting| {
        waiting.readings += readings.len();
        waiting.reports.push(Report { agent_id, organization_id, readings, stored });
        waiting.readings >= FULL
    });
    if added == Added::StartWriter {
        tokio::spawn(write(app.clone()));
    }
    outcome.await.map_err(|_| Error::internal("the readings' writer ended"))??;
    Ok(Verdict::Stored)
}

async fn write(app: App) {
    let _writer = app.hub.readings.writer();
    loop {
        app.hub.readings.gather(WINDOW).await;
        let Some(Waiting { reports, .. }) = app.hub.readings.take() else { return };
        match write_together(&app, &reports).await {
            Ok(()) => answer_all(reports, || Ok(())),
            Err(Error::Unavailable { .. }) => answer_all(reports, || Err(Error::database_away())),
            // One bad row must not cost the others theirs.
            Err(error) if reports.len() > 1 => {
                tracing::warn!(%error, "readings could not be written together; writing one report at a time");
                for report in reports {
                    let result = write_together(&app, std::slice::from_ref(&report)).await;
                    // Whoever has gone meanwhile sends them again.
                    let _ = report.stored.send(result);
                }
            }
            Err(error) => {
                let mut error = Some(error);
                answer_all(reports, || Err(error.take().unwrap_or_else(Error::database_away)));
            }
        }
    }
}

fn answer_all(reports: Vec<Report>, mut answer: impl FnMut() -> Result<()>) {
    for report in reports {
        // Whoever has gone meanwhile sends them again.
        let _ = report.stored.send(answer());
    }
}

async fn write_together(app: &App, reports: &[Report]) -> Result<()> {
    let mut by_agent: BTreeMap<Uuid, Vec<Reading>> = BTreeMap::new();
    for report in reports {
        by_agent.entry(report.agent_id).or_default().extend(report.readings.iter().cloned());
    }
    let now = app.env.now();
    if let Err(error) = write_once(app, &by_agent, now).await {
        if !store::is_missing_partition(&error) {
            return Err(error);
        }
        // The nightly pass has not run yet, or the clock has jumped.
        ensure_partitions(app, now - MAX_AGE, now + MAX_AHEAD).await?;
        write_once(app, &by_agent, now).await?;
    }
    let changed: BTreeMap<Uuid, Uuid> =
        reports.iter().map(|report| (report.agent_id, report.organization_id)).collect();
    agents_changed(app, &changed.into_iter().collect::<Vec<_>>()).await;
    Ok(())
}

async fn write_once(app: &App, by_agent: &BTreeMap<Uuid, Vec<Reading>>, now: DateTime<Utc>) -> Result<()> {
    let agents: Vec<Uuid> = by_agent.keys().copied().collect();
    let mut tx = app.db.begin().await?;
    let latest = store::lock_latest(&mut tx, &agents).await?;
    let rollups: Vec<(Uuid, Rollup)> = by_agent
        .iter()
        .map(|(agent_id, readings)| (*agent_id, roll_up(latest.get(agent_id).copied(), readings.clone(), now)))
        .collect();
    store::add_to_buckets(&mut tx, &rollups).await?;
    store::put_latest(&mut tx, &rollups, now + MAX_AHEAD).await?;
    tx.commit().await?;
    let dropped: u64 = rollups.iter().map(|(_, rollup)| rollup.dropped).sum();
    metrics::counter!("agent_readings_dropped_total").increment(dropped);
    Ok(())
}

/// Makes the day partitions of this time, where they are missing.
pub(super) async fn ensure_partitions(app: &App, from: DateTime<Utc>, to: DateTime<Utc>) -> Result<()> {
    let mut connection = app.db.acquire().await?;
    store::ensure_partitions(&mut connection, from.date_naive(), to.date_naive()).await
}
