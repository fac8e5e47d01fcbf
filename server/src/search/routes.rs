//! `/api/search`

use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{SearchResult, service};
use crate::app::App;
use crate::core::Result;
use crate::http::extract::{Json, Query, SignedIn};

/// Routes of the search.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(find))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SearchQuery {
    /// What it is called, or a part of it: 1 to 100 characters, in any case.
    q: String,
}

/// What is called so within the caller's scope: at most 8 of each kind, the best match first.
#[utoipa::path(get, path = "/api/search", tag = "search", params(SearchQuery),
    responses((status = 200, body = SearchResult)))]
async fn find(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<SearchQuery>,
) -> Result<Json<SearchResult>> {
    Ok(Json(service::find(&app, &ctx, &query.q).await?))
}
