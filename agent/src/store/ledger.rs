//! The journal and the stored output together, on disk: a step is written down before it is taken.

use std::fs::File;
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{CommandEvent, CommandResult, OutputStream};
use uuid::Uuid;

use super::files::{self, Durability};
use super::spool::{Piece, Spool};
use super::{DataDir, StoreError};
use crate::core::journal::{Journal, Record};
use crate::core::outbox::OutputSource;

const JOURNAL: &str = "journal";
/// The journal file is rewritten when it has this many lines more than are needed.
const SLACK: usize = 4_096;

/// Journal and stored output.
#[derive(Debug)]
pub struct Ledger {
    journal: Journal,
    path: PathBuf,
    /// None only when the file could not be opened again after it was rewritten.
    file: Option<File>,
    lines: usize,
    spool: Spool,
}

impl Ledger {
    /// Opens both and settles what a crash left: accepted but not started is forgotten, started without an end becomes
    /// *unknown*. `now` is the server's clock as the agent knows it.
    ///
    /// # Errors
    /// [`StoreError`] when the files cannot be read or written.
    pub fn open(dir: &DataDir, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let path = dir.join(JOURNAL);
        let mut spool = Spool::open(dir)?;
        let content = files::read_optional(&path)?.unwrap_or_default();
        let mut journal = Journal::default();
        let mut lines = content.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).peekable();
        while let Some(line) = lines.next() {
            match serde_json::from_slice(line) {
                Ok(record) => journal.apply(record),
                // The last line may be torn by a power cut: the step it stands for was then not taken.
                Err(error) if lines.peek().is_none() => {
                    tracing::warn!(%error, path = %path.display(), "the last line of the journal cannot be read");
                }
                Err(error) => {
                    tracing::error!(%error, path = %path.display(), "the journal is damaged: earlier commands are in doubt");
                    journal.apply(Record::Damaged { at: now });
                }
            }
        }
        journal.recover(now, |id| spool.count(id));
        spool.tidy(|id| journal.phase(id).is_some());
        let lines = write_all(&path, &journal)?;
        let file = Some(open_at_end(&path)?);
        Ok(Self { journal, path, file, lines, spool })
    }

    /// What is known of ids.
    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Writes a step down; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses: the step must then not be taken.
    pub fn record(&mut self, record: Record) -> Result<(), StoreError> {
        let mut line = serde_json::to_vec(&record)
            .map_err(|error| StoreError::Content { path: self.path.clone(), problem: error.to_string() })?;
        line.push(b'\n');
        let file = match &mut self.file {
            Some(file) => file,
            file @ None => file.insert(open_at_end(&self.path)?),
        };
        let length = file.stream_position().map_err(StoreError::io(&self.path))?;
        let written = file.write_all(&line).and_then(|()| file.sync_data());
        if let Err(source) = written {
            // Half a line must not swallow the next one.
            let undone = file.set_len(length).and_then(|()| file.seek(SeekFrom::Start(length)));
            if let Err(error) = undone {
                tracing::error!(%error, path = %self.path.display(), "the journal cannot be cut back");
            }
            return Err(StoreError::Io { path: self.path.clone(), source });
        }
        self.lines += 1;
        self.journal.apply(record);
        if self.lines > self.journal.len().saturating_mul(3) + SLACK
            && let Err(error) = self.compact()
        {
            // The step itself is written down; the file is only longer than it need be.
            tracing::warn!(%error, "the journal cannot be shortened");
        }
        Ok(())
    }

    /// Appends a piece of a command's output.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn append(&mut self, id: Uuid, stream: OutputStream, text: String) -> Result<(), StoreError> {
        self.spool.append(id, &Piece { stream, text })
    }

    /// Writes down a command's end, after its output is safely on disk.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses; until a restart the end is known all the same.
    pub fn finish(&mut self, id: Uuid, expires_at: DateTime<Utc>, result: CommandResult) -> Result<(), StoreError> {
        if let Err(error) = self.spool.close(id) {
            tracing::error!(command = %id, %error, "output may be lost in a power cut");
        }
        let record = Record::Finished { id, expires_at, result };
        let written = self.record(record.clone());
        if written.is_err() {
            self.journal.apply(record);
        }
        written
    }

    /// The server has everything of a command: its output goes, its id and result stay until they are pruned.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn acknowledge(&mut self, id: Uuid) -> Result<(), StoreError> {
        self.record(Record::Acknowledged { id })?;
        self.spool.remove(id)
    }

    /// Forgets what can do no harm any more; `now` is the server's clock.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn prune(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let forgotten = self.journal.prune(now);
        let journal = &self.journal;
        self.spool.tidy(|id| journal.phase(id).is_some());
        if forgotten.is_empty() { Ok(()) } else { self.compact() }
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        // Not every system replaces a file that is open.
        self.file = None;
        self.lines = write_all(&self.path, &self.journal)?;
        self.file = Some(open_at_end(&self.path)?);
        Ok(())
    }
}

/// Answers how many lines there are now.
fn write_all(path: &Path, journal: &Journal) -> Result<usize, StoreError> {
    let records = journal.records();
    let mut content = Vec::new();
    for record in &records {
        serde_json::to_writer(&mut content, record)
            .map_err(|error| StoreError::Content { path: path.to_owned(), problem: error.to_string() })?;
        content.push(b'\n');
    }
    files::write_atomic(path, &content, Durability::Synced)?;
    Ok(records.len())
}

fn open_at_end(path: &Path) -> Result<File, StoreError> {
    let mut file = File::options().write(true).open(path).map_err(StoreError::io(path))?;
    file.seek(SeekFrom::End(0)).map_err(StoreError::io(path))?;
    Ok(file)
}

impl OutputSource for Ledger {
    fn output(&mut self, command: Uuid, index: u32) -> Option<CommandEvent> {
        let Piece { stream, text } = self.spool.read(command, index)?;
        Some(CommandEvent::Output { index, stream, text })
    }
}

/// The ledger as the running commands and the main loop share it. Nobody holds it across a wait.
#[derive(Debug, Clone)]
pub struct SharedLedger(Arc<Mutex<Ledger>>);

impl SharedLedger {
    /// Wraps a ledger.
    #[must_use]
    pub fn new(ledger: Ledger) -> Self {
        Self(Arc::new(Mutex::new(ledger)))
    }

    /// Takes it for one step.
    pub fn lock(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::journal::Phase;
    use chrono::TimeDelta;
    use gururmm_protocol::command::{Knowledge, Outcome};

    fn now() -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000)
    }

    #[test]
    fn a_damaged_line_makes_earlier_commands_doubtful_for_good() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        let expires_at = now() + TimeDelta::hours(1);
        let mut ledger = Ledger::open(&dir, now()).unwrap();
        for n in 1..=2 {
            ledger.record(Record::Accepted { id: Uuid::from_u128(n), expires_at }).unwrap();
            ledger.record(Record::Started { id: Uuid::from_u128(n), expires_at, started_at: now() }).unwrap();
        }
        drop(ledger);
        let path = dir.join(JOURNAL);
        let content = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, content.replacen("started", "st\u{0}rted", 1)).unwrap();
        for _ in 0..2 {
            let ledger = Ledger::open(&dir, now() + TimeDelta::minutes(1)).unwrap();
            assert!(ledger.journal().is_doubtful(now()));
            assert!(!ledger.journal().is_doubtful(now() + TimeDelta::minutes(2)));
        }
    }

    #[test]
    fn a_torn_last_line_loses_only_itself() {
        let temp = tempfile::tempdir().unwrap();
        let dir = DataDir::open(temp.path()).unwrap();
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let expires_at = now() + TimeDelta::hours(1);
        let mut ledger = Ledger::open(&dir, now()).unwrap();
        ledger.record(Record::Accepted { id: a, expires_at }).unwrap();
        ledger.record(Record::Started { id: a, expires_at, started_at: now() }).unwrap();
        ledger.append(a, OutputStream::Stdout, "x".into()).unwrap();
        ledger.record(Record::Accepted { id: b, expires_at }).unwrap();
        drop(ledger);
        let path = dir.join(JOURNAL);
        let mut content = std::fs::read(&path).unwrap();
        content.extend_from_slice(br#"{"record":"started","id":"00000000"#);
        std::fs::write(&path, content).unwrap();

        let mut ledger = Ledger::open(&dir, now()).unwrap();
        let Some(Phase::Finished { result, acknowledged: false }) = ledger.journal().phase(a) else { panic!() };
        assert_eq!((result.outcome, result.output_chunks), (Outcome::Unknown, 1));
        assert_eq!(ledger.journal().knowledge(b), Knowledge::NeverHad);
        assert!(matches!(ledger.output(a, 0), Some(CommandEvent::Output { .. })));
        ledger.acknowledge(a).unwrap();
        assert_eq!(ledger.output(a, 0), None);
        drop(ledger);
        let ledger = Ledger::open(&dir, now()).unwrap();
        assert!(matches!(ledger.journal().phase(a), Some(Phase::Finished { acknowledged: true, .. })));
    }
}
