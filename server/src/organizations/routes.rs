//! `/api/organizations...`, `/api/sites...`

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{Organization, Site, service};
use crate::app::App;
use crate::authz::Listing;
use crate::core::Result;
use crate::core::page::PageRequest;
use crate::http::extract::{Json, Path, Query, SignedIn};

/// Routes of organizations and sites.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_organizations, create_organization))
        .routes(routes!(get_organization, update_organization, delete_organization))
        .routes(routes!(list_sites_of_organization, create_site))
        .routes(routes!(list_sites))
        .routes(routes!(get_site, update_site, delete_site))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NameQuery {
    /// Part of the name.
    q: Option<String>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SiteQuery {
    /// Part of the name.
    q: Option<String>,
    organization_id: Option<Uuid>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// An organization's or a site's name.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NameRequest {
    /// 1 to 100 characters.
    name: String,
}

/// Organizations, by name.
#[utoipa::path(get, path = "/api/organizations", tag = "organizations", params(NameQuery),
    responses((status = 200, body = Listing<Organization>)))]
async fn list_organizations(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<NameQuery>,
) -> Result<Json<Listing<Organization>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    Ok(Json(service::list_organizations(&app, &ctx, query.q.as_deref(), &page).await?))
}

/// Makes an organization; 409 when the name is taken.
#[utoipa::path(post, path = "/api/organizations", tag = "organizations", request_body = NameRequest,
    responses((status = 201, body = Organization)))]
async fn create_organization(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Json(body): Json<NameRequest>,
) -> Result<(StatusCode, Json<Organization>)> {
    Ok((StatusCode::CREATED, Json(service::create_organization(&app, &ctx, &body.name).await?)))
}

/// One organization.
#[utoipa::path(get, path = "/api/organizations/{id}", tag = "organizations", params(("id" = Uuid, Path)),
    responses((status = 200, body = Organization)))]
async fn get_organization(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<Organization>> {
    Ok(Json(service::organization(&app, &ctx, id).await?))
}

/// Renames an organization.
#[utoipa::path(patch, path = "/api/organizations/{id}", tag = "organizations", params(("id" = Uuid, Path)),
    request_body = NameRequest, responses((status = 200, body = Organization)))]
async fn update_organization(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Json(body): Json<NameRequest>,
) -> Result<Json<Organization>> {
    Ok(Json(service::rename_organization(&app, &ctx, id, &body.name).await?))
}

/// Deletes an organization with its sites and enrollment tokens; 409 while it has agents that are not decommissioned.
/// The history of decommissioned agents stays.
#[utoipa::path(delete, path = "/api/organizations/{id}", tag = "organizations", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn delete_organization(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    service::delete_organization(&app, &ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sites of one organization, by name.
#[utoipa::path(get, path = "/api/organizations/{id}/sites", tag = "organizations", params(("id" = Uuid, Path), NameQuery),
    responses((status = 200, body = Listing<Site>)))]
async fn list_sites_of_organization(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Query(query): Query<NameQuery>,
) -> Result<Json<Listing<Site>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    service::organization(&app, &ctx, id).await?;
    Ok(Json(service::list_sites(&app, &ctx, Some(id), query.q.as_deref(), &page).await?))
}

/// Makes a site; 409 when the name is taken in the organization.
#[utoipa::path(post, path = "/api/organizations/{id}/sites", tag = "organizations", params(("id" = Uuid, Path)),
    request_body = NameRequest, responses((status = 201, body = Site)))]
async fn create_site(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Json(body): Json<NameRequest>,
) -> Result<(StatusCode, Json<Site>)> {
    Ok((StatusCode::CREATED, Json(service::create_site(&app, &ctx, id, &body.name).await?)))
}

/// Sites of every organization in scope, by organization and name.
#[utoipa::path(get, path = "/api/sites", tag = "organizations", params(SiteQuery),
    responses((status = 200, body = Listing<Site>)))]
async fn list_sites(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<SiteQuery>,
) -> Result<Json<Listing<Site>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    Ok(Json(service::list_sites(&app, &ctx, query.organization_id, query.q.as_deref(), &page).await?))
}

/// One site.
#[utoipa::path(get, path = "/api/sites/{id}", tag = "organizations", params(("id" = Uuid, Path)),
    responses((status = 200, body = Site)))]
async fn get_site(State(app): State<App>, SignedIn(ctx): SignedIn, Path(id): Path<Uuid>) -> Result<Json<Site>> {
    Ok(Json(service::site(&app, &ctx, id).await?))
}

/// Renames a site.
#[utoipa::path(patch, path = "/api/sites/{id}", tag = "organizations", params(("id" = Uuid, Path)),
    request_body = NameRequest, responses((status = 200, body = Site)))]
async fn update_site(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Json(body): Json<NameRequest>,
) -> Result<Json<Site>> {
    Ok(Json(service::rename_site(&app, &ctx, id, &body.name).await?))
}

/// Deletes a site and its enrollment tokens; 409 while it has agents that are not decommissioned.
#[utoipa::path(delete, path = "/api/sites/{id}", tag = "organizations", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn delete_site(State(app): State<App>, SignedIn(ctx): SignedIn, Path(id): Path<Uuid>) -> Result<StatusCode> {
    service::delete_site(&app, &ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
