//! The firmware's tables.

use std::ptr::null_mut;

use windows_sys::Win32::System::SystemInformation::{GetSystemFirmwareTable, RSMB};

/// The raw SMBIOS table as Windows gives it; empty when there is none.
pub fn smbios() -> Vec<u8> {
    // SAFETY: no buffer, only the size is asked for.
    let size = unsafe { GetSystemFirmwareTable(RSMB, 0, null_mut(), 0) };
    let mut table = vec![0_u8; size as usize];
    // SAFETY: the buffer has as many bytes as is said.
    let written = unsafe { GetSystemFirmwareTable(RSMB, 0, table.as_mut_ptr(), size) };
    if written == 0 || written > size {
        return Vec::new();
    }
    table.truncate(written as usize);
    table
}
