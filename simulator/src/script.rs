//! What a stepped agent pretends to run.

use gururmm_protocol::command::{CommandEvent, CommandResult, Outcome, OutputStream};
use uuid::Uuid;

use crate::{Session, SimError};

/// The course of a command that is never executed: output chunks, then an end.
#[derive(Debug, Clone)]
pub struct Script {
    /// Chunks in order.
    pub output: Vec<(OutputStream, String)>,
    /// How it ends.
    pub outcome: Outcome,
    /// The exit code it ends with.
    pub exit_code: Option<i32>,
    /// Why, in words.
    pub reason: Option<String>,
}

impl Script {
    /// One chunk of standard output (none when `stdout` is empty), then exit code 0.
    #[must_use]
    pub fn succeeds(stdout: &str) -> Self {
        Self { exit_code: Some(0), ..Self::ends(Outcome::Succeeded) }.then(OutputStream::Stdout, stdout)
    }

    /// One chunk of standard error (none when `stderr` is empty), then this exit code.
    #[must_use]
    pub fn fails(exit_code: i32, stderr: &str) -> Self {
        Self { exit_code: Some(exit_code), ..Self::ends(Outcome::Failed) }.then(OutputStream::Stderr, stderr)
    }

    /// No output, then this outcome without an exit code.
    #[must_use]
    pub const fn ends(outcome: Outcome) -> Self {
        Self { output: Vec::new(), outcome, exit_code: None, reason: None }
    }

    /// Appends a chunk of output.
    #[must_use]
    pub fn then(mut self, stream: OutputStream, text: &str) -> Self {
        if !text.is_empty() {
            self.output.push((stream, text.to_owned()));
        }
        self
    }
}

impl Session {
    /// Reports the start of a command.
    ///
    /// # Errors
    /// As [`Session::report`].
    pub async fn report_started(&mut self, id: Uuid) -> Result<u64, SimError> {
        let started_at = self.now();
        self.report_event(id, CommandEvent::Started { started_at }).await
    }

    /// Reports one chunk of output.
    ///
    /// # Errors
    /// As [`Session::report`].
    pub async fn report_output(
        &mut self,
        id: Uuid,
        index: u32,
        stream: OutputStream,
        text: &str,
    ) -> Result<u64, SimError> {
        self.report_event(id, CommandEvent::Output { index, stream, text: text.to_owned() }).await
    }

    /// Reports the end of a command as `script` has it.
    ///
    /// # Errors
    /// As [`Session::report`].
    pub async fn report_finished(&mut self, id: Uuid, script: &Script) -> Result<u64, SimError> {
        let result = CommandResult {
            exit_code: script.exit_code,
            // As it is, not cleaned: a hostile agent does not clean either.
            reason: script.reason.clone(),
            output_chunks: u32::try_from(script.output.len()).unwrap_or(u32::MAX),
            ..CommandResult::bare(script.outcome, None, self.now())
        };
        self.report_event(id, CommandEvent::Finished(result)).await
    }

    /// Plays a whole command: started, every chunk, finished; each acknowledged before the next.
    ///
    /// # Errors
    /// As [`Session::report`].
    pub async fn run_script(&mut self, id: Uuid, script: &Script) -> Result<(), SimError> {
        self.report_started(id).await?;
        for (index, (stream, text)) in script.output.iter().enumerate() {
            self.report_output(id, u32::try_from(index).unwrap_or(u32::MAX), *stream, text).await?;
        }
        self.report_finished(id, script).await?;
        Ok(())
    }
}
