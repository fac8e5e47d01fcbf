//! Extractors: axum's own with our errors, and the authenticated caller.

use axum::extract::{ConnectInfo, FromRequest, FromRequestParts, rejection};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum_extra::extract::CookieJar;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::accounts;
use crate::app::{App, Ctx};
use crate::authz::Actor;
use crate::core::Error;

/// Name of the browser's session cookie.
pub const SESSION_COOKIE: &str = "gururmm_session";

/// A JSON body.
#[derive(Debug, FromRequest)]
#[from_request(via(axum::Json), rejection(Error))]
pub struct Json<T>(pub T);

/// The query.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Query), rejection(Error))]
pub struct Query<T>(pub T);

/// Parts of the path.
#[derive(Debug, FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(Error))]
pub struct Path<T>(pub T);

impl<T: serde::Serialize> axum::response::IntoResponse for Json<T> {
    fn into_response(self) -> axum::response::Response {
        axum::Json(self.0).into_response()
    }
}

impl From<rejection::JsonRejection> for Error {
    fn from(rejection: rejection::JsonRejection) -> Self {
        match rejection {
            rejection::JsonRejection::JsonDataError(error) => {
                misplaced("body", &error.body_text(), "Failed to deserialize the JSON body into the target type: ")
            }
            rejection::JsonRejection::MissingJsonContentType(_) => Self::BadRequest {
                code: "not_json",
                detail: "send the body as JSON, with the header Content-Type: application/json".into(),
            },
            rejection::JsonRejection::BytesRejection(_) => {
                Self::TooLarge { detail: "the body is larger than this address takes (1 MiB)".into() }
            }
            other => Self::BadRequest { code: "bad_json", detail: other.body_text() },
        }
    }
}

impl From<rejection::QueryRejection> for Error {
    fn from(rejection: rejection::QueryRejection) -> Self {
        misplaced("query", &rejection.body_text(), "Failed to deserialize query string: ")
    }
}

/// A value that is not of its type, by the path before the message (`program.argv[0]: ...`, as `serde_path_to_error`
/// writes it) and the field that the message says is missing; of `whole` where neither is told.
fn misplaced(whole: &str, text: &str, preamble: &str) -> Error {
    let text = text.strip_prefix(preamble).unwrap_or(text);
    let is_path = |path: &str| {
        path.len() <= 200 && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.[]".contains(&byte))
    };
    let (path, message) = text.split_once(": ").filter(|(path, _)| is_path(path)).unwrap_or(("", text));
    let missing = message.strip_prefix("missing field `").and_then(|rest| rest.split('`').next()).unwrap_or_default();
    let field = match (path, missing) {
        ("", "") => whole.to_owned(),
        (path, "") => path.to_owned(),
        ("", missing) => missing.to_owned(),
        (path, missing) => format!("{path}.{missing}"),
    };
    Error::invalid(field, message)
}

impl From<rejection::PathRejection> for Error {
    fn from(_: rejection::PathRejection) -> Self {
        // An id that is none names nothing.
        Self::NotFound("resource")
    }
}

/// The id that [`super::middleware::observe`] gave this request.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// The caller's address: of the connection, or what a trusted proxy says.
#[must_use]
pub fn client_address(parts: &Parts, trusted: &[IpAddr]) -> IpAddr {
    let peer = parts
        .extensions
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| address.ip().to_canonical());
    if !trusted.contains(&peer) {
        return peer;
    }
    // Each proxy appends the address it saw: from the right, the first one that is no trusted proxy is the caller. What
    // cannot be read ends the walk: everything left of it may be the caller's own invention.
    let headers = parts.headers.get_all("x-forwarded-for");
    let forwarded: Vec<&str> =
        headers.iter().flat_map(|value| value.to_str().unwrap_or("unreadable").split(',')).collect();
    for text in forwarded.into_iter().rev() {
        match forwarded_address(text.trim()) {
            Some(address) if trusted.contains(&address) => {}
            Some(address) => return address,
            None => return peer,
        }
    }
    peer
}

/// An address as proxies write it: with or without a port.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let address =
        text.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))?;
    Some(address.to_canonical())
}

/// Among whose attempts a caller's count. Who comes from this machine is either a proxy that nobody named as trusted, and
/// then everybody comes that way: what it says counts only for this; or somebody local, who counts only in the sum.
fn counted_address(address: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
    if !address.is_loopback() {
        return Some(address);
    }
    let said = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    forwarded_address(said.rsplit(',').next()?.trim())
}

fn context(parts: &Parts, app: &App, actor: Actor) -> Ctx {
    let address = client_address(parts, &app.config.trusted_proxies);
    Ctx {
        actor,
        request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()),
        address: Some(address),
        counted: counted_address(address, &parts.headers),
    }
}

/// A caller who need not be known: login, enrollment.
#[derive(Debug)]
pub struct Anyone(pub Ctx);

impl FromRequestParts<App> for Anyone {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        check_origin(parts, app)?;
        Ok(Self(context(parts, app, Actor::Anonymous)))
    }
}

/// A signed-in person, by `Authorization: Bearer` or by the browser's cookie.
#[derive(Debug)]
pub struct SignedIn(pub Ctx);

impl FromRequestParts<App> for SignedIn {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        let token = access_token(parts, app)?;
        let user = accounts::service::authenticate(app, &token).await?;
        Ok(Self(context(parts, app, Actor::User(user))))
    }
}

/// The caller's access token, unchecked: for answers that outlive the check at their start, and so repeat it.
/// It is a secret.
pub struct AccessToken(pub String);

impl FromRequestParts<App> for AccessToken {
    type Rejection = Error;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Error> {
        access_token(parts, app).map(Self)
    }
}

fn access_token(parts: &Parts, app: &App) -> Result<String, Error> {
    let missing =
        Error::Unauthenticated { code: "not_signed_in", detail: "sign in, or send Authorization: Bearer <token>" };
    match parts.headers.get(header::AUTHORIZATION) {
        Some(value) => value
            .to_str()
            .ok()
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned())
            .ok_or(missing),
        None => {
            let jar = CookieJar::from_headers(&parts.headers);
            let token = jar.get(SESSION_COOKIE).map(|cookie| cookie.value().to_owned()).ok_or(missing)?;
            // Only a cookie is sent by a browser on its own, so only then another site could be behind it.
            check_origin(parts, app)?;
            Ok(token)
        }
    }
}

/// Refuses a browser's mutation that comes from another site.
fn check_origin(parts: &Parts, app: &App) -> Result<(), Error> {
    if matches!(parts.method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return Ok(());
    }
    match parts.headers.get(header::ORIGIN).map(|origin| origin.to_str().unwrap_or_default()) {
        None => Ok(()),
        Some(origin) if app.config.accepts_origin(origin) => Ok(()),
        Some(_) => Err(Error::forbidden(
            "foreign_origin",
            "this address is not one of the server's public addresses; set GURURMM_PUBLIC_URL to the address in the browser",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn caller(peer: &str, forwarded: &[&str]) -> String {
        let mut request = axum::http::Request::builder();
        for value in forwarded {
            request = request.header("x-forwarded-for", *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        parts.extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        client_address(&parts, &["10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap()]).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_as_far_as_they_can_be_read() {
        assert_eq!(caller("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(caller("10.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(caller("::ffff:10.0.0.1", &["198.51.100.1:4711"]), "198.51.100.1");
        assert_eq!(caller("10.0.0.1", &["203.0.113.5, 198.51.100.1, 10.0.0.2"]), "198.51.100.1");
        assert_eq!(caller("10.0.0.1", &["203.0.113.5", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(caller("10.0.0.1", &["203.0.113.5, unknown"]), "10.0.0.1");
        assert_eq!(caller("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn behind_a_proxy_on_this_machine_that_nobody_named_callers_are_told_apart_all_the_same() {
        let counted = |address: &str, forwarded: Option<&'static str>| {
            let said =
                forwarded.map(|said| (HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static(said)));
            counted_address(address.parse().unwrap(), &said.into_iter().collect()).map(|address| address.to_string())
        };
        let some = |address: &str| Some(address.to_owned());
        assert_eq!(counted("192.0.2.9", Some("198.51.100.1")), some("192.0.2.9"));
        assert_eq!(counted("127.0.0.1", Some("203.0.113.5, 198.51.100.1")), some("198.51.100.1"));
        assert_eq!(counted("::1", Some("[2001:db8::1]:4711")), some("2001:db8::1"));
        assert_eq!(counted("127.0.0.1", Some("198.51.100.1, unknown")), None);
        assert_eq!(counted("127.0.0.1", None), None);
    }
}
