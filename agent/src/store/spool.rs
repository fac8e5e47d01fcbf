//! Output of commands on disk, until the server has it: one file per command, one line of JSON per piece.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _};
use std::path::PathBuf;

use gururmm_protocol::command::OutputStream;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{DataDir, StoreError};

/// Most bytes of output kept on disk over all commands; beyond it the oldest finished command's output goes.
pub const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// A piece of output as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Where it came from.
    pub stream: OutputStream,
    /// The text.
    pub text: String,
}

#[derive(Debug)]
struct Reader {
    next: u32,
    offset: u64,
}

/// The stored output.
#[derive(Debug)]
pub struct Spool {
    dir: PathBuf,
    writers: HashMap<Uuid, File>,
    readers: HashMap<Uuid, Reader>,
}

impl Spool {
    /// The stored output of a data directory.
    #[must_use]
    pub fn new(dir: &DataDir) -> Self {
        Self { dir: dir.join("output"), writers: HashMap::new(), readers: HashMap::new() }
    }

    fn path(&self, id: Uuid) -> PathBuf {
        self.dir.join(id.to_string())
    }

    /// Appends a piece.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses; nothing of the piece is then stored.
    pub fn append(&mut self, id: Uuid, piece: &Piece) -> Result<(), StoreError> {
        let path = self.path(id);
        let mut line = serde_json::to_vec(piece)
            .map_err(|error| StoreError::Content { path: path.clone(), problem: error.to_string() })?;
        line.push(b'\n');
        let mut write = || -> std::io::Result<()> {
            let file = match self.writers.entry(id) {
                Entry::Occupied(entry) => entry.into_mut(),
                Entry::Vacant(entry) => {
                    // Not its parents: output that comes after an uninstall must not bring the data directory back.
                    crate::platform::create_private_subdir(&self.dir)?;
                    entry.insert(crate::platform::private(File::options().create(true).append(true)).open(&path)?)
                }
            };
            let length = file.metadata()?.len();
            file.write_all(&line).inspect_err(|_| {
                // Half a piece must not swallow the next one.
                if let Err(error) = file.set_len(length) {
                    tracing::error!(%error, command = %id, "stored output cannot be cut back");
                }
            })
        };
        write().map_err(StoreError::io(&path))
    }

    /// No more output of this command: it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn close(&mut self, id: Uuid) -> Result<(), StoreError> {
        match self.writers.remove(&id) {
            Some(file) => file.sync_all().map_err(StoreError::io(&self.path(id))),
            None => Ok(()),
        }
    }

    /// Whole pieces of a command on disk.
    #[must_use]
    pub fn count(&self, id: Uuid) -> u32 {
        let Ok(file) = File::open(self.path(id)) else { return 0 };
        let lines = BufReader::new(file).split(b'\n').map_while(Result::ok);
        let whole = lines.take_while(|line| serde_json::from_slice::<Piece>(line).is_ok()).count();
        u32::try_from(whole).unwrap_or(u32::MAX)
    }

    /// The piece with this index; asked for in ascending order. `None` when it is not (or no longer) there.
    pub fn read(&mut self, id: Uuid, index: u32) -> Option<Piece> {
        let path = self.path(id);
        let reader = self.readers.entry(id).or_insert(Reader { next: 0, offset: 0 });
        if index < reader.next {
            *reader = Reader { next: 0, offset: 0 };
        }
        let mut file = BufReader::new(File::open(path).ok()?);
        file.seek(SeekFrom::Start(reader.offset)).ok()?;
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = file.read_until(b'\n', &mut line).ok()?;
            if line.last() != Some(&b'\n') {
                return None;
            }
            reader.offset += read as u64;
            reader.next += 1;
            if reader.next > index {
                return serde_json::from_slice(&line).ok();
            }
        }
    }

    /// Removes a command's output.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the file stays.
    pub fn remove(&mut self, id: Uuid) -> Result<(), StoreError> {
        self.writers.remove(&id);
        self.readers.remove(&id);
        super::files::remove(&self.path(id))
    }

    /// Removes what belongs to no known command, and the oldest output over [`MAX_BYTES`] of commands that do not run.
    pub fn tidy(&mut self, known: impl Fn(Uuid) -> bool) {
        let Ok(entries) = fs::read_dir(&self.dir) else { return };
        let mut kept = Vec::new();
        for entry in entries.flatten() {
            let id = entry.file_name().to_str().and_then(|name| name.parse::<Uuid>().ok());
            match (id.filter(|id| known(*id)), entry.metadata()) {
                (Some(id), Ok(meta)) => kept.push((meta.modified().ok(), id, meta.len())),
                _ => {
                    if let Err(error) = fs::remove_file(entry.path()) {
                        tracing::warn!(path = %entry.path().display(), %error, "stored output cannot be removed");
                    }
                }
            }
        }
        kept.sort();
        let mut total: u64 = kept.iter().map(|(_, _, bytes)| bytes).sum();
        for (_, id, bytes) in kept {
            if total <= MAX_BYTES {
                break;
            }
            if !self.writers.contains_key(&id) && self.remove(id).is_ok() {
                tracing::warn!(command = %id, bytes, "stored output gave way to newer output");
                total -= bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_after_an_uninstall_brings_nothing_back() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("data");
        let dir = DataDir::open(&path).unwrap();
        let mut spool = Spool::new(&dir);
        spool.append(Uuid::from_u128(1), &piece("a\n")).unwrap();
        // Windows removes no directory in which a file is open.
        spool.close(Uuid::from_u128(1)).unwrap();
        drop(dir);
        fs::remove_dir_all(&path).unwrap();
        spool.append(Uuid::from_u128(2), &piece("b\n")).unwrap_err();
        assert!(!path.exists());
    }

    fn piece(text: &str) -> Piece {
        Piece { stream: OutputStream::Stdout, text: text.into() }
    }

    #[test]
    fn pieces_come_back_by_index_and_a_torn_last_one_does_not_count() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        let mut spool = Spool::new(&dir);
        let id = Uuid::from_u128(1);
        spool.append(id, &piece("a\n")).unwrap();
        assert_eq!(spool.read(id, 0), Some(piece("a\n")));
        assert_eq!(spool.read(id, 1), None);
        spool.append(id, &piece("b")).unwrap();
        assert_eq!(spool.read(id, 1), Some(piece("b")));
        assert_eq!(spool.read(id, 0), Some(piece("a\n")));
        spool.close(id).unwrap();
        let mut file = File::options().append(true).open(spool.path(id)).unwrap();
        file.write_all(b"{\"stream\":\"stdo").unwrap();
        drop(file);
        assert_eq!(Spool::new(&dir).count(id), 2);
        spool.tidy(|_| false);
        assert_eq!(spool.count(id), 0);
    }
}
