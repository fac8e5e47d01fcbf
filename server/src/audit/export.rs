//! The audit log as a file.

use uuid::Uuid;

use super::{AuditEntry, AuditFilter, service};
use crate::app::{App, Ctx};
use crate::core::Result;
use crate::core::page::{MAX_LIMIT, Page, PageRequest};
use crate::export::cell::{instant, plain};
use crate::export::{Column, List};

/// The rows of the log that a filter shows, newest first.
pub struct AuditExport(pub AuditFilter);

impl List for AuditExport {
    type Row = AuditEntry;
    const NAME: &'static str = "audit";
    const ACTION: &'static str = "audit.export";
    const COLUMNS: &'static [Column<AuditEntry>] = &[
        Column { name: "at", cell: |row| instant(Some(row.at)) },
        Column { name: "actor", cell: |row| row.actor.label.clone() },
        Column { name: "actor_kind", cell: |row| row.actor.kind.clone() },
        Column { name: "action", cell: |row| row.action.clone() },
        Column { name: "target", cell: |row| row.target.label.clone() },
        Column { name: "target_kind", cell: |row| row.target.kind.clone() },
        Column { name: "outcome", cell: |row| row.outcome.as_str().to_owned() },
        Column { name: "detail", cell: |row| row.detail.to_string() },
        Column { name: "organization_id", cell: |row| plain(row.organization_id) },
        Column { name: "agent_id", cell: |row| plain(row.agent_id) },
        Column { name: "address", cell: |row| plain(row.address.as_deref()) },
        Column { name: "request_id", cell: |row| plain(row.request_id.as_deref()) },
        Column { name: "sealed", cell: |row| row.sealed.to_string() },
        Column { name: "id", cell: |row| row.id.to_string() },
    ];

    fn organization(&self) -> Option<Uuid> {
        self.0.organization_id
    }

    async fn page(&self, app: &App, ctx: &Ctx, cursor: Option<&str>) -> Result<Page<AuditEntry>> {
        let page = PageRequest::parse(Some(MAX_LIMIT), cursor)?;
        service::list(app, ctx, &self.0, &page).await
    }
}
