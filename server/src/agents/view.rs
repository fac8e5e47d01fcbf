//! Agents as people see them, and what lists of them can be filtered and sorted by.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::attention::{Attention, AttentionFilter};
use super::standing::SeenMachine;
use crate::authz::Permission;
use crate::inventory::VolumeUse;

/// State of an agent's record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AgentState {
    /// In use.
    Active,
    /// Two machines use its key: cut off until a technician decides.
    Quarantined,
    /// Told to leave, and has not confirmed yet.
    Decommissioning,
    /// Gone; the record is history.
    Decommissioned,
}

/// Whether an agent is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum PresenceState {
    /// Connected, with a recent proof.
    Online,
    /// The server that held its connection went away a moment ago.
    Reconnecting,
    /// Not connected.
    Offline,
    /// Enrolled, and never connected.
    Never,
}

/// Kind of operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum OsFamily {
    /// Microsoft Windows.
    Windows,
    /// Linux.
    Linux,
    /// Anything else.
    Other,
}

/// What a machine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum MachineRole {
    /// A person's machine.
    Workstation,
    /// A server.
    Server,
    /// A domain controller.
    DomainController,
    /// Cannot be told.
    Unknown,
}

/// What the machines of a list are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoleFilter {
    /// A server or a domain controller.
    AnyServer,
    /// A domain controller.
    DomainController,
    /// A server that is no domain controller.
    Server,
    /// A person's machine.
    Workstation,
    /// Cannot be told, or was not told yet.
    Unknown,
}

impl RoleFilter {
    /// The roles of which a machine has one.
    #[must_use]
    pub const fn roles(self) -> &'static [MachineRole] {
        match self {
            Self::AnyServer => &[MachineRole::Server, MachineRole::DomainController],
            Self::DomainController => &[MachineRole::DomainController],
            Self::Server => &[MachineRole::Server],
            Self::Workstation => &[MachineRole::Workstation],
            Self::Unknown => &[MachineRole::Unknown],
        }
    }
}

/// Whether an agent is connected, and since when.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Presence {
    /// The state.
    pub state: PresenceState,
    /// Since when; null: never connected.
    pub since: Option<DateTime<Utc>>,
    /// The last proof of life.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// An agent as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgentSummary {
    /// Id.
    pub id: Uuid,
    /// Display name, or host name where there is none.
    pub name: String,
    /// Host name.
    pub hostname: String,
    /// Its organization.
    pub organization_id: Uuid,
    /// The organization's name.
    pub organization_name: String,
    /// Its site.
    pub site_id: Uuid,
    /// The site's name.
    pub site_name: String,
    /// State of the record.
    pub state: AgentState,
    /// Whether it is connected.
    pub presence: Presence,
    /// Kind of operating system, once reported.
    pub os_family: Option<OsFamily>,
    /// Name of the operating system.
    pub os_name: Option<String>,
    /// What the machine is for.
    pub machine_role: Option<MachineRole>,
    /// Version of the agent.
    pub agent_version: String,
    /// CPU use, 0 to 100, of the latest reading.
    pub cpu_percent: Option<f32>,
    /// Memory in use.
    pub memory_used_bytes: Option<i64>,
    /// Memory in all.
    pub memory_total_bytes: Option<i64>,
    /// The fullest volume, by share.
    pub worst_volume: Option<VolumeUse>,
    /// When the latest reading was taken.
    pub reading_at: Option<DateTime<Utc>>,
    /// Whether the machine waits for a restart; null: cannot be told.
    pub pending_reboot: Option<bool>,
    /// It runs on the server's own host: only the owner of the installation may act on it.
    pub server_host: bool,
    /// Why it needs somebody, the most urgent first; empty when it does not.
    pub attention: Vec<Attention>,
}

/// An agent, whole.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Agent {
    /// What lists show.
    #[serde(flatten)]
    pub summary: AgentSummary,
    /// Name given by people; null: the host name stands for it.
    pub display_name: Option<String>,
    /// What the machine says it is: evidence, no identity.
    pub machine_id: String,
    /// When it enrolled.
    pub enrolled_at: DateTime<Utc>,
    /// Changes with every start of the machine.
    pub boot_id: String,
    /// Protocol it speaks.
    pub protocol_version: Option<i32>,
    /// Seconds since the machine started, at the latest reading.
    pub uptime_seconds: Option<i64>,
    /// Every volume of the latest reading.
    pub latest_volumes: Vec<VolumeUse>,
    /// Where its connection came from.
    pub address: Option<String>,
    /// Why it is cut off, while it is.
    pub quarantine: Option<Quarantine>,
    /// How its leaving stands, while it is being decommissioned.
    pub decommission: Option<Decommission>,
    /// An older record that seems to be the same machine.
    pub duplicate_of: Option<AgentName>,
    /// The record that it was merged into.
    pub merged_into: Option<AgentName>,
    /// What the caller may do with it.
    pub permissions: AgentPermissions,
}

/// An agent by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgentName {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
}

/// Why an agent is cut off.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Quarantine {
    /// Since when.
    pub since: DateTime<Utc>,
    /// Why.
    pub reason: String,
    /// The machines that used its key.
    pub machines: Vec<SeenMachine>,
}

/// How an agent's leaving stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Decommission {
    /// Since when it is told to leave.
    pub since: DateTime<Utc>,
    /// When the record ends even if the agent has not obeyed.
    pub ends_at: Option<DateTime<Utc>>,
    /// Why it will not obey: it refused the order, or a restored backup made that void. Decommissioning it again ends the
    /// record at once, or gives a new order where the old one is void.
    pub refusal: Option<String>,
}

/// What the caller may do with an agent.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AgentPermissions {
    /// Run commands on it.
    pub command: Permission,
    /// Rename, move, release, merge.
    pub edit: Permission,
    /// Decommission it.
    pub decommission: Permission,
}

/// How many agents there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgentCount {
    /// All that match.
    pub total: i64,
    /// Of these: connected.
    pub online: i64,
    /// Of these: not connected.
    pub offline: i64,
    /// Of these: their server went away a moment ago.
    pub reconnecting: i64,
    /// Of these: never connected.
    pub never: i64,
    /// Of these: quarantined, whatever their presence.
    pub quarantined: i64,
    /// Of these: that need somebody.
    pub attention: i64,
}

/// Which agents a list is about. Decommissioned ones only when `state` asks for them.
#[derive(Debug, Clone, Default)]
pub struct AgentFilter {
    /// Pattern over name, host name, operating system and address.
    pub pattern: Option<String>,
    /// Of this organization.
    pub organization_id: Option<Uuid>,
    /// Of this site.
    pub site_id: Option<Uuid>,
    /// With this presence.
    pub presence: Option<PresenceState>,
    /// With this kind of operating system.
    pub os_family: Option<OsFamily>,
    /// For this purpose.
    pub role: Option<RoleFilter>,
    /// In this state.
    pub state: Option<AgentState>,
    /// That need somebody.
    pub attention: Option<AttentionFilter>,
}

/// Which agents something is to be done to.
#[derive(Debug, Clone)]
pub enum AgentSelection {
    /// These, in whatever state.
    Agents(Vec<Uuid>),
    /// All that a list with this filter shows, on all of its pages.
    Matching {
        /// The list's filter.
        filter: AgentFilter,
        /// But not these.
        except: Vec<Uuid>,
    },
}
