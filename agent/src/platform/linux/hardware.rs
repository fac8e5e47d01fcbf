//! Maker, model, processor, memory, hypervisor.

use gururmm_protocol::inventory::Hardware;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use super::{MAX_TEXT, read_line, read_text};
use crate::core::firmware::{date, hypervisor, is_filler};
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
        bios_date: dmi("bios_date").as_deref().and_then(date),
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
