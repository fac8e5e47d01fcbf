//! Which machine this is.

use std::io;

use gururmm_protocol::enroll::{MachineIdentity, machine_id};
use uuid::Uuid;
use winreg::RegKey;
use winreg::enums::{HKEY_CURRENT_USER, HKEY_LOCAL_MACHINE, KEY_READ, KEY_WOW64_64KEY, KEY_WRITE, REG_OPTION_VOLATILE};

use super::smbios::Smbios;
use super::sys::firmware;
use crate::core::random::{Random as _, SystemRandom};

/// Where the current start of the machine has its number. The key is volatile: it lives in memory only.
const BOOT_KEY: &str = r"SOFTWARE\GuruRMM-Boot";
const BOOT_ID: &str = "Id";

/// The machine, its current start, and its name. The id is derived from the firmware's UUID and the installation's
/// `MachineGuid`: the first tells virtual machines cloned by a hypervisor apart, the second installations.
#[must_use]
pub fn machine_identity() -> MachineIdentity {
    let hostname = hostname();
    let firmware = Smbios::parse(&firmware::smbios()).and_then(Smbios::uuid);
    let installation = machine_guid()
        // Better than an id that all such machines share.
        .or_else(|| firmware.is_none().then(|| hostname.clone()));
    let mut identity = MachineIdentity {
        machine_id: machine_id(firmware.as_deref(), installation.as_deref().unwrap_or_default()),
        boot_id: boot_id(),
        hostname,
    };
    identity.bound();
    identity
}

fn machine_guid() -> Option<String> {
    RegKey::predef(HKEY_LOCAL_MACHINE)
        .open_subkey_with_flags(r"SOFTWARE\Microsoft\Cryptography", KEY_READ | KEY_WOW64_64KEY)
        .and_then(|key| key.get_value::<String, _>("MachineGuid"))
        .ok()
        .filter(|guid| !guid.trim().is_empty())
}

/// Windows has no id of a start that stays the same while the machine runs (the time of the start moves whenever the
/// clock is set). A random one in a volatile key has: the key is gone after the next start.
fn boot_id() -> String {
    [HKEY_LOCAL_MACHINE, HKEY_CURRENT_USER]
        .into_iter()
        .find_map(|root| recorded_boot_id(&RegKey::predef(root)).ok())
        .unwrap_or_default()
}

fn recorded_boot_id(root: &RegKey) -> io::Result<String> {
    let (key, _) =
        root.create_subkey_with_options_flags(BOOT_KEY, REG_OPTION_VOLATILE, KEY_READ | KEY_WRITE | KEY_WOW64_64KEY)?;
    if let Ok(known) = key.get_value::<String, _>(BOOT_ID) {
        return Ok(known);
    }
    let random: [u8; 32] = SystemRandom.bytes()?;
    let id = uuid::Builder::from_random_bytes(std::array::from_fn(|index| random[index])).into_uuid();
    key.set_value(BOOT_ID, &Uuid::to_string(&id))?;
    Ok(id.to_string())
}

/// Removes what [`machine_identity`] left in the registry.
pub fn forget_boot() {
    for root in [HKEY_LOCAL_MACHINE, HKEY_CURRENT_USER].map(RegKey::predef) {
        // What is not there is as good; what stays is gone after the next start.
        let _ = root.delete_subkey_with_flags(BOOT_KEY, KEY_WOW64_64KEY);
    }
}

/// The machine's own host name, not cut to the fifteen characters of NetBIOS.
pub(super) fn hostname() -> String {
    sysinfo::System::host_name().ok().unwrap_or_default()
}
