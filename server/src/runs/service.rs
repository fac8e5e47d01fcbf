//! Use cases of runs.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::command::{RunCommand, summary};
use sqlx::PgConnection;
use uuid::Uuid;

use super::store::{self, NewAgent, NewRun};
use super::store_agents::{self, Filter};
use super::store_list::{self, Found};
use super::target::{self, Meant};
use super::{MAX_BYTES, Preview, Run, RunAgent, RunAgentKey, RunFilter, RunPermissions};
use crate::agents::view::AgentSelection;
use crate::app::{App, Ctx};
use crate::audit::{Entry, Mutation, Target};
use crate::authz::{Action, Actor, Permission, Resource};
use crate::commands::admission;
use crate::commands::idempotency::{self, Made};
use crate::commands::many::{self, Ordered};
use crate::commands::store::{self as commands, Agent};
use crate::core::page::{Page, PageRequest};
use crate::core::places::{Place, Places};
use crate::core::{Error, Result};
use crate::hub::bus::{AgentSignal, DashboardEvent};

/// Agents that are told at once that there is something for them, and how long until the next: each of their sessions then
/// asks the database for it.
const SIGNALS_AT_ONCE: usize = 100;
const SIGNAL_PAUSE: Duration = Duration::from_millis(50);

/// What a run would do. Writes nothing.
///
/// # Errors
/// 403 when the caller may command none of the agents, 404 when none of those named is in scope, 422 when there are too
/// many.
pub async fn preview(app: &App, ctx: &Ctx, selection: &AgentSelection) -> Result<Preview> {
    let mut connection = app.db.acquire().await?;
    let ids = target::resolve(app, ctx, &mut connection, selection).await?;
    let agents = commands::agents(&mut connection, &ids).await?;
    let meant = target::assess(&ctx.actor, &mut connection, agents).await?;
    target::preview(app, &mut connection, meant).await
}

/// What is ordered.
#[derive(Debug, Clone)]
pub struct Order {
    /// For which agents.
    pub selection: AgentSelection,
    /// What their preview was.
    pub fingerprint: String,
    /// What they are to run.
    pub run: RunCommand,
    /// How long it may wait for an agent, in seconds.
    pub expires_in: i64,
    /// By which it is recognised when it is sent again.
    pub idempotency_key: Option<Uuid>,
}

/// Orders a command for every agent that was previewed and can take it. It is durable when this returns. Sent again, it is
/// answered with the run that was made of it, and leaves no second trace in the audit log.
///
/// # Errors
/// As [`preview`]; 409 when the agents are others than those previewed or something else was ordered with the same key,
/// 422 naming the field, or when none can take it.
pub async fn create(app: &App, ctx: &Ctx, order: Order) -> Result<Run> {
    let title = summary(&order.run.program);
    let _place = place(&app.hub.runs, &ctx.actor).await?;
    let mut work = Mutation::begin(app, ctx, "run.create", Target::unknown("run", &title)).await?;
    let id = app.env.id();
    // The fingerprint stands for the agents, however they were selected.
    let meaning = ("run", &order.fingerprint, &order.run, order.expires_in);
    match idempotency::claim(app, ctx, &mut work.tx, order.idempotency_key, &meaning, Made::Run(id)).await {
        Ok(None) => {}
        Ok(Some(earlier)) => return Ok(read(&mut work.tx, ctx, earlier).await?.run),
        Err(error) => return work.finish(Err(error)).await,
    }
    let result = Box::pin(make(app, ctx, &mut work, (id, &title), order)).await;
    work.finish_then(result, tell).await
}

/// Tells of a run that was made or cancelled: the dashboards, and the sessions of these agents.
pub(super) async fn tell(app: App, (run, agents): (Shown, Vec<Uuid>)) -> Run {
    publish(&app, run.run.id, &run.organizations).await;
    signal(&app, agents).await;
    run.run
}

/// The right to order something of many agents: few at a time, as each holds all of its agents' rows and its commands in
/// memory. Who may command nothing needs none: that is refused before.
pub(super) async fn place(places: &Places, actor: &Actor) -> Result<Option<Place>> {
    let agent = |organization| Resource::Agent { organization, server_host: false };
    match actor.record() {
        (_, Some(account), _) if Permission::within(actor, Action::Command, None, agent).allowed => {
            places.take(account).await.map(Some)
        }
        _ => Ok(None),
    }
}

async fn make(
    app: &App,
    ctx: &Ctx,
    work: &mut Mutation<'_>,
    (id, title): (Uuid, &str),
    order: Order,
) -> Result<(Shown, Vec<Uuid>)> {
    let ids = target::resolve(app, ctx, &mut work.tx, &order.selection).await?;
    work.note("agents", ids.len());
    // All that can be refused is refused before anything is locked: others wait for these agents meanwhile.
    let agents = commands::agents(&mut work.tx, &ids).await?;
    let organizations: BTreeSet<Uuid> = agents.iter().map(|agent| agent.organization_id).collect();
    if organizations.len() == 1 {
        work.entry.organization_id = organizations.first().copied();
    }
    let meant = target::assess(&ctx.actor, &mut work.tx, agents).await?;
    admission::check(&order.run, order.expires_in)?;
    work.note("secret_names", order.run.secrets.keys().cloned().collect::<Vec<_>>());
    if target::fingerprint(&ids) != order.fingerprint {
        let detail = "the agents that are meant are others now than in the preview; look at it again";
        return Err(Error::conflict("selection_changed", detail));
    }
    check_room(&meant, meant.iter().filter(|meant| meant.refusal.is_none()).count(), &order.run)?;
    // Looked at again, now that nobody changes them.
    let agents = commands::lock_agents(&mut work.tx, &ctx.scope(), &ids).await?;
    let meant = target::assess(&ctx.actor, &mut work.tx, agents).await?;
    let ready: Vec<&Agent> = meant.iter().filter(|meant| meant.refusal.is_none()).map(|meant| &meant.agent).collect();
    check_room(&meant, ready.len(), &order.run)?;
    let created_at = app.env.now();
    let expires_at = created_at + TimeDelta::seconds(order.expires_in);
    let (_, requested_by, requested_by_label) = ctx.actor.record();
    let spec = serde_json::to_value(order.run.redacted()).map_err(Error::internal)?;
    let secret_names: Vec<_> = order.run.secrets.keys().cloned().collect();
    let total = meant.len();
    let new =
        NewRun { id, summary: title, spec: &spec, requested_by, requested_by_label, created_at, expires_at, total };
    store::insert(&mut work.tx, &new).await?;
    let ordered = Ordered { title, run: order.run, expires_at, run_id: Some(id) };
    let made: Vec<(Uuid, &Agent)> = ready.iter().map(|agent| (app.env.id(), *agent)).collect();
    many::make(app, ctx, &mut work.tx, &made, &ordered).await?;
    store::insert_agents(&mut work.tx, id, &outcomes(&meant, &made)).await?;
    work.entry.target.id = Some(id);
    work.note("commands", ready.len());
    work.note("refused_agents", meant.len() - ready.len());
    for &(command, agent) in &made {
        work.parts.push(part("command.create", command, title, agent.id, agent.organization_id, |detail| {
            detail.insert("agent".into(), agent.name.as_str().into());
            detail.insert("secret_names".into(), secret_names.clone().into());
            detail.insert("run".into(), id.to_string().into());
        }));
    }
    let agents = ready.iter().map(|agent| agent.id).collect();
    // Read before the commit: after it, nothing may fail that would invite the caller to order the same again.
    Ok((read(&mut work.tx, ctx, id).await?, agents))
}

/// The audit row of one command of a run.
pub(super) fn part(
    action: &'static str,
    command: Uuid,
    title: &str,
    agent_id: Uuid,
    organization_id: Uuid,
    fill: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>),
) -> Entry {
    let mut detail = serde_json::Map::new();
    fill(&mut detail);
    let target = Target::new("command", command, title);
    Entry { action, target, organization_id: Some(organization_id), agent_id: Some(agent_id), detail }
}

/// Whether anybody is there to take it, and whether so many can.
fn check_room(meant: &[Meant], ready: usize, run: &RunCommand) -> Result<()> {
    if ready == 0 {
        let refusals = target::refusals(meant);
        let why = refusals.first().map_or_else(|| "it means no agent".to_owned(), |refusal| refusal.words.clone());
        return Err(Error::invalid("target", format!("none of the agents can take it: {why}")));
    }
    let bytes = serde_json::to_vec(run).map_err(Error::internal)?.len();
    if bytes.saturating_mul(ready) > MAX_BYTES {
        let problem = format!(
            "is {bytes} bytes long with everything in it, which for {ready} agents is over {} MiB; shorten it, or order it \
             in parts",
            MAX_BYTES / 1024 / 1024
        );
        return Err(Error::invalid("program", problem));
    }
    Ok(())
}

/// Each agent with its command or with why it got none; `made` are the commands of those that got one, in their order.
fn outcomes<'a>(meant: &'a [Meant], made: &[(Uuid, &Agent)]) -> Vec<NewAgent<'a>> {
    let mut made = made.iter().map(|(command, _)| *command);
    let outcome = |meant: &'a Meant| {
        let outcome = match &meant.refusal {
            Some(refusal) => Err(refusal),
            None => Ok(made.next()?),
        };
        let Agent { id, organization_id, ref sort_name, .. } = meant.agent;
        Some(NewAgent { agent_id: id, organization_id, sort_name, outcome })
    };
    meant.iter().filter_map(outcome).collect()
}

/// Tells open dashboards of each of these organizations.
async fn publish(app: &App, run_id: Uuid, organizations: &[Uuid]) {
    for &organization_id in organizations {
        app.hub.bus.publish(DashboardEvent::Run { run_id, organization_id }).await;
    }
}

/// Tells the sessions of these agents that there is something for them: the first at once, the others a little later.
async fn signal(app: &App, agents: Vec<Uuid>) {
    let wake = |app: App, agents: Vec<Uuid>| async move {
        for agent in agents {
            app.hub.bus.signal_agent(agent, AgentSignal::Work).await;
        }
    };
    let mut chunks = agents.chunks(SIGNALS_AT_ONCE).map(<[Uuid]>::to_vec).collect::<Vec<_>>().into_iter();
    wake(app.clone(), chunks.next().unwrap_or_default()).await;
    let app = app.clone();
    if chunks.len() > 0 {
        // What is lost when the server stops meanwhile is found by the recheck of the sessions.
        tokio::spawn(async move {
            for chunk in chunks {
                tokio::time::sleep(SIGNAL_PAUSE).await;
                wake(app.clone(), chunk).await;
            }
        });
    }
}

/// A run.
///
/// # Errors
/// 404 when none of its agents is in scope.
pub async fn get(app: &App, ctx: &Ctx, id: Uuid) -> Result<Run> {
    let mut connection = app.db.acquire().await?;
    Ok(read(&mut connection, ctx, id).await?.run)
}

/// A run and the organizations in scope that it concerns.
pub(super) struct Shown {
    pub run: Run,
    pub organizations: Vec<Uuid>,
}

pub(super) async fn read(connection: &mut PgConnection, ctx: &Ctx, id: Uuid) -> Result<Shown> {
    let found = store_list::found(connection, &ctx.scope(), &[id]).await?.pop().ok_or(Error::NotFound("run"))?;
    let organizations = found.organizations.clone();
    Ok(Shown { run: shown(found, &ctx.actor), organizations })
}

fn shown(found: Found, actor: &Actor) -> Run {
    let is_open = found.counts.open() > 0;
    let obstacle = (!is_open).then_some("the run is already over");
    Run {
        id: found.id,
        summary: found.summary,
        requested_by: found.requested_by_label,
        created_at: found.created_at,
        expires_at: found.expires_at,
        total: found.total,
        counts: found.counts,
        // Where every agent was refused there is nothing to wait for.
        ended_at: (!is_open).then(|| found.last_end.unwrap_or(found.created_at)),
        program: found.spec.program.into(),
        timeout_seconds: found.spec.timeout_seconds,
        output_limit_bytes: found.spec.output_limit_bytes,
        working_directory: found.spec.working_directory,
        environment: found.spec.environment,
        secret_names: found.spec.secrets.into_keys().collect(),
        permissions: RunPermissions {
            cancel: may_cancel(actor, &found.organizations, found.on_host_only).unless(obstacle),
        },
    }
}

/// Whether the caller may command agents of any of these organizations; `server_host`: there are none but the server's own host.
fn may_cancel(actor: &Actor, organizations: &[Uuid], server_host: bool) -> Permission {
    let of = |organization: &Uuid| {
        let resource = Resource::Agent { organization: *organization, server_host };
        Permission::of(actor, Action::Command, resource)
    };
    let mut all = organizations.iter().map(of);
    let first = all.next().unwrap_or_else(|| Permission::denied("not found"));
    all.fold(first, |best, next| if best.allowed { best } else { next })
}

/// Refuses whoever may command agents of none of these organizations.
pub(super) fn require_any(actor: &Actor, organizations: &[Uuid]) -> Result<()> {
    match may_cancel(actor, organizations, false).reason {
        Some(reason) => Err(Error::forbidden("forbidden", reason)),
        None => Ok(()),
    }
}

/// Runs within the scope, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(app: &App, ctx: &Ctx, filter: &RunFilter, page: &PageRequest<Uuid>) -> Result<Page<Run>> {
    let mut connection = app.db.acquire().await?;
    let ids = store_list::page(&mut connection, &ctx.scope(), filter, page).await?;
    let ids = page.page(ids, |id| *id);
    let items = shown_all(&mut connection, ctx, &ids.items).await?;
    Ok(Page { items, next_cursor: ids.next_cursor })
}

/// These runs, in this order.
pub(super) async fn shown_all(connection: &mut PgConnection, ctx: &Ctx, ids: &[Uuid]) -> Result<Vec<Run>> {
    let found = store_list::found(connection, &ctx.scope(), ids).await?;
    let mut runs: HashMap<Uuid, Run> = found.into_iter().map(|run| (run.id, shown(run, &ctx.actor))).collect();
    Ok(ids.iter().filter_map(|id| runs.remove(id)).collect())
}

/// Agents of a run within the scope, by name.
///
/// # Errors
/// 404 when there are none of the run.
pub async fn agents(
    app: &App,
    ctx: &Ctx,
    id: Uuid,
    filter: &Filter,
    page: &PageRequest<RunAgentKey>,
) -> Result<Page<RunAgent>> {
    let mut connection = app.db.acquire().await?;
    if !store_agents::visible(&mut connection, &ctx.scope(), id).await? {
        return Err(Error::NotFound("run"));
    }
    let rows = store_agents::page(&mut connection, &ctx.scope(), id, filter, page).await?;
    Ok(page.page(rows, |row| RunAgentKey(row.sort_name.clone(), row.agent.agent_id)).map(|row| row.agent))
}
