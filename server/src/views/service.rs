//! Use cases of saved views.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::store::{self, Row};
use super::{
    MAX_VIEWS, NewView, View, ViewKey, ViewListPermissions, ViewListing, ViewPage, ViewPermissions, column_errors,
    query_errors,
};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::{Action, Actor, Audience, Permission, Resource, require};
use crate::core::page::PageRequest;
use crate::core::{Error, Result, search};
use crate::organizations;

/// What a change says; a field that is none stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// New name.
    pub name: Option<String>,
    /// New parameters.
    pub query: Option<BTreeMap<String, String>>,
    /// New columns.
    pub columns: Option<Vec<String>>,
    /// Who else has it from now on.
    pub audience: Option<Audience>,
}

/// The caller's views of a page and those shared with them, by name.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(app: &App, ctx: &Ctx, page: ViewPage, request: &PageRequest<ViewKey>) -> Result<ViewListing> {
    let owner = user_id(ctx)?;
    let mut connection = app.db.acquire().await?;
    let rows = store::list(&mut connection, owner, &ctx.scope(), page, request).await?;
    let page = request.page(rows, |row| ViewKey { name: row.sort_name.clone(), id: row.id });
    let permissions = ViewListPermissions {
        share_organization: Permission::within(&ctx.actor, Action::Share, None, Resource::Organization),
        share_everyone: Permission::of(&ctx.actor, Action::Share, Resource::Installation),
    };
    Ok(ViewListing { page: page.map(|row| view_for(&ctx.actor, row)), permissions })
}

/// Saves a view.
///
/// # Errors
/// 403 or 404 when the caller may not share with these, 409 when the name is taken or there are too many, 422 naming the
/// field.
pub async fn create(app: &App, ctx: &Ctx, view: &NewView) -> Result<View> {
    let owner = user_id(ctx)?;
    let id = app.env.id();
    let mut work = Mutation::begin(app, ctx, "view.create", Target::unknown("view", &view.name)).await?;
    let result = async {
        let change = Change {
            name: Some(view.name.clone()),
            query: Some(view.query.clone()),
            columns: Some(view.columns.clone()),
            audience: Some(view.audience),
        };
        check(&change)?;
        require_share(&mut work, view.audience).await?;
        // Whoever saves two at once does so one after the other: the bound holds.
        store::lock_owner(&mut work.tx, owner).await?;
        if store::count(&mut work.tx, owner).await? >= MAX_VIEWS {
            let detail = format!("you have {MAX_VIEWS} saved views; delete one first");
            return Err(Error::conflict("too_many_views", detail));
        }
        let view = NewView { name: view.name.trim().to_owned(), ..view.clone() };
        store::insert(&mut work.tx, id, owner, &view, app.env.now()).await?;
        work.entry.target.id = Some(id);
        note(&mut work, &change);
        store::row(&mut work.tx, id).await?.ok_or(Error::NotFound("view"))
    }
    .await;
    let row = work.finish(result).await?;
    Ok(view_for(&ctx.actor, row))
}

/// Changes a view.
///
/// # Errors
/// 403, 404, 409 when the name is taken, 422 naming the field.
pub async fn update(app: &App, ctx: &Ctx, id: Uuid, change: &Change) -> Result<View> {
    let mut work = Mutation::begin(app, ctx, "view.update", Target::new("view", id, "")).await?;
    let result = async {
        let before = editable(&mut work, Action::Edit, id).await?;
        check(change)?;
        // Also when it stays as it is: what is changed reaches those who have it.
        require_share(&mut work, change.audience.unwrap_or_else(|| before.audience())).await?;
        note(&mut work, change);
        let after = NewView {
            page: before.page,
            name: change.name.as_deref().unwrap_or(&before.name).trim().to_owned(),
            query: change.query.clone().unwrap_or_else(|| before.query.0.clone()),
            columns: change.columns.clone().unwrap_or_else(|| before.columns.clone()),
            audience: change.audience.unwrap_or_else(|| before.audience()),
        };
        store::update(&mut work.tx, id, &after).await?;
        store::row(&mut work.tx, id).await?.ok_or(Error::NotFound("view"))
    }
    .await;
    let row = work.finish(result).await?;
    Ok(view_for(&ctx.actor, row))
}

/// Deletes a view.
///
/// # Errors
/// 403, 404.
pub async fn delete(app: &App, ctx: &Ctx, id: Uuid) -> Result<()> {
    let mut work = Mutation::begin(app, ctx, "view.delete", Target::new("view", id, "")).await?;
    let result = async {
        editable(&mut work, Action::Delete, id).await?;
        store::delete(&mut work.tx, id).await
    }
    .await;
    work.finish(result).await
}

/// Views are of people.
fn user_id(ctx: &Ctx) -> Result<Uuid> {
    match &ctx.actor {
        Actor::User(user) => Ok(user.id),
        _ => Err(Error::NotFound("view")),
    }
}

/// The view a mutation is about, locked, after the rights to it.
async fn editable(work: &mut Mutation<'_>, action: Action, id: Uuid) -> Result<Row> {
    let ctx = work.ctx();
    let row = store::lock(&mut work.tx, user_id(ctx)?, &ctx.scope(), id).await?.ok_or(Error::NotFound("view"))?;
    work.entry.target.label.clone_from(&row.name);
    work.entry.organization_id = row.organization_id;
    require(&ctx.actor, action, resource(&row), "view")?;
    Ok(row)
}

/// Whether the caller may share with these; holds the organization until the transaction ends.
async fn require_share(work: &mut Mutation<'_>, audience: Audience) -> Result<()> {
    let ctx = work.ctx();
    match audience {
        Audience::Nobody => Ok(()),
        Audience::Everyone => require(&ctx.actor, Action::Share, Resource::Installation, "view"),
        Audience::Organization(id) => {
            require(&ctx.actor, Action::Share, Resource::Organization(id), "organization")?;
            work.entry.organization_id = Some(id);
            let there = organizations::store::hold_organization(&mut work.tx, id).await?;
            if there { Ok(()) } else { Err(Error::NotFound("organization")) }
        }
    }
}

fn check(change: &Change) -> Result<()> {
    let name = change.name.as_deref().and_then(|name| search::name("name", name).err());
    let mut errors: Vec<_> = name.into_iter().collect();
    errors.extend(change.query.as_ref().map(query_errors).unwrap_or_default());
    errors.extend(change.columns.as_deref().map(column_errors).unwrap_or_default());
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// What of a change the audit log tells: who has it, not how it looks.
fn note(work: &mut Mutation<'_>, change: &Change) {
    if let Some(name) = &change.name {
        work.note("name", name.trim());
    }
    if let Some(audience) = change.audience {
        let shared = match audience {
            Audience::Nobody => "nobody",
            Audience::Organization(_) => "organization",
            Audience::Everyone => "everyone",
        };
        work.note("shared", shared);
    }
}

fn resource(row: &Row) -> Resource {
    Resource::SavedView { owner: row.user_id, audience: row.audience() }
}

/// A view as this caller sees it.
fn view_for(actor: &Actor, row: Row) -> View {
    View {
        permissions: ViewPermissions { edit: Permission::of(actor, Action::Edit, resource(&row)) },
        mine: matches!(actor, Actor::User(user) if user.id == row.user_id),
        id: row.id,
        page: row.page,
        name: row.name,
        query: row.query.0,
        columns: row.columns,
        shared: row.shared,
        organization_id: row.organization_id,
        owner_name: row.owner_name,
    }
}
