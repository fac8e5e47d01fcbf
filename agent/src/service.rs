//! The agent as a service of the operating system.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::log;
use crate::platform::{self, service as system};
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

    fn save(&self, data_dir: &Path) -> Result<(), ServiceError> {
        let path = data_dir.join(INSTALLED);
        let content = serde_json::to_vec_pretty(self).map_err(|error| ServiceError::Failed(error.to_string()))?;
        Ok(files::write_atomic(&path, &content, Durability::Synced)?)
    }
}

/// An installation that is to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    installed: Installed,
    unclaimed: Option<PathBuf>,
}

impl Found {
    /// What is recorded in a data directory, or else what the service manager knows of a service with that directory: the
    /// record is lost where an earlier removal was interrupted.
    #[must_use]
    pub fn find(data_dir: &Path) -> Option<Self> {
        let recorded = Installed::load(data_dir).map(|installed| Self { installed, unclaimed: None });
        recorded.or_else(|| Self::without_record(data_dir))
    }

    /// What the service manager knows of a service with this data directory, whatever is in it.
    fn without_record(data_dir: &Path) -> Option<Self> {
        let installed = system::find(&std::path::absolute(data_dir).ok()?)?;
        let unclaimed = installed.program.is_none().then(system::place).filter(|place| place.exists());
        Some(Self { installed, unclaimed })
    }

    /// The program that stays, since nobody knows whether an installation copied it there.
    #[must_use]
    pub fn unclaimed(&self) -> Option<&Path> {
        self.unclaimed.as_deref()
    }

    /// What stays on the machine after a removal without data, in words that go on a sentence.
    fn stays(&self, data_dir: Option<&Path>) -> String {
        let data = data_dir.map(|data_dir| format!("; its data stays in {}", data_dir.display()));
        let program = self.unclaimed.as_ref().map(|program| {
            format!(
                "; the program stays at {}: the record of the installation is lost, and with it whether the program was \
                 copied there for the service",
                program.display()
            )
        });
        data.unwrap_or_default() + &program.unwrap_or_default()
    }
}

/// What of an installation could not be removed.
#[derive(Debug, thiserror::Error)]
pub enum NotRemoved {
    /// The service's definition; nothing else was touched.
    #[error("the service {name} cannot be removed, and with it all that belongs to it stays: {0}", name = system::NAME)]
    Definition(ServiceError),
    /// The program.
    #[error("the service {name} is removed, but its program stays: {0}", name = system::NAME)]
    Program(ServiceError),
    /// The data directory.
    #[error("the service {name} is removed, but not all of its data: {0}", name = system::NAME)]
    Data(StoreError),
    /// Both.
    #[error(
        "the service {name} is removed, but its program stays: {program}; nor is all of its data removed: {data}",
        name = system::NAME
    )]
    ProgramAndData {
        /// Why the program stays.
        program: ServiceError,
        /// Why data stays.
        data: StoreError,
    },
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
    /// A part of it stays.
    #[error(transparent)]
    NotRemoved(#[from] Box<NotRemoved>),
}

/// Installs the agent as a service and starts it.
///
/// # Errors
/// [`ServiceError`], in words for the person at the keyboard.
pub fn install(data_dir: &Path) -> Result<String, ServiceError> {
    system::check()?;
    make_ready(data_dir)?;
    let earlier = Installed::load(data_dir);
    // Written down first: what is there without that, nobody removes.
    let installed = system::plan(earlier.as_ref())?;
    installed.save(data_dir)?;
    system::install(data_dir)?;
    system::activate()?;
    Ok(format!("the service {} is installed and started", system::NAME))
}

/// Looks whether there is what the service needs, and makes sure that the service's account will believe it: on Windows a
/// directory that an administrator made without elevation is theirs, until it is handed to the administrators. So are those
/// inside, each of which the agent asks about by itself.
fn make_ready(data_dir: &Path) -> Result<(), ServiceError> {
    if !DataDir::exists_and_is_trusted(data_dir)? || !data_dir.join("config.json").exists() {
        return Err(ServiceError::Failed(format!(
            "this machine is not enrolled (no configuration in {}); run `gururmm-agent enroll` first",
            data_dir.display()
        )));
    }
    platform::create_private_dir(data_dir).map_err(StoreError::io(data_dir))?;
    for entry in std::fs::read_dir(data_dir).map_err(StoreError::io(data_dir))? {
        let entry = entry.map_err(StoreError::io(data_dir))?;
        let path = entry.path();
        // Not what a link leads to.
        if entry.file_type().map_err(StoreError::io(&path))?.is_dir() {
            platform::create_private_subdir(&path).map_err(StoreError::io(&path))?;
        }
    }
    Ok(())
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
    let found = if believed { Found::find(data_dir) } else { Found::without_record(data_dir) };
    let found = found.ok_or_else(|| ServiceError::Failed(not_found(data_dir, believed)))?;
    system::stop()?;
    // Held, so that no agent that somebody runs without the service loses its data.
    let data = if purge && believed { Some(DataDir::open(data_dir)?) } else { None };
    remove(Some(&found), data)?;
    if purge {
        return Ok(format!("the service {} and its data are removed{}", system::NAME, found.stays(None)));
    }
    if believed {
        files::remove(&data_dir.join(INSTALLED))?;
    }
    Ok(format!(
        "the service {} is removed{}",
        system::NAME,
        found.stays(Some(data_dir).filter(|data_dir| data_dir.exists()))
    ))
}

/// Nothing says that there is an installation; what may be one is named.
fn not_found(data_dir: &Path, believed: bool) -> String {
    let place = system::place();
    let there = [place.as_path(), data_dir].into_iter().filter(|path| path.exists());
    let there: Vec<_> = there.map(|path| path.display().to_string()).collect();
    let record = if believed { "is no record of its installation" } else { "may be no record that is believed" };
    let stays = if there.is_empty() { String::new() } else { format!("; what stays: {}", there.join(", ")) };
    format!(
        "the service {} was not installed by this program for {}, or there {record}; nothing is removed{stays}",
        system::NAME,
        data_dir.display()
    )
}

/// Removes an installation and, where it is given, the data directory. Does not stop the service: it may be the caller.
///
/// The definition first. While that stays, all stays: an agent that removes itself is started again by it, finds its mark,
/// and goes on. What the definition leaves behind is removed as far as it can be.
///
/// # Errors
/// [`NotRemoved`] with the part that stays.
pub fn remove(found: Option<&Found>, data: Option<DataDir>) -> Result<(), Box<NotRemoved>> {
    let installed = found.map(|found| &found.installed);
    in_order(
        || installed.map_or(Ok(()), |installed| system::remove_definition(&installed.unit)),
        || installed.and_then(|installed| installed.program.as_deref()).map_or(Ok(()), system::remove_program),
        || data.map_or(Ok(()), remove_data),
    )
}

fn in_order(
    definition: impl FnOnce() -> Result<(), ServiceError>,
    program: impl FnOnce() -> Result<(), ServiceError>,
    data: impl FnOnce() -> Result<(), StoreError>,
) -> Result<(), Box<NotRemoved>> {
    definition().map_err(NotRemoved::Definition)?;
    let stays = match (program(), data()) {
        (Ok(()), Ok(())) => return Ok(()),
        (Err(program), Ok(())) => NotRemoved::Program(program),
        (Ok(()), Err(data)) => NotRemoved::Data(data),
        (Err(program), Err(data)) => NotRemoved::ProgramAndData { program, data },
    };
    Err(stays.into())
}

/// Removes a data directory with everything in it, the record of the installation last, so that this can be tried again. The
/// log goes to no file from then on.
fn remove_data(dir: DataDir) -> Result<(), StoreError> {
    log::close();
    dir.wipe(&[INSTALLED])?;
    // While the lock is there: a directory with a record and without a lock is no agent's any more.
    dir.wipe(&[])?;
    let path = dir.path().to_owned();
    // Windows removes no directory in which a file is open.
    drop(dir);
    patiently(|| std::fs::remove_dir_all(&path)).map_err(|source| StoreError::Io { path, source })
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Removes an installation of which `stuck` cannot be removed; tells what was tried, and what is said.
    fn removed(stuck: &[&str]) -> (Vec<&'static str>, &'static str) {
        let tried = RefCell::new(Vec::new());
        let part = |name: &'static str| {
            tried.borrow_mut().push(name);
            if stuck.contains(&name) { Err(ServiceError::Failed("no".to_owned())) } else { Ok(()) }
        };
        let data = || part("data").map_err(|_| StoreError::InUse { path: PathBuf::from("d") });
        let done = in_order(|| part("definition"), || part("program"), data);
        let stays = match done.map_err(|stays| *stays) {
            Ok(()) => "nothing",
            Err(NotRemoved::Definition(_)) => "everything",
            Err(NotRemoved::Program(_)) => "program",
            Err(NotRemoved::Data(_)) => "data",
            Err(NotRemoved::ProgramAndData { .. }) => "both",
        };
        (tried.into_inner(), stays)
    }

    #[test]
    fn while_the_definition_stays_all_stays_and_then_all_goes_that_can() {
        assert_eq!(removed(&["definition", "program"]), (vec!["definition"], "everything"));
        for (stuck, stays) in
            [(&[][..], "nothing"), (&["program"], "program"), (&["data"], "data"), (&["program", "data"], "both")]
        {
            assert_eq!(removed(stuck), (vec!["definition", "program", "data"], stays));
        }
    }

    #[test]
    fn what_stays_is_said() {
        let installed = Installed { unit: PathBuf::from("u"), program: None };
        let found =
            |unclaimed: Option<&str>| Found { installed: installed.clone(), unclaimed: unclaimed.map(Into::into) };
        assert_eq!(found(None).stays(None), "");
        assert_eq!(found(None).stays(Some(Path::new("d"))), "; its data stays in d");
        let both = found(Some("p")).stays(Some(Path::new("d")));
        assert!(both.starts_with("; its data stays in d; the program stays at p: the record"), "{both}");
        let dir = tempfile::tempdir().unwrap();
        let nothing = not_found(dir.path(), true);
        assert!(nothing.contains("what stays: ") && nothing.ends_with(&dir.path().display().to_string()), "{nothing}");
    }

    #[test]
    fn an_installation_needs_a_configuration_and_makes_its_directory_private() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        assert!(matches!(make_ready(&path), Err(ServiceError::Failed(why)) if why.contains("not enrolled")));
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("config.json"), "{}").unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            let open = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
            let (inside, elsewhere) = (path.join("output"), temp.path().join("elsewhere"));
            for path in [&inside, &elsewhere] {
                std::fs::create_dir(path).unwrap();
                open(path);
            }
            std::os::unix::fs::symlink(&elsewhere, path.join("link")).unwrap();
            open(&path);
            make_ready(&path).unwrap();
            assert_eq!([mode(&path), mode(&inside), mode(&elsewhere)], [0o700, 0o700, 0o755]);
        }
    }
}
