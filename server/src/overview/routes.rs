//! `/api/overview...`, `/api/sites/{id}/spine`

use axum::extract::State;
use gururmm_protocol::instant::clamp_instant;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{OrganizationOverview, Overview, Spine, UrgencyKey, service};
use crate::app::App;
use crate::core::Result;
use crate::core::page::{Page, PageRequest};
use crate::http::extract::{Json, Path, Query, SignedIn};

/// Routes of overviews.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(overview)).routes(routes!(list_organization_overviews)).routes(routes!(spine))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OverviewQuery {
    organization_id: Option<Uuid>,
    site_id: Option<Uuid>,
}

/// The fleet at a glance.
#[utoipa::path(get, path = "/api/overview", tag = "overview", params(OverviewQuery),
    responses((status = 200, body = Overview)))]
async fn overview(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<OverviewQuery>,
) -> Result<Json<Overview>> {
    Ok(Json(service::overview(&app, &ctx, query.organization_id, query.site_id).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UrgencyQuery {
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Organizations at a glance, the most urgent first: by the most urgent reason of their agents, by how many have it, and by
/// name. Later pages are judged as of the first one.
#[utoipa::path(get, path = "/api/overview/organizations", tag = "overview", params(UrgencyQuery),
    responses((status = 200, body = Page<OrganizationOverview>)))]
async fn list_organization_overviews(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<UrgencyQuery>,
) -> Result<Json<Page<OrganizationOverview>>> {
    let mut page = PageRequest::<UrgencyKey>::parse(query.limit, query.cursor.as_deref())?;
    page.after.iter_mut().for_each(|after| clamp_instant(&mut after.as_of));
    Ok(Json(service::organizations(&app, &ctx, &page).await?))
}

/// A site at a glance: its servers by name, everything else by number.
#[utoipa::path(get, path = "/api/sites/{id}/spine", tag = "overview", params(("id" = Uuid, Path)),
    responses((status = 200, body = Spine)))]
async fn spine(State(app): State<App>, SignedIn(ctx): SignedIn, Path(id): Path<Uuid>) -> Result<Json<Spine>> {
    Ok(Json(service::spine(&app, &ctx, id).await?))
}
