//! Measuring the machine.

use chrono::DateTime;
use gururmm_protocol::readings::{Reading, VolumeUse};
use sysinfo::{CpuRefreshKind, DiskRefreshKind, Disks, Error, MemoryRefreshKind, RefreshKind, System};

use crate::platform;

/// What is kept between two readings.
pub(super) struct Sensors {
    system: System,
    disks: Disks,
}

impl Sensors {
    /// # Errors
    /// When the operating system cannot be asked at all.
    pub fn new() -> Result<Self, Error> {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        Ok(Self { system: System::new_with_specifics(what)?, disks: Disks::new()? })
    }

    /// A minute's measurements; CPU use is that since the last call. Its time is set by the caller.
    pub fn reading(&mut self) -> Reading {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        self.disks.refresh_specifics(true, DiskRefreshKind::nothing().with_storage());
        let volumes = platform::fixed_disks(&self.disks)
            .into_iter()
            .map(|disk| VolumeUse {
                mount: disk.mount_point().to_string_lossy().into_owned(),
                used_bytes: disk.total_space().saturating_sub(disk.available_space()),
                total_bytes: disk.total_space(),
            })
            .collect();
        Reading {
            at: DateTime::UNIX_EPOCH,
            cpu_percent: self.system.global_cpu_usage(),
            memory_used_bytes: self.system.total_memory().saturating_sub(self.system.available_memory()),
            memory_total_bytes: self.system.total_memory(),
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
