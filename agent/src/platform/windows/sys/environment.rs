//! The environment that the system gives an account.

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::Security::{TOKEN_DUPLICATE, TOKEN_QUERY};
use windows_sys::Win32::System::Environment::{CreateEnvironmentBlock, DestroyEnvironmentBlock};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::{check, read_wide};

/// The variables that a new login of this process's account would have, as the registry has them at this moment; nothing
/// of this process's own environment.
pub fn of_account() -> io::Result<Vec<(OsString, OsString)>> {
    let mut token: HANDLE = null_mut();
    // SAFETY: the process's own handle, the answer goes into `token`.
    check(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY | TOKEN_DUPLICATE, &raw mut token) })?;
    // SAFETY: just opened, and nobody else's.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut block = null_mut();
    // SAFETY: the token is open, the answer goes into `block`.
    check(unsafe { CreateEnvironmentBlock(&raw mut block, token.as_raw_handle(), 0) })?;
    let mut variables = Vec::new();
    let mut at = block.cast::<u16>().cast_const();
    loop {
        // SAFETY: the block is a row of texts, each with its end, and closed by an empty one.
        let line = unsafe { read_wide(at) };
        if line.is_empty() {
            break;
        }
        let units: Vec<u16> = line.encode_wide().collect();
        // SAFETY: behind a text that is not the closing one there is another.
        at = unsafe { at.add(units.len() + 1) };
        // The names of some hidden ones begin with "=": the first character is always part of the name.
        let Some(equals) = units.iter().skip(1).position(|unit| *unit == u16::from(b'=')) else { continue };
        let (name, value) = (&units[..=equals], &units[equals + 2..]);
        variables.push((OsString::from_wide(name), OsString::from_wide(value)));
    }
    // SAFETY: to be freed so, once; nothing points into it any more.
    unsafe { DestroyEnvironmentBlock(block) };
    Ok(variables)
}
