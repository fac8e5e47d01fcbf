//! SQL of organizations and sites.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{OrganizationKey, SiteKey};
use crate::authz::Scope;
use crate::core::Result;
use crate::core::page::PageRequest;

/// An organization as it is stored and counted.
pub struct OrganizationRow {
    pub id: Uuid,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub site_count: i64,
    pub agent_count: i64,
}

/// A site as it is stored and counted.
pub struct SiteRow {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub organization_name: String,
    pub name: String,
    pub created_at: DateTime<Utc>,
    pub agent_count: i64,
}

/// A row with the text it is sorted by: Postgres lowers names in its own way, so the cursor must carry its answer.
pub struct Sorted<T> {
    pub row: T,
    pub sort_name: String,
    pub sort_organization: String,
}

pub async fn list_organizations(
    connection: &mut PgConnection,
    scope: &Scope,
    pattern: Option<&str>,
    page: &PageRequest<OrganizationKey>,
) -> Result<Vec<Sorted<OrganizationRow>>> {
    let after = page.after.as_ref();
    let rows = sqlx::query!(
        r#"WITH page AS (
               SELECT id, name, created_at, lower(name) AS sort_name FROM organizations
               WHERE deleted_at IS NULL AND ($1::uuid[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR name ILIKE $2)
                 AND ($3::text IS NULL OR (lower(name), id) > ($3, $4))
               ORDER BY lower(name), id LIMIT $5)
           SELECT page.id, page.name, page.created_at, page.sort_name AS "sort_name!",
                  coalesce(s.count, 0) AS "site_count!", coalesce(a.count, 0) AS "agent_count!"
           FROM page
           LEFT JOIN (SELECT organization_id, count(*) FROM sites
                      WHERE deleted_at IS NULL AND organization_id IN (SELECT id FROM page) GROUP BY 1) s
             ON s.organization_id = page.id
           LEFT JOIN (SELECT organization_id, count(*) FROM agents
                      WHERE state <> 'decommissioned' AND organization_id IN (SELECT id FROM page) GROUP BY 1) a
             ON a.organization_id = page.id
           ORDER BY page.sort_name, page.id"#,
        scope.organizations(),
        pattern,
        after.map(|key| key.name.as_str()),
        after.map(|key| key.id),
        page.fetch()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Sorted {
            row: OrganizationRow {
                id: row.id,
                name: row.name,
                created_at: row.created_at,
                site_count: row.site_count,
                agent_count: row.agent_count,
            },
            sort_name: row.sort_name,
            sort_organization: String::new(),
        })
        .collect())
}

/// An organization that the scope covers.
pub async fn organization(connection: &mut PgConnection, scope: &Scope, id: Uuid) -> Result<Option<OrganizationRow>> {
    Ok(sqlx::query_as!(
        OrganizationRow,
        r#"SELECT id, name, created_at,
                  (SELECT count(*) FROM sites WHERE organization_id = o.id AND deleted_at IS NULL) AS "site_count!",
                  (SELECT count(*) FROM agents WHERE organization_id = o.id AND state <> 'decommissioned') AS "agent_count!"
           FROM organizations o WHERE id = $2 AND deleted_at IS NULL AND ($1::uuid[] IS NULL OR id = ANY($1))"#,
        scope.organizations(),
        id
    )
    .fetch_optional(connection)
    .await?)
}

pub async fn organization_by_name(connection: &mut PgConnection, name: &str) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!("SELECT id FROM organizations WHERE lower(name) = lower($1) AND deleted_at IS NULL", name)
        .fetch_optional(connection)
        .await?)
}

pub async fn insert_organization(
    connection: &mut PgConnection,
    id: Uuid,
    name: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)", id, name, now)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn rename_organization(connection: &mut PgConnection, id: Uuid, name: &str) -> Result<()> {
    sqlx::query!("UPDATE organizations SET name = $2 WHERE id = $1", id, name).execute(connection).await?;
    Ok(())
}

/// Whether the organization is there, held so until the transaction ends: nobody deletes it meanwhile.
pub async fn hold_organization(connection: &mut PgConnection, id: Uuid) -> Result<bool> {
    Ok(sqlx::query_scalar!("SELECT id FROM organizations WHERE id = $1 AND deleted_at IS NULL FOR SHARE", id)
        .fetch_optional(connection)
        .await?
        .is_some())
}

/// Locks an organization for deleting it or one of its sites: whatever makes sites or tokens in it waits.
pub async fn lock_organization(connection: &mut PgConnection, id: Uuid) -> Result<bool> {
    Ok(sqlx::query_scalar!("SELECT id FROM organizations WHERE id = $1 AND deleted_at IS NULL FOR UPDATE", id)
        .fetch_optional(connection)
        .await?
        .is_some())
}

/// Locks the sites of an organization, or one of them: no agent joins them until the transaction ends.
pub async fn lock_sites(connection: &mut PgConnection, organization: Uuid, site: Option<Uuid>) -> Result<()> {
    sqlx::query!(
        "SELECT id FROM sites WHERE organization_id = $1 AND ($2::uuid IS NULL OR id = $2) ORDER BY id FOR UPDATE",
        organization,
        site
    )
    .fetch_all(connection)
    .await?;
    Ok(())
}

/// Revokes the open enrollment tokens of an organization, or of one site of it; answers how many.
///
/// This comes after [`lock_sites`]: an enrollment, too, locks its site first (by the foreign key) and its token last.
pub async fn revoke_tokens(
    connection: &mut PgConnection,
    organization: Uuid,
    site: Option<Uuid>,
    now: DateTime<Utc>,
) -> Result<u64> {
    Ok(sqlx::query!(
        "UPDATE enrollment_tokens SET revoked_at = $3
         WHERE organization_id = $1 AND ($2::uuid IS NULL OR site_id = $2) AND revoked_at IS NULL",
        organization,
        site,
        now
    )
    .execute(connection)
    .await?
    .rows_affected())
}

/// Agents of an organization, or of one site of it, that are not decommissioned.
pub async fn count_agents(connection: &mut PgConnection, organization: Uuid, site: Option<Uuid>) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM agents
           WHERE organization_id = $1 AND ($2::uuid IS NULL OR site_id = $2) AND state <> 'decommissioned'"#,
        organization,
        site
    )
    .fetch_one(connection)
    .await?)
}

/// Hides the organization and its sites, and ends its memberships and the sharing of views with it.
pub async fn delete_organization(connection: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("DELETE FROM user_memberships WHERE organization_id = $1", id).execute(&mut *connection).await?;
    sqlx::query!("UPDATE sites SET deleted_at = $2 WHERE organization_id = $1 AND deleted_at IS NULL", id, now)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("UPDATE saved_views SET shared = 'nobody', organization_id = NULL WHERE organization_id = $1", id)
        .execute(&mut *connection)
        .await?;
    sqlx::query!("UPDATE organizations SET deleted_at = $2 WHERE id = $1", id, now).execute(connection).await?;
    Ok(())
}

/// Sites that the scope covers, of one organization or of all.
pub async fn list_sites(
    connection: &mut PgConnection,
    scope: &Scope,
    organization: Option<Uuid>,
    pattern: Option<&str>,
    page: &PageRequest<SiteKey>,
) -> Result<Vec<Sorted<SiteRow>>> {
    let after = page.after.as_ref();
    let rows = sqlx::query!(
        r#"WITH page AS (
               SELECT s.id, s.organization_id, o.name AS organization_name, s.name, s.created_at,
                      lower(o.name) AS sort_organization, lower(s.name) AS sort_name
               FROM sites s JOIN organizations o ON o.id = s.organization_id
               WHERE s.deleted_at IS NULL AND ($1::uuid[] IS NULL OR s.organization_id = ANY($1))
                 AND ($2::uuid IS NULL OR s.organization_id = $2) AND ($3::text IS NULL OR s.name ILIKE $3)
                 AND ($4::text IS NULL OR (lower(o.name), lower(s.name), s.id) > ($4, $5, $6))
               ORDER BY lower(o.name), lower(s.name), s.id LIMIT $7)
           SELECT page.id, page.organization_id, page.organization_name, page.name, page.created_at,
                  page.sort_organization AS "sort_organization!", page.sort_name AS "sort_name!",
                  coalesce(a.count, 0) AS "agent_count!"
           FROM page
           LEFT JOIN (SELECT site_id, count(*) FROM agents
                      WHERE state <> 'decommissioned' AND site_id IN (SELECT id FROM page) GROUP BY 1) a
             ON a.site_id = page.id
           ORDER BY page.sort_organization, page.sort_name, page.id"#,
        scope.organizations(),
        organization,
        pattern,
        after.map(|key| key.organization.as_str()),
        after.map(|key| key.name.as_str()),
        after.map(|key| key.id),
        page.fetch()
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Sorted {
            row: SiteRow {
                id: row.id,
                organization_id: row.organization_id,
                organization_name: row.organization_name,
                name: row.name,
                created_at: row.created_at,
                agent_count: row.agent_count,
            },
            sort_name: row.sort_name,
            sort_organization: row.sort_organization,
        })
        .collect())
}

/// A site that the scope covers.
pub async fn site(connection: &mut PgConnection, scope: &Scope, id: Uuid) -> Result<Option<SiteRow>> {
    Ok(sqlx::query_as!(
        SiteRow,
        r#"SELECT s.id, s.organization_id, o.name AS organization_name, s.name, s.created_at,
                  (SELECT count(*) FROM agents WHERE site_id = s.id AND state <> 'decommissioned') AS "agent_count!"
           FROM sites s JOIN organizations o ON o.id = s.organization_id
           WHERE s.id = $2 AND s.deleted_at IS NULL AND ($1::uuid[] IS NULL OR s.organization_id = ANY($1))"#,
        scope.organizations(),
        id
    )
    .fetch_optional(connection)
    .await?)
}

pub async fn site_by_name(connection: &mut PgConnection, organization: Uuid, name: &str) -> Result<Option<Uuid>> {
    Ok(sqlx::query_scalar!(
        "SELECT id FROM sites WHERE organization_id = $1 AND lower(name) = lower($2) AND deleted_at IS NULL",
        organization,
        name
    )
    .fetch_optional(connection)
    .await?)
}

/// Whether the site is there, held so until the transaction ends: nobody deletes it meanwhile.
pub async fn hold_site(connection: &mut PgConnection, id: Uuid) -> Result<bool> {
    Ok(sqlx::query_scalar!("SELECT id FROM sites WHERE id = $1 AND deleted_at IS NULL FOR SHARE", id)
        .fetch_optional(connection)
        .await?
        .is_some())
}

pub async fn insert_site(
    connection: &mut PgConnection,
    id: Uuid,
    organization: Uuid,
    name: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO sites (id, organization_id, name, created_at) VALUES ($1, $2, $3, $4)",
        id,
        organization,
        name,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn rename_site(connection: &mut PgConnection, id: Uuid, name: &str) -> Result<()> {
    sqlx::query!("UPDATE sites SET name = $2 WHERE id = $1", id, name).execute(connection).await?;
    Ok(())
}

/// Hides the site.
pub async fn delete_site(connection: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE sites SET deleted_at = $2 WHERE id = $1", id, now).execute(connection).await?;
    Ok(())
}
