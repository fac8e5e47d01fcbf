//! Files that only their owner may read.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use nix::unistd::geteuid;

use crate::platform::refusal;

/// Where the agent keeps its data unless told otherwise.
#[must_use]
pub fn default_data_dir() -> &'static Path {
    Path::new("/var/lib/gururmm-agent")
}

/// Makes a file that is created readable and writable by its owner only.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Creates a directory for its owner only. One that is there already is narrowed to that if nobody else can have put
/// anything into it; otherwise it is refused.
///
/// # Errors
/// When it cannot be created or changed, or must not be trusted.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(parent)?;
    }
    create_private_subdir(path)
}

/// As [`create_private_dir`], in a directory that must be there: what was removed for good does not come back so.
///
/// # Errors
/// As there, and when there is no such directory.
pub fn create_private_subdir(path: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => make_private(path),
        created => created,
    }
}

/// Why what is in a directory must not be believed, in words: somebody else may have put it there. None when it may.
///
/// # Errors
/// When it cannot be looked at, or is not there.
pub fn distrust(path: &Path) -> io::Result<Option<String>> {
    let meta = std::fs::metadata(path)?;
    Ok(judge(meta.is_dir(), meta.uid(), meta.mode(), geteuid().as_raw()))
}

fn judge(is_dir: bool, owner: u32, mode: u32, me: u32) -> Option<String> {
    if !is_dir {
        Some("it is no directory".to_owned())
    } else if owner != me && owner != 0 {
        Some(format!("it belongs to the account with uid {owner}"))
    } else if mode & 0o022 != 0 {
        Some(format!("others may write to it (mode {:04o})", mode & 0o7777))
    } else {
        None
    }
}

fn make_private(path: &Path) -> io::Result<()> {
    let meta = std::fs::metadata(path)?;
    let (owner, me) = (meta.uid(), geteuid().as_raw());
    match judge(meta.is_dir(), owner, meta.mode(), me) {
        None if meta.mode() & 0o077 != 0 => std::fs::set_permissions(path, Permissions::from_mode(0o700)),
        None => Ok(()),
        // An empty one that others may write to is made anew. It is removed only while it is empty.
        Some(_) if owner == me && std::fs::remove_dir(path).is_ok() => DirBuilder::new().mode(0o700).create(path),
        Some(why) => Err(refusal(&why)),
    }
}

/// Puts a file in the place of another one in one step; with `durable` that survives a power cut. Where the disk does not
/// promise that, this is logged only: everybody sees the new content already.
///
/// # Errors
/// When the disk refuses; the other one is then untouched.
pub fn replace(from: &Path, to: &Path, durable: bool) -> io::Result<()> {
    std::fs::rename(from, to)?;
    if durable
        && let Some(parent) = to.parent()
        && let Err(error) = sync_dir(parent)
    {
        tracing::warn!(%error, path = %to.display(), "a file may be the earlier one again after a power cut");
    }
    Ok(())
}

/// Makes created, renamed and removed names of a directory survive a power cut.
///
/// # Errors
/// When the disk refuses.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// To be called first of all. Libraries come from where the program's own header says; there is nothing to narrow.
pub const fn harden() {}

/// Closes what the process inherited beyond its three standard streams, so that no command gets hold of it. To be called
/// while the process itself has nothing else open.
pub fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers: Vec<i32> = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for number in numbers.into_iter().filter(|number| *number > 2) {
        // The one that read the directory is closed already; that is the only error there can be.
        let _ = nix::unistd::close(number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_others_write_to_is_not_believed() {
        let (me, other) = (1_001, 1_002);
        assert_eq!(judge(true, me, 0o40700, me), None);
        assert_eq!(judge(true, 0, 0o40755, me), None, "the superuser's own");
        assert!(judge(true, other, 0o40700, 0).is_some_and(|why| why.contains("uid 1002")));
        assert!(judge(true, me, 0o41777, me).is_some_and(|why| why.contains("mode 1777")));
        assert!(judge(true, me, 0o40770, me).is_some());
        assert!(judge(false, me, 0o100_600, me).is_some());
    }

    #[test]
    fn only_a_directory_that_nobody_else_can_have_filled_is_narrowed() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("a").join("b");
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
        let set = |mode| std::fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        create_private_dir(&path).unwrap();
        assert_eq!(mode(), 0o700);
        set(0o755);
        create_private_dir(&path).unwrap();
        assert_eq!(mode(), 0o700, "others could only read");
        set(0o777);
        create_private_dir(&path).unwrap();
        assert_eq!(mode(), 0o700, "empty, so made anew");
        std::fs::write(path.join("planted"), "").unwrap();
        set(0o777);
        let error = create_private_dir(&path).unwrap_err();
        assert!(error.to_string().contains("others may write to it (mode 0777)"), "{error}");
        assert_eq!(mode(), 0o777);
    }
}
