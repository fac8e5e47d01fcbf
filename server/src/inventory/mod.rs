//! What agents report about themselves: inventory sections and readings.

mod difference;
pub mod history;
pub mod readings;
mod receive;
pub mod rollup;
pub mod routes;
pub mod service;
pub(crate) mod store;
mod store_history;
pub(crate) mod store_readings;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What is stored of an inventory section.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StoredSection {
    /// Its name: `os`, `hardware`, `volumes`, `disks`, `network`, `users`, `groups`, `services`, `software`,
    /// `hot_fixes` or `reboot`.
    pub section: String,
    /// The content, as the agent read it last (bounded); null when it never could read it.
    pub data: serde_json::Value,
    /// Parts of the content that the agent could not read, in words.
    pub problems: Vec<String>,
    /// Why the agent cannot read the section now. What `data` holds is then older.
    pub error: Option<String>,
    /// Since when it cannot.
    pub error_since: Option<DateTime<Utc>>,
    /// When the server received `data` last.
    pub collected_at: DateTime<Utc>,
    /// When its content changed last.
    pub changed_at: DateTime<Utc>,
}

/// What happened to an item of a section.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema, sqlx::Type)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is not what it was.
    Changed,
    /// Beyond what is kept of one report: `after` holds how many were `added`, `removed` and `changed`.
    More,
    /// Missing or new next to parts that could not be read, so that it cannot be told whether it happened: `after` holds
    /// how many seem `added`, `removed` and `changed`.
    Unsure,
}

/// Something that changed in an agent's inventory.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct InventoryChange {
    /// Its number.
    pub id: i64,
    /// When the server received the reading that showed it.
    pub at: DateTime<Utc>,
    /// The section's name.
    pub section: String,
    /// What happened.
    pub kind: ChangeKind,
    /// Name of the item, for example of a package; or of the property, for example `booted_at` of `os`.
    pub key: String,
    /// What was said of it.
    pub before: Option<serde_json::Value>,
    /// What is said of it now.
    pub after: Option<serde_json::Value>,
}

/// Something that changed in the inventory of one of many agents.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FleetChange {
    /// What changed.
    #[serde(flatten)]
    pub change: InventoryChange,
    /// The agent.
    pub agent_id: Uuid,
    /// Its name.
    pub agent_name: String,
    /// Its organization.
    pub organization_id: Uuid,
    /// The organization's name.
    pub organization_name: String,
    /// Its site, now.
    pub site_id: Uuid,
    /// The site's name.
    pub site_name: String,
}

/// Which changes a list over the fleet is about.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Of agents of this organization.
    pub organization_id: Option<Uuid>,
    /// Of agents that are at this site now.
    pub site_id: Option<Uuid>,
    /// Of this section.
    pub section: Option<String>,
    /// Of all sections but this.
    pub except_section: Option<String>,
}

/// Where a page of changes ends.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ChangeKey {
    /// When.
    pub at: DateTime<Utc>,
    /// Its number.
    pub id: i64,
}

/// How full a volume is, or was at a reading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VolumeUse {
    /// Mount point or drive letter.
    pub mount: String,
    /// Bytes in use.
    pub used_bytes: i64,
    /// Bytes in all.
    pub total_bytes: i64,
}

/// Five minutes of readings.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Point {
    /// Begin of the five minutes.
    pub at: DateTime<Utc>,
    /// CPU use, percent, mean.
    pub cpu_avg: f64,
    /// CPU use, percent, highest reading.
    pub cpu_max: f32,
    /// Memory in use, bytes, mean.
    pub memory_used_avg: f64,
    /// Memory in all, bytes.
    pub memory_total: i64,
    /// Readings in it.
    pub samples: i32,
    /// The volumes at the last reading.
    pub volumes: Vec<VolumeUse>,
}
