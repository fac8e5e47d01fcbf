//! `/api/views...`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::service::{self, Change};
use super::{NewView, Sharing, View, ViewListing, ViewPage, audience};
use crate::app::App;
use crate::core::page::PageRequest;
use crate::core::{Error, Result};
use crate::http::extract::{Json, Path, Query, SignedIn};

/// Routes of saved views.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_views, create_view)).routes(routes!(update_view, delete_view))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ViewQuery {
    /// The page whose views are asked for.
    #[param(inline)]
    page: ViewPage,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateView {
    page: ViewPage,
    /// 1 to 100 characters.
    name: String,
    /// At most 30 parameters; names up to 40 characters, values up to 500.
    query: BTreeMap<String, String>,
    /// At most 50 names; empty: the page's own choice.
    #[serde(default)]
    columns: Vec<String>,
    shared: Sharing,
    /// The organization to share with.
    organization_id: Option<Uuid>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateView {
    /// 1 to 100 characters.
    name: Option<String>,
    /// As when it is made.
    query: Option<BTreeMap<String, String>>,
    /// As when it is made.
    columns: Option<Vec<String>>,
    shared: Option<Sharing>,
    /// The organization to share with; only together with `shared`.
    organization_id: Option<Uuid>,
}

/// The caller's views of a page and those shared with them, by name.
#[utoipa::path(get, path = "/api/views", tag = "views", params(ViewQuery),
    responses((status = 200, body = ViewListing)))]
async fn list_views(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<ViewQuery>,
) -> Result<Json<ViewListing>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    Ok(Json(service::list(&app, &ctx, query.page, &page).await?))
}

/// Saves a view; 409 when the caller has one of this name on the page, or 100 views.
#[utoipa::path(post, path = "/api/views", tag = "views", request_body = CreateView,
    responses((status = 201, body = View)))]
async fn create_view(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Json(body): Json<CreateView>,
) -> Result<(StatusCode, Json<View>)> {
    let view = NewView {
        page: body.page,
        name: body.name,
        query: body.query,
        columns: body.columns,
        audience: audience(body.shared, body.organization_id)?,
    };
    Ok((StatusCode::CREATED, Json(service::create(&app, &ctx, &view).await?)))
}

/// Changes a view: its owner, or an admin where it is shared. What is not given stays.
#[utoipa::path(patch, path = "/api/views/{id}", tag = "views", params(("id" = Uuid, Path)),
    request_body = UpdateView, responses((status = 200, body = View)))]
async fn update_view(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Json(body): Json<UpdateView>,
) -> Result<Json<View>> {
    let audience = match (body.shared, body.organization_id) {
        (Some(shared), organization) => Some(audience(shared, organization)?),
        (None, None) => None,
        (None, Some(_)) => return Err(Error::invalid("organization_id", "goes only with `shared`")),
    };
    let change = Change { name: body.name, query: body.query, columns: body.columns, audience };
    Ok(Json(service::update(&app, &ctx, id, &change).await?))
}

/// Deletes a view: its owner, or an admin where it is shared.
#[utoipa::path(delete, path = "/api/views/{id}", tag = "views", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn delete_view(State(app): State<App>, SignedIn(ctx): SignedIn, Path(id): Path<Uuid>) -> Result<StatusCode> {
    service::delete(&app, &ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
