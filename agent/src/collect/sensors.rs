//! Measuring the machine.

use chrono::DateTime;
use gururmm_protocol::readings::Reading;

use crate::platform::{self, Meter};

/// What is kept between two readings.
pub(super) struct Sensors(Meter);

impl Sensors {
    /// # Errors
    /// When the operating system cannot be asked at all.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self(Meter::new()?))
    }

    /// A minute's measurements; CPU use is that since the last call. Its time is set by the caller.
    pub fn reading(&mut self) -> Reading {
        let (memory_used_bytes, memory_total_bytes) = self.0.memory();
        Reading {
            at: DateTime::UNIX_EPOCH,
            cpu_percent: self.0.cpu_percent(),
            memory_used_bytes,
            memory_total_bytes,
            uptime_seconds: platform::time_since_boot().as_secs(),
            volumes: self.0.volumes(),
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
