//! Volumes, disks, network interfaces.

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::text::{clean_line, clean_option};

/// Most addresses of one kind at one interface.
const MAX_ADDRESSES: usize = 64;

/// A volume.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    /// Mount point or drive letter.
    pub mount: String,
    /// Device or volume name.
    #[serde(default)]
    pub device: Option<String>,
    /// File system, for example `ext4`.
    #[serde(default)]
    pub file_system: Option<String>,
    /// Size in bytes. (How full it is comes with the readings.)
    pub total_bytes: u64,
    /// Whether it can be removed.
    #[serde(default)]
    pub removable: bool,
    /// Whether its content is encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption: Option<VolumeEncryption>,
    /// How, for example `BitLocker XTS-AES 256` or `LUKS2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_method: Option<String>,
}

/// Whether a volume's content is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VolumeEncryption {
    /// All of it, and the protection is on.
    Encrypted,
    /// Encrypted, but the key lies open (BitLocker "suspended").
    Suspended,
    /// Being encrypted.
    Encrypting,
    /// Being decrypted.
    Decrypting,
    /// Not encrypted.
    Unencrypted,
    /// Cannot be told.
    #[serde(other)]
    Unknown,
}

/// A physical disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// The system's name for it, for example `sda` or `PHYSICALDRIVE0`.
    pub name: String,
    /// Model.
    #[serde(default)]
    pub model: Option<String>,
    /// Serial number.
    #[serde(default)]
    pub serial: Option<String>,
    /// How it is attached, for example `nvme` or `sata`.
    #[serde(default)]
    pub bus: Option<String>,
    /// What it stores on.
    pub media: DiskMedia,
    /// Size in bytes.
    pub total_bytes: u64,
    /// How it feels, by its own word or the system's.
    pub health: DiskHealth,
    /// What that word rests on, for example `SMART: 12 reallocated sectors`.
    #[serde(default)]
    pub health_detail: Option<String>,
}

/// What a disk stores on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskMedia {
    /// Rotating.
    Hdd,
    /// Flash.
    Ssd,
    /// Cannot be told, or a virtual disk.
    #[serde(other)]
    Unknown,
}

/// How a disk feels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DiskHealth {
    /// Nothing is wrong.
    Healthy,
    /// It works, and warns.
    Warning,
    /// It fails, or says that it will.
    Failing,
    /// Cannot be told.
    #[serde(other)]
    Unknown,
}

/// A network interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    /// The system's name for it.
    pub name: String,
    /// Hardware address.
    #[serde(default)]
    pub mac: Option<String>,
    /// Addresses with prefix length, for example `192.168.1.7/24`.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// What it is, for example `Intel(R) Ethernet Connection I219-LM`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Addresses of default gateways.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gateways: Vec<String>,
    /// Addresses of name servers. Where the system has one list for all interfaces, it stands at those with a gateway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
    /// Whether its addresses come from DHCP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dhcp: Option<bool>,
}

impl Volume {
    pub(super) fn bound(&mut self) {
        self.mount = clean_line(&self.mount, limits::MAX_NAME);
        clean_option(&mut self.device, limits::MAX_TEXT);
        clean_option(&mut self.file_system, limits::MAX_NAME);
        clean_option(&mut self.encryption_method, limits::MAX_NAME);
        self.total_bytes = self.total_bytes.min(i64::MAX as u64);
    }
}

impl Disk {
    pub(super) fn bound(&mut self) {
        self.name = clean_line(&self.name, limits::MAX_NAME);
        for text in [&mut self.model, &mut self.serial, &mut self.bus] {
            clean_option(text, limits::MAX_NAME);
        }
        clean_option(&mut self.health_detail, limits::MAX_TEXT);
        self.total_bytes = self.total_bytes.min(i64::MAX as u64);
    }
}

impl NetworkInterface {
    pub(super) fn bound(&mut self) {
        self.name = clean_line(&self.name, limits::MAX_NAME);
        clean_option(&mut self.mac, limits::MAX_NAME);
        clean_option(&mut self.description, limits::MAX_NAME);
        for addresses in [&mut self.addresses, &mut self.gateways, &mut self.dns] {
            addresses.truncate(MAX_ADDRESSES);
            for address in addresses {
                *address = clean_line(address, limits::MAX_NAME);
            }
        }
    }
}
