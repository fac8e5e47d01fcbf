//! The whole router. `routes!` adds to the router and to the API document in one call, so they cannot diverge.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::Next;
use axum::{Router, middleware as layer};
use tower_http::catch_panic::CatchPanicLayer;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;

use super::middleware;
use super::openapi::{ApiDocument, with_problems};
use crate::app::App;
use crate::core::Error;
use crate::{
    accounts, agents, audit, commands, enrollment_tokens, events, hub, inventory, operations, organizations, overview,
    runs, search, software, views,
};

/// Largest request body, bytes.
const MAX_BODY: usize = 1024 * 1024;
/// Longest a REST request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The documented routes: router and document in one.
fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(ApiDocument::openapi())
        .merge(operations::routes::router())
        .merge(accounts::routes::router())
        .merge(organizations::routes::router())
        .merge(enrollment_tokens::routes::router())
        .merge(agents::routes::router())
        .merge(agents::routes_enrollment::router())
        .merge(inventory::routes::router())
        .merge(software::routes::router())
        .merge(commands::routes::router())
        .merge(runs::routes::router())
        .merge(runs::routes_work::router())
        .merge(audit::routes::router())
        .merge(search::routes::router())
        .merge(overview::routes::router())
        .merge(views::routes::router())
}

/// The API document.
#[must_use]
pub fn api_document() -> utoipa::openapi::OpenApi {
    with_problems(documented().merge(events::routes::router()).into_openapi())
}

/// The router of the running server.
pub fn build(app: App) -> Router {
    let (api, _) = documented().split_for_parts();
    let (streams, _) = events::routes::router().split_for_parts();
    let document: Arc<str> = api_document().to_json().unwrap_or_default().into();
    let routes = api
        .layer(layer::from_fn(|request: Request, next: Next| middleware::within(REQUEST_TIMEOUT, next.run(request))))
        // Streams and sockets live as long as their connection.
        .merge(streams)
        .merge(hub::routes::router())
        .route(
            "/api/openapi.json",
            axum::routing::get(move || {
                let document = Arc::clone(&document);
                async move { ([("content-type", "application/json")], document.to_string()) }
            }),
        )
        .route("/api/{*rest}", axum::routing::any(unknown_route))
        .fallback(super::spa::serve);
    surround(routes, app)
}

/// What happens around every route: its size is bounded, its panic is an answer, its errors have a body.
pub fn surround(routes: Router<App>, app: App) -> Router {
    routes
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .layer(CatchPanicLayer::custom(middleware::panicked))
        .layer(layer::from_fn_with_state(app.clone(), middleware::security_headers))
        .layer(layer::from_fn_with_state(app.clone(), middleware::observe))
        .with_state(app)
}

async fn unknown_route() -> Error {
    Error::NotFound("route")
}
