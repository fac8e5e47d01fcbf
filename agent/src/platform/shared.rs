//! What is the same on every system.

use std::collections::BTreeMap;

use sysinfo::{Disk, Disks};

use super::is_fixed_volume;

/// Fixed volumes by mount point, each device once (a bind mount shows the same one again), by its shortest mount point.
#[must_use]
pub fn fixed_disks(disks: &Disks) -> Vec<&Disk> {
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
