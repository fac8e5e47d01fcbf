//! SQL of making runs.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::agents::view::{Presence, PresenceState};
use crate::authz::Scope;
use crate::commands::admission::Refusal;
use crate::core::{Error, Result};

/// Where an agent is and whether it is connected.
pub struct Place {
    pub agent_id: Uuid,
    pub organization_name: String,
    pub site_name: String,
    pub presence: Presence,
}

pub async fn places(connection: &mut PgConnection, agents: &[Uuid], now: DateTime<Utc>) -> Result<Vec<Place>> {
    let rows = sqlx::query!(
        r#"SELECT a.id, o.name AS organization_name, s.name AS site_name,
                  coalesce(p.state, 'never') AS "presence!: PresenceState", p.since AS "since?",
                  p.last_seen_at AS "last_seen_at?"
           FROM agents a JOIN organizations o ON o.id = a.organization_id JOIN sites s ON s.id = a.site_id
           LEFT JOIN agent_presence_effective($2) p ON p.agent_id = a.id
           WHERE a.id = ANY($1)"#,
        agents,
        now
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Place {
            agent_id: row.id,
            organization_name: row.organization_name,
            site_name: row.site_name,
            presence: Presence { state: row.presence, since: row.since, last_seen_at: row.last_seen_at },
        })
        .collect())
}

/// A new run.
pub struct NewRun<'a> {
    pub id: Uuid,
    pub summary: &'a str,
    pub spec: &'a Value,
    pub requested_by: Option<Uuid>,
    pub requested_by_label: &'a str,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub total: usize,
}

pub async fn insert(connection: &mut PgConnection, run: &NewRun<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO command_runs (id, summary, spec, requested_by, requested_by_label, created_at, expires_at, total)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        run.id,
        run.summary,
        run.spec,
        run.requested_by,
        run.requested_by_label,
        run.created_at,
        run.expires_at,
        i32::try_from(run.total).map_err(Error::internal)?
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// An agent of a new run.
pub struct NewAgent<'a> {
    pub agent_id: Uuid,
    pub organization_id: Uuid,
    pub sort_name: &'a str,
    pub outcome: Result<Uuid, &'a Refusal>,
}

/// Stores the agents of a new run, and what of it concerns each organization.
pub async fn insert_agents(connection: &mut PgConnection, run_id: Uuid, agents: &[NewAgent<'_>]) -> Result<()> {
    let ids: Vec<_> = agents.iter().map(|agent| agent.agent_id).collect();
    let organizations: Vec<_> = agents.iter().map(|agent| agent.organization_id).collect();
    let names: Vec<_> = agents.iter().map(|agent| agent.sort_name.to_owned()).collect();
    let commands: Vec<_> = agents.iter().map(|agent| agent.outcome.ok()).collect();
    let codes: Vec<_> = agents.iter().map(|agent| agent.outcome.err().map(|refusal| refusal.code.to_owned())).collect();
    let words: Vec<_> = agents.iter().map(|agent| agent.outcome.err().map(|refusal| refusal.words.clone())).collect();
    sqlx::query!(
        "INSERT INTO command_run_agents (run_id, agent_id, organization_id, sort_name, command_id, refusal_code,
                                         refusal_words)
         SELECT $1, * FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::uuid[], $6::text[], $7::text[])",
        run_id,
        &ids,
        &organizations,
        &names,
        &commands as &[Option<Uuid>],
        &codes as &[Option<String>],
        &words as &[Option<String>]
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "INSERT INTO command_run_organizations (run_id, organization_id, agents, refused, requested_by)
         SELECT ra.run_id, ra.organization_id, count(*), count(ra.refusal_code), r.requested_by
         FROM command_run_agents ra JOIN command_runs r ON r.id = ra.run_id WHERE ra.run_id = $1
         GROUP BY ra.run_id, ra.organization_id, r.requested_by",
        run_id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Agents within the scope that have an open command of a run.
pub async fn open_agents(connection: &mut PgConnection, scope: &Scope, run_id: Uuid) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT agent_id FROM commands WHERE run_id = $1 AND state IN ('queued', 'sent', 'running')
           AND ($2::uuid[] IS NULL OR organization_id = ANY($2))",
        run_id,
        scope.organizations()
    )
    .fetch_all(connection)
    .await?)
}
