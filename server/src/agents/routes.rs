//! `/api/agents...`

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Deserializer};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::attention::AttentionFilter;
use super::export::AgentExport;
use super::order::AgentSort;
use super::view::{Agent, AgentCount, AgentFilter, AgentState, AgentSummary, OsFamily, PresenceState, RoleFilter};
use super::{decommission, lifecycle, service};
use crate::app::App;
use crate::authz::Listing;
use crate::core::page::PageRequest;
use crate::core::{Result, search};
use crate::export::Export;
use crate::http::csv;
use crate::http::extract::{AccessToken, Json, Path, Query, SignedIn};

/// Routes of agents.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_agents))
        .routes(routes!(count_agents))
        .routes(routes!(export_agents))
        .routes(routes!(get_agent, update_agent, decommission_agent))
        .routes(routes!(release_agent))
        .routes(routes!(merge_agent))
}

/// A query with the filters of agents, and what else it takes. Written out in each, because `serde` neither names the field
/// of a bad value nor refuses unknown ones where one structure lies in another.
macro_rules! agent_query {
    ($(#[doc = $doc:literal])* $visibility:vis $name:ident { $($more:tt)* }) => {
        $(#[doc = $doc])*
        #[derive(Debug, Deserialize, IntoParams, ToSchema)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        $visibility struct $name {
            /// Part of name, host name, operating system or address.
            q: Option<String>,
            organization_id: Option<Uuid>,
            site_id: Option<Uuid>,
            #[param(inline)]
            presence: Option<PresenceState>,
            #[param(inline)]
            os_family: Option<OsFamily>,
            #[param(inline)]
            role: Option<RoleFilter>,
            /// Without it, all but the decommissioned.
            #[param(inline)]
            state: Option<AgentState>,
            /// That need somebody: for any reason, or for this one.
            #[param(inline)]
            attention: Option<AttentionFilter>,
            $($more)*
        }

        impl $name {
            /// The filter that they make.
            ///
            /// # Errors
            /// 422 when the text to look for is no such text.
            $visibility fn filter(&self) -> Result<AgentFilter> {
                Ok(AgentFilter {
                    pattern: search::contains_pattern("q", self.q.as_deref())?,
                    organization_id: self.organization_id,
                    site_id: self.site_id,
                    presence: self.presence,
                    os_family: self.os_family,
                    role: self.role,
                    state: self.state,
                    attention: self.attention,
                })
            }
        }
    };
}

agent_query!(
    /// The filters of a list of agents.
    pub AgentTerms {}
);
agent_query!(AgentQuery {
    /// Order [name].
    #[param(inline)]
    sort: Option<AgentSort>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
});
agent_query!(AgentExportQuery {
    /// Order [name].
    #[param(inline)]
    sort: Option<AgentSort>,
    /// Names of columns with commas between [all of them].
    columns: Option<String>,
});

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct UpdateAgent {
    /// 1 to 100 characters; null: the host name again.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    display_name: Option<Option<String>>,
    /// A site of the same organization.
    #[serde(default)]
    site_id: Option<Uuid>,
    /// Null: this is another machine than the older record's, which then no longer stands here.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Uuid>)]
    duplicate_of: Option<Option<Uuid>>,
}

/// Tells `null` apart from absent.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DecommissionQuery {
    /// Also remove the agent's program and data from the machine [false].
    #[serde(default)]
    uninstall: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReleaseAgent {
    /// The machine that goes on as this agent; the others that were seen are refused for good.
    machine_id: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct MergeAgent {
    /// The older record, which goes on.
    into: Uuid,
}

/// Agents.
#[utoipa::path(get, path = "/api/agents", tag = "agents", params(AgentQuery),
    responses((status = 200, body = Listing<AgentSummary>)))]
async fn list_agents(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<AgentQuery>,
) -> Result<Json<Listing<AgentSummary>>> {
    let page = PageRequest::parse(query.limit, query.cursor.as_deref())?;
    Ok(Json(service::list(&app, &ctx, &query.filter()?, query.sort.unwrap_or_default(), &page).await?))
}

/// How many agents there are.
#[utoipa::path(get, path = "/api/agents/count", tag = "agents", params(AgentTerms),
    responses((status = 200, body = AgentCount)))]
async fn count_agents(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<AgentTerms>,
) -> Result<Json<AgentCount>> {
    Ok(Json(service::count(&app, &ctx, &query.filter()?).await?))
}

/// Agents as CSV (RFC 4180, UTF-8), at most 100,000. A file that ends before the list does says so in its last line, which
/// begins with `# incomplete`. Two at a time for each account.
#[utoipa::path(get, path = "/api/agents/export", tag = "agents", params(AgentExportQuery),
    responses((status = 200, body = String, content_type = "text/csv")))]
async fn export_agents(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    AccessToken(token): AccessToken,
    RawQuery(raw): RawQuery,
    Query(query): Query<AgentExportQuery>,
) -> Result<Response> {
    let list = AgentExport { filter: query.filter()?, sort: query.sort.unwrap_or_default() };
    Ok(csv::attachment(Export::begin(&app, &ctx, token, list, query.columns.as_deref(), raw.as_deref()).await?))
}

/// One agent.
#[utoipa::path(get, path = "/api/agents/{id}", tag = "agents", params(("id" = Uuid, Path)),
    responses((status = 200, body = Agent)))]
async fn get_agent(State(app): State<App>, SignedIn(ctx): SignedIn, Path(id): Path<Uuid>) -> Result<Json<Agent>> {
    Ok(Json(service::agent(&app, &ctx, id).await?))
}

/// Renames an agent, moves it to another site of its organization, or says that it is no duplicate.
#[utoipa::path(patch, path = "/api/agents/{id}", tag = "agents", params(("id" = Uuid, Path)),
    request_body = UpdateAgent, responses((status = 200, body = Agent)))]
async fn update_agent(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Json(body): Json<UpdateAgent>,
) -> Result<Json<Agent>> {
    let change =
        service::Change { display_name: body.display_name, site_id: body.site_id, duplicate_of: body.duplicate_of };
    Ok(Json(service::update(&app, &ctx, id, &change).await?))
}

/// Tells an agent to leave. Its history stays.
#[utoipa::path(delete, path = "/api/agents/{id}", tag = "agents", params(("id" = Uuid, Path), DecommissionQuery),
    responses((status = 202, body = Agent)))]
async fn decommission_agent(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Query(query): Query<DecommissionQuery>,
) -> Result<(StatusCode, Json<Agent>)> {
    Ok((StatusCode::ACCEPTED, Json(decommission::decommission(&app, &ctx, id, query.uninstall).await?)))
}

/// Ends a quarantine in favour of one of the machines seen.
#[utoipa::path(post, path = "/api/agents/{id}/release", tag = "agents", params(("id" = Uuid, Path)),
    request_body = ReleaseAgent, responses((status = 200, body = Agent)))]
async fn release_agent(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Json(body): Json<ReleaseAgent>,
) -> Result<Json<Agent>> {
    Ok(Json(lifecycle::release(&app, &ctx, id, &body.machine_id).await?))
}

/// Merges this record into an older one of the organization, which is answered: it goes on with this one's key.
#[utoipa::path(post, path = "/api/agents/{id}/merge", tag = "agents", params(("id" = Uuid, Path)),
    request_body = MergeAgent, responses((status = 200, body = Agent)))]
async fn merge_agent(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Path(id): Path<Uuid>,
    Json(body): Json<MergeAgent>,
) -> Result<Json<Agent>> {
    Ok(Json(lifecycle::merge(&app, &ctx, id, body.into).await?))
}
