//! SQL of the audit chain.

use chrono::{DateTime, Utc};
use gururmm_protocol::crypto::SignatureBytes;
use sqlx::PgConnection;

use super::chain::{ChainRow, Hash, Head};
use crate::core::{Error, Result};

/// Takes the sealer's lock until the transaction ends, unless another process has it.
pub async fn try_lock(connection: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_xact_lock(hashtextextended('gururmm audit chain', 0)) AS "taken!""#
    )
    .fetch_one(connection)
    .await?)
}

/// The last link.
pub async fn last(connection: &mut PgConnection) -> Result<Option<(i64, Hash)>> {
    let row =
        sqlx::query!("SELECT seq, hash FROM audit_chain ORDER BY seq DESC LIMIT 1").fetch_optional(connection).await?;
    row.map(|row| Ok((row.seq, hash(&row.hash)?))).transpose()
}

/// Rows that wait for the sealer, by id.
pub async fn unsealed(connection: &mut PgConnection, limit: i64) -> Result<Vec<ChainRow>> {
    Ok(sqlx::query_as!(
        ChainRow,
        r#"SELECT l.id, l.at, l.actor_kind, l.actor_id, l.actor_label, l.action, l.target_kind, l.target_id,
                  l.target_label, l.organization_id, l.agent_id, l.outcome, l.detail::text AS "detail!", l.request_id,
                  l.address
           FROM audit_unsealed u JOIN audit_log l ON l.id = u.audit_id ORDER BY l.id LIMIT $1"#,
        limit
    )
    .fetch_all(connection)
    .await?)
}

/// Appends links (place, row, hash) and takes their rows off the sealer's list.
pub async fn append(connection: &mut PgConnection, links: &[(i64, i64, Hash)]) -> Result<()> {
    let seqs: Vec<i64> = links.iter().map(|link| link.0).collect();
    let ids: Vec<i64> = links.iter().map(|link| link.1).collect();
    let hashes: Vec<Vec<u8>> = links.iter().map(|link| link.2.to_vec()).collect();
    sqlx::query!(
        "INSERT INTO audit_chain (seq, audit_id, hash) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bytea[])",
        &seqs,
        &ids,
        &hashes
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("DELETE FROM audit_unsealed WHERE audit_id = ANY($1)", &ids).execute(connection).await?;
    Ok(())
}

pub async fn insert_head(connection: &mut PgConnection, head: &Head) -> Result<()> {
    sqlx::query!(
        "INSERT INTO audit_heads (seq, hash, signed_at, signature) VALUES ($1, $2, $3, $4)",
        head.seq,
        head.hash.as_slice(),
        head.signed_at,
        head.signature.as_bytes().as_slice()
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Heads after `seq`, in order.
pub async fn heads_after(connection: &mut PgConnection, seq: i64, limit: i64) -> Result<Vec<Head>> {
    sqlx::query!(
        "SELECT seq, hash, signed_at, signature FROM audit_heads WHERE seq > $1 ORDER BY seq LIMIT $2",
        seq,
        limit
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| head(row.seq, &row.hash, row.signed_at, &row.signature))
    .collect()
}

/// A link with its row, if that is still there, and the head that was signed here, if one was.
pub struct Link {
    pub seq: i64,
    pub audit_id: i64,
    pub hash: Hash,
    pub row: Option<ChainRow>,
    pub head: Option<Head>,
}

/// Everything that the verification reads is of one moment, while the server goes on writing; and it may read for long.
pub async fn freeze(connection: &mut PgConnection) -> Result<()> {
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY").execute(&mut *connection).await?;
    sqlx::query!("SET LOCAL statement_timeout = 0").execute(connection).await?;
    Ok(())
}

/// Links after `seq`, in order.
pub async fn links_after(connection: &mut PgConnection, seq: i64, limit: i64) -> Result<Vec<Link>> {
    sqlx::query!(
        r#"SELECT c.seq, c.audit_id, c.hash, l.id AS "id?", l.at AS "at?", l.actor_kind AS "actor_kind?", l.actor_id,
                  l.actor_label AS "actor_label?", l.action AS "action?", l.target_kind AS "target_kind?", l.target_id,
                  l.target_label AS "target_label?", l.organization_id, l.agent_id, l.outcome AS "outcome?",
                  l.detail::text AS "detail?", l.request_id, l.address,
                  h.hash AS "head_hash?", h.signed_at AS "signed_at?", h.signature AS "signature?"
           FROM audit_chain c LEFT JOIN audit_log l ON l.id = c.audit_id LEFT JOIN audit_heads h ON h.seq = c.seq
           WHERE c.seq > $1 ORDER BY c.seq LIMIT $2"#,
        seq,
        limit
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        let chain_row = (|| {
            Some(ChainRow {
                id: row.id?,
                at: row.at?,
                actor_kind: row.actor_kind?,
                actor_id: row.actor_id,
                actor_label: row.actor_label?,
                action: row.action?,
                target_kind: row.target_kind?,
                target_id: row.target_id,
                target_label: row.target_label?,
                organization_id: row.organization_id,
                agent_id: row.agent_id,
                outcome: row.outcome?,
                detail: row.detail?,
                request_id: row.request_id,
                address: row.address,
            })
        })();
        let head = match (row.head_hash, row.signed_at, row.signature) {
            (Some(hash), Some(at), Some(signature)) => Some(head(row.seq, &hash, at, &signature)?),
            _ => None,
        };
        Ok(Link { seq: row.seq, audit_id: row.audit_id, hash: hash(&row.hash)?, row: chain_row, head })
    })
    .collect()
}

/// What stands outside the chain.
pub struct Outside {
    /// Rows that wait for the sealer.
    pub waiting: i64,
    /// The first row that neither waits nor is in the chain: the server did not write it.
    pub foreign: Option<i64>,
    /// The first row that should wait and is gone.
    pub gone: Option<i64>,
    /// The first head beyond the end of the chain.
    pub beyond: Option<i64>,
}

pub async fn outside(connection: &mut PgConnection, last_seq: i64) -> Result<Outside> {
    Ok(sqlx::query_as!(
        Outside,
        r#"SELECT (SELECT count(*) FROM audit_unsealed) AS "waiting!",
                  (SELECT min(l.id) FROM audit_log l
                   WHERE NOT EXISTS (SELECT FROM audit_chain c WHERE c.audit_id = l.id)
                     AND NOT EXISTS (SELECT FROM audit_unsealed u WHERE u.audit_id = l.id)) AS "foreign",
                  (SELECT min(u.audit_id) FROM audit_unsealed u
                   WHERE NOT EXISTS (SELECT FROM audit_log l WHERE l.id = u.audit_id)) AS gone,
                  (SELECT min(h.seq) FROM audit_heads h WHERE h.seq > $1) AS beyond"#,
        last_seq
    )
    .fetch_one(connection)
    .await?)
}

fn hash(bytes: &[u8]) -> Result<Hash> {
    bytes.try_into().map_err(|_| Error::internal("a hash of the audit chain is not 32 bytes long"))
}

fn head(seq: i64, hash_bytes: &[u8], signed_at: DateTime<Utc>, signature: &[u8]) -> Result<Head> {
    let signature =
        signature.try_into().map_err(|_| Error::internal("an audit head's signature is not 64 bytes long"))?;
    Ok(Head { seq, hash: hash(hash_bytes)?, signed_at, signature: SignatureBytes::from_bytes(signature) })
}
