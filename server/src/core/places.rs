//! Places for long work that people ask for: few for all, and one for each account, so that nobody keeps the others from
//! theirs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::core::{Error, Result};

/// The places of this process for one kind of work.
#[derive(Debug)]
pub(crate) struct Places {
    all: Arc<Semaphore>,
    /// The place of each account that asks or waits.
    accounts: Mutex<HashMap<Uuid, Arc<Semaphore>>>,
    patience: Duration,
    busy: &'static str,
}

/// A place that is taken until this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    _own: OwnedSemaphorePermit,
    _of_all: OwnedSemaphorePermit,
}

impl Places {
    /// So many at a time; who finds them taken waits for so long, and is then told `busy`.
    pub(crate) fn new(places: usize, patience: Duration, busy: &'static str) -> Self {
        Self { all: Arc::new(Semaphore::new(places)), accounts: Mutex::default(), patience, busy }
    }

    /// Takes a place for this account.
    ///
    /// # Errors
    /// 429 while the account has one already, 503 while others have all of them, each after it has waited for a while.
    pub(crate) async fn take(&self, account: Uuid) -> Result<Place> {
        let deadline = Instant::now() + self.patience;
        // First its own: an account waits for a place of all at most once.
        let own = timeout_at(deadline, self.of(account).acquire_owned())
            .await
            .map_err(|_| Error::TooManyRequests { retry_after: self.patience })?
            .map_err(Error::internal)?;
        let of_all = timeout_at(deadline, Arc::clone(&self.all).acquire_owned())
            .await
            .map_err(|_| Error::Busy { detail: self.busy, retry_after: self.patience })?
            .map_err(Error::internal)?;
        Ok(Place { _own: own, _of_all: of_all })
    }

    fn of(&self, account: Uuid) -> Arc<Semaphore> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever asks or waits holds the semaphore as well.
        accounts.retain(|_, place| Arc::strong_count(place) > 1);
        Arc::clone(accounts.entry(account).or_insert_with(|| Arc::new(Semaphore::new(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: usize = 3;

    fn account(n: usize) -> Uuid {
        Uuid::from_u128(u128::try_from(n).unwrap())
    }

    #[tokio::test]
    async fn each_account_has_one_place_and_all_have_so_many() {
        let places = Places::new(PLACES, Duration::from_millis(50), "busy");
        let mut taken = vec![places.take(account(0)).await.unwrap()];
        assert!(matches!(places.take(account(0)).await, Err(Error::TooManyRequests { .. })));
        for n in 1..PLACES {
            taken.push(places.take(account(n)).await.unwrap());
        }
        assert!(matches!(places.take(account(PLACES)).await, Err(Error::Busy { .. })));
        taken.remove(0);
        drop(places.take(account(PLACES)).await.unwrap());
        places.take(account(0)).await.unwrap();
    }

    #[tokio::test]
    async fn who_waits_gets_a_place_when_one_is_free_and_who_left_is_forgotten() {
        let places = Arc::new(Places::new(PLACES, Duration::from_secs(600), "busy"));
        let place = places.take(account(0)).await.unwrap();
        let waiting = tokio::spawn({
            let places = Arc::clone(&places);
            async move { places.take(account(0)).await }
        });
        // Until it holds the semaphore as well, beside the map and the place.
        while Arc::strong_count(&places.accounts.lock().unwrap()[&account(0)]) < 3 {
            tokio::task::yield_now().await;
        }
        drop(place);
        drop(waiting.await.unwrap().unwrap());
        drop(places.take(account(1)).await.unwrap());
        assert_eq!(places.accounts.lock().unwrap().len(), 1, "only the last one");
    }
}
