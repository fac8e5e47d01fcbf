//! Maker, model, processor, memory, hypervisor.

use chrono::NaiveDate;
use gururmm_protocol::inventory::Hardware;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::{MAX_TEXT, read_line, read_text};
use crate::core::inventory::{Look, Looked};

const DMI: &str = "/sys/class/dmi/id";

/// What the firmware and the kernel say.
///
/// # Errors
/// When the kernel cannot be asked.
pub fn hardware() -> Look<Hardware> {
    let what =
        RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(what)?;
    let dmi = |name: &str| read_line(format!("{DMI}/{name}")).filter(|text| !is_filler(text));
    let (manufacturer, model) = (dmi("sys_vendor"), dmi("product_name"));
    let cpuinfo = read_text("/proc/cpuinfo", MAX_TEXT).unwrap_or_default();
    let virtual_flag = cpuinfo
        .lines()
        .find(|line| line.starts_with("flags"))
        .is_some_and(|line| line.split_whitespace().any(|flag| flag == "hypervisor"));
    let container = read_line("/run/systemd/container")
        .or_else(|| std::path::Path::new("/.dockerenv").exists().then(|| "docker".to_owned()));
    let hardware = Hardware {
        virtualization: container
            .or_else(|| hypervisor(manufacturer.as_deref(), model.as_deref()).map(str::to_owned))
            .or_else(|| read_line("/sys/hypervisor/type"))
            .or_else(|| virtual_flag.then(|| "other".to_owned())),
        manufacturer,
        model,
        serial: dmi("product_serial"),
        uuid: dmi("product_uuid"),
        bios_vendor: dmi("bios_vendor"),
        bios_version: dmi("bios_version"),
        bios_date: dmi("bios_date").and_then(|text| NaiveDate::parse_from_str(&text, "%m/%d/%Y").ok()),
        cpu: system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).filter(|name| !name.is_empty()),
        cores: System::physical_core_count().ok().and_then(|cores| u32::try_from(cores).ok()),
        threads: u32::try_from(system.cpus().len()).ok().filter(|threads| *threads > 0),
        memory_bytes: Some(system.total_memory()).filter(|bytes| *bytes > 0),
    };
    Ok(Looked { content: hardware, problems: hidden() })
}

/// What only the administrator may read (the serial number and the UUID), when the agent is not.
fn hidden() -> Vec<String> {
    let denied = |name: &&str| {
        let path = format!("{DMI}/{name}");
        let read = std::fs::File::open(path);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied)
    };
    ["product_serial", "product_uuid"]
        .iter()
        .filter(|name| denied(name))
        .map(|name| format!("{DMI}/{name}: permission denied"))
        .collect()
}

/// Texts that board makers leave in place of a real one.
fn is_filler(text: &str) -> bool {
    ["to be filled by o.e.m.", "default string", "system manufacturer", "system product name", "none", "0"]
        .contains(&text.to_ascii_lowercase().as_str())
}

/// The hypervisor by the names it puts into the firmware tables of its guests.
fn hypervisor(vendor: Option<&str>, product: Option<&str>) -> Option<&'static str> {
    let (vendor, product) = (vendor.unwrap_or_default(), product.unwrap_or_default());
    let starts = [
        ("QEMU", "kvm"),
        ("VMware", "vmware"),
        ("innotek GmbH", "virtualbox"),
        ("Xen", "xen"),
        ("Amazon EC2", "amazon"),
        ("Google", "google"),
        ("Parallels", "parallels"),
        ("Hetzner", "kvm"),
        ("DigitalOcean", "kvm"),
        ("Red Hat", "kvm"),
    ];
    if vendor.starts_with("Microsoft") && product == "Virtual Machine" {
        return Some("hyper-v");
    }
    if product.starts_with("KVM") || product.starts_with("OpenStack") {
        return Some("kvm");
    }
    starts.into_iter().find(|(prefix, _)| vendor.starts_with(prefix)).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guests_are_told_from_real_machines() {
        assert_eq!(hypervisor(Some("QEMU"), Some("Standard PC (Q35 + ICH9, 2009)")), Some("kvm"));
        assert_eq!(hypervisor(Some("Microsoft Corporation"), Some("Virtual Machine")), Some("hyper-v"));
        assert_eq!(hypervisor(Some("Microsoft Corporation"), Some("Surface Laptop 5")), None);
        assert_eq!(hypervisor(Some("Dell Inc."), Some("PowerEdge R640")), None);
    }

    #[test]
    fn filler_is_no_serial_number() {
        assert!(is_filler("To Be Filled By O.E.M."));
        assert!(!is_filler("7XK2P03"));
    }
}
