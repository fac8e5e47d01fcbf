//! Finding anything by what it is called: one question over agents, organizations, sites and users.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::agents::view::{AgentState, PresenceState};

pub mod routes;
pub mod service;
pub(crate) mod store;

/// Most of each kind that one answer holds: whoever does not see it among these types another letter.
pub const MOST_OF_A_KIND: i64 = 8;

/// What was found; of each kind at most [`MOST_OF_A_KIND`], the best match first: the same text, then what begins with it,
/// then what holds it anywhere; among equals by name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SearchResult {
    /// Agents by name, host name or address, without the decommissioned ones.
    pub agents: Vec<FoundAgent>,
    /// Organizations by name.
    pub organizations: Vec<FoundOrganization>,
    /// Sites by name.
    pub sites: Vec<FoundSite>,
    /// Users by name or email; for admins only, empty for everybody else.
    pub users: Vec<FoundUser>,
}

/// An agent that was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FoundAgent {
    /// Id.
    pub id: Uuid,
    /// Display name, or host name where there is none.
    pub name: String,
    /// Host name.
    pub hostname: String,
    /// Where its connection came from.
    pub address: Option<String>,
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
    pub presence: PresenceState,
}

/// An organization that was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FoundOrganization {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
}

/// A site that was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FoundSite {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Its organization.
    pub organization_id: Uuid,
    /// The organization's name.
    pub organization_name: String,
}

/// A user that was found.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FoundUser {
    /// Id.
    pub id: Uuid,
    /// Name.
    pub name: String,
    /// Email.
    pub email: String,
}
