//! Physical disks, as the kernel lists them in `/sys/block`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use gururmm_protocol::inventory::{Disk, DiskHealth, DiskMedia};

use super::{read_bytes, read_line, smart};
use crate::core::inventory::Look;

const BLOCK: &str = "/sys/block";
/// Bytes of a sector in `size`, whatever the disk's own are (Documentation/ABI/stable/sysfs-block).
const SECTOR: u64 = 512;
/// Largest page of vital product data.
const MAX_PAGE: u64 = 64 * 1024;
/// How long all disks together may be asked for their health.
const HEALTH_PATIENCE: Duration = Duration::from_secs(40);

/// All disks with their health, where smartmontools is installed.
///
/// # Errors
/// When the kernel's list cannot be read.
pub fn disks() -> Look<Vec<Disk>> {
    let began = Instant::now();
    let mut disks = Vec::new();
    for entry in fs::read_dir(BLOCK).context(BLOCK)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(mut disk) = describe(&entry.path(), name) {
            (disk.health, disk.health_detail) = health(&disk, &entry.path(), began);
            disks.push(disk);
        }
    }
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(disks.into())
}

/// A disk's description without its health; none for what is made up of others, lies in memory, or has no medium in it.
fn describe(block: &Path, name: String) -> Option<Disk> {
    let device = block.join("device");
    let made_up = ["loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd", "rbd", "drbd"];
    let is_made_up = made_up
        .iter()
        .any(|prefix| name.strip_prefix(prefix).is_some_and(|rest| rest.chars().all(|c| c.is_ascii_digit())));
    let hidden = read_line(block.join("hidden")).as_deref() == Some("1");
    if is_made_up || hidden || !device.exists() {
        return None;
    }
    let sectors: u64 = read_line(block.join("size"))?.parse().ok()?;
    if sectors == 0 {
        return None;
    }
    // NVMe namespaces of a multipath device are linked through a virtual one: the controller tells how it is attached.
    let place = fs::canonicalize(block).unwrap_or_else(|_| block.to_owned());
    let vendor = read_line(device.join("vendor"));
    let product = read_line(device.join("model"));
    let bus = bus(&name, &place);
    let is_virtual = is_virtual(bus, vendor.as_deref(), product.as_deref());
    let media = match read_line(block.join("queue/rotational")).as_deref() {
        _ if is_virtual => DiskMedia::Unknown,
        Some("0") => DiskMedia::Ssd,
        Some("1") => DiskMedia::Hdd,
        _ => DiskMedia::Unknown,
    };
    Some(Disk {
        model: model(vendor.as_deref(), product),
        serial: serial(block, &device),
        bus: bus.map(str::to_owned),
        media,
        total_bytes: sectors.saturating_mul(SECTOR),
        health: DiskHealth::Unknown,
        health_detail: is_virtual.then(|| "a virtual disk does not tell".to_owned()),
        name,
    })
}

/// How a disk is attached, by its place among the kernel's devices.
fn bus(name: &str, place: &Path) -> Option<&'static str> {
    let place = place.to_string_lossy();
    let has = |part: &str| place.contains(part);
    let known = [
        ("/nvme", "nvme"),
        ("/usb", "usb"),
        ("/virtio", "virtio"),
        ("/VMBUS:", "vmbus"),
        ("/vbd-", "xen"),
        ("/mmc_host/", "mmc"),
        ("/ufshcd", "ufs"),
        ("/ata", "sata"),
        ("/end_device-", "sas"),
        ("/session", "iscsi"),
        ("/host", "scsi"),
    ];
    if name.starts_with("nvme") {
        return Some("nvme");
    }
    known.into_iter().find(|(part, _)| has(part)).map(|(_, bus)| bus)
}

/// Whether a hypervisor made the disk up. (SCSI disks say so by their vendor or model.)
fn is_virtual(bus: Option<&str>, vendor: Option<&str>, model: Option<&str>) -> bool {
    let says = |text: Option<&str>| {
        let text = text.unwrap_or_default().trim();
        ["QEMU", "VMware", "Msft", "VBOX", "Xen", "Virtual"].iter().any(|maker| text.starts_with(maker))
    };
    matches!(bus, Some("virtio" | "vmbus" | "xen")) || says(vendor) || says(model)
}

/// The vendor of an ATA disk reads `ATA`, of a virtio one it is a number: neither says anything.
fn model(vendor: Option<&str>, model: Option<String>) -> Option<String> {
    let model = model?;
    match vendor {
        Some(vendor) if vendor != "ATA" && !vendor.starts_with("0x") && !model.starts_with(vendor) => {
            Some(format!("{vendor} {model}"))
        }
        _ => Some(model),
    }
}

fn serial(block: &Path, device: &Path) -> Option<String> {
    read_line(device.join("serial"))
        .or_else(|| read_line(block.join("serial")))
        .or_else(|| unit_serial(&read_bytes(device.join("vpd_pg80"), MAX_PAGE).ok()?))
}

/// SCSI's page of the serial number (SPC, vital product data, page 80h): four bytes of head, the last two of them the
/// length, then text.
fn unit_serial(page: &[u8]) -> Option<String> {
    let (head, text) = page.split_at_checked(4)?;
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let text = String::from_utf8_lossy(text.get(..length)?);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    (head[1] == 0x80 && !text.is_empty()).then(|| text.to_owned())
}

/// A disk's health with what it rests on, or why it is not known.
fn health(disk: &Disk, block: &Path, began: Instant) -> (DiskHealth, Option<String>) {
    // For SCSI and ATA disks (drivers/scsi/scsi_sysfs.c), and NVMe controllers.
    let state = read_line(block.join("device/state"));
    if let Some(state @ ("offline" | "transport-offline" | "dead")) = state.as_deref() {
        return (DiskHealth::Failing, Some(format!("the kernel says that it is {state}")));
    }
    if disk.health_detail.is_some() {
        return (DiskHealth::Unknown, disk.health_detail.clone());
    }
    let told = if !smart::is_installed() {
        Err(anyhow::anyhow!("smartctl is not installed"))
    } else if began.elapsed() > HEALTH_PATIENCE {
        Err(anyhow::anyhow!("not asked, because other disks took too long"))
    } else {
        smart::health(&PathBuf::from("/dev").join(&disk.name).to_string_lossy())
    };
    match told {
        Ok((health, detail)) => (health, Some(detail)),
        Err(error) => (DiskHealth::Unknown, Some(format!("{error:#}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Puts files as they stand in `/sys/block`.
    fn block(files: &[(&str, &[u8])]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (path, content) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
        dir
    }

    #[test]
    fn a_sata_disk_is_described_by_what_the_kernel_lists() {
        let dir = block(&[
            ("size", b"7814037168\n"),
            ("queue/rotational", b"1\n"),
            ("device/vendor", b"ATA     \n"),
            ("device/model", b"WDC WD4003FZEX-0\n"),
            ("device/vpd_pg80", b"\0\x80\0\x14     WD-WCC5D3PLHK7T"),
        ]);
        let disk = describe(dir.path(), "sda".into()).unwrap();
        assert_eq!(disk.model.as_deref(), Some("WDC WD4003FZEX-0"));
        assert_eq!(disk.serial.as_deref(), Some("WD-WCC5D3PLHK7T"));
        assert_eq!((disk.media, disk.total_bytes), (DiskMedia::Hdd, 4_000_787_030_016));
    }

    #[test]
    fn a_virtual_disk_has_no_medium_and_no_health() {
        let dir = block(&[
            ("size", b"536870912\n"),
            ("queue/rotational", b"1\n"),
            ("device/vendor", b"QEMU\n"),
            ("device/model", b"QEMU HARDDISK\n"),
        ]);
        let disk = describe(dir.path(), "sda".into()).unwrap();
        assert_eq!((disk.media, disk.health), (DiskMedia::Unknown, DiskHealth::Unknown));
        assert_eq!(disk.model.as_deref(), Some("QEMU HARDDISK"));
        let health = health(&disk, dir.path(), Instant::now());
        assert_eq!(health, (DiskHealth::Unknown, Some("a virtual disk does not tell".into())));
    }

    #[test]
    fn a_disk_that_the_kernel_gave_up_is_failing() {
        let dir = block(&[("size", b"8\n"), ("device/state", b"offline\n"), ("device/model", b"X\n")]);
        let disk = describe(dir.path(), "sdb".into()).unwrap();
        assert_eq!(health(&disk, dir.path(), Instant::now()).0, DiskHealth::Failing);
    }

    #[test]
    fn what_is_no_disk_of_its_own_is_left_out() {
        let dir = block(&[("size", b"8\n"), ("device/model", b"X\n")]);
        for name in ["loop0", "zram0", "dm-3", "md127", "sr0", "fd0"] {
            assert!(describe(dir.path(), name.into()).is_none(), "{name}");
        }
        assert!(describe(block(&[("size", b"8\n")]).path(), "sdc".into()).is_none(), "there is no device behind it");
        assert!(describe(block(&[("size", b"0\n"), ("device/x", b"")]).path(), "sdd".into()).is_none(), "no medium");
    }

    #[test]
    fn how_it_is_attached_follows_from_its_place() {
        let at = |name: &str, place: &str| bus(name, Path::new(place));
        let pci = "/sys/devices/pci0000:00/0000:00:17.0";
        assert_eq!(at("sda", &format!("{pci}/ata1/host0/target0:0:0/0:0:0:0/block/sda")), Some("sata"));
        assert_eq!(at("sdb", &format!("{pci}/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb")), Some("usb"));
        assert_eq!(at("vda", "/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda"), Some("virtio"));
        assert_eq!(at("nvme0n1", "/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1"), Some("nvme"));
        assert_eq!(
            at("sdc", &format!("{pci}/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0/block/sdc")),
            Some("sas")
        );
        assert_eq!(at("xvda", "/sys/devices/vbd-51712/block/xvda"), Some("xen"));
    }
}
