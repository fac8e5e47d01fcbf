//! Use of processor and memory.

use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

/// Measures the use of processor and memory.
pub struct Meter(System);

impl Meter {
    /// # Errors
    /// When the system cannot be asked at all.
    pub fn new() -> anyhow::Result<Self> {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        Ok(Self(System::new_with_specifics(what)?))
    }

    /// How much of all processors was used since the last call, in percent.
    pub fn cpu_percent(&mut self) -> f32 {
        self.0.refresh_cpu_usage();
        self.0.global_cpu_usage()
    }

    /// Memory in use and in all, in bytes.
    pub fn memory(&mut self) -> (u64, u64) {
        self.0.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        (self.0.total_memory().saturating_sub(self.0.available_memory()), self.0.total_memory())
    }
}
