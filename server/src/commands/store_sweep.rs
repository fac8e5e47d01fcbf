//! SQL of commands of which nothing more can come.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::core::Result;

/// Why nothing more can come of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Silent {
    /// It waited until its expiry.
    Queued,
    /// It was sent, and should have ended long ago even if it had started at the last moment.
    Sent,
    /// It should have ended long ago, and its agent is away, or does not say what became of it.
    Running,
    /// Its agent was decommissioned and has had time to say goodbye.
    AgentGone,
}

impl Silent {
    /// Every reason.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Sent, Self::Running, Self::AgentGone];
}

/// A command to be ended.
pub struct Overdue {
    pub id: Uuid,
    pub agent_id: Uuid,
    pub organization_id: Uuid,
}

/// Overdue commands, locked; those that somebody else holds are left for the next pass.
pub async fn lock_overdue(
    connection: &mut PgConnection,
    silent: Silent,
    now: DateTime<Utc>,
    patience: TimeDelta,
    limit: i64,
) -> Result<Vec<Overdue>> {
    let before = now - patience;
    let query = match silent {
        Silent::Queued => {
            sqlx::query_as!(
                Overdue,
                "SELECT id, agent_id, organization_id FROM commands WHERE state = 'queued' AND expires_at <= $1
                 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
                now,
                limit
            )
            .fetch_all(connection)
            .await
        }
        Silent::Sent => {
            sqlx::query_as!(
                Overdue,
                "SELECT id, agent_id, organization_id FROM commands
                 WHERE state = 'sent' AND expires_at + make_interval(secs => timeout_seconds) <= $1
                 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
                before,
                limit
            )
            .fetch_all(connection)
            .await
        }
        Silent::Running => {
            sqlx::query_as!(
                Overdue,
                "SELECT id, agent_id, organization_id FROM commands c
                 WHERE state = 'running' AND started_at + make_interval(secs => timeout_seconds) <= $1
                   AND (started_at + make_interval(secs => timeout_seconds) <= $1 - interval '1 hour'
                        OR NOT EXISTS (SELECT 1 FROM agent_presence p
                                       WHERE p.agent_id = c.agent_id AND p.state = 'online' AND p.lease_until > $2))
                 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED",
                before,
                now,
                limit
            )
            .fetch_all(connection)
            .await
        }
        Silent::AgentGone => {
            sqlx::query_as!(
                Overdue,
                "SELECT c.id, c.agent_id, c.organization_id FROM commands c JOIN agents a ON a.id = c.agent_id
                 WHERE c.state IN ('sent', 'running') AND a.state = 'decommissioned' AND a.state_since <= $1
                 ORDER BY c.id LIMIT $2 FOR UPDATE OF c SKIP LOCKED",
                before,
                limit
            )
            .fetch_all(connection)
            .await
        }
    };
    Ok(query?)
}
