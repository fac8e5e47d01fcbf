//! Whether a volume is encrypted by BitLocker.

use gururmm_protocol::inventory::VolumeEncryption;
use serde::Deserialize;

use super::row;

/// An object of `Win32_EncryptableVolume`
/// (<https://learn.microsoft.com/windows/win32/secprov/win32-encryptablevolume>).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EncryptableVolume {
    /// The volume's name, `\\?\Volume{…}\`.
    #[serde(rename = "DeviceID", deserialize_with = "row::text")]
    pub device_id: Option<String>,
    /// Its letter with a colon.
    #[serde(deserialize_with = "row::text")]
    pub drive_letter: Option<String>,
    /// 0 off, 1 on, 2 unknown because the volume is locked.
    #[serde(deserialize_with = "row::number")]
    pub protection_status: Option<u64>,
    /// 0 decrypted, 1 encrypted, 2 encrypting, 3 decrypting, 4 encryption paused, 5 decryption paused.
    #[serde(deserialize_with = "row::number")]
    pub conversion_status: Option<u64>,
    /// How it is encrypted.
    #[serde(deserialize_with = "row::number")]
    pub encryption_method: Option<u64>,
}

impl EncryptableVolume {
    /// Whether this is the volume with that name or one of those mount points (`C:\`).
    #[must_use]
    pub fn is(&self, name: &str, mounts: &[String]) -> bool {
        let same = |a: &str, b: &str| a.trim_end_matches('\\').eq_ignore_ascii_case(b.trim_end_matches('\\'));
        self.device_id.as_deref().is_some_and(|id| same(id, name))
            || self.drive_letter.as_deref().is_some_and(|letter| mounts.iter().any(|mount| same(mount, letter)))
    }

    /// Whether it cannot be read without its key.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.protection_status == Some(2)
    }

    /// Whether its content is encrypted. How far the encryption of a locked volume is cannot be told.
    #[must_use]
    pub fn encryption(&self) -> VolumeEncryption {
        match (self.conversion_status, self.protection_status) {
            (Some(0), _) => VolumeEncryption::Unencrypted,
            (Some(1) | None, Some(1)) => VolumeEncryption::Encrypted,
            (Some(1), Some(0)) => VolumeEncryption::Suspended,
            (Some(2 | 4), _) => VolumeEncryption::Encrypting,
            (Some(3 | 5), _) => VolumeEncryption::Decrypting,
            _ => VolumeEncryption::Unknown,
        }
    }

    /// How, for example `BitLocker XTS-AES 256`; none where nothing is encrypted or the volume is locked.
    #[must_use]
    pub fn method(&self) -> Option<String> {
        let method = match self.encryption_method? {
            1 => "AES 128 with diffuser",
            2 => "AES 256 with diffuser",
            3 => "AES 128",
            4 => "AES 256",
            5 => "by the disk itself",
            6 => "XTS-AES 128",
            7 => "XTS-AES 256",
            _ => return None,
        };
        Some(format!("BitLocker {method}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::windows::row::{rows, typed};
    use serde_json::json;

    fn volumes(answer: serde_json::Value) -> Vec<EncryptableVolume> {
        typed(rows(answer)).0
    }

    #[test]
    fn states_are_told_apart() {
        use VolumeEncryption as E;
        let cases = [
            (Some(1), Some(1), E::Encrypted),
            (Some(1), Some(0), E::Suspended),
            (Some(1), Some(2), E::Unknown),
            (Some(0), Some(0), E::Unencrypted),
            (Some(2), Some(0), E::Encrypting),
            (Some(4), Some(0), E::Encrypting),
            (Some(3), Some(1), E::Decrypting),
            (Some(5), Some(1), E::Decrypting),
            (None, Some(1), E::Encrypted),
            (None, Some(0), E::Unknown),
            (None, Some(2), E::Unknown),
            (None, None, E::Unknown),
            (Some(99), Some(1), E::Unknown),
        ];
        for (conversion_status, protection_status, expected) in cases {
            let volume = EncryptableVolume { protection_status, conversion_status, ..EncryptableVolume::default() };
            assert_eq!(volume.encryption(), expected, "{volume:?}");
        }
    }

    #[test]
    fn an_answer_of_windows_11() {
        let volumes = volumes(json!([
            {"DeviceID": r"\\?\Volume{0a1b2c3d-0000-0000-0000-100000000000}\", "DriveLetter": "C:", "EncryptionMethod": 6,
             "ConversionStatus": 1, "ProtectionStatus": 1, "VolumeType": 0, "PersistentVolumeID": "{00000000}"},
            {"DeviceID": r"\\?\Volume{0a1b2c3d-0000-0000-0000-200000000000}\", "DriveLetter": null,
             "EncryptionMethod": -1, "ConversionStatus": null, "ProtectionStatus": 2},
        ]));
        assert_eq!(volumes[0].encryption(), VolumeEncryption::Encrypted);
        assert_eq!(volumes[0].method().as_deref(), Some("BitLocker XTS-AES 128"));
        assert!(volumes[0].is(r"\\?\Volume{other}\", &[r"c:\".to_owned()]), "by its letter");
        let name = r"\\?\Volume{0A1B2C3D-0000-0000-0000-200000000000}\";
        assert!(volumes[1].is(name, &[]) && !volumes[0].is(name, &[]), "by its name");
        assert!(volumes[1].is_locked());
        assert_eq!(volumes[1].method(), None);
    }
}
