//! `/api/events`

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderName;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::stream::{Hint, Subscription};
use crate::app::App;
use crate::authz::Actor;
use crate::core::{Error, Result};
use crate::http::extract::{AccessToken, SignedIn};

/// How often a quiet stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Routes of events.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(stream_events))
}

/// Hints of what changed, as server-sent events; the data of each is JSON.
///
/// | event | data |
/// |---|---|
/// | `agent` | `{agent_id}` |
/// | `command` | `{command_id, agent_id}` |
/// | `command_output` | `{command_id, agent_id}` |
/// | `run` | `{run_id}`: ordered or cancelled, and its commands with it; what becomes of them is told as `command` |
/// | `fleet` | `{}`: organizations, sites, enrollment tokens or the set of agents |
/// | `resync` | `{}`: hints were missed, fetch everything anew; also the first event of every stream |
///
/// The stream ends with the session. Nothing is sent twice: after reconnecting, fetch.
#[utoipa::path(get, path = "/api/events", tag = "events",
    responses((status = 200, body = Hint, content_type = "text/event-stream")))]
async fn stream_events(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    AccessToken(token): AccessToken,
) -> Result<impl IntoResponse> {
    let Actor::User(user) = &ctx.actor else { return Err(Error::NotFound("stream")) };
    let subscription = Subscription::open(&app, user, token)?;
    let events = stream::unfold(subscription, |mut subscription| async move {
        let hint = subscription.next().await?;
        Some((to_event(hint), subscription))
    });
    // nginx would hold the events back otherwise.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))))
}

fn to_event(hint: Hint) -> Result<Event, Infallible> {
    let data = serde_json::to_string(&hint).unwrap_or_default();
    Ok(Event::default().event(hint.name()).data(data))
}
