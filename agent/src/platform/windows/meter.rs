//! Use of processor, memory and volumes, by a call for each: the performance counters that libraries read for it take
//! megabytes.

use gururmm_protocol::readings::VolumeUse;

use super::sys::usage::{self, Times};
use super::sys::volumes;
use crate::core::windows::volumes::uses;

/// Measures the use of processor, memory and volumes.
pub struct Meter {
    last: Times,
}

impl Meter {
    /// # Errors
    /// When the system cannot be asked at all.
    pub fn new() -> anyhow::Result<Self> {
        usage::memory()?;
        Ok(Self { last: usage::times()? })
    }

    /// How much of all processors was used since the last call, in percent.
    pub fn cpu_percent(&mut self) -> f32 {
        // It worked at the start; if it does not now, nothing was used.
        let Ok(now) = usage::times() else { return 0.0 };
        let percent = percent(self.last, now);
        self.last = now;
        percent
    }

    /// Memory in use and in all, in bytes.
    pub fn memory(&mut self) -> (u64, u64) {
        usage::memory().unwrap_or_default()
    }

    /// How full the volumes are.
    pub fn volumes(&mut self) -> Vec<VolumeUse> {
        // That they cannot be listed is told by the inventory.
        volumes::list().map(|volumes| uses(&volumes)).unwrap_or_default()
    }
}

fn percent(last: Times, now: Times) -> f32 {
    let all = now.all.saturating_sub(last.all);
    let idle = now.idle.saturating_sub(last.idle).min(all);
    if all == 0 {
        return 0.0;
    }
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a percentage for people")]
    let used = ((all - idle) as f64 / all as f64 * 100.0) as f32;
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn use_is_what_was_not_idle() {
        let times = |idle, all| Times { idle, all };
        assert_eq!(percent(times(100, 200), times(175, 300)), 25.0);
        assert_eq!(percent(times(100, 200), times(100, 200)), 0.0);
        assert_eq!(percent(times(0, 0), times(500, 400)), 0.0, "counters that waver");
    }

    #[test]
    fn this_machine_can_be_measured() {
        let mut meter = Meter::new().unwrap();
        let (used, total) = meter.memory();
        assert!(used > 0 && used <= total);
        assert!((0.0..=100.0).contains(&meter.cpu_percent()));
        let volumes = meter.volumes();
        assert!(!volumes.is_empty());
        assert!(volumes.iter().all(|volume| volume.used_bytes <= volume.total_bytes && volume.total_bytes > 0));
    }
}
