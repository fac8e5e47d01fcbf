//! SQL of presence. Whatever locks several rows does so in the order of the agents' ids, so that no two writers wait for
//! each other.

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::crypto::PublicKey;
use sqlx::PgConnection;
use uuid::Uuid;

use super::presence::Change;
use crate::core::Result;

/// What a lease renewal says of one session.
pub struct Seen {
    pub agent_id: Uuid,
    pub session_id: Uuid,
    pub last_seen_at: DateTime<Utc>,
}

/// Writes a batch; answers the agents (with organizations) it was about. What a failure leaves half done
/// can be done again.
pub async fn write_presence(
    connection: &mut PgConnection,
    node_id: Uuid,
    lease: TimeDelta,
    changes: &[Change],
) -> Result<Vec<(Uuid, Uuid)>> {
    let (begin, end): (Vec<&Change>, Vec<&Change>) = changes.iter().partition(|change| change.begins);
    take_rows(connection, node_id, lease, &begin).await?;
    end_rows(connection, &end).await?;
    Ok(changes.iter().map(|change| (change.agent_id, change.organization_id)).collect())
}

/// Rows of sessions that began: theirs, whoever had them.
async fn take_rows(connection: &mut PgConnection, node_id: Uuid, lease: TimeDelta, changes: &[&Change]) -> Result<()> {
    let state = |change: &Change| if change.online { "online" } else { "offline" }.to_owned();
    let until = |change: &Change| if change.online { change.since + lease } else { change.since };
    sqlx::query!(
        "INSERT INTO agent_presence AS p (agent_id, session_id, state, since, last_seen_at, lease_until, node_id)
         SELECT u.*, $7 FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[], $5::timestamptz[],
                                    $6::timestamptz[]) u(agent_id, session_id, state, since, last_seen_at, lease_until)
         ORDER BY u.agent_id
         ON CONFLICT (agent_id) DO UPDATE
         SET state = excluded.state, session_id = excluded.session_id, last_seen_at = excluded.last_seen_at,
             lease_until = excluded.lease_until, node_id = excluded.node_id,
             since = CASE WHEN p.state = 'online' AND excluded.state = 'online' AND p.lease_until > excluded.since
                          THEN p.since ELSE excluded.since END",
        &changes.iter().map(|change| change.agent_id).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.session_id).collect::<Vec<_>>(),
        &changes.iter().map(|change| state(change)).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.since).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.last_seen_at).collect::<Vec<_>>(),
        &changes.iter().map(|change| until(change)).collect::<Vec<_>>(),
        node_id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends of sessions that were written before: only where the row is still theirs.
async fn end_rows(connection: &mut PgConnection, changes: &[&Change]) -> Result<()> {
    sqlx::query!(
        "WITH locked AS (
             SELECT p.agent_id, u.since, u.seen
             FROM agent_presence p
             JOIN UNNEST($1::uuid[], $2::uuid[], $3::timestamptz[], $4::timestamptz[]) u(agent_id, session_id, since, seen)
               ON p.agent_id = u.agent_id AND p.session_id = u.session_id
             ORDER BY p.agent_id FOR UPDATE OF p
         )
         UPDATE agent_presence p
         SET state = 'offline', since = locked.since, last_seen_at = greatest(p.last_seen_at, locked.seen),
             lease_until = locked.since
         FROM locked WHERE p.agent_id = locked.agent_id",
        &changes.iter().map(|change| change.agent_id).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.session_id).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.since).collect::<Vec<_>>(),
        &changes.iter().map(|change| change.last_seen_at).collect::<Vec<_>>()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Renews the leases of living sessions, in one statement. A row that an older session of this node wrote last, or that
/// is missing, becomes the living session's. Answers the agents whose row had wrongly become something else than online.
pub async fn renew_leases(
    connection: &mut PgConnection,
    node_id: Uuid,
    seen: &[Seen],
    now: DateTime<Utc>,
    lease_until: DateTime<Utc>,
) -> Result<Vec<(Uuid, Uuid)>> {
    let rows = sqlx::query!(
        "WITH living AS (
             SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::timestamptz[]) u(agent_id, session_id, seen)
         ), lost AS (
             SELECT living.agent_id FROM living LEFT JOIN agent_presence p USING (agent_id)
             WHERE p.state IS DISTINCT FROM 'online'
         ), renewed AS (
             INSERT INTO agent_presence AS p (agent_id, session_id, state, since, last_seen_at, lease_until, node_id)
             SELECT agent_id, session_id, 'online', $5::timestamptz, seen, $4::timestamptz, $6::uuid FROM living
             ORDER BY agent_id
             ON CONFLICT (agent_id) DO UPDATE
             SET session_id = excluded.session_id, lease_until = excluded.lease_until, node_id = excluded.node_id,
                 last_seen_at = greatest(p.last_seen_at, excluded.last_seen_at), state = 'online',
                 since = CASE WHEN p.state = 'online' THEN p.since ELSE excluded.since END
             WHERE p.session_id = excluded.session_id
                OR p.last_seen_at <= excluded.last_seen_at
                   AND (p.node_id = excluded.node_id OR p.lease_until <= excluded.since)
             RETURNING p.agent_id
         )
         SELECT a.id, a.organization_id FROM renewed JOIN lost USING (agent_id) JOIN agents a ON a.id = lost.agent_id",
        &seen.iter().map(|seen| seen.agent_id).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.session_id).collect::<Vec<_>>(),
        &seen.iter().map(|seen| seen.last_seen_at).collect::<Vec<_>>(),
        lease_until,
        now,
        node_id
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.organization_id)).collect())
}

/// A session, as the record of its agent is compared with it.
pub struct Session {
    pub agent_id: Uuid,
    pub key: PublicKey,
    pub machine_id: String,
}

/// The agents among these sessions that have something waiting (a queued command, an order, a command silent since
/// `sent_before` or due before `due_before`) or whose standing is not that of an active agent with this key and machine.
pub async fn behind(
    connection: &mut PgConnection,
    sessions: &[Session],
    now: DateTime<Utc>,
    sent_before: DateTime<Utc>,
    due_before: DateTime<Utc>,
) -> Result<Vec<Uuid>> {
    Ok(sqlx::query_scalar!(
        r#"SELECT s.agent_id AS "agent_id!"
           FROM UNNEST($1::uuid[], $2::bytea[], $3::text[]) s(agent_id, key, machine_id)
           LEFT JOIN agents a ON a.id = s.agent_id
           WHERE a.state IS DISTINCT FROM 'active' OR a.machine_id <> s.machine_id
              OR NOT EXISTS (SELECT 1 FROM agent_keys k
                             WHERE k.public_key = s.key AND k.agent_id = s.agent_id AND k.revoked_at IS NULL)
              OR EXISTS (SELECT 1 FROM agent_envelopes e
                         WHERE e.agent_id = s.agent_id AND e.done_at IS NULL AND e.expires_at > $4)
              OR EXISTS (SELECT 1 FROM commands c
                         WHERE c.agent_id = s.agent_id AND c.state IN ('queued', 'sent', 'running')
                           AND (c.state = 'queued' OR c.state = 'sent' AND c.sent_at <= $5 OR c.state = 'running'
                                AND c.started_at + make_interval(secs => c.timeout_seconds) <= $6))"#,
        &sessions.iter().map(|session| session.agent_id).collect::<Vec<_>>(),
        &sessions.iter().map(|session| session.key.as_bytes().to_vec()).collect::<Vec<_>>(),
        &sessions.iter().map(|session| session.machine_id.clone()).collect::<Vec<_>>(),
        now,
        sent_before,
        due_before
    )
    .fetch_all(connection)
    .await?)
}

/// Leases that ran out: first reconnecting, then offline. Answers the agents that changed.
pub async fn expire_leases(
    connection: &mut PgConnection,
    now: DateTime<Utc>,
    grace: TimeDelta,
) -> Result<Vec<(Uuid, Uuid)>> {
    let rows = sqlx::query!(
        "WITH lost AS (
             SELECT agent_id, CASE state WHEN 'online' THEN lease_until ELSE since END AS since
             FROM agent_presence
             WHERE state = 'online' AND lease_until <= $1 OR state = 'reconnecting' AND since <= $2
             ORDER BY agent_id FOR UPDATE
         )
         UPDATE agent_presence p
         SET state = CASE WHEN lost.since > $2 THEN 'reconnecting' ELSE 'offline' END,
             since = CASE WHEN lost.since > $2 THEN lost.since ELSE p.last_seen_at END
         FROM lost, agents a
         WHERE p.agent_id = lost.agent_id AND a.id = lost.agent_id
         RETURNING a.id, a.organization_id",
        now,
        now - grace
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.organization_id)).collect())
}

/// What this node held when it ended is reconnecting since now. Answers how many.
pub async fn mark_reconnecting(connection: &mut PgConnection, node_id: Uuid, now: DateTime<Utc>) -> Result<u64> {
    Ok(sqlx::query!(
        "WITH held AS (
             SELECT agent_id FROM agent_presence
             WHERE node_id = $1 AND state IN ('online', 'reconnecting')
             ORDER BY agent_id FOR UPDATE
         )
         UPDATE agent_presence p SET state = 'reconnecting', since = $2, lease_until = $2
         FROM held WHERE p.agent_id = held.agent_id",
        node_id,
        now
    )
    .execute(connection)
    .await?
    .rows_affected())
}
