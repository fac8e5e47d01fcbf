//! Lists as files: the list's own query, page by page to its end, as CSV (RFC 4180).
//!
//! Between two pages nothing is held: a slow reader costs a place of their own account and no connection to the database.
//! Before each page the session is looked at again, so that an export ends with it, and goes on within the scope of that
//! moment.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::app::{App, Ctx};
use crate::core::page::Page;
use crate::core::{Error, Result};

pub mod cell;
mod record;
pub mod service;

pub use service::Export;

/// Most rows of one file.
pub const MAX_ROWS: usize = 100_000;
/// Most exports of one account that run at the same time in this process.
pub const MAX_PER_USER: usize = 2;
/// When a refused export may be tried again.
const RETRY_AFTER: Duration = Duration::from_secs(30);

/// A column of a file.
pub struct Column<R> {
    /// Its name, as the caller asks for it and as the file's first line has it.
    pub name: &'static str,
    /// What stands in it; text as it is.
    pub cell: fn(&R) -> String,
}

/// A list that can be a file.
pub trait List: Send + Sync + 'static {
    /// What it lists.
    type Row: Send + Sync + 'static;
    /// What the file is called, without date and ending.
    const NAME: &'static str;
    /// What the audit log calls its export.
    const ACTION: &'static str;
    /// Every column, in the order of a file for which none are chosen.
    const COLUMNS: &'static [Column<Self::Row>];

    /// The organization that it is limited to.
    fn organization(&self) -> Option<Uuid>;

    /// A page of the list, as its route answers it.
    fn page(&self, app: &App, ctx: &Ctx, cursor: Option<&str>) -> impl Future<Output = Result<Page<Self::Row>>> + Send;
}

/// The exports that run in this process, by account.
#[derive(Default)]
pub struct Exports(Arc<Mutex<HashMap<Uuid, usize>>>);

/// The right to one running export; given back when dropped.
pub struct Place {
    running: Arc<Mutex<HashMap<Uuid, usize>>>,
    user_id: Uuid,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Exports {
    /// Takes a place for one more export of this account.
    ///
    /// # Errors
    /// 429 when it has too many.
    pub fn begin(&self, user_id: Uuid) -> Result<Place> {
        let mut running = lock(&self.0);
        let mine = running.entry(user_id).or_default();
        if *mine >= MAX_PER_USER {
            return Err(Error::TooManyRequests { retry_after: RETRY_AFTER });
        }
        *mine += 1;
        Ok(Place { running: Arc::clone(&self.0), user_id })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Entry::Occupied(mut mine) = lock(&self.running).entry(self.user_id) {
            *mine.get_mut() -= 1;
            if *mine.get() == 0 {
                mine.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_two_places_and_gets_them_back() {
        let exports = Exports::default();
        let (ours, theirs) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let held = [exports.begin(ours).unwrap(), exports.begin(ours).unwrap()];
        assert_eq!(exports.begin(ours).err().unwrap().code(), "too_many_requests");
        assert!(exports.begin(theirs).is_ok());
        drop(held);
        assert!(exports.begin(ours).is_ok());
        assert!(lock(&exports.0).is_empty(), "nobody who is done is remembered");
    }
}
