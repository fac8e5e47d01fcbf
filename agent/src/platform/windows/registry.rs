//! Reading the registry.

use std::io;

use windows_sys::Win32::System::Registry::{REG_DWORD, REG_EXPAND_SZ, REG_SZ};
use winreg::RegKey;
use winreg::enums::{HKEY_LOCAL_MACHINE, KEY_READ, KEY_WOW64_64KEY};

use super::sys;

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

/// Longest value that is read, in bytes. Users may write into some keys what they like, up to a megabyte each.
const MAX_TEXT: usize = 4 * 1024;

/// A text, also one that stands as a number; up to its end, since some programs write on behind it. None for one that is far
/// too long.
pub fn text(key: &RegKey, name: &str) -> Option<String> {
    let (kind, bytes) = sys::registry::value(key, name, MAX_TEXT).ok()?;
    let text = match kind {
        REG_SZ | REG_EXPAND_SZ => {
            let units: Vec<u16> = bytes
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .take_while(|unit| *unit != 0)
                .collect();
            String::from_utf16_lossy(&units)
        }
        REG_DWORD => u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?).to_string(),
        _ => return None,
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// A number, also one that stands as text.
pub fn number(key: &RegKey, name: &str) -> Option<u32> {
    text(key, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use winreg::enums::HKEY_CURRENT_USER;

    use super::*;

    #[test]
    fn texts_are_read_up_to_their_end_and_far_too_long_ones_not_at_all() {
        let user = RegKey::predef(HKEY_CURRENT_USER);
        let path = format!(r"Software\gururmm-test-{}", std::process::id());
        let (key, _) = user.create_subkey(&path).unwrap();
        key.set_value("text", &" Zoom ").unwrap();
        key.set_value("number", &7_u32).unwrap();
        key.set_value("long", &"x".repeat(MAX_TEXT / 2 - 1)).unwrap();
        key.set_value("too long", &"x".repeat(MAX_TEXT / 2)).unwrap();
        let read = ["text", "number", "too long", "missing"].map(|name| text(&key, name));
        let long = text(&key, "long").map(|text| text.len());
        user.delete_subkey(&path).unwrap();
        assert_eq!(read, [Some("Zoom".to_owned()), Some("7".to_owned()), None, None]);
        assert_eq!(long, Some(MAX_TEXT / 2 - 1));
    }
}
