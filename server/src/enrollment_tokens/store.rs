//! SQL of enrollment tokens.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::TokenRecord;
use crate::authz::Scope;
use crate::core::Result;
use crate::core::page::PageRequest;

/// A token to be stored.
pub struct NewRow<'a> {
    pub id: Uuid,
    pub organization_id: Uuid,
    pub site_id: Uuid,
    pub token_hash: &'a [u8],
    pub label: Option<&'a str>,
    pub created_by: Option<Uuid>,
    pub created_by_label: &'a str,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub max_uses: Option<i32>,
}

pub async fn insert(connection: &mut PgConnection, row: &NewRow<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO enrollment_tokens (id, organization_id, site_id, token_hash, label, created_by, created_by_label,
                                        created_at, expires_at, max_uses)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        row.id,
        row.organization_id,
        row.site_id,
        row.token_hash,
        row.label,
        row.created_by,
        row.created_by_label,
        row.created_at,
        row.expires_at,
        row.max_uses
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Tokens that the scope covers, newest first.
pub async fn list(
    connection: &mut PgConnection,
    scope: &Scope,
    organization: Option<Uuid>,
    site: Option<Uuid>,
    page: &PageRequest<Uuid>,
) -> Result<Vec<TokenRecord>> {
    Ok(sqlx::query_as!(
        TokenRecord,
        "SELECT t.id, t.site_id, s.name AS site_name, t.organization_id, o.name AS organization_name, t.label,
                t.created_by_label AS created_by, t.created_at, t.expires_at, t.max_uses, t.uses, t.revoked_at
         FROM enrollment_tokens t JOIN sites s ON s.id = t.site_id JOIN organizations o ON o.id = t.organization_id
         WHERE o.deleted_at IS NULL AND ($1::uuid[] IS NULL OR t.organization_id = ANY($1))
           AND ($2::uuid IS NULL OR t.organization_id = $2) AND ($3::uuid IS NULL OR t.site_id = $3)
           AND ($4::uuid IS NULL OR t.id < $4)
         ORDER BY t.id DESC LIMIT $5",
        scope.organizations(),
        organization,
        site,
        page.after,
        page.fetch()
    )
    .fetch_all(connection)
    .await?)
}

/// A token that the scope covers.
pub async fn find(connection: &mut PgConnection, scope: &Scope, id: Uuid) -> Result<Option<TokenRecord>> {
    Ok(sqlx::query_as!(
        TokenRecord,
        "SELECT t.id, t.site_id, s.name AS site_name, t.organization_id, o.name AS organization_name, t.label,
                t.created_by_label AS created_by, t.created_at, t.expires_at, t.max_uses, t.uses, t.revoked_at
         FROM enrollment_tokens t JOIN sites s ON s.id = t.site_id JOIN organizations o ON o.id = t.organization_id
         WHERE t.id = $2 AND ($1::uuid[] IS NULL OR t.organization_id = ANY($1))",
        scope.organizations(),
        id
    )
    .fetch_optional(connection)
    .await?)
}

/// Revokes it; the first instant stays.
pub async fn revoke(connection: &mut PgConnection, id: Uuid, now: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE enrollment_tokens SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1", id, now)
        .execute(connection)
        .await?;
    Ok(())
}
