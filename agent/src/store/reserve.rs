//! A little space that is set aside while there is some: on a full disk the agent still writes down what it does, because
//! cleaning up is what it is needed for then.

use std::fs;
use std::io;
use std::path::PathBuf;

use super::DataDir;
use super::files::{self, Durability};

const RESERVE: &str = "reserve";
/// Enough for the journal records of some hundred commands.
const BYTES: usize = 256 * 1024;

/// The space that is set aside.
#[derive(Debug, Clone)]
pub struct Reserve {
    path: PathBuf,
}

impl Reserve {
    /// The reserve of a data directory.
    #[must_use]
    pub fn new(dir: &DataDir) -> Self {
        Self { path: dir.join(RESERVE) }
    }

    /// Sets the space aside, unless it is or there is none.
    pub fn fill(&self) {
        if !self.path.exists()
            && let Err(error) = files::write_atomic(&self.path, &vec![0; BYTES], Durability::Synced)
        {
            tracing::debug!(%error, "no space can be set aside");
        }
    }

    /// Writes; on a full disk once more, after the space was given back.
    ///
    /// # Errors
    /// What `write` says at the end.
    pub fn spend_if_full<T>(&self, mut write: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        match write() {
            Err(error) if is_full(&error) && fs::remove_file(&self.path).is_ok() => {
                tracing::warn!(%error, "the disk is full; the space that was set aside is used");
                write()
            }
            done => done,
        }
    }
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_full_disk_the_space_is_given_back_once_and_set_aside_again_later() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        let reserve = Reserve::new(&dir);
        reserve.fill();
        assert_eq!(fs::metadata(dir.join(RESERVE)).unwrap().len(), BYTES as u64);
        let path = dir.join(RESERVE);
        let full = || if path.exists() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) };
        reserve.spend_if_full(full).unwrap();
        let mut tries = 0;
        let hopeless = reserve.spend_if_full(|| -> io::Result<()> {
            tries += 1;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!((hopeless.unwrap_err().kind(), tries), (io::ErrorKind::StorageFull, 1), "there is nothing left");
        reserve.fill();
        let read_only = reserve.spend_if_full(|| -> io::Result<()> { Err(io::ErrorKind::ReadOnlyFilesystem.into()) });
        assert!(read_only.is_err() && path.exists(), "space is not what is missing");
    }
}
