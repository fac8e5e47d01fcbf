//! Use of processor, memory and volumes.

use gururmm_protocol::readings::VolumeUse;
use sysinfo::{CpuRefreshKind, DiskRefreshKind, Disks, MemoryRefreshKind, RefreshKind, System};

use super::volumes::fixed_disks;

/// Measures the use of processor, memory and volumes.
pub struct Meter {
    system: System,
    disks: Disks,
}

impl Meter {
    /// # Errors
    /// When the system cannot be asked at all.
    pub fn new() -> anyhow::Result<Self> {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        Ok(Self { system: System::new_with_specifics(what)?, disks: Disks::new()? })
    }

    /// How much of all processors was used since the last call, in percent.
    pub fn cpu_percent(&mut self) -> f32 {
        self.system.refresh_cpu_usage();
        self.system.global_cpu_usage()
    }

    /// Memory in use and in all, in bytes.
    pub fn memory(&mut self) -> (u64, u64) {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        (self.system.total_memory().saturating_sub(self.system.available_memory()), self.system.total_memory())
    }

    /// How full the volumes are.
    pub fn volumes(&mut self) -> Vec<VolumeUse> {
        self.disks.refresh_specifics(true, DiskRefreshKind::nothing().with_storage());
        fixed_disks(&self.disks)
            .into_iter()
            .map(|disk| VolumeUse {
                mount: disk.mount_point().to_string_lossy().into_owned(),
                used_bytes: disk.total_space().saturating_sub(disk.available_space()),
                total_bytes: disk.total_space(),
            })
            .collect()
    }
}
