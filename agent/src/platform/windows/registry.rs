//! Reading the registry.

use std::io;

use winreg::RegKey;
use winreg::enums::{HKEY_LOCAL_MACHINE, KEY_READ, KEY_WOW64_64KEY, RegType};

/// A key of the machine, in the system's own view whatever this program is; none when it is not there.
///
/// # Errors
/// When it is there and cannot be opened.
pub fn machine(path: &str) -> io::Result<Option<RegKey>> {
    found(RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey_with_flags(path, KEY_READ | KEY_WOW64_64KEY))
}

/// Tells what is not there from what cannot be read.
///
/// # Errors
/// Every error but that it is not there.
pub fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A text, also one that stands as a number; up to its end, since some programs write on behind it.
pub fn text(key: &RegKey, name: &str) -> Option<String> {
    let value = key.get_raw_value(name).ok()?;
    let text = match value.vtype {
        RegType::REG_SZ | RegType::REG_EXPAND_SZ => {
            let units: Vec<u16> = value
                .bytes
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .take_while(|unit| *unit != 0)
                .collect();
            String::from_utf16_lossy(&units)
        }
        RegType::REG_DWORD => u32::from_le_bytes(value.bytes.get(..4)?.try_into().ok()?).to_string(),
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number, also one that stands as text.
pub fn number(key: &RegKey, name: &str) -> Option<u32> {
    text(key, name)?.parse().ok()
}
