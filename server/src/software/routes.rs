//! `/api/software...`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::service::{self, Asked, Titles};
use super::{
    InstalledSoftware, SoftwareCoverage, SoftwareStanding, SoftwareTitle, TitleSource, UnknownSoftware, VersionCount,
};
use crate::app::App;
use crate::core::Result;
use crate::core::page::{Page, PageRequest};
use crate::http::extract::{Json, Query, SignedIn};

/// Routes of installed software.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_titles))
        .routes(routes!(list_versions))
        .routes(routes!(list_installed))
        .routes(routes!(coverage))
        .routes(routes!(list_unknown))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TitleQuery {
    /// Part of the name, in any case.
    search: Option<String>,
    /// Part of the publisher, in any case.
    publisher: Option<String>,
    /// Who keeps track of it.
    #[param(inline)]
    source: Option<TitleSource>,
    /// Only versions below this one, in dpkg's order: `1.9` is below `1.10` (and `1.0^1`, which only RPM has, between `1.0` and
    /// `1.0.1`). Unknown versions are left out.
    version_below: Option<String>,
    /// Only this version and those above.
    version_at_least: Option<String>,
    organization_id: Option<Uuid>,
    site_id: Option<Uuid>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What is installed in the fleet, by name, with the number of agents and the versions. Decommissioned agents do not count.
/// How many agents' software is not known: `/api/software/coverage`.
#[utoipa::path(get, path = "/api/software", tag = "software", params(TitleQuery),
    responses((status = 200, body = Page<SoftwareTitle>)))]
async fn list_titles(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<TitleQuery>,
) -> Result<Json<Page<SoftwareTitle>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    let titles = Titles { search: query.search, publisher: query.publisher, source: query.source };
    let asked = Asked {
        organization_id: query.organization_id,
        site_id: query.site_id,
        version: None,
        below: query.version_below,
        at_least: query.version_at_least,
    };
    Ok(Json(service::titles(&app, &ctx, &titles, &asked, &page).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct VersionQuery {
    /// The whole name of the title, in any case.
    title: String,
    /// Who keeps track of it.
    #[param(inline)]
    source: TitleSource,
    organization_id: Option<Uuid>,
    site_id: Option<Uuid>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Versions of a title with the number of agents, newest first; null where agents cannot tell it.
#[utoipa::path(get, path = "/api/software/versions", tag = "software", params(VersionQuery),
    responses((status = 200, body = Page<VersionCount>)))]
async fn list_versions(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<VersionQuery>,
) -> Result<Json<Page<VersionCount>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    let asked = Asked { organization_id: query.organization_id, site_id: query.site_id, ..Asked::default() };
    Ok(Json(service::versions(&app, &ctx, (&query.title, query.source), &asked, &page).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct InstalledQuery {
    /// The whole name of the title, in any case.
    title: String,
    /// Who keeps track of it.
    #[param(inline)]
    source: TitleSource,
    /// Only this version, as it is written.
    version: Option<String>,
    /// Only versions below this one, in dpkg's order: `1.9` is below `1.10` (and `1.0^1`, which only RPM has, between `1.0` and
    /// `1.0.1`). Unknown versions are left out.
    version_below: Option<String>,
    /// Only this version and those above.
    version_at_least: Option<String>,
    organization_id: Option<Uuid>,
    site_id: Option<Uuid>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Agents that have a title installed, by version, oldest first. Decommissioned agents are left out.
#[utoipa::path(get, path = "/api/software/agents", tag = "software", params(InstalledQuery),
    responses((status = 200, body = Page<InstalledSoftware>)))]
async fn list_installed(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<InstalledQuery>,
) -> Result<Json<Page<InstalledSoftware>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    let asked = Asked {
        organization_id: query.organization_id,
        site_id: query.site_id,
        version: query.version,
        below: query.version_below,
        at_least: query.version_at_least,
    };
    Ok(Json(service::installed(&app, &ctx, (&query.title, query.source), &asked, &page).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CoverageQuery {
    organization_id: Option<Uuid>,
    site_id: Option<Uuid>,
}

/// How much is known of the software of agents. One that is not in a list of `/api/software/agents` may have the title all
/// the same if its software is not known.
#[utoipa::path(get, path = "/api/software/coverage", tag = "software", params(CoverageQuery),
    responses((status = 200, body = SoftwareCoverage)))]
async fn coverage(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<CoverageQuery>,
) -> Result<Json<SoftwareCoverage>> {
    Ok(Json(service::coverage(&app, &ctx, query.organization_id, query.site_id).await?))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UnknownQuery {
    /// Only these; not `known`.
    #[param(inline)]
    standing: Option<SoftwareStanding>,
    organization_id: Option<Uuid>,
    site_id: Option<Uuid>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Agents whose software is not known, or not all of it, by name, and why. Decommissioned agents are left out.
#[utoipa::path(get, path = "/api/software/unknown", tag = "software", params(UnknownQuery),
    responses((status = 200, body = Page<UnknownSoftware>)))]
async fn list_unknown(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<UnknownQuery>,
) -> Result<Json<Page<UnknownSoftware>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    let asked = Asked { organization_id: query.organization_id, site_id: query.site_id, ..Asked::default() };
    Ok(Json(service::unknown(&app, &ctx, &asked, query.standing, &page).await?))
}
