//! The clock that runs since the start of the machine.

use std::time::Duration;

use windows_sys::Win32::System::SystemInformation::GetTickCount64;

/// Time since the machine started, counting while it sleeps (`GetTickCount64`).
#[must_use]
pub fn time_since_boot() -> Duration {
    // SAFETY: takes nothing and cannot fail.
    Duration::from_millis(unsafe { GetTickCount64() })
}
