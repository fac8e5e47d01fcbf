//! `/ws/agent`.

use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::response::Response;
use axum::routing::get;
use gururmm_protocol::handshake::AGENT_SOCKET_PATH;

use super::{connection, frames};
use crate::app::App;
use crate::core::{Error, Result};
use crate::http::extract::Anyone;

/// How long an upgrade waits for a sign of life from the database.
const DATABASE_PATIENCE: Duration = Duration::from_secs(2);
/// Most bytes that wait in a socket's write buffer: one message of the largest size, and its frame.
const MAX_WRITE_BUFFER: usize = 2 * gururmm_protocol::limits::MAX_MESSAGE;

/// Routes of the hub.
pub fn router() -> Router<App> {
    Router::new().route(AGENT_SOCKET_PATH, get(connect))
}

/// Upgrades an agent's connection, unless the server cannot serve it: then it is told by 503 and Retry-After.
async fn connect(
    State(app): State<App>,
    Anyone(ctx): Anyone,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    let upgrade = upgrade.map_err(|_| Error::BadRequest {
        code: "not_websocket",
        detail: "this address is for agents: it takes only WebSocket upgrades (RFC 6455)".into(),
    })?;
    let unavailable = |detail, seconds| Error::Unavailable { detail, retry_after: Duration::from_secs(seconds) };
    if app.shutdown.is_cancelled() {
        return Err(unavailable("the server stops or restarts", 2));
    }
    let place = app
        .hub
        .sessions
        .place(app.config.max_agents)
        .ok_or_else(|| unavailable("the server has as many agents connected as it may (max_agents)", 60))?;
    let permit = app
        .hub
        .sessions
        .handshakes
        .enter(ctx.counted)
        .ok_or_else(|| unavailable("too many agents connect at once", 5))?;
    see_database(&app).await?;
    // By default tungstenite takes 128 KiB for reading as soon as a connection opens.
    Ok(upgrade
        .read_buffer_size(4096)
        .write_buffer_size(0)
        .max_write_buffer_size(MAX_WRITE_BUFFER)
        .max_message_size(frames::MAX_READ)
        .max_frame_size(frames::MAX_READ)
        .on_upgrade(move |socket| connection::serve(app, socket, ctx.address, place, permit)))
}

/// Waits for a sign of life from the database, unless there was one just now.
async fn see_database(app: &App) -> Result<()> {
    let handshakes = &app.hub.sessions.handshakes;
    if !app.db.is_closed() && handshakes.database_was_seen(app.env.now()) {
        return Ok(());
    }
    match tokio::time::timeout(DATABASE_PATIENCE, app.db.acquire()).await {
        Ok(connection) => drop(connection?),
        Err(_) => return Err(Error::database_away()),
    }
    handshakes.database_seen(app.env.now());
    Ok(())
}
