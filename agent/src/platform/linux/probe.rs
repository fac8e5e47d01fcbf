//! Looking at what the agent itself needs from this machine.

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;
use nix::unistd::{Uid, User, geteuid};

use crate::selftest::facts::{Account, Privacy, Space};

/// Who this process runs as.
///
/// # Errors
/// None.
pub fn account() -> io::Result<Account> {
    let me = geteuid();
    Ok(Account { name: name_of(me), privileged: me.is_root() })
}

fn name_of(user: Uid) -> String {
    match User::from_uid(user) {
        Ok(Some(account)) => account.name,
        _ => format!("uid {user}"),
    }
}

/// Who may look into a directory.
///
/// # Errors
/// When it cannot be looked at.
pub fn privacy(directory: &Path) -> io::Result<Privacy> {
    let meta = std::fs::metadata(directory)?;
    Ok(judge(Uid::from_raw(meta.uid()), meta.mode(), geteuid()))
}

/// The superuser reads everything anyway.
fn judge(owner: Uid, mode: u32, me: Uid) -> Privacy {
    let words = format!("owner {}, mode {:04o}", name_of(owner), mode & 0o7777);
    if owner != me && !owner.is_root() {
        return Privacy::Open(format!("it belongs to {}, who may read and change it ({words})", name_of(owner)));
    }
    if mode & 0o077 != 0 {
        return Privacy::Open(format!("others than its owner may look into it ({words})"));
    }
    Privacy::Private(words)
}

/// The space of the volume that a directory lies on, as far as this account may use it.
///
/// # Errors
/// When the volume cannot be asked.
pub fn space(directory: &Path) -> io::Result<Space> {
    let volume = statvfs(directory)?;
    let bytes = |blocks: u64| blocks.saturating_mul(volume.fragment_size());
    Ok(Space { total_bytes: bytes(volume.blocks()), free_bytes: bytes(volume.blocks_available()) })
}

/// A directory on the volume of the system itself.
#[must_use]
pub fn system_volume() -> PathBuf {
    PathBuf::from("/")
}

/// WMI: Linux has no such thing.
#[must_use]
pub fn wmi() -> Option<anyhow::Result<String>> {
    None
}

/// The task scheduler of Windows: Linux has no such thing.
#[must_use]
pub fn task_scheduler() -> Option<anyhow::Result<String>> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_that_nobody_else_looks_into_is_private() {
        let (me, root, other) = (Uid::from_raw(4_000_001), Uid::from_raw(0), Uid::from_raw(4_000_002));
        assert_eq!(judge(me, 0o40700, me), Privacy::Private("owner uid 4000001, mode 0700".to_owned()));
        assert!(matches!(judge(root, 0o40700, me), Privacy::Private(_)));
        assert!(matches!(judge(me, 0o40750, me), Privacy::Open(why) if why.contains("mode 0750")));
        assert!(matches!(judge(other, 0o40700, me), Privacy::Open(why) if why.contains("uid 4000002")));
    }
}
