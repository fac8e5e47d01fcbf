//! What the service tells administrators in the Event Log (Windows Logs, Application).

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tracing::{Event, Level, Subscriber, field};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use winreg::enums::{HKEY_LOCAL_MACHINE, KEY_WOW64_64KEY, KEY_WRITE, RegType};
use winreg::{RegKey, RegValue};

use super::sys::event_log::{EventSource, Severity};
use crate::service::EXIT_LASTING;

const SOURCE: &str = "GuruRMM Agent";
const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";
/// A program of Windows whose texts for the numbers 1 to 1000 are just what an entry brings along: entries stay readable
/// when the agent is gone.
const TEXTS: &str = r"%SystemRoot%\System32\EventCreate.exe";
/// Errors, warnings, information.
const KINDS: u32 = 7;

const STARTED: u32 = 1;
const STOPPED: u32 = 2;
const FAILED: u32 = 3;
const ERROR: u32 = 10;

/// Most errors that are written in an hour; the log file has them all.
const ERRORS_PER_HOUR: u32 = 20;
const HOUR: Duration = Duration::from_secs(3_600);

/// Makes the source known, so that entries have their text.
///
/// # Errors
/// When the registry refuses.
pub fn register() -> std::io::Result<()> {
    let (key, _) = RegKey::predef(HKEY_LOCAL_MACHINE)
        .create_subkey_with_flags(format!(r"{SOURCES}\{SOURCE}"), KEY_WRITE | KEY_WOW64_64KEY)?;
    let text: Vec<u8> = TEXTS.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    key.set_raw_value("EventMessageFile", &RegValue { bytes: text.into(), vtype: RegType::REG_EXPAND_SZ })?;
    key.set_value("TypesSupported", &KINDS)
}

/// Takes the source away.
pub fn unregister() {
    let sources = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey_with_flags(SOURCES, KEY_WRITE | KEY_WOW64_64KEY);
    // What is not there is as good.
    let _ = sources.and_then(|sources| sources.delete_subkey(SOURCE));
}

fn write(severity: Severity, id: u32, text: &str) {
    if let Some(source) = EventSource::open(SOURCE) {
        source.write(severity, id, text);
    }
}

/// The service runs.
pub fn started() {
    write(Severity::Information, STARTED, &format!("The GuruRMM agent {} has started.", crate::VERSION));
}

/// The service's work is over.
pub fn ended(code: u8, asked: bool) {
    match code {
        0 => write(Severity::Information, STOPPED, "The GuruRMM agent has stopped."),
        EXIT_LASTING => write(
            Severity::Error,
            FAILED,
            "The GuruRMM agent cannot run, and starting it again does not help; the entry before this one says why.",
        ),
        _ if asked => write(Severity::Warning, STOPPED, "The GuruRMM agent has stopped, but not in order."),
        _ => write(Severity::Error, FAILED, "The GuruRMM agent has failed; Windows starts it again."),
    }
}

/// Brings errors of the agent into the Event Log.
pub struct Errors {
    source: Option<EventSource>,
    budget: Mutex<Budget>,
}

impl Errors {
    /// Opens the source.
    #[must_use]
    pub fn new() -> Self {
        Self { source: EventSource::open(SOURCE), budget: Mutex::new(Budget::default()) }
    }
}

impl Default for Errors {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Subscriber> Layer<S> for Errors {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let Some(source) = self.source.as_ref().filter(|_| *event.metadata().level() == Level::ERROR) else { return };
        let mut text = Text::default();
        event.record(&mut text);
        match self.budget.lock().unwrap_or_else(PoisonError::into_inner).take(super::time_since_boot()) {
            Allowed::Yes => source.write(Severity::Error, ERROR, &text.0),
            Allowed::Last => {
                source.write(Severity::Error, ERROR, &text.0);
                let more = "More errors of this hour stand only in the agent's own log file.";
                source.write(Severity::Warning, ERROR, more);
            }
            Allowed::No => {}
        }
    }
}

/// How many entries may still be written.
#[derive(Debug, Default)]
struct Budget {
    hour_began: Option<Duration>,
    used: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Allowed {
    Yes,
    Last,
    No,
}

impl Budget {
    fn take(&mut self, now: Duration) -> Allowed {
        if self.hour_began.is_none_or(|began| now.saturating_sub(began) >= HOUR) {
            *self = Self { hour_began: Some(now), used: 0 };
        }
        self.used = self.used.saturating_add(1);
        match self.used.cmp(&ERRORS_PER_HOUR) {
            std::cmp::Ordering::Less => Allowed::Yes,
            std::cmp::Ordering::Equal => Allowed::Last,
            std::cmp::Ordering::Greater => Allowed::No,
        }
    }
}

/// An event as one line: the message, then the fields.
#[derive(Default)]
struct Text(String);

impl field::Visit for Text {
    fn record_debug(&mut self, field: &field::Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.insert_str(0, &format!("{value:?}"));
        } else {
            self.0.push_str(&format!(" {}={value:?}", field.name()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_errors_does_not_fill_the_event_log() {
        let mut budget = Budget::default();
        let mut hour = |at: u64| (0..100).map(|_| budget.take(Duration::from_secs(at))).collect::<Vec<_>>();
        for start in [50, 50 + 3_600] {
            let answers = hour(start);
            assert_eq!(answers.iter().filter(|answer| **answer == Allowed::Yes).count(), 19);
            assert_eq!(answers[19..21], [Allowed::Last, Allowed::No]);
        }
    }
}
