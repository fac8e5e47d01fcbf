//! Inventory: typed sections, each sent whole and only when it changed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::crypto::sha256;
use crate::instant::clean_instant;
use crate::limits;
use crate::text::{clean_line, clean_option};

/// One section of a machine's inventory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "section", content = "data", rename_all = "snake_case")]
pub enum Section {
    /// Operating system identity.
    Os(OsIdentity),
    /// Maker, model, processor, memory.
    Hardware(Hardware),
    /// Volumes with file system and size.
    Volumes(Vec<Volume>),
    /// Network interfaces with addresses.
    Network(Vec<NetworkInterface>),
    /// Who is logged in.
    Users(Vec<LoggedInUser>),
    /// Whether a restart is pending, and why.
    Reboot(PendingReboot),
}

/// The kind of operating system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OsFamily {
    /// Microsoft Windows.
    Windows,
    /// Linux.
    Linux,
    /// Anything else.
    #[serde(other)]
    Other,
}

/// What the machine is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MachineRole {
    /// A person's machine.
    Workstation,
    /// A server.
    Server,
    /// A domain controller.
    DomainController,
    /// Cannot be told.
    #[serde(other)]
    Unknown,
}

/// Operating system identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OsIdentity {
    /// Kind of system.
    pub family: OsFamily,
    /// Full name, for example `Debian GNU/Linux 12 (bookworm)`.
    pub name: String,
    /// Edition or variant, for example `ServerStandard`.
    #[serde(default)]
    pub edition: Option<String>,
    /// Version, for example `12` or `10.0.20348`.
    #[serde(default)]
    pub version: Option<String>,
    /// Build or kernel release.
    #[serde(default)]
    pub build: Option<String>,
    /// Processor architecture, for example `x86_64`.
    pub architecture: String,
    /// What the machine is for.
    pub role: MachineRole,
    /// Host name.
    pub hostname: String,
    /// DNS or Active Directory domain.
    #[serde(default)]
    pub domain: Option<String>,
    /// IANA time zone, for example `Europe/Berlin`.
    #[serde(default)]
    pub time_zone: Option<String>,
    /// When the machine was started.
    #[serde(default)]
    pub booted_at: Option<DateTime<Utc>>,
}

/// Maker, model, processor, memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hardware {
    /// System maker.
    #[serde(default)]
    pub manufacturer: Option<String>,
    /// System model.
    #[serde(default)]
    pub model: Option<String>,
    /// Serial number.
    #[serde(default)]
    pub serial: Option<String>,
    /// Processor's name.
    #[serde(default)]
    pub cpu: Option<String>,
    /// Physical cores.
    #[serde(default)]
    pub cores: Option<u32>,
    /// Logical processors.
    #[serde(default)]
    pub threads: Option<u32>,
    /// Memory in bytes.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// The hypervisor, when this is a virtual machine that says so.
    #[serde(default)]
    pub virtualization: Option<String>,
}

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
}

/// A logged-in user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoggedInUser {
    /// Account name.
    pub name: String,
    /// Terminal or session.
    #[serde(default)]
    pub session: Option<String>,
    /// Where from, for remote sessions.
    #[serde(default)]
    pub host: Option<String>,
    /// Since when.
    #[serde(default)]
    pub since: Option<DateTime<Utc>>,
}

/// Whether a restart is pending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingReboot {
    /// `None` when it cannot be told.
    pub pending: Option<bool>,
    /// What says so: file or registry key, package.
    #[serde(default)]
    pub sources: Vec<String>,
}

/// Names of the sections, as they stand on the wire and in the database.
pub const SECTION_NAMES: [&str; 6] = ["os", "hardware", "volumes", "network", "users", "reboot"];

impl Section {
    /// The section's name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Os(_) => "os",
            Self::Hardware(_) => "hardware",
            Self::Volumes(_) => "volumes",
            Self::Network(_) => "network",
            Self::Users(_) => "users",
            Self::Reboot(_) => "reboot",
        }
    }

    /// A digest of the content: equal content, equal digest. Opaque to the server, which only hands it back.
    ///
    /// # Errors
    /// Only if the section cannot be written as JSON, which no value of these types causes.
    pub fn digest(&self) -> Result<String, serde_json::Error> {
        Ok(hex::encode(&sha256(&serde_json::to_vec(self)?)[..16]))
    }

    /// Bounds and cleans everything that came from the agent.
    pub fn bound(&mut self) {
        let name = |s: &mut String| *s = clean_line(s, limits::MAX_NAME);
        match self {
            Self::Os(os) => {
                for text in [&mut os.name, &mut os.architecture, &mut os.hostname] {
                    name(text);
                }
                for text in [&mut os.edition, &mut os.version, &mut os.build, &mut os.domain, &mut os.time_zone] {
                    clean_option(text, limits::MAX_NAME);
                }
                clean_instant(&mut os.booted_at);
            }
            Self::Hardware(hw) => {
                for text in [&mut hw.manufacturer, &mut hw.model, &mut hw.serial, &mut hw.cpu, &mut hw.virtualization] {
                    clean_option(text, limits::MAX_NAME);
                }
                hw.memory_bytes = hw.memory_bytes.map(|bytes| bytes.min(i64::MAX as u64));
            }
            Self::Volumes(volumes) => {
                volumes.truncate(limits::MAX_ITEMS);
                for volume in volumes {
                    name(&mut volume.mount);
                    clean_option(&mut volume.device, limits::MAX_TEXT);
                    clean_option(&mut volume.file_system, limits::MAX_NAME);
                    volume.total_bytes = volume.total_bytes.min(i64::MAX as u64);
                }
            }
            Self::Network(interfaces) => {
                interfaces.truncate(limits::MAX_ITEMS);
                for interface in interfaces {
                    name(&mut interface.name);
                    clean_option(&mut interface.mac, limits::MAX_NAME);
                    interface.addresses.truncate(64);
                    interface.addresses.iter_mut().for_each(name);
                }
            }
            Self::Users(users) => {
                users.truncate(limits::MAX_ITEMS);
                for user in users {
                    name(&mut user.name);
                    clean_option(&mut user.session, limits::MAX_NAME);
                    clean_option(&mut user.host, limits::MAX_NAME);
                    clean_instant(&mut user.since);
                }
            }
            Self::Reboot(reboot) => {
                reboot.sources.truncate(limits::MAX_ITEMS);
                for source in &mut reboot.sources {
                    *source = clean_line(source, limits::MAX_TEXT);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_the_wire() {
        let section = Section::Reboot(PendingReboot { pending: None, sources: vec![] });
        let json = serde_json::to_value(&section).unwrap();
        assert_eq!(json["section"], section.name());
        assert!(SECTION_NAMES.contains(&section.name()));
    }

    #[test]
    fn hostile_text_and_lists_are_bounded() {
        let mut section = Section::Users(
            (0..2_000)
                .map(|_| LoggedInUser {
                    name: "\0<b>x".repeat(500),
                    session: Some("\u{202E}".into()),
                    host: None,
                    since: None,
                })
                .collect(),
        );
        section.bound();
        let Section::Users(users) = section else { unreachable!() };
        assert_eq!(users.len(), limits::MAX_ITEMS);
        assert_eq!(users[0].name.chars().count(), limits::MAX_NAME);
        assert!(!users[0].name.contains('\0'));
        assert_eq!(users[0].session, None);
    }
}
