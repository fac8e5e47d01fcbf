//! What enrollment leaves behind: the configuration, the agent's key, and the mark of a decommission.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::PublicKey;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::files::{self, Durability};
use super::{DataDir, StoreError};

const CONFIG: &str = "config.json";
/// The file with the mark of a decommission.
pub const DECOMMISSIONED: &str = "decommissioned.json";

/// The agent's configuration, made by enrollment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// The server's address, for example `https://rmm.example.com`.
    pub server: String,
    /// The server's signing key, pinned.
    pub server_public_key: PublicKey,
    /// The agent's id as the server told it last.
    pub agent_id: Uuid,
    /// The highest epoch of the installation the agent was told; it never goes down.
    pub epoch: u32,
    /// File of the agent's private key inside the data directory.
    pub key_file: String,
    /// Certificate authorities (PEM) that are trusted for the connection besides those of the operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_pem: Option<String>,
    /// How far the machine's clock was behind the server's in the last session, in milliseconds.
    #[serde(default)]
    pub clock_offset_ms: i64,
}

impl Config {
    /// Reads the configuration; `None` when the machine is not enrolled.
    ///
    /// # Errors
    /// [`StoreError`] when the file cannot be read or is not a configuration.
    pub fn load(dir: &DataDir) -> Result<Option<Self>, StoreError> {
        Self::load_unheld(dir.path())
    }

    /// As [`Self::load`], for those who do not hold the directory: an agent may run on it.
    ///
    /// # Errors
    /// As there.
    pub fn load_unheld(dir: &Path) -> Result<Option<Self>, StoreError> {
        read_json(dir, CONFIG)
    }

    /// Replaces the configuration.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses; the earlier configuration then stays.
    pub fn save(&self, dir: &DataDir) -> Result<(), StoreError> {
        write_json(dir, CONFIG, self)
    }

    /// Reads the agent's private key.
    ///
    /// # Errors
    /// [`StoreError`] when it is missing or no key.
    pub fn load_key(&self, dir: &DataDir) -> Result<SigningKey, StoreError> {
        self.load_key_unheld(dir.path())
    }

    /// As [`Self::load_key`], for those who do not hold the directory.
    ///
    /// # Errors
    /// As there.
    pub fn load_key_unheld(&self, dir: &Path) -> Result<SigningKey, StoreError> {
        // A name alone: a path would lead out of the directory.
        let is_name = |name: &str| Path::new(name).file_name().is_some_and(|last| last == name);
        if !is_name(&self.key_file) {
            let problem = "key_file is not the name of a file; enroll this machine again".to_owned();
            return Err(StoreError::Content { path: dir.join(CONFIG), problem });
        }
        read_key(&dir.join(&self.key_file))
    }

    /// A key that an enrollment without an answer left: the server may know it already. The newest, if there are several.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the directory cannot be read.
    pub fn unused_key(dir: &DataDir, configured: Option<&Self>) -> Result<Option<SigningKey>, StoreError> {
        let mut files = key_files(dir)?;
        files.retain(|path| configured.is_none_or(|config| !path.ends_with(&config.key_file)));
        files.sort_by_key(|path| std::fs::metadata(path).and_then(|meta| meta.modified()).ok());
        Ok(files.last().and_then(|path| read_key(path).ok()))
    }

    /// Writes a private key into a file of its own (so that the configuration switches keys in one step) and gives the
    /// file's name.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn write_key(dir: &DataDir, key: &SigningKey) -> Result<String, StoreError> {
        let name = format!("agent-{}.key", hex::encode(&PublicKey::of(key).fingerprint().as_bytes()[..8]));
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(key.as_bytes()));
        files::write_atomic(&dir.join(&name), text.as_bytes(), Durability::Synced)?;
        Ok(name)
    }

    /// Removes all keys, as many as can be: this agent can never prove itself again.
    ///
    /// # Errors
    /// [`StoreError::Io`] with the first file that stays.
    pub fn remove_keys(dir: &DataDir) -> Result<(), StoreError> {
        let removed = key_files(dir)?.iter().map(|path| files::remove(path)).fold(Ok(()), Result::and);
        removed.and(files::sync_dir(dir.path()))
    }

    /// Removes key files other than the configured one.
    ///
    /// # Errors
    /// [`StoreError::Io`] when a file stays.
    pub fn remove_other_keys(&self, dir: &DataDir) -> Result<(), StoreError> {
        for path in key_files(dir)?.iter().filter(|path| !path.ends_with(&self.key_file)) {
            files::remove(path)?;
        }
        Ok(())
    }
}

fn key_files(dir: &DataDir) -> Result<Vec<PathBuf>, StoreError> {
    let entries = std::fs::read_dir(dir.path()).map_err(StoreError::io(dir.path()))?;
    let is_key = |name: &str| name.starts_with("agent-") && name.ends_with(".key");
    Ok(entries.flatten().filter(|entry| entry.file_name().to_str().is_some_and(is_key)).map(|e| e.path()).collect())
}

fn read_key(path: &Path) -> Result<SigningKey, StoreError> {
    let bad = |problem: &str| StoreError::Content {
        path: path.to_owned(),
        problem: format!("{problem}; enroll this machine again"),
    };
    let text = files::read_optional(path)?.map(Zeroizing::new).ok_or_else(|| bad("the agent's key is missing"))?;
    let bytes =
        Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim_ascii()).map_err(|_| bad("this is not the agent's key"))?);
    let seed: Zeroizing<[u8; 32]> =
        Zeroizing::new(bytes.as_slice().try_into().map_err(|_| bad("this is not the agent's key"))?);
    Ok(SigningKey::from_bytes(&seed))
}

/// The mark that this agent was decommissioned and must not run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decommissioned {
    /// The envelope that said so.
    pub envelope_id: Uuid,
    /// Whether program and data are removed too.
    pub uninstall: bool,
    /// When, by the server's clock.
    pub at: DateTime<Utc>,
}

impl Decommissioned {
    /// Reads the mark.
    ///
    /// # Errors
    /// [`StoreError`] when it is there and cannot be read.
    pub fn load(dir: &DataDir) -> Result<Option<Self>, StoreError> {
        Self::load_unheld(dir.path())
    }

    /// As [`Self::load`], for those who do not hold the directory: an agent may run on it.
    ///
    /// # Errors
    /// As there.
    pub fn load_unheld(dir: &Path) -> Result<Option<Self>, StoreError> {
        read_json(dir, DECOMMISSIONED)
    }

    /// Sets the mark.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn save(&self, dir: &DataDir) -> Result<(), StoreError> {
        write_json(dir, DECOMMISSIONED, self)
    }

    /// Takes the mark away: the machine was enrolled again.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file stays.
    pub fn clear(dir: &DataDir) -> Result<(), StoreError> {
        files::remove(&dir.join(DECOMMISSIONED))
    }
}

fn read_json<T: serde::de::DeserializeOwned>(dir: &Path, name: &str) -> Result<Option<T>, StoreError> {
    let path = dir.join(name);
    let Some(content) = files::read_optional(&path)? else { return Ok(None) };
    serde_json::from_slice(&content)
        .map(Some)
        .map_err(|error| StoreError::Content { path, problem: format!("{error}; enroll this machine again") })
}

fn write_json<T: Serialize>(dir: &DataDir, name: &str, value: &T) -> Result<(), StoreError> {
    let path = dir.join(name);
    let content = serde_json::to_vec_pretty(value)
        .map_err(|error| StoreError::Content { path: path.clone(), problem: error.to_string() })?;
    files::write_atomic(&path, &content, Durability::Synced)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_and_configuration_round_trip_and_old_keys_go() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        assert_eq!(Config::load(&dir).unwrap(), None);
        let (old, key) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let old_file = Config::write_key(&dir, &old).unwrap();
        let config = Config {
            server: "https://rmm.example.com".into(),
            server_public_key: PublicKey::of(&old),
            agent_id: Uuid::nil(),
            epoch: 2,
            key_file: Config::write_key(&dir, &key).unwrap(),
            ca_pem: None,
            clock_offset_ms: 0,
        };
        config.save(&dir).unwrap();
        config.remove_other_keys(&dir).unwrap();
        assert!(!dir.join(&old_file).exists());
        let loaded = Config::load(&dir).unwrap().unwrap();
        assert_eq!(loaded, config);
        assert_eq!(loaded.load_key(&dir).unwrap().to_bytes(), key.to_bytes());
        let elsewhere = tempfile::tempdir().unwrap();
        let path = elsewhere.path().join(&loaded.key_file);
        std::fs::copy(dir.join(&loaded.key_file), &path).unwrap();
        let planted = Config { key_file: path.display().to_string(), ..loaded };
        let error = planted.load_key(&dir).unwrap_err().to_string();
        assert!(error.contains("key_file"), "{error}");
    }

    #[test]
    fn a_broken_configuration_says_what_to_do() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        std::fs::write(dir.join(CONFIG), "{").unwrap();
        let error = Config::load(&dir).unwrap_err().to_string();
        assert!(error.contains("config.json") && error.contains("enroll this machine again"), "{error}");
    }
}
