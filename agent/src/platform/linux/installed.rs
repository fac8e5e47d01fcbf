//! What is installed and what runs.

use gururmm_protocol::inventory::{Disk, HotFix, LocalGroup, Service, Software};

use crate::core::inventory::{Look, Looked};

/// Physical disks.
///
/// # Errors
/// Always: this version does not read them.
pub fn disks() -> Look<Vec<Disk>> {
    anyhow::bail!("this version of the agent does not read disks on Linux")
}

/// The machine's own groups.
///
/// # Errors
/// Always: this version does not read them.
pub fn local_groups() -> anyhow::Result<Option<Looked<Vec<LocalGroup>>>> {
    anyhow::bail!("this version of the agent does not read groups on Linux")
}

/// Service units.
///
/// # Errors
/// Always: this version does not read them.
pub fn services() -> Look<Vec<Service>> {
    anyhow::bail!("this version of the agent does not read services on Linux")
}

/// Installed packages.
///
/// # Errors
/// Always: this version does not read them.
pub fn software() -> Look<Vec<Software>> {
    anyhow::bail!("this version of the agent does not read packages on Linux")
}

/// Linux has no such thing.
///
/// # Errors
/// None.
pub fn hot_fixes() -> anyhow::Result<Option<Looked<Vec<HotFix>>>> {
    Ok(None)
}
