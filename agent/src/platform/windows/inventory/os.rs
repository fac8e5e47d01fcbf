//! Operating system identity.

use anyhow::{Context as _, anyhow};
use gururmm_protocol::inventory::{OsFamily, OsIdentity};

use crate::core::inventory::{Look, Looked};
use crate::core::windows::os::{CurrentVersion, architecture};
use crate::core::windows::time_zone::iana;
use crate::platform::windows::identity::hostname;
use crate::platform::windows::registry::{machine, number, text};
use crate::platform::windows::sys;

const VERSION: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion";
const PRODUCT: &str = r"SYSTEM\CurrentControlSet\Control\ProductOptions";
const ZONE: &str = r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation";
const ENVIRONMENT: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment";

/// What Windows says of itself.
///
/// # Errors
/// When the registry cannot be read.
pub fn os_identity() -> Look<OsIdentity> {
    let key = machine(VERSION).context(VERSION)?.ok_or_else(|| anyhow!("{VERSION} is missing"))?;
    let version = CurrentVersion {
        product_name: text(&key, "ProductName"),
        edition_id: text(&key, "EditionID"),
        installation_type: text(&key, "InstallationType"),
        display_version: text(&key, "DisplayVersion"),
        release_id: text(&key, "ReleaseId"),
        major: number(&key, "CurrentMajorVersionNumber"),
        minor: number(&key, "CurrentMinorVersionNumber"),
        build: text(&key, "CurrentBuildNumber"),
        revision: number(&key, "UBR"),
        install_time: key.get_value("InstallTime").ok(),
        install_date: number(&key, "InstallDate"),
    };
    let mut problems = Vec::new();
    let mut value = |path: &str, name: &str| match machine(path) {
        Ok(key) => key.and_then(|key| text(&key, name)),
        Err(error) => {
            problems.push(format!("{path}: {error}"));
            None
        }
    };
    let product_type = value(PRODUCT, "ProductType");
    let zone = value(ZONE, "TimeZoneKeyName");
    let processor = value(ENVIRONMENT, "PROCESSOR_ARCHITECTURE");
    let membership = sys::groups::membership().inspect_err(|error| problems.push(format!("domain: {error}"))).ok();
    let time_zone = zone.as_deref().and_then(iana).map(str::to_owned);
    if let (Some(zone), None) = (&zone, &time_zone) {
        problems.push(format!("time zone {zone} has no IANA name"));
    }
    let os = OsIdentity {
        family: OsFamily::Windows,
        name: version.name(),
        edition: version.edition(),
        version: version.version(),
        build: version.full_build(),
        release: version.release(),
        installed_at: version.installed_at(),
        architecture: architecture(processor.as_deref()).to_owned(),
        role: version.role(membership.as_ref(), product_type.as_deref()),
        domain: membership.as_ref().and_then(|membership| membership.domain()),
        hostname: hostname(),
        time_zone,
        booted_at: sys::time::booted_at(),
    };
    Ok(Looked { content: os, problems })
}
