//! Readings into buckets of five minutes: pure rules.

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::readings::{Reading, VolumeUse};

/// Length of a bucket.
const BUCKET: TimeDelta = TimeDelta::minutes(5);
/// Readings older than this are not worth their partitions.
pub const MAX_AGE: TimeDelta = TimeDelta::days(2);
/// Clocks may be ahead by this much.
pub const MAX_AHEAD: TimeDelta = TimeDelta::minutes(5);

/// What a bucket gains.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Its begin.
    pub at: DateTime<Utc>,
    /// Readings.
    pub samples: i32,
    /// Sum of CPU percents.
    pub cpu_sum: f64,
    /// Highest CPU percent.
    pub cpu_max: f32,
    /// Sum of bytes in use.
    pub memory_used_sum: f64,
    /// Bytes in all, at the last reading.
    pub memory_total_bytes: i64,
    /// Volumes at the last reading.
    pub volumes: Vec<VolumeUse>,
}

/// What is to be written of an agent's readings.
#[derive(Debug, Default, PartialEq)]
pub struct Rollup {
    /// What the buckets gain, oldest first.
    pub buckets: Vec<Bucket>,
    /// The newest reading that counts.
    pub newest: Option<Reading>,
    /// Readings outside of the time that is kept.
    pub dropped: u64,
}

/// The begin of the bucket that `at` is in.
#[must_use]
pub fn bucket_of(at: DateTime<Utc>) -> DateTime<Utc> {
    let seconds = BUCKET.num_seconds();
    DateTime::from_timestamp(at.timestamp().div_euclid(seconds) * seconds, 0).unwrap_or(at)
}

/// Takes the readings that are strictly newer than `latest`, each instant once: what was counted is never counted twice.
/// A `latest` that is too far ahead was taken while this server's clock was wrong, and counts no more.
#[must_use]
pub fn roll_up(latest: Option<DateTime<Utc>>, mut readings: Vec<Reading>, now: DateTime<Utc>) -> Rollup {
    let mut rollup = Rollup::default();
    let mut counted = latest.filter(|latest| *latest <= now + MAX_AHEAD);
    readings.sort_by_key(|reading| reading.at);
    for reading in readings {
        if !(now - MAX_AGE..=now + MAX_AHEAD).contains(&reading.at) {
            rollup.dropped += 1;
            continue;
        }
        if counted.is_some_and(|counted| reading.at <= counted) {
            continue;
        }
        counted = Some(reading.at);
        add(&mut rollup.buckets, &reading);
        rollup.newest = Some(reading);
    }
    rollup
}

fn add(buckets: &mut Vec<Bucket>, reading: &Reading) {
    let at = bucket_of(reading.at);
    if buckets.last().is_none_or(|last| last.at != at) {
        buckets.push(Bucket {
            at,
            samples: 0,
            cpu_sum: 0.0,
            cpu_max: 0.0,
            memory_used_sum: 0.0,
            memory_total_bytes: 0,
            volumes: Vec::new(),
        });
    }
    let Some(bucket) = buckets.last_mut() else { return };
    bucket.samples += 1;
    bucket.cpu_sum += f64::from(reading.cpu_percent);
    bucket.cpu_max = bucket.cpu_max.max(reading.cpu_percent);
    #[expect(clippy::cast_precision_loss, reason = "a mean of bytes need not be exact")]
    {
        bucket.memory_used_sum += reading.memory_used_bytes as f64;
    }
    bucket.memory_total_bytes = to_i64(reading.memory_total_bytes);
    bucket.volumes.clone_from(&reading.volumes);
}

/// The fullest volume, by share.
#[must_use]
pub fn worst_volume(volumes: &[VolumeUse]) -> Option<&VolumeUse> {
    let share = |volume: &VolumeUse| u128::from(volume.used_bytes) * 1_000_000 / u128::from(volume.total_bytes.max(1));
    volumes.iter().filter(|volume| volume.total_bytes > 0).max_by_key(|volume| share(volume))
}

/// Bounded by [`Reading::bound`] already; the database's integers are signed.
#[must_use]
pub fn to_i64(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        format!("2026-11-23T{text}Z").parse().unwrap()
    }

    fn reading(time: &str, cpu_percent: f32) -> Reading {
        Reading {
            at: at(time),
            cpu_percent,
            memory_used_bytes: 10,
            memory_total_bytes: 20,
            uptime_seconds: 1,
            volumes: Vec::new(),
        }
    }

    #[test]
    fn readings_fall_into_their_five_minutes() {
        let now = at("12:10:00");
        let readings = vec![reading("12:05:00", 30.0), reading("12:04:59", 10.0), reading("12:09:59", 50.0)];
        let rollup = roll_up(None, readings, now);
        let seen: Vec<_> = rollup.buckets.iter().map(|b| (b.at, b.samples, b.cpu_sum, b.cpu_max)).collect();
        assert_eq!(seen, [(at("12:00:00"), 1, 10.0, 10.0), (at("12:05:00"), 2, 80.0, 50.0)]);
        assert_eq!(rollup.newest.unwrap().at, at("12:09:59"));
    }

    #[test]
    fn what_was_counted_is_not_counted_again_and_absurd_times_are_dropped() {
        let now = at("12:10:00");
        let mut readings = vec![reading("12:05:00", 1.0), reading("12:06:00", 1.0), reading("12:06:00", 1.0)];
        let mut ancient = reading("12:00:00", 1.0);
        ancient.at = now - MAX_AGE - TimeDelta::seconds(1);
        let mut future = ancient.clone();
        future.at = now + MAX_AHEAD + TimeDelta::seconds(1);
        readings.extend([ancient, future]);
        let rollup = roll_up(Some(at("12:05:00")), readings.clone(), now);
        assert_eq!((rollup.buckets.len(), rollup.buckets[0].samples, rollup.dropped), (1, 1, 2));
        let again = roll_up(Some(at("12:06:00")), readings, now);
        assert_eq!((again.buckets.len(), again.newest), (0, None));
    }

    #[test]
    fn a_latest_of_a_clock_that_was_ahead_does_not_stop_the_readings() {
        let now = at("12:10:00");
        let count = |latest: &str| roll_up(Some(at(latest)), vec![reading("12:10:00", 1.0)], now).buckets.len();
        assert_eq!((count("12:15:00"), count("12:15:01")), (0, 1));
    }

    #[test]
    fn the_worst_volume_is_the_fullest_by_share() {
        let volume = |mount: &str, used_bytes, total_bytes| VolumeUse { mount: mount.into(), used_bytes, total_bytes };
        let volumes =
            [volume("/", 50, 100), volume("/big", 900, 10_000), volume("/boot", 9, 10), volume("/none", 0, 0)];
        assert_eq!(worst_volume(&volumes).unwrap().mount, "/boot");
        assert_eq!(worst_volume(&[volume("/none", 0, 0)]), None);
    }
}
