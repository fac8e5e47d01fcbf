//! Secrets at rest: encrypted with a key that is not in the database.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use super::{Env, Error, Result};

const NONCE: usize = 24;

/// Encrypts and opens secrets (XChaCha20-Poly1305, random nonce in front).
pub struct Vault(XChaCha20Poly1305);

impl Vault {
    /// Uses this key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self(XChaCha20Poly1305::new(&Key::from(*key)))
    }

    /// Encrypts `plain` for one `purpose` (for example the row's id): it opens for no other.
    ///
    /// # Errors
    /// Only if the cipher refuses the length, which no bounded input causes.
    pub fn seal(&self, env: &Env, purpose: &[u8], plain: &[u8]) -> Result<Vec<u8>> {
        let nonce: [u8; NONCE] = env.bytes();
        let sealed = self
            .0
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: purpose })
            .map_err(|_| Error::internal("a secret could not be encrypted"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] made for the same purpose.
    ///
    /// # Errors
    /// When it was altered, made for another purpose or with another key.
    pub fn open(&self, purpose: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let bad =
            || Error::internal("a secret in the database cannot be opened: altered, or made with another storage key");
        let (nonce, text) = sealed.split_first_chunk::<NONCE>().ok_or_else(bad)?;
        self.0
            .decrypt(&XNonce::from(*nonce), Payload { msg: text, aad: purpose })
            .map(Zeroizing::new)
            .map_err(|_| bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_unaltered_and_for_its_purpose() {
        let (env, vault) = (Env::system(), Vault::new(&[1; 32]));
        let sealed = vault.seal(&env, b"row 1", b"hunter2").unwrap();
        assert_eq!(vault.open(b"row 1", &sealed).unwrap().as_slice(), b"hunter2");
        assert!(vault.open(b"row 2", &sealed).is_err());
        assert!(Vault::new(&[2; 32]).open(b"row 1", &sealed).is_err());
        let mut altered = sealed;
        *altered.last_mut().unwrap() ^= 1;
        assert!(vault.open(b"row 1", &altered).is_err());
    }
}
