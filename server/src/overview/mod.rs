//! What is wrong, where: the fleet, its organizations and a site at a glance.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::agents::attention::{Attention, AttentionReason};
use crate::agents::view::{AgentCount, AgentState, AgentSummary, MachineRole, Presence};

pub mod routes;
pub mod service;
pub(crate) mod store;

/// Most versions that an overview names: agents say what theirs is.
pub const MOST_VERSIONS: usize = 20;
/// Most servers of a site that its spine names.
pub const MOST_SERVERS: i64 = 100;

/// The fleet at a glance, without decommissioned agents.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Overview {
    /// All agents.
    pub fleet: AgentCount,
    /// Of these: servers and domain controllers.
    pub servers: AgentCount,
    /// Why agents need somebody, the most urgent first; only what holds of one at least. An agent may have several reasons.
    pub reasons: Vec<ReasonOverview>,
    /// Of the servers that are not connected, for however short a time: a domain controller before others, then the one that
    /// is away longest. Null when all are connected.
    pub offline_server: Option<WorstAgent>,
    /// The latest proof of life of any agent; null when none was ever connected.
    pub last_seen_at: Option<DateTime<Utc>>,
    /// Versions of the agent, the most common first; at most 20.
    pub versions: Vec<AgentVersionCount>,
    /// When it was so.
    pub as_of: DateTime<Utc>,
}

/// Which agents need somebody for one reason.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ReasonOverview {
    /// The reason.
    pub reason: AttentionReason,
    /// The reason in words.
    pub words: &'static str,
    /// Agents that have it.
    pub count: i64,
    /// The worst of them: the fullest volume; else domain controllers before servers before others, then the one of which it
    /// holds longest. Null when it went away meanwhile.
    pub worst: Option<WorstAgent>,
}

/// One agent that stands for several.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorstAgent {
    /// Id.
    pub id: Uuid,
    /// Display name, or host name where there is none.
    pub name: String,
    /// Its organization's name.
    pub organization_name: String,
    /// What is wrong with it, in words.
    pub words: String,
    /// Since when, as far as the server was told; null where it was not.
    pub since: Option<DateTime<Utc>>,
}

/// How many agents need somebody for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReasonCount {
    /// The reason.
    pub reason: AttentionReason,
    /// The reason in words.
    pub words: &'static str,
    /// Agents that have it.
    pub count: i64,
}

/// How many agents run one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct AgentVersionCount {
    /// The version, as agents say it.
    pub version: String,
    /// Agents that run it.
    pub count: i64,
}

/// An organization at a glance, without decommissioned agents.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct OrganizationOverview {
    /// The organization.
    pub organization_id: Uuid,
    /// Its name.
    pub name: String,
    /// Agents it has.
    pub agents: i64,
    /// Of these: connected.
    pub online: i64,
    /// Servers and domain controllers that are not connected, for however short a time.
    pub offline_servers: i64,
    /// Agents that need somebody.
    pub attention: i64,
    /// The most urgent reason, and how many have it; null when none needs anybody.
    pub worst: Option<ReasonCount>,
}

/// Where a page of organizations by urgency follows on.
///
/// Needing somebody is also a matter of time. So that its passing moves no row while somebody turns the pages, the first
/// page's instant goes along, and every page is judged as of then. What agents report meanwhile does move rows: a walk of
/// the pages is no snapshot of the fleet, and the dashboard asks again from the start when it is told of a change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UrgencyKey {
    /// When the first page was made.
    pub as_of: DateTime<Utc>,
    /// Twice the place of the most urgent reason in [`AttentionReason::ALL`]; twice its length without any. One more than that
    /// of [`AttentionReason::Offline`] when servers are offline, though not for too long yet.
    pub rank: i32,
    /// How many are concerned, negative: the most come first.
    pub fewer: i64,
    /// The name as it sorts.
    pub name: String,
    /// The organization.
    pub id: Uuid,
}

/// A site at a glance: what it stands on by name, and everything else by number. Without decommissioned agents.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Spine {
    /// Domain controllers, then servers; of each the most urgent first, then by name. At most 100.
    pub servers: Vec<SpineAgent>,
    /// Servers beyond these.
    pub more_servers: i64,
    /// All other machines.
    pub others: SpineRest,
}

/// A server of a site.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SpineAgent {
    /// Id.
    pub id: Uuid,
    /// Display name, or host name where there is none.
    pub name: String,
    /// What the machine is for.
    pub machine_role: Option<MachineRole>,
    /// State of the record.
    pub state: AgentState,
    /// Whether it is connected.
    pub presence: Presence,
    /// Why it needs somebody, the most urgent first.
    pub attention: Vec<Attention>,
}

/// The machines of a site that are no servers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpineRest {
    /// How many there are.
    pub total: i64,
    /// Of these: connected.
    pub online: i64,
    /// Of these: that need somebody.
    pub attention: i64,
}

impl From<AgentSummary> for SpineAgent {
    fn from(agent: AgentSummary) -> Self {
        Self {
            id: agent.id,
            name: agent.name,
            machine_role: agent.machine_role,
            state: agent.state,
            presence: agent.presence,
            attention: agent.attention,
        }
    }
}
