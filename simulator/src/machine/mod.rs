//! The machine that a simulated agent says it runs on: everything follows from a seed.

mod build;
mod catalog;
mod installed;
mod names;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::enroll::MachineIdentity;
use gururmm_protocol::inventory::{
    Disk, Hardware, LocalGroup, LoggedInUser, NetworkInterface, OsFamily, OsIdentity, PendingReboot, Section, Volume,
};

/// What kind of machine it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MachineKind {
    /// A person's Windows PC or laptop.
    WindowsWorkstation,
    /// A Windows member server.
    WindowsServer,
    /// A Windows domain controller.
    DomainController,
    /// A Linux server.
    LinuxServer,
}

/// A simulated machine: identity and inventory.
#[derive(Debug, Clone, PartialEq)]
pub struct Machine {
    /// What kind it is.
    pub kind: MachineKind,
    /// Machine id, boot id, host name.
    pub identity: MachineIdentity,
    /// Operating system.
    pub os: OsIdentity,
    /// Maker, model, processor, memory.
    pub hardware: Hardware,
    /// Volumes.
    pub volumes: Vec<Volume>,
    /// Physical disks.
    pub disks: Vec<Disk>,
    /// Network interfaces.
    pub network: Vec<NetworkInterface>,
    /// Who is logged in.
    pub users: Vec<LoggedInUser>,
    /// The machine's own groups.
    pub groups: Vec<LocalGroup>,
    /// Whether a restart is pending.
    pub reboot: PendingReboot,
    /// What the software on it follows from.
    seed: u64,
    /// How many rounds of updates it has had.
    updates: usize,
}

impl Machine {
    /// The machine of this seed, in the organization of flavour 0.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        Self::in_organization(seed, 0)
    }

    /// The machine of this seed among the machines of one organization: `flavour` decides host name prefix, domain,
    /// address range and time zone, so that a site looks as if it belonged together.
    #[must_use]
    pub fn in_organization(seed: u64, flavour: usize) -> Self {
        build::build(seed, flavour)
    }

    /// The inventory sections of the machine, in the order of their names on the wire.
    #[must_use]
    pub fn inventory(&self) -> Vec<Section> {
        let mut sections = vec![
            Section::Os(self.os.clone()),
            Section::Hardware(self.hardware.clone()),
            Section::Volumes(self.volumes.clone()),
            Section::Disks(self.disks.clone()),
            Section::Network(self.network.clone()),
            Section::Users(self.users.clone()),
            Section::Groups(self.groups.clone()),
            Section::Services(installed::services(self)),
            Section::Software(installed::software(self)),
        ];
        sections.extend(installed::hot_fixes(self).map(Section::HotFixes));
        sections.push(Section::Reboot(self.reboot.clone()));
        sections
    }

    /// What host names of its organization begin with.
    fn prefix(&self) -> &str {
        self.identity.hostname.split('-').next().unwrap_or_default()
    }

    /// Memory in bytes.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        self.hardware.memory_bytes.unwrap_or_default()
    }

    /// Whether it runs Windows.
    #[must_use]
    pub fn is_windows(&self) -> bool {
        self.os.family == OsFamily::Windows
    }

    /// Moves the start of the machine towards the present, as if it had been restarted every 30 days since: uptimes
    /// stay plausible however long ago the simulator was written, and do not change within those days.
    pub fn settle(&mut self, now: DateTime<Utc>) {
        if let Some(booted_at) = &mut self.os.booted_at {
            let months = (now - *booted_at).num_days().max(0) / 30;
            *booted_at += TimeDelta::days(30 * months);
        }
    }

    /// Lets a moment pass: now and then somebody logs in or out, and more rarely software is updated, which wants a
    /// restart.
    pub fn pass_time(&mut self, now: DateTime<Utc>, rng: &mut fastrand::Rng) {
        if rng.u32(0..240) == 0 {
            self.users = if self.users.is_empty() { build::visitor(self, now, rng) } else { Vec::new() };
        }
        if rng.u32(0..5_000) == 0 {
            self.updates += 1;
            self.reboot = build::wants_restart(self.kind);
        }
    }

    /// The machine restarts: new boot id, new start time, nobody logged in, nothing pending.
    pub fn restart(&mut self, boot_id: String, at: DateTime<Utc>) {
        self.identity.boot_id = boot_id;
        self.os.booted_at = Some(at);
        self.users.clear();
        self.reboot.pending = Some(false);
        self.reboot.sources.clear();
    }
}
