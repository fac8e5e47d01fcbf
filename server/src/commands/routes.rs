//! `/api/commands`, `/api/agents/{id}/commands`

use std::collections::BTreeMap;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use gururmm_protocol::command::RunCommand;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::export::CommandExport;
use super::{Command, CommandFilter, CommandState, CommandSummary, Output, Program, service};
use crate::app::App;
use crate::core::Result;
use crate::core::page::{Page, PageRequest};
use crate::export::Export;
use crate::http::csv;
use crate::http::extract::{AccessToken, Json, Path, Query, SignedIn};

/// Routes of commands.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_agent_commands, create_command))
        .routes(routes!(list_commands))
        .routes(routes!(export_commands))
        .routes(routes!(get_command))
        .routes(routes!(get_command_output))
        .routes(routes!(cancel_command))
}

/// What to run on an agent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateCommand {
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
    /// How long it may wait for the agent, in seconds: 1 to 2592000.
    #[serde(default = "default_expiry")]
    expires_in_seconds: i64,
    /// Made by the caller for this order and kept while it is not known whether it was taken: sent again with the same key,
    /// it is answered with what was made of it, and not carried out twice.
    idempotency_key: Option<Uuid>,
}

pub(crate) const fn default_timeout() -> u32 {
    300
}

pub(crate) const fn default_output_limit() -> u32 {
    1024 * 1024
}

pub(crate) const fn default_expiry() -> i64 {
    86_400
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    state: Option<CommandState>,
    agent_id: Option<Uuid>,
    organization_id: Option<Uuid>,
    /// Of agents that are at this site now.
    site_id: Option<Uuid>,
    /// Rows of the page: 1 to 200 (50).
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct ExportQuery {
    state: Option<CommandState>,
    agent_id: Option<Uuid>,
    organization_id: Option<Uuid>,
    /// Of agents that are at this site now.
    site_id: Option<Uuid>,
    /// Names of columns with commas between [all of them].
    columns: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct AgentListQuery {
    state: Option<CommandState>,
    /// Rows of the page: 1 to 200 (50).
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct OutputQuery {
    /// Chunks after this index; from the start when absent.
    after: Option<u32>,
    /// Chunks of the answer: 1 to 200 (50).
    limit: Option<u32>,
}

/// Runs a command on an agent, now or when it connects.
#[utoipa::path(post, path = "/api/agents/{id}/commands", tag = "commands", params(("id" = Uuid, Path)),
    request_body = CreateCommand, responses((status = 201, body = Command)))]
async fn create_command(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(agent_id): Path<Uuid>,
    Json(body): Json<CreateCommand>,
) -> Result<(StatusCode, Json<Command>)> {
    let run = RunCommand {
        program: body.program.into(),
        timeout_seconds: body.timeout_seconds,
        output_limit_bytes: body.output_limit_bytes,
        working_directory: body.working_directory,
        environment: body.environment,
        secrets: body.secrets,
    };
    let order = service::Order { run, expires_in: body.expires_in_seconds, idempotency_key: body.idempotency_key };
    let command = service::create(&app, &ctx, agent_id, order).await?;
    Ok((StatusCode::CREATED, Json(command)))
}

/// Commands of an agent, newest first.
#[utoipa::path(get, path = "/api/agents/{id}/commands", tag = "commands",
    params(("id" = Uuid, Path), AgentListQuery), responses((status = 200, body = Page<CommandSummary>)))]
async fn list_agent_commands(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(agent_id): Path<Uuid>,
    Query(query): Query<AgentListQuery>,
) -> Result<Json<Page<CommandSummary>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    Ok(Json(service::list_of_agent(&app, &ctx, agent_id, query.state, &page).await?))
}

/// Commands of every agent in the caller's scope, newest first.
#[utoipa::path(get, path = "/api/commands", tag = "commands", params(ListQuery),
    responses((status = 200, body = Page<CommandSummary>)))]
async fn list_commands(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<ListQuery>,
) -> Result<Json<Page<CommandSummary>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    let ListQuery { state, agent_id, organization_id, site_id, .. } = query;
    let filter = CommandFilter { state, agent_id, organization_id, site_id };
    Ok(Json(service::list(&app, &ctx, &filter, &page).await?))
}

/// Commands as CSV, as for agents.
#[utoipa::path(get, path = "/api/commands/export", tag = "commands", params(ExportQuery),
    responses((status = 200, body = String, content_type = "text/csv")))]
async fn export_commands(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    AccessToken(token): AccessToken,
    RawQuery(raw): RawQuery,
    Query(query): Query<ExportQuery>,
) -> Result<Response> {
    let ExportQuery { state, agent_id, organization_id, site_id, columns } = query;
    let list = CommandExport(CommandFilter { state, agent_id, organization_id, site_id });
    Ok(csv::attachment(Export::begin(&app, &ctx, token, list, columns.as_deref(), raw.as_deref()).await?))
}

/// A command.
#[utoipa::path(get, path = "/api/commands/{id}", tag = "commands", params(("id" = Uuid, Path)),
    responses((status = 200, body = Command)))]
async fn get_command(State(app): State<App>, SignedIn(ctx): SignedIn, Path(id): Path<Uuid>) -> Result<Json<Command>> {
    Ok(Json(service::get(&app, &ctx, id).await?))
}

/// Output of a command, in order.
#[utoipa::path(get, path = "/api/commands/{id}/output", tag = "commands", params(("id" = Uuid, Path), OutputQuery),
    responses((status = 200, body = Output)))]
async fn get_command_output(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Query(query): Query<OutputQuery>,
) -> Result<Json<Output>> {
    let page = PageRequest::<u32>::parse(query.limit, None)?;
    Ok(Json(service::output(&app, &ctx, id, query.after, page.limit).await?))
}

/// Stops a command. Asking twice changes nothing; 409 when it is already over.
#[utoipa::path(post, path = "/api/commands/{id}/cancel", tag = "commands", params(("id" = Uuid, Path)),
    responses((status = 200, body = Command)))]
async fn cancel_command(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Json<Command>> {
    Ok(Json(service::cancel(&app, &ctx, id).await?))
}
