//! `/api/enrollment-tokens...`

use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::EnrollmentToken;
use super::service::{self, NewToken};
use crate::app::App;
use crate::authz::Listing;
use crate::core::Result;
use crate::core::page::PageRequest;
use crate::http::extract::{Json, Path, Query, SignedIn};

/// Routes of enrollment tokens.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_enrollment_tokens, create_enrollment_token))
        .routes(routes!(revoke_enrollment_token))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TokenQuery {
    organization_id: Option<Uuid>,
    site_id: Option<Uuid>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateEnrollmentToken {
    site_id: Uuid,
    /// What it is for, 1 to 100 characters.
    #[serde(default)]
    label: Option<String>,
    /// 1 to 8760 [72].
    #[serde(default)]
    expires_in_hours: Option<u32>,
    /// Machines it may enroll, 1 to 100000; null: any number.
    #[serde(default)]
    max_uses: Option<u32>,
}

/// A new token. The secret is shown this once.
#[derive(Serialize, ToSchema)]
struct CreatedEnrollmentToken {
    token: EnrollmentToken,
    /// The token's text.
    secret: String,
    /// One line that enrolls a Linux machine.
    install_command: String,
    /// One line for PowerShell as administrator, in the directory of `gururmm-agent.exe`, that enrolls a Windows machine.
    install_command_windows: String,
}

/// Enrollment tokens, newest first.
#[utoipa::path(get, path = "/api/enrollment-tokens", tag = "enrollment tokens", params(TokenQuery),
    responses((status = 200, body = Listing<EnrollmentToken>)))]
async fn list_enrollment_tokens(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<TokenQuery>,
) -> Result<Json<Listing<EnrollmentToken>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    Ok(Json(service::list(&app, &ctx, query.organization_id, query.site_id, &page).await?))
}

/// Makes an enrollment token for a site.
#[utoipa::path(post, path = "/api/enrollment-tokens", tag = "enrollment tokens", request_body = CreateEnrollmentToken,
    responses((status = 201, body = CreatedEnrollmentToken)))]
async fn create_enrollment_token(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Json(body): Json<CreateEnrollmentToken>,
) -> Result<(StatusCode, Json<CreatedEnrollmentToken>)> {
    let request = NewToken {
        site_id: body.site_id,
        label: body.label,
        expires_in_hours: body.expires_in_hours,
        max_uses: body.max_uses,
    };
    let service::CreatedToken { token, secret, install_command, install_command_windows } =
        service::create(&app, &ctx, &request).await?;
    Ok((StatusCode::CREATED, Json(CreatedEnrollmentToken { token, secret, install_command, install_command_windows })))
}

/// Revokes an enrollment token; agents that joined with it stay.
#[utoipa::path(delete, path = "/api/enrollment-tokens/{id}", tag = "enrollment tokens", params(("id" = Uuid, Path)),
    responses((status = 204)))]
async fn revoke_enrollment_token(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode> {
    service::revoke(&app, &ctx, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
