//! Files that only SYSTEM and administrators may read.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_ACCESS_DENIED, ERROR_ALREADY_EXISTS, ERROR_SHARING_VIOLATION};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OPEN_REPARSE_POINT, FILE_LIST_DIRECTORY,
    FILE_READ_ATTRIBUTES, FILE_SHARE_DELETE, FILE_SHARE_MODE, FILE_SHARE_READ, FILE_SHARE_WRITE, READ_CONTROL,
    WRITE_DAC, WRITE_OWNER,
};

use super::guard::{Me, Verdict, judge, private_list};
use super::sys::{access, files};
use crate::platform::refusal;

/// Virus scanners and backup programs open a file that has just been written; they are done with it soon.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(25);

/// Where the agent keeps its data unless told otherwise.
#[must_use]
pub fn default_data_dir() -> &'static Path {
    static DIR: OnceLock<PathBuf> = OnceLock::new();
    DIR.get_or_init(|| files::program_data().join("GuruRMM"))
}

/// Files take the access list of the private directory that they are created in.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Creates a directory for SYSTEM and administrators only. One that is there already is narrowed to that if nobody else
/// can have put anything into it; otherwise it is refused.
///
/// # Errors
/// When it cannot be created or changed, or must not be trusted.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    create_private_subdir(path)
}

/// As [`create_private_dir`], in a directory that must be there: what was removed for good does not come back so.
///
/// # Errors
/// As there, and when there is no such directory.
pub fn create_private_subdir(path: &Path) -> io::Result<()> {
    let me = access::me()?;
    match access::create_directory(path, &private_list(&me)) {
        Err(error) if is(&error, ERROR_ALREADY_EXISTS) => make_private(path, &me),
        created => created,
    }
}

fn is(error: &io::Error, code: u32) -> bool {
    error.raw_os_error() == Some(code.cast_signed())
}

/// A sentence with the accounts in it as people know them.
fn with_names(why: &str) -> String {
    let named =
        why.split(' ').map(|word| if word.starts_with("S-1-") { access::account_name(word) } else { word.to_owned() });
    named.collect::<Vec<_>>().join(" ")
}

/// As long as this is open, nobody can put another directory in its place: what is not shared counts only for who may list the
/// content too (`CreateFileW`: "Access requests to attributes [...] are not affected by this flag").
fn hold(path: &Path, rights: u32) -> io::Result<File> {
    open(path, rights | FILE_LIST_DIRECTORY, FILE_SHARE_READ | FILE_SHARE_WRITE)
}

/// Opens a directory, or whatever else is there, to ask about it. In nobody's way: an agent may be removing the directory.
pub(super) fn look_at(path: &Path) -> io::Result<File> {
    open(path, READ_CONTROL | FILE_READ_ATTRIBUTES, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
}

fn open(path: &Path, rights: u32, shared: FILE_SHARE_MODE) -> io::Result<File> {
    File::options()
        .access_mode(rights)
        .share_mode(shared)
        .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT)
        .open(path)
}

const NO_DIRECTORY: &str = "it is a link or a file";

fn is_directory(opened: &File) -> io::Result<bool> {
    let kind = opened.metadata()?;
    Ok(kind.file_attributes() & FILE_ATTRIBUTE_REPARSE_POINT == 0 && kind.is_dir())
}

/// Why what is in a directory must not be believed, in words: somebody else may have put it there. None when it may.
///
/// # Errors
/// When it cannot be looked at, or is not there.
pub fn distrust(path: &Path) -> io::Result<Option<String>> {
    let directory = look_at(path)?;
    if !is_directory(&directory)? {
        return Ok(Some(NO_DIRECTORY.to_owned()));
    }
    Ok(match judge(&access::look(&directory)?, &access::me()?, false) {
        Verdict::Private | Verdict::Narrow | Verdict::Replace => None,
        Verdict::Refuse(why) => Some(with_names(&why)),
    })
}

fn make_private(path: &Path, me: &Me) -> io::Result<()> {
    let directory = hold(path, READ_CONTROL | FILE_READ_ATTRIBUTES)?;
    if !is_directory(&directory)? {
        return Err(refusal(NO_DIRECTORY));
    }
    let is_empty = std::fs::read_dir(path)?.next().is_none();
    match judge(&access::look(&directory)?, me, is_empty) {
        Verdict::Private => Ok(()),
        Verdict::Refuse(why) => Err(refusal(&with_names(&why))),
        Verdict::Narrow => {
            let change = if me.administrator { WRITE_DAC | WRITE_OWNER } else { WRITE_DAC };
            access::set(&hold(path, READ_CONTROL | change)?, &private_list(me))
        }
        Verdict::Replace => {
            drop(directory);
            // Only when it is still empty; what is there by then under its name is refused.
            std::fs::remove_dir(path)?;
            access::create_directory(path, &private_list(me))
        }
    }
}

/// Puts a file in the place of another one in one step; with `durable` that survives a power cut.
///
/// # Errors
/// When the disk refuses, or another program holds the file for longer than a moment.
pub fn replace(from: &Path, to: &Path, durable: bool) -> io::Result<()> {
    for attempt in 1.. {
        match std::fs::rename(from, to) {
            Err(error)
                if attempt < ATTEMPTS && (is(&error, ERROR_SHARING_VIOLATION) || is(&error, ERROR_ACCESS_DENIED)) =>
            {
                std::thread::sleep(PAUSE);
            }
            Err(error) => return Err(error),
            Ok(()) => break,
        }
    }
    // NTFS keeps one journal of names for the whole volume: flushing any file brings it to the disk. Everybody sees the
    // new content already: that a power cut may bring the old one back does not undo it.
    let synced = || File::options().write(true).open(to)?.sync_all();
    if durable && let Err(error) = synced() {
        tracing::warn!(%error, path = %to.display(), "a file may be the earlier one again after a power cut");
    }
    Ok(())
}

/// Names of created and removed files survive a power cut by themselves once a file of the volume has been flushed;
/// there is nothing to flush in a directory.
///
/// # Errors
/// Never.
pub fn sync_dir(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_made_once_and_found_again() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a").join("b");
        create_private_dir(&path).unwrap();
        create_private_dir(&path).unwrap();
        assert_eq!(distrust(&path).unwrap(), None);
        std::fs::write(path.join("x"), "y").unwrap();
        create_private_dir(&path).unwrap();
        let access = access::look(
            &File::options().access_mode(READ_CONTROL).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(&path).unwrap(),
        )
        .unwrap();
        assert!(access.grants.is_some_and(|grants| !grants.is_empty()));
    }

    #[test]
    fn a_file_in_its_place_is_refused() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("file");
        std::fs::write(&path, "").unwrap();
        let error = create_private_dir(&path).unwrap_err();
        assert!(error.to_string().contains("it is a link or a file"), "{error}");
        assert_eq!(distrust(&path).unwrap().as_deref(), Some("it is a link or a file"));
        assert_eq!(distrust(&temp.path().join("missing")).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_directory_that_is_looked_at_can_be_removed() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a");
        std::fs::create_dir(&path).unwrap();
        let held = hold(&path, READ_CONTROL).unwrap();
        let moved = temp.path().join("b");
        assert!(std::fs::rename(&path, &moved).is_err());
        drop(held);
        let _looked_at = look_at(&path).unwrap();
        std::fs::rename(&path, &moved).unwrap();
        std::fs::remove_dir(&moved).unwrap();
    }

    #[test]
    fn a_file_takes_the_place_of_another() {
        let temp = tempfile::tempdir().unwrap();
        let (new, old) = (temp.path().join("new"), temp.path().join("old"));
        std::fs::write(&new, "new").unwrap();
        std::fs::write(&old, "old").unwrap();
        replace(&new, &old, true).unwrap();
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "new");
        assert!(!new.exists());
    }
}
