//! Entries in the Windows Event Log.

use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE, RegisterEventSourceW,
    ReportEventW,
};

use super::wide;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Something ordinary.
    Information,
    /// Something that somebody may want to look at.
    Warning,
    /// Something that somebody has to look at.
    Error,
}

/// A place in the Event Log under the name of one source.
#[derive(Debug)]
pub struct EventSource(HANDLE);

// SAFETY: the handle may be used from any thread.
unsafe impl Send for EventSource {}
// SAFETY: the calls that take it are safe to make at the same time.
unsafe impl Sync for EventSource {}

impl EventSource {
    /// Opens it; none when the Event Log cannot be reached.
    pub fn open(name: &str) -> Option<Self> {
        // SAFETY: no other computer is named, the text ends with a NUL.
        let handle = unsafe { RegisterEventSourceW(null(), wide(name).as_ptr()) };
        (!handle.is_null()).then_some(Self(handle))
    }

    /// Writes an entry. A full or stopped Event Log is nothing that could be told anywhere: it is ignored.
    pub fn write(&self, severity: Severity, id: u32, text: &str) {
        let kind = match severity {
            Severity::Information => EVENTLOG_INFORMATION_TYPE,
            Severity::Warning => EVENTLOG_WARNING_TYPE,
            Severity::Error => EVENTLOG_ERROR_TYPE,
        };
        let text = wide(text);
        let texts = [text.as_ptr()];
        // SAFETY: the handle is open; one text is announced and given, it ends with a NUL; no account, no data.
        unsafe { ReportEventW(self.0, kind, 0, id, null_mut(), 1, 0, texts.as_ptr(), null()) };
    }
}

impl Drop for EventSource {
    fn drop(&mut self) {
        // SAFETY: opened by us, closed once.
        unsafe { DeregisterEventSource(self.0) };
    }
}
