//! The embedded dashboard: hashed assets for ever, everything else is the page itself.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use rust_embed::RustEmbed;

use super::problem::Problem;
use crate::core::Error;

/// `dashboard/dist`, as it was built before the server.
#[derive(RustEmbed)]
#[folder = "../dashboard/dist"]
#[allow_missing = true]
struct Assets;

/// What the page may load and do: its own files only, nothing inline. (Content Security Policy level 3.)
/// `dashboard/csp.ts` is the same text: what the dashboard is built and tested with.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'self'; frame-ancestors 'none'";

/// Serves a file of the dashboard, or the page for every address that the page's own router knows.
pub async fn serve(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "only GET works here");
        let mut response = StatusCode::METHOD_NOT_ALLOWED.into_response();
        response.extensions_mut().insert(problem);
        return response;
    }
    let path = uri.path().trim_start_matches('/');
    if !path.is_empty() && path != "index.html" {
        if let Some(response) = file(path, &headers) {
            return response;
        }
        // A name with an ending is a file that is not there; anything else is an address within the page.
        if path.starts_with("assets/") || path.rsplit('/').next().is_some_and(|name| name.contains('.')) {
            return Error::NotFound("file").into_response();
        }
    }
    file("index.html", &headers).unwrap_or_else(|| {
        let text = "The dashboard was not built into this server. Run npm run build in dashboard/ and build the server again.\n";
        (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
    })
}

fn file(path: &str, headers: &HeaderMap) -> Option<Response> {
    // The compressed forms are answers, not addresses.
    if path.ends_with(".br") || path.ends_with(".gz") {
        return None;
    }
    let plain = Assets::get(path)?;
    let accepted = headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let accepts = |name: &str| accepted.split(',').any(|part| is_accepted(part, name));
    let compressed = [("br", "br"), ("gzip", "gz")].into_iter().find_map(|(encoding, ending)| {
        Some((encoding, Assets::get(&format!("{path}.{ending}")).filter(|_| accepts(encoding))?))
    });
    let (encoding, content) = match compressed {
        Some((encoding, content)) => (Some(encoding), content),
        None => (None, plain.clone()),
    };
    let etag = format!("\"{}{}\"", hex::encode(&plain.metadata.sha256_hash()[..12]), encoding.unwrap_or_default());
    let known = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { Response::new(Body::from(content.data)) };
    let out = response.headers_mut();
    let cache = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    out.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    out.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(value) = HeaderValue::from_str(&etag) {
        out.insert(header::ETAG, value);
    }
    if let Some(encoding) = encoding {
        out.insert(header::CONTENT_ENCODING, HeaderValue::from_static(encoding));
    }
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    if let Ok(value) = HeaderValue::from_str(kind.as_ref()) {
        out.insert(header::CONTENT_TYPE, value);
    }
    out.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    Some(response)
}

/// Whether a part of `Accept-Encoding` names this encoding and does not refuse it by weight 0 (RFC 9110, 12.4.2).
fn is_accepted(part: &str, name: &str) -> bool {
    let mut pieces = part.split(';').map(str::trim);
    let weight = |piece: &str| piece.strip_prefix("q=").map(|q| q.parse().unwrap_or(0.0_f32));
    pieces.next() == Some(name) && pieces.find_map(weight).is_none_or(|q| q > 0.0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_dashboard_is_served_with_the_policy_it_is_built_for() {
        let built_for: Vec<_> = include_str!("../../../dashboard/csp.ts")
            .lines()
            .filter_map(|line| line.trim().strip_prefix('"')?.strip_suffix("\","))
            .collect();
        assert_eq!(super::CONTENT_SECURITY_POLICY, built_for.join("; "));
    }
}
