//! `/api/agent/...`: what a machine calls to become an agent (SPEC-002).

use axum::extract::State;
use axum::http::StatusCode;
use gururmm_protocol::enroll::{EnrollRequest, EnrollResponse, IdentityRequest, IdentityResponse};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::enrollment;
use crate::app::App;
use crate::core::Result;
use crate::http::extract::{Anyone, Json};

/// Routes of enrollment.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(identity)).routes(routes!(enroll))
}

/// Proves the server's key to an agent: a signature over the agent's nonce.
#[utoipa::path(post, path = "/api/agent/identity", tag = "agent link", security(()),
    request_body(content = serde_json::Value, description = "`{nonce}`: 32 random bytes, base64url"),
    responses((status = 200, body = serde_json::Value,
        description = "`{public_key, signature, server_time, protocol_version}`")))]
async fn identity(State(app): State<App>, Json(body): Json<IdentityRequest>) -> Json<IdentityResponse> {
    Json(IdentityResponse::sign(&app.keys.signing, &body.nonce, app.env.now()))
}

/// Makes a machine an agent of the enrollment token's site; 403 `enrollment_token_invalid` for any bad token.
#[utoipa::path(post, path = "/api/agent/enroll", tag = "agent link", security(()),
    request_body(content = serde_json::Value,
        description = "`{token, public_key, proof, nonce, machine: {machine_id, boot_id, hostname}, agent_version, previous?}`"),
    responses((status = 201, body = serde_json::Value, description = "`{agent_id, server_public_key}`")))]
async fn enroll(
    State(app): State<App>,
    Anyone(ctx): Anyone,
    Json(body): Json<EnrollRequest>,
) -> Result<(StatusCode, Json<EnrollResponse>)> {
    Ok((StatusCode::CREATED, Json(enrollment::enroll(&app, &ctx, body).await?)))
}
