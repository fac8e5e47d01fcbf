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

/// This many displacements of living sessions within [`DISPLACEMENT_WINDOW`] are two machines with one key.
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
    /// Microseconds since 1970 of the last frame.
    last_frame: AtomicI64,
    reason: OnceLock<Rejected>,
    leaving: CancellationToken,
}

impl Handle {
    /// A new session.
    #[must_use]
    pub fn new(agent_id: Uuid, organization_id: Uuid, session_id: Uuid, key: PublicKey, machine: SeenMachine) -> Self {
        let last_frame = AtomicI64::new(machine.seen_at.timestamp_micros());
        let (reason, leaving) = (OnceLock::new(), CancellationToken::new());
        Self { agent_id, organization_id, session_id, key, machine, last_frame, reason, leaving }
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

/// The sessions of this process.
#[derive(Debug, Default)]
pub struct Registry(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    sessions: HashMap<Uuid, Arc<Handle>>,
    /// When sessions were displaced whose agents were still there.
    displacements: HashMap<Uuid, Vec<DateTime<Utc>>>,
    /// Connections from the upgrade to the last goodbye, those without a session included.
    connections: usize,
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

    /// A newer session of an agent takes the place of an older one, which is told so. `begin` is what belongs to that
    /// (hearing signals, presence): nobody else comes or goes meanwhile, so that all of it is the same session's.
    pub fn insert<T>(&self, handle: &Arc<Handle>, begin: impl FnOnce() -> T) -> T {
        let mut inner = self.lock();
        if let Some(older) = inner.sessions.insert(handle.agent_id, Arc::clone(handle)) {
            metrics::counter!("agent_displacements_total").increment(1);
            older.leave(super::reject::displaced());
        }
        set_gauge(&inner);
        begin()
    }

    /// The session is over. A newer one of the same agent stays. `end` is what belongs to that; it is told whether the
    /// session was the agent's until now.
    pub fn remove(&self, handle: &Arc<Handle>, end: impl FnOnce(bool)) {
        let mut inner = self.lock();
        let current = inner.sessions.get(&handle.agent_id).is_some_and(|current| Arc::ptr_eq(current, handle));
        if current {
            inner.sessions.remove(&handle.agent_id);
        }
        set_gauge(&inner);
        end(current);
    }

    /// Counts that a session of this agent was displaced while somebody was still there at its other end; whether that
    /// happens so often that two machines must be sharing the key. It stays so until [`Self::forget_displacements`].
    #[must_use]
    pub fn count_displacement(&self, agent_id: Uuid, now: DateTime<Utc>) -> bool {
        let mut inner = self.lock();
        for times in inner.displacements.values_mut() {
            times.retain(|at| *at > now - DISPLACEMENT_WINDOW);
        }
        inner.displacements.retain(|_, times| !times.is_empty());
        let times = inner.displacements.entry(agent_id).or_default();
        times.push(now);
        times.len() >= MAX_DISPLACEMENTS
    }

    /// What was counted about this agent has had its consequence.
    pub fn forget_displacements(&self, agent_id: Uuid) {
        self.lock().displacements.remove(&agent_id);
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
    use crate::hub::reject;
    use ed25519_dalek::SigningKey;
    use futures_util::FutureExt as _;
    use gururmm_protocol::enroll::MachineIdentity;

    fn session(session: u128) -> Arc<Handle> {
        let machine = MachineIdentity { machine_id: "m".into(), boot_id: "b".into(), hostname: "h".into() };
        let seen = SeenMachine::new(&machine, None, DateTime::UNIX_EPOCH);
        let key = PublicKey::of(&SigningKey::from_bytes(&[1; 32]));
        Arc::new(Handle::new(Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(session), key, seen))
    }

    #[test]
    fn a_displaced_session_is_told_and_its_end_is_not_the_agents() {
        let registry = Registry::default();
        let (old, new) = (session(1), session(2));
        registry.insert(&old, || ());
        assert_eq!(old.told_to_leave().now_or_never(), None);
        registry.insert(&new, || ());
        assert_eq!(old.told_to_leave().now_or_never(), Some(reject::displaced()));
        assert_eq!(new.told_to_leave().now_or_never(), None);
        let mut ends = Vec::new();
        registry.remove(&old, |current| ends.push(current));
        assert_eq!(registry.get(new.agent_id).unwrap().session_id, new.session_id);
        registry.remove(&new, |current| ends.push(current));
        assert_eq!((ends, registry.count()), (vec![false, true], 0));
    }

    #[test]
    fn four_displacements_of_living_sessions_within_ten_minutes_are_too_often_and_slower_ones_are_not() {
        let (registry, agent) = (Registry::default(), Uuid::from_u128(1));
        let counted = |start: i64, every: i64| {
            let at = |n| DateTime::UNIX_EPOCH + TimeDelta::minutes(start + every * n);
            (1..=5).map(|n| registry.count_displacement(agent, at(n))).collect::<Vec<_>>()
        };
        assert_eq!(counted(0, 4), [false; 5]);
        assert_eq!(counted(60, 1), [false, false, false, true, true], "until there was a consequence");
        assert!(!registry.count_displacement(Uuid::from_u128(2), DateTime::UNIX_EPOCH + TimeDelta::minutes(65)));
        registry.forget_displacements(agent);
        assert_eq!(counted(65, 1)[..3], [false; 3]);
    }

    #[test]
    fn whoever_connects_last_is_the_one_that_hears() {
        let (registry, bus) = (&Registry::default(), &LocalBus::default());
        for round in 0..200 {
            let handles: Vec<_> = (0..4).map(|n| session(round * 10 + n)).collect();
            let inboxes: Vec<_> = std::thread::scope(|scope| {
                let connect = |handle| {
                    let begin = || bus.subscribe_agent(Uuid::from_u128(1));
                    scope.spawn(move || registry.insert(handle, begin))
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
