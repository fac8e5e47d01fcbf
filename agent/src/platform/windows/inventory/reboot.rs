//! Whether a restart is pending.

use gururmm_protocol::inventory::PendingReboot;
use serde_json::Value;

use super::WMI_DEADLINE;
use crate::core::inventory::{Look, Looked};
use crate::core::windows::reboot::{KEYS, Signs, VALUES, WAITING_UPDATES, file_operations, pending};
use crate::platform::windows::registry::{found, machine, text};
use crate::platform::windows::wmi;

const SESSION_MANAGER: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager";
const COMPUTER_NAME: &str = r"SYSTEM\CurrentControlSet\Control\ComputerName";
const CONFIGURATION_MANAGER: &str = r"SOFTWARE\Microsoft\CCM";

/// The signs that installers, updates and administrators leave in the registry, and what the client of Configuration
/// Manager says where there is one.
///
/// # Errors
/// Never: what cannot be read is told with the rest.
pub fn pending_reboot() -> Look<PendingReboot> {
    let mut signs = Signs::default();
    let mut problems = Vec::new();
    for path in KEYS {
        match machine(path) {
            Ok(Some(key)) if path != WAITING_UPDATES || key.enum_keys().next().is_some() => signs.keys.push(path),
            Ok(_) => {}
            Err(error) => problems.push(format!("{path}: {error}")),
        }
    }
    for (path, name, words) in VALUES {
        match machine(path) {
            // `UpdateExeVolatile` is there as 0 when nothing waits.
            Ok(Some(key)) if key.get_raw_value(name).is_ok() && text(&key, name).as_deref() != Some("0") => {
                signs.values.push(words);
            }
            Ok(_) => {}
            Err(error) => problems.push(format!("{path}: {error}")),
        }
    }
    for name in ["PendingFileRenameOperations", "PendingFileRenameOperations2"] {
        let value = machine(SESSION_MANAGER).and_then(|key| match key {
            Some(key) => found(key.get_raw_value(name)),
            None => Ok(None),
        });
        match value {
            Ok(Some(value)) => signs.file_operations.extend(file_operations(&value.bytes)),
            Ok(None) => {}
            Err(error) => problems.push(format!("{name}: {error}")),
        }
    }
    let name = |which: &str| {
        machine(&format!(r"{COMPUTER_NAME}\{which}")).ok().flatten().and_then(|key| text(&key, "ComputerName"))
    };
    signs.names = name("ActiveComputerName").zip(name("ComputerName"));
    if matches!(machine(CONFIGURATION_MANAGER), Ok(Some(_))) {
        match configuration_manager() {
            Ok(pending) => signs.configuration_manager = pending,
            Err(error) => problems.push(format!("Configuration Manager: {error}")),
        }
    }
    signs.unread = !problems.is_empty();
    Ok(Looked { content: pending(signs), problems })
}

/// Asks its client; none where only its registry key was left behind.
fn configuration_manager() -> Result<Option<bool>, wmi::Error> {
    let answer = wmi::method(r"root\ccm\ClientSDK", "CCM_ClientUtilities", "DetermineIfRebootPending", WMI_DEADLINE);
    match answer {
        Ok(row) => Ok(Some(
            ["RebootPending", "IsHardRebootPending"].iter().any(|name| row.get(*name) == Some(&Value::Bool(true))),
        )),
        Err(error) if error.is_absent() => Ok(None),
        Err(error) => Err(error),
    }
}
