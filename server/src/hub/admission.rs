//! Places for handshakes: who has not proved anything yet must not keep the others out.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::limits;

use crate::core::address::{NETWORKS_PER_SITE, network, site};

/// Handshakes under way at once from one [`network`].
const MAX_PER_NETWORK: usize = 64;
/// And from one [`site`].
const MAX_PER_SITE: usize = MAX_PER_NETWORK * NETWORKS_PER_SITE as usize;
/// How long a hello may take once half of the places are taken.
const HURRY: Duration = Duration::from_secs(3);
/// How long the database counts as there after it was seen.
const DATABASE_SEEN: TimeDelta = TimeDelta::milliseconds(500);

/// Handshakes under way.
#[derive(Debug)]
pub struct Handshakes {
    max: usize,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    total: usize,
    by_network: Counts,
    by_site: Counts,
    database_seen: Option<DateTime<Utc>>,
}

/// How many there are of each.
#[derive(Debug, Default)]
struct Counts(HashMap<IpAddr, usize>);

impl Counts {
    fn of(&self, key: IpAddr) -> usize {
        self.0.get(&key).copied().unwrap_or(0)
    }

    fn add(&mut self, key: IpAddr) {
        *self.0.entry(key).or_default() += 1;
    }

    fn remove(&mut self, key: IpAddr) {
        if let Entry::Occupied(mut here) = self.0.entry(key) {
            *here.get_mut() -= 1;
            if *here.get() == 0 {
                here.remove();
            }
        }
    }
}

/// A place for one handshake; give it back by dropping it.
#[derive(Debug)]
pub struct Permit {
    handshakes: Arc<Handshakes>,
    address: Option<IpAddr>,
    /// How long the hello may take.
    pub patience: Duration,
}

impl Handshakes {
    /// Places for `max` at once.
    pub fn new(max: usize) -> Self {
        Self { max, inner: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place, unless all are taken or too many from this address's network or site. Without an address only the sum
    /// counts.
    pub fn enter(self: &Arc<Self>, address: Option<IpAddr>) -> Option<Permit> {
        let mut inner = self.lock();
        let full = |address| {
            inner.by_network.of(network(address)) >= MAX_PER_NETWORK || inner.by_site.of(site(address)) >= MAX_PER_SITE
        };
        if inner.total >= self.max || address.is_some_and(full) {
            return None;
        }
        inner.total += 1;
        if let Some(address) = address {
            inner.by_network.add(network(address));
            inner.by_site.add(site(address));
        }
        let patience = if inner.total > self.max / 2 { HURRY } else { limits::HANDSHAKE_TIMEOUT };
        drop(inner);
        Some(Permit { handshakes: Arc::clone(self), address, patience })
    }

    /// Whether the database was seen just now: not every connection need ask.
    pub fn database_was_seen(&self, now: DateTime<Utc>) -> bool {
        // A clock that was set back must not keep an old sight young.
        self.lock().database_seen.is_some_and(|seen| (now - seen).abs() < DATABASE_SEEN)
    }

    /// The database has answered.
    pub fn database_seen(&self, now: DateTime<Utc>) {
        self.lock().database_seen = Some(now);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut inner = self.handshakes.lock();
        inner.total -= 1;
        if let Some(address) = self.address {
            inner.by_network.remove(network(address));
            inner.by_site.remove(site(address));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 512;

    fn handshakes() -> Arc<Handshakes> {
        Arc::new(Handshakes::new(MAX))
    }

    fn enter(handshakes: &Arc<Handshakes>, address: &str) -> Option<Permit> {
        handshakes.enter(Some(address.parse().unwrap()))
    }

    #[test]
    fn one_address_cannot_take_every_place() {
        let handshakes = handshakes();
        let mut held: Vec<_> = (0..MAX).map_while(|_| enter(&handshakes, "198.51.100.1")).collect();
        assert_eq!(held.len(), MAX_PER_NETWORK);
        assert!(enter(&handshakes, "::ffff:198.51.100.1").is_none(), "the same, written as IPv6");
        let other = enter(&handshakes, "198.51.100.2");
        assert!(other.is_some());
        held.pop();
        assert!(enter(&handshakes, "198.51.100.1").is_some());
        drop((held, other));
        let inner = handshakes.lock();
        assert!(inner.by_network.0.is_empty() && inner.by_site.0.is_empty() && inner.total == 0);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address() {
        let handshakes = handshakes();
        let held: Vec<_> = (0..MAX).map_while(|n| enter(&handshakes, &format!("2001:db8::{n:x}"))).collect();
        assert_eq!(held.len(), MAX_PER_NETWORK);
        assert!(enter(&handshakes, "2001:db8:0:1::1").is_some());
    }

    #[test]
    fn many_networks_of_one_site_cannot_take_every_place() {
        let handshakes = handshakes();
        let held: Vec<_> = (0..MAX).map_while(|n| enter(&handshakes, &format!("2001:db8:0:{n:x}::1"))).collect();
        assert_eq!(held.len(), MAX_PER_SITE);
        assert!(enter(&handshakes, "2001:db8:1::1").is_some());
    }

    #[test]
    fn who_comes_when_half_is_taken_must_hurry() {
        let handshakes = handshakes();
        let held: Vec<_> = (0..=MAX).map_while(|_| handshakes.enter(None)).collect();
        let hurried: Vec<_> = held.iter().map(|permit| permit.patience == HURRY).collect();
        assert_eq!(hurried, [[false; MAX / 2], [true; MAX / 2]].concat());
    }
}
