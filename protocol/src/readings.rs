//! Readings: what the machine measures each minute.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::instant::clamp_instant;
use crate::limits;
use crate::text::clean_line;

/// One minute's measurements.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// When, by the server's clock as the agent knows it. Strictly increasing per agent.
    pub at: DateTime<Utc>,
    /// CPU use over the last minute, all cores together, 0 to 100.
    pub cpu_percent: f32,
    /// Memory in use, bytes.
    pub memory_used_bytes: u64,
    /// Memory in all, bytes.
    pub memory_total_bytes: u64,
    /// Seconds since the machine started.
    pub uptime_seconds: u64,
    /// Each fixed volume.
    #[serde(default)]
    pub volumes: Vec<VolumeUse>,
}

/// How full a volume is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VolumeUse {
    /// Mount point or drive letter.
    pub mount: String,
    /// Bytes in use.
    pub used_bytes: u64,
    /// Bytes in all.
    pub total_bytes: u64,
}

impl Reading {
    /// Bounds and cleans everything that came from the agent: numbers into their ranges, lists and texts cut.
    pub fn bound(&mut self) {
        clamp_instant(&mut self.at);
        self.cpu_percent = if self.cpu_percent.is_finite() { self.cpu_percent.clamp(0.0, 100.0) } else { 0.0 };
        self.memory_total_bytes = self.memory_total_bytes.min(i64::MAX as u64);
        self.memory_used_bytes = self.memory_used_bytes.min(self.memory_total_bytes);
        self.uptime_seconds = self.uptime_seconds.min(i64::MAX as u64);
        self.volumes.truncate(64);
        for volume in &mut self.volumes {
            volume.mount = clean_line(&volume.mount, limits::MAX_NAME);
            volume.total_bytes = volume.total_bytes.min(i64::MAX as u64);
            volume.used_bytes = volume.used_bytes.min(volume.total_bytes);
        }
    }
}
