//! Readings that wander smoothly, as those of real machines do.

use chrono::{DateTime, Utc};
use gururmm_protocol::readings::{Reading, VolumeUse};

use crate::{Machine, MachineKind};

/// The state of a machine's measurements, as fractions of 1.
pub struct Walk {
    usual_cpu: f64,
    cpu: f64,
    usual_memory: f64,
    memory: f64,
    volumes: Vec<f64>,
    last: Option<DateTime<Utc>>,
}

fn between(rng: &mut fastrand::Rng, low: f64, high: f64) -> f64 {
    low + rng.f64() * (high - low)
}

impl Walk {
    /// Starts where a machine of this kind usually is.
    pub fn new(machine: &Machine, rng: &mut fastrand::Rng) -> Self {
        let usual_cpu = match machine.kind {
            MachineKind::WindowsWorkstation => between(rng, 0.03, 0.25),
            _ => between(rng, 0.02, 0.45),
        };
        let usual_memory = between(rng, 0.3, 0.85);
        // One volume in fifteen is nearly full.
        let volumes = machine
            .volumes
            .iter()
            .map(|_| if rng.u32(0..15) == 0 { between(rng, 0.9, 0.985) } else { between(rng, 0.15, 0.8) })
            .collect();
        Self { usual_cpu, cpu: usual_cpu, usual_memory, memory: usual_memory, volumes, last: None }
    }

    /// The next reading; `None` while the clock has not moved on since the last one.
    pub fn next(&mut self, machine: &Machine, now: DateTime<Utc>, rng: &mut fastrand::Rng) -> Option<Reading> {
        if self.last.is_some_and(|last| now <= last) {
            return None;
        }
        self.last = Some(now);
        let spike = if rng.u32(0..60) == 0 { between(rng, 0.2, 0.6) } else { 0.0 };
        self.cpu =
            (self.cpu + (self.usual_cpu - self.cpu) * 0.25 + between(rng, -0.05, 0.05) + spike).clamp(0.005, 1.0);
        self.memory =
            (self.memory + (self.usual_memory - self.memory) * 0.1 + between(rng, -0.01, 0.01)).clamp(0.05, 0.98);
        for used in &mut self.volumes {
            *used = (*used + between(rng, -0.0004, 0.0005)).clamp(0.01, 0.999);
        }
        let volumes = machine
            .volumes
            .iter()
            .zip(&self.volumes)
            .filter(|(volume, _)| !volume.removable)
            .map(|(volume, used)| VolumeUse {
                mount: volume.mount.clone(),
                used_bytes: share(volume.total_bytes, *used),
                total_bytes: volume.total_bytes,
            })
            .collect();
        let uptime = machine.os.booted_at.map_or(0, |booted| (now - booted).num_seconds());
        Some(Reading {
            at: now,
            cpu_percent: (self.cpu * 1_000.0).round() as f32 / 10.0,
            memory_used_bytes: share(machine.memory_bytes(), self.memory),
            memory_total_bytes: machine.memory_bytes(),
            uptime_seconds: u64::try_from(uptime).unwrap_or_default(),
            volumes,
        })
    }
}

fn share(total: u64, part: f64) -> u64 {
    (total as f64 * part) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;

    #[test]
    fn readings_stay_in_range_move_little_and_repeat_with_the_seed() {
        let machine = Machine::from_seed(5);
        let run = || {
            let mut rng = fastrand::Rng::with_seed(1);
            let mut walk = Walk::new(&machine, &mut rng);
            let start = DateTime::UNIX_EPOCH + TimeDelta::days(21_000);
            (0..500).map(|n| walk.next(&machine, start + TimeDelta::minutes(n), &mut rng).unwrap()).collect::<Vec<_>>()
        };
        let readings = run();
        assert_eq!(readings, run());
        for pair in readings.windows(2) {
            let mut bounded = pair[1].clone();
            bounded.bound();
            assert_eq!(bounded, pair[1], "a server would change this reading");
            assert!(pair[0].at < pair[1].at);
            let disk = |reading: &Reading| reading.volumes[0].used_bytes as f64 / reading.volumes[0].total_bytes as f64;
            assert!((disk(&pair[0]) - disk(&pair[1])).abs() < 0.001);
        }
        assert!(readings.iter().any(|reading| reading.cpu_percent != readings[0].cpu_percent));
    }

    #[test]
    fn a_clock_that_stands_still_gives_no_second_reading() {
        let machine = Machine::from_seed(5);
        let mut rng = fastrand::Rng::with_seed(1);
        let mut walk = Walk::new(&machine, &mut rng);
        assert!(walk.next(&machine, DateTime::UNIX_EPOCH, &mut rng).is_some());
        assert!(walk.next(&machine, DateTime::UNIX_EPOCH, &mut rng).is_none());
    }
}
