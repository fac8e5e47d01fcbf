//! The journal's file: one line of JSON per record, each on the disk before its step is taken.

use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::files::{self, Durability};
use super::reserve::Reserve;
use super::{DataDir, StoreError};
use crate::core::journal::{Journal, Record};

pub(super) const JOURNAL: &str = "journal";

/// The file.
#[derive(Debug)]
pub struct JournalFile {
    path: PathBuf,
    /// Open for writing; `None` when that did not succeed, to be tried again with the next record.
    file: Option<File>,
    /// Bytes that count: what stands behind them is cut off before anything is written.
    length: u64,
    lines: usize,
    reserve: Reserve,
    trouble: Option<String>,
}

/// What was found in it.
#[derive(Debug, Default)]
pub struct Found {
    /// The state that its records lead to.
    pub journal: Journal,
    /// There is something in it that does not belong there.
    pub unclean: bool,
}

impl JournalFile {
    /// Begins the file of a machine that is being enrolled; one that is there stays. `enrolled_before` says that there
    /// should be one.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn create(dir: &DataDir, enrolled_before: bool) -> Result<(), StoreError> {
        let path = dir.join(JOURNAL);
        if path.exists() {
            return Ok(());
        }
        let mut journal = Journal::default();
        if enrolled_before {
            journal.apply(Record::Damaged { at: None });
        }
        let (content, _) = lines_of(&journal).map_err(unwritable(&path))?;
        files::write_atomic(&path, &content, Durability::Synced)
    }

    /// Reads the file. Nothing is written yet.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it is there and cannot be read.
    pub fn read(dir: &DataDir) -> Result<(Self, Found), StoreError> {
        let path = dir.join(JOURNAL);
        let content = files::read_optional(&path)?;
        let reserve = Reserve::new(dir);
        let mut this = Self { path, file: None, length: 0, lines: 0, reserve, trouble: None };
        let mut found = Found::default();
        match content {
            Some(content) => this.take_in(&content, &mut found),
            None => this.damaged(&mut found, "gone"),
        }
        Ok((this, found))
    }

    fn take_in(&mut self, content: &[u8], found: &mut Found) {
        let mut lines = content.split_inclusive(|byte| *byte == b'\n').peekable();
        while let Some(line) = lines.next() {
            match serde_json::from_slice(line) {
                Ok(record) => found.journal.apply(record),
                // The last line may be torn by a power cut: the step it stands for was then not taken.
                Err(error) if lines.peek().is_none() => {
                    tracing::warn!(%error, path = %self.path.display(), "the last line of the journal cannot be read");
                    found.unclean = true;
                    return;
                }
                Err(_) => self.damaged(found, "damaged"),
            }
            if line.ends_with(b"\n") {
                self.length += line.len() as u64;
                self.lines += 1;
            } else {
                found.unclean = true;
            }
        }
    }

    fn damaged(&self, found: &mut Found, how: &str) {
        tracing::error!(path = %self.path.display(), "the journal is {how}: earlier commands are in doubt");
        found.journal.apply(Record::Damaged { at: None });
        found.unclean = true;
    }

    /// Why the last step could not be written down.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
    }

    /// How many records there are.
    #[must_use]
    pub const fn lines(&self) -> usize {
        self.lines
    }

    /// Sets space aside for a full disk, where there is none yet.
    pub fn set_space_aside(&self) {
        self.reserve.fill();
    }

    /// Makes the file ready for records.
    ///
    /// # Errors
    /// [`StoreError::Io`] when it is not there or the disk refuses.
    pub fn prepare(&mut self) -> Result<(), StoreError> {
        let opened = self.file().map(drop).map_err(StoreError::io(&self.path));
        self.noted(opened)
    }

    /// Appends a record; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses; the file is then as before.
    pub fn append(&mut self, record: &Record) -> Result<(), StoreError> {
        let line = line_of(record).map_err(unwritable(&self.path))?;
        let reserve = self.reserve.clone();
        let written = reserve.spend_if_full(|| self.write(&line)).map_err(StoreError::io(&self.path));
        self.noted(written)
    }

    /// Replaces the file by the shortest one of this state.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses; the file is then as before.
    pub fn rewrite(&mut self, journal: &Journal) -> Result<(), StoreError> {
        let (content, lines) = lines_of(journal).map_err(unwritable(&self.path))?;
        // Not every system replaces a file that is open. It is opened anew for the next record.
        self.file = None;
        let replace = || files::replace(&self.path, &content, Durability::Synced);
        let replaced = self.reserve.spend_if_full(replace).map_err(StoreError::io(&self.path));
        if replaced.is_ok() {
            (self.length, self.lines) = (content.len() as u64, lines);
        }
        self.noted(replaced)
    }

    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let length = self.length;
        let file = self.file()?;
        let written = file.write_all(line).and_then(|()| file.sync_data());
        match written {
            Ok(()) => {
                self.length += line.len() as u64;
                self.lines += 1;
            }
            // Half a line must not swallow the next one.
            Err(_) if cut(file, length).is_err() => self.file = None,
            Err(_) => {}
        }
        written
    }

    /// The open file, at the end of what counts in it.
    fn file(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let mut file = File::options().write(true).open(&self.path)?;
                cut(&mut file, self.length)?;
                file
            }
        };
        Ok(self.file.insert(file))
    }

    /// The next record meets a full disk.
    #[cfg(all(test, target_os = "linux"))]
    pub(super) fn fill_disk_once(&mut self) {
        self.file = File::options().write(true).open("/dev/full").ok();
    }

    fn noted(&mut self, written: Result<(), StoreError>) -> Result<(), StoreError> {
        let trouble = written.as_ref().err().map(ToString::to_string);
        match &trouble {
            Some(trouble) if self.trouble.is_none() => {
                tracing::error!(%trouble, "the journal cannot be written; without it no command is started");
            }
            None if self.trouble.is_some() => tracing::info!("the journal can be written again"),
            _ => {}
        }
        self.trouble = trouble;
        written
    }
}

fn cut(file: &mut File, length: u64) -> io::Result<()> {
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length)).map(drop)
}

fn line_of(record: &Record) -> serde_json::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(record)?;
    line.push(b'\n');
    Ok(line)
}

/// The shortest file of this state, and how many lines it has.
fn lines_of(journal: &Journal) -> serde_json::Result<(Vec<u8>, usize)> {
    let records = journal.records();
    let lines = records.iter().map(line_of).collect::<Result<Vec<_>, _>>()?;
    Ok((lines.concat(), records.len()))
}

fn unwritable(path: &Path) -> impl FnOnce(serde_json::Error) -> StoreError {
    let path = path.to_owned();
    move |error| StoreError::Content { path, problem: error.to_string() }
}
