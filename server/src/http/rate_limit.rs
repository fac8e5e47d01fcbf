//! Bounds on attempts per address, for what can be called before anybody is known.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use gururmm_protocol::crypto::sha256;

use crate::core::address::network;
use crate::core::{Error, Result};

/// Where a caller comes from; see [`network`].
type Network = IpAddr;
/// An email address as a key: bounded, however long the text is.
type EmailHash = [u8; 32];

/// Every bound.
pub struct Limits {
    login_by_network: DefaultKeyedRateLimiter<Network>,
    login_by_email_and_network: DefaultKeyedRateLimiter<(EmailHash, Network)>,
    login_by_email: DefaultKeyedRateLimiter<EmailHash>,
    enroll_by_network: DefaultKeyedRateLimiter<Network>,
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
            login_by_network: RateLimiter::keyed(per_minute(30)),
            login_by_email_and_network: RateLimiter::keyed(per_minute(10)),
            // Far looser: whoever knows an email address must not be able to keep its owner out from elsewhere.
            login_by_email: RateLimiter::keyed(per_minute(300)),
            // A whole site enrolls from behind one address; the token's 256 bits are the real protection.
            enroll_by_network: RateLimiter::keyed(per_minute(3_000)),
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
        let email = sha256(email.to_lowercase().as_bytes());
        if let Some(network) = address.map(network) {
            self.check(&self.login_by_network, &network)?;
            self.check(&self.login_by_email_and_network, &(email, network))?;
        }
        self.check(&self.login_by_email, &email)
    }

    /// Before an enrollment is looked at.
    ///
    /// # Errors
    /// 429 with the time after which it may succeed.
    pub fn enroll(&self, address: Option<IpAddr>) -> Result<()> {
        address.map_or(Ok(()), |address| self.check(&self.enroll_by_network, &network(address)))
    }

    /// Forgets who has not called for long.
    pub fn sweep(&self) {
        self.login_by_network.retain_recent();
        self.login_by_email_and_network.retain_recent();
        self.login_by_email.retain_recent();
        self.enroll_by_network.retain_recent();
    }

    fn check<K: std::hash::Hash + Eq + Clone>(&self, limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
        limiter
            .check_key(key)
            .map_err(|not_until| Error::TooManyRequests { retry_after: not_until.wait_time_from(self.clock.now()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn a_guesser_is_slowed_and_the_owner_elsewhere_is_not() {
        let limits = Limits::default();
        let from = |address| (0..12).filter(|_| limits.login(address, "Ada@example.com").is_ok()).count();
        assert_eq!(from(address("192.0.2.1")), 10);
        assert!(limits.login(address("198.51.100.7"), "ada@example.com").is_ok());
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_caller() {
        let limits = Limits::default();
        let passed = (0..60)
            .filter(|n| limits.login(address(&format!("2001:db8::{n:x}")), &format!("u{n}@example.com")).is_ok())
            .count();
        assert_eq!(passed, 30);
        assert!(limits.login(address("2001:db8:0:1::1"), "x@example.com").is_ok());
    }
}
