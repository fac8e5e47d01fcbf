//! Text in the code page of consoles.

use std::ptr::null_mut;

use windows_sys::Win32::Globalization::{CP_OEMCP, MultiByteToWideChar};

/// Decodes text as console programs write it (the OEM code page). What is no character of it becomes whatever the
/// system puts there.
pub fn decode_oem(bytes: &[u8]) -> String {
    let Ok(length) = i32::try_from(bytes.len()) else { return String::new() };
    if length == 0 {
        return String::new();
    }
    // SAFETY: the bytes are as many as is said; no buffer, only the size is asked for.
    let units = unsafe { MultiByteToWideChar(CP_OEMCP, 0, bytes.as_ptr(), length, null_mut(), 0) };
    let mut text = vec![0_u16; usize::try_from(units).unwrap_or_default()];
    // SAFETY: as before, and the buffer has as many units as is said.
    let written = unsafe { MultiByteToWideChar(CP_OEMCP, 0, bytes.as_ptr(), length, text.as_mut_ptr(), units) };
    text.truncate(usize::try_from(written).unwrap_or_default());
    String::from_utf16_lossy(&text)
}
