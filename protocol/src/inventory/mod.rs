//! Inventory: typed sections, each sent whole and only when it changed.

mod accounts;
mod devices;
mod packed;
mod report;
mod software;
mod system;

use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::limits;

pub use accounts::{LocalGroup, LoggedInUser};
pub use devices::{Disk, DiskHealth, DiskMedia, NetworkInterface, Volume, VolumeEncryption};
pub use packed::{PackedSection, Unpackable};
pub use report::{InventoryReport, InventorySection, UnreadSection};
pub use software::{HotFix, Service, ServiceStart, ServiceState, Software, SoftwareSource};
pub use system::{Hardware, MachineRole, OsFamily, OsIdentity, PendingReboot};

/// One section of a machine's inventory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "section", content = "data", rename_all = "snake_case")]
pub enum Section {
    /// Operating system identity.
    Os(OsIdentity),
    /// Maker, model, processor, memory, firmware.
    Hardware(Hardware),
    /// Volumes with file system and size.
    Volumes(Vec<Volume>),
    /// Physical disks.
    Disks(Vec<Disk>),
    /// Network interfaces with addresses.
    Network(Vec<NetworkInterface>),
    /// Who is logged in.
    Users(Vec<LoggedInUser>),
    /// The machine's own groups and their members.
    Groups(Vec<LocalGroup>),
    /// Services.
    Services(Vec<Service>),
    /// Installed programs and packages.
    Software(Vec<Software>),
    /// Installed updates of Windows.
    HotFixes(Vec<HotFix>),
    /// Whether a restart is pending, and why.
    Reboot(PendingReboot),
}

/// Names of the sections, as they stand on the wire and in the database.
pub const SECTION_NAMES: [&str; 11] =
    ["os", "hardware", "volumes", "disks", "network", "users", "groups", "services", "software", "hot_fixes", "reboot"];

/// Drops a date outside 1970 to 9999: in a registry or a package's header stands anything.
fn clean_date(date: &mut Option<NaiveDate>) {
    if date.is_some_and(|date| !(1970..=9999).contains(&date.year())) {
        *date = None;
    }
}

impl Section {
    /// The section's name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Os(_) => "os",
            Self::Hardware(_) => "hardware",
            Self::Volumes(_) => "volumes",
            Self::Disks(_) => "disks",
            Self::Network(_) => "network",
            Self::Users(_) => "users",
            Self::Groups(_) => "groups",
            Self::Services(_) => "services",
            Self::Software(_) => "software",
            Self::HotFixes(_) => "hot_fixes",
            Self::Reboot(_) => "reboot",
        }
    }

    /// How many items its list has; none for what is no list.
    #[must_use]
    pub fn items(&self) -> Option<usize> {
        match self {
            Self::Os(_) | Self::Hardware(_) | Self::Reboot(_) => None,
            Self::Volumes(list) => Some(list.len()),
            Self::Disks(list) => Some(list.len()),
            Self::Network(list) => Some(list.len()),
            Self::Users(list) => Some(list.len()),
            Self::Groups(list) => Some(list.len()),
            Self::Services(list) => Some(list.len()),
            Self::Software(list) => Some(list.len()),
            Self::HotFixes(list) => Some(list.len()),
        }
    }

    /// Bounds and cleans everything that came from the agent.
    pub fn bound(&mut self) {
        match self {
            Self::Os(os) => os.bound(),
            Self::Hardware(hardware) => hardware.bound(),
            Self::Volumes(volumes) => each(volumes, limits::MAX_ITEMS, Volume::bound),
            Self::Disks(disks) => each(disks, limits::MAX_ITEMS, Disk::bound),
            Self::Network(interfaces) => each(interfaces, limits::MAX_ITEMS, NetworkInterface::bound),
            Self::Users(users) => each(users, limits::MAX_ITEMS, LoggedInUser::bound),
            Self::Groups(groups) => each(groups, limits::MAX_ITEMS, LocalGroup::bound),
            Self::Services(services) => each(services, limits::MAX_LONG_LIST, Service::bound),
            Self::Software(software) => each(software, limits::MAX_LONG_LIST, Software::bound),
            Self::HotFixes(fixes) => each(fixes, limits::MAX_LONG_LIST, HotFix::bound),
            Self::Reboot(reboot) => reboot.bound(),
        }
    }
}

fn each<T>(items: &mut Vec<T>, most: usize, bound: impl Fn(&mut T)) {
    items.truncate(most);
    items.iter_mut().for_each(bound);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_the_wire() {
        let section = Section::Reboot(PendingReboot { pending: None, sources: vec![] });
        let json = serde_json::to_value(&section).unwrap();
        assert_eq!(json["section"], section.name());
        for (name, data) in SECTION_NAMES.iter().zip(std::iter::repeat(serde_json::json!([]))) {
            let decoded = serde_json::from_value::<Section>(serde_json::json!({"section": name, "data": data}));
            match decoded {
                Ok(section) => assert_eq!(section.name(), *name),
                Err(error) => assert!(!error.to_string().contains("unknown variant"), "{name}: {error}"),
            }
        }
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

    #[test]
    fn absurd_dates_are_dropped() {
        let fix = |date: &str| HotFix { id: "KB1".into(), description: None, installed_on: date.parse().ok() };
        let mut section = Section::HotFixes(vec![fix("+12024-01-31"), fix("2024-01-31"), fix("0001-01-01")]);
        section.bound();
        let Section::HotFixes(fixes) = section else { unreachable!() };
        let dates: Vec<_> = fixes.iter().map(|fix| fix.installed_on.is_some()).collect();
        assert_eq!(dates, [false, true, false]);
    }
}
