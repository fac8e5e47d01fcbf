//! SQL of overviews. What is counted and why an agent needs somebody stand once, in [`crate::agents`]; here they are grouped.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    AgentVersionCount, MOST_VERSIONS, OrganizationOverview, Overview, ReasonCount, ReasonOverview, SpineRest,
    UrgencyKey, WorstAgent,
};
use crate::agents::attention::AttentionReason;
use crate::agents::store_attention::worst_first;
use crate::agents::store_list::{self, push_facts};
use crate::agents::view::{AgentCount, AgentFilter, AgentSummary};
use crate::authz::Scope;
use crate::core::page::PageRequest;
use crate::core::{Error, Result};

/// Conditions on a row of [`push_facts`], in the order of [`AgentCount`]'s fields.
const COUNTED: [&str; 7] = [
    "true",
    "presence = 'online'",
    "presence = 'offline'",
    "presence = 'reconnecting'",
    "presence = 'never'",
    "state = 'quarantined'",
    "true = ANY(attention)",
];

/// A server that is not connected, for however short a time.
const OFFLINE_SERVER: &str = "is_server AND presence = 'offline'";

/// An array with the number of rows for which each condition holds together with `also`.
fn counts<'a>(conditions: impl IntoIterator<Item = &'a str>, also: &str) -> String {
    let counts: Vec<_> =
        conditions.into_iter().map(|condition| format!("count(*) FILTER (WHERE {condition} AND {also})")).collect();
    format!("ARRAY[{}]", counts.join(", "))
}

/// An array with the id of the worst agent for each reason, in the order of [`AttentionReason::ALL`]; null where it holds of none.
fn worst_of_reasons() -> String {
    let worst: Vec<_> = AttentionReason::ALL
        .into_iter()
        .enumerate()
        .map(|(place, reason)| first_of(worst_first(reason), &format!("attention[{}]", place + 1)))
        .collect();
    format!("ARRAY[{}]", worst.join(", "))
}

/// The id of the first in this order of those that meet the condition.
fn first_of(order: &str, condition: &str) -> String {
    format!("(array_agg(id ORDER BY {order}) FILTER (WHERE {condition}))[1]")
}

/// How many rows each reason holds of, in the order of [`AttentionReason::ALL`].
fn counts_of_reasons() -> String {
    let reasons: Vec<_> = (1..=AttentionReason::ALL.len()).map(|place| format!("attention[{place}]")).collect();
    counts(reasons.iter().map(String::as_str), "true")
}

fn agent_count(counts: &[i64]) -> AgentCount {
    let at = |place: usize| counts.get(place).copied().unwrap_or_default();
    AgentCount {
        total: at(0),
        online: at(1),
        offline: at(2),
        reconnecting: at(3),
        never: at(4),
        quarantined: at(5),
        attention: at(6),
    }
}

/// All agents, or those of one version.
#[derive(sqlx::FromRow)]
struct FleetRow {
    agent_version: Option<String>,
    fleet: Vec<i64>,
    servers: Vec<i64>,
    reasons: Vec<i64>,
    worst: Vec<Option<Uuid>>,
    offline_server: Option<Uuid>,
    last_seen_at: Option<DateTime<Utc>>,
}

/// The fleet, read once: all of it in the first row, and then by version. Whoever is named is looked up by id.
pub async fn overview(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &AgentFilter,
    now: DateTime<Utc>,
) -> Result<Overview> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT agent_version, max(last_seen_at) AS last_seen_at, ");
    query.push(counts(COUNTED, "true")).push(" AS fleet, ").push(counts(COUNTED, "is_server"));
    query.push(" AS servers, ").push(counts_of_reasons()).push(" AS reasons, ").push(worst_of_reasons());
    query.push(" AS worst, ").push(first_of(worst_first(AttentionReason::Offline), OFFLINE_SERVER));
    query.push(" AS offline_server FROM (");
    push_facts(&mut query, scope, filter, now);
    query.push(
        ") agent GROUP BY GROUPING SETS ((), (agent_version))
         ORDER BY grouping(agent_version) DESC, count(*) DESC, agent_version LIMIT ",
    );
    query.push(1 + MOST_VERSIONS);
    let mut rows = query.build_query_as::<FleetRow>().fetch_all(&mut *connection).await?.into_iter();
    let all = rows.next().ok_or_else(|| Error::internal("a grand total is a row in any case"))?;
    let named: Vec<Uuid> = all.worst.iter().copied().chain([all.offline_server]).flatten().collect();
    let named = store_list::summaries(connection, scope, &named, now).await?;
    let agent = |id: Option<Uuid>| named.iter().find(|agent| Some(agent.id) == id);
    let reasons = reasons_present(&all.reasons).map(|(place, each)| ReasonOverview {
        reason: each.reason,
        words: each.words,
        count: each.count,
        worst: all.worst.get(place).and_then(|id| worst_for(agent(*id)?, each.reason)),
    });
    Ok(Overview {
        fleet: agent_count(&all.fleet),
        servers: agent_count(&all.servers),
        reasons: reasons.collect(),
        offline_server: agent(all.offline_server).map(|agent| worst(agent, "Offline".into(), agent.presence.since)),
        last_seen_at: all.last_seen_at,
        versions: rows
            .map(|row| AgentVersionCount {
                count: agent_count(&row.fleet).total,
                version: row.agent_version.unwrap_or_default(),
            })
            .collect(),
        as_of: now,
    })
}

/// An agent as the worst for a reason; none when that holds no more.
fn worst_for(agent: &AgentSummary, reason: AttentionReason) -> Option<WorstAgent> {
    let attention = agent.attention.iter().find(|attention| attention.reason == reason)?;
    Some(worst(agent, attention.words.clone(), attention.since))
}

fn worst(agent: &AgentSummary, words: String, since: Option<DateTime<Utc>>) -> WorstAgent {
    let (name, organization_name) = (agent.name.clone(), agent.organization_name.clone());
    WorstAgent { id: agent.id, name, organization_name, words, since }
}

/// The reasons that somebody has, the most urgent first, each with its place in [`AttentionReason::ALL`].
fn reasons_present(counts: &[i64]) -> impl Iterator<Item = (usize, ReasonCount)> {
    let all = AttentionReason::ALL.into_iter().zip(counts).enumerate().filter(|(_, (_, count))| **count > 0);
    all.map(|(place, (reason, count))| (place, ReasonCount { reason, words: reason.words(), count: *count }))
}

#[derive(sqlx::FromRow)]
struct OrganizationRow {
    id: Uuid,
    name: String,
    sort_name: String,
    agents: i64,
    online: i64,
    offline_servers: i64,
    attention: i64,
    reasons: Vec<i64>,
    rank: i32,
    fewer: i64,
}

/// Organizations, the most urgent first. All of the scope are counted for every page, in one pass over their agents: which
/// of them is the most urgent cannot be known from fewer.
pub async fn organizations(
    connection: &mut PgConnection,
    scope: &Scope,
    page: &PageRequest<UrgencyKey>,
    as_of: DateTime<Utc>,
) -> Result<Vec<(UrgencyKey, OrganizationOverview)>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "WITH counted AS (
             SELECT organization_id, count(*) AS agents, count(*) FILTER (WHERE presence = 'online') AS online,
                    count(*) FILTER (WHERE true = ANY(attention)) AS attention, count(*) FILTER (WHERE ",
    );
    query.push(OFFLINE_SERVER).push(") AS offline_servers, ").push(counts_of_reasons()).push(" AS reasons FROM (");
    push_facts(&mut query, scope, &AgentFilter::default(), as_of);
    query.push(
        ") agent GROUP BY organization_id),
         listed AS (
             SELECT o.id, o.name, lower(o.name) AS sort_name, coalesce(c.agents, 0) AS agents,
                    coalesce(c.online, 0) AS online, coalesce(c.offline_servers, 0) AS offline_servers,
                    coalesce(c.attention, 0) AS attention, coalesce(c.reasons, '{}') AS reasons,
                    (CASE",
    );
    let mut offline_servers = 0;
    for (place, reason) in AttentionReason::ALL.into_iter().enumerate() {
        query.push(format!(" WHEN c.reasons[{}] > 0 THEN {}", place + 1, 2 * place));
        if reason == AttentionReason::Offline {
            offline_servers = 2 * place + 1;
            query.push(format!(" WHEN c.offline_servers > 0 THEN {offline_servers}"));
        }
    }
    query.push(format!(" ELSE {} END)::int AS rank", 2 * AttentionReason::ALL.len()));
    query.push(" FROM organizations o LEFT JOIN counted c ON c.organization_id = o.id WHERE o.deleted_at IS NULL");
    if let Some(organizations) = scope.organizations() {
        query.push(" AND o.id = ANY(").push_bind(organizations.to_vec()).push(")");
    }
    query.push(format!(
        ") SELECT * FROM (SELECT *, -CASE rank WHEN {offline_servers} THEN offline_servers
                                              ELSE coalesce(reasons[rank / 2 + 1], 0) END AS fewer FROM listed) ranked"
    ));
    if let Some(after) = &page.after {
        query.push(" WHERE (rank, fewer, sort_name, id) > (").push_bind(after.rank).push(", ").push_bind(after.fewer);
        query.push(", ").push_bind(after.name.clone()).push(", ").push_bind(after.id).push(")");
    }
    query.push(" ORDER BY rank, fewer, sort_name, id LIMIT ").push_bind(page.fetch());
    let rows: Vec<OrganizationRow> = query.build_query_as().fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| organization(row, as_of)).collect())
}

fn organization(row: OrganizationRow, as_of: DateTime<Utc>) -> (UrgencyKey, OrganizationOverview) {
    let key = UrgencyKey { as_of, rank: row.rank, fewer: row.fewer, name: row.sort_name, id: row.id };
    let overview = OrganizationOverview {
        organization_id: row.id,
        name: row.name,
        agents: row.agents,
        online: row.online,
        offline_servers: row.offline_servers,
        attention: row.attention,
        worst: reasons_present(&row.reasons).next().map(|(_, worst)| worst),
    };
    (key, overview)
}

/// How many servers there are, and what the other machines are like.
pub async fn servers_and_others(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &AgentFilter,
    now: DateTime<Utc>,
) -> Result<(i64, SpineRest)> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT count(*) FILTER (WHERE is_server), ");
    query.push(counts(COUNTED, "NOT is_server")).push(" FROM (");
    push_facts(&mut query, scope, filter, now);
    query.push(") agent");
    let (servers, others): (i64, Vec<i64>) = query.build_query_as().fetch_one(connection).await?;
    let others = agent_count(&others);
    Ok((servers, SpineRest { total: others.total, online: others.online, attention: others.attention }))
}
