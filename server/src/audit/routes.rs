//! `/api/audit`

use axum::extract::State;
use chrono::{DateTime, Utc};
use gururmm_protocol::instant::clamp_instant;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{AuditEntry, AuditFilter, AuditKey, Outcome, service};
use crate::app::App;
use crate::core::page::{Page, PageRequest};
use crate::core::{Result, search};
use crate::http::extract::{Json, Query, SignedIn};

/// Routes of the audit log.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_audit))
}

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AuditQuery {
    /// Beginning of the action, for example `agent.`
    action: Option<String>,
    /// Part of the actor's email or name.
    actor: Option<String>,
    organization_id: Option<Uuid>,
    agent_id: Option<Uuid>,
    #[param(inline)]
    outcome: Option<Outcome>,
    /// From this instant on.
    from: Option<DateTime<Utc>>,
    /// Before this instant.
    to: Option<DateTime<Utc>>,
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The audit log, newest first: of every organization for an admin, of their own for an org_admin.
#[utoipa::path(get, path = "/api/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = Page<AuditEntry>)))]
async fn list_audit(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(mut query): Query<AuditQuery>,
) -> Result<Json<Page<AuditEntry>>> {
    let mut page = PageRequest::<AuditKey>::parse(query.limit, query.cursor.as_deref())?;
    let cursor = page.after.as_mut().map(|after| &mut after.at);
    [query.from.as_mut(), query.to.as_mut(), cursor].into_iter().flatten().for_each(clamp_instant);
    let filter = AuditFilter {
        action_pattern: search::prefix_pattern("action", query.action.as_deref())?,
        actor_pattern: search::contains_pattern("actor", query.actor.as_deref())?,
        organization_id: query.organization_id,
        agent_id: query.agent_id,
        outcome: query.outcome,
        from: query.from,
        to: query.to,
    };
    Ok(Json(service::list(&app, &ctx, &filter, &page).await?))
}
