//! The turns of an agent's record: release from quarantine, merge.

use uuid::Uuid;

use super::service::{editable, resource, shown};
use super::standing::SeenMachine;
use super::store::{self, Locked};
use super::view::{Agent, AgentState};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::{Action, require};
use crate::commands::service::{cancel_all_queued, give_up_outstanding};
use crate::core::{Error, Result};
use crate::hub::bus::{AgentSignal, DashboardEvent};

/// Most machine ids that a record remembers as rejected.
const MAX_REJECTED: usize = 16;
/// Why commands end that the machine of before was sent.
const MACHINE_CHANGED: &str = "another machine stands behind the agent's record now: whether this ran cannot be told";

/// Ends a quarantine: the machine that is given goes on as this agent, the others that were seen are refused for good.
///
/// # Errors
/// 403, 404, 409 when it is not quarantined, 422 when the machine was not seen.
pub async fn release(app: &App, ctx: &Ctx, id: Uuid, machine_id: &str) -> Result<Agent> {
    let mut work = Mutation::begin(app, ctx, "agent.release", Target::new("agent", id, "")).await?;
    let result = async {
        let agent = editable(&mut work, Action::Edit, id).await?;
        if agent.state != AgentState::Quarantined {
            return Err(Error::conflict("not_quarantined", "this agent is not quarantined"));
        }
        let seen = &agent.quarantine_machines.0;
        // The latest sighting: what it said last is nearest to the truth.
        let chosen = seen.iter().rev().find(|machine| machine.machine_id == machine_id);
        let chosen = chosen
            .ok_or_else(|| Error::invalid("machine_id", "must be one of the machines listed in the quarantine"))?;
        let rejected = rejected(agent.rejected_machine_ids.clone(), seen, machine_id);
        work.note("machine_id", machine_id);
        work.note("rejected", rejected.clone());
        store::release(&mut work.tx, id, chosen, &rejected, app.env.now()).await?;
        let ended = if is_the_one_on_record(&agent, chosen) {
            Vec::new()
        } else {
            store::outdate_inventory(&mut work.tx, id, app.env.now()).await?;
            give_up_outstanding(app, &mut work.tx, id, MACHINE_CHANGED).await?
        };
        work.note("unknown_commands", ended.len());
        Ok((shown(app, ctx, &mut work.tx, id).await?, ended))
    }
    .await;
    let (agent, ended) = work.finish(result).await?;
    announce(app, id, agent.summary.organization_id, &ended).await;
    Ok(agent)
}

/// Whether the chosen machine is surely the one that was sent the commands: the one on record, and no copy of it was seen.
/// Where no other machine was, the quarantine is because of a copy that says the same of itself.
fn is_the_one_on_record(agent: &Locked, chosen: &SeenMachine) -> bool {
    let seen = &agent.quarantine_machines;
    let is_same = |seen: &&SeenMachine| seen.machine_id == chosen.machine_id;
    let has_copy = seen.iter().filter(is_same).any(|seen| seen.boot_id != chosen.boot_id)
        || seen.iter().all(|seen| is_same(&seen));
    agent.machine_id == chosen.machine_id && !has_copy
}

/// The machines decided against, the latest decisions last, bounded.
fn rejected(mut before: Vec<String>, seen: &[SeenMachine], chosen: &str) -> Vec<String> {
    for machine in seen {
        before.retain(|id| *id != machine.machine_id);
        before.push(machine.machine_id.clone());
    }
    before.retain(|id| id != chosen);
    before.split_off(before.len().saturating_sub(MAX_REJECTED))
}

/// Merges a record into an older one of the same organization: the older one gets its key and goes on, this one becomes
/// history.
///
/// # Errors
/// 403, 404, 409 when their states do not allow it, 422 when `into` is not an older record of the organization.
pub async fn merge(app: &App, ctx: &Ctx, id: Uuid, into: Uuid) -> Result<Agent> {
    let mut work = Mutation::begin(app, ctx, "agent.merge", Target::new("agent", id, "")).await?;
    let result = async {
        let mut found = store::lock(&mut work.tx, &ctx.scope(), &[id, into]).await?;
        let from = take(&mut found, id).ok_or(Error::NotFound("agent"))?;
        work.entry.target.label.clone_from(&from.name);
        work.entry.organization_id = Some(from.organization_id);
        work.entry.agent_id = Some(id);
        require(&ctx.actor, Action::Edit, resource(&from), "agent")?;
        let older = take(&mut found, into).filter(|older| is_older(older, &from));
        let older = older.ok_or_else(|| Error::invalid("into", "must be an older record of the same organization"))?;
        require(&ctx.actor, Action::Edit, resource(&older), "agent")?;
        check_states(&from, &older)?;
        work.note("into", into.to_string());
        work.note("into_name", older.name);
        let now = app.env.now();
        store::move_key(&mut work.tx, id, into, now).await?;
        let cancelled = cancel_all_queued(app, &mut work.tx, id, "the agent was merged into another record").await?;
        store::end(&mut work.tx, id, Some(into), now).await?;
        store::outdate_inventory(&mut work.tx, into, now).await?;
        let ended = give_up_outstanding(app, &mut work.tx, into, MACHINE_CHANGED).await?;
        work.note("unknown_commands", ended.len());
        Ok((shown(app, ctx, &mut work.tx, into).await?, cancelled, ended))
    }
    .await;
    let (agent, cancelled, ended) = work.finish(result).await?;
    let organization_id = agent.summary.organization_id;
    announce(app, id, organization_id, &cancelled).await;
    announce(app, into, organization_id, &ended).await;
    Ok(agent)
}

fn take(found: &mut Vec<Locked>, id: Uuid) -> Option<Locked> {
    let index = found.iter().position(|agent| agent.id == id)?;
    Some(found.swap_remove(index))
}

fn is_older(older: &Locked, newer: &Locked) -> bool {
    older.organization_id == newer.organization_id && (older.enrolled_at, older.id) < (newer.enrolled_at, newer.id)
}

fn check_states(from: &Locked, older: &Locked) -> Result<()> {
    for agent in [from, older] {
        let problem = match agent.state {
            AgentState::Active => continue,
            AgentState::Quarantined => "is quarantined; release it first",
            AgentState::Decommissioning => "is being decommissioned",
            AgentState::Decommissioned => "is decommissioned",
        };
        return Err(Error::conflict("agent_state", format!("{} {problem}", agent.name)));
    }
    if from.has_key { Ok(()) } else { Err(Error::conflict("agent_state", format!("{} has no key", from.name))) }
}

/// Tells the agent's session and the dashboards, after the commit.
pub(super) async fn announce(app: &App, agent_id: Uuid, organization_id: Uuid, commands: &[Uuid]) {
    let bus = &app.hub.bus;
    bus.signal_agent(agent_id, AgentSignal::Standing).await;
    for &command_id in commands {
        bus.publish(DashboardEvent::Command { command_id, agent_id, organization_id }).await;
    }
    bus.publish(DashboardEvent::Agent { agent_id, organization_id }).await;
    bus.publish(DashboardEvent::Fleet { organization_id }).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejected_machines_are_bounded_and_never_include_the_chosen_one() {
        let seen = |id: usize| SeenMachine {
            machine_id: format!("m{id}"),
            hostname: "h".into(),
            boot_id: "b".into(),
            address: None,
            seen_at: chrono::DateTime::UNIX_EPOCH,
        };
        let machines: Vec<_> = (0..40).map(seen).collect();
        let list = rejected(vec!["old".into(), "m39".into()], &machines, "m39");
        assert_eq!(list.len(), MAX_REJECTED);
        assert_eq!(list.last().map(String::as_str), Some("m38"));
        assert!(!list.contains(&"m39".to_owned()) && !list.contains(&"old".to_owned()));
        assert_eq!(rejected(vec!["old".into()], &[seen(1), seen(1)], "m1"), ["old"]);
    }
}
