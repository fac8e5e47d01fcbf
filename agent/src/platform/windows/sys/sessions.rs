//! Sessions of the terminal services, among them the console's.

use std::ffi::c_void;
use std::io;
use std::ptr::null_mut;

use windows_sys::Win32::System::RemoteDesktop::{
    WTS_CURRENT_SERVER_HANDLE, WTS_INFO_CLASS, WTSClientName, WTSDomainName, WTSEnumerateSessionsW, WTSFreeMemory,
    WTSINFOW, WTSQuerySessionInformationW, WTSSessionInfo, WTSUserName,
};

use super::{check, text_at};
use crate::core::windows::users::Session;

/// Memory that these calls allocated.
struct Memory(*mut c_void);

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it came from one of these calls, and is freed once.
        unsafe { WTSFreeMemory(self.0) };
    }
}

/// All sessions.
pub fn list() -> io::Result<Vec<Session>> {
    let (mut first, mut count) = (null_mut(), 0);
    // SAFETY: this machine; the answers go into variables of ours.
    check(unsafe { WTSEnumerateSessionsW(WTS_CURRENT_SERVER_HANDLE, 0, 1, &raw mut first, &raw mut count) })?;
    if first.is_null() || count == 0 {
        // There is always the session of the services.
        return Err(io::Error::other("Windows tells of no sessions at all"));
    }
    let _memory = Memory(first.cast());
    // SAFETY: the call gave this many structures.
    let found = unsafe { std::slice::from_raw_parts(first, count as usize) };
    Ok(found
        .iter()
        .map(|entry| Session {
            id: entry.SessionId,
            state: entry.State,
            // SAFETY: a text with its end, or null.
            station: unsafe { text_at(entry.pWinStationName) },
            user: text(entry.SessionId, WTSUserName),
            domain: text(entry.SessionId, WTSDomainName),
            client: text(entry.SessionId, WTSClientName),
            logon_time: logon_time(entry.SessionId),
        })
        .collect())
}

/// One piece of information on a session, and how many bytes it has.
fn ask(session: u32, what: WTS_INFO_CLASS) -> Option<(Memory, usize)> {
    let (mut answer, mut bytes) = (null_mut(), 0);
    // SAFETY: this machine; the answers go into variables of ours.
    let told = unsafe {
        WTSQuerySessionInformationW(WTS_CURRENT_SERVER_HANDLE, session, what, &raw mut answer, &raw mut bytes)
    };
    (told != 0 && !answer.is_null()).then(|| (Memory(answer.cast()), bytes as usize))
}

/// A text about a session; empty when there is none, or when the session ended since it was listed.
fn text(session: u32, what: WTS_INFO_CLASS) -> String {
    let Some((memory, bytes)) = ask(session, what) else { return String::new() };
    if bytes < size_of::<u16>() {
        return String::new();
    }
    // SAFETY: these kinds of information are texts with their ends.
    unsafe { text_at(memory.0.cast()) }
}

fn logon_time(session: u32) -> i64 {
    match ask(session, WTSSessionInfo) {
        // SAFETY: this kind of information is this structure, and it is there as a whole.
        Some((memory, bytes)) if bytes >= size_of::<WTSINFOW>() => unsafe {
            memory.0.cast::<WTSINFOW>().read_unaligned().LogonTime
        },
        _ => 0,
    }
}
