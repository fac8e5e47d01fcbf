//! `/api/runs...`

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use gururmm_protocol::command::RunCommand;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::store_agents::Filter;
use super::{MAX_AGENTS, MAX_EXCEPT, Preview, Run, RunAgent, RunAgentState, RunFilter, cancel, service};
use crate::agents::routes::AgentTerms;
use crate::agents::view::AgentSelection;
use crate::app::App;
use crate::authz::Actor;
use crate::commands::Program;
use crate::commands::routes::{default_expiry, default_output_limit, default_timeout};
use crate::core::page::{Page, PageRequest};
use crate::core::{Error, Result, search};
use crate::http::extract::{Json, Path, Query, SignedIn};

/// Routes of runs.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_runs, create_run))
        .routes(routes!(preview_run))
        .routes(routes!(get_run))
        .routes(routes!(list_run_agents))
        .routes(routes!(cancel_run))
}

/// Which agents a run is for: either these, or all that a filter finds.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RunTarget {
    /// These agents: 1 to 10000.
    agent_ids: Option<Vec<Uuid>>,
    /// All that a list with this filter shows, on all of its pages.
    filter: Option<AgentTerms>,
    /// With a filter: but not these, at most 1000.
    #[serde(default)]
    except: Vec<Uuid>,
}

impl RunTarget {
    fn selection(self) -> Result<AgentSelection> {
        match (self.agent_ids, self.filter) {
            (Some(ids), None) if !(1..=MAX_AGENTS).contains(&ids.len()) => {
                Err(Error::invalid("target.agent_ids", format!("must be 1 to {MAX_AGENTS} agents")))
            }
            (Some(_), None) if !self.except.is_empty() => {
                Err(Error::invalid("target.except", "goes with a filter; leave the agents out of agent_ids instead"))
            }
            (Some(ids), None) => Ok(AgentSelection::Agents(ids)),
            (None, Some(_)) if self.except.len() > MAX_EXCEPT => Err(Error::invalid(
                "target.except",
                format!("must be at most {MAX_EXCEPT} agents; narrow the filter down"),
            )),
            (None, Some(filter)) => Ok(AgentSelection::Matching { filter: filter.filter()?, except: self.except }),
            _ => Err(Error::invalid("target", "needs either agent_ids or filter")),
        }
    }
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PreviewRun {
    target: RunTarget,
}

/// What to run, and on which agents.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateRun {
    target: RunTarget,
    /// That of the preview.
    fingerprint: String,
    program: Program,
    /// The process tree is killed after this many seconds: 1 to 86400.
    #[serde(default = "default_timeout")]
    timeout_seconds: u32,
    /// Output beyond this many bytes is dropped: 1 to 8388608.
    #[serde(default = "default_output_limit")]
    output_limit_bytes: u32,
    /// Where it runs; the agent's own choice when absent.
    working_directory: Option<String>,
    /// Environment variables.
    #[serde(default)]
    environment: BTreeMap<String, String>,
    /// Environment variables whose values are encrypted at rest, never shown again, and cut out of the output.
    #[serde(default)]
    secrets: BTreeMap<String, String>,
    /// How long it may wait for an agent, in seconds: 1 to 2592000.
    #[serde(default = "default_expiry")]
    expires_in_seconds: i64,
    /// Made by the caller for this order and kept while it is not known whether it was taken: sent again with the same key,
    /// it is answered with what was made of it, and not carried out twice.
    idempotency_key: Option<Uuid>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct RunQuery {
    /// With agents of this organization.
    organization_id: Option<Uuid>,
    /// Only those that the caller ordered [false].
    #[serde(default)]
    mine: bool,
    /// Only those with commands that have not ended [false].
    #[serde(default)]
    open: bool,
    /// Rows of the page: 1 to 200 (50).
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct RunAgentQuery {
    /// Whose command stands so, or that got none.
    #[param(inline)]
    state: Option<RunAgentState>,
    /// Part of the name.
    q: Option<String>,
    /// Rows of the page: 1 to 200 (50).
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which agents a run would reach, and which could not take it. Changes nothing.
#[utoipa::path(post, path = "/api/runs/preview", tag = "runs", request_body = PreviewRun,
    responses((status = 200, body = Preview)))]
async fn preview_run(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Json(body): Json<PreviewRun>,
) -> Result<Json<Preview>> {
    Ok(Json(service::preview(&app, &ctx, &body.target.selection()?).await?))
}

/// Runs a command on many agents, now or when they connect. 409 `selection_changed` when they are others than those of the
/// preview; what cannot take it holds up no other.
#[utoipa::path(post, path = "/api/runs", tag = "runs", request_body = CreateRun,
    responses((status = 201, body = Run)))]
async fn create_run(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Json(body): Json<CreateRun>,
) -> Result<(StatusCode, Json<Run>)> {
    let run = RunCommand {
        program: body.program.into(),
        timeout_seconds: body.timeout_seconds,
        output_limit_bytes: body.output_limit_bytes,
        working_directory: body.working_directory,
        environment: body.environment,
        secrets: body.secrets,
    };
    let (selection, expires_in) = (body.target.selection()?, body.expires_in_seconds);
    let (fingerprint, idempotency_key) = (body.fingerprint, body.idempotency_key);
    let order = service::Order { selection, fingerprint, run, expires_in, idempotency_key };
    Ok((StatusCode::CREATED, Json(service::create(&app, &ctx, order).await?)))
}

/// Runs with agents in the caller's scope, newest first.
#[utoipa::path(get, path = "/api/runs", tag = "runs", params(RunQuery),
    responses((status = 200, body = Page<Run>)))]
async fn list_runs(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<RunQuery>,
) -> Result<Json<Page<Run>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    let requested_by = match &ctx.actor {
        Actor::User(user) if query.mine => Some(user.id),
        _ => None,
    };
    let filter = RunFilter { organization_id: query.organization_id, requested_by, open: query.open };
    Ok(Json(service::list(&app, &ctx, &filter, &page).await?))
}

/// A run.
#[utoipa::path(get, path = "/api/runs/{id}", tag = "runs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Run)))]
async fn get_run(State(app): State<App>, SignedIn(ctx): SignedIn, Path(id): Path<Uuid>) -> Result<Json<Run>> {
    Ok(Json(service::get(&app, &ctx, id).await?))
}

/// Agents of a run in the caller's scope, by name, each with its command or with why it got none.
#[utoipa::path(get, path = "/api/runs/{id}/agents", tag = "runs", params(("id" = Uuid, Path), RunAgentQuery),
    responses((status = 200, body = Page<RunAgent>)))]
async fn list_run_agents(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Query(query): Query<RunAgentQuery>,
) -> Result<Json<Page<RunAgent>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    let filter = Filter { state: query.state, pattern: search::contains_pattern("q", query.q.as_deref())? };
    Ok(Json(service::agents(&app, &ctx, id, &filter, &page).await?))
}

/// Stops what is open of a run. 409 when it is over.
#[utoipa::path(post, path = "/api/runs/{id}/cancel", tag = "runs", params(("id" = Uuid, Path)),
    responses((status = 200, body = Run)))]
async fn cancel_run(State(app): State<App>, SignedIn(ctx): SignedIn, Path(id): Path<Uuid>) -> Result<Json<Run>> {
    Ok(Json(cancel::cancel(&app, &ctx, id).await?))
}
