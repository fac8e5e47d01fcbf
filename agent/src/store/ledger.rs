//! The journal and the stored output together, on disk: a step is written down before it is taken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{CommandEvent, CommandResult, OutputStream};
use uuid::Uuid;

use super::journal_file::{Found, JournalFile};
use super::spool::{Piece, Spool};
use super::{DataDir, StoreError};
use crate::core::journal::{Journal, Record};
use crate::core::outbox::OutputSource;

/// The journal file is rewritten when it has this many lines more than are needed.
const SLACK: usize = 4_096;

/// Journal and stored output.
#[derive(Debug)]
pub struct Ledger {
    journal: Journal,
    file: JournalFile,
    spool: Spool,
    /// The journal has steps that the disk refused: they are in memory only.
    unwritten: bool,
}

impl Ledger {
    /// Opens both and settles what a crash left: accepted but not started is forgotten, started without an end becomes
    /// *unknown*. `now` is the server's clock as the agent knows it. Opens also on a disk that takes nothing, see
    /// [`Self::trouble`].
    ///
    /// # Errors
    /// [`StoreError`] when the journal is there and cannot be read.
    pub fn open(dir: &DataDir, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let (file, Found { mut journal, unclean }) = JournalFile::read(dir)?;
        let mut spool = Spool::new(dir);
        let settled = journal.recover(now, |id| spool.count(id));
        spool.tidy(|id| journal.phase(id).is_some());
        let mut ledger = Self { journal, file, spool, unwritten: false };
        let rewritten = if unclean || settled || ledger.is_long() { ledger.compact() } else { ledger.file.prepare() };
        if rewritten.is_err() {
            tracing::warn!("the agent goes on with the journal as it is: it leads to the same state again");
        }
        ledger.file.set_space_aside();
        Ok(ledger)
    }

    /// What is known of ids.
    #[must_use]
    pub const fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Why steps cannot be written down: no command is started meanwhile.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        self.file.trouble()
    }

    /// Writes a step down; it is on the disk when this returns.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses: the step must then not be taken.
    pub fn record(&mut self, record: Record) -> Result<(), StoreError> {
        self.file.append(&record)?;
        self.journal.apply(record);
        if (self.is_long() || self.unwritten)
            && let Err(error) = self.compact()
        {
            // The step itself is written down; what is missing or too much in the file stays so for now.
            tracing::warn!(%error, "the journal cannot be rewritten");
        }
        Ok(())
    }

    /// Writes down what is so in any case; when the disk refuses, it holds until a
    /// restart, and is written with the next step that the disk takes.
    fn note(&mut self, record: Record) -> Result<(), StoreError> {
        let written = self.record(record.clone());
        if written.is_err() {
            self.journal.apply(record);
            self.unwritten = true;
        }
        written
    }

    /// A server has told its time: commands that were authorized before it, and that a journal does not know of which
    /// something was lost, stay in doubt; later ones are not.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses; after a restart the damage is then dated anew.
    pub fn date_damage(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        if self.journal.has_undated_damage() { self.note(Record::Damaged { at: Some(now) }) } else { Ok(()) }
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
        self.note(Record::Finished { id, expires_at, result })
    }

    /// Keeps the end of a command that was not taken on, because it could not be written down: it is not taken on when
    /// it comes again, unless the agent is started anew before the disk takes something.
    pub fn remember_refused(&mut self, id: Uuid, expires_at: DateTime<Utc>, result: CommandResult) {
        self.journal.apply(Record::Finished { id, expires_at, result });
        self.unwritten = true;
    }

    /// The server has everything of a command: its output goes, its id and result stay until they are pruned.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses; the output goes all the same, and makes room.
    pub fn acknowledge(&mut self, id: Uuid) -> Result<(), StoreError> {
        let noted = self.note(Record::Acknowledged { id });
        let removed = self.spool.remove(id);
        noted.and(removed)
    }

    /// Forgets what can do no harm any more; `now` is the server's clock. Tries to end what [`Self::trouble`] tells.
    ///
    /// # Errors
    /// [`StoreError::Io`] when the disk refuses.
    pub fn prune(&mut self, now: DateTime<Utc>) -> Result<(), StoreError> {
        let forgotten = self.journal.prune(now);
        let journal = &self.journal;
        self.spool.tidy(|id| journal.phase(id).is_some());
        self.file.set_space_aside();
        if forgotten.is_empty() && self.trouble().is_none() && !self.unwritten { Ok(()) } else { self.compact() }
    }

    fn is_long(&self) -> bool {
        self.file.lines() > self.journal.len().saturating_mul(3) + SLACK
    }

    fn compact(&mut self) -> Result<(), StoreError> {
        self.file.rewrite(&self.journal)?;
        self.unwritten = false;
        Ok(())
    }
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
#[path = "ledger_tests.rs"]
mod tests;
