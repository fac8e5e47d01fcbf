//! Which machine this is.

use gururmm_protocol::crypto::sha256;
use gururmm_protocol::enroll::MachineIdentity;

use super::read_line;

/// The machine, its current start, and its name. The id is a hash over the firmware's UUID (readable by root only) and
/// `/etc/machine-id`: the first tells virtual machines cloned by a hypervisor apart, the second installations.
#[must_use]
pub fn machine_identity() -> MachineIdentity {
    let uuid = read_line("/sys/class/dmi/id/product_uuid").unwrap_or_default().to_ascii_lowercase();
    let installation = read_line("/etc/machine-id").or_else(|| read_line("/var/lib/dbus/machine-id"));
    let hostname = hostname();
    let fallback = if uuid.is_empty() && installation.is_none() { hostname.as_str() } else { "" };
    let material = format!("gururmm/machine/v1\n{uuid}\n{}\n{fallback}", installation.as_deref().unwrap_or_default());
    let mut identity = MachineIdentity {
        machine_id: hex::encode(sha256(material.as_bytes())),
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

#[cfg(test)]
mod tests {
    #[test]
    fn the_identity_is_stable_and_a_hash() {
        let (a, b) = (super::machine_identity(), super::machine_identity());
        assert_eq!(a, b);
        assert_eq!(a.machine_id.len(), 64);
        assert!(!a.boot_id.is_empty());
    }
}
