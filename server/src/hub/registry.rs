//! Which sessions this process holds, and how one is told to leave.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
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
    pub fn new(agent_id: Uuid, organization_id: Uuid, session_id: Uuid, machine: SeenMachine) -> Self {
        let last_frame = AtomicI64::new(machine.seen_at.timestamp_micros());
        let (reason, leaving) = (OnceLock::new(), CancellationToken::new());
        Self { agent_id, organization_id, session_id, machine, last_frame, reason, leaving }
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

    /// A newer session of an agent takes the place of an older one.
    #[must_use]
    pub fn insert(&self, handle: &Arc<Handle>, now: DateTime<Utc>) -> Before {
        let mut inner = self.lock();
        let displaced = inner.sessions.insert(handle.agent_id, Arc::clone(handle));
        let mut too_often = false;
        if displaced.is_some() {
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
        Before { displaced, too_often }
    }

    /// The session is over. A newer one of the same agent stays.
    pub fn remove(&self, handle: &Arc<Handle>) {
        let mut inner = self.lock();
        if inner.sessions.get(&handle.agent_id).is_some_and(|current| Arc::ptr_eq(current, handle)) {
            inner.sessions.remove(&handle.agent_id);
        }
        set_gauge(&inner);
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
    use gururmm_protocol::enroll::MachineIdentity;

    fn handle(session: u128) -> Arc<Handle> {
        let machine = MachineIdentity { machine_id: "m".into(), boot_id: "b".into(), hostname: "h".into() };
        let seen = SeenMachine::new(&machine, None, DateTime::UNIX_EPOCH);
        Arc::new(Handle::new(Uuid::from_u128(1), Uuid::from_u128(2), Uuid::from_u128(session), seen))
    }

    #[test]
    fn the_end_of_a_displaced_session_leaves_the_newer_one() {
        let registry = Registry::default();
        let (old, new) = (handle(1), handle(2));
        assert!(registry.insert(&old, DateTime::UNIX_EPOCH).displaced.is_none());
        let before = registry.insert(&new, DateTime::UNIX_EPOCH);
        assert_eq!(before.displaced.unwrap().session_id, old.session_id);
        registry.remove(&old);
        assert_eq!(registry.get(new.agent_id).unwrap().session_id, new.session_id);
        registry.remove(&new);
        assert_eq!(registry.count(), 0);
    }

    #[test]
    fn four_displacements_within_ten_minutes_are_too_often_and_slower_ones_are_not() {
        let displace = |minutes: i64| {
            let registry = Registry::default();
            let _ = registry.insert(&handle(0), DateTime::UNIX_EPOCH);
            (1..=4)
                .map(|n| {
                    let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes * n);
                    registry.insert(&handle(n.unsigned_abs().into()), at).too_often
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(displace(1), [false, false, false, true]);
        assert_eq!(displace(4), [false; 4]);
    }
}
