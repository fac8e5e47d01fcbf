//! What lists of agents are sorted by, and where their pages follow on. (The same as SQL is `store_order`.)

use chrono::{DateTime, Utc};
use gururmm_protocol::instant::clamp_instant;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Order of a list of agents; the id breaks ties in the same direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub enum AgentSort {
    /// By name.
    #[default]
    #[serde(rename = "name")]
    Name,
    /// By name, from the end.
    #[serde(rename = "-name")]
    NameDescending,
    /// Longest unseen first; never seen before all.
    #[serde(rename = "last_seen")]
    LastSeen,
    /// Latest seen first.
    #[serde(rename = "-last_seen")]
    LastSeenDescending,
    /// By organization and name.
    #[serde(rename = "organization")]
    Organization,
    /// By organization and name, from the end.
    #[serde(rename = "-organization")]
    OrganizationDescending,
    /// By the share of the fullest volume at the latest reading, the emptiest first. Here, as in the next ones, agents
    /// without a reading come last in both directions.
    #[serde(rename = "volume")]
    Volume,
    /// The fullest volume first.
    #[serde(rename = "-volume")]
    VolumeDescending,
    /// Those that need somebody first: by the severity of their worst reason, then domain controllers, servers and all others,
    /// then by the reason and by name. Later pages are judged as of the first one.
    #[serde(rename = "attention")]
    Attention,
    /// Those that need nobody first.
    #[serde(rename = "-attention")]
    AttentionDescending,
    /// By CPU use at the latest reading, the least first.
    #[serde(rename = "cpu")]
    Cpu,
    /// The most CPU use first.
    #[serde(rename = "-cpu")]
    CpuDescending,
    /// By the share of memory in use at the latest reading, the least first.
    #[serde(rename = "memory")]
    Memory,
    /// The most memory in use first.
    #[serde(rename = "-memory")]
    MemoryDescending,
}

impl AgentSort {
    /// Whether it runs from the end.
    #[must_use]
    pub const fn descends(self) -> bool {
        matches!(
            self,
            Self::NameDescending
                | Self::LastSeenDescending
                | Self::OrganizationDescending
                | Self::AttentionDescending
                | Self::VolumeDescending
                | Self::CpuDescending
                | Self::MemoryDescending
        )
    }
}

/// Where a page of agents follows on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentKey {
    /// Of a list by name.
    Name(String, Uuid),
    /// Of a list by last proof of life, microseconds since 1970; 0 for never.
    LastSeen(i64, Uuid),
    /// Of a list by organization and name.
    Organization(String, String, Uuid),
    /// Of a list by urgency: when the first page was made, the number of `store_attention::push_urgency`, the name and the id.
    /// Being missed is also a matter of time: judged as of one instant, no row moves while somebody turns the pages.
    Attention(DateTime<Utc>, i64, String, Uuid),
    /// Of a list by the fullest volume, parts of a million.
    Volume(i64, Uuid),
    /// Of a list by CPU use, thousandths of a percent.
    Cpu(i64, Uuid),
    /// Of a list by memory in use, parts of a million.
    Memory(i64, Uuid),
}

impl AgentKey {
    /// Whether a list in this order goes on there.
    #[must_use]
    pub const fn belongs_to(&self, sort: AgentSort) -> bool {
        matches!(
            (self, sort),
            (Self::Name(..), AgentSort::Name | AgentSort::NameDescending)
                | (Self::LastSeen(..), AgentSort::LastSeen | AgentSort::LastSeenDescending)
                | (Self::Organization(..), AgentSort::Organization | AgentSort::OrganizationDescending)
                | (Self::Attention(..), AgentSort::Attention | AgentSort::AttentionDescending)
                | (Self::Volume(..), AgentSort::Volume | AgentSort::VolumeDescending)
                | (Self::Cpu(..), AgentSort::Cpu | AgentSort::CpuDescending)
                | (Self::Memory(..), AgentSort::Memory | AgentSort::MemoryDescending)
        )
    }

    /// The instant as of which the list is judged; none where each page is judged as of its own.
    #[must_use]
    pub fn as_of(&self) -> Option<DateTime<Utc>> {
        let Self::Attention(mut at, ..) = *self else { return None };
        clamp_instant(&mut at);
        Some(at)
    }
}
