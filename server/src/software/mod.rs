//! Installed software over the whole fleet: what is installed where, and in which versions.

pub mod derive;
pub mod routes;
pub mod service;
pub(crate) mod store;
mod store_derive;
mod version;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::inventory::SoftwareSource;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::agents::view::{AgentState, OsFamily};
use crate::core::places::Places;

/// An agent that was not seen for so long says nothing about what is installed now.
pub const STALE_AFTER: TimeDelta = TimeDelta::days(7);

/// Lists of titles that are made at a time in this process. A long one takes a second or two, and agents need the
/// connections too.
const MAX_QUESTIONS: usize = 4;
/// How long the question for one waits for its place.
const PATIENCE: Duration = Duration::from_secs(3);

/// What one server process keeps in memory about installed software.
#[derive(Debug)]
pub struct State {
    /// Places for lists of titles.
    places: Places,
    /// How far it has come with what earlier versions stored.
    progress: tokio::sync::Mutex<derive::Progress>,
}

impl Default for State {
    fn default() -> Self {
        let busy = "others search the software now, as many as can at a time; try again";
        Self { places: Places::new(MAX_QUESTIONS, PATIENCE, busy), progress: tokio::sync::Mutex::default() }
    }
}

/// The text in lower case, as texts are compared here. The two lower cases of a Greek capital sigma count as one: which of
/// them is right depends on what follows, and a search may end anywhere.
fn fold(text: &str) -> String {
    text.to_lowercase().replace('ς', "σ")
}

/// Who keeps track of an installation. The same name in two of them is two titles: they number their versions differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum TitleSource {
    /// The Windows registry.
    Windows,
    /// dpkg.
    Dpkg,
    /// RPM.
    Rpm,
    /// Something else.
    Other,
}

impl TitleSource {
    /// As the database and the API write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Windows => "windows",
            Self::Dpkg => "dpkg",
            Self::Rpm => "rpm",
            Self::Other => "other",
        }
    }
}

impl From<SoftwareSource> for TitleSource {
    fn from(source: SoftwareSource) -> Self {
        match source {
            SoftwareSource::Machine | SoftwareSource::Machine32 | SoftwareSource::User => Self::Windows,
            SoftwareSource::Dpkg => Self::Dpkg,
            SoftwareSource::Rpm => Self::Rpm,
            SoftwareSource::Other => Self::Other,
        }
    }
}

/// A program or package that is installed somewhere. Of all that is counted, agents outside the caller's scope and
/// decommissioned ones are left out.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SoftwareTitle {
    /// Its name, as one of the agents with the highest version writes it. Upper and lower case make no difference.
    pub name: String,
    /// Who keeps track of it.
    pub source: TitleSource,
    /// Its publishers, as agents report them, at most 5.
    pub publishers: Vec<String>,
    /// Agents that have it, in a version that was asked for.
    pub agents: i64,
    /// Different versions among them.
    pub versions: i64,
    /// The versions that most agents have, at most 5, the most frequent first.
    pub common_versions: Vec<VersionCount>,
}

/// How many agents have a version.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct VersionCount {
    /// The version; null where agents cannot tell.
    pub version: Option<String>,
    /// Agents that have it.
    pub agents: i64,
}

/// Where a page of titles ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TitleKey {
    /// The name in lower case, see [`fold`].
    pub key: String,
    /// Who keeps track of it.
    pub source: TitleSource,
}

/// Where a page of versions ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct VersionKey {
    /// Sort key of the version.
    pub version_key: Vec<u8>,
    /// The version itself: of two with the same sort key.
    pub version: String,
}

/// How much is known of the software of an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum SoftwareStanding {
    /// Read whole, and the agent was seen in the last 7 days.
    Known,
    /// Parts of it could not be read, for example the programs of users who are not logged on, or it has reported more new
    /// names within an hour than are taken (6,000).
    Partial,
    /// The agent was not seen for 7 days.
    Stale,
    /// It cannot be read now.
    Unread,
    /// It was never read, or what was read last is not searchable yet.
    Never,
}

/// How much is known of the software of agents: each counts once. What is not `known` may have a title without being found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema, sqlx::FromRow)]
pub struct SoftwareCoverage {
    /// All agents, without decommissioned ones.
    pub agents: i64,
    /// Of these: read whole, and seen in the last 7 days.
    pub known: i64,
    /// Of these: read in part.
    pub partial: i64,
    /// Of these: not seen for 7 days.
    pub stale: i64,
    /// Of these: cannot be read now.
    pub unread: i64,
    /// Of these: never read, or not searchable yet.
    pub never: i64,
}

/// An agent whose software is not known, or not all of it.
#[derive(Debug, Clone, Serialize, ToSchema, sqlx::FromRow)]
pub struct UnknownSoftware {
    /// The agent.
    pub agent_id: Uuid,
    /// Its name.
    pub agent_name: String,
    /// Its state.
    pub state: AgentState,
    /// Its organization.
    pub organization_id: Uuid,
    /// The organization's name.
    pub organization_name: String,
    /// Its site.
    pub site_id: Uuid,
    /// The site's name.
    pub site_name: String,
    /// Its kind of operating system.
    pub os_family: Option<OsFamily>,
    /// How much is known of the agent's software now; never `known`.
    pub standing: SoftwareStanding,
    /// Why it cannot be read, or a part that cannot be, in the agent's words.
    pub problem: Option<String>,
    /// When the server received the agent's software last; null when it never did.
    pub collected_at: Option<DateTime<Utc>>,
    /// The agent's last proof of life.
    pub last_seen_at: Option<DateTime<Utc>>,
}

/// Where a page of agents whose software is not known ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnknownKey {
    /// The agent's name as it is sorted.
    pub sort_name: String,
    /// The agent.
    pub agent_id: Uuid,
}

/// A version of a title on an agent. An agent with several versions is there several times.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InstalledSoftware {
    /// The agent.
    pub agent_id: Uuid,
    /// Its name.
    pub agent_name: String,
    /// Its state.
    pub state: AgentState,
    /// Its organization.
    pub organization_id: Uuid,
    /// The organization's name.
    pub organization_name: String,
    /// Its site.
    pub site_id: Uuid,
    /// The site's name.
    pub site_name: String,
    /// Its kind of operating system.
    pub os_family: Option<OsFamily>,
    /// The version; null when the agent cannot tell.
    pub version: Option<String>,
    /// The publisher; null when the agent cannot tell.
    pub publisher: Option<String>,
    /// How much is known of the agent's software now.
    pub standing: SoftwareStanding,
    /// When the server received the agent's software last. An agent sends it when it changes.
    pub collected_at: DateTime<Utc>,
    /// The agent's last proof of life: until then this was so, unless it could not be read.
    pub last_seen_at: DateTime<Utc>,
}

/// Where a page of installations ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstalledKey {
    /// Sort key of the version.
    pub version_key: Vec<u8>,
    /// The agent.
    pub agent_id: Uuid,
    /// The version itself: of two with the same sort key.
    pub version: String,
}
