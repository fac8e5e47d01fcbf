//! Agents: lists, one agent, its name and place.

use sqlx::PgConnection;
use uuid::Uuid;

use super::attention::AttentionReason;
use super::order::{AgentKey, AgentSort};
use super::view::{
    Agent, AgentCount, AgentFilter, AgentName, AgentPermissions, AgentState, AgentSummary, Decommission, Quarantine,
};
use super::{store, store_decommission, store_list};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::{Action, Actor, Listing, Permission, Resource, require};
use crate::core::page::PageRequest;
use crate::core::{Error, FieldError, Result, search};
use crate::hub::bus::DashboardEvent;

/// Agents that the caller may see.
///
/// # Errors
/// 422 when the cursor belongs to a list in another order.
pub async fn list(
    app: &App,
    ctx: &Ctx,
    filter: &AgentFilter,
    sort: AgentSort,
    page: &PageRequest<AgentKey>,
) -> Result<Listing<AgentSummary>> {
    if page.after.as_ref().is_some_and(|key| !key.belongs_to(sort)) {
        return Err(Error::invalid("cursor", "belongs to a list in another order; start again without it"));
    }
    let as_of = page.after.as_ref().and_then(AgentKey::as_of).unwrap_or_else(|| app.env.now());
    let mut connection = app.db.acquire().await?;
    let rows = store_list::list(&mut connection, &ctx.scope(), filter, sort, page, as_of).await?;
    // A machine is added by enrolling it.
    let create = Permission::within(&ctx.actor, Action::Create, filter.organization_id, Resource::EnrollmentToken);
    Ok(page.page(rows, |row| row.key(sort, as_of)).map(|row| row.agent).with_create(create))
}

/// How many there are.
///
/// # Errors
/// When the database cannot be reached.
pub async fn count(app: &App, ctx: &Ctx, filter: &AgentFilter) -> Result<AgentCount> {
    let mut connection = app.db.acquire().await?;
    store_list::count(&mut connection, &ctx.scope(), filter, app.env.now()).await
}

/// One agent.
///
/// # Errors
/// 404 when it does not exist or is outside the caller's scope.
pub async fn agent(app: &App, ctx: &Ctx, id: Uuid) -> Result<Agent> {
    let mut connection = app.db.acquire().await?;
    shown(app, ctx, &mut connection, id).await
}

/// One agent, as this connection sees it: in a mutation's transaction, what that has made of it.
pub(super) async fn shown(app: &App, ctx: &Ctx, connection: &mut PgConnection, id: Uuid) -> Result<Agent> {
    let summary = store_list::summary(connection, &ctx.scope(), id, app.env.now()).await?;
    let summary = summary.ok_or(Error::NotFound("agent"))?;
    let details = store::details(connection, id).await?.ok_or(Error::NotFound("agent"))?;
    let quarantine = (summary.state == AgentState::Quarantined).then(|| Quarantine {
        since: details.state_since,
        reason: details.quarantine_reason.unwrap_or_default(),
        machines: details.quarantine_machines.0,
    });
    let decommission = match summary.state {
        AgentState::Decommissioning => {
            let order = store_decommission::last_order(connection, id, app.epoch, app.env.now()).await?;
            Some(Decommission {
                since: details.state_since,
                ends_at: order.as_ref().map(|order| order.expires_at),
                refusal: order.and_then(|order| order.refusal),
            })
        }
        _ => None,
    };
    // The hint of a second enrollment is history as soon as either record has gone another way.
    let clash = summary.attention.iter().any(|attention| attention.reason == AttentionReason::Clash);
    let duplicate_of = details.duplicate_id.zip(details.duplicate_name).filter(|_| clash);
    Ok(Agent {
        permissions: permissions(&ctx.actor, &summary, decommission.as_ref()),
        summary,
        display_name: details.display_name,
        machine_id: details.machine_id,
        enrolled_at: details.enrolled_at,
        boot_id: details.boot_id,
        protocol_version: details.protocol_version,
        uptime_seconds: details.uptime_seconds,
        latest_volumes: details.volumes.map(|volumes| volumes.0).unwrap_or_default(),
        address: details.address,
        quarantine,
        decommission,
        duplicate_of: duplicate_of.map(|(id, name)| AgentName { id, name }),
        merged_into: details.merged_id.zip(details.merged_name).map(|(id, name)| AgentName { id, name }),
    })
}

/// What a change says; a field that is none stays.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// New display name; the inner none: the host name again.
    pub display_name: Option<Option<String>>,
    /// New site, of the same organization.
    pub site_id: Option<Uuid>,
    /// The inner none: it is another machine than the older record's. Nothing else can be set.
    pub duplicate_of: Option<Option<Uuid>>,
}

/// Renames an agent, moves it to another site of its organization, or says that it is no duplicate.
///
/// # Errors
/// 403, 404, 409 for a decommissioned one, 422 with the fields that are wrong.
pub async fn update(app: &App, ctx: &Ctx, id: Uuid, change: &Change) -> Result<Agent> {
    let mut work = Mutation::begin(app, ctx, "agent.update", Target::new("agent", id, "")).await?;
    let result = async {
        let agent = editable(&mut work, Action::Edit, id).await?;
        if agent.state == AgentState::Decommissioned {
            return Err(Error::conflict("decommissioned", "this agent is decommissioned: its record is history"));
        }
        apply(&mut work, &agent, change).await?;
        shown(app, ctx, &mut work.tx, id).await
    }
    .await;
    let agent = work.finish(result).await?;
    let organization_id = agent.summary.organization_id;
    app.hub.bus.publish(DashboardEvent::Agent { agent_id: id, organization_id }).await;
    app.hub.bus.publish(DashboardEvent::Fleet { organization_id }).await;
    Ok(agent)
}

async fn apply(work: &mut Mutation<'_>, agent: &store::Locked, change: &Change) -> Result<()> {
    let mut errors = Vec::new();
    if let Some(name) = &change.display_name {
        match name.as_deref().map(|name| search::name("display_name", name)).transpose() {
            Ok(name) => {
                work.note("display_name", name);
                store::set_display_name(&mut work.tx, agent.id, name).await?;
            }
            Err(error) => errors.push(error),
        }
    }
    if let Some(site) = change.site_id {
        match store::hold_site(&mut work.tx, agent.organization_id, site).await? {
            Some(name) => {
                work.note("site", name);
                store::set_site(&mut work.tx, agent.id, site).await?;
            }
            None => errors.push(FieldError {
                field: "site_id".into(),
                message: "must be a site of the agent's organization".into(),
            }),
        }
    }
    match change.duplicate_of {
        Some(None) => {
            work.note("duplicate_of", serde_json::Value::Null);
            store::clear_duplicate(&mut work.tx, agent.id).await?;
        }
        Some(Some(_)) => errors.push(FieldError {
            field: "duplicate_of".into(),
            message: "can only be null: this is another machine; otherwise merge the records".into(),
        }),
        None => {}
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
}

/// The agent a mutation is about, locked, after the rights to it.
pub(super) async fn editable(work: &mut Mutation<'_>, action: Action, id: Uuid) -> Result<store::Locked> {
    let ctx = work.ctx();
    let found = store::lock(&mut work.tx, &ctx.scope(), &[id]).await?;
    let agent = found.into_iter().next().ok_or(Error::NotFound("agent"))?;
    work.entry.target.label.clone_from(&agent.name);
    work.entry.organization_id = Some(agent.organization_id);
    work.entry.agent_id = Some(id);
    require(&ctx.actor, action, resource(&agent), "agent")?;
    Ok(agent)
}

/// What the rule book knows this agent as.
pub(super) const fn resource(agent: &store::Locked) -> Resource {
    Resource::Agent { organization: agent.organization_id, server_host: agent.server_host }
}

fn permissions(actor: &Actor, agent: &AgentSummary, decommission: Option<&Decommission>) -> AgentPermissions {
    let resource = Resource::Agent { organization: agent.organization_id, server_host: agent.server_host };
    let may = |action| Permission::of(actor, action, resource);
    let gone = (agent.state == AgentState::Decommissioned).then_some("this agent is decommissioned");
    let cut_off = (agent.state == AgentState::Quarantined)
        .then_some("this agent is quarantined: two machines use its key; release it for one of them first");
    let leaving = (agent.state == AgentState::Decommissioning).then_some("this agent is being decommissioned");
    // Whoever sees that the agent refuses to leave decides again.
    let waiting = leaving.filter(|_| decommission.is_none_or(|told| told.refusal.is_none()));
    AgentPermissions {
        command: may(Action::Command).unless(gone).unless(leaving).unless(cut_off),
        edit: may(Action::Edit).unless(gone),
        decommission: may(Action::Delete).unless(gone).unless(waiting),
    }
}
