//! SQL of saved views.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{NewView, Sharing, ViewKey, ViewPage};
use crate::authz::{Audience, Scope};
use crate::core::Result;
use crate::core::page::PageRequest;

/// A view as it is stored.
pub struct Row {
    pub id: Uuid,
    pub user_id: Uuid,
    pub owner_name: String,
    pub page: ViewPage,
    pub name: String,
    pub sort_name: String,
    pub query: Json<BTreeMap<String, String>>,
    pub columns: Vec<String>,
    pub shared: Sharing,
    pub organization_id: Option<Uuid>,
}

impl Row {
    pub fn audience(&self) -> Audience {
        match (self.shared, self.organization_id) {
            (Sharing::Everyone, _) => Audience::Everyone,
            (Sharing::Organization, Some(id)) => Audience::Organization(id),
            (Sharing::Organization | Sharing::Nobody, _) => Audience::Nobody,
        }
    }
}

/// How an audience is stored.
const fn columns_of(audience: Audience) -> (Sharing, Option<Uuid>) {
    match audience {
        Audience::Nobody => (Sharing::Nobody, None),
        Audience::Organization(id) => (Sharing::Organization, Some(id)),
        Audience::Everyone => (Sharing::Everyone, None),
    }
}

/// Views of a page that are this user's or shared with them, by name.
pub async fn list(
    connection: &mut PgConnection,
    user: Uuid,
    scope: &Scope,
    page: ViewPage,
    request: &PageRequest<ViewKey>,
) -> Result<Vec<Row>> {
    let after = request.after.as_ref();
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT v.id, v.user_id, u.name AS owner_name, v.page AS "page: ViewPage", v.name, lower(v.name) AS "sort_name!",
                  v.query AS "query: Json<BTreeMap<String, String>>", v.columns, v.shared AS "shared: Sharing", v.organization_id
           FROM saved_views v JOIN users u ON u.id = v.user_id
           WHERE v.page = $3
             AND (v.user_id = $1 OR v.shared = 'everyone'
                  OR (v.shared = 'organization' AND ($2::uuid[] IS NULL OR v.organization_id = ANY($2))))
             AND ($4::text IS NULL OR (lower(v.name), v.id) > ($4, $5))
           ORDER BY lower(v.name), v.id LIMIT $6"#,
        user,
        scope.organizations(),
        page as _,
        after.map(|key| key.name.as_str()),
        after.map(|key| key.id),
        request.fetch()
    )
    .fetch_all(connection)
    .await?)
}

/// A view that is this user's or shared with them, locked until the transaction ends.
pub async fn lock(connection: &mut PgConnection, user: Uuid, scope: &Scope, id: Uuid) -> Result<Option<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT v.id, v.user_id, u.name AS owner_name, v.page AS "page: ViewPage", v.name, lower(v.name) AS "sort_name!",
                  v.query AS "query: Json<BTreeMap<String, String>>", v.columns, v.shared AS "shared: Sharing", v.organization_id
           FROM saved_views v JOIN users u ON u.id = v.user_id
           WHERE v.id = $3
             AND (v.user_id = $1 OR v.shared = 'everyone'
                  OR (v.shared = 'organization' AND ($2::uuid[] IS NULL OR v.organization_id = ANY($2))))
           FOR UPDATE OF v"#,
        user,
        scope.organizations(),
        id
    )
    .fetch_optional(connection)
    .await?)
}

/// A view that the caller was found to have a right to.
pub async fn row(connection: &mut PgConnection, id: Uuid) -> Result<Option<Row>> {
    Ok(sqlx::query_as!(
        Row,
        r#"SELECT v.id, v.user_id, u.name AS owner_name, v.page AS "page: ViewPage", v.name, lower(v.name) AS "sort_name!",
                  v.query AS "query: Json<BTreeMap<String, String>>", v.columns, v.shared AS "shared: Sharing", v.organization_id
           FROM saved_views v JOIN users u ON u.id = v.user_id WHERE v.id = $1"#,
        id
    )
    .fetch_optional(connection)
    .await?)
}

/// Holds up other new views of this user until the transaction ends.
pub async fn lock_owner(connection: &mut PgConnection, user: Uuid) -> Result<()> {
    sqlx::query!("SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", user).fetch_optional(connection).await?;
    Ok(())
}

/// Views that a user owns.
pub async fn count(connection: &mut PgConnection, user: Uuid) -> Result<i64> {
    Ok(sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM saved_views WHERE user_id = $1"#, user)
        .fetch_one(connection)
        .await?)
}

pub async fn insert(
    connection: &mut PgConnection,
    id: Uuid,
    user: Uuid,
    view: &NewView,
    now: DateTime<Utc>,
) -> Result<()> {
    let (shared, organization_id) = columns_of(view.audience);
    sqlx::query!(
        "INSERT INTO saved_views (id, user_id, page, name, query, columns, shared, organization_id, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        id,
        user,
        view.page as _,
        view.name,
        Json(&view.query) as _,
        &view.columns,
        shared as _,
        organization_id,
        now
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn update(connection: &mut PgConnection, id: Uuid, view: &NewView) -> Result<()> {
    let (shared, organization_id) = columns_of(view.audience);
    sqlx::query!(
        "UPDATE saved_views SET name = $2, query = $3, columns = $4, shared = $5, organization_id = $6 WHERE id = $1",
        id,
        view.name,
        Json(&view.query) as _,
        &view.columns,
        shared as _,
        organization_id
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn delete(connection: &mut PgConnection, id: Uuid) -> Result<()> {
    sqlx::query!("DELETE FROM saved_views WHERE id = $1", id).execute(connection).await?;
    Ok(())
}
