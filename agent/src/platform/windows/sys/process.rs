//! Other processes.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::time::Duration;

use windows_sys::Win32::Foundation::WAIT_OBJECT_0;
use windows_sys::Win32::System::Threading::{OpenProcess, PROCESS_SYNCHRONIZE, WaitForSingleObject};

/// A process whose end can be waited for; its number means nobody else as long as this is held.
#[derive(Debug)]
pub struct Other(OwnedHandle);

impl Other {
    /// The process of this number.
    pub fn open(pid: u32) -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let handle = unsafe { OpenProcess(PROCESS_SYNCHRONIZE, 0, pid) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just opened, and nobody else's.
        Ok(Self(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    /// Waits for its end; false when it goes on.
    pub fn ends_within(&self, patience: Duration) -> bool {
        // The highest number means "for ever".
        let milliseconds = u32::try_from(patience.as_millis()).unwrap_or(u32::MAX - 1).min(u32::MAX - 1);
        // SAFETY: the handle is open.
        unsafe { WaitForSingleObject(self.0.as_raw_handle(), milliseconds) == WAIT_OBJECT_0 }
    }
}
