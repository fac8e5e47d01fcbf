//! Password hashing: argon2id with the crate's defaults (19 MiB, 2 passes: OWASP's first choice), off the async threads.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::Semaphore;

use crate::core::{Env, Error, Result};

/// Hashes under way at once: each takes 19 MiB and a core for a while.
static SLOTS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| Arc::new(Semaphore::new(4)));
/// How long a caller waits for a slot: in a flood, answers stay quick.
const PATIENCE: Duration = Duration::from_secs(5);

/// A hash of no password, so that an unknown account costs the same time as a known one.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LW5vYm9keQ$vEm2eBFK3hN9TYv5ZgDDO5wGqFKUKyDJmZ2hDpo8dfU";

/// Hashes a new password.
///
/// # Errors
/// 429 when too many hashes are under way.
pub async fn hash(env: &Env, password: String) -> Result<String> {
    let salt: [u8; 16] = env.bytes();
    off_thread(move || {
        Argon2::default()
            .hash_password_with_salt(password.as_bytes(), &salt)
            .map(|hash| hash.to_string())
            .map_err(|error| Error::internal(format!("hashing a password: {error}")))
    })
    .await?
}

/// Whether this is the password; takes equally long without a hash to compare with.
///
/// # Errors
/// 429 when too many hashes are under way; when the stored hash is not one.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    off_thread(move || {
        let known = hash.is_some();
        let text = hash.unwrap_or_else(|| NOBODY.to_owned());
        let parsed = PasswordHash::new(&text)
            .map_err(|error| Error::internal(format!("a stored password hash is bad: {error}")))?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let slot = tokio::time::timeout(PATIENCE, Arc::clone(&SLOTS).acquire_owned())
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

    #[tokio::test]
    async fn only_the_password_itself_passes() {
        let hash = hash(&Env::system(), "correct horse".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("correct horse".into(), Some(hash.clone())).await.unwrap());
        assert!(!verify("wrong".into(), Some(hash)).await.unwrap());
        assert!(!verify("anything".into(), None).await.unwrap());
    }
}
