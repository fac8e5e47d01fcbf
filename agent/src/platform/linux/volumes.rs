//! Volumes: mounts of file systems that hold data on this machine.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use gururmm_protocol::inventory::{Volume, VolumeEncryption};
use sysinfo::{Disk, Disks};

use super::read_line;
use crate::core::inventory::Look;

const BLOCK: &str = "/sys/class/block";
/// Devices upon devices are followed so far.
const MAX_DEPTH: u32 = 8;

/// The mounted file systems.
///
/// # Errors
/// When the system cannot be asked.
pub fn volumes() -> Look<Vec<Volume>> {
    let disks = Disks::new_with_refreshed_list()?;
    let volume = |disk: &Disk| {
        let (encryption, encryption_method) = encryption_of(Path::new(disk.name()), Path::new(BLOCK));
        Volume {
            mount: disk.mount_point().to_string_lossy().into_owned(),
            device: Some(disk.name().to_string_lossy().into_owned()),
            file_system: Some(disk.file_system().to_string_lossy().into_owned()),
            total_bytes: disk.total_space(),
            removable: disk.is_removable(),
            encryption,
            encryption_method,
        }
    };
    Ok(fixed_disks(&disks).into_iter().map(volume).collect::<Vec<_>>().into())
}

/// Fixed volumes by mount point, each device once (a bind mount shows the same one again), by its shortest mount point.
#[must_use]
pub(super) fn fixed_disks(disks: &Disks) -> Vec<&Disk> {
    let mut by_device: BTreeMap<_, &Disk> = BTreeMap::new();
    for disk in disks.iter() {
        let file_system = disk.file_system().to_string_lossy();
        if disk.total_space() == 0 || !is_fixed_volume(disk.mount_point(), &file_system) {
            continue;
        }
        let key = |disk: &Disk| (disk.mount_point().as_os_str().len(), disk.mount_point().to_owned());
        let kept = by_device.entry(disk.name().to_owned()).or_insert(disk);
        if key(disk) < key(kept) {
            *kept = disk;
        }
    }
    let mut disks: Vec<_> = by_device.into_values().collect();
    disks.sort_by(|a, b| a.mount_point().cmp(b.mount_point()));
    disks
}

/// File systems that hold data on a disk of this machine. Everything else is made up by the kernel, lies in memory or
/// on another machine.
const ON_DISK: [&str; 18] = [
    "ext2", "ext3", "ext4", "xfs", "btrfs", "zfs", "f2fs", "jfs", "reiserfs", "bcachefs", "vfat", "exfat", "ntfs",
    "ntfs3", "fuseblk", "hfsplus", "nilfs2", "ocfs2",
];

/// Whether a mount is a real volume. The root counts whatever it is, so that a container shows the one it has.
fn is_fixed_volume(mount: &Path, file_system: &str) -> bool {
    mount == Path::new("/") || ON_DISK.contains(&file_system)
}

/// Whether what is mounted from a device is encrypted, and how; nothing for what is no block device.
fn encryption_of(device: &Path, block: &Path) -> (Option<VolumeEncryption>, Option<String>) {
    // `/dev/mapper/x` links to `/dev/dm-0`.
    let device = fs::canonicalize(device).unwrap_or_else(|_| device.to_owned());
    let known = device.starts_with("/dev").then(|| device.file_name()).flatten();
    let Some(name) = known.filter(|name| block.join(name).exists()) else { return (None, None) };
    match method(name, block, 0) {
        Some(method) => (Some(VolumeEncryption::Encrypted), Some(method)),
        None => (Some(VolumeEncryption::Unencrypted), None),
    }
}

/// How a block device is encrypted: by itself, or because all devices that it lies on are.
fn method(name: &OsStr, block: &Path, depth: u32) -> Option<String> {
    let place = block.join(name);
    if let Some(method) = read_line(place.join("dm/uuid")).as_deref().and_then(crypt) {
        return Some(method);
    }
    if depth >= MAX_DEPTH {
        return None;
    }
    let below = fs::read_dir(place.join("slaves")).ok()?.flatten();
    let methods: Option<Vec<_>> = below.map(|entry| method(&entry.file_name(), block, depth + 1)).collect();
    methods?.into_iter().max()
}

/// The kind of dm-crypt device by its UUID, which cryptsetup writes as `CRYPT-<kind>-...`.
fn crypt(uuid: &str) -> Option<String> {
    let kind = uuid.strip_prefix("CRYPT-")?.split('-').next()?;
    let name = match kind {
        // It proves that nothing was changed, and hides nothing.
        "VERITY" | "INTEGRITY" | "SUBDEV" => return None,
        "BITLK" => "BitLocker",
        "FVAULT2" => "FileVault",
        "TCRYPT" => "TrueCrypt or VeraCrypt",
        "PLAIN" => "dm-crypt",
        other => other,
    };
    Some(name.to_owned())
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

    /// A device of the kernel's list with its UUID and what it lies on.
    fn device(block: &Path, name: &str, uuid: Option<&str>, below: &[&str]) {
        let place = block.join(name);
        for name in below {
            fs::create_dir_all(place.join("slaves").join(name)).unwrap();
        }
        fs::create_dir_all(place.join("dm")).unwrap();
        if let Some(uuid) = uuid {
            fs::write(place.join("dm/uuid"), uuid).unwrap();
        }
    }

    #[test]
    fn a_volume_is_encrypted_when_all_it_lies_on_is() {
        let dir = tempfile::tempdir().unwrap();
        let block = dir.path();
        device(block, "sda2", None, &[]);
        device(block, "sdb1", None, &[]);
        device(block, "dm-0", Some("CRYPT-LUKS2-0123456789abcdef-sda2_crypt\n"), &["sda2"]);
        device(block, "dm-1", Some("LVM-abc"), &["dm-0"]);
        device(block, "dm-2", Some("LVM-def"), &["dm-0", "sdb1"]);
        device(block, "dm-3", Some("CRYPT-VERITY-abc-root"), &["sda2"]);
        let of = |name: &str| encryption_of(&Path::new("/dev").join(name), block);
        let encrypted = (Some(VolumeEncryption::Encrypted), Some("LUKS2".to_owned()));
        let open = (Some(VolumeEncryption::Unencrypted), None);
        assert_eq!(of("dm-0"), encrypted);
        assert_eq!(of("dm-1"), encrypted, "a logical volume on it");
        assert_eq!(of("dm-2"), open, "half of it lies open");
        assert_eq!(of("dm-3"), open);
        assert_eq!(of("sda2"), open);
        assert_eq!(of("nothing"), (None, None));
        assert_eq!(encryption_of(Path::new("overlay"), block), (None, None));
        device(block, "dm-4", Some("LVM-loop"), &["dm-4"]);
        assert_eq!(of("dm-4"), open, "no way round in circles");
    }
}
