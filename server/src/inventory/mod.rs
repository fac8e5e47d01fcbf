//! What agents report about themselves: inventory sections and readings.

pub mod readings;
mod receive;
pub mod rollup;
pub mod routes;
pub mod service;
pub(crate) mod store;
pub(crate) mod store_readings;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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
