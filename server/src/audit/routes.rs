//! `/api/audit`

use axum::extract::{RawQuery, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use gururmm_protocol::instant::clamp_instant;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::export::AuditExport;
use super::{AuditEntry, AuditFilter, AuditKey, Outcome, service};
use crate::app::App;
use crate::core::page::{Page, PageRequest};
use crate::core::{Result, search};
use crate::export::Export;
use crate::http::csv;
use crate::http::extract::{AccessToken, Json, Query, SignedIn};

/// Routes of the audit log.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list_audit)).routes(routes!(export_audit))
}

/// A query with the filters of the log, and what else it takes: written out in each, as for agents.
macro_rules! audit_query {
    ($name:ident { $($more:tt)* }) => {
        #[derive(Deserialize, IntoParams)]
        #[serde(deny_unknown_fields)]
        #[into_params(parameter_in = Query)]
        struct $name {
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
            $($more)*
        }

        impl $name {
            fn filter(&self) -> Result<AuditFilter> {
                let [mut from, mut to] = [self.from, self.to];
                [from.as_mut(), to.as_mut()].into_iter().flatten().for_each(clamp_instant);
                Ok(AuditFilter {
                    action_pattern: search::prefix_pattern("action", self.action.as_deref())?,
                    actor_pattern: search::contains_pattern("actor", self.actor.as_deref())?,
                    organization_id: self.organization_id,
                    agent_id: self.agent_id,
                    outcome: self.outcome,
                    from,
                    to,
                })
            }
        }
    };
}

audit_query!(AuditQuery {
    /// Rows, 1 to 200 [50].
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
});
audit_query!(AuditExportQuery {
    /// Names of columns with commas between [all of them].
    columns: Option<String>,
});

/// The audit log, newest first: of every organization for an admin, of their own for an org_admin.
#[utoipa::path(get, path = "/api/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = Page<AuditEntry>)))]
async fn list_audit(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Page<AuditEntry>>> {
    let mut page = PageRequest::<AuditKey>::parse(query.limit, query.cursor.as_deref())?;
    page.after.iter_mut().for_each(|after| clamp_instant(&mut after.at));
    Ok(Json(service::list(&app, &ctx, &query.filter()?, &page).await?))
}

/// The audit log as CSV, as for agents.
#[utoipa::path(get, path = "/api/audit/export", tag = "audit", params(AuditExportQuery),
    responses((status = 200, body = String, content_type = "text/csv")))]
async fn export_audit(
    State(app): State<App>,
    SignedIn(ctx): SignedIn,
    AccessToken(token): AccessToken,
    RawQuery(raw): RawQuery,
    Query(query): Query<AuditExportQuery>,
) -> Result<Response> {
    let list = AuditExport(query.filter()?);
    Ok(csv::attachment(Export::begin(&app, &ctx, token, list, query.columns.as_deref(), raw.as_deref()).await?))
}
