//! Use cases of commands.

use sqlx::PgConnection;
use uuid::Uuid;

use super::CommandState;
use super::store_link::{self, End};
use crate::app::App;
use crate::core::Result;

/// Cancels what an agent still has waiting, in the caller's transaction (the agent is being decommissioned or merged);
/// answers the commands, for [`crate::hub::bus::DashboardEvent::Command`] after the commit.
///
/// # Errors
/// When the database cannot be reached.
pub async fn cancel_all_queued(
    app: &App,
    connection: &mut PgConnection,
    agent_id: Uuid,
    reason: &str,
) -> Result<Vec<Uuid>> {
    let ids = store_link::lock_all_queued(connection, agent_id).await?;
    let end = End { reason: Some(reason), finished_at: app.env.now(), ..End::default() };
    store_link::end(connection, &ids, CommandState::Cancelled, &end).await?;
    Ok(ids)
}
