//! `/api/agents/{id}/inventory` and `/api/agents/{id}/readings`.

use axum::extract::State;
use chrono::{DateTime, Utc};
use gururmm_protocol::instant::clamp_instant;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{ChangeFilter, ChangeKey, FleetChange, InventoryChange, Point, StoredSection, history, service};
use crate::app::App;
use crate::core::Result;
use crate::core::page::{Page, PageRequest};
use crate::http::extract::{Json, Path, Query, SignedIn};

/// Routes of inventory and readings.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(inventory))
        .routes(routes!(list_changes))
        .routes(routes!(list_fleet_changes))
        .routes(routes!(readings))
}

#[derive(Serialize, ToSchema)]
struct Inventory {
    sections: Vec<StoredSection>,
}

/// What the machine says it is.
#[utoipa::path(get, path = "/api/agents/{id}/inventory", tag = "agents", params(("id" = Uuid, Path,)),
    responses((status = 200, body = Inventory)))]
async fn inventory(State(app): State<App>, SignedIn(ctx): SignedIn, Path(id): Path<Uuid>) -> Result<Json<Inventory>> {
    Ok(Json(Inventory { sections: service::inventory(&app, &ctx, id).await? }))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ChangesQuery {
    /// Only of this section.
    section: Option<String>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What changed in the inventory, newest first, kept for a year. An agent's first report is no change.
#[utoipa::path(get, path = "/api/agents/{id}/inventory/changes", tag = "agents",
    params(("id" = Uuid, Path,), ChangesQuery), responses((status = 200, body = Page<InventoryChange>)))]
async fn list_changes(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Query(query): Query<ChangesQuery>,
) -> Result<Json<Page<InventoryChange>>> {
    let mut page: PageRequest<ChangeKey> = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    page.after.iter_mut().for_each(|after| clamp_instant(&mut after.at));
    Ok(Json(history::list(&app, &ctx, id, query.section.as_deref(), &page).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct FleetChangesQuery {
    organization_id: Option<Uuid>,
    /// Of agents that are at this site now.
    site_id: Option<Uuid>,
    /// Only of this section.
    section: Option<String>,
    /// Not of this section.
    except_section: Option<String>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What changed in the inventories of all agents in the caller's scope, newest first, kept for a year.
#[utoipa::path(get, path = "/api/changes", tag = "agents", params(FleetChangesQuery),
    responses((status = 200, body = Page<FleetChange>)))]
async fn list_fleet_changes(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<FleetChangesQuery>,
) -> Result<Json<Page<FleetChange>>> {
    let mut page: PageRequest<ChangeKey> = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    page.after.iter_mut().for_each(|after| clamp_instant(&mut after.at));
    let FleetChangesQuery { organization_id, site_id, section, except_section, .. } = query;
    let filter = ChangeFilter { organization_id, site_id, section, except_section };
    Ok(Json(history::list_of_fleet(&app, &ctx, &filter, &page).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Span {
    /// From then on; a day before `to` when absent.
    from: Option<DateTime<Utc>>,
    /// Until then, exclusively; now when absent. At most 31 days after `from`.
    to: Option<DateTime<Utc>>,
}

#[derive(Serialize, ToSchema)]
struct Readings {
    points: Vec<Point>,
}

/// What the machine measured, in points of five minutes, kept for 30 days.
#[utoipa::path(get, path = "/api/agents/{id}/readings", tag = "agents", params(("id" = Uuid, Path,), Span),
    responses((status = 200, body = Readings)))]
async fn readings(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Query(mut span): Query<Span>,
) -> Result<Json<Readings>> {
    [&mut span.from, &mut span.to].into_iter().flatten().for_each(clamp_instant);
    Ok(Json(Readings { points: service::points(&app, &ctx, id, span.from, span.to).await? }))
}
