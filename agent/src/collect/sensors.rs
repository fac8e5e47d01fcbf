//! Looking at the machine.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::inventory::{NetworkInterface, Section, Volume};
use gururmm_protocol::readings::{Reading, VolumeUse};
use sysinfo::{CpuRefreshKind, DiskRefreshKind, Disks, Error, MemoryRefreshKind, Networks, RefreshKind, System};

use crate::core::inventory::Finding;
use crate::platform;

/// The start time is computed from two clocks and wavers by seconds; within this it is the same start.
const SAME_START: TimeDelta = TimeDelta::minutes(2);

/// What is kept between two looks.
pub(super) struct Sensors {
    system: System,
    disks: Disks,
    networks: Networks,
    booted_at: Option<DateTime<Utc>>,
}

impl Sensors {
    /// # Errors
    /// When the operating system cannot be asked at all.
    pub fn new() -> Result<Self, Error> {
        let what = RefreshKind::nothing()
            .with_cpu(CpuRefreshKind::nothing().with_usage())
            .with_memory(MemoryRefreshKind::nothing().with_ram());
        Ok(Self {
            system: System::new_with_specifics(what)?,
            disks: Disks::new()?,
            networks: Networks::new()?,
            booted_at: None,
        })
    }

    /// All sections of the inventory.
    pub fn everything(&mut self) -> Vec<Finding> {
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let mut os = platform::os_identity();
        if let (Some(known), Some(now)) = (self.booted_at, os.booted_at)
            && (known - now).abs() <= SAME_START
        {
            os.booted_at = Some(known);
        }
        self.booted_at = os.booted_at;
        [
            Section::Os(os),
            Section::Hardware(platform::hardware(&self.system)),
            Section::Volumes(self.volumes()),
            Section::Network(self.interfaces()),
            self.users(),
            Section::Reboot(platform::pending_reboot()),
        ]
        .map(Finding::from)
        .into()
    }

    /// Who is logged in.
    #[allow(clippy::unused_self, reason = "one interface for everything that is looked at")]
    pub fn users(&self) -> Section {
        Section::Users(platform::logged_in_users())
    }

    /// A minute's measurements; CPU use is that since the last call. Its time is set by the caller.
    pub fn reading(&mut self) -> Reading {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory_specifics(MemoryRefreshKind::nothing().with_ram());
        let volumes = self
            .fixed_disks()
            .map(|disk| VolumeUse {
                mount: disk.mount_point().to_string_lossy().into_owned(),
                used_bytes: disk.total_space().saturating_sub(disk.available_space()),
                total_bytes: disk.total_space(),
            })
            .collect();
        Reading {
            at: DateTime::UNIX_EPOCH,
            cpu_percent: self.system.global_cpu_usage(),
            memory_used_bytes: self.system.total_memory().saturating_sub(self.system.available_memory()),
            memory_total_bytes: self.system.total_memory(),
            uptime_seconds: platform::time_since_boot().as_secs(),
            volumes,
        }
    }

    /// Fixed volumes, each device once (a bind mount shows the same one again), by the shortest mount point.
    fn fixed_disks(&mut self) -> impl Iterator<Item = &sysinfo::Disk> {
        self.disks.refresh_specifics(true, DiskRefreshKind::nothing().with_storage());
        let mut by_device: BTreeMap<_, &sysinfo::Disk> = BTreeMap::new();
        for disk in self.disks.iter() {
            let file_system = disk.file_system().to_string_lossy();
            if disk.total_space() == 0 || !platform::is_fixed_volume(disk.mount_point(), &file_system) {
                continue;
            }
            let key = |disk: &sysinfo::Disk| (disk.mount_point().as_os_str().len(), disk.mount_point().to_owned());
            let kept = by_device.entry(disk.name().to_owned()).or_insert(disk);
            if key(disk) < key(kept) {
                *kept = disk;
            }
        }
        let mut disks: Vec<_> = by_device.into_values().collect();
        disks.sort_by(|a, b| a.mount_point().cmp(b.mount_point()));
        disks.into_iter()
    }

    fn volumes(&mut self) -> Vec<Volume> {
        self.fixed_disks()
            .map(|disk| Volume {
                mount: disk.mount_point().to_string_lossy().into_owned(),
                device: Some(disk.name().to_string_lossy().into_owned()),
                file_system: Some(disk.file_system().to_string_lossy().into_owned()),
                total_bytes: disk.total_space(),
                removable: disk.is_removable(),
                encryption: None,
                encryption_method: None,
            })
            .collect()
    }

    fn interfaces(&mut self) -> Vec<NetworkInterface> {
        self.networks.refresh(true);
        let mut interfaces: Vec<_> = self
            .networks
            .iter()
            .filter(|(_, data)| !data.ip_networks().iter().any(|network| network.addr.is_loopback()))
            .map(|(name, data)| {
                let mut addresses: Vec<_> =
                    data.ip_networks().iter().map(|network| format!("{}/{}", network.addr, network.prefix)).collect();
                addresses.sort_unstable();
                let mac = data.mac_address();
                NetworkInterface {
                    name: name.to_string_lossy().into_owned(),
                    mac: (!mac.is_unspecified()).then(|| mac.to_string()),
                    addresses,
                    description: None,
                    gateways: vec![],
                    dns: vec![],
                    dhcp: None,
                }
            })
            .collect();
        interfaces.sort_by(|a, b| a.name.cmp(&b.name));
        interfaces
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_described_and_twice_the_same() {
        let mut sensors = Sensors::new().unwrap();
        let first = sensors.everything();
        let names: Vec<_> = first.iter().map(Section::name).collect();
        assert_eq!(
            names,
            gururmm_protocol::inventory::SECTION_NAMES[..2]
                .iter()
                .copied()
                .chain(["volumes", "network", "users", "reboot"])
                .collect::<Vec<_>>()
        );
        let second = sensors.everything();
        for (a, b) in first.iter().zip(&second) {
            assert_eq!(a.digest().unwrap(), b.digest().unwrap(), "{}", a.name());
        }
        let Section::Os(os) = &first[0] else { panic!() };
        assert!(!os.hostname.is_empty() && !os.name.is_empty());
        let Section::Hardware(hardware) = &first[1] else { panic!() };
        assert!(hardware.memory_bytes.is_some() && hardware.threads.is_some());
    }

    #[test]
    fn a_reading_is_plausible() {
        let reading = Sensors::new().unwrap().reading();
        assert!(reading.memory_total_bytes > 0 && reading.memory_used_bytes <= reading.memory_total_bytes);
        assert!(reading.uptime_seconds > 0);
    }
}
