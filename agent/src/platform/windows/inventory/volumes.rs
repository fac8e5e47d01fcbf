//! Volumes.

use anyhow::Context as _;
use gururmm_protocol::inventory::Volume;

use super::WMI_DEADLINE;
use crate::core::inventory::Look;
use crate::core::windows::bitlocker::EncryptableVolume;
use crate::core::windows::row::typed;
use crate::core::windows::volumes::volumes as interpret;
use crate::platform::windows::{sys, wmi};

/// All volumes that are mounted somewhere, with what BitLocker says of them.
///
/// # Errors
/// When the system does not list them.
pub fn volumes() -> Look<Vec<Volume>> {
    let raw = sys::volumes::list().context("volumes")?;
    Ok(interpret(raw, bitlocker()))
}

/// What BitLocker says; nothing where Windows has none.
fn bitlocker() -> Result<Vec<EncryptableVolume>, String> {
    let namespace = r"root\cimv2\Security\MicrosoftVolumeEncryption";
    match wmi::objects(namespace, "Win32_EncryptableVolume", WMI_DEADLINE) {
        Ok(rows) => Ok(typed(rows).0),
        Err(error) if error.is_absent() => Ok(Vec::new()),
        Err(error) => Err(error.to_string()),
    }
}
