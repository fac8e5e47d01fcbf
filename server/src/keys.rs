//! The installation's keys: files outside Postgres, made at the first start.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::{Fingerprint, PublicKey, sha256};
use zeroize::Zeroizing;

use crate::core::Env;
use crate::core::secret::Vault;

/// Every key of the installation, loaded.
pub struct Keys {
    /// Signs envelopes, welcomes and identity proofs.
    pub signing: SigningKey,
    /// Signs access tokens (HMAC).
    pub token: Zeroizing<[u8; 32]>,
    /// Encrypts secrets at rest.
    pub vault: Vault,
    /// Signs audit heads.
    pub audit: SigningKey,
    /// What the database must know this installation by.
    pub fingerprints: KeyFingerprints,
}

/// Names of the keys, as the table `installation` keeps them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFingerprints {
    /// Of the signing key's public half.
    pub signing: String,
    /// Of the token key.
    pub token: String,
    /// Of the storage key.
    pub storage: String,
    /// Of the audit key's public half.
    pub audit: String,
}

impl Keys {
    /// Reads the keys in `dir`, making those that are missing when `create` (an installation's first start).
    ///
    /// # Errors
    /// When a file cannot be read or written, is readable by others, is no key, or is missing and must not be made.
    pub fn load(dir: &Path, env: &Env, create: bool) -> Result<Self> {
        if create {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(dir)
                .with_context(|| format!("cannot create the key directory {}", dir.display()))?;
        }
        let read = |name: &str| read_or_create(&dir.join(name), env, create);
        let (signing, token, storage, audit) =
            (read("signing.key")?, read("token.key")?, read("storage.key")?, read("audit.key")?);
        Ok(Self::from_seeds(&signing, token, &storage, &audit))
    }

    /// Keys from raw seeds (tests, and the end of [`Self::load`]).
    #[must_use]
    pub fn from_seeds(signing: &[u8; 32], token: Zeroizing<[u8; 32]>, storage: &[u8; 32], audit: &[u8; 32]) -> Self {
        let signing = SigningKey::from_bytes(signing);
        let audit = SigningKey::from_bytes(audit);
        let fingerprints = KeyFingerprints {
            signing: PublicKey::of(&signing).fingerprint().to_text(),
            token: symmetric_fingerprint(b"token", &token),
            storage: symmetric_fingerprint(b"storage", storage),
            audit: PublicKey::of(&audit).fingerprint().to_text(),
        };
        Self { signing, token, vault: Vault::new(storage), audit, fingerprints }
    }

    /// The public half of the signing key.
    #[must_use]
    pub fn server_key(&self) -> PublicKey {
        PublicKey::of(&self.signing)
    }

    /// Its fingerprint, as enrollment tokens carry it.
    #[must_use]
    pub fn server_fingerprint(&self) -> Fingerprint {
        self.server_key().fingerprint()
    }
}

/// A name for a secret key that does not reveal it.
fn symmetric_fingerprint(purpose: &[u8], key: &[u8; 32]) -> String {
    hex::encode(&sha256(&[b"gururmm/key-name/v1/".as_slice(), purpose, b"/", key].concat())[..16])
}

fn read_or_create(path: &Path, env: &Env, create: bool) -> Result<Zeroizing<[u8; 32]>> {
    match std::fs::read_to_string(path) {
        Ok(text) => {
            let mode = std::fs::metadata(path)?.permissions().mode();
            if mode & 0o077 != 0 {
                bail!("{} can be read by others (mode {:o}); run: chmod 600 {0}", path.display(), mode & 0o777);
            }
            let text = Zeroizing::new(text);
            let bytes = Zeroizing::new(
                STANDARD.decode(text.trim()).with_context(|| format!("{} is not a key file", path.display()))?,
            );
            let key: [u8; 32] = bytes
                .as_slice()
                .try_into()
                .with_context(|| format!("{} is not a key file: 32 bytes are expected", path.display()))?;
            Ok(Zeroizing::new(key))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && create => {
            let key = Zeroizing::new(env.bytes::<32>());
            write_private(path, Zeroizing::new(STANDARD.encode(key.as_slice())).as_bytes())?;
            Ok(key)
        }
        Err(error) => Err(error).with_context(|| format!("cannot read the key file {}", path.display())),
    }
}

/// Writes a file that only its owner can read, whole or not at all, and never over another one.
pub(crate) fn write_private(path: &Path, content: &[u8]) -> Result<()> {
    let problem = || format!("cannot write {}", path.display());
    let half = path.with_extension("new");
    let _ = std::fs::remove_file(&half);
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half).with_context(problem)?;
    file.write_all(content).with_context(problem)?;
    file.write_all(b"\n").with_context(problem)?;
    file.sync_all().with_context(problem)?;
    // A hard link fails where a rename would overwrite.
    std::fs::hard_link(&half, path).with_context(problem)?;
    std::fs::remove_file(&half).with_context(problem)?;
    sync_parent(path).with_context(problem)
}

/// Makes a new name in a directory outlive a power cut.
pub(crate) fn sync_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) => std::fs::File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_private_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let keys = dir.path().join("keys");
        let env = Env::system();
        assert!(Keys::load(&keys, &env, false).is_err(), "a missing key is not invented");
        let first = Keys::load(&keys, &env, true).unwrap();
        let again = Keys::load(&keys, &env, false).unwrap();
        assert_eq!(first.fingerprints, again.fingerprints);
        let file = keys.join("signing.key");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
        let problem = Keys::load(&keys, &env, false).err().unwrap().to_string();
        assert!(problem.contains("chmod 600"), "{problem}");
    }
}
