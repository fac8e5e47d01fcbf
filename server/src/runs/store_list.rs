//! SQL of reading runs. What has ended is counted once and for all (`settle`), what is open each time, in an index.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use gururmm_protocol::command::RunCommand;
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{RunCounts, RunFilter};
use crate::authz::Scope;
use crate::commands::CommandState;
use crate::core::page::PageRequest;
use crate::core::{Error, Result};

/// A run as far as a scope covers it.
pub struct Found {
    pub id: Uuid,
    pub summary: String,
    pub spec: RunCommand,
    pub requested_by_label: String,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub organizations: Vec<Uuid>,
    pub total: i64,
    pub counts: RunCounts,
    /// The last end so far.
    pub last_end: Option<DateTime<Utc>>,
    /// It is open, and only on the server's own host.
    pub on_host_only: bool,
}

/// These runs as far as the scope covers them, in no order. What it does not cover at all is left out.
pub async fn found(connection: &mut PgConnection, scope: &Scope, ids: &[Uuid]) -> Result<Vec<Found>> {
    let rows = sqlx::query!(
        r#"SELECT r.id, r.summary, r.spec, r.requested_by_label, r.created_at, r.expires_at,
                  array_agg(ro.organization_id) AS "organizations!",
                  coalesce(array_agg(ro.organization_id) FILTER (WHERE ro.ended_at IS NULL), '{}') AS "unsettled!",
                  sum(ro.agents) AS "total!", sum(ro.refused) AS "refused!", max(ro.ended_at) AS last_end,
                  coalesce(sum(ro.succeeded), 0) AS "succeeded!", coalesce(sum(ro.failed), 0) AS "failed!",
                  coalesce(sum(ro.timed_out), 0) AS "timed_out!", coalesce(sum(ro.cancelled), 0) AS "cancelled!",
                  coalesce(sum(ro.expired), 0) AS "expired!", coalesce(sum(ro.unknown), 0) AS "unknown!"
           FROM command_runs r JOIN command_run_organizations ro ON ro.run_id = r.id
           WHERE r.id = ANY($1) AND ($2::uuid[] IS NULL OR ro.organization_id = ANY($2))
           GROUP BY r.id"#,
        ids,
        scope.organizations()
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut unsettled = (Vec::new(), Vec::new());
    let mut found = HashMap::new();
    for row in rows {
        for organization in row.unsettled {
            unsettled.0.push(row.id);
            unsettled.1.push(organization);
        }
        let counts = RunCounts {
            succeeded: row.succeeded,
            failed: row.failed,
            timed_out: row.timed_out,
            cancelled: row.cancelled,
            expired: row.expired,
            unknown: row.unknown,
            refused: row.refused,
            ..RunCounts::default()
        };
        let run = Found {
            id: row.id,
            summary: row.summary,
            spec: serde_json::from_value(row.spec).map_err(Error::internal)?,
            requested_by_label: row.requested_by_label,
            created_at: row.created_at,
            expires_at: row.expires_at,
            organizations: row.organizations,
            total: row.total,
            counts,
            last_end: row.last_end,
            on_host_only: false,
        };
        found.insert(run.id, run);
    }
    if !unsettled.0.is_empty() {
        let (runs, organizations) = unsettled;
        let counts = sqlx::query!(
            r#"SELECT u.run_id AS "run_id!", c.state AS "state!: CommandState", sum(c.count)::bigint AS "count!",
                      max(c.last_end) AS last_end, bool_or(elsewhere.is_open) AS "elsewhere!"
               FROM unnest($1::uuid[], $2::uuid[]) AS u(run_id, organization_id)
               CROSS JOIN LATERAL (SELECT state, count(*) AS count, max(finished_at) AS last_end FROM commands c
                                   WHERE c.run_id = u.run_id AND c.organization_id = u.organization_id
                                   GROUP BY state) c
               CROSS JOIN LATERAL (SELECT EXISTS (SELECT 1 FROM commands c JOIN agents a ON a.id = c.agent_id
                                                  WHERE c.run_id = u.run_id AND c.organization_id = u.organization_id
                                                    AND c.state IN ('queued', 'sent', 'running')
                                                    AND NOT a.server_host) AS is_open) elsewhere
               GROUP BY u.run_id, c.state"#,
            &runs,
            &organizations
        )
        .fetch_all(connection)
        .await?;
        let mut elsewhere = HashSet::new();
        for row in counts {
            if let Some(run) = found.get_mut(&row.run_id) {
                run.counts.add(row.state, row.count);
                run.last_end = run.last_end.max(row.last_end);
            }
            if row.elsewhere {
                elsewhere.insert(row.run_id);
            }
        }
        for run in found.values_mut() {
            run.on_host_only = run.counts.open() > 0 && !elsewhere.contains(&run.id);
        }
    }
    Ok(found.into_values().collect())
}

/// Ids of the newest runs that the filter lets through and the scope covers.
pub async fn page(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &RunFilter,
    page: &PageRequest<Uuid>,
) -> Result<Vec<Uuid>> {
    let organizations = match filter.organization_id {
        Some(id) if scope.contains(id) => Some(vec![id]),
        Some(_) => Some(Vec::new()),
        None => scope.organizations().map(<[Uuid]>::to_vec),
    };
    // Only the filters that are set, led by what has an index in the order of the list.
    let mut query = QueryBuilder::<Postgres>::new("");
    match (organizations, filter.requested_by, filter.open) {
        (organizations, Some(user), false) => {
            query.push("SELECT r.id FROM command_runs r WHERE r.requested_by = ").push_bind(user);
            if let Some(organizations) = organizations {
                query.push(
                    " AND EXISTS (SELECT 1 FROM command_run_organizations ro
                                  WHERE ro.run_id = r.id AND ro.organization_id = ANY(",
                );
                query.push_bind(organizations).push("))");
            }
            push_page(&mut query, "r.id", page);
        }
        (None, None, false) => {
            query.push("SELECT r.id FROM command_runs r WHERE true");
            push_page(&mut query, "r.id", page);
        }
        (None, user, true) => {
            query.push("SELECT DISTINCT ro.run_id FROM command_run_organizations ro WHERE true");
            push_open(&mut query, user);
            push_page(&mut query, "ro.run_id", page);
        }
        (Some(organizations), user, open) => {
            query.push("SELECT DISTINCT run.id FROM unnest(").push_bind(organizations);
            query.push(
                ") o(id) CROSS JOIN LATERAL (SELECT ro.run_id AS id FROM command_run_organizations ro
                                             WHERE ro.organization_id = o.id",
            );
            if open {
                push_open(&mut query, user);
            }
            push_page(&mut query, "ro.run_id", page);
            query.push(") run ORDER BY run.id DESC LIMIT ").push_bind(page.fetch());
        }
    }
    Ok(query.build_query_scalar().fetch_all(connection).await?)
}

/// With commands that have not ended: what is settled has none.
fn push_open(query: &mut QueryBuilder<Postgres>, user: Option<Uuid>) {
    query.push(
        " AND ro.ended_at IS NULL
          AND EXISTS (SELECT 1 FROM commands c WHERE c.run_id = ro.run_id AND c.organization_id = ro.organization_id
                                                 AND c.state IN ('queued', 'sent', 'running'))",
    );
    if let Some(user) = user {
        query.push(" AND ro.requested_by = ").push_bind(user);
    }
}

fn push_page(query: &mut QueryBuilder<Postgres>, id: &str, page: &PageRequest<Uuid>) {
    if let Some(after) = page.after {
        query.push(" AND ").push(id).push(" < ").push_bind(after);
    }
    query.push(" ORDER BY ").push(id).push(" DESC LIMIT ").push_bind(page.fetch());
}
