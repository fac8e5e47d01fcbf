//! Time: the machine's own clocks as an interface, and the server's clock as the agent knows it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// The machine's clocks.
pub trait Clock: Send + Sync {
    /// The wall clock. It may be wrong by hours and may be set while the agent runs.
    fn wall(&self) -> DateTime<Utc>;
    /// Time since an arbitrary point, never set, counting while the machine sleeps.
    fn steady(&self) -> Duration;
}

/// The operating system's clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place where the wall clock is read")]
    fn wall(&self) -> DateTime<Utc> {
        Utc::now()
    }

    fn steady(&self) -> Duration {
        crate::platform::time_since_boot()
    }
}

/// The server's clock: the instant that the handshake told, carried on by the steady clock, so that setting the
/// machine's own clock in between changes nothing.
#[derive(Debug, Clone, Copy)]
pub struct ServerClock {
    at: DateTime<Utc>,
    steady: Duration,
    synchronized: bool,
}

impl ServerClock {
    /// Before the first handshake: the own wall clock and the offset of the last session that was recorded.
    #[must_use]
    pub fn guess(clock: &dyn Clock, last_offset: TimeDelta) -> Self {
        let wall = clock.wall();
        Self { at: wall.checked_add_signed(last_offset).unwrap_or(wall), steady: clock.steady(), synchronized: false }
    }

    /// After a handshake in which the server told its time, received at `steady`.
    #[must_use]
    pub const fn told(server_time: DateTime<Utc>, steady: Duration) -> Self {
        Self { at: server_time, steady, synchronized: true }
    }

    /// Whether a server has told its time since the agent started.
    #[must_use]
    pub const fn synchronized(&self) -> bool {
        self.synchronized
    }

    /// The server's time at an instant of the steady clock, earlier or later than the handshake.
    #[must_use]
    pub fn at(&self, steady: Duration) -> DateTime<Utc> {
        let delta = if steady >= self.steady {
            TimeDelta::from_std(steady - self.steady)
        } else {
            TimeDelta::from_std(self.steady - steady).map(|delta| -delta)
        };
        delta.ok().and_then(|delta| self.at.checked_add_signed(delta)).unwrap_or(self.at)
    }

    /// How far the machine's wall clock is behind the server's.
    #[must_use]
    pub fn offset(&self, clock: &dyn Clock) -> TimeDelta {
        self.at(clock.steady()) - clock.wall()
    }
}

/// The clocks as everything in the agent uses them: the machine's own, and the server's as far as it is known.
pub struct Time {
    clock: Arc<dyn Clock>,
    server: Mutex<ServerClock>,
}

impl Time {
    /// Before the first handshake; `last_offset` is that of the last recorded session.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, last_offset: TimeDelta) -> Self {
        let server = Mutex::new(ServerClock::guess(clock.as_ref(), last_offset));
        Self { clock, server }
    }

    /// The server has told its time; it arrived at `received` by the steady clock.
    pub fn synchronize(&self, server_time: DateTime<Utc>, received: Duration) {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = ServerClock::told(server_time, received);
    }

    /// The server's clock as it is known.
    #[must_use]
    pub fn server(&self) -> ServerClock {
        *self.server.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Now, by the server's clock.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.server().at(self.clock.steady())
    }

    /// Now, by the machine's wall clock.
    #[must_use]
    pub fn wall(&self) -> DateTime<Utc> {
        self.clock.wall()
    }

    /// Now, by the steady clock.
    #[must_use]
    pub fn steady(&self) -> Duration {
        self.clock.steady()
    }

    /// How far the machine's wall clock is behind the server's.
    #[must_use]
    pub fn offset(&self) -> TimeDelta {
        self.server().offset(self.clock.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_the_wall_clock_does_not_move_the_server_clock() {
        let told = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let clock = ServerClock::told(told, Duration::from_secs(100));
        assert_eq!(clock.at(Duration::from_secs(160)), told + TimeDelta::seconds(60));
        assert_eq!(clock.at(Duration::from_secs(40)), told - TimeDelta::seconds(60));
    }
}
