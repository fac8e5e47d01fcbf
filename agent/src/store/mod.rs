//! The data directory: key, configuration, journal, stored output, status. One agent at a time uses it.

pub mod config;
pub mod files;
pub mod journal_file;
pub mod ledger;
pub mod reserve;
pub mod spool;
pub mod status;

use std::fs::{DirEntry, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// The content is not what the agent writes.
    #[error("{}: {problem}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// There is something else in the directory.
    #[error("{} is not empty and is not the data directory of an agent; choose another one", path.display())]
    NotOurs {
        /// The directory.
        path: PathBuf,
    },
    /// Somebody else may have put something into the directory.
    #[error(
        "{}: this directory is not believed, since somebody else may have put something into it: {why}. Look at it, \
         remove it as an administrator, and enroll this machine again",
        path.display()
    )]
    NotBelieved {
        /// The directory.
        path: PathBuf,
        /// What speaks against it.
        why: String,
    },
    /// Another process holds the directory.
    #[error(
        "another agent (or an enrollment) is using {}; stop it first, for example with {}",
        path.display(),
        crate::platform::service::HOW_TO_STOP
    )]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
}

impl StoreError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Io { path: path.to_owned(), source }
    }
}

/// A data directory, held exclusively until this value is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

const LOCK: &str = "lock";
/// A status request holds the lock for an instant; a start that falls into it tries again.
const LOCK_ATTEMPTS: u32 = 5;
const LOCK_PAUSE: Duration = Duration::from_millis(50);
const REMOVALS: u32 = 50;
const REMOVAL_PAUSE: Duration = Duration::from_millis(100);

impl DataDir {
    /// Creates the directory where it is missing (readable by its owner only) and takes its lock.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`] when it holds something else; [`StoreError::NotBelieved`] when somebody else may have put
    /// something into it; [`StoreError::InUse`] when another process has it; [`StoreError::Io`] when it cannot be created or
    /// opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let file = path.join(LOCK);
        if std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_some()) {
            if !Self::exists(path) {
                return Err(StoreError::NotOurs { path: path.to_owned() });
            }
            Self::exists_and_is_trusted(path)?;
        }
        if let Err(error) = crate::platform::create_private_dir(path) {
            // An empty one may be somebody else's as well: that does not pass, as a fault of the disk may.
            Self::exists_and_is_trusted(path)?;
            return Err(StoreError::io(path)(error));
        }
        let lock = crate::platform::private(File::options().create(true).truncate(false).read(true).write(true))
            .open(&file)
            // On a disk that became read-only, what is there can be locked all the same.
            .or_else(|error| File::open(&file).map_err(|_| error))
            .map_err(StoreError::io(&file))?;
        for attempt in 1.. {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::WouldBlock) if attempt < LOCK_ATTEMPTS => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::WouldBlock) => return Err(StoreError::InUse { path: path.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(StoreError::Io { path: file, source }),
            }
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Whether an agent has its data there; not when that cannot be seen.
    #[must_use]
    pub fn exists(path: &Path) -> bool {
        Self::try_exists(path).unwrap_or(false)
    }

    /// As [`Self::exists`], for those who want to know why it cannot be seen.
    ///
    /// # Errors
    /// When the directory may not be looked into.
    pub fn try_exists(path: &Path) -> io::Result<bool> {
        path.join(LOCK).try_exists()
    }

    /// Whether there is a directory, and its content may be believed; false when there is none. To be asked by those who do
    /// not [`open`](Self::open) it, before anything in it is read or written.
    ///
    /// # Errors
    /// [`StoreError::NotBelieved`] when somebody else may have put something there; [`StoreError::Io`] when it cannot be
    /// looked at.
    pub fn exists_and_is_trusted(path: &Path) -> Result<bool, StoreError> {
        match crate::platform::distrust(path) {
            Ok(None) => Ok(true),
            Ok(Some(why)) => Err(StoreError::NotBelieved { path: path.to_owned(), why }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(StoreError::io(path)(error)),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file or directory inside.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Removes everything inside except the lock, which stays held, and `keep`. What another program holds for a moment is
    /// waited for; what stays all the same keeps nothing else from being removed.
    ///
    /// # Errors
    /// The first file that could not be removed.
    pub fn wipe(&self, keep: &[&str]) -> Result<(), StoreError> {
        patiently(|| self.wipe_once(keep))
    }

    fn wipe_once(&self, keep: &[&str]) -> Result<(), StoreError> {
        let kept = |entry: &DirEntry| entry.file_name() == LOCK || keep.iter().any(|keep| entry.file_name() == *keep);
        remove_content(&self.path, &kept, &|file| std::fs::remove_file(file)).and(files::sync_dir(&self.path))
    }
}

/// Removes what is in a directory, in directories inside too, except what is `kept`. Goes on after what cannot be removed,
/// and tells the first of it.
fn remove_content(
    directory: &Path,
    kept: &dyn Fn(&DirEntry) -> bool,
    remove_file: &dyn Fn(&Path) -> io::Result<()>,
) -> Result<(), StoreError> {
    let mut done = Ok(());
    for entry in std::fs::read_dir(directory).map_err(StoreError::io(directory))? {
        let removed = entry.map_err(StoreError::io(directory)).and_then(|entry| {
            let path = entry.path();
            if kept(&entry) {
                Ok(())
            } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_content(&path, &|_| false, remove_file)?;
                std::fs::remove_dir(&path).map_err(StoreError::io(&path))
            } else {
                remove_file(&path).map_err(StoreError::io(&path))
            }
        });
        done = done.and(removed);
    }
    done
}

/// Tries to remove something again and again for some seconds: on Windows nobody can remove what a virus scanner or a backup
/// program has open.
pub(crate) fn patiently<E>(remove: impl Fn() -> Result<(), E>) -> Result<(), E> {
    for _ in 1..REMOVALS {
        if remove().is_ok() {
            return Ok(());
        }
        std::thread::sleep(REMOVAL_PAUSE);
    }
    remove()
}

/// Whether some process holds the directory's lock.
///
/// # Errors
/// [`StoreError::Io`] when the lock cannot be looked at (other than by not being there).
pub fn is_in_use(path: &Path) -> Result<bool, StoreError> {
    let file = path.join(LOCK);
    let lock = match File::open(&file) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(source) => return Err(StoreError::Io { path: file, source }),
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(source)) => Err(StoreError::Io { path: file, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_other_things_in_it_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("thesis.txt"), "x").unwrap();
        let error = DataDir::open(dir.path()).unwrap_err();
        assert!(error.to_string().contains("not empty"), "{error}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn who_runs_on_a_directory_believes_it_as_those_do_who_only_look() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        drop(DataDir::open(dir.path()).unwrap());
        assert!(DataDir::exists_and_is_trusted(dir.path()).unwrap());
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        for error in [DataDir::exists_and_is_trusted(dir.path()).unwrap_err(), DataDir::open(dir.path()).unwrap_err()] {
            assert!(matches!(&error, StoreError::NotBelieved { why, .. } if why.contains("mode 0777")), "{error}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn an_empty_directory_that_is_refused_is_refused_for_good() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (open, link) = (dir.path().join("open"), dir.path().join("link"));
        std::fs::create_dir(&open).unwrap();
        std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o777)).unwrap();
        // Behind a link it is not made anew.
        std::os::unix::fs::symlink(&open, &link).unwrap();
        let error = DataDir::open(&link).unwrap_err();
        assert!(matches!(&error, StoreError::NotBelieved { why, .. } if why.contains("mode 0777")), "{error}");
        assert!(crate::agent::AgentError::from(error).is_lasting());
    }

    #[test]
    fn a_directory_is_held_by_one() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_in_use(dir.path()).unwrap());
        let held = DataDir::open(dir.path()).unwrap();
        assert!(is_in_use(dir.path()).unwrap());
        let error = DataDir::open(dir.path()).unwrap_err();
        assert!(error.to_string().contains("another agent"), "{error}");
        drop(held);
        assert!(!is_in_use(dir.path()).unwrap());
    }

    #[test]
    fn wiping_leaves_only_the_lock() {
        let dir = tempfile::tempdir().unwrap();
        let held = DataDir::open(dir.path()).unwrap();
        std::fs::create_dir(held.join("output")).unwrap();
        std::fs::write(held.join("output").join("x"), "y").unwrap();
        std::fs::write(held.join("kept"), "y").unwrap();
        held.wipe(&["kept"]).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        held.wipe(&[]).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_cannot_be_removed_keeps_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("inside")).unwrap();
        let held = dir.path().join("inside").join("held");
        for file in ["a", "z", "inside/a", "inside/held", "inside/z"] {
            std::fs::write(dir.path().join(file), "x").unwrap();
        }
        let remove =
            |file: &Path| if file == held { Err(io::Error::other("held")) } else { std::fs::remove_file(file) };
        let error = remove_content(dir.path(), &|_| false, &remove).unwrap_err();
        assert!(matches!(error, StoreError::Io { path, .. } if path == held));
        std::fs::remove_file(&held).unwrap();
        std::fs::remove_dir(dir.path().join("inside")).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_held_for_a_moment_is_removed_all_the_same() {
        let left = std::cell::Cell::new(3);
        let remove = || {
            left.set(left.get() - 1);
            if left.get() > 0 { Err("held") } else { Ok(()) }
        };
        assert_eq!(patiently(remove), Ok(()));
    }
}
