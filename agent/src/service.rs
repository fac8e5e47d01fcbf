//! The agent as a service of the operating system.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::log;
use crate::platform::service as system;
use crate::store::files::{self, Durability};
use crate::store::{DataDir, StoreError, patiently, status};

/// Exit code for "starting again is useless": not enrolled, decommissioned, configuration broken (`EX_CONFIG` of
/// sysexits.h). The service manager is told not to start the agent again after it.
pub const EXIT_LASTING: u8 = 78;

/// The file in the data directory that says what an installation left on the machine.
pub const INSTALLED: &str = "service.json";

/// What a service does: it runs until the token is cancelled, and answers with its exit code.
pub type Work = Box<dyn FnOnce(CancellationToken) -> u8 + Send>;

/// What an installation left on the machine; kept in the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// The service's definition.
    pub unit: PathBuf,
    /// The program, when the installation copied it there (and may therefore remove it).
    pub program: Option<PathBuf>,
}

impl Installed {
    /// What is recorded in a data directory.
    #[must_use]
    pub fn load(data_dir: &Path) -> Option<Self> {
        serde_json::from_slice(&files::read_optional(&data_dir.join(INSTALLED)).ok()??).ok()
    }

    /// What is recorded there, or else what the service manager knows of a service with this data directory: the record is lost
    /// where an earlier removal was interrupted.
    #[must_use]
    pub fn find(data_dir: &Path) -> Option<Self> {
        Self::load(data_dir).or_else(|| Self::known(data_dir))
    }

    /// What the service manager knows of a service with this data directory, whatever is in it.
    fn known(data_dir: &Path) -> Option<Self> {
        system::find(&std::path::absolute(data_dir).ok()?)
    }

    fn save(&self, data_dir: &Path) -> Result<(), ServiceError> {
        let path = data_dir.join(INSTALLED);
        let content = serde_json::to_vec_pretty(self).map_err(|error| ServiceError::Failed(error.to_string()))?;
        Ok(files::write_atomic(&path, &content, Durability::Synced)?)
    }
}

/// What the service manager says about the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Whether there is such a service.
    pub installed: bool,
    /// Whether it starts with the machine.
    pub automatic: bool,
    /// Whether it runs.
    pub running: bool,
    /// The same in the service manager's own words.
    pub words: String,
}

/// The service could not be installed, removed or asked.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// There is no service manager that is known here.
    #[error("{0}")]
    NoManager(String),
    /// Only the administrator may.
    #[error("{}", system::NOT_ALLOWED)]
    NotAllowed,
    /// Something else.
    #[error("{0}")]
    Failed(String),
    /// A file.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Installs the agent as a service and starts it.
///
/// # Errors
/// [`ServiceError`], in words for the person at the keyboard.
pub fn install(data_dir: &Path) -> Result<String, ServiceError> {
    system::check()?;
    if !DataDir::exists_and_is_trusted(data_dir)? || !data_dir.join("config.json").exists() {
        return Err(ServiceError::Failed(format!(
            "this machine is not enrolled (no configuration in {}); run `gururmm-agent enroll` first",
            data_dir.display()
        )));
    }
    let earlier = Installed::load(data_dir);
    // Written down first: what is there without that, nobody removes.
    let installed = system::plan(earlier.as_ref())?;
    installed.save(data_dir)?;
    system::install(data_dir)?;
    system::activate()?;
    Ok(format!("the service {} is installed and started", system::NAME))
}

/// Starts the installed service.
///
/// # Errors
/// [`ServiceError`], in words for the person at the keyboard.
pub fn start() -> Result<String, ServiceError> {
    system::check()?;
    system::start()?;
    Ok(format!("the service {} is started", system::NAME))
}

/// Stops the service; it starts again with the machine.
///
/// # Errors
/// [`ServiceError`], in words for the person at the keyboard.
pub fn stop() -> Result<String, ServiceError> {
    system::check()?;
    system::stop()?;
    Ok(format!("the service {} is stopped", system::NAME))
}

/// Stops the service and removes it with its program; with `purge` the data directory too.
///
/// # Errors
/// [`ServiceError`], in words for the person at the keyboard.
pub fn uninstall(data_dir: &Path, purge: bool) -> Result<String, ServiceError> {
    system::check()?;
    let believed = match DataDir::exists_and_is_trusted(data_dir) {
        // What is in it is not believed and stays; what the service manager knows can be removed all the same.
        Err(StoreError::NotBelieved { .. }) if !purge => false,
        looked => looked?,
    };
    let installed = if believed { Installed::find(data_dir) } else { Installed::known(data_dir) };
    let installed = installed.ok_or_else(|| {
        ServiceError::Failed(format!("the service {} was not installed by this program", system::NAME))
    })?;
    system::stop()?;
    if !believed {
        remove(&installed)?;
        return Ok(format!("the service {} is removed", system::NAME));
    }
    if !purge {
        remove(&installed)?;
        files::remove(&data_dir.join(INSTALLED))?;
        return Ok(format!("the service {} is removed; its data stays in {}", system::NAME, data_dir.display()));
    }
    // Held, so that no agent that somebody runs without the service loses its data.
    let dir = DataDir::open(data_dir)?;
    // The data first: as long as the service is there, this can be tried again.
    dir.wipe(&[INSTALLED])?;
    remove(&installed)?;
    remove_data(dir)?;
    Ok(format!("the service {} and its data are removed", system::NAME))
}

/// Removes a data directory with everything in it. The log goes to no file from then on.
///
/// # Errors
/// [`StoreError::Io`] when something stays.
pub fn remove_data(dir: DataDir) -> Result<(), StoreError> {
    log::close();
    let path = dir.path().to_owned();
    // Windows removes no directory in which a file is open.
    drop(dir);
    patiently(|| std::fs::remove_dir_all(&path)).map_err(|source| StoreError::Io { path, source })
}

/// Removes the service's definition and program. Does not stop it: it may be the caller.
///
/// # Errors
/// [`ServiceError`] when something stays.
pub fn remove(installed: &Installed) -> Result<(), ServiceError> {
    system::remove(installed)
}

/// Whether the service manager has the service, or does not say.
#[must_use]
pub fn may_be_installed() -> bool {
    system::look().map_or(true, |seen| seen.installed)
}

/// What the service manager says, and whether an agent runs on the data directory.
///
/// # Errors
/// [`ServiceError`] where there is no service manager.
pub fn state(data_dir: &Path) -> Result<String, ServiceError> {
    let manager = system::look()?.words;
    let running = status::look(data_dir)?.running;
    Ok(format!("service {}: {manager}; agent: {}", system::NAME, if running { "running" } else { "not running" }))
}
