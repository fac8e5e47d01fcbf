//! Values of the registry.

use std::io;
use std::ptr::null;

use windows_sys::Win32::System::Registry::RegQueryValueExW;
use winreg::RegKey;

use super::{check_code, wide};

/// A value's type and bytes; an error for one of more than `most` bytes, of which nothing is read.
pub fn value(key: &RegKey, name: &str, most: usize) -> io::Result<(u32, Vec<u8>)> {
    let name = wide(name);
    let mut bytes = vec![0; most];
    let (mut kind, mut length) = (0, u32::try_from(most).map_err(io::Error::other)?);
    // SAFETY: the key is open, the name ends with a NUL, the buffer has as many bytes as is said.
    check_code(unsafe {
        RegQueryValueExW(
            key.raw_handle().cast(),
            name.as_ptr(),
            null(),
            &raw mut kind,
            bytes.as_mut_ptr(),
            &raw mut length,
        )
    })?;
    bytes.truncate(length as usize);
    Ok((kind, bytes))
}
