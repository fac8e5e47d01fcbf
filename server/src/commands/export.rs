//! The list of commands as a file.

use uuid::Uuid;

use super::{CommandFilter, CommandSummary, service};
use crate::app::{App, Ctx};
use crate::core::Result;
use crate::core::page::{MAX_LIMIT, Page, PageRequest};
use crate::export::cell::{instant, plain};
use crate::export::{Column, List};

/// The commands that a filter shows, newest first.
pub struct CommandExport(pub CommandFilter);

impl List for CommandExport {
    type Row = CommandSummary;
    const NAME: &'static str = "commands";
    const ACTION: &'static str = "commands.export";
    const COLUMNS: &'static [Column<CommandSummary>] = &[
        Column { name: "created_at", cell: |row| instant(Some(row.created_at)) },
        Column { name: "agent", cell: |row| row.agent_name.clone() },
        Column { name: "summary", cell: |row| row.summary.clone() },
        Column { name: "state", cell: |row| row.state.as_str().to_owned() },
        Column { name: "exit_code", cell: |row| plain(row.exit_code) },
        Column { name: "requested_by", cell: |row| row.requested_by.clone() },
        Column { name: "sent_at", cell: |row| instant(row.sent_at) },
        Column { name: "started_at", cell: |row| instant(row.started_at) },
        Column { name: "finished_at", cell: |row| instant(row.finished_at) },
        Column { name: "expires_at", cell: |row| instant(Some(row.expires_at)) },
        Column { name: "agent_id", cell: |row| row.agent_id.to_string() },
        Column { name: "organization_id", cell: |row| row.organization_id.to_string() },
        Column { name: "id", cell: |row| row.id.to_string() },
    ];

    fn organization(&self) -> Option<Uuid> {
        self.0.organization_id
    }

    async fn page(&self, app: &App, ctx: &Ctx, cursor: Option<&str>) -> Result<Page<CommandSummary>> {
        let page = PageRequest::parse(Some(MAX_LIMIT), cursor)?;
        service::list(app, ctx, &self.0, &page).await
    }
}
