//! Bounds on attempts per address, for what can be called before anybody is known.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::Clock as _;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use gururmm_protocol::crypto::sha256;
use uuid::Uuid;

use crate::core::address::{NETWORKS_PER_SITE, network, site};
use crate::core::{Error, Result};

/// An email address as a key: bounded, however long the text is.
type EmailHash = [u8; 32];

/// Every bound. Whose address cannot be told is bounded by what else is known.
pub struct Limits {
    login_by_network: ByNetwork,
    login_by_email_and_network: DefaultKeyedRateLimiter<(EmailHash, IpAddr)>,
    login_by_email: DefaultKeyedRateLimiter<EmailHash>,
    enroll_by_network: ByNetwork,
    dead_tokens: DefaultKeyedRateLimiter<(Uuid, &'static str)>,
}

/// A bound on one network, and a looser one on the site that it may be one of many networks of.
struct ByNetwork {
    networks: DefaultKeyedRateLimiter<IpAddr>,
    sites: DefaultKeyedRateLimiter<IpAddr>,
}

impl ByNetwork {
    fn per_minute(n: u32) -> Self {
        let sites = RateLimiter::keyed(per_minute(n.saturating_mul(NETWORKS_PER_SITE)));
        Self { networks: RateLimiter::keyed(per_minute(n)), sites }
    }

    fn check(&self, address: IpAddr) -> Result<()> {
        check(&self.networks, &network(address))?;
        check(&self.sites, &site(address))
    }

    fn sweep(&self) {
        self.networks.retain_recent();
        self.sites.retain_recent();
    }
}

const fn per_minute(n: u32) -> Quota {
    match NonZeroU32::new(n) {
        Some(n) => Quota::per_minute(n),
        None => Quota::per_minute(NonZeroU32::MIN),
    }
}

fn check<K: std::hash::Hash + Eq + Clone>(limiter: &DefaultKeyedRateLimiter<K>, key: &K) -> Result<()> {
    limiter.check_key(key).map_err(|not_until| {
        let retry_after = not_until.wait_time_from(limiter.clock().now());
        Error::TooManyRequests { retry_after }
    })
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            login_by_network: ByNetwork::per_minute(30),
            login_by_email_and_network: RateLimiter::keyed(per_minute(10)),
            // Far looser: whoever knows an email address must not be able to keep its owner out from elsewhere.
            login_by_email: RateLimiter::keyed(per_minute(300)),
            // A whole site enrolls from behind one address; the token's 256 bits are the real protection.
            enroll_by_network: ByNetwork::per_minute(3_000),
            dead_tokens: RateLimiter::keyed(Quota::per_hour(NonZeroU32::MIN)),
        }
    }
}

impl Limits {
    /// Before an email address and a password are looked at.
    ///
    /// # Errors
    /// 429 with the time after which it may succeed.
    pub fn credentials(&self, address: Option<IpAddr>) -> Result<()> {
        address.map_or(Ok(()), |address| self.login_by_network.check(address))
    }

    /// Before a password is checked for an account: `email` as accounts are looked up by it, or another spelling would
    /// count by itself.
    ///
    /// # Errors
    /// 429 with the time after which it may succeed.
    pub fn login(&self, address: Option<IpAddr>, email: &str) -> Result<()> {
        let email = sha256(email.as_bytes());
        if let Some(address) = address {
            check(&self.login_by_email_and_network, &(email, network(address)))?;
        }
        check(&self.login_by_email, &email)
    }

    /// Before an enrollment is looked at.
    ///
    /// # Errors
    /// 429 with the time after which it may succeed.
    pub fn enroll(&self, address: Option<IpAddr>) -> Result<()> {
        address.map_or(Ok(()), |address| self.enroll_by_network.check(address))
    }

    /// Whether the refusal of an enrollment token that is no longer valid, in this state, is to be kept: once an hour.
    /// Whoever holds such a token, and nothing else, could fill the audit log.
    #[must_use]
    pub fn keeps_refusal(&self, token_id: Uuid, state: &'static str) -> bool {
        self.dead_tokens.check_key(&(token_id, state)).is_ok()
    }

    /// Forgets who has not called for long.
    pub fn sweep(&self) {
        self.login_by_network.sweep();
        self.login_by_email_and_network.retain_recent();
        self.login_by_email.retain_recent();
        self.enroll_by_network.sweep();
        self.dead_tokens.retain_recent();
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
        let from = |address| (0..12).filter(|_| limits.login(address, "ada@example.com").is_ok()).count();
        assert_eq!(from(address("192.0.2.1")), 10);
        assert!(limits.login(address("198.51.100.7"), "ada@example.com").is_ok());
    }

    #[test]
    fn a_network_of_ipv6_addresses_is_one_caller_and_a_site_of_networks_is_bounded_too() {
        let limits = Limits::default();
        let passed = |spelled: &dyn Fn(u32) -> String| {
            (0..200).filter(|n| limits.credentials(address(&spelled(*n))).is_ok()).count()
        };
        assert_eq!(passed(&|n| format!("2001:db8:a:0::{n:x}")), 30);
        assert_eq!(passed(&|n| format!("2001:db8:a:{:x}::1", n + 1)), 60);
        assert!(limits.credentials(address("2001:db8:b::1")).is_ok());
    }
}
