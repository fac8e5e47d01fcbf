//! SQL of the search. A column that matches a better pattern matches the looser ones too, so the loosest one finds the rows and
//! the others rank them.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::{FoundAgent, FoundOrganization, FoundSite, FoundUser, MOST_OF_A_KIND};
use crate::agents::view::{AgentState, PresenceState};
use crate::authz::Scope;
use crate::core::Result;
use crate::core::search::Patterns;

pub async fn agents(
    connection: &mut PgConnection,
    scope: &Scope,
    patterns: &Patterns,
    now: DateTime<Utc>,
) -> Result<Vec<FoundAgent>> {
    Ok(sqlx::query_as!(
        FoundAgent,
        r#"WITH found AS (
               SELECT id, name, hostname, address, organization_id, site_id, state, sort_name,
                      CASE WHEN name ILIKE $2 OR hostname ILIKE $2 OR address ILIKE $2 THEN 0
                           WHEN name ILIKE $3 OR hostname ILIKE $3 OR address ILIKE $3 THEN 1 ELSE 2 END AS rank
               FROM agents
               WHERE state <> 'decommissioned' AND ($1::uuid[] IS NULL OR organization_id = ANY($1))
                 AND (name ILIKE $4 OR hostname ILIKE $4 OR address ILIKE $4)
               ORDER BY rank, sort_name, id LIMIT $5)
           SELECT a.id, a.name, a.hostname, a.address, a.organization_id, o.name AS organization_name, a.site_id,
                  s.name AS site_name, a.state AS "state: AgentState", coalesce(p.state, 'never') AS "presence!: PresenceState"
           FROM found a JOIN organizations o ON o.id = a.organization_id JOIN sites s ON s.id = a.site_id
           LEFT JOIN agent_presence_effective($6) p ON p.agent_id = a.id
           ORDER BY a.rank, a.sort_name, a.id"#,
        scope.organizations(),
        patterns.exact,
        patterns.prefix,
        patterns.contains,
        MOST_OF_A_KIND,
        now
    )
    .fetch_all(connection)
    .await?)
}

pub async fn organizations(
    connection: &mut PgConnection,
    scope: &Scope,
    patterns: &Patterns,
) -> Result<Vec<FoundOrganization>> {
    Ok(sqlx::query_as!(
        FoundOrganization,
        "SELECT id, name FROM organizations
         WHERE deleted_at IS NULL AND ($1::uuid[] IS NULL OR id = ANY($1)) AND name ILIKE $4
         ORDER BY CASE WHEN name ILIKE $2 THEN 0 WHEN name ILIKE $3 THEN 1 ELSE 2 END, lower(name), id LIMIT $5",
        scope.organizations(),
        patterns.exact,
        patterns.prefix,
        patterns.contains,
        MOST_OF_A_KIND
    )
    .fetch_all(connection)
    .await?)
}

pub async fn sites(connection: &mut PgConnection, scope: &Scope, patterns: &Patterns) -> Result<Vec<FoundSite>> {
    Ok(sqlx::query_as!(
        FoundSite,
        "SELECT s.id, s.name, s.organization_id, o.name AS organization_name
         FROM sites s JOIN organizations o ON o.id = s.organization_id
         WHERE s.deleted_at IS NULL AND ($1::uuid[] IS NULL OR s.organization_id = ANY($1)) AND s.name ILIKE $4
         ORDER BY CASE WHEN s.name ILIKE $2 THEN 0 WHEN s.name ILIKE $3 THEN 1 ELSE 2 END, lower(s.name), lower(o.name),
                  s.id LIMIT $5",
        scope.organizations(),
        patterns.exact,
        patterns.prefix,
        patterns.contains,
        MOST_OF_A_KIND
    )
    .fetch_all(connection)
    .await?)
}

/// Users of the whole installation: only for those who may see them.
pub async fn users(connection: &mut PgConnection, patterns: &Patterns) -> Result<Vec<FoundUser>> {
    Ok(sqlx::query_as!(
        FoundUser,
        "SELECT id, name, email FROM users WHERE name ILIKE $3 OR email ILIKE $3
         ORDER BY CASE WHEN name ILIKE $1 OR email ILIKE $1 THEN 0 WHEN name ILIKE $2 OR email ILIKE $2 THEN 1 ELSE 2 END,
                  lower(name), email LIMIT $4",
        patterns.exact,
        patterns.prefix,
        patterns.contains,
        MOST_OF_A_KIND
    )
    .fetch_all(connection)
    .await?)
}
