//! `/api/events`

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName};
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::stream::{Hint, Subscription, Told};
use crate::app::App;
use crate::authz::Actor;
use crate::core::{Error, Result};
use crate::http::extract::{AccessToken, Query, SignedIn};

/// How often a quiet stream shows that it lives.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Where a browser that reconnects says what it had last.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct EventsQuery {
    /// Id of the last event that was received.
    after: Option<String>,
}

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
/// | `resync` | `{}`: hints were missed, fetch everything anew |
/// | `position` | `{}`: nothing to do, but for the id |
///
/// Each event has an id. Given back as `after`, or as `Last-Event-ID`, which goes first, it makes the stream begin with what
/// was missed since, as far as the caller may see it now. When that is not held any more (some minutes, at most until the
/// server restarts), and without an id, the stream begins with `resync`. A hint may come twice. The stream ends with the
/// session.
#[utoipa::path(get, path = "/api/events", tag = "events",
    params(EventsQuery, ("Last-Event-ID" = Option<String>, Header, description = "As `after`; browsers send it.")),
    responses((status = 200, body = Hint, content_type = "text/event-stream")))]
async fn stream_events(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    AccessToken(token): AccessToken,
    Query(query): Query<EventsQuery>,
    headers: HeaderMap,
) -> Result<impl IntoResponse> {
    let Actor::User(user) = &ctx.actor else { return Err(Error::NotFound("stream")) };
    // A browser that reconnects by itself asks for the old address, with a newer header.
    let last = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or_default());
    let subscription = Subscription::open(&app, user, token, last.or(query.after.as_deref()))?;
    let events = stream::unfold(subscription, |mut subscription| async move {
        let told = subscription.next().await?;
        Some((to_event(told), subscription))
    });
    // nginx would hold the events back otherwise.
    let unbuffered = [(HeaderName::from_static("x-accel-buffering"), "no")];
    Ok((unbuffered, Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT))))
}

fn to_event(Told { hint, at }: Told) -> Result<Event, Infallible> {
    let data = serde_json::to_string(&hint).unwrap_or_default();
    Ok(Event::default().id(at.to_string()).event(hint.name()).data(data))
}
