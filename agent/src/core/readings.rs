//! Readings that wait for the server: bounded, the oldest give way.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::readings::Reading;

use super::clock::ServerClock;

/// Most readings kept while the server is away (four hours of minutes).
pub const MAX_KEPT: usize = 240;
/// Most readings in one report.
pub const BATCH: usize = 60;
/// A report takes no further reading once it has this many bytes of JSON (a machine may have many volumes).
const BATCH_BYTES: usize = 128 * 1024;

/// A last reading that is further ahead than this was dated by a server's clock that was wrong and has been set right.
const WRONG_CLOCK: TimeDelta = TimeDelta::minutes(5);

/// A reading and when it was taken. Its time by the server's clock is set once, when that clock is known; from then on
/// it stays, so that the server recognizes a reading that is sent again.
#[derive(Debug, Clone, PartialEq)]
struct Kept {
    steady: Duration,
    dated: bool,
    reading: Reading,
}

/// The waiting readings, oldest first.
#[derive(Debug, Default)]
pub struct Readings {
    kept: VecDeque<Kept>,
    last: Option<chrono::DateTime<chrono::Utc>>,
}

impl Readings {
    /// Takes in a reading that was taken at `steady`; its `at` is set here.
    pub fn push(&mut self, steady: Duration, mut reading: Reading, clock: &ServerClock) {
        reading.bound();
        self.kept.push_back(Kept { steady, dated: false, reading });
        if clock.synchronized() {
            self.date(clock);
        }
        self.trim();
    }

    /// The server's clock became known: readings taken before get their time.
    pub fn date(&mut self, clock: &ServerClock) {
        for kept in self.kept.iter_mut().filter(|kept| !kept.dated) {
            let at = clock.at(kept.steady);
            let last = self.last.filter(|last| *last - at <= WRONG_CLOCK);
            kept.reading.at = last.map_or(at, |last| at.max(last + TimeDelta::milliseconds(1)));
            kept.dated = true;
            self.last = Some(kept.reading.at);
        }
    }

    /// Takes out up to [`BATCH`] dated readings, oldest first; fewer when they are large.
    pub fn take(&mut self) -> Vec<Reading> {
        let mut bytes = 0;
        let fits = |kept: &&Kept| {
            let room = bytes < BATCH_BYTES;
            bytes += serde_json::to_vec(&kept.reading).map_or(0, |json| json.len());
            kept.dated && room
        };
        let ready = self.kept.iter().take(BATCH).take_while(fits).count();
        self.kept.drain(..ready).map(|kept| kept.reading).collect()
    }

    /// Puts back readings that were taken out and did not arrive.
    pub fn give_back(&mut self, readings: Vec<Reading>) {
        for reading in readings.into_iter().rev() {
            self.kept.push_front(Kept { steady: Duration::ZERO, dated: true, reading });
        }
        self.trim();
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Whether [`Self::take`] would give something.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        self.kept.front().is_some_and(|kept| kept.dated)
    }

    fn trim(&mut self) {
        while self.kept.len() > MAX_KEPT {
            self.kept.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;
    use gururmm_protocol::readings::VolumeUse;

    fn reading() -> Reading {
        Reading {
            at: DateTime::UNIX_EPOCH,
            cpu_percent: 1.0,
            memory_used_bytes: 1,
            memory_total_bytes: 2,
            uptime_seconds: 3,
            volumes: vec![],
        }
    }

    struct At(Duration);
    impl crate::core::clock::Clock for At {
        fn wall(&self) -> DateTime<chrono::Utc> {
            DateTime::UNIX_EPOCH
        }
        fn steady(&self) -> Duration {
            self.0
        }
    }

    #[test]
    fn offline_readings_wait_for_the_servers_clock_and_come_in_order() {
        let guess = ServerClock::guess(&At(Duration::ZERO), TimeDelta::zero());
        let mut readings = Readings::default();
        for minute in 0..100 {
            readings.push(Duration::from_secs(minute * 60), reading(), &guess);
        }
        assert!(readings.take().is_empty(), "not dated yet");
        let told = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        readings.date(&ServerClock::told(told, Duration::from_secs(100 * 60)));
        let first = readings.take();
        assert_eq!(first.len(), BATCH);
        assert_eq!(first[0].at, told - TimeDelta::minutes(100));
        readings.give_back(first.clone());
        assert_eq!(readings.take(), first, "the same times when sent again");
    }

    #[test]
    fn times_increase_unless_the_servers_clock_was_far_ahead() {
        let told = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let mut readings = Readings::default();
        for (seconds, behind) in [(0, 0), (60, 5), (120, 60), (180, 60)] {
            let clock = ServerClock::told(told - TimeDelta::minutes(behind), Duration::ZERO);
            readings.push(Duration::from_secs(seconds), reading(), &clock);
        }
        let since: Vec<_> = readings.take().iter().map(|reading| (reading.at - told).num_milliseconds()).collect();
        assert_eq!(since, [0, 1, -58 * 60_000, -57 * 60_000]);
    }

    #[test]
    fn a_report_stays_small_however_many_volumes_there_are() {
        let clock = ServerClock::told(DateTime::UNIX_EPOCH, Duration::ZERO);
        let volume = VolumeUse { mount: "m".repeat(255), used_bytes: u64::MAX, total_bytes: u64::MAX };
        let mut readings = Readings::default();
        for second in 0..100 {
            let reading = Reading { volumes: vec![volume.clone(); 64], ..reading() };
            readings.push(Duration::from_secs(second), reading, &clock);
        }
        let mut all = 0;
        while readings.has_ready() {
            let taken = readings.take();
            all += taken.len();
            assert!(serde_json::to_vec(&taken).unwrap().len() < gururmm_protocol::limits::MAX_MESSAGE * 3 / 4);
        }
        assert_eq!(all, 100);
    }

    #[test]
    fn the_oldest_give_way() {
        let clock = ServerClock::told(DateTime::UNIX_EPOCH, Duration::ZERO);
        let mut readings = Readings::default();
        for second in 0..300 {
            readings.push(Duration::from_secs(second), reading(), &clock);
        }
        assert_eq!(readings.len(), MAX_KEPT);
        assert_eq!(readings.take()[0].at, DateTime::UNIX_EPOCH + TimeDelta::seconds(60));
    }
}
