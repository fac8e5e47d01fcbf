//! Commands: what to run, and how it ended.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::instant::{clamp_instant, clean_instant};
use crate::limits;
use crate::text::{clean_block, clean_line, clean_option};

/// The shell that reads a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Interpreter {
    /// `/bin/sh` on Linux.
    Sh,
    /// `cmd.exe` on Windows.
    Cmd,
    /// Windows PowerShell.
    Powershell,
}

/// What is executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Program {
    /// A script, read by a shell.
    Shell {
        /// Which shell.
        interpreter: Interpreter,
        /// The script's text.
        script: String,
    },
    /// A program and its arguments, without any shell between.
    Exec {
        /// Program first; never empty.
        argv: Vec<String>,
    },
    /// The agent's own examination of itself and its machine; its output is one JSON document.
    Selftest,
}

/// One command, whole: what the signed envelope carries to the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunCommand {
    /// What is executed.
    pub program: Program,
    /// The whole process tree is killed after this many seconds.
    pub timeout_seconds: u32,
    /// Output beyond this many bytes (both streams together) is dropped and counted.
    pub output_limit_bytes: u32,
    /// Where it runs; the agent's own choice when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<String>,
    /// Environment variables in plain.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Environment variables whose values are secrets: redacted from output before it leaves the machine.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
}

/// What is wrong with a command, by field.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{field}: {problem}")]
pub struct InvalidCommand {
    /// Path of the field, for example `program.argv`.
    pub field: &'static str,
    /// What is wrong and what would be right.
    pub problem: String,
}

impl RunCommand {
    /// Checks every bound of [`limits`]; the server does so before it signs, the agent before it runs.
    ///
    /// # Errors
    /// The first field that is out of bounds, with the fix.
    pub fn validate(&self) -> Result<(), InvalidCommand> {
        let bad = |field, problem: String| Err(InvalidCommand { field, problem });
        match &self.program {
            Program::Shell { script, .. } => {
                if script.trim().is_empty() {
                    return bad("program.script", "is empty; give at least one command".into());
                }
                if script.len() > limits::MAX_SCRIPT {
                    return bad("program.script", format!("is longer than {} bytes", limits::MAX_SCRIPT));
                }
                if script.contains('\0') {
                    return bad("program.script", "contains a NUL character".into());
                }
            }
            Program::Exec { argv } => {
                if argv.first().is_none_or(|program| program.trim().is_empty()) {
                    return bad("program.argv", "needs the program as its first element".into());
                }
                if argv.len() > limits::MAX_ARGS {
                    return bad("program.argv", format!("has more than {} elements", limits::MAX_ARGS));
                }
                if argv.iter().any(|arg| arg.len() > limits::MAX_ARG || arg.contains('\0')) {
                    return bad(
                        "program.argv",
                        format!("has an element with a NUL character or over {} bytes", limits::MAX_ARG),
                    );
                }
            }
            Program::Selftest => {}
        }
        if !(limits::MIN_COMMAND_TIMEOUT..=limits::MAX_COMMAND_TIMEOUT).contains(&self.timeout_seconds) {
            return bad(
                "timeout_seconds",
                format!("must be {} to {}", limits::MIN_COMMAND_TIMEOUT, limits::MAX_COMMAND_TIMEOUT),
            );
        }
        if !(1..=limits::MAX_OUTPUT).contains(&self.output_limit_bytes) {
            return bad("output_limit_bytes", format!("must be 1 to {}", limits::MAX_OUTPUT));
        }
        if let Some(dir) = &self.working_directory
            && (dir.is_empty() || dir.len() > limits::MAX_TEXT || dir.contains('\0'))
        {
            return bad("working_directory", format!("must be a path of 1 to {} bytes", limits::MAX_TEXT));
        }
        for (field, map) in [("environment", &self.environment), ("secrets", &self.secrets)] {
            if map.len() > limits::MAX_ENV {
                return bad(field, format!("has more than {} variables", limits::MAX_ENV));
            }
            for (name, value) in map {
                let name_ok = !name.is_empty()
                    && name.len() <= 128
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
                    && !name.as_bytes()[0].is_ascii_digit();
                if !name_ok {
                    return bad(
                        field,
                        "a variable's name must be letters, digits and _, not starting with a digit".into(),
                    );
                }
                if value.len() > limits::MAX_ARG || value.contains('\0') {
                    return bad(field, format!("{name} has a NUL character or is over {} bytes", limits::MAX_ARG));
                }
            }
        }
        Ok(())
    }

    /// The same command with every secret's value replaced: what may be stored in plain, shown and audited.
    #[must_use]
    pub fn redacted(&self) -> Self {
        let mut copy = self.clone();
        for value in copy.secrets.values_mut() {
            REDACTED.clone_into(value);
        }
        copy
    }
}

/// What stands in place of a secret wherever people can read.
pub const REDACTED: &str = "[redacted]";

/// Which stream a chunk of output came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a command ended on the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Exit code 0.
    Succeeded,
    /// Another exit code, a signal, or it could not be started.
    Failed,
    /// Its time was up; the process tree was killed.
    TimedOut,
    /// Cancelled on request; the process tree was killed.
    Cancelled,
    /// It arrived after its expiry and was not started.
    Expired,
    /// It was started, and the agent cannot know how it ended (the agent or the machine died meanwhile).
    Unknown,
}

/// The end of a command, as the agent tells it; sent again until acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandResult {
    /// How it ended.
    pub outcome: Outcome,
    /// The process's exit code, when it had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it (Unix).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// Why, in words, when the outcome alone does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the process started, by the server's clock as the agent knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub finished_at: DateTime<Utc>,
    /// Output chunks that were made in all (so a gap can be seen).
    pub output_chunks: u32,
    /// Bytes that were dropped over the output limit.
    #[serde(default)]
    pub output_dropped_bytes: u64,
}

impl CommandResult {
    /// An end without a process: no exit code, no output. `reason` is cleaned and cut to [`limits::MAX_TEXT`].
    #[must_use]
    pub fn bare(outcome: Outcome, reason: Option<&str>, finished_at: DateTime<Utc>) -> Self {
        Self {
            outcome,
            exit_code: None,
            signal: None,
            reason: reason.map(|text| clean_line(text, limits::MAX_TEXT)),
            started_at: None,
            finished_at,
            output_chunks: 0,
            output_dropped_bytes: 0,
        }
    }
}

/// A step in a command's life, as the agent reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum CommandEvent {
    /// The process runs.
    Started {
        /// When, by the server's clock as the agent knows it.
        started_at: DateTime<Utc>,
    },
    /// A piece of output.
    Output {
        /// 0, 1, 2 ... over both streams.
        index: u32,
        /// Where it came from.
        stream: OutputStream,
        /// The text: decoded, secrets redacted; at most [`limits::MAX_OUTPUT_CHUNK`] bytes.
        text: String,
    },
    /// It is over.
    Finished(CommandResult),
}

impl CommandEvent {
    /// Bounds and cleans everything that came from the agent. An output chunk is cut to
    /// [`limits::MAX_OUTPUT_CHUNK`] bytes first; control characters that become U+FFFD can make it up to three times
    /// that (so that an honest chunk loses nothing).
    pub fn bound(&mut self) {
        match self {
            Self::Started { started_at } => clamp_instant(started_at),
            Self::Output { text, .. } => {
                text.truncate(text.floor_char_boundary(limits::MAX_OUTPUT_CHUNK));
                *text = clean_block(text);
            }
            Self::Finished(result) => {
                clean_option(&mut result.reason, limits::MAX_TEXT);
                clean_instant(&mut result.started_at);
                clamp_instant(&mut result.finished_at);
            }
        }
    }
}

/// What the agent knows of a command the server asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Knowledge {
    /// Never had it, or has forgotten it unstarted (as a restarted agent does): it may be sent again.
    NeverHad,
    /// It waits or runs; events will follow.
    InProgress,
    /// It is over; the result is on its way.
    Finished,
}

/// The answer about one command.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandStatus {
    /// The command.
    pub id: Uuid,
    /// What the agent knows of it.
    pub knowledge: Knowledge,
}

/// One line of text that stands for the command in lists: the script's first line or the joined
/// arguments, cut.
#[must_use]
pub fn summary(program: &Program) -> String {
    match program {
        Program::Shell { script, .. } => {
            clean_line(script.lines().find(|line| !line.trim().is_empty()).unwrap_or_default(), 200)
        }
        Program::Exec { argv } => clean_line(&argv.join(" "), 200),
        Program::Selftest => "selftest".to_owned(),
    }
}
