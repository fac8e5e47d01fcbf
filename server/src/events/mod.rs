//! Hints to open dashboards: ids only, each shown only to whoever may see its organization at that moment.

pub mod position;
pub mod routes;
pub mod stream;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::app::App;
use crate::core::{Env, Error, Result};
use crate::hub::bus::DashboardEvent;

/// Most open streams of one user: a browser has one for each tab.
pub const MAX_STREAMS_PER_USER: usize = 20;
/// Most open streams in all.
pub const MAX_STREAMS: usize = 2_000;
/// New output of one command is announced at most once in this time.
const OUTPUT_INTERVAL: Duration = Duration::from_millis(250);
/// When a refused stream may be tried again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// What this process keeps of streams and announcements.
#[derive(Default)]
pub struct Events {
    streams: Arc<Mutex<Streams>>,
    /// Commands whose output was announced a moment ago, and whether more came since.
    announced: Mutex<HashMap<Uuid, bool>>,
    /// Names this process from its start to its end.
    boot: OnceLock<Uuid>,
}

#[derive(Default)]
struct Streams {
    by_user: HashMap<Uuid, usize>,
    total: usize,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to one open stream; given back when dropped.
pub struct Slot {
    streams: Arc<Mutex<Streams>>,
    user_id: Uuid,
}

impl Events {
    /// What positions of this process begin with: after a restart they mean nothing.
    pub fn boot(&self, env: &Env) -> Uuid {
        *self.boot.get_or_init(|| env.random_id())
    }

    /// Takes a place for one more stream of this user.
    ///
    /// # Errors
    /// 429 when the user has too many, 503 when the server has.
    pub fn open(&self, user_id: Uuid) -> Result<Slot> {
        let mut streams = lock(&self.streams);
        if streams.total >= MAX_STREAMS {
            let detail = "too many event streams are open on this server";
            return Err(Error::Unavailable { detail, retry_after: RETRY_AFTER });
        }
        let mine = streams.by_user.entry(user_id).or_default();
        if *mine >= MAX_STREAMS_PER_USER {
            return Err(Error::TooManyRequests { retry_after: RETRY_AFTER });
        }
        *mine += 1;
        streams.total += 1;
        metrics::gauge!("event_streams_open").increment(1);
        Ok(Slot { streams: Arc::clone(&self.streams), user_id })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut streams = lock(&self.streams);
        streams.total -= 1;
        metrics::gauge!("event_streams_open").decrement(1);
        if let Entry::Occupied(mut mine) = streams.by_user.entry(self.user_id) {
            *mine.get_mut() -= 1;
            if *mine.get() == 0 {
                mine.remove();
            }
        }
    }
}

/// Announces new output of a command: at once, then at most four times a second, and never without a last time.
pub fn announce_output(app: &App, command_id: Uuid, event: DashboardEvent) {
    match lock(&app.events.announced).entry(command_id) {
        Entry::Occupied(mut more) => {
            more.insert(true);
            return;
        }
        Entry::Vacant(first) => first.insert(false),
    };
    let app = app.clone();
    tokio::spawn(async move {
        loop {
            app.hub.bus.publish(event).await;
            tokio::time::sleep(OUTPUT_INTERVAL).await;
            let mut announced = lock(&app.events.announced);
            if !announced.insert(command_id, false).unwrap_or(false) {
                announced.remove(&command_id);
                break;
            }
        }
    });
}
