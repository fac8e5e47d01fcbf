//! Use cases of enrollment tokens.

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::{EnrollmentToken, TokenPermissions, TokenRecord, TokenState, store};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::{Action, Actor, Listing, Permission, Resource, Scope, require};
use crate::core::page::PageRequest;
use crate::core::{Error, FieldError, Result, search};
use crate::hub::bus::DashboardEvent;
use crate::organizations;
use gururmm_protocol::enroll::EnrollmentToken as TokenText;

/// Hours a token lives when nobody says.
const DEFAULT_HOURS: u32 = 72;
/// Longest life of a token, in hours (a year).
const MAX_HOURS: u32 = 8760;
/// Most machines of a bounded token.
const MAX_USES: u32 = 100_000;

/// What a new token should be.
#[derive(Debug, Clone, Default)]
pub struct NewToken {
    /// The site that machines join.
    pub site_id: Uuid,
    /// What it is for.
    pub label: Option<String>,
    /// Life in hours; none: [`DEFAULT_HOURS`].
    pub expires_in_hours: Option<u32>,
    /// Machines it may enroll; none: any number.
    pub max_uses: Option<u32>,
}

/// A new token with its secret, which is not kept.
pub struct CreatedToken {
    /// The row.
    pub token: EnrollmentToken,
    /// The token's text. It is a secret.
    pub secret: String,
    /// One line that enrolls a Linux machine. It holds the secret.
    pub install_command: String,
    /// One line for an elevated PowerShell that enrolls a Windows machine. It holds the secret.
    pub install_command_windows: String,
}

/// Makes a token.
///
/// # Errors
/// 403, 404 for the site, 422 with the fields that are wrong.
pub async fn create(app: &App, ctx: &Ctx, request: &NewToken) -> Result<CreatedToken> {
    let id = app.env.id();
    let text = TokenText::new(app.keys.server_fingerprint(), app.env.bytes());
    let target = Target::unknown("enrollment_token", "");
    let mut work = Mutation::begin(app, ctx, "enrollment_token.create", target).await?;
    let result = async {
        let site = organizations::store::site(&mut work.tx, &ctx.scope(), request.site_id).await?;
        let site = site.ok_or(Error::NotFound("site"))?;
        work.entry.organization_id = Some(site.organization_id);
        work.entry.target.label = format!("{} ({})", site.name, site.organization_name);
        require(&ctx.actor, Action::Create, Resource::EnrollmentToken(site.organization_id), "site")?;
        let (label, hours, max_uses) = check(request)?;
        // In this order, as deleting a site does: organization before site.
        let there = organizations::store::hold_organization(&mut work.tx, site.organization_id).await?
            && organizations::store::hold_site(&mut work.tx, site.id).await?;
        if !there {
            return Err(Error::NotFound("site"));
        }
        let now = app.env.now();
        let (_, created_by, created_by_label) = ctx.actor.record();
        let row = store::NewRow {
            id,
            organization_id: site.organization_id,
            site_id: site.id,
            token_hash: &text.hash(),
            label,
            created_by,
            created_by_label,
            created_at: now,
            expires_at: now + TimeDelta::hours(hours.into()),
            max_uses,
        };
        store::insert(&mut work.tx, &row).await?;
        work.entry.target.id = Some(id);
        work.note("expires_in_hours", hours);
        work.note("max_uses", max_uses);
        store::find(&mut work.tx, &ctx.scope(), id).await?.ok_or(Error::NotFound("enrollment token"))
    }
    .await;
    let token = shown(&ctx.actor, work.finish(result).await?, app.env.now());
    app.hub.bus.publish(DashboardEvent::Fleet { organization_id: token.record.organization_id }).await;
    let secret = text.reveal();
    let server = app.config.public_url();
    let install_command = install_command(server, &secret);
    let install_command_windows = install_command_windows(server, &secret);
    Ok(CreatedToken { token, secret, install_command, install_command_windows })
}

/// Tokens that the caller may see, newest first.
///
/// # Errors
/// 403 when the caller may see none of any organization.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    organization: Option<Uuid>,
    site: Option<Uuid>,
    page: &PageRequest<Uuid>,
) -> Result<Listing<EnrollmentToken>> {
    let scope = Scope::of_enrollment_tokens(&ctx.actor)?;
    let mut connection = app.db.acquire().await?;
    let rows = store::list(&mut connection, &scope, organization, site, page).await?;
    let now = app.env.now();
    let create = Permission::within(&ctx.actor, Action::Create, organization, Resource::EnrollmentToken);
    Ok(page.page(rows, |row| row.id).map(|row| shown(&ctx.actor, row, now)).with_create(create))
}

/// Ends a token; ending it again changes nothing.
///
/// # Errors
/// 403, 404.
pub async fn revoke(app: &App, ctx: &Ctx, id: Uuid) -> Result<()> {
    let target = Target::new("enrollment_token", id, "");
    let mut work = Mutation::begin(app, ctx, "enrollment_token.revoke", target).await?;
    let result = async {
        let now = app.env.now();
        let token = store::find(&mut work.tx, &ctx.scope(), id).await?;
        let token = token.ok_or(Error::NotFound("enrollment token"))?;
        work.entry.target.label = format!("{} ({})", token.site_name, token.organization_name);
        work.entry.organization_id = Some(token.organization_id);
        require(&ctx.actor, Action::Delete, Resource::EnrollmentToken(token.organization_id), "enrollment token")?;
        store::revoke(&mut work.tx, id, now).await?;
        Ok(token.organization_id)
    }
    .await;
    let organization_id = work.finish(result).await?;
    app.hub.bus.publish(DashboardEvent::Fleet { organization_id }).await;
    Ok(())
}

/// A token as this caller sees it at `now`.
fn shown(actor: &Actor, record: TokenRecord, now: DateTime<Utc>) -> EnrollmentToken {
    let resource = Resource::EnrollmentToken(record.organization_id);
    EnrollmentToken {
        state: TokenState::derive(record.revoked_at, record.expires_at, record.max_uses, record.uses, now),
        permissions: TokenPermissions { revoke: Permission::of(actor, Action::Delete, resource) },
        record,
    }
}

fn check(request: &NewToken) -> Result<(Option<&str>, u32, Option<i32>)> {
    let mut errors = Vec::new();
    let mut bad = |field: &str, message: String| errors.push(FieldError { field: field.to_owned(), message });
    let label = match request.label.as_deref().map(|label| search::name("label", label)).transpose() {
        Ok(label) => label,
        Err(error) => {
            bad("label", error.message);
            None
        }
    };
    let hours = request.expires_in_hours.unwrap_or(DEFAULT_HOURS);
    if !(1..=MAX_HOURS).contains(&hours) {
        bad("expires_in_hours", format!("must be 1 to {MAX_HOURS}"));
    }
    let max_uses = request.max_uses.map(|uses| i32::try_from(uses).unwrap_or(i32::MAX));
    if request.max_uses.is_some_and(|uses| !(1..=MAX_USES).contains(&uses)) {
        bad("max_uses", format!("must be 1 to {MAX_USES}, or null for any number"));
    }
    if errors.is_empty() { Ok((label, hours, max_uses)) } else { Err(Error::Invalid(errors)) }
}

/// The token goes through a pipe: every user of the machine can read the arguments of a running program (`printf` is
/// part of the shell). The address needs no quoting: it is a checked origin.
fn install_command(server: &str, token: &str) -> String {
    format!(
        "printf %s '{token}' | sudo gururmm-agent enroll --server {server} --token-file - && sudo gururmm-agent service install"
    )
}

/// The same for Windows PowerShell, which knows no `&&`, in the directory that holds the program.
fn install_command_windows(server: &str, token: &str) -> String {
    format!(
        r"'{token}' | .\gururmm-agent.exe enroll --server {server} --token-file -; if ($LASTEXITCODE -eq 0) {{ .\gururmm-agent.exe service install }}"
    )
}
