//! Which sessions this process holds, and how one is told to leave.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::handshake::Rejected;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::agents::standing::SeenMachine;

/// This many displacements within [`DISPLACEMENT_WINDOW`] are two machines with one key.
const MAX_DISPLACEMENTS: usize = 4;
/// See [`MAX_DISPLACEMENTS`].
const DISPLACEMENT_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// One session, as others see it.
#[derive(Debug)]
pub struct Handle {
    /// The agent.
    pub agent_id: Uuid,
    /// Its organization.
    pub organization_id: Uuid,
    /// This connection.
    pub session_id: Uuid,
    /// The key that it proved.
    pub key: PublicKey,
    /// The machine behind it.
    pub machine: SeenMachine,
    /// When the connection began, before its hello.
    began: DateTime<Utc>,
    /// Microseconds since 1970 of the last frame.
    last_frame: AtomicI64,
    reason: OnceLock<Rejected>,
    leaving: CancellationToken,
}

impl Handle {
    /// A new session.
    #[must_use]
    pub fn new(
        agent_id: Uuid,
        organization_id: Uuid,
        session_id: Uuid,
        key: PublicKey,
        machine: SeenMachine,
        began: DateTime<Utc>,
    ) -> Self {
        let last_frame = AtomicI64::new(machine.seen_at.timestamp_micros());
        let (reason, leaving) = (OnceLock::new(), CancellationToken::new());
        Self { agent_id, organization_id, session_id, key, machine, began, last_frame, reason, leaving }
    }

    /// Tells the session to end with this reason; the first reason counts.
    pub fn leave(&self, reason: Rejected) {
        let _ = self.reason.set(reason);
        self.leaving.cancel();
    }

    /// Waits until the session is told to leave. Cancel-safe.
    pub async fn told_to_leave(&self) -> Rejected {
        self.leaving.cancelled().await;
        self.reason.get().cloned().unwrap_or_else(super::reject::shutting_down)
    }

    /// A frame has arrived.
    pub fn seen(&self, at: DateTime<Utc>) {
        self.last_frame.fetch_max(at.timestamp_micros(), Ordering::Relaxed);
    }

    /// When the last frame arrived.
    #[must_use]
    pub fn last_seen(&self) -> DateTime<Utc> {
        DateTime::from_timestamp_micros(self.last_frame.load(Ordering::Relaxed)).unwrap_or(self.machine.seen_at)
    }
}

/// Whether `newer` taking over speaks for two machines with one key: they were started apart, or the older one still
/// spoke when the newer one was connecting. A flapping network leaves the same machine behind silent half-open sockets.
fn are_two(older: &Handle, newer: &Handle) -> bool {
    older.machine.boot_id != newer.machine.boot_id || older.last_seen() > newer.began
}

/// The sessions of this process.
#[derive(Debug, Default)]
pub struct Registry(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    sessions: HashMap<Uuid, Arc<Handle>>,
    displacements: HashMap<Uuid, Vec<DateTime<Utc>>>,
    /// Connections from the upgrade to the last goodbye, those without a session included.
    connections: usize,
}

/// What was there before a session was registered.
#[derive(Debug)]
pub struct Before {
    /// The session that the new one replaces; it must be told.
    pub displaced: Option<Arc<Handle>>,
    /// It happens so often that two machines must be sharing the key.
    pub too_often: bool,
}

/// One connection within the bound; give it back by dropping it.
#[derive(Debug)]
pub struct Place(Arc<super::Sessions>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.registry.lock().connections -= 1;
    }
}

impl Registry {
    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A newer session of an agent takes the place of an older one. `begin` is what belongs to that (hearing signals,
    /// presence): nobody else comes or goes meanwhile, so that all of it is the same session's.
    #[must_use]
    pub fn insert<T>(&self, handle: &Arc<Handle>, now: DateTime<Utc>, begin: impl FnOnce() -> T) -> (Before, T) {
        let mut inner = self.lock();
        let displaced = inner.sessions.insert(handle.agent_id, Arc::clone(handle));
        let mut too_often = false;
        if displaced.as_ref().is_some_and(|older| are_two(older, handle)) {
            for times in inner.displacements.values_mut() {
                times.retain(|at| *at > now - DISPLACEMENT_WINDOW);
            }
            inner.displacements.retain(|_, times| !times.is_empty());
            let times = inner.displacements.entry(handle.agent_id).or_default();
            times.push(now);
            too_often = times.len() >= MAX_DISPLACEMENTS;
            if too_often {
                inner.displacements.remove(&handle.agent_id);
            }
        }
        set_gauge(&inner);
        (Before { displaced, too_often }, begin())
    }

    /// The session is over. A newer one of the same agent stays. `end` is what belongs to that.
    pub fn remove(&self, handle: &Arc<Handle>, end: impl FnOnce()) {
        let mut inner = self.lock();
        if inner.sessions.get(&handle.agent_id).is_some_and(|current| Arc::ptr_eq(current, handle)) {
            inner.sessions.remove(&handle.agent_id);
        }
        set_gauge(&inner);
        end();
    }

    /// Every session of now.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<Handle>> {
        self.lock().sessions.values().cloned().collect()
    }

    /// The session of this agent, if it is here.
    #[must_use]
    pub fn get(&self, agent_id: Uuid) -> Option<Arc<Handle>> {
        self.lock().sessions.get(&agent_id).cloned()
    }

    /// Sessions of now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().sessions.len()
    }

    /// Waits until every connection is over, or `deadline` has passed; answers how many are left.
    pub async fn drained(&self, deadline: Duration) -> usize {
        let give_up = tokio::time::Instant::now() + deadline;
        loop {
            let left = self.lock().connections;
            if left == 0 || tokio::time::Instant::now() >= give_up {
                return left;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl super::Sessions {
    /// A place for one more connection, unless `max` are taken.
    #[must_use]
    pub fn place(self: &Arc<Self>, max: usize) -> Option<Place> {
        let mut inner = self.registry.lock();
        if inner.connections >= max {
            return None;
        }
        inner.connections += 1;
        Some(Place(Arc::clone(self)))
    }
}

fn set_gauge(inner: &Inner) {
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^52 sessions")]
    metrics::gauge!("agents_connected").set(inner.sessions.len() as f64);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::bus::{Bus as _, LocalBus};
    use ed25519_dalek::SigningKey;
    use gururmm_protocol::enroll::MachineIdentity;

    /// A session of boot `boot` that began so many minutes after the start of time.
    fn session(session: u128, boot: &str, minutes: i64) -> Arc<Handle> {
        let machine = MachineIdentity { machine_id: "m".into(), boot_id: boot.into(), hostname: "h".into() };
        let began = DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
        let seen = SeenMachine::new(&machine, None, began);
        let key = PublicKey::of(&SigningKey::from_bytes(&[1; 32]));
        Arc::new(Handle::new(Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(session), key, seen, began))
    }

    fn insert(registry: &Registry, handle: &Arc<Handle>) -> Before {
        registry.insert(handle, handle.began, || ()).0
    }

    #[test]
    fn the_end_of_a_displaced_session_leaves_the_newer_one() {
        let registry = Registry::default();
        let (old, new) = (session(1, "b", 0), session(2, "b", 0));
        assert!(insert(&registry, &old).displaced.is_none());
        assert_eq!(insert(&registry, &new).displaced.unwrap().session_id, old.session_id);
        registry.remove(&old, || ());
        assert_eq!(registry.get(new.agent_id).unwrap().session_id, new.session_id);
        registry.remove(&new, || ());
        assert_eq!(registry.count(), 0);
    }

    #[test]
    fn four_displacements_of_two_machines_within_ten_minutes_are_too_often_and_slower_ones_are_not() {
        let displace = |minutes: i64| {
            let registry = Registry::default();
            let _ = insert(&registry, &session(0, "0", 0));
            (1..=4_i64)
                .map(|n| insert(&registry, &session(n.unsigned_abs().into(), &n.to_string(), minutes * n)).too_often)
                .collect::<Vec<_>>()
        };
        assert_eq!(displace(1), [false, false, false, true]);
        assert_eq!(displace(4), [false; 4]);
    }

    #[test]
    fn a_machine_behind_a_flapping_network_may_displace_its_own_silent_sessions() {
        for (speaks, too_often) in [(false, [false; 4]), (true, [false, false, false, true])] {
            let registry = Registry::default();
            let mut older = session(0, "b", 0);
            let _ = insert(&registry, &older);
            let found: Vec<bool> = (1..=4_i64)
                .map(|n| {
                    let newer = session(n.unsigned_abs().into(), "b", n);
                    if speaks {
                        older.seen(newer.began + TimeDelta::milliseconds(1));
                    }
                    older = Arc::clone(&newer);
                    insert(&registry, &newer).too_often
                })
                .collect();
            assert_eq!(found, too_often, "speaks: {speaks}");
        }
    }

    #[test]
    fn whoever_connects_last_is_the_one_that_hears() {
        let (registry, bus) = (&Registry::default(), &LocalBus::default());
        for round in 0..200 {
            let handles: Vec<_> = (0..4).map(|n| session(round * 10 + n, "b", 0)).collect();
            let inboxes: Vec<_> = std::thread::scope(|scope| {
                let connect = |handle| {
                    let begin = || bus.subscribe_agent(Uuid::from_u128(1));
                    scope.spawn(move || registry.insert(handle, DateTime::UNIX_EPOCH, begin).1)
                };
                let threads: Vec<_> = handles.iter().map(connect).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let stays = registry.get(Uuid::from_u128(1)).unwrap().session_id;
            for (handle, inbox) in handles.iter().zip(&inboxes) {
                let hears = Arc::strong_count(inbox) > 1;
                assert_eq!(hears, handle.session_id == stays);
            }
        }
    }
}
