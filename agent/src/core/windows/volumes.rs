//! Volumes.

use gururmm_protocol::inventory::{Volume, VolumeEncryption};
use gururmm_protocol::readings::VolumeUse;

use super::bitlocker::EncryptableVolume;
use crate::core::inventory::Looked;

/// `DRIVE_REMOVABLE`.
const REMOVABLE: u32 = 2;
/// `DRIVE_FIXED`.
const FIXED: u32 = 3;
/// `ERROR_NOT_READY`, `ERROR_NO_MEDIA_IN_DRIVE`: a card reader without a card.
const EMPTY: [i32; 2] = [21, 1112];

/// A volume that is mounted somewhere, as the calls for volumes tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawVolume {
    /// `\\?\Volume{…}\`.
    pub name: String,
    /// Where: `C:\`, or a directory.
    pub mounts: Vec<String>,
    /// What `GetDriveType` says.
    pub kind: u32,
    /// Its file system, or the number and the words of the error.
    pub file_system: Result<FileSystem, (i32, String)>,
    /// Size in bytes; 0 where it cannot be told.
    pub total_bytes: u64,
    /// Free bytes.
    pub free_bytes: u64,
}

/// What a volume is formatted with.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileSystem {
    /// `NTFS`.
    pub kind: String,
    /// What people call the volume.
    pub label: String,
}

/// Whether volumes of this kind hold data of this machine; optical discs and memory disks do not.
#[must_use]
pub const fn is_kept(kind: u32) -> bool {
    matches!(kind, FIXED | REMOVABLE)
}

impl RawVolume {
    /// Whether there is a medium that is of interest.
    fn counts(&self) -> bool {
        let empty = self.file_system.as_ref().err().is_some_and(|(code, _)| EMPTY.contains(code));
        is_kept(self.kind) && !empty
    }

    /// The shortest one: a letter before a directory.
    fn mount(&self) -> Option<&String> {
        self.mounts.iter().min_by_key(|mount| (mount.len(), mount.as_str()))
    }
}

/// The volumes by mount point, with what BitLocker says of them. Where Windows has no BitLocker, nothing is known of
/// encryption, and that is no fault; `bitlocker` is then empty.
#[must_use]
pub fn volumes(raw: Vec<RawVolume>, bitlocker: Result<Vec<EncryptableVolume>, String>) -> Looked<Vec<Volume>> {
    let mut problems = Vec::new();
    let encryptable = bitlocker.unwrap_or_else(|error| {
        problems.push(format!("BitLocker: {error}"));
        Vec::new()
    });
    let mut volumes: Vec<_> = raw
        .into_iter()
        .filter(RawVolume::counts)
        .filter_map(|raw| {
            let mount = raw.mount()?.clone();
            let encryptable = encryptable.iter().find(|volume| volume.is(&raw.name, &raw.mounts));
            let file_system = raw.file_system.map_err(|(_, error)| error);
            if encryptable.is_some_and(EncryptableVolume::is_locked) {
                problems.push(format!("{mount} is locked by BitLocker: only with its key can it be read"));
            } else if let Err(error) = &file_system {
                problems.push(format!("{mount} {error}"));
            }
            let FileSystem { kind, label } = file_system.unwrap_or_default();
            Some(Volume {
                mount,
                device: Some(if label.is_empty() { raw.name } else { label }),
                file_system: (!kind.is_empty()).then_some(kind),
                total_bytes: raw.total_bytes,
                removable: raw.kind == REMOVABLE,
                encryption: Some(encryptable.map_or(VolumeEncryption::Unknown, EncryptableVolume::encryption)),
                encryption_method: encryptable.and_then(EncryptableVolume::method),
            })
        })
        .collect();
    volumes.sort_by(|a, b| a.mount.cmp(&b.mount));
    problems.sort_unstable();
    Looked { content: volumes, problems }
}

/// How full the volumes are.
#[must_use]
pub fn uses(raw: &[RawVolume]) -> Vec<VolumeUse> {
    let mut uses: Vec<_> = raw
        .iter()
        .filter(|raw| raw.counts() && raw.total_bytes > 0)
        .filter_map(|raw| {
            let used_bytes = raw.total_bytes.saturating_sub(raw.free_bytes);
            Some(VolumeUse { mount: raw.mount()?.clone(), used_bytes, total_bytes: raw.total_bytes })
        })
        .collect();
    uses.sort_by(|a, b| a.mount.cmp(&b.mount));
    uses
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(letter: &str, kind: u32) -> RawVolume {
        RawVolume {
            name: format!(r"\\?\Volume{{{letter}}}\"),
            mounts: vec![format!(r"C:\mounted\{letter}\"), format!(r"{letter}:\")],
            kind,
            file_system: Ok(FileSystem { kind: "NTFS".into(), label: String::new() }),
            total_bytes: 1 << 40,
            free_bytes: 1 << 39,
        }
    }

    fn encryptable(letter: &str, protection: u64, conversion: Option<u64>) -> EncryptableVolume {
        EncryptableVolume {
            device_id: Some(format!(r"\\?\Volume{{{letter}}}\")),
            protection_status: Some(protection),
            conversion_status: conversion,
            encryption_method: conversion.map(|_| 7),
            ..EncryptableVolume::default()
        }
    }

    #[test]
    fn volumes_with_their_encryption() {
        let mut data = raw("D", FIXED);
        data.file_system = Ok(FileSystem { kind: "ReFS".into(), label: "Data".into() });
        let mut reader = raw("F", REMOVABLE);
        reader.file_system = Err((21, "not ready".into()));
        let all = vec![raw("E", REMOVABLE), data, raw("C", FIXED), raw("R", 5), reader];
        let bitlocker = vec![encryptable("C", 1, Some(1)), encryptable("D", 0, Some(0))];
        let looked = volumes(all, Ok(bitlocker));
        assert_eq!(looked.problems, Vec::<String>::new());
        let told: Vec<_> =
            looked.content.iter().map(|v| (v.mount.as_str(), v.device.as_deref(), v.removable, v.encryption)).collect();
        assert_eq!(
            told,
            [
                (r"C:\", Some(r"\\?\Volume{C}\"), false, Some(VolumeEncryption::Encrypted)),
                (r"D:\", Some("Data"), false, Some(VolumeEncryption::Unencrypted)),
                (r"E:\", Some(r"\\?\Volume{E}\"), true, Some(VolumeEncryption::Unknown)),
            ]
        );
        assert_eq!(looked.content[0].encryption_method.as_deref(), Some("BitLocker XTS-AES 256"));
    }

    #[test]
    fn uses_are_those_of_the_same_volumes() {
        let unreadable = RawVolume { total_bytes: 0, ..raw("D", FIXED) };
        let uses = uses(&[raw("E", FIXED), unreadable, raw("R", 5), raw("C", FIXED)]);
        let told: Vec<_> = uses.iter().map(|volume| (volume.mount.as_str(), volume.used_bytes)).collect();
        assert_eq!(told, [(r"C:\", 1 << 39), (r"E:\", 1 << 39)]);
    }

    #[test]
    fn what_cannot_be_read_is_told() {
        let mut locked = raw("D", FIXED);
        locked.file_system = Err((-2144272384, "This drive is locked".into()));
        let mut broken = raw("E", FIXED);
        broken.file_system = Err((1005, "does not contain a recognized file system".into()));
        let looked = volumes(vec![locked, broken], Ok(vec![encryptable("D", 2, None)]));
        assert_eq!(
            looked.problems,
            [
                r"D:\ is locked by BitLocker: only with its key can it be read",
                r"E:\ does not contain a recognized file system",
            ]
        );
        assert_eq!(looked.content.len(), 2);
        assert_eq!(looked.content[0].encryption, Some(VolumeEncryption::Unknown));

        let looked = volumes(vec![raw("C", FIXED)], Err("access denied".into()));
        assert_eq!(looked.problems, ["BitLocker: access denied"]);
        assert_eq!(looked.content[0].encryption, Some(VolumeEncryption::Unknown));
    }
}
