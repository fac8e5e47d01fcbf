//! Use cases of organizations and sites.

use std::collections::HashMap;

use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, OrganizationRow, SiteRow, Sorted};
use super::{Organization, OrganizationKey, OrganizationPermissions, Site, SiteKey, SitePermissions};
use crate::agents::store_list::{Place, attention_in};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::{Action, Actor, Listing, Permission, Resource, require};
use crate::core::page::PageRequest;
use crate::core::{Error, Result, search};
use crate::hub::bus::DashboardEvent;

/// Organizations that the caller may see, by name.
///
/// # Errors
/// 422 for a bad search text.
pub async fn list_organizations(
    app: &App,
    ctx: &Ctx,
    q: Option<&str>,
    page: &PageRequest<OrganizationKey>,
) -> Result<Listing<Organization>> {
    let pattern = search::contains_pattern("q", q)?;
    let mut connection = app.db.acquire().await?;
    let rows = store::list_organizations(&mut connection, &ctx.scope(), pattern.as_deref(), page).await?;
    let rows = page.page(rows, |row| OrganizationKey { name: row.sort_name.clone(), id: row.row.id });
    let ids: Vec<_> = rows.items.iter().map(|row| row.row.id).collect();
    let attention = attention_of(app, ctx, &mut connection, Place::Organization, &ids).await?;
    let create = Permission::of(&ctx.actor, Action::Create, Resource::Installation);
    Ok(rows.map(|row| organization_for(&ctx.actor, row.row, &attention)).with_create(create))
}

/// One organization.
///
/// # Errors
/// 404 when it does not exist or is outside the caller's scope.
pub async fn organization(app: &App, ctx: &Ctx, id: Uuid) -> Result<Organization> {
    let mut connection = app.db.acquire().await?;
    let row = store::organization(&mut connection, &ctx.scope(), id).await?.ok_or(Error::NotFound("organization"))?;
    let attention = attention_of(app, ctx, &mut connection, Place::Organization, &[id]).await?;
    Ok(organization_for(&ctx.actor, row, &attention))
}

/// Makes an organization.
///
/// # Errors
/// 403 without the right, 409 when the name is taken, 422 when it is none.
pub async fn create_organization(app: &App, ctx: &Ctx, name: &str) -> Result<Organization> {
    let id = app.env.id();
    let mut work = Mutation::begin(app, ctx, "organization.create", Target::unknown("organization", "")).await?;
    let result = async {
        require(&ctx.actor, Action::Create, Resource::Installation, "organization")?;
        let name = search::name("name", name).map_err(|error| Error::Invalid(vec![error]))?;
        name.clone_into(&mut work.entry.target.label);
        store::insert_organization(&mut work.tx, id, name, app.env.now()).await?;
        (work.entry.target.id, work.entry.organization_id) = (Some(id), Some(id));
        store::organization(&mut work.tx, &ctx.scope(), id).await?.ok_or(Error::NotFound("organization"))
    }
    .await;
    let made = work.finish(result).await?;
    fleet_changed(app, id).await;
    Ok(organization_for(&ctx.actor, made, &HashMap::new()))
}

/// Renames an organization.
///
/// # Errors
/// 403, 404, 409 when the name is taken, 422 when it is none.
pub async fn rename_organization(app: &App, ctx: &Ctx, id: Uuid, name: &str) -> Result<Organization> {
    let mut work = Mutation::begin(app, ctx, "organization.rename", Target::new("organization", id, "")).await?;
    let result = async {
        let before = editable_organization(&mut work, Action::Edit, id).await?;
        let name = search::name("name", name).map_err(|error| Error::Invalid(vec![error]))?;
        work.note("name", name);
        store::rename_organization(&mut work.tx, id, name).await?;
        let attention = attention_of(app, ctx, &mut work.tx, Place::Organization, &[id]).await?;
        Ok((OrganizationRow { name: name.to_owned(), ..before }, attention))
    }
    .await;
    let (renamed, attention) = work.finish(result).await?;
    fleet_changed(app, id).await;
    Ok(organization_for(&ctx.actor, renamed, &attention))
}

/// Hides an organization with its sites, revokes its enrollment tokens and ends its memberships.
///
/// # Errors
/// 403, 404; 409 while it has agents that are not decommissioned.
pub async fn delete_organization(app: &App, ctx: &Ctx, id: Uuid) -> Result<()> {
    let mut work = Mutation::begin(app, ctx, "organization.delete", Target::new("organization", id, "")).await?;
    let result = async {
        editable_organization(&mut work, Action::Delete, id).await?;
        let now = app.env.now();
        if !store::lock_organization(&mut work.tx, id).await? {
            return Err(Error::NotFound("organization"));
        }
        store::lock_sites(&mut work.tx, id, None).await?;
        let revoked = store::revoke_tokens(&mut work.tx, id, None, now).await?;
        refuse_agents("organization", store::count_agents(&mut work.tx, id, None).await?)?;
        work.note("revoked_tokens", revoked);
        store::delete_organization(&mut work.tx, id, now).await
    }
    .await;
    work.finish(result).await?;
    fleet_changed(app, id).await;
    Ok(())
}

/// Sites that the caller may see, by organization and name; of one organization when it is given.
///
/// # Errors
/// 422 for a bad search text.
pub async fn list_sites(
    app: &App,
    ctx: &Ctx,
    organization: Option<Uuid>,
    q: Option<&str>,
    page: &PageRequest<SiteKey>,
) -> Result<Listing<Site>> {
    let pattern = search::contains_pattern("q", q)?;
    let mut connection = app.db.acquire().await?;
    let rows = store::list_sites(&mut connection, &ctx.scope(), organization, pattern.as_deref(), page).await?;
    let key = |row: &Sorted<SiteRow>| SiteKey {
        organization: row.sort_organization.clone(),
        name: row.sort_name.clone(),
        id: row.row.id,
    };
    let rows = page.page(rows, key);
    let ids: Vec<_> = rows.items.iter().map(|row| row.row.id).collect();
    let attention = attention_of(app, ctx, &mut connection, Place::Site, &ids).await?;
    let create = Permission::within(&ctx.actor, Action::Create, organization, Resource::Site);
    Ok(rows.map(|row| site_for(&ctx.actor, row.row, &attention)).with_create(create))
}

/// One site.
///
/// # Errors
/// 404 when it does not exist or is outside the caller's scope.
pub async fn site(app: &App, ctx: &Ctx, id: Uuid) -> Result<Site> {
    let mut connection = app.db.acquire().await?;
    let row = store::site(&mut connection, &ctx.scope(), id).await?.ok_or(Error::NotFound("site"))?;
    let attention = attention_of(app, ctx, &mut connection, Place::Site, &[id]).await?;
    Ok(site_for(&ctx.actor, row, &attention))
}

/// Makes a site.
///
/// # Errors
/// 403, 404 for the organization, 409 when the name is taken there, 422 when it is none.
pub async fn create_site(app: &App, ctx: &Ctx, organization: Uuid, name: &str) -> Result<Site> {
    let id = app.env.id();
    let mut work = Mutation::begin(app, ctx, "site.create", Target::unknown("site", "")).await?;
    let result = async {
        let parent = store::organization(&mut work.tx, &ctx.scope(), organization).await?;
        let parent = parent.ok_or(Error::NotFound("organization"))?;
        work.entry.organization_id = Some(organization);
        require(&ctx.actor, Action::Create, Resource::Site(organization), "organization")?;
        let name = search::name("name", name).map_err(|error| Error::Invalid(vec![error]))?;
        work.entry.target.label = format!("{name} ({})", parent.name);
        if !store::hold_organization(&mut work.tx, organization).await? {
            return Err(Error::NotFound("organization"));
        }
        store::insert_site(&mut work.tx, id, organization, name, app.env.now()).await?;
        work.entry.target.id = Some(id);
        store::site(&mut work.tx, &ctx.scope(), id).await?.ok_or(Error::NotFound("site"))
    }
    .await;
    let made = work.finish(result).await?;
    fleet_changed(app, organization).await;
    Ok(site_for(&ctx.actor, made, &HashMap::new()))
}

/// Renames a site.
///
/// # Errors
/// 403, 404, 409 when the name is taken in its organization, 422 when it is none.
pub async fn rename_site(app: &App, ctx: &Ctx, id: Uuid, name: &str) -> Result<Site> {
    let mut work = Mutation::begin(app, ctx, "site.rename", Target::new("site", id, "")).await?;
    let result = async {
        let before = editable_site(&mut work, Action::Edit, id).await?;
        let name = search::name("name", name).map_err(|error| Error::Invalid(vec![error]))?;
        work.note("name", name);
        store::rename_site(&mut work.tx, id, name).await?;
        let attention = attention_of(app, ctx, &mut work.tx, Place::Site, &[id]).await?;
        Ok((SiteRow { name: name.to_owned(), ..before }, attention))
    }
    .await;
    let (renamed, attention) = work.finish(result).await?;
    fleet_changed(app, renamed.organization_id).await;
    Ok(site_for(&ctx.actor, renamed, &attention))
}

/// Hides a site and revokes its enrollment tokens.
///
/// # Errors
/// 403, 404; 409 while it has agents that are not decommissioned.
pub async fn delete_site(app: &App, ctx: &Ctx, id: Uuid) -> Result<()> {
    let mut work = Mutation::begin(app, ctx, "site.delete", Target::new("site", id, "")).await?;
    let result = async {
        let site = editable_site(&mut work, Action::Delete, id).await?;
        let (organization, now) = (site.organization_id, app.env.now());
        if !store::lock_organization(&mut work.tx, organization).await? {
            return Err(Error::NotFound("site"));
        }
        store::lock_sites(&mut work.tx, organization, Some(id)).await?;
        let revoked = store::revoke_tokens(&mut work.tx, organization, Some(id), now).await?;
        refuse_agents("site", store::count_agents(&mut work.tx, organization, Some(id)).await?)?;
        work.note("revoked_tokens", revoked);
        store::delete_site(&mut work.tx, id, now).await?;
        Ok(organization)
    }
    .await;
    let organization = work.finish(result).await?;
    fleet_changed(app, organization).await;
    Ok(())
}

/// The organization of this name, made when there is none (command line).
///
/// # Errors
/// 403, 422.
pub async fn find_or_create_organization(app: &App, ctx: &Ctx, name: &str) -> Result<Uuid> {
    if let Some(id) = organization_by_name(app, name).await? {
        return Ok(id);
    }
    match create_organization(app, ctx, name).await {
        // Somebody else made it in between.
        Err(Error::Conflict { .. }) => organization_by_name(app, name).await?.ok_or(Error::NotFound("organization")),
        made => Ok(made?.id),
    }
}

/// The site of this name in an organization, made when there is none (command line).
///
/// # Errors
/// 403, 404 for the organization, 422.
pub async fn find_or_create_site(app: &App, ctx: &Ctx, organization: Uuid, name: &str) -> Result<Uuid> {
    if let Some(id) = site_by_name(app, organization, name).await? {
        return Ok(id);
    }
    match create_site(app, ctx, organization, name).await {
        Err(Error::Conflict { .. }) => site_by_name(app, organization, name).await?.ok_or(Error::NotFound("site")),
        made => Ok(made?.id),
    }
}

async fn organization_by_name(app: &App, name: &str) -> Result<Option<Uuid>> {
    let mut connection = app.db.acquire().await?;
    store::organization_by_name(&mut connection, name.trim()).await
}

async fn site_by_name(app: &App, organization: Uuid, name: &str) -> Result<Option<Uuid>> {
    let mut connection = app.db.acquire().await?;
    store::site_by_name(&mut connection, organization, name.trim()).await
}

/// The organization a mutation is about, after the rights to it.
async fn editable_organization(work: &mut Mutation<'_>, action: Action, id: Uuid) -> Result<OrganizationRow> {
    let ctx = work.ctx();
    let found = store::organization(&mut work.tx, &ctx.scope(), id).await?.ok_or(Error::NotFound("organization"))?;
    work.entry.target.label.clone_from(&found.name);
    work.entry.organization_id = Some(id);
    require(&ctx.actor, action, Resource::Organization(id), "organization")?;
    Ok(found)
}

/// The site a mutation is about, after the rights to it.
async fn editable_site(work: &mut Mutation<'_>, action: Action, id: Uuid) -> Result<SiteRow> {
    let ctx = work.ctx();
    let found = store::site(&mut work.tx, &ctx.scope(), id).await?.ok_or(Error::NotFound("site"))?;
    work.entry.target.label = format!("{} ({})", found.name, found.organization_name);
    work.entry.organization_id = Some(found.organization_id);
    require(&ctx.actor, action, Resource::Site(found.organization_id), "site")?;
    Ok(found)
}

/// How many agents need somebody in each of these places.
async fn attention_of(
    app: &App,
    ctx: &Ctx,
    connection: &mut PgConnection,
    place: Place,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, i64>> {
    attention_in(connection, &ctx.scope(), place, ids, app.env.now()).await
}

/// An organization as this caller sees it.
fn organization_for(actor: &Actor, row: OrganizationRow, attention: &HashMap<Uuid, i64>) -> Organization {
    let may = |action| Permission::of(actor, action, Resource::Organization(row.id));
    let permissions = OrganizationPermissions {
        edit: may(Action::Edit),
        delete: may(Action::Delete).unless(agents_left("organization", row.agent_count).as_deref()),
        enroll: Permission::of(actor, Action::Create, Resource::EnrollmentToken(row.id)),
    };
    Organization {
        id: row.id,
        name: row.name,
        created_at: row.created_at,
        site_count: row.site_count,
        agent_count: row.agent_count,
        attention_count: attention.get(&row.id).copied().unwrap_or_default(),
        permissions,
    }
}

/// A site as this caller sees it.
fn site_for(actor: &Actor, row: SiteRow, attention: &HashMap<Uuid, i64>) -> Site {
    let may = |action| Permission::of(actor, action, Resource::Site(row.organization_id));
    let permissions = SitePermissions {
        edit: may(Action::Edit),
        delete: may(Action::Delete).unless(agents_left("site", row.agent_count).as_deref()),
    };
    Site {
        id: row.id,
        organization_id: row.organization_id,
        organization_name: row.organization_name,
        name: row.name,
        created_at: row.created_at,
        agent_count: row.agent_count,
        attention_count: attention.get(&row.id).copied().unwrap_or_default(),
        permissions,
    }
}

fn refuse_agents(what: &str, agents: i64) -> Result<()> {
    agents_left(what, agents).map_or(Ok(()), |detail| Err(Error::conflict("has_agents", detail)))
}

/// What stands against deleting something with so many agents.
fn agents_left(what: &str, agents: i64) -> Option<String> {
    match agents {
        0 => None,
        1 => Some(format!("this {what} still has 1 agent; move or decommission it first")),
        _ => Some(format!("this {what} still has {agents} agents; move or decommission them first")),
    }
}

async fn fleet_changed(app: &App, organization_id: Uuid) {
    app.hub.bus.publish(DashboardEvent::Fleet { organization_id }).await;
}
