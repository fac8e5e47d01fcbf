//! How fast one agent may speak. What comes faster is read later; nothing is dropped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

/// Messages a second, sustained.
const MESSAGES_PER_SECOND: f64 = 20.0;
/// Messages at once.
const MESSAGE_BURST: f64 = 200.0;
/// Bytes a second, sustained.
const BYTES_PER_SECOND: f64 = 256.0 * 1024.0;
/// Bytes at once.
const BYTE_BURST: f64 = 4.0 * 1024.0 * 1024.0;

/// The paces of all agents that spoke a short while ago: who connects anew owes what it owed before.
#[derive(Debug, Default)]
pub struct Paces(Mutex<HashMap<Uuid, SharedPace>>);

/// The pace of one agent, whatever session it speaks in.
pub type SharedPace = Arc<Mutex<Pace>>;

impl Paces {
    /// The pace of this agent.
    #[must_use]
    pub fn of(&self, agent_id: Uuid, now: Instant) -> SharedPace {
        Arc::clone(locked(&self.0).entry(agent_id).or_insert_with(|| Arc::new(Mutex::new(Pace::new(now)))))
    }

    /// Forgets those without a session that owe nothing any more; to be called every now and then.
    pub fn sweep(&self, now: Instant) {
        locked(&self.0).retain(|_, pace| Arc::strong_count(pace) > 1 || !locked(pace).is_rested(now));
    }
}

/// Whoever panicked left a pace that counts as well as any.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The pace of one agent.
#[derive(Debug)]
pub struct Pace {
    messages: Bucket,
    bytes: Bucket,
}

impl Pace {
    /// Starts with the whole burst.
    #[must_use]
    pub const fn new(now: Instant) -> Self {
        Self {
            messages: Bucket::new(MESSAGES_PER_SECOND, MESSAGE_BURST, now),
            bytes: Bucket::new(BYTES_PER_SECOND, BYTE_BURST, now),
        }
    }

    /// Counts one message of `bytes`; the next one is to be read no sooner than this.
    pub fn next_read(&mut self, bytes: usize, now: Instant) -> Instant {
        let delay = self.messages.take(1.0, now);
        self.charge(bytes, now).max(now + delay)
    }

    /// Counts `bytes` that were not in a message but made of one; the next one is to be read no sooner than this.
    pub fn charge(&mut self, bytes: usize, now: Instant) -> Instant {
        #[expect(clippy::cast_precision_loss, reason = "messages are far smaller than 2^52 bytes")]
        let delay = self.bytes.take(bytes as f64, now);
        now + delay
    }

    /// When the next message is to be read, at the soonest.
    #[must_use]
    pub fn ready_at(&self, now: Instant) -> Instant {
        now + self.messages.wait(now).max(self.bytes.wait(now))
    }

    /// Whether it is like a new one.
    fn is_rested(&self, now: Instant) -> bool {
        self.messages.is_full(now) && self.bytes.is_full(now)
    }
}

/// A token bucket that may be overdrawn: the debt is the waiting time.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    burst: f64,
    level: f64,
    at: Instant,
}

impl Bucket {
    const fn new(rate: f64, burst: f64, at: Instant) -> Self {
        Self { rate, burst, level: burst, at }
    }

    fn take(&mut self, n: f64, now: Instant) -> Duration {
        self.level = self.level_at(now) - n;
        self.at = now;
        self.wait(now)
    }

    fn level_at(&self, now: Instant) -> f64 {
        let refilled = self.level + now.saturating_duration_since(self.at).as_secs_f64() * self.rate;
        refilled.min(self.burst)
    }

    fn wait(&self, now: Instant) -> Duration {
        let level = self.level_at(now);
        if level >= 0.0 { Duration::ZERO } else { Duration::from_secs_f64(-level / self.rate) }
    }

    fn is_full(&self, now: Instant) -> bool {
        self.level_at(now) >= self.burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for n in 0..200 {
            assert_eq!(pace.next_read(100, start), start, "message {n}");
        }
        let mut now = start;
        for _ in 0..40 {
            now = pace.next_read(100, now);
        }
        let elapsed = (now - start).as_secs_f64();
        assert!((1.9..2.1).contains(&elapsed), "40 messages took {elapsed} s");
    }

    #[test]
    fn what_a_message_unfolds_to_counts_as_well() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.next_read(1_000, start), start);
        let wait = pace.charge(5 * 1024 * 1024, start) - start;
        assert!((4.0..4.1).contains(&wait.as_secs_f64()), "{wait:?}");
        assert_eq!(pace.next_read(0, start) - start, wait, "the next message waits as well");
    }

    #[test]
    fn who_connects_anew_owes_what_it_owed_before() {
        let (paces, start, agent) = (Paces::default(), Instant::now(), Uuid::from_u128(1));
        let first = paces.of(agent, start);
        let ready = locked(&first).charge(5 * 1024 * 1024, start);
        drop(first);
        paces.sweep(start + Duration::from_secs(10));
        assert_eq!(locked(&paces.of(agent, start)).ready_at(start), ready);
        assert_eq!(locked(&paces.of(Uuid::from_u128(2), start)).ready_at(start), start, "another owes nothing");
        paces.sweep(start + Duration::from_secs(60));
        assert!(locked(&paces.0).is_empty());
        let connected = paces.of(agent, start);
        paces.sweep(start + Duration::from_secs(60));
        assert!(Arc::ptr_eq(&connected, &paces.of(agent, start)), "it stays while somebody speaks");
    }

    #[test]
    fn bytes_count_too_and_idle_time_refills_no_more_than_the_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        for _ in 0..16 {
            assert_eq!(pace.next_read(256 * 1024, start), start);
        }
        let wait = pace.next_read(256 * 1024, start) - start;
        assert!((0.99..1.01).contains(&wait.as_secs_f64()), "{wait:?}");
        let later = start + Duration::from_secs(86_400);
        for _ in 0..16 {
            assert_eq!(pace.next_read(256 * 1024, later), later);
        }
        assert!(pace.next_read(256 * 1024, later) > later);
    }
}
