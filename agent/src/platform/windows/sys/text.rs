//! Text in the code page of consoles.

use std::ptr::{null, null_mut};

use windows_sys::Win32::Globalization::{CP_ACP, CP_OEMCP, MultiByteToWideChar, WideCharToMultiByte};

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

/// What a text becomes that was written in the ANSI code page or in UTF-8 and is decoded as [`decode_oem`] does, or that was
/// written in that code page, in which some characters are missing.
pub fn misread(text: &str) -> Vec<String> {
    let mut misread: Vec<_> = [CP_ACP, CP_OEMCP].into_iter().map(|page| decode_oem(&encode(text, page))).collect();
    misread.push(decode_oem(text.as_bytes()));
    misread
}

fn encode(text: &str, code_page: u32) -> Vec<u8> {
    let units: Vec<u16> = text.encode_utf16().collect();
    let Ok(length) = i32::try_from(units.len()) else { return Vec::new() };
    if length == 0 {
        return Vec::new();
    }
    // SAFETY: the units are as many as is said; no buffer, only the size is asked for.
    let size = unsafe { WideCharToMultiByte(code_page, 0, units.as_ptr(), length, null_mut(), 0, null(), null_mut()) };
    let mut bytes = vec![0_u8; usize::try_from(size).unwrap_or_default()];
    // SAFETY: as before, and the buffer has as many bytes as is said.
    let written = unsafe {
        WideCharToMultiByte(code_page, 0, units.as_ptr(), length, bytes.as_mut_ptr(), size, null(), null_mut())
    };
    bytes.truncate(usize::try_from(written).unwrap_or_default());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_known_as_every_encoding_leaves_it() {
        let text = "p\u{e4}ss";
        assert_eq!(decode_oem(&encode(text, CP_OEMCP)), text);
        let [ansi, oem, utf8] = &misread(text)[..] else { panic!("three of them") };
        assert_eq!((ansi, utf8), (&decode_oem(b"p\xE4ss"), &decode_oem(b"p\xC3\xA4ss")), "Western code pages");
        assert_eq!(oem, text);
    }
}
