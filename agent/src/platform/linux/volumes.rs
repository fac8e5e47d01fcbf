//! Volumes: mounts of file systems that hold data on this machine.

use std::path::Path;

use gururmm_protocol::inventory::Volume;
use sysinfo::Disks;

use crate::core::inventory::Look;
use crate::platform::fixed_disks;

/// The mounted file systems.
///
/// # Errors
/// When the system cannot be asked.
pub fn volumes() -> Look<Vec<Volume>> {
    let disks = Disks::new_with_refreshed_list()?;
    let volume = |disk: &sysinfo::Disk| Volume {
        mount: disk.mount_point().to_string_lossy().into_owned(),
        device: Some(disk.name().to_string_lossy().into_owned()),
        file_system: Some(disk.file_system().to_string_lossy().into_owned()),
        total_bytes: disk.total_space(),
        removable: disk.is_removable(),
        encryption: None,
        encryption_method: None,
    };
    Ok(fixed_disks(&disks).into_iter().map(volume).collect::<Vec<_>>().into())
}

/// File systems that hold data on a disk of this machine. Everything else is made up by the kernel, lies in memory or
/// on another machine.
const ON_DISK: [&str; 18] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "bcachefs", "vfat", "exfat", "ntfs",
    "ntfs3", "fuseblk", "hfsplus", "nilfs2", "ocfs2",
];

/// Whether a mount is a real volume. The root counts whatever it is, so that a container shows the one it has.
#[must_use]
pub fn is_fixed_volume(mount: &Path, file_system: &str) -> bool {
    mount == Path::new("/") || ON_DISK.contains(&file_system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pseudo_and_remote_file_systems_are_no_volumes() {
        assert!(is_fixed_volume(Path::new("/"), "overlay"));
        assert!(is_fixed_volume(Path::new("/srv"), "xfs"));
        for other in ["tmpfs", "overlay", "squashfs", "nfs4", "cifs", "proc", "fuse.sshfs"] {
            assert!(!is_fixed_volume(Path::new("/mnt"), other), "{other}");
        }
    }
}
