//! SQL of overviews. What is counted and why an agent needs somebody stand once, in [`crate::agents`]; here they are grouped.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{AgentVersionCount, MOST_VERSIONS, OrganizationOverview, Overview, ReasonCount, SpineRest, UrgencyKey};
use crate::agents::attention::AttentionReason;
use crate::agents::store_list::push_facts;
use crate::agents::view::{AgentCount, AgentFilter};
use crate::authz::Scope;
use crate::core::Result;
use crate::core::page::PageRequest;

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

/// An array with the number of rows for which each condition holds together with `also`.
fn counts<'a>(conditions: impl IntoIterator<Item = &'a str>, also: &str) -> String {
    let counts: Vec<_> =
        conditions.into_iter().map(|condition| format!("count(*) FILTER (WHERE {condition} AND {also})")).collect();
    format!("ARRAY[{}]", counts.join(", "))
}

/// The same for each reason, in the order of [`AttentionReason::ALL`].
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

#[derive(sqlx::FromRow)]
struct VersionRow {
    agent_version: String,
    fleet: Vec<i64>,
    servers: Vec<i64>,
    reasons: Vec<i64>,
}

/// The fleet, read once: grouped by version, and added up here.
pub async fn overview(
    connection: &mut PgConnection,
    scope: &Scope,
    filter: &AgentFilter,
    now: DateTime<Utc>,
) -> Result<Overview> {
    let mut query = QueryBuilder::<Postgres>::new("SELECT agent_version, ");
    query.push(counts(COUNTED, "true")).push(" AS fleet, ").push(counts(COUNTED, "is_server"));
    query.push(" AS servers, ").push(counts_of_reasons()).push(" AS reasons FROM (");
    push_facts(&mut query, scope, filter, now);
    query.push(") agent GROUP BY agent_version ORDER BY count(*) DESC, agent_version");
    let rows: Vec<VersionRow> = query.build_query_as().fetch_all(connection).await?;
    let (mut fleet, mut servers) = (vec![0; COUNTED.len()], vec![0; COUNTED.len()]);
    let mut reasons = vec![0; AttentionReason::ALL.len()];
    for row in &rows {
        add(&mut fleet, &row.fleet);
        add(&mut servers, &row.servers);
        add(&mut reasons, &row.reasons);
    }
    let version =
        |row: VersionRow| AgentVersionCount { count: agent_count(&row.fleet).total, version: row.agent_version };
    Ok(Overview {
        fleet: agent_count(&fleet),
        servers: agent_count(&servers),
        reasons: reasons_present(&reasons).collect(),
        versions: rows.into_iter().take(MOST_VERSIONS).map(version).collect(),
        as_of: now,
    })
}

fn add(sums: &mut [i64], numbers: &[i64]) {
    for (sum, number) in sums.iter_mut().zip(numbers) {
        *sum += number;
    }
}

/// The reasons that somebody has, the most urgent first.
fn reasons_present(counts: &[i64]) -> impl Iterator<Item = ReasonCount> {
    AttentionReason::ALL.into_iter().zip(counts).filter(|(_, count)| **count > 0).map(|(reason, count)| ReasonCount {
        reason,
        words: reason.words(),
        count: *count,
    })
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
                    count(*) FILTER (WHERE is_server AND presence = 'offline') AS offline_servers,
                    count(*) FILTER (WHERE true = ANY(attention)) AS attention, ",
    );
    query.push(counts_of_reasons()).push(" AS reasons FROM (");
    push_facts(&mut query, scope, &AgentFilter::default(), as_of);
    query.push(
        ") agent GROUP BY organization_id),
         listed AS (
             SELECT o.id, o.name, lower(o.name) AS sort_name, coalesce(c.agents, 0) AS agents,
                    coalesce(c.online, 0) AS online, coalesce(c.offline_servers, 0) AS offline_servers,
                    coalesce(c.attention, 0) AS attention, coalesce(c.reasons, '{}') AS reasons,
                    (CASE",
    );
    for place in 0..AttentionReason::ALL.len() {
        query.push(format!(" WHEN c.reasons[{}] > 0 THEN {place}", place + 1));
    }
    query.push(format!(" ELSE {} END)::int AS rank", AttentionReason::ALL.len()));
    query.push(" FROM organizations o LEFT JOIN counted c ON c.organization_id = o.id WHERE o.deleted_at IS NULL");
    if let Some(organizations) = scope.organizations() {
        query.push(" AND o.id = ANY(").push_bind(organizations.to_vec()).push(")");
    }
    query.push(") SELECT * FROM (SELECT *, -coalesce(reasons[rank + 1], 0) AS fewer FROM listed) ranked");
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
        worst: reasons_present(&row.reasons).next(),
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
