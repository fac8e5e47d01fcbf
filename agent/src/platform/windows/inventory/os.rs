//! Operating system identity.

use chrono::DateTime;
use gururmm_protocol::inventory::{MachineRole, OsFamily, OsIdentity};
use sysinfo::System;

use super::super::identity::hostname;
use crate::core::inventory::Look;

/// What Windows says of itself.
///
/// # Errors
/// None.
pub fn os_identity() -> Look<OsIdentity> {
    Ok(OsIdentity {
        family: OsFamily::Windows,
        name: "Windows".to_owned(),
        edition: None,
        version: None,
        build: None,
        release: None,
        installed_at: None,
        architecture: std::env::consts::ARCH.to_owned(),
        role: MachineRole::Workstation,
        domain: None,
        hostname: hostname(),
        time_zone: None,
        booted_at: System::boot_time()
            .ok()
            .and_then(|seconds| i64::try_from(seconds).ok())
            .and_then(|seconds| DateTime::from_timestamp(seconds, 0)),
    }
    .into())
}
