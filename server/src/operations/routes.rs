//! `/health`, `/health/ready`, `/metrics`.

use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use subtle::ConstantTimeEq as _;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::metrics;
use crate::app::App;
use crate::core::{Error, Result};
use crate::db;
use crate::http::extract::Json;

/// Routes of operations.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(live)).routes(routes!(ready)).routes(routes!(prometheus))
}

#[derive(Serialize, ToSchema)]
struct Liveness {
    status: &'static str,
    version: &'static str,
}

/// The process answers.
#[utoipa::path(get, path = "/health", tag = "operations", security(()), responses((status = 200, body = Liveness)))]
async fn live() -> Json<Liveness> {
    Json(Liveness { status: "ok", version: env!("CARGO_PKG_VERSION") })
}

/// Whether the server can work, and what it lacks.
#[derive(Serialize, ToSchema)]
struct Readiness {
    /// `ready` or `not_ready`.
    status: &'static str,
    checks: Vec<Check>,
}

#[derive(Serialize, ToSchema)]
struct Check {
    name: &'static str,
    ok: bool,
    /// In words, when it is not well.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'static str>,
}

impl Check {
    fn new(name: &'static str, problem: Option<&'static str>) -> Self {
        Self { name, ok: problem.is_none(), problem }
    }
}

/// Database, migrations, and whether the server is about to stop.
#[utoipa::path(get, path = "/health/ready", tag = "operations", security(()),
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
async fn ready(State(app): State<App>) -> Response {
    // A health check must answer sooner than its caller gives up.
    let pending = tokio::time::timeout(Duration::from_secs(2), db::pending_migrations(&app.db)).await;
    let (database, migrations) = match pending {
        Ok(Ok(0)) => (None, None),
        Ok(Ok(_)) => (None, Some("migrations are missing; run gururmm-server migrate")),
        Ok(Err(_)) | Err(_) => (Some("the database does not answer"), Some("cannot be checked without the database")),
    };
    let stopping = app.shutdown.is_cancelled().then_some("the server is shutting down");
    let checks =
        vec![Check::new("database", database), Check::new("migrations", migrations), Check::new("accepting", stopping)];
    if checks.iter().all(|check| check.ok) {
        Json(Readiness { status: "ready", checks }).into_response()
    } else {
        let retry = [(header::RETRY_AFTER, "5")];
        (StatusCode::SERVICE_UNAVAILABLE, retry, Json(Readiness { status: "not_ready", checks })).into_response()
    }
}

/// Prometheus metrics: with the metrics token, or directly from loopback when none is set.
#[utoipa::path(get, path = "/metrics", tag = "operations", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
async fn prometheus(
    State(app): State<App>,
    peer: Option<axum::Extension<ConnectInfo<SocketAddr>>>,
    headers: HeaderMap,
) -> Result<Response> {
    let allowed = match &app.config.metrics_token {
        Some(token) => {
            let given = headers.get(header::AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
            given.is_some_and(|given| given.ct_eq(token.as_bytes()).into())
        }
        None => {
            // Behind a proxy every request comes from loopback: what was forwarded does not count as direct.
            let forwarded = headers.contains_key("x-forwarded-for") || headers.contains_key(header::FORWARDED);
            peer.is_some_and(|peer| peer.0.0.ip().is_loopback()) && !forwarded
        }
    };
    if !allowed {
        return Err(Error::forbidden(
            "metrics_closed",
            "metrics need the metrics token, or a direct request from loopback",
        ));
    }
    metrics::gauge(&app);
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics::render()).into_response())
}
