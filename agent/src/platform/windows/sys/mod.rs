//! Calls of Windows behind safe functions. Only here may `unsafe` stand; each function upholds by itself what the call
//! demands, so that no caller can get it wrong.
#![allow(unsafe_code, reason = "the one place where Windows is called directly")]

pub mod access;
pub mod environment;
pub mod event_log;
pub mod files;
pub mod firmware;
pub mod groups;
pub mod job;
pub mod loader;
pub mod network;
pub mod process;
pub mod registry;
pub mod services;
pub mod sessions;
pub mod tasks;
pub mod text;
pub mod time;
pub mod usage;
pub mod volumes;

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::Path;

use windows_sys::Win32::Foundation::LocalFree;

/// A text as Windows takes it, with its end.
fn wide(text: impl AsRef<std::ffi::OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

/// A path as Windows takes it; one with a NUL in it would be cut there.
fn wide_path(path: &Path) -> io::Result<Vec<u16>> {
    if path.as_os_str().encode_wide().any(|unit| unit == 0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a path with a NUL character"));
    }
    Ok(wide(path))
}

/// What a call said that answers non-zero for success.
fn check(answer: i32) -> io::Result<()> {
    if answer == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// What a call said that answers with a Win32 error code.
fn check_code(code: u32) -> io::Result<()> {
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

/// The text up to its NUL.
///
/// # Safety
/// `text` points to UTF-16 that ends with a NUL.
unsafe fn read_wide(text: *const u16) -> OsString {
    let mut length = 0;
    // SAFETY: there is a NUL, as the caller promises, and nothing beyond it is read.
    while unsafe { *text.add(length) } != 0 {
        length += 1;
    }
    // SAFETY: these units were just read.
    OsString::from_wide(unsafe { std::slice::from_raw_parts(text, length) })
}

/// The text up to its NUL; empty when there is none.
///
/// # Safety
/// `text` is null or points to UTF-16 that ends with a NUL.
unsafe fn text_at(text: *const u16) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    unsafe { read_wide(text) }.to_string_lossy().into_owned()
}

/// Memory that a call allocated for its caller to free with `LocalFree`.
struct Local(*mut core::ffi::c_void);

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: it came from a call that says so, and is freed once.
        unsafe { LocalFree(self.0) };
    }
}
