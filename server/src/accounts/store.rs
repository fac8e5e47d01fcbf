//! SQL of accounts.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

use super::{Membership, User};
use crate::authz::UserActor;
use crate::core::Result;

/// Whether any account exists.
pub async fn any_user(connection: &mut PgConnection) -> Result<bool> {
    Ok(sqlx::query_scalar!(r#"SELECT EXISTS (SELECT 1 FROM users) AS "any!""#).fetch_one(connection).await?)
}

/// Holds up other bootstrap attempts until this transaction ends.
pub async fn lock_bootstrap(connection: &mut PgConnection) -> Result<()> {
    sqlx::query!("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").execute(connection).await?;
    Ok(())
}

/// A new account.
pub struct NewUser<'a> {
    pub id: Uuid,
    pub email: &'a str,
    pub name: &'a str,
    pub role: crate::authz::GlobalRole,
    pub password_hash: &'a str,
    pub created_at: DateTime<Utc>,
}

pub async fn insert_user(connection: &mut PgConnection, user: &NewUser<'_>) -> Result<()> {
    sqlx::query!(
        "INSERT INTO users (id, email, name, role, password_hash, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        user.id,
        user.email,
        user.name,
        user.role.as_str(),
        user.password_hash,
        user.created_at
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// What login needs of an account.
pub struct Credentials {
    pub id: Uuid,
    pub email: String,
    pub password_hash: Option<String>,
    pub token_version: i32,
    pub disabled: bool,
}

/// The email address as accounts are looked up by it (the database folds other characters than Rust does), and the account.
pub async fn credentials(connection: &mut PgConnection, email: &str) -> Result<(String, Option<Credentials>)> {
    let folded = sqlx::query_scalar!(r#"SELECT lower($1) AS "folded!""#, email).fetch_one(&mut *connection).await?;
    let account = sqlx::query_as!(
        Credentials,
        r#"SELECT id, email, password_hash, token_version, disabled_at IS NOT NULL AS "disabled!"
           FROM users WHERE lower(email) = $1"#,
        folded
    )
    .fetch_optional(connection)
    .await?;
    Ok((folded, account))
}

/// A new session; remembers the login.
pub struct NewSession<'a> {
    pub id: Uuid,
    pub user_id: Uuid,
    pub created_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub address: Option<String>,
    pub user_agent: Option<&'a str>,
}

pub async fn insert_session(connection: &mut PgConnection, session: &NewSession<'_>) -> Result<()> {
    sqlx::query!(
        "WITH login AS (UPDATE users SET last_login_at = $3 WHERE id = $2)
         INSERT INTO user_sessions (id, user_id, created_at, expires_at, address, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6)",
        session.id,
        session.user_id,
        session.created_at,
        session.expires_at,
        session.address,
        session.user_agent
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn revoke_session(connection: &mut PgConnection, id: Uuid, at: DateTime<Utc>) -> Result<()> {
    sqlx::query!("UPDATE user_sessions SET revoked_at = coalesce(revoked_at, $2) WHERE id = $1", id, at)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets sessions that ended before `before`.
pub async fn delete_old_sessions(connection: &mut PgConnection, before: DateTime<Utc>) -> Result<()> {
    sqlx::query!("DELETE FROM user_sessions WHERE expires_at < $1", before).execute(connection).await?;
    Ok(())
}

/// A session with its user and memberships, as every request checks it: one query.
pub struct Session {
    pub actor: UserActor,
    pub token_version: i32,
    pub revoked: bool,
}

pub async fn session(connection: &mut PgConnection, session_id: Uuid, user_id: Uuid) -> Result<Option<Session>> {
    let row = sqlx::query!(
        r#"SELECT u.id, u.email, u.role, u.token_version,
                  u.disabled_at IS NOT NULL OR s.revoked_at IS NOT NULL AS "revoked!",
                  coalesce(array_agg(m.organization_id) FILTER (WHERE m.user_id IS NOT NULL), '{}') AS "organizations!: Vec<Uuid>",
                  coalesce(array_agg(m.role) FILTER (WHERE m.user_id IS NOT NULL), '{}') AS "roles!: Vec<String>"
           FROM user_sessions s JOIN users u ON u.id = s.user_id LEFT JOIN user_memberships m ON m.user_id = u.id
           WHERE s.id = $1 AND u.id = $2 GROUP BY u.id, s.id"#,
        session_id,
        user_id
    )
    .fetch_optional(connection)
    .await?;
    row.map(|row| {
        let memberships = row
            .organizations
            .into_iter()
            .zip(row.roles)
            .map(|(id, role)| Ok((id, role.parse()?)))
            .collect::<Result<_>>()?;
        Ok(Session {
            actor: UserActor { id: row.id, email: row.email, role: row.role.parse()?, memberships, session_id },
            token_version: row.token_version,
            revoked: row.revoked,
        })
    })
    .transpose()
}

/// The account as its owner sees it.
pub async fn user(connection: &mut PgConnection, id: Uuid) -> Result<Option<User>> {
    let Some(row) = sqlx::query!("SELECT id, email, name, role FROM users WHERE id = $1", id)
        .fetch_optional(&mut *connection)
        .await?
    else {
        return Ok(None);
    };
    let memberships = sqlx::query!(
        "SELECT m.organization_id, o.name, m.role FROM user_memberships m JOIN organizations o ON o.id = m.organization_id
         WHERE m.user_id = $1 ORDER BY lower(o.name)",
        id
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .map(|row| {
        Ok(Membership { organization_id: row.organization_id, organization_name: row.name, role: row.role.parse()? })
    })
    .collect::<Result<_>>()?;
    Ok(Some(User { id: row.id, email: row.email, name: row.name, role: row.role.parse()?, memberships }))
}
