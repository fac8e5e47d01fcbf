//! SQL of the agents of a run.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Refusal, RunAgent, RunAgentKey, RunAgentState};
use crate::authz::Scope;
use crate::commands::{CommandState, CommandSummary};
use crate::core::Result;
use crate::core::page::PageRequest;

/// Which agents of a run are asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Standing so.
    pub state: Option<RunAgentState>,
    /// Pattern of the name.
    pub pattern: Option<String>,
}

/// An agent of a run with what it is sorted by.
pub struct Sorted {
    pub agent: RunAgent,
    pub sort_name: String,
}

#[derive(sqlx::FromRow)]
struct Row {
    agent_id: Uuid,
    agent_name: String,
    organization_id: Uuid,
    organization_name: String,
    site_name: String,
    sort_name: String,
    refusal_code: Option<String>,
    refusal_words: Option<String>,
    /// With a command, as the next columns that are not null in the database.
    command_id: Option<Uuid>,
    summary: Option<String>,
    state: Option<CommandState>,
    requested_by: Option<String>,
    created_at: Option<DateTime<Utc>>,
    expires_at: Option<DateTime<Utc>>,
    sent_at: Option<DateTime<Utc>>,
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    exit_code: Option<i32>,
}

impl Row {
    fn command(&mut self) -> Option<CommandSummary> {
        Some(CommandSummary {
            id: self.command_id?,
            agent_id: self.agent_id,
            agent_name: self.agent_name.clone(),
            organization_id: self.organization_id,
            summary: self.summary.take()?,
            state: self.state?,
            requested_by: self.requested_by.take()?,
            created_at: self.created_at?,
            sent_at: self.sent_at,
            started_at: self.started_at,
            finished_at: self.finished_at,
            expires_at: self.expires_at?,
            exit_code: self.exit_code,
        })
    }
}

impl From<Row> for Sorted {
    fn from(mut row: Row) -> Self {
        let command = row.command();
        let refusal = row.refusal_code.zip(row.refusal_words).map(|(code, words)| Refusal { code, words });
        let agent = RunAgent {
            agent_id: row.agent_id,
            agent_name: row.agent_name,
            organization_id: row.organization_id,
            organization_name: row.organization_name,
            site_name: row.site_name,
            command,
            refusal,
        };
        Self { agent, sort_name: row.sort_name }
    }
}

/// Whether any agent of a run is within the scope.
pub async fn visible(connection: &mut PgConnection, scope: &Scope, run: Uuid) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM command_run_organizations
                          WHERE run_id = $1 AND ($2::uuid[] IS NULL OR organization_id = ANY($2))) AS "visible!""#,
        run,
        scope.organizations()
    )
    .fetch_one(connection)
    .await?)
}

/// Agents of a run within the scope, by name.
pub async fn page(
    connection: &mut PgConnection,
    scope: &Scope,
    run: Uuid,
    filter: &Filter,
    page: &PageRequest<RunAgentKey>,
) -> Result<Vec<Sorted>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "SELECT ra.agent_id, a.name AS agent_name, ra.organization_id, o.name AS organization_name, s.name AS site_name,
                ra.sort_name, ra.refusal_code, ra.refusal_words, c.id AS command_id, c.summary, c.state,
                c.requested_by_label AS requested_by, c.created_at, c.expires_at, c.sent_at, c.started_at, c.finished_at,
                c.exit_code
         FROM (",
    );
    // Of each organization a page, by its index: of a large run, somebody may see little.
    match scope.organizations() {
        None => push_agents(&mut query, run, false, filter, page),
        Some(organizations) => {
            query
                .push("SELECT ra.* FROM unnest(")
                .push_bind(organizations.to_vec())
                .push(") mine(id) CROSS JOIN LATERAL (");
            push_agents(&mut query, run, true, filter, page);
            query.push(") ra ORDER BY ra.sort_name, ra.agent_id LIMIT ").push_bind(page.fetch());
        }
    }
    query.push(
        ") ra JOIN agents a ON a.id = ra.agent_id JOIN organizations o ON o.id = ra.organization_id
              JOIN sites s ON s.id = a.site_id LEFT JOIN commands c ON c.id = ra.command_id
         ORDER BY ra.sort_name, ra.agent_id",
    );
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// A page of the agents of a run, of the organization `mine.id` only where that is chosen.
fn push_agents(
    query: &mut QueryBuilder<Postgres>,
    run: Uuid,
    of_one: bool,
    filter: &Filter,
    page: &PageRequest<RunAgentKey>,
) {
    query.push("SELECT ra.* FROM command_run_agents ra");
    let state = filter.state.and_then(RunAgentState::command);
    if state.is_some() {
        // All that binds the two, so that either may lead.
        query.push(" JOIN commands c ON c.id = ra.command_id AND c.run_id = ra.run_id AND c.agent_id = ra.agent_id");
        query.push(" AND c.organization_id = ra.organization_id");
    }
    if filter.pattern.is_some() {
        query.push(" JOIN agents a ON a.id = ra.agent_id");
    }
    query.push(" WHERE ra.run_id = ").push_bind(run);
    if of_one {
        query.push(" AND ra.organization_id = mine.id");
    }
    match (filter.state, state) {
        (Some(_), Some(state)) => {
            query.push(" AND c.state = '").push(state.as_str()).push("'");
        }
        (Some(_), None) => {
            query.push(" AND ra.refusal_code IS NOT NULL");
        }
        (None, _) => {}
    }
    if let Some(pattern) = &filter.pattern {
        query.push(" AND a.name ILIKE ").push_bind(pattern.clone());
    }
    if let Some(RunAgentKey(name, id)) = &page.after {
        query.push(" AND (ra.sort_name, ra.agent_id) > (").push_bind(name.clone()).push(", ").push_bind(*id).push(")");
    }
    query.push(" ORDER BY ra.sort_name, ra.agent_id LIMIT ").push_bind(page.fetch());
}
