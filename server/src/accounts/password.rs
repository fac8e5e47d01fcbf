//! Password hashing: argon2id with the crate's defaults (19 MiB, 2 passes: OWASP's first choice), off the async threads.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use crate::core::address::site;
use crate::core::{Env, Error, Result};

/// Hashes under way at once: each takes 19 MiB and a core for a while.
const MAX: usize = 4;
/// Of one site, so that the others are not kept waiting.
const MAX_PER_SITE: usize = MAX / 2;
/// How long a caller waits for a slot: in a flood, answers stay quick.
const PATIENCE: Duration = Duration::from_secs(5);

static SLOTS: LazyLock<Slots> = LazyLock::new(Slots::default);

/// Places for hashes under way.
struct Slots {
    all: Arc<Semaphore>,
    /// By [`site`]; whoever's address cannot be told is one more.
    by_site: Mutex<HashMap<Option<IpAddr>, Arc<Semaphore>>>,
}

/// A place; give it back by dropping it.
struct Slot {
    _all: OwnedSemaphorePermit,
    _site: OwnedSemaphorePermit,
}

impl Default for Slots {
    fn default() -> Self {
        Self { all: Arc::new(Semaphore::new(MAX)), by_site: Mutex::default() }
    }
}

impl Slots {
    /// Waits for a place. Who has to wait for others of the same site does not stand in anybody else's way.
    async fn take(&self, from: Option<IpAddr>) -> Result<Slot, AcquireError> {
        let site = {
            let mut by_site = self.by_site.lock().unwrap_or_else(PoisonError::into_inner);
            // Who holds or waits for a place holds the semaphore, too.
            by_site.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
            let semaphore = by_site.entry(from.map(site)).or_insert_with(|| Arc::new(Semaphore::new(MAX_PER_SITE)));
            Arc::clone(semaphore)
        };
        let site = site.acquire_owned().await?;
        Ok(Slot { _all: Arc::clone(&self.all).acquire_owned().await?, _site: site })
    }
}

/// A hash of no password, so that an unknown account costs the same time as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keQ$vEm2eBFK3hN9TYv5ZgDDO5wGqFKUKyDJmZ2hDpo8dfU";

/// Hashes a new password for a caller at this address.
///
/// # Errors
/// 429 when too many hashes are under way.
pub async fn hash(env: &Env, from: Option<IpAddr>, password: String) -> Result<String> {
    let salt: [u8; 16] = env.bytes();
    off_thread(from, move || {
        Argon2::default()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .map_err(|error| Error::internal(format!("hashing a password: {error}")))
    })
    .await?
}

/// Whether this is the password that a caller at this address gives; takes equally long without a hash to compare with.
///
/// # Errors
/// 429 when too many hashes are under way; when the stored hash is not one.
pub async fn verify(from: Option<IpAddr>, password: String, hash: Option<String>) -> Result<bool> {
    off_thread(from, move || {
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.to_owned());
        let parsed = PasswordHash::new(&text)
            .map_err(|error| Error::internal(format!("a stored password hash is bad: {error}")))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}

async fn off_thread<T: Send + 'static>(from: Option<IpAddr>, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let slot = tokio::time::timeout(PATIENCE, SLOTS.take(from))
        .await
        .map_err(|_| Error::TooManyRequests { retry_after: PATIENCE })?
        .map_err(Error::internal)?;
    tokio::task::spawn_blocking(move || {
        // Held by the work, not by the request: a caller who hangs up does not make room for another hash.
        let _slot = slot;
        work()
    })
    .await
    .map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn one_site_cannot_take_every_slot_nor_wait_before_others() {
        let slots = Slots::default();
        let take = |address: &str| slots.take(Some(address.parse().unwrap())).now_or_never();
        let mut held: Vec<_> = (0..MAX_PER_SITE).map(|n| take(&format!("2001:db8:0:{n}::1")).unwrap()).collect();
        let mut waits = Box::pin(slots.take(Some("2001:db8:0:f::1".parse().unwrap())));
        assert!(waits.as_mut().now_or_never().is_none());
        held.extend((0..MAX - MAX_PER_SITE).map(|n| take(&format!("192.0.2.{n}")).unwrap()));
        assert!(take("198.51.100.1").is_none(), "all are taken");
        drop(held);
        assert!(waits.now_or_never().unwrap().is_ok());
        assert!(take("198.51.100.1").is_some());
        assert_eq!(slots.by_site.lock().unwrap().len(), 1, "nothing is kept of who has gone");
    }

    #[tokio::test]
    async fn only_the_password_itself_passes() {
        let hash = hash(&Env::system(), None, "correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify(None, "correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!verify(None, "wrong".into(), Some(hash)).await.unwrap());
        assert!(!verify(None, "anything".into(), None).await.unwrap());
    }
}
