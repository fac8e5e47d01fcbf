//! Volumes.

use std::io;
use std::path::Path;
use std::ptr::null_mut;

use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, ERROR_NO_MORE_FILES, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::Storage::FileSystem::{
    FindFirstVolumeW, FindNextVolumeW, FindVolumeClose, GetDiskFreeSpaceExW, GetDriveTypeW, GetVolumeInformationW,
    GetVolumePathNamesForVolumeNameW,
};

use super::{check, text_at, wide, wide_path};
use crate::core::windows::volumes::{FileSystem, RawVolume, is_kept};

/// Longest name of a volume, with room to spare: `\\?\Volume{…}\` has 49 characters.
const NAME_UNITS: usize = 64;
/// Longest label and longest name of a file system (`MAX_PATH`), with their ends.
const TEXT_UNITS: usize = 261;

struct Search(HANDLE);

impl Drop for Search {
    fn drop(&mut self) {
        // SAFETY: it was opened, and is closed once.
        unsafe { FindVolumeClose(self.0) };
    }
}

/// All volumes that are mounted somewhere and may hold data.
pub fn list() -> io::Result<Vec<RawVolume>> {
    let mut name = [0_u16; NAME_UNITS];
    let units = u32::try_from(name.len()).map_err(io::Error::other)?;
    // SAFETY: the buffer has as many units as is said.
    let search = unsafe { FindFirstVolumeW(name.as_mut_ptr(), units) };
    if search == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    let search = Search(search);
    let mut volumes = Vec::new();
    loop {
        // SAFETY: the call wrote a text with its end.
        let text = unsafe { text_at(name.as_ptr()) };
        let mounts = mounts(&text)?;
        volumes.extend(look(text, mounts));
        // SAFETY: the search is open; the buffer has as many units as is said.
        match check(unsafe { FindNextVolumeW(search.0, name.as_mut_ptr(), units) }) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(ERROR_NO_MORE_FILES.cast_signed()) => break,
            Err(error) => return Err(error),
        }
    }
    // The system itself lies on one.
    if volumes.is_empty() { Err(io::Error::other("Windows tells of no volume at all")) } else { Ok(volumes) }
}

fn mounts(volume: &str) -> io::Result<Vec<String>> {
    let volume = wide(volume);
    let mut buffer = vec![0_u16; TEXT_UNITS];
    let mut length = 0;
    loop {
        let units = u32::try_from(buffer.len()).map_err(io::Error::other)?;
        // SAFETY: the name ends with a NUL; the buffer has as many units as is said.
        let asked = check(unsafe {
            GetVolumePathNamesForVolumeNameW(volume.as_ptr(), buffer.as_mut_ptr(), units, &raw mut length)
        });
        match asked {
            Ok(()) => break,
            Err(error) if error.raw_os_error() == Some(ERROR_MORE_DATA.cast_signed()) && length > units => {
                buffer.resize(length as usize, 0);
            }
            Err(error) => return Err(error),
        }
    }
    buffer.truncate(length as usize);
    Ok(buffer.split(|unit| *unit == 0).filter(|path| !path.is_empty()).map(String::from_utf16_lossy).collect())
}

fn look(name: String, mounts: Vec<String>) -> Option<RawVolume> {
    // Asked by mount point: Wine knows the kind of a drive by its letter only.
    let mount = wide(mounts.first()?);
    // SAFETY: the path ends with a NUL.
    let kind = unsafe { GetDriveTypeW(mount.as_ptr()) };
    if !is_kept(kind) {
        return None;
    }
    let path = wide(&name);
    let (total_bytes, free_bytes) = size(&path).unwrap_or_default();
    Some(RawVolume { kind, file_system: file_system(&path), total_bytes, free_bytes, name, mounts })
}

fn file_system(path: &[u16]) -> Result<FileSystem, (i32, String)> {
    let (mut label, mut kind) = ([0_u16; TEXT_UNITS], [0_u16; TEXT_UNITS]);
    let units = u32::try_from(TEXT_UNITS).unwrap_or_default();
    // SAFETY: the name ends with a NUL; both buffers have as many units as is said; nothing else is asked for.
    check(unsafe {
        GetVolumeInformationW(
            path.as_ptr(),
            label.as_mut_ptr(),
            units,
            null_mut(),
            null_mut(),
            null_mut(),
            kind.as_mut_ptr(),
            units,
        )
    })
    .map_err(|error| (error.raw_os_error().unwrap_or_default(), error.to_string()))?;
    // SAFETY: the call wrote texts with their ends.
    let (label, kind) = unsafe { (text_at(label.as_ptr()), text_at(kind.as_ptr())) };
    Ok(FileSystem { kind, label })
}

/// Size and free bytes of the volume that a directory lies on.
pub fn space(directory: &Path) -> io::Result<(u64, u64)> {
    size(&wide_path(directory)?)
}

/// Size and free bytes.
fn size(path: &[u16]) -> io::Result<(u64, u64)> {
    let (mut total, mut free) = (0, 0);
    // SAFETY: the name ends with a NUL; the answers go into variables of ours.
    check(unsafe { GetDiskFreeSpaceExW(path.as_ptr(), null_mut(), &raw mut total, &raw mut free) })?;
    Ok((total, free))
}
