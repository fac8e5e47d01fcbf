//! `/api/auth/...`

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{User, service};
use crate::app::App;
use crate::core::Result;
use crate::http::extract::{Anyone, Json, SESSION_COOKIE, SignedIn};

/// Routes of accounts.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(register))
        .routes(routes!(login))
        .routes(routes!(logout))
        .routes(routes!(me))
}

#[derive(Serialize, ToSchema)]
struct AuthStatus {
    /// Nobody has an account yet: the first one can be made.
    bootstrap_required: bool,
}

/// Whether the first account is still to be made.
#[utoipa::path(get, path = "/api/auth/status", tag = "auth", security(()), responses((status = 200, body = AuthStatus)))]
async fn status(State(app): State<App>) -> Result<Json<AuthStatus>> {
    Ok(Json(AuthStatus { bootstrap_required: service::bootstrap_required(&app).await? }))
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RegisterRequest {
    email: String,
    /// At least 12 characters.
    password: String,
    name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct LoginRequest {
    email: String,
    password: String,
}

/// A session. Browsers also get it as a cookie and need not keep the token.
#[derive(Serialize, ToSchema)]
struct LoginResponse {
    /// For `Authorization: Bearer`.
    token: String,
    expires_at: DateTime<Utc>,
    user: User,
}

/// Makes the first account, a `dev_admin`; 409 when there is one.
#[utoipa::path(post, path = "/api/auth/register", tag = "auth", security(()), request_body = RegisterRequest,
    responses((status = 201, body = LoginResponse)))]
async fn register(
    State(app): State<App>,
    Anyone(ctx): Anyone,
    headers: HeaderMap,
    jar: CookieJar,
    Json(body): Json<RegisterRequest>,
) -> Result<impl IntoResponse> {
    let login = service::register(&app, &ctx, &body.email, body.password, &body.name, user_agent(&headers)).await?;
    Ok((StatusCode::CREATED, with_cookie(&app, jar, login)))
}

/// Starts a session.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", security(()), request_body = LoginRequest,
    responses((status = 200, body = LoginResponse)))]
async fn login(
    State(app): State<App>,
    Anyone(ctx): Anyone,
    headers: HeaderMap,
    jar: CookieJar,
    Json(body): Json<LoginRequest>,
) -> Result<impl IntoResponse> {
    let login = service::login(&app, &ctx, &body.email, body.password, user_agent(&headers)).await?;
    Ok(with_cookie(&app, jar, login))
}

/// Ends the session.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses((status = 204)))]
async fn logout(State(app): State<App>, SignedIn(ctx): SignedIn, jar: CookieJar) -> Result<impl IntoResponse> {
    service::logout(&app, &ctx).await?;
    Ok((StatusCode::NO_CONTENT, jar.remove(Cookie::build(SESSION_COOKIE).path("/").build())))
}

/// The caller's own account.
#[utoipa::path(get, path = "/api/auth/me", tag = "auth", responses((status = 200, body = User)))]
async fn me(State(app): State<App>, SignedIn(ctx): SignedIn) -> Result<Json<User>> {
    Ok(Json(service::me(&app, &ctx).await?))
}

fn user_agent(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::USER_AGENT)?.to_str().ok()
}

fn with_cookie(app: &App, jar: CookieJar, login: service::Login) -> (CookieJar, Json<LoginResponse>) {
    let cookie = Cookie::build((SESSION_COOKIE, login.token.clone()))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.config.is_https())
        .build();
    (jar.add(cookie), Json(LoginResponse { token: login.token, expires_at: login.expires_at, user: login.user }))
}
