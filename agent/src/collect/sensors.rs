//! Measuring the machine.

use chrono::DateTime;
use gururmm_protocol::readings::{Reading, VolumeUse};
use sysinfo::{DiskRefreshKind, Disks};

use crate::platform::{self, Meter};

/// What is kept between two readings.
pub(super) struct Sensors {
    meter: Meter,
    disks: Disks,
}

impl Sensors {
    /// # Errors
    /// When the operating system cannot be asked at all.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { meter: Meter::new()?, disks: Disks::new()? })
    }

    /// A minute's measurements; CPU use is that since the last call. Its time is set by the caller.
    pub fn reading(&mut self) -> Reading {
        self.disks.refresh_specifics(true, DiskRefreshKind::nothing().with_storage());
        let volumes = platform::fixed_disks(&self.disks)
            .into_iter()
            .map(|disk| VolumeUse {
                mount: disk.mount_point().to_string_lossy().into_owned(),
                used_bytes: disk.total_space().saturating_sub(disk.available_space()),
                total_bytes: disk.total_space(),
            })
            .collect();
        let (memory_used_bytes, memory_total_bytes) = self.meter.memory();
        Reading {
            at: DateTime::UNIX_EPOCH,
            cpu_percent: self.meter.cpu_percent(),
            memory_used_bytes,
            memory_total_bytes,
            uptime_seconds: platform::time_since_boot().as_secs(),
            volumes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_is_plausible() {
        let reading = Sensors::new().unwrap().reading();
        assert!(reading.memory_total_bytes > 0 && reading.memory_used_bytes <= reading.memory_total_bytes);
        assert!(reading.uptime_seconds > 0);
    }
}
