//! Use cases of accounts.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::store::{self, NewSession, NewUser};
use super::token::{self, Claims};
use super::{User, check_email, check_name, check_new_password, failures, password, store_failures};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::{Actor, GlobalRole, UserActor};
use crate::core::{Error, Result};

/// A successful login.
pub struct Login {
    /// The access token. It is a secret.
    pub token: String,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// Who it is for.
    pub user: User,
}

/// Whether the first account is still to be made.
///
/// # Errors
/// When the database cannot be reached.
pub async fn bootstrap_required(app: &App) -> Result<bool> {
    let mut connection = app.db.acquire().await?;
    Ok(!store::any_user(&mut connection).await?)
}

/// Makes the first account, which owns the installation. Works only while there is none.
///
/// # Errors
/// 409 when there is an account already, also under concurrent calls; 422 with the fields that are wrong.
pub async fn register(
    app: &App,
    ctx: &Ctx,
    email: &str,
    password: String,
    name: &str,
    user_agent: Option<&str>,
) -> Result<Login> {
    let (email, name) = (email.trim(), name.trim());
    app.limits.credentials(ctx.counted)?;
    let closed = || Error::conflict("bootstrap_done", "the first account exists already; ask its owner for an account");
    if !bootstrap_required(app).await? {
        return Err(closed());
    }
    let mut errors = Vec::new();
    check_email(email, &mut errors);
    check_name(name, &mut errors);
    check_new_password(&password, email, &mut errors);
    if !errors.is_empty() {
        return Err(Error::Invalid(errors));
    }
    let hash = password::hash(&app.env, ctx.counted, password).await?;
    let (id, now) = (app.env.id(), app.env.now());
    let mut work = Mutation::begin(app, ctx, "user.bootstrap", Target::new("user", id, email)).await?;
    let result = async {
        store::lock_bootstrap(&mut work.tx).await?;
        if store::any_user(&mut work.tx).await? {
            return Err(closed());
        }
        let user = NewUser { id, email, name, role: GlobalRole::DevAdmin, password_hash: &hash, created_at: now };
        store::insert_user(&mut work.tx, &user).await?;
        start_session(app, &mut work, id, 1, user_agent).await
    }
    .await;
    work.finish(result).await
}

/// Checks email and password and starts a session.
///
/// # Errors
/// 401, the same for every cause (no such account, wrong password, disabled); 429 after too many attempts.
pub async fn login(app: &App, ctx: &Ctx, email: &str, password: String, user_agent: Option<&str>) -> Result<Login> {
    let email = email.trim();
    app.limits.credentials(ctx.counted)?;
    let refused = || Error::Unauthenticated { code: "bad_credentials", detail: "email or password is wrong" };
    if email.len() > 254 || email.contains(char::is_control) || password.len() > 1024 {
        return Err(refused());
    }
    let (folded, account) = {
        // Not held while the password is hashed.
        let mut connection = app.db.acquire().await?;
        store::credentials(&mut connection, email).await?
    };
    app.limits.login(ctx.counted, &folded)?;
    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let matches = password::verify(ctx.counted, password, hash).await?;
    let account = match account {
        Some(account) if matches && !account.disabled => account,
        unfit => {
            metrics::counter!("logins_refused_total").increment(1);
            if let Some(store::Credentials { id, email, disabled, .. }) = unfit {
                failures::note(app, ctx, failures::Account { id, email, disabled });
            }
            return Err(refused());
        }
    };
    let mut work = Mutation::begin(app, ctx, "user.login", Target::new("user", account.id, &account.email)).await?;
    let result = start_session(app, &mut work, account.id, account.token_version, user_agent).await;
    work.finish(result).await
}

/// Starts a session in a mutation, which its user now acts in.
async fn start_session(
    app: &App,
    work: &mut Mutation<'_>,
    user_id: Uuid,
    token_version: i32,
    user_agent: Option<&str>,
) -> Result<Login> {
    let now = app.env.now();
    let expires_at = now + TimeDelta::hours(app.config.session_hours.into());
    let session_id = app.env.random_id();
    let user_agent = user_agent.map(|text| gururmm_protocol::text::clean_line(text, 255));
    let session = NewSession {
        id: session_id,
        user_id,
        created_at: now,
        expires_at,
        address: work.ctx().address.map(|address| address.to_string()),
        user_agent: user_agent.as_deref(),
    };
    store::insert_session(&mut work.tx, &session).await?;
    let session = store::session(&mut work.tx, session_id, user_id).await?.ok_or(Error::NotFound("user"))?;
    work.acted_by(Actor::User(session.actor));
    let claims = Claims {
        sub: user_id,
        jti: session_id,
        ver: token_version,
        epo: app.epoch,
        iat: now.timestamp(),
        exp: expires_at.timestamp(),
    };
    let token = token::issue(&app.keys.token, &claims)?;
    let user = store::user(&mut work.tx, user_id).await?.ok_or(Error::NotFound("user"))?;
    Ok(Login { token, expires_at, user })
}

/// Who an access token stands for, now.
///
/// # Errors
/// 401 when it is malformed or expired, 403 `session_revoked` when it was revoked.
pub async fn authenticate(app: &App, text: &str) -> Result<UserActor> {
    let claims = token::read(&app.keys.token, text, app.env.now())?;
    let revoked = || Error::forbidden("session_revoked", "this session was ended; sign in again");
    let mut connection = app.db.acquire().await?;
    let session = store::session(&mut connection, claims.jti, claims.sub).await?.ok_or_else(revoked)?;
    if session.revoked || session.token_version != claims.ver || app.epoch != claims.epo {
        return Err(revoked());
    }
    Ok(session.actor)
}

/// The caller's own account.
///
/// # Errors
/// 404 when the caller is no user.
pub async fn me(app: &App, ctx: &Ctx) -> Result<User> {
    let Actor::User(actor) = &ctx.actor else { return Err(Error::NotFound("user")) };
    let mut connection = app.db.acquire().await?;
    store::user(&mut connection, actor.id).await?.ok_or(Error::NotFound("user"))
}

/// Ends the caller's session: its token is refused from now on.
///
/// # Errors
/// When the database cannot be reached.
pub async fn logout(app: &App, ctx: &Ctx) -> Result<()> {
    let Actor::User(actor) = &ctx.actor else { return Err(Error::NotFound("session")) };
    let mut work = Mutation::begin(app, ctx, "user.logout", Target::new("user", actor.id, &actor.email)).await?;
    let result = store::revoke_session(&mut work.tx, actor.session_id, app.env.now()).await;
    work.finish(result).await
}

/// Forgets sessions that ended more than a month ago, and how often logins failed yesterday.
///
/// # Errors
/// When the database cannot be reached.
pub async fn forget_old_logins(app: &App) -> Result<()> {
    let mut connection = app.db.acquire().await?;
    store::delete_old_sessions(&mut connection, app.env.now() - TimeDelta::days(30)).await?;
    store_failures::delete_before(&mut connection, app.env.now() - failures::KEEP).await?;
    Ok(())
}
