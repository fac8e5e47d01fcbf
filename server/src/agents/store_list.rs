//! SQL of lists of agents: the filter is the caller's, so these statements are put together at run time.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::attention::{Attention, AttentionReason, Facts};
use super::order::{AgentKey, AgentSort};
use super::store_attention::{self, ROLE_PLACE, VOLUME_SHARE};
use super::store_order::{push_after, push_number, push_order};
use super::view::{
    AgentCount, AgentFilter, AgentSelection, AgentState, AgentSummary, MachineRole, OsFamily, Presence, PresenceState,
};
use crate::authz::Scope;
use crate::core::Result;
use crate::core::page::PageRequest;
use crate::inventory::VolumeUse;

const COLUMNS: &str = "
    SELECT a.id, a.name, a.hostname, a.organization_id, o.name AS organization_name, a.site_id, s.name AS site_name,
           a.state, coalesce(p.state, 'never') AS presence, p.since, p.last_seen_at, a.os_family, a.os_name,
           a.machine_role, a.agent_version, r.cpu_percent, r.memory_used_bytes, r.memory_total_bytes, r.worst_mount,
           r.worst_used_bytes, r.worst_total_bytes, r.at AS reading_at, a.pending_reboot, a.server_host, a.state_since,
           a.enrolled_at, a.pending_reboot_since, r.nearly_full_since, a.sort_name, lower(o.name) AS sort_organization, ";

/// Whether the machine is a server; never null.
const IS_SERVER: &str = "coalesce(a.machine_role IN ('server', 'domain_controller'), false)";
#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    name: String,
    hostname: String,
    organization_id: Uuid,
    organization_name: String,
    site_id: Uuid,
    site_name: String,
    state: AgentState,
    presence: PresenceState,
    since: Option<DateTime<Utc>>,
    last_seen_at: Option<DateTime<Utc>>,
    os_family: Option<OsFamily>,
    os_name: Option<String>,
    machine_role: Option<MachineRole>,
    agent_version: String,
    cpu_percent: Option<f32>,
    memory_used_bytes: Option<i64>,
    memory_total_bytes: Option<i64>,
    worst_mount: Option<String>,
    worst_used_bytes: Option<i64>,
    worst_total_bytes: Option<i64>,
    reading_at: Option<DateTime<Utc>>,
    pending_reboot: Option<bool>,
    server_host: bool,
    state_since: DateTime<Utc>,
    enrolled_at: DateTime<Utc>,
    pending_reboot_since: Option<DateTime<Utc>>,
    nearly_full_since: Option<DateTime<Utc>>,
    sort_name: String,
    sort_organization: String,
    sort_number: i64,
    attention: Vec<bool>,
}

/// An agent with what it is sorted by.
pub struct Sorted {
    pub agent: AgentSummary,
    sort_name: String,
    sort_organization: String,
    sort_number: i64,
}

impl Sorted {
    /// Where the page after this row begins, in a list as of then.
    pub fn key(&self, sort: AgentSort, as_of: DateTime<Utc>) -> AgentKey {
        let id = self.agent.id;
        match sort {
            AgentSort::Name | AgentSort::NameDescending => AgentKey::Name(self.sort_name.clone(), id),
            AgentSort::LastSeen | AgentSort::LastSeenDescending => AgentKey::LastSeen(self.sort_number, id),
            AgentSort::Organization | AgentSort::OrganizationDescending => {
                AgentKey::Organization(self.sort_organization.clone(), self.sort_name.clone(), id)
            }
            AgentSort::Attention | AgentSort::AttentionDescending => {
                AgentKey::Attention(as_of, self.sort_number, self.sort_name.clone(), id)
            }
            AgentSort::Volume | AgentSort::VolumeDescending => AgentKey::Volume(self.sort_number, id),
            AgentSort::Cpu | AgentSort::CpuDescending => AgentKey::Cpu(self.sort_number, id),
            AgentSort::Memory | AgentSort::MemoryDescending => AgentKey::Memory(self.sort_number, id),
        }
    }
}

impl From<Row> for Sorted {
    fn from(row: Row) -> Self {
        let worst_volume = match (row.worst_mount, row.worst_used_bytes, row.worst_total_bytes) {
            (Some(mount), Some(used_bytes), Some(total_bytes)) => Some(VolumeUse { mount, used_bytes, total_bytes }),
            _ => None,
        };
        let facts = Facts {
            is_server: matches!(row.machine_role, Some(MachineRole::Server | MachineRole::DomainController)),
            state_since: row.state_since,
            enrolled_at: row.enrolled_at,
            presence_since: row.since,
            worst_volume: worst_volume.as_ref(),
            nearly_full_since: row.nearly_full_since,
            pending_reboot_since: row.pending_reboot_since,
        };
        let reasons = AttentionReason::ALL.into_iter().zip(row.attention).filter(|(_, holds)| *holds);
        let attention = reasons.map(|(reason, _)| Attention::of(reason, &facts)).collect();
        let agent = AgentSummary {
            id: row.id,
            name: row.name,
            hostname: row.hostname,
            organization_id: row.organization_id,
            organization_name: row.organization_name,
            site_id: row.site_id,
            site_name: row.site_name,
            state: row.state,
            presence: Presence { state: row.presence, since: row.since, last_seen_at: row.last_seen_at },
            os_family: row.os_family,
            os_name: row.os_name,
            machine_role: row.machine_role,
            agent_version: row.agent_version,
            cpu_percent: row.cpu_percent,
            memory_used_bytes: row.memory_used_bytes,
            memory_total_bytes: row.memory_total_bytes,
            worst_volume,
            reading_at: row.reading_at,
            pending_reboot: row.pending_reboot,
            server_host: row.server_host,
            attention,
        };
        Self { agent, sort_name: row.sort_name, sort_organization: row.sort_organization, sort_number: row.sort_number }
    }
}

pub async fn list(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &AgentFilter,
    sort: AgentSort,
    page: &PageRequest<AgentKey>,
    now: DateTime<Utc>,
) -> Result<Vec<Sorted>> {
    let mut query = select(sort, now);
    push_source(&mut query, scope, filter, now);
    if let Some(after) = &page.after {
        push_after(&mut query, after, sort, now);
    }
    push_order(&mut query, sort);
    query.push(" LIMIT ").push_bind(page.fetch());
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(Into::into).collect())
}

/// One agent that the scope covers, in whatever state.
pub async fn summary(
    connection: &mut PgConnection,
    scope: &Scope,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<AgentSummary>> {
    Ok(summaries(connection, scope, &[id], now).await?.pop())
}

/// Those of these agents that the scope covers, in whatever state and order.
pub async fn summaries(
    connection: &mut PgConnection,
    scope: &Scope,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<Vec<AgentSummary>> {
    let mut query = select(AgentSort::default(), now);
    push_tables(&mut query, scope, now);
    query.push(" AND a.id = ANY(").push_bind(ids.to_vec()).push(")");
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| Sorted::from(row).agent).collect())
}

pub async fn count(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &AgentFilter,
    now: DateTime<Utc>,
) -> Result<AgentCount> {
    let mut query = QueryBuilder::new(
        "SELECT count(*), count(*) FILTER (WHERE p.state = 'online'), count(*) FILTER (WHERE p.state = 'offline'),
                count(*) FILTER (WHERE p.state = 'reconnecting'), count(*) FILTER (WHERE p.state IS NULL),
                count(*) FILTER (WHERE a.state = 'quarantined'), count(*) FILTER (WHERE ",
    );
    store_attention::push_any(&mut query, &AttentionReason::ALL, now);
    query.push(")");
    push_source(&mut query, scope, filter, now);
    let (total, online, offline, reconnecting, never, quarantined, attention) =
        query.build_query_as().fetch_one(connection).await?;
    Ok(AgentCount { total, online, offline, reconnecting, never, quarantined, attention })
}

/// The selected agents that the scope covers, by id, at most `limit`.
pub async fn selected(
    connection: &mut PgConnection,
    scope: &Scope,
    selection: &AgentSelection,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    let mut query = QueryBuilder::new("SELECT a.id");
    match selection {
        AgentSelection::Agents(ids) => {
            push_tables(&mut query, scope, now);
            query.push(" AND a.id = ANY(").push_bind(ids.clone()).push(")");
        }
        AgentSelection::Matching { filter, except } => {
            push_source(&mut query, scope, filter, now);
            query.push(" AND a.id <> ALL(").push_bind(except.clone()).push(")");
        }
    }
    query.push(" ORDER BY a.id LIMIT ").push_bind(limit);
    Ok(query.build_query_scalar().fetch_all(connection).await?)
}

/// Servers and domain controllers: these first, of each the most urgent first, then by name.
pub async fn servers(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &AgentFilter,
    most: i64,
    now: DateTime<Utc>,
) -> Result<Vec<AgentSummary>> {
    let mut query = select(AgentSort::default(), now);
    push_source(&mut query, scope, filter, now);
    query.push(" AND ").push(IS_SERVER).push(" ORDER BY a.machine_role <> 'domain_controller', array_position(");
    store_attention::push_all(&mut query, now);
    query.push(", true) NULLS LAST, a.sort_name, a.id LIMIT ").push_bind(most);
    let rows: Vec<Row> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| Sorted::from(row).agent).collect())
}

/// What agents are counted by.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// Their organization.
    Organization,
    /// Their site.
    Site,
}

/// How many agents need somebody in each of these places; those where none does are left out.
pub async fn attention_in(
    connection: &mut PgConnection,
    scope: &Scope,
    place: Place,
    ids: &[Uuid],
    now: DateTime<Utc>,
) -> Result<HashMap<Uuid, i64>> {
    let column = match place {
        Place::Organization => "a.organization_id",
        Place::Site => "a.site_id",
    };
    let mut query = QueryBuilder::new("SELECT ");
    query.push(column).push(", count(*)");
    push_tables(&mut query, scope, now);
    // The states are those that any reason asks for: said first, they spare the rest of the rule.
    query.push(" AND a.state IN ('active', 'quarantined') AND ").push(column).push(" = ANY(").push_bind(ids.to_vec());
    query.push(") AND ");
    store_attention::push_any(&mut query, &AttentionReason::ALL, now);
    query.push(" GROUP BY 1");
    Ok(query.build_query_as().fetch_all(connection).await?.into_iter().collect())
}

/// Agents as what overviews group them by. Never null are `id`, `organization_id`, `agent_version`, `state`, `presence`,
/// `is_server`, and `attention`, an array that says of each of [`AttentionReason::ALL`] whether it holds; then there are the
/// columns of [`store_attention::worst_first`], and `last_seen_at`.
pub fn push_facts(query: &mut QueryBuilder<Postgres>, scope: &Scope, filter: &AgentFilter, now: DateTime<Utc>) {
    query.push(
        "SELECT a.id, a.organization_id, a.agent_version, a.state, coalesce(p.state, 'never') AS presence, a.sort_name,
                a.state_since, a.enrolled_at, a.pending_reboot_since, p.since AS presence_since, p.last_seen_at, ",
    );
    query.push(IS_SERVER).push(" AS is_server, ").push(ROLE_PLACE).push(" AS role_place, ");
    query.push(VOLUME_SHARE).push(" AS volume_share, ");
    store_attention::push_all(query, now);
    query.push(" AS attention");
    push_source(query, scope, filter, now);
}

/// The columns of [`Row`].
fn select(sort: AgentSort, now: DateTime<Utc>) -> QueryBuilder<Postgres> {
    let mut query = QueryBuilder::new(COLUMNS);
    push_number(&mut query, sort, now);
    query.push(" AS sort_number, ");
    store_attention::push_all(&mut query, now);
    query.push(" AS attention");
    query
}

fn push_tables(query: &mut QueryBuilder<Postgres>, scope: &Scope, now: DateTime<Utc>) {
    query
        .push(
            " FROM agents a JOIN organizations o ON o.id = a.organization_id JOIN sites s ON s.id = a.site_id
              LEFT JOIN agent_readings_latest r ON r.agent_id = a.id
              LEFT JOIN agent_presence_effective(",
        )
        .push_bind(now)
        .push(") p ON p.agent_id = a.id")
        .push(store_attention::JOIN_CLASH)
        .push(" WHERE true");
    if let Some(organizations) = scope.organizations() {
        query.push(" AND a.organization_id = ANY(").push_bind(organizations.to_vec()).push(")");
    }
}

fn push_source(query: &mut QueryBuilder<Postgres>, scope: &Scope, filter: &AgentFilter, now: DateTime<Utc>) {
    push_tables(query, scope, now);
    match filter.state {
        Some(state) => query.push(" AND a.state = ").push_bind(state),
        None => query.push(" AND a.state <> 'decommissioned'"),
    };
    if let Some(id) = filter.organization_id {
        query.push(" AND a.organization_id = ").push_bind(id);
    }
    if let Some(id) = filter.site_id {
        query.push(" AND a.site_id = ").push_bind(id);
    }
    if let Some(presence) = filter.presence {
        query.push(" AND coalesce(p.state, 'never') = ").push_bind(presence);
    }
    if let Some(family) = filter.os_family {
        query.push(" AND a.os_family = ").push_bind(family);
    }
    if let Some(role) = filter.role {
        query.push(" AND coalesce(a.machine_role, 'unknown') = ANY(").push_bind(role.roles()).push(")");
    }
    if let Some(attention) = filter.attention {
        query.push(" AND ");
        store_attention::push_any(query, attention.reasons(), now);
    }
    if let Some(pattern) = &filter.pattern {
        query.push(" AND (a.name ILIKE ").push_bind(pattern.clone());
        for column in ["a.hostname", "a.os_name", "a.address"] {
            query.push(" OR ").push(column).push(" ILIKE ").push_bind(pattern.clone());
        }
        query.push(")");
    }
}
