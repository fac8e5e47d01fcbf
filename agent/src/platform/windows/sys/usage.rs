//! How busy the machine is.

use std::io;

use windows_sys::Win32::Foundation::FILETIME;
use windows_sys::Win32::System::SystemInformation::{GlobalMemoryStatusEx, MEMORYSTATUSEX};
use windows_sys::Win32::System::Threading::GetSystemTimes;

use super::check;

/// What all processors together have done since the start, in units of 100 ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    /// Nothing.
    pub idle: u64,
    /// Anything, and nothing.
    pub all: u64,
}

/// # Errors
/// What Windows says.
pub fn times() -> io::Result<Times> {
    let (mut idle, mut kernel, mut user) = (FILETIME::default(), FILETIME::default(), FILETIME::default());
    // SAFETY: the answers go into variables of ours.
    check(unsafe { GetSystemTimes(&raw mut idle, &raw mut kernel, &raw mut user) })?;
    let number = |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    // That of the kernel holds the idle time too.
    Ok(Times { idle: number(idle), all: number(kernel).saturating_add(number(user)) })
}

/// Physical memory in use and in all, in bytes.
///
/// # Errors
/// What Windows says.
pub fn memory() -> io::Result<(u64, u64)> {
    let mut status = MEMORYSTATUSEX { dwLength: size_of::<MEMORYSTATUSEX>() as u32, ..MEMORYSTATUSEX::default() };
    // SAFETY: the structure tells its size.
    check(unsafe { GlobalMemoryStatusEx(&raw mut status) })?;
    Ok((status.ullTotalPhys.saturating_sub(status.ullAvailPhys), status.ullTotalPhys))
}
