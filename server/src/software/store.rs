//! SQL of installed software. The filters are the caller's, so the lists are put together at run time.

use chrono::{DateTime, Utc};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{
    InstalledKey, InstalledSoftware, SoftwareCoverage, SoftwareStanding, SoftwareTitle, TitleKey, TitleSource,
    UnknownKey, UnknownSoftware, VersionCount, VersionKey,
};
use crate::agents::view::{AgentState, OsFamily};
use crate::authz::Scope;
use crate::core::Result;
use crate::core::page::PageRequest;

/// The joins that [`push_standing`] needs.
const STANDING_FROM: &str = "
    LEFT JOIN agent_inventory i ON i.agent_id = a.id AND i.section = 'software'
    LEFT JOIN agent_software_reports r ON r.agent_id = a.id
    LEFT JOIN agent_presence p ON p.agent_id = a.id";

/// How much is known of the software of agent `a`. Stale is what was not seen since then.
fn push_standing(query: &mut QueryBuilder<Postgres>, stale_before: DateTime<Utc>) {
    query.push(
        "CASE WHEN i.error IS NOT NULL THEN 'unread'
              WHEN i.agent_id IS NULL OR r.collected_at IS DISTINCT FROM i.collected_at THEN 'never'
              WHEN GREATEST(p.last_seen_at, r.collected_at) < ",
    );
    query.push_bind(stale_before);
    query.push(" THEN 'stale' WHEN i.problems <> '[]' OR r.incomplete THEN 'partial' ELSE 'known' END AS standing");
}

/// Which installations are asked for.
#[derive(Debug, Clone)]
pub struct Filter {
    /// What the caller may see.
    pub scope: Scope,
    /// Only of this organization.
    pub organization_id: Option<Uuid>,
    /// Only of this site.
    pub site_id: Option<Uuid>,
    /// Only this version.
    pub version: Option<String>,
    /// Only versions with a key below this one. With this or the next, unknown versions are left out.
    pub below: Option<Vec<u8>>,
    /// Only versions with this key or above.
    pub at_least: Option<Vec<u8>>,
}

impl Filter {
    /// All that the caller may see.
    pub const fn of(scope: Scope) -> Self {
        Self { scope, organization_id: None, site_id: None, version: None, below: None, at_least: None }
    }

    /// Installations `s` that are asked for. There are none of decommissioned agents.
    fn push(&self, query: &mut QueryBuilder<Postgres>) {
        if let Some(organizations) = self.scope.organizations() {
            query.push(" AND s.organization_id = ANY(").push_bind(organizations.to_vec()).push(")");
        }
        if let Some(id) = self.organization_id {
            query.push(" AND s.organization_id = ").push_bind(id);
        }
        if let Some(id) = self.site_id {
            // The organization too: there is an index on it.
            query.push(" AND s.organization_id = (SELECT organization_id FROM sites WHERE id = ").push_bind(id);
            query.push(") AND s.agent_id IN (SELECT id FROM agents WHERE site_id = ").push_bind(id).push(")");
        }
        if let Some(version) = &self.version {
            query.push(" AND s.version = ").push_bind(version.clone());
        }
        if let Some(below) = &self.below {
            query.push(" AND s.version_key < ").push_bind(below.clone());
        }
        if let Some(at_least) = &self.at_least {
            query.push(" AND s.version_key >= ").push_bind(at_least.clone());
        }
        if self.below.is_some() || self.at_least.is_some() {
            query.push(" AND s.version <> ''");
        }
    }

    /// Agents `a` that are asked for.
    fn push_agents(&self, query: &mut QueryBuilder<Postgres>) {
        query.push(" AND a.state <> 'decommissioned'");
        if let Some(organizations) = self.scope.organizations() {
            query.push(" AND a.organization_id = ANY(").push_bind(organizations.to_vec()).push(")");
        }
        if let Some(id) = self.organization_id {
            query.push(" AND a.organization_id = ").push_bind(id);
        }
        if let Some(id) = self.site_id {
            query.push(" AND a.site_id = ").push_bind(id);
        }
    }

    /// Everything between `FROM` and the end of the conditions: installations `s` of this title `t`.
    fn push_installations(&self, query: &mut QueryBuilder<Postgres>, title: &TitleKey) {
        query.push(" FROM software_titles t JOIN agent_software s ON s.title_id = t.id WHERE t.key = ");
        query.push_bind(title.key.clone()).push(" AND t.source = ").push_bind(title.source);
        self.push(query);
    }
}

#[derive(FromRow)]
struct TitleRow {
    key: String,
    source: TitleSource,
    name: String,
    publishers: Vec<String>,
    agents: i64,
    versions: i64,
    common: Vec<String>,
    common_agents: Vec<i64>,
}

/// A page of titles by name. First the page is found by one look at each title (`LIMIT 1`), then only its titles are
/// counted: never more than the installations of one page are read.
pub async fn titles(
    connection: &mut PgConnection,
    filter: &Filter,
    name: Option<&str>,
    publisher: Option<&str>,
    source: Option<TitleSource>,
    page: &PageRequest<TitleKey>,
) -> Result<Vec<(TitleKey, SoftwareTitle)>> {
    let mut query = QueryBuilder::new(
        "WITH found AS MATERIALIZED (SELECT t.key, t.source FROM software_titles t
         CROSS JOIN LATERAL (SELECT 1 FROM agent_software s WHERE s.title_id = t.id",
    );
    filter.push(&mut query);
    query.push(" LIMIT 1) somebody WHERE true");
    if let Some(name) = name {
        query.push(" AND t.key LIKE ").push_bind(name);
    }
    if let Some(publisher) = publisher {
        query.push(" AND coalesce(t.publisher_key, lower(t.publisher)) LIKE ").push_bind(publisher);
    }
    if let Some(source) = source {
        query.push(" AND t.source = ").push_bind(source);
    }
    if let Some(TitleKey { key, source }) = &page.after {
        query.push(" AND (t.key, t.source) > (").push_bind(key).push(", ").push_bind(*source).push(")");
    }
    query.push(" GROUP BY t.key, t.source ORDER BY t.key, t.source LIMIT ").push_bind(page.fetch());
    query.push(
        ") SELECT found.key, found.source, who.name, who.publishers, counted.agents, spread.versions, spread.common,
                  spread.common_agents
         FROM found
         CROSS JOIN LATERAL (
             SELECT min(somebody.name) AS name,
                    coalesce((array_agg(t.publisher ORDER BY t.publisher) FILTER (WHERE t.publisher <> ''))[1:5], '{}')
                        AS publishers
             FROM software_titles t
             CROSS JOIN LATERAL (SELECT coalesce(s.name, t.name) AS name FROM agent_software s WHERE s.title_id = t.id",
    );
    filter.push(&mut query);
    query.push(
        " ORDER BY s.version_key DESC, s.agent_id DESC, s.version DESC LIMIT 1) somebody
             WHERE t.key = found.key AND t.source = found.source) who
         CROSS JOIN LATERAL (
             SELECT count(*) AS agents FROM (
                 SELECT DISTINCT s.agent_id FROM software_titles t JOIN agent_software s ON s.title_id = t.id
                 WHERE t.key = found.key AND t.source = found.source",
    );
    filter.push(&mut query);
    // An agent has a version of a title once, whoever publishes it: there is nothing to be told apart.
    query.push(
        ") d) counted
         CROSS JOIN LATERAL (
             SELECT count(*) AS versions,
                    (array_agg(v.version ORDER BY v.agents DESC, v.version_key DESC, v.version))[1:5] AS common,
                    (array_agg(v.agents ORDER BY v.agents DESC, v.version_key DESC, v.version))[1:5] AS common_agents
             FROM (SELECT s.version, s.version_key, count(*) AS agents
                   FROM software_titles t JOIN agent_software s ON s.title_id = t.id
                   WHERE t.key = found.key AND t.source = found.source",
    );
    filter.push(&mut query);
    query.push(" GROUP BY s.version_key, s.version) v) spread ORDER BY found.key, found.source");
    let rows: Vec<TitleRow> = query.build_query_as().fetch_all(connection).await?;
    let title = |row: TitleRow| {
        let common = row.common.into_iter().zip(row.common_agents);
        let title = SoftwareTitle {
            name: row.name,
            source: row.source,
            publishers: row.publishers,
            agents: row.agents,
            versions: row.versions,
            common_versions: common.map(|(version, agents)| VersionCount { version: known(version), agents }).collect(),
        };
        (TitleKey { key: row.key, source: row.source }, title)
    };
    Ok(rows.into_iter().map(title).collect())
}

fn known(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

#[derive(FromRow)]
struct VersionRow {
    version: String,
    version_key: Vec<u8>,
    agents: i64,
}

/// A page of the versions of a title, newest first.
pub async fn versions(
    connection: &mut PgConnection,
    filter: &Filter,
    title: &TitleKey,
    page: &PageRequest<VersionKey>,
) -> Result<Vec<(VersionKey, VersionCount)>> {
    let mut query = QueryBuilder::new("SELECT s.version, s.version_key, count(*) AS agents");
    filter.push_installations(&mut query, title);
    if let Some(after) = &page.after {
        query.push(" AND (s.version_key, s.version) < (").push_bind(&after.version_key);
        query.push(", ").push_bind(&after.version).push(" COLLATE \"C\")");
    }
    query.push(" GROUP BY s.version_key, s.version ORDER BY s.version_key DESC, s.version DESC LIMIT ");
    query.push_bind(page.fetch());
    let rows: Vec<VersionRow> = query.build_query_as().fetch_all(connection).await?;
    let version = |row: VersionRow| {
        let key = VersionKey { version_key: row.version_key, version: row.version.clone() };
        (key, VersionCount { version: known(row.version), agents: row.agents })
    };
    Ok(rows.into_iter().map(version).collect())
}

#[derive(FromRow)]
struct InstalledRow {
    agent_id: Uuid,
    version: String,
    version_key: Vec<u8>,
    publisher: String,
    agent_name: String,
    state: AgentState,
    organization_id: Uuid,
    organization_name: String,
    site_id: Uuid,
    site_name: String,
    os_family: Option<OsFamily>,
    standing: SoftwareStanding,
    collected_at: DateTime<Utc>,
    last_seen_at: DateTime<Utc>,
}

/// A page of the installations of a title, by version. Stale is what was not seen since then.
pub async fn installed(
    connection: &mut PgConnection,
    filter: &Filter,
    title: &TitleKey,
    stale_before: DateTime<Utc>,
    page: &PageRequest<InstalledKey>,
) -> Result<Vec<(InstalledKey, InstalledSoftware)>> {
    let mut query =
        QueryBuilder::new("WITH found AS MATERIALIZED (SELECT s.agent_id, s.version, s.version_key, t.publisher");
    filter.push_installations(&mut query, title);
    if let Some(after) = &page.after {
        query.push(" AND (s.version_key, s.agent_id, s.version) > (").push_bind(&after.version_key);
        query.push(", ").push_bind(after.agent_id).push(", ").push_bind(&after.version).push(" COLLATE \"C\")");
    }
    query.push(" ORDER BY s.version_key, s.agent_id, s.version LIMIT ").push_bind(page.fetch());
    query.push(
        ") SELECT found.*, a.name AS agent_name, a.state, a.organization_id, o.name AS organization_name, a.site_id,
                  w.name AS site_name, a.os_family, r.collected_at,
                  GREATEST(p.last_seen_at, r.collected_at) AS last_seen_at, ",
    );
    push_standing(&mut query, stale_before);
    query.push(
        " FROM found JOIN agents a ON a.id = found.agent_id
         JOIN organizations o ON o.id = a.organization_id JOIN sites w ON w.id = a.site_id",
    );
    query.push(STANDING_FROM);
    query.push(" ORDER BY found.version_key, found.agent_id, found.version");
    let rows: Vec<InstalledRow> = query.build_query_as().fetch_all(connection).await?;
    let installed = |row: InstalledRow| {
        let key = InstalledKey { version_key: row.version_key, agent_id: row.agent_id, version: row.version.clone() };
        let installed = InstalledSoftware {
            agent_id: row.agent_id,
            agent_name: row.agent_name,
            state: row.state,
            organization_id: row.organization_id,
            organization_name: row.organization_name,
            site_id: row.site_id,
            site_name: row.site_name,
            os_family: row.os_family,
            version: known(row.version),
            publisher: known(row.publisher),
            standing: row.standing,
            collected_at: row.collected_at,
            last_seen_at: row.last_seen_at,
        };
        (key, installed)
    };
    Ok(rows.into_iter().map(installed).collect())
}

#[derive(FromRow)]
struct UnknownRow {
    sort_name: String,
    #[sqlx(flatten)]
    agent: UnknownSoftware,
}

/// A page of the agents whose software is not known, or not all of it, by name. Stale is what was not seen since then.
pub async fn unknown(
    connection: &mut PgConnection,
    filter: &Filter,
    standing: Option<SoftwareStanding>,
    stale_before: DateTime<Utc>,
    page: &PageRequest<UnknownKey>,
) -> Result<Vec<(UnknownKey, UnknownSoftware)>> {
    let mut query = QueryBuilder::new(
        "WITH standings AS (
             SELECT a.id AS agent_id, a.name AS agent_name, a.sort_name, a.state, a.organization_id, a.site_id, a.os_family,
                    coalesce(i.error, i.problems ->> 0) AS problem,
                    CASE WHEN i.data <> 'null' THEN i.collected_at END AS collected_at,
                    GREATEST(p.last_seen_at, r.collected_at) AS last_seen_at, ",
    );
    push_standing(&mut query, stale_before);
    query.push(" FROM agents a").push(STANDING_FROM).push(" WHERE true");
    filter.push_agents(&mut query);
    if let Some(UnknownKey { sort_name, agent_id }) = &page.after {
        query.push(" AND (a.sort_name, a.id) > (").push_bind(sort_name).push(", ").push_bind(agent_id).push(")");
    }
    query.push(") SELECT u.*, o.name AS organization_name, w.name AS site_name FROM standings u");
    query.push(" JOIN organizations o ON o.id = u.organization_id JOIN sites w ON w.id = u.site_id");
    match standing {
        Some(standing) => query.push(" WHERE u.standing = ").push_bind(standing),
        None => query.push(" WHERE u.standing <> 'known'"),
    };
    query.push(" ORDER BY u.sort_name, u.agent_id LIMIT ").push_bind(page.fetch());
    let rows: Vec<UnknownRow> = query.build_query_as().fetch_all(connection).await?;
    let keyed = |row: UnknownRow| (UnknownKey { sort_name: row.sort_name, agent_id: row.agent.agent_id }, row.agent);
    Ok(rows.into_iter().map(keyed).collect())
}

/// How much is known of the software of agents. Stale is what was not seen since then.
pub async fn coverage(
    connection: &mut PgConnection,
    filter: &Filter,
    stale_before: DateTime<Utc>,
) -> Result<SoftwareCoverage> {
    let mut query = QueryBuilder::new(
        "SELECT count(*) AS agents, count(*) FILTER (WHERE standing = 'known') AS known,
                count(*) FILTER (WHERE standing = 'partial') AS partial,
                count(*) FILTER (WHERE standing = 'stale') AS stale,
                count(*) FILTER (WHERE standing = 'unread') AS unread,
                count(*) FILTER (WHERE standing = 'never') AS never
         FROM (SELECT ",
    );
    push_standing(&mut query, stale_before);
    query.push(" FROM agents a").push(STANDING_FROM).push(" WHERE true");
    filter.push_agents(&mut query);
    query.push(") standings");
    Ok(query.build_query_as().fetch_one(connection).await?)
}
