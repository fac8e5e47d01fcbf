//! The list of agents as a file.

use uuid::Uuid;

use super::order::AgentSort;
use super::service;
use super::view::{AgentFilter, AgentSummary};
use crate::app::{App, Ctx};
use crate::core::Result;
use crate::core::page::{MAX_LIMIT, Page, PageRequest};
use crate::export::cell::{instant, plain, word};
use crate::export::{Column, List};

/// The agents that a filter shows, in an order.
pub struct AgentExport {
    /// Which.
    pub filter: AgentFilter,
    /// In which order.
    pub sort: AgentSort,
}

impl List for AgentExport {
    type Row = AgentSummary;
    const NAME: &'static str = "agents";
    const ACTION: &'static str = "agents.export";
    const COLUMNS: &'static [Column<AgentSummary>] = &[
        Column { name: "name", cell: |agent| agent.name.clone() },
        Column { name: "hostname", cell: |agent| agent.hostname.clone() },
        Column { name: "organization", cell: |agent| agent.organization_name.clone() },
        Column { name: "site", cell: |agent| agent.site_name.clone() },
        Column { name: "state", cell: |agent| word(Some(agent.state)) },
        Column { name: "presence", cell: |agent| word(Some(agent.presence.state)) },
        Column { name: "presence_since", cell: |agent| instant(agent.presence.since) },
        Column { name: "last_seen_at", cell: |agent| instant(agent.presence.last_seen_at) },
        Column { name: "attention", cell: attention },
        Column { name: "os_family", cell: |agent| word(agent.os_family) },
        Column { name: "os_name", cell: |agent| plain(agent.os_name.as_deref()) },
        Column { name: "machine_role", cell: |agent| word(agent.machine_role) },
        Column { name: "agent_version", cell: |agent| agent.agent_version.clone() },
        Column { name: "cpu_percent", cell: |agent| plain(agent.cpu_percent) },
        Column { name: "memory_used_bytes", cell: |agent| plain(agent.memory_used_bytes) },
        Column { name: "memory_total_bytes", cell: |agent| plain(agent.memory_total_bytes) },
        Column { name: "volume", cell: |agent| plain(agent.worst_volume.as_ref().map(|volume| &volume.mount)) },
        Column {
            name: "volume_used_bytes",
            cell: |agent| plain(agent.worst_volume.as_ref().map(|volume| volume.used_bytes)),
        },
        Column {
            name: "volume_total_bytes",
            cell: |agent| plain(agent.worst_volume.as_ref().map(|volume| volume.total_bytes)),
        },
        Column { name: "reading_at", cell: |agent| instant(agent.reading_at) },
        Column { name: "pending_reboot", cell: |agent| plain(agent.pending_reboot) },
        Column { name: "id", cell: |agent| agent.id.to_string() },
    ];

    fn organization(&self) -> Option<Uuid> {
        self.filter.organization_id
    }

    async fn page(&self, app: &App, ctx: &Ctx, cursor: Option<&str>) -> Result<Page<AgentSummary>> {
        let page = PageRequest::parse(Some(MAX_LIMIT), cursor)?;
        Ok(service::list(app, ctx, &self.filter, self.sort, &page).await?.page)
    }
}

fn attention(agent: &AgentSummary) -> String {
    agent.attention.iter().map(|each| each.words.as_str()).collect::<Vec<_>>().join("; ")
}
