//! Stops what is open of a run.

use uuid::Uuid;

use super::service::{Shown, part, place, read, require_any, tell};
use super::{Run, store};
use crate::app::{App, Ctx};
use crate::audit::{Mutation, Target};
use crate::authz::{Action, Permission};
use crate::commands::many;
use crate::commands::store as commands;
use crate::commands::store_link::Locked;
use crate::core::{Error, Result};

/// Stops what is open of a run on the agents that the caller may command: what waits at once, the rest by signed orders
/// to the agents. Asking again changes nothing while any is open.
///
/// # Errors
/// 404 when none of its agents is in scope, 403 when the caller may command none of those where it is open, 409 when it is
/// over.
pub async fn cancel(app: &App, ctx: &Ctx, id: Uuid) -> Result<Run> {
    let _place = place(&app.hub.cancels, &ctx.actor).await?;
    let mut work = Mutation::begin(app, ctx, "run.cancel", Target::new("run", id, "")).await?;
    let result = Box::pin(apply(app, ctx, &mut work, id)).await;
    work.finish_then(result, tell).await
}

async fn apply(app: &App, ctx: &Ctx, work: &mut Mutation<'_>, id: Uuid) -> Result<(Shown, Vec<Uuid>)> {
    let Shown { run, organizations } = read(&mut work.tx, ctx, id).await?;
    work.entry.target.label.clone_from(&run.summary);
    if let [only] = organizations.as_slice() {
        work.entry.organization_id = Some(*only);
    }
    require_any(&ctx.actor, &organizations)?;
    // The agents before their commands, as by claims and merges.
    let agents = store::open_agents(&mut work.tx, &ctx.scope(), id).await?;
    let agents = commands::lock_agents(&mut work.tx, &ctx.scope(), &agents).await?;
    let may = |agent: &commands::Agent| Permission::of(&ctx.actor, Action::Command, agent.resource());
    let allowed: Vec<Uuid> = agents.iter().filter(|agent| may(agent).allowed).map(|agent| agent.id).collect();
    if let (true, Some(reason)) = (allowed.is_empty(), agents.first().and_then(|agent| may(agent).reason)) {
        return Err(Error::forbidden("forbidden", reason));
    }
    let open = crate::commands::store_link::lock_open_of_run(&mut work.tx, id, &allowed).await?;
    if open.is_empty() {
        return Err(Error::conflict("run_over", "the run is already over"));
    }
    many::cancel(app, &mut work.tx, &open).await?;
    let fresh: Vec<&Locked> = open.iter().filter(|command| !command.facts.cancel_requested).collect();
    let told: Vec<&&Locked> = fresh.iter().filter(|command| command.facts.was_sent).collect();
    work.note("commands", fresh.len());
    work.note("ordered", told.len());
    let told = told.into_iter().map(|command| command.agent_id).collect();
    for command in fresh {
        let name = agents.binary_search_by_key(&command.agent_id, |agent| agent.id).map(|at| agents[at].name.as_str());
        work.parts.push(part(
            "command.cancel",
            command.id,
            &run.summary,
            command.agent_id,
            command.organization_id,
            |detail| {
                detail.insert("agent".into(), name.unwrap_or_default().into());
                detail.insert("run".into(), id.to_string().into());
            },
        ));
    }
    Ok((read(&mut work.tx, ctx, id).await?, told))
}
