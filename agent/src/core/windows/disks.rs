//! Physical disks, by the storage service or, where that does not answer, by the old class of WMI.

use gururmm_protocol::inventory::{Disk, DiskHealth, DiskMedia};
use serde::Deserialize;

use super::row;

/// An object of `MSFT_PhysicalDisk`
/// (<https://learn.microsoft.com/windows-hardware/drivers/storage/msft-physicaldisk>).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PhysicalDisk {
    /// The disk's number.
    #[serde(deserialize_with = "row::text")]
    pub device_id: Option<String>,
    /// Maker and model as people know it.
    #[serde(deserialize_with = "row::text")]
    pub friendly_name: Option<String>,
    /// Model.
    #[serde(deserialize_with = "row::text")]
    pub model: Option<String>,
    /// Serial number; for NVMe the namespace's identifier.
    #[serde(deserialize_with = "row::text")]
    pub serial_number: Option<String>,
    /// Serial number on an NVMe disk's label; since Windows 10.
    #[serde(deserialize_with = "row::text")]
    pub adapter_serial_number: Option<String>,
    /// How it is attached.
    #[serde(deserialize_with = "row::number")]
    pub bus_type: Option<u64>,
    /// What it stores on.
    #[serde(deserialize_with = "row::number")]
    pub media_type: Option<u64>,
    /// Bytes.
    #[serde(deserialize_with = "row::number")]
    pub size: Option<u64>,
    /// 0 healthy, 1 warning, 2 unhealthy, 5 unknown.
    #[serde(deserialize_with = "row::number")]
    pub health_status: Option<u64>,
    /// Why.
    pub operational_status: Option<Vec<u64>>,
}

impl PhysicalDisk {
    /// The disk as it is reported; none for what has no number, such as disks of another node of a cluster.
    #[must_use]
    pub fn disk(self) -> Option<Disk> {
        let health = match self.health_status {
            Some(0) => DiskHealth::Healthy,
            Some(1) => DiskHealth::Warning,
            Some(2) => DiskHealth::Failing,
            _ => DiskHealth::Unknown,
        };
        let bus = self.bus_type.and_then(bus);
        let media = match self.media_type {
            Some(3) => DiskMedia::Hdd,
            // The storage service leaves it open for NVMe behind some drivers; there is nothing but flash.
            Some(4 | 5) => DiskMedia::Ssd,
            _ if bus == Some("nvme") => DiskMedia::Ssd,
            _ => DiskMedia::Unknown,
        };
        Some(Disk {
            name: format!("PHYSICALDRIVE{}", self.device_id?),
            model: self.model.or(self.friendly_name),
            serial: self
                .adapter_serial_number
                .or(self.serial_number)
                .map(|serial| serial.trim_end_matches('.').to_owned()),
            bus: bus.map(str::to_owned),
            media,
            total_bytes: self.size.unwrap_or(0),
            health,
            health_detail: detail(&self.operational_status.unwrap_or_default()),
        })
    }
}

/// The bus by the names that Linux uses too.
fn bus(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "scsi",
        2 => "atapi",
        3 => "ata",
        4 => "ieee1394",
        5 => "ssa",
        6 => "fibre channel",
        7 => "usb",
        8 => "raid",
        9 => "iscsi",
        10 => "sas",
        11 => "sata",
        12 => "sd",
        13 => "mmc",
        15 => "virtual",
        16 => "storage spaces",
        17 => "nvme",
        _ => return None,
    })
}

/// Every state but "OK", in words.
fn detail(states: &[u64]) -> Option<String> {
    let words: Vec<_> = states
        .iter()
        .filter(|state| **state != 2)
        .map(|state| match state {
            0 => "state unknown".to_owned(),
            3 => "degraded".to_owned(),
            4 => "stressed".to_owned(),
            5 => "failure predicted".to_owned(),
            6 => "error".to_owned(),
            7 => "non-recoverable error".to_owned(),
            8 => "starting".to_owned(),
            9 => "stopping".to_owned(),
            10 => "stopped".to_owned(),
            11 => "in service".to_owned(),
            12 => "no contact".to_owned(),
            13 => "lost communication".to_owned(),
            15 => "dormant".to_owned(),
            other => format!("state {other:#x}"),
        })
        .collect();
    (!words.is_empty()).then(|| words.join(", "))
}

/// An object of `Win32_DiskDrive`
/// (<https://learn.microsoft.com/windows/win32/cimwin32prov/win32-diskdrive>).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct DiskDrive {
    /// `\\.\PHYSICALDRIVE0`.
    #[serde(rename = "DeviceID", alias = "DeviceId", deserialize_with = "row::text")]
    pub device_id: Option<String>,
    /// Model.
    #[serde(deserialize_with = "row::text")]
    pub model: Option<String>,
    /// Serial number.
    #[serde(deserialize_with = "row::text")]
    pub serial_number: Option<String>,
    /// `SCSI` (also for SATA and NVMe), `IDE`, `USB`.
    #[serde(deserialize_with = "row::text")]
    pub interface_type: Option<String>,
    /// Bytes.
    #[serde(deserialize_with = "row::number")]
    pub size: Option<u64>,
    /// `OK`, `Pred Fail` and others.
    #[serde(deserialize_with = "row::text")]
    pub status: Option<String>,
}

impl DiskDrive {
    /// The disk as it is reported. `OK` says no more than that the drive does not predict its end.
    #[must_use]
    pub fn disk(self) -> Option<Disk> {
        let health = match self.status.as_deref() {
            Some("OK") => DiskHealth::Healthy,
            Some("Degraded" | "Stressed") => DiskHealth::Warning,
            Some("Pred Fail" | "Error" | "NonRecover") => DiskHealth::Failing,
            _ => DiskHealth::Unknown,
        };
        Some(Disk {
            name: self.device_id?.trim_start_matches(['\\', '.']).to_owned(),
            model: self.model,
            serial: self.serial_number,
            bus: self.interface_type.map(|bus| bus.to_ascii_lowercase()),
            media: DiskMedia::Unknown,
            total_bytes: self.size.unwrap_or(0),
            health,
            health_detail: self.status.filter(|status| status != "OK"),
        })
    }
}

/// In the order of the disks' numbers.
pub fn sort(disks: &mut [Disk]) {
    let number = |disk: &Disk| disk.name.trim_start_matches(|c: char| !c.is_ascii_digit()).parse::<u32>().ok();
    disks.sort_by(|a, b| (number(a), &a.name).cmp(&(number(b), &b.name)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::windows::row::{rows, typed};
    use serde_json::json;

    #[test]
    fn answers_of_the_storage_service() {
        let answer = json!([
            {"DeviceId": "10", "FriendlyName": "WDC WD20EFRX-68EUZN0", "Model": "WDC WD20EFRX-68EUZN0",
             "SerialNumber": "     WD-WCC4M1234567", "BusType": 11, "MediaType": 3, "Size": "2000398934016",
             "HealthStatus": 1, "OperationalStatus": [5, 2]},
            {"DeviceId": "2", "FriendlyName": "Msft Virtual Disk", "Model": "Virtual Disk", "SerialNumber": null,
             "BusType": 10, "MediaType": 0, "Size": "136365211648", "HealthStatus": 0, "OperationalStatus": [2]},
            {"DeviceId": "0", "FriendlyName": "Samsung SSD 980 PRO 1TB", "Model": "Samsung SSD 980 PRO 1TB",
             "SerialNumber": "0025_3851_1140_2B63.", "AdapterSerialNumber": "S5GXNX0R123456", "BusType": 17,
             "MediaType": 0, "Size": 1_000_204_886_016_u64, "HealthStatus": 2, "OperationalStatus": [0xD005]},
            {"DeviceId": "", "FriendlyName": "of the other node"},
        ]);
        let (disks, unfit) = typed::<PhysicalDisk>(rows(answer));
        assert_eq!(unfit, 0);
        let mut disks: Vec<_> = disks.into_iter().filter_map(PhysicalDisk::disk).collect();
        sort(&mut disks);
        let names: Vec<_> = disks.iter().map(|disk| disk.name.as_str()).collect();
        assert_eq!(names, ["PHYSICALDRIVE0", "PHYSICALDRIVE2", "PHYSICALDRIVE10"]);
        let [nvme, virtual_disk, spinning] = &disks[..] else { panic!("{disks:?}") };
        assert_eq!((nvme.media, nvme.health), (DiskMedia::Ssd, DiskHealth::Failing));
        assert_eq!(nvme.serial.as_deref(), Some("S5GXNX0R123456"));
        assert_eq!(nvme.health_detail.as_deref(), Some("state 0xd005"));
        assert_eq!((virtual_disk.media, virtual_disk.health), (DiskMedia::Unknown, DiskHealth::Healthy));
        assert_eq!((virtual_disk.bus.as_deref(), &virtual_disk.health_detail), (Some("sas"), &None));
        assert_eq!((spinning.media, spinning.health), (DiskMedia::Hdd, DiskHealth::Warning));
        assert_eq!(spinning.health_detail.as_deref(), Some("failure predicted"));
        assert_eq!(spinning.serial.as_deref(), Some("WD-WCC4M1234567"));
        assert_eq!(spinning.total_bytes, 2_000_398_934_016);
    }

    #[test]
    fn answers_of_the_old_class() {
        let answer = json!([
            {"DeviceID": r"\\.\PHYSICALDRIVE0", "Model": "VBOX HARDDISK", "InterfaceType": "IDE", "Size": "68713989120",
             "SerialNumber": "VB1234", "Status": "OK", "MediaType": "Fixed hard disk media"},
            {"DeviceID": r"\\.\PHYSICALDRIVE1", "Model": "ST3000DM001", "InterfaceType": "SCSI", "Status": "Pred Fail"},
            {"Model": "nameless"},
        ]);
        let (drives, _) = typed::<DiskDrive>(rows(answer));
        let disks: Vec<_> = drives.into_iter().filter_map(DiskDrive::disk).collect();
        assert_eq!(disks.len(), 2);
        assert_eq!((disks[0].name.as_str(), disks[0].health), ("PHYSICALDRIVE0", DiskHealth::Healthy));
        assert_eq!((disks[0].bus.as_deref(), disks[0].total_bytes), (Some("ide"), 68_713_989_120));
        assert_eq!((disks[1].health, disks[1].health_detail.as_deref()), (DiskHealth::Failing, Some("Pred Fail")));
    }
}
