//! The end of an agent's record: told to leave, refusing to, or never heard of again.

use chrono::TimeDelta;
use gururmm_protocol::envelope::{Action as Order, Refusal};
use uuid::Uuid;

use super::lifecycle::announce;
use super::service::{editable, shown};
use super::store::{self, Locked};
use super::store_decommission::{self, LastOrder};
use super::view::{Agent, AgentState};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::{Action, Actor};
use crate::commands::orders::{renew_decommission, sign_order};
use crate::commands::service::cancel_all_queued;
use crate::core::Result;
use crate::hub::bus::{AgentSignal, DashboardEvent};

/// How long an absent agent may come back and obey its order. Afterwards the record ends without it.
const ORDER_LIFE: TimeDelta = TimeDelta::days(30);
/// How often an order is signed anew that had expired by the agent's clock: then something else is wrong.
const MOST_RENEWALS: i32 = 3;
/// Most records that one pass of [`end_abandoned`] ends.
const BATCH: i64 = 100;

/// Tells an agent to leave; with `uninstall` it also removes itself from the machine. Its key is revoked when it obeys,
/// or at once where nobody could obey: it never connected, is quarantined, or has no key. Doing it again changes nothing
/// while the order waits. When the agent has refused it, the record ends without the agent; when a restored backup
/// made it void, there is a new order.
///
/// # Errors
/// 403, 404.
pub async fn decommission(app: &App, ctx: &Ctx, id: Uuid, uninstall: bool) -> Result<Agent> {
    let mut work = Mutation::begin(app, ctx, "agent.decommission", Target::new("agent", id, "")).await?;
    let result = async {
        let agent = editable(&mut work, Action::Delete, id).await?;
        work.note("uninstall", uninstall);
        let cancelled = match agent.state {
            AgentState::Decommissioned => Vec::new(),
            AgentState::Decommissioning => again(app, &mut work, &agent, uninstall).await?,
            AgentState::Active | AgentState::Quarantined => leave(app, &mut work, &agent, uninstall).await?,
        };
        Ok((shown(app, ctx, &mut work.tx, id).await?, cancelled))
    }
    .await;
    let (agent, cancelled) = work.finish(result).await?;
    announce(app, id, agent.summary.organization_id, &cancelled).await;
    app.hub.bus.signal_agent(id, AgentSignal::Work).await;
    Ok(agent)
}

async fn leave(app: &App, work: &mut Mutation<'_>, agent: &Locked, uninstall: bool) -> Result<Vec<Uuid>> {
    let now = app.env.now();
    let cancelled = cancel_all_queued(app, &mut work.tx, agent.id, "the agent was decommissioned").await?;
    work.note("cancelled_commands", cancelled.len());
    if agent.state != AgentState::Quarantined && agent.has_key && agent.has_connected {
        sign_order(app, &mut work.tx, agent.id, Order::Decommission { uninstall }, now + ORDER_LIFE).await?;
        store_decommission::set_decommissioning(&mut work.tx, agent.id, now).await?;
    } else {
        work.note("at_once", true);
        store::end(&mut work.tx, agent.id, None, now).await?;
    }
    Ok(cancelled)
}

/// An agent that was told to leave is to be told again.
async fn again(app: &App, work: &mut Mutation<'_>, agent: &Locked, uninstall: bool) -> Result<Vec<Uuid>> {
    let now = app.env.now();
    match store_decommission::last_order(&mut work.tx, agent.id, app.epoch, now).await? {
        Some(LastOrder { is_open: true, .. }) => Ok(Vec::new()),
        Some(LastOrder { is_void: false, refusal, .. }) => {
            work.note("at_once", true);
            work.note("refusal", refusal);
            store::end(&mut work.tx, agent.id, None, now).await?;
            Ok(Vec::new())
        }
        Some(LastOrder { is_void: true, .. }) | None => leave(app, work, agent, uninstall).await,
    }
}

/// Ends the records of agents that never obeyed their decommission order, when its time is over; answers how many.
///
/// # Errors
/// When the database cannot be reached.
pub async fn end_abandoned(app: &App) -> Result<usize> {
    let ctx = Ctx::system("reconcile");
    let abandoned = {
        let mut connection = app.db.acquire().await?;
        store_decommission::abandoned(&mut connection, app.env.now(), BATCH).await?
    };
    for &id in &abandoned {
        let mut work = Mutation::begin(app, &ctx, "agent.decommissioned", Target::new("agent", id, "")).await?;
        let result = async {
            let agent = editable(&mut work, Action::Delete, id).await?;
            let now = app.env.now();
            let refusal = store_decommission::last_order(&mut work.tx, id, app.epoch, now).await?;
            work.note(
                "reason",
                match refusal.and_then(|order| order.refusal) {
                    Some(refusal) => format!("the decommission order was not followed before it expired: {refusal}"),
                    None => "nobody came for the decommission order before it expired".to_owned(),
                },
            );
            store::end(&mut work.tx, id, None, now).await?;
            Ok(agent.organization_id)
        }
        .await;
        let organization_id = work.finish(result).await?;
        announce(app, id, organization_id, &[]).await;
    }
    Ok(abandoned.len())
}

/// What an agent's refusal of an envelope means for its decommission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// The envelope was no open decommission order of this agent.
    NotAnOrder,
    /// The order is done, and shown with the agent's reason.
    Closed,
    /// It was signed anew: a new session, whose clock is set anew, is given it.
    Renewed,
}

/// Takes an agent's refusal of its decommission order. One that had expired is signed anew a few times, for the agent's
/// clock is set at each connection; any other would be refused again, and waits for a person.
///
/// # Errors
/// When the database cannot be reached.
pub async fn on_refused(app: &App, agent_id: Uuid, order_id: Uuid, refusal: Refusal) -> Result<Refused> {
    let ctx = Ctx::system("agent link");
    let target = Target::new("agent", agent_id, "");
    let mut work = Mutation::begin(app, &ctx, "agent.decommission_refused", target).await?;
    let Some((name, organization_id)) = store_decommission::lock_leaving(&mut work.tx, agent_id).await? else {
        return Ok(Refused::NotAnOrder);
    };
    let Some(order) = store_decommission::open_order(&mut work.tx, agent_id, order_id).await? else {
        return Ok(Refused::NotAnOrder);
    };
    work.entry.target.label.clone_from(&name);
    work.entry.organization_id = Some(organization_id);
    work.entry.agent_id = Some(agent_id);
    work.acted_by(Actor::Agent { id: agent_id, name });
    work.note("refusal", refusal.to_string());
    let result = async {
        let now = app.env.now();
        let renewed = refusal == Refusal::Expired
            && order.renewals < MOST_RENEWALS
            && renew_decommission(app, &mut work.tx, agent_id, order_id, now + ORDER_LIFE).await?;
        if !renewed {
            store_decommission::refuse(&mut work.tx, order_id, &refusal.to_string(), now).await?;
        }
        Ok(renewed)
    }
    .await;
    if let Ok(renewed) = result {
        work.note("renewed", renewed);
    }
    let renewed = work.finish(result).await?;
    app.hub.bus.publish(DashboardEvent::Agent { agent_id, organization_id }).await;
    Ok(if renewed { Refused::Renewed } else { Refused::Closed })
}
