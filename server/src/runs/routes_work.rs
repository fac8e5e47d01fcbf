//! `/api/work`

use axum::extract::State;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::work::{self, Work};
use crate::app::App;
use crate::core::Result;
use crate::http::extract::{Json, SignedIn};

/// The route of what the caller has under way.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(get_work))
}

/// What the caller ordered and is open, and what of it ended within a day: runs, and commands that are no part of one. At most
/// 50, newest first.
#[utoipa::path(get, path = "/api/work", tag = "runs", responses((status = 200, body = Work)))]
async fn get_work(State(app): State<App>, SignedIn(ctx): SignedIn) -> Result<Json<Work>> {
    Ok(Json(work::work(&app, &ctx).await?))
}
