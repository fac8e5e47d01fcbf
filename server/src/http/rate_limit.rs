//! Bounds on attempts per address, for what can be called before anybody is known.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::core::{Error, Result};

/// Every bound.
pub struct Limits {
    login_by_address: DefaultKeyedRateLimiter<IpAddr>,
    login_by_email: DefaultKeyedRateLimiter<String>,
    enroll_by_address: DefaultKeyedRateLimiter<IpAddr>,
    clock: DefaultClock,
}

const fn per_minute(n: u32) -> Quota {
    match NonZeroU32::new(n) {
        Some(n) => Quota::per_minute(n),
        None => Quota::per_minute(NonZeroU32::MIN),
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_by_address: RateLimiter::keyed(per_minute(30)),
            login_by_email: RateLimiter::keyed(per_minute(10)),
            // A whole site enrolls from behind one address; the token's 256 bits are the real protection.
            enroll_by_address: RateLimiter::keyed(per_minute(3_000)),
            clock: DefaultClock::default(),
        }
    }
}

impl Limits {
    /// Before a password is looked at.
    ///
    /// # Errors
    /// 429 with the time after which it may succeed.
    pub fn login(&self, address: Option<IpAddr>, email: &str) -> Result<()> {
        if let Some(address) = address {
            self.check(&self.login_by_address, &address)?;
        }
        self.check(&self.login_by_email, &email.to_lowercase())
    }

    /// Before an enrollment is looked at.
    ///
    /// # Errors
    /// 429 with the time after which it may succeed.
    pub fn enroll(&self, address: Option<IpAddr>) -> Result<()> {
        address.map_or(Ok(()), |address| self.check(&self.enroll_by_address, &address))
    }

    /// Forgets who has not called for long.
    pub fn sweep(&self) {
        self.login_by_address.retain_recent();
        self.login_by_email.retain_recent();
        self.enroll_by_address.retain_recent();
    }

    fn check<K: std::hash::Hash + Eq + Clone>(&self, limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
        limiter
            .check_key(key)
            .map_err(|not_until| Error::TooManyRequests { retry_after: not_until.wait_time_from(self.clock.now()) })
    }
}
