//! Enrollments that outlive the process: `agents.jsonl`, one line per enrollment, appended. A later line about the
//! same agent counts; a line that a crash cut short is ignored.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::{Fingerprint, PublicKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::agent::Enrollment;
use crate::{SimAgent, SimError};

/// What is kept of one agent.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Known {
    seed: u64,
    index: usize,
    /// Which organization's looks the machine has.
    pub flavour: usize,
    /// The private key's 32 bytes, base64url.
    key: Fingerprint,
    agent_id: Uuid,
    /// The pinned key of the server.
    pub server_key: PublicKey,
    /// It was decommissioned and stays away.
    #[serde(default)]
    pub gone: bool,
}

impl Known {
    pub fn of(agent: &SimAgent, seed: u64, index: usize, flavour: usize) -> Result<Self, SimError> {
        let enrollment = agent.enrollment().ok_or(SimError::NotEnrolled)?;
        Ok(Self {
            seed,
            index,
            flavour,
            key: Fingerprint::from_bytes(agent.key().to_bytes()),
            agent_id: enrollment.agent_id,
            server_key: enrollment.server_key,
            gone: false,
        })
    }

    /// The same agent, decommissioned.
    pub fn gone(self) -> Self {
        Self { gone: true, ..self }
    }

    pub fn signing_key(&self) -> SigningKey {
        SigningKey::from_bytes(self.key.as_bytes())
    }

    pub const fn enrollment(&self) -> Enrollment {
        Enrollment { agent_id: self.agent_id, server_key: self.server_key }
    }
}

pub struct StateDir {
    known: HashMap<(u64, usize), Known>,
    file: Mutex<File>,
}

impl StateDir {
    pub fn open(dir: &Path) -> Result<Self, SimError> {
        std::fs::create_dir_all(dir)?;
        let path = dir.join("agents.jsonl");
        let mut file = OpenOptions::new().create(true).read(true).append(true).open(&path)?;
        let text = std::fs::read_to_string(&path)?;
        if !text.is_empty() && !text.ends_with('\n') {
            file.write_all(b"\n")?;
        }
        let known = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Known>(line).ok())
            .map(|known| ((known.seed, known.index), known))
            .collect();
        Ok(Self { known, file: Mutex::new(file) })
    }

    pub fn get(&self, seed: u64, index: usize) -> Option<Known> {
        self.known.get(&(seed, index)).cloned()
    }

    pub fn append(&self, known: &Known) -> Result<(), SimError> {
        let line = serde_json::to_string(known)? + "\n";
        self.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(line.as_bytes())?;
        Ok(())
    }
}
