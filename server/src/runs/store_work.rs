//! SQL of what a person has under way.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::authz::Scope;
use crate::commands::{CommandState, CommandSummary};
use crate::core::Result;

/// How many runs and single commands of a user are open within the scope.
pub async fn count_open(connection: &mut PgConnection, scope: &Scope, user: Uuid) -> Result<i64> {
    Ok(sqlx::query_scalar!(
        r#"SELECT (SELECT count(DISTINCT ro.run_id) FROM command_run_organizations ro
                   WHERE ro.requested_by = $1 AND ro.ended_at IS NULL
                     AND ($2::uuid[] IS NULL OR ro.organization_id = ANY($2))
                     AND EXISTS (SELECT 1 FROM commands c WHERE c.run_id = ro.run_id AND c.organization_id = ro.organization_id
                                                            AND c.state IN ('queued', 'sent', 'running')))
                + (SELECT count(*) FROM commands WHERE requested_by = $1 AND run_id IS NULL
                      AND state IN ('queued', 'sent', 'running')
                      AND ($2::uuid[] IS NULL OR organization_id = ANY($2))) AS "open!""#,
        user,
        scope.organizations()
    )
    .fetch_one(connection)
    .await?)
}

/// The newest runs of a user that are open or not counted for good yet, and those that ended since then.
pub async fn runs(
    connection: &mut PgConnection,
    scope: &Scope,
    user: Uuid,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"(SELECT DISTINCT ro.run_id AS "run_id!" FROM command_run_organizations ro
            WHERE ro.requested_by = $1 AND ro.ended_at IS NULL AND ($2::uuid[] IS NULL OR ro.organization_id = ANY($2))
              AND EXISTS (SELECT 1 FROM commands c WHERE c.run_id = ro.run_id AND c.organization_id = ro.organization_id
                                                     AND c.state IN ('queued', 'sent', 'running'))
            ORDER BY ro.run_id DESC LIMIT $4)
           UNION
           (SELECT DISTINCT ro.run_id FROM command_run_organizations ro
            WHERE ro.requested_by = $1 AND ro.ended_at IS NULL AND ($2::uuid[] IS NULL OR ro.organization_id = ANY($2))
            ORDER BY ro.run_id DESC LIMIT $4)
           UNION
           (SELECT DISTINCT ro.run_id FROM command_run_organizations ro
            WHERE ro.requested_by = $1 AND ro.ended_at > $3 AND ($2::uuid[] IS NULL OR ro.organization_id = ANY($2))
            ORDER BY ro.run_id DESC LIMIT $4)"#,
        user,
        scope.organizations(),
        since,
        limit
    )
    .fetch_all(connection)
    .await?)
}

/// The newest open single commands of a user, and those that ended last since then.
pub async fn commands(
    connection: &mut PgConnection,
    scope: &Scope,
    user: Uuid,
    since: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<CommandSummary>> {
    Ok(sqlx::query_as!(
        CommandSummary,
        r#"SELECT c.id AS "id!", c.agent_id AS "agent_id!", a.name AS agent_name, c.organization_id AS "organization_id!",
                  c.summary AS "summary!", c.state AS "state!: CommandState", c.requested_by_label AS "requested_by!",
                  c.created_at AS "created_at!", c.sent_at, c.started_at, c.finished_at, c.expires_at AS "expires_at!",
                  c.exit_code
           FROM ((SELECT * FROM commands
                  WHERE requested_by = $1 AND run_id IS NULL AND state IN ('queued', 'sent', 'running')
                    AND ($2::uuid[] IS NULL OR organization_id = ANY($2))
                  ORDER BY id DESC LIMIT $4)
                 UNION ALL
                 (SELECT * FROM commands
                  WHERE requested_by = $1 AND run_id IS NULL AND finished_at > $3
                    AND ($2::uuid[] IS NULL OR organization_id = ANY($2))
                  ORDER BY finished_at DESC LIMIT $4)) c
           JOIN agents a ON a.id = c.agent_id"#,
        user,
        scope.organizations(),
        since,
        limit
    )
    .fetch_all(connection)
    .await?)
}
