//! Which agent runs on the server's own host: whoever commands it owns the keys, so that is for `dev_admin` only.
//!
//! Either sign is enough: the same machine id (derived as the agent does it), or the same boot id, which one running
//! kernel shares with nobody. The second finds the host also from inside a container and without the right to read the
//! firmware's UUID. Where the enrolling connection comes from says nothing: behind a proxy on this host every agent
//! seems to come from loopback. A machine that lies its way *into* this class only becomes harder to command.

use std::sync::LazyLock;

use gururmm_protocol::enroll::{MachineIdentity, machine_id};

/// What the server knows of its own host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HostIdentity {
    /// As an agent on this host would report it.
    pub machine_id: Option<String>,
    /// Of the running kernel.
    pub boot_id: Option<String>,
}

impl HostIdentity {
    /// Whether `machine` is this host.
    #[must_use]
    pub fn is(&self, machine: &MachineIdentity) -> bool {
        self.machine_id.as_ref() == Some(&machine.machine_id) || self.boot_id.as_ref() == Some(&machine.boot_id)
    }

    fn read() -> Self {
        let text = |path: &str| {
            std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
        };
        let smbios = text("/sys/class/dmi/id/product_uuid");
        let machine_id = text("/etc/machine-id").map(|id| machine_id(smbios.as_deref(), &id));
        Self { machine_id, boot_id: text("/proc/sys/kernel/random/boot_id") }
    }
}

/// This host; read once.
#[must_use]
pub fn this_host() -> &'static HostIdentity {
    static HOST: LazyLock<HostIdentity> = LazyLock::new(HostIdentity::read);
    &HOST
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_id_finds_the_host_and_nothing_matches_when_nothing_is_known() {
        let host = HostIdentity { machine_id: Some("m".into()), boot_id: Some("b".into()) };
        let machine = |machine_id: &str, boot_id: &str| MachineIdentity {
            machine_id: machine_id.into(),
            boot_id: boot_id.into(),
            hostname: "h".into(),
        };
        assert!(host.is(&machine("m", "x")));
        assert!(host.is(&machine("x", "b")));
        assert!(!host.is(&machine("x", "y")));
        assert!(!HostIdentity::default().is(&machine("", "")));
    }
}
