//! The clock that runs since the start of the machine.

use std::ptr::null_mut;
use std::time::Duration;

use chrono::{DateTime, Timelike as _, Utc};
use windows_sys::Wdk::System::SystemInformation::{NtQuerySystemInformation, SystemTimeOfDayInformation};
use windows_sys::Win32::System::SystemInformation::GetTickCount64;
use windows_sys::Win32::System::WindowsProgramming::SYSTEM_TIMEOFDAY_INFORMATION;

use crate::core::windows::filetime;

/// Time since the machine started, counting while it sleeps (`GetTickCount64`).
#[must_use]
pub fn time_since_boot() -> Duration {
    // SAFETY: takes nothing and cannot fail.
    Duration::from_millis(unsafe { GetTickCount64() })
}

/// When the machine was started, to the minute: the kernel moves this instant when the clock is set, also by a little.
pub fn booted_at() -> Option<DateTime<Utc>> {
    let mut info = SYSTEM_TIMEOFDAY_INFORMATION::default();
    let bytes = u32::try_from(size_of_val(&info)).ok()?;
    // SAFETY: the structure has as many bytes as is said; its length is not asked for.
    let status =
        unsafe { NtQuerySystemInformation(SystemTimeOfDayInformation, (&raw mut info).cast(), bytes, null_mut()) };
    // The time of the start stands first.
    let time = i64::from_le_bytes(info.Reserved1[..8].try_into().ok()?);
    if status < 0 { None } else { filetime::instant(time)?.with_second(0) }
}
