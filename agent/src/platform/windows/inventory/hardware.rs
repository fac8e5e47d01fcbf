//! Maker, model, processor, memory, firmware.

use gururmm_protocol::inventory::Hardware;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::core::firmware::{date, hypervisor, is_filler};
use crate::core::inventory::{Look, Looked};
use crate::platform::windows::smbios::Smbios;
use crate::platform::windows::sys;

/// Structures of the firmware's tables that describe the firmware and the system.
const FIRMWARE: u8 = 0;
const SYSTEM: u8 = 1;

/// What the firmware's tables and the system say. The tables are read directly: WMI reads the same ones and may hang.
///
/// # Errors
/// When the system cannot be asked.
pub fn hardware() -> Look<Hardware> {
    let what =
        RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing()).with_memory(MemoryRefreshKind::nothing().with_ram());
    let system = System::new_with_specifics(what)?;
    let raw = sys::firmware::smbios();
    let tables = Smbios::parse(&raw);
    let text = |kind, offset| {
        let structure = tables?.structures().find(|structure| structure.kind == kind)?;
        structure.text(offset).filter(|text| !is_filler(text))
    };
    // Offsets of the specification, DSP0134, 7.1 and 7.2.
    let (manufacturer, model) = (text(SYSTEM, 4), text(SYSTEM, 5));
    let hardware = Hardware {
        virtualization: hypervisor(manufacturer.as_deref(), model.as_deref()).map(str::to_owned),
        manufacturer,
        model,
        serial: text(SYSTEM, 7),
        uuid: tables.and_then(Smbios::uuid),
        bios_vendor: text(FIRMWARE, 4),
        bios_version: text(FIRMWARE, 5),
        bios_date: text(FIRMWARE, 8).as_deref().and_then(date),
        cpu: system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).filter(|name| !name.is_empty()),
        cores: System::physical_core_count().ok().and_then(|cores| u32::try_from(cores).ok()),
        threads: u32::try_from(system.cpus().len()).ok().filter(|threads| *threads > 0),
        memory_bytes: Some(system.total_memory()).filter(|bytes| *bytes > 0),
    };
    let problems = if tables.is_none() { vec!["the firmware gives no tables (SMBIOS)".to_owned()] } else { Vec::new() };
    Ok(Looked { content: hardware, problems })
}
