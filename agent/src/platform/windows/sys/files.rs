//! Known directories, and removal at the next start of the machine.

use std::io;
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};

use windows_sys::Win32::Storage::FileSystem::{MOVEFILE_DELAY_UNTIL_REBOOT, MoveFileExW};
use windows_sys::Win32::System::Com::CoTaskMemFree;
use windows_sys::Win32::System::SystemInformation::GetSystemDirectoryW;
use windows_sys::Win32::UI::Shell::{
    FOLDERID_ProgramData, FOLDERID_ProgramFiles, KF_FLAG_DEFAULT, SHGetKnownFolderPath,
};
use windows_sys::core::GUID;

use super::{check, read_wide, wide_path};

/// `C:\ProgramData`. Asked of the system and not of the environment, which a user can change for programs that an
/// administrator starts in their session.
pub fn program_data() -> PathBuf {
    known_folder(&FOLDERID_ProgramData).unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"))
}

/// `C:\Program Files`.
pub fn program_files() -> PathBuf {
    known_folder(&FOLDERID_ProgramFiles).unwrap_or_else(|| PathBuf::from(r"C:\Program Files"))
}

fn known_folder(id: &GUID) -> Option<PathBuf> {
    let mut path = null_mut();
    // SAFETY: the id is one of the system's, no user is named, the answer goes into `path`.
    let answer = unsafe { SHGetKnownFolderPath(id, KF_FLAG_DEFAULT.cast_unsigned(), null_mut(), &raw mut path) };
    // SAFETY: on success the call gives a text with its end.
    let found = (answer == 0).then(|| PathBuf::from(unsafe { read_wide(path) }));
    // SAFETY: to be freed so in either case; null is allowed.
    unsafe { CoTaskMemFree(path.cast()) };
    found
}

/// `C:\Windows\System32`.
pub fn system_directory() -> PathBuf {
    let mut buffer = [0_u16; 260];
    let room = u32::try_from(buffer.len()).unwrap_or_default();
    // SAFETY: the buffer has as many units as is said.
    let length = unsafe { GetSystemDirectoryW(buffer.as_mut_ptr(), room) };
    if length == 0 || length >= room {
        return PathBuf::from(r"C:\Windows\System32");
    }
    // SAFETY: the call wrote a text with its end.
    PathBuf::from(unsafe { read_wide(buffer.as_ptr()) })
}

/// Removes a file, or a directory that is empty by then, when the machine starts next.
pub fn remove_at_restart(path: &Path) -> io::Result<()> {
    let path = wide_path(path)?;
    // SAFETY: the path ends with a NUL; no new name means removal.
    check(unsafe { MoveFileExW(path.as_ptr(), null(), MOVEFILE_DELAY_UNTIL_REBOOT) })
}
