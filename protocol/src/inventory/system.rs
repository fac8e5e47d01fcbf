//! The machine as a whole: operating system, hardware, restarts.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use super::clean_date;
use crate::instant::clean_instant;
use crate::limits;
use crate::text::{clean_line, clean_option};

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
    /// Build or kernel release, for example `20348.2113`.
    #[serde(default)]
    pub build: Option<String>,
    /// The maker's name of the release, for example `22H2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// When the system was installed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub installed_at: Option<DateTime<Utc>>,
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
    /// The machine's UUID as its firmware has it (SMBIOS type 1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    /// Maker of the firmware (BIOS or UEFI).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bios_vendor: Option<String>,
    /// Version of the firmware.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bios_version: Option<String>,
    /// When the firmware was released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bios_date: Option<NaiveDate>,
    /// The hypervisor, when this is a virtual machine that says so.
    #[serde(default)]
    pub virtualization: Option<String>,
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

impl OsIdentity {
    pub(super) fn bound(&mut self) {
        for text in [&mut self.name, &mut self.architecture, &mut self.hostname] {
            *text = clean_line(text, limits::MAX_NAME);
        }
        let Self { edition, version, build, release, domain, time_zone, .. } = self;
        for text in [edition, version, build, release, domain, time_zone] {
            clean_option(text, limits::MAX_NAME);
        }
        clean_instant(&mut self.installed_at);
        clean_instant(&mut self.booted_at);
    }
}

impl Hardware {
    pub(super) fn bound(&mut self) {
        let Self { manufacturer, model, serial, cpu, uuid, bios_vendor, bios_version, virtualization, .. } = self;
        for text in [manufacturer, model, serial, cpu, uuid, bios_vendor, bios_version, virtualization] {
            clean_option(text, limits::MAX_NAME);
        }
        clean_date(&mut self.bios_date);
        self.memory_bytes = self.memory_bytes.map(|bytes| bytes.min(i64::MAX as u64));
    }
}

impl PendingReboot {
    pub(super) fn bound(&mut self) {
        self.sources.truncate(limits::MAX_ITEMS);
        for source in &mut self.sources {
            *source = clean_line(source, limits::MAX_TEXT);
        }
    }
}
