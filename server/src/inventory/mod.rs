//! What agents report about themselves: inventory sections and readings.

pub mod readings;
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
    /// Its name: `os`, `hardware`, `volumes`, `network`, `users` or `reboot`.
    pub section: String,
    /// The content, as the agent reported it (bounded).
    pub data: serde_json::Value,
    /// When the server received it last.
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
