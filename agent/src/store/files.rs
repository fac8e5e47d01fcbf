//! Files that are either the old or the new content, whatever happens in between.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::StoreError;

/// Whether a write waits until the disk has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Survives a power cut.
    Synced,
    /// May be lost in a power cut; for what is written often and matters little.
    Fast,
}

/// Replaces a file in one step: written beside it, renamed over it. Readable by its owner only.
///
/// # Errors
/// [`StoreError::Io`] when the disk refuses; the earlier content is then untouched.
pub fn write_atomic(path: &Path, content: &[u8], durability: Durability) -> Result<(), StoreError> {
    replace(path, content, durability).map_err(StoreError::io(path))
}

/// As [`write_atomic`].
///
/// # Errors
/// When the disk refuses; the earlier content is then untouched.
pub fn replace(path: &Path, content: &[u8], durability: Durability) -> io::Result<()> {
    let beside = path.with_extension("new");
    let write = || {
        let mut file =
            crate::platform::private(File::options().create(true).truncate(true).write(true)).open(&beside)?;
        file.write_all(content)?;
        if durability == Durability::Synced {
            file.sync_all()?;
        }
        drop(file);
        crate::platform::replace(&beside, path, durability == Durability::Synced)
    };
    write().inspect_err(|_| {
        // On a full disk, half of a file is in the way of everything else.
        let _ = fs::remove_file(&beside);
    })
}

/// Writes over a file where it stands, which needs no new space: for what matters little, when it cannot be replaced.
///
/// # Errors
/// When the disk refuses; the content may then be anything.
pub fn overwrite(path: &Path, content: &[u8]) -> Result<(), StoreError> {
    let write = || {
        let mut file = File::options().write(true).open(path)?;
        file.write_all(content)?;
        file.set_len(content.len() as u64)
    };
    write().map_err(StoreError::io(path))
}

/// Makes created, renamed and removed names of a directory survive a power cut.
///
/// # Errors
/// [`StoreError::Io`] when the disk refuses.
pub fn sync_dir(path: &Path) -> Result<(), StoreError> {
    crate::platform::sync_dir(path).map_err(StoreError::io(path))
}

/// The file's content, `None` when there is no such file.
///
/// # Errors
/// [`StoreError::Io`] when it is there and cannot be read.
pub fn read_optional(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(StoreError::Io { path: path.to_owned(), source }),
    }
}

/// Removes a file; one that is not there is as good.
///
/// # Errors
/// [`StoreError::Io`] when it is there and stays.
pub fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::Io { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}
