//! Which machine this is.

use gururmm_protocol::enroll::{MachineIdentity, machine_id};

use super::read_line;

/// The machine, its current start, and its name. The id is derived from the firmware's UUID (readable by root only) and
/// `/etc/machine-id`: the first tells virtual machines cloned by a hypervisor apart, the second installations.
#[must_use]
pub fn machine_identity() -> MachineIdentity {
    let hostname = hostname();
    let firmware = read_line("/sys/class/dmi/id/product_uuid");
    let installation = read_line("/etc/machine-id")
        .or_else(|| read_line("/var/lib/dbus/machine-id"))
        // Better than an id that all such machines share.
        .or_else(|| firmware.is_none().then(|| hostname.clone()));
    let mut identity = MachineIdentity {
        machine_id: machine_id(firmware.as_deref(), installation.as_deref().unwrap_or_default()),
        boot_id: read_line("/proc/sys/kernel/random/boot_id").unwrap_or_default(),
        hostname,
    };
    identity.bound();
    identity
}

/// The host name as the kernel has it.
pub(super) fn hostname() -> String {
    nix::unistd::gethostname().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
