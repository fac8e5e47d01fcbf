//! What the machine is for.

use std::path::Path;

use gururmm_protocol::inventory::MachineRole;

use super::{MAX_TEXT, read_line, read_text};

/// What is known about the machine's purpose.
#[derive(Debug, Default)]
struct Signs<'a> {
    /// `VARIANT_ID` of os-release, where the distribution has one.
    variant: Option<&'a str>,
    /// Chassis type of the firmware (SMBIOS specification, table 17).
    chassis: Option<u8>,
    /// Whether a display manager is enabled.
    display_manager: bool,
    /// Samba runs as an Active Directory domain controller.
    domain_controller: bool,
}

/// Decides in this order: a Samba domain controller says so itself; the distribution's variant; a portable chassis is a
/// workstation, a rack or blade chassis a server; a graphical login is a workstation; anything else is a server. (The
/// default target says nothing: Debian sets `graphical.target` on servers too.)
pub(super) fn role(variant: Option<&str>) -> MachineRole {
    decide(&Signs {
        variant,
        chassis: read_line("/sys/class/dmi/id/chassis_type").and_then(|text| text.parse().ok()),
        display_manager: Path::new("/etc/systemd/system/display-manager.service").exists(),
        domain_controller: read_text("/etc/samba/smb.conf", MAX_TEXT).is_ok_and(|text| is_domain_controller(&text)),
    })
}

fn decide(signs: &Signs<'_>) -> MachineRole {
    if signs.domain_controller {
        return MachineRole::DomainController;
    }
    match (signs.variant, signs.chassis) {
        (Some("server"), _) => MachineRole::Server,
        (Some("workstation"), _) => MachineRole::Workstation,
        // Portable, laptop, notebook, hand held, sub notebook, all in one, tablet, convertible, detachable.
        (_, Some(8..=11 | 13 | 14 | 30..=32)) => MachineRole::Workstation,
        // Main server chassis, rack mount chassis, blade.
        (_, Some(17 | 23 | 28)) => MachineRole::Server,
        _ if signs.display_manager => MachineRole::Workstation,
        _ => MachineRole::Server,
    }
}

fn is_domain_controller(smb_conf: &str) -> bool {
    smb_conf.lines().filter_map(|line| line.split_once('=')).any(|(key, value)| {
        key.trim().eq_ignore_ascii_case("server role")
            && value.trim().to_ascii_lowercase().contains("domain controller")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_sign_decides() {
        assert_eq!(decide(&Signs::default()), MachineRole::Server);
        assert_eq!(decide(&Signs { display_manager: true, ..Signs::default() }), MachineRole::Workstation);
        assert_eq!(
            decide(&Signs { display_manager: true, chassis: Some(23), ..Signs::default() }),
            MachineRole::Server
        );
        assert_eq!(decide(&Signs { chassis: Some(10), ..Signs::default() }), MachineRole::Workstation);
        assert_eq!(
            decide(&Signs { variant: Some("server"), chassis: Some(10), ..Signs::default() }),
            MachineRole::Server
        );
        assert!(is_domain_controller("[global]\n\tserver role = active directory domain controller\n"));
        assert!(!is_domain_controller("server role = member server"));
    }
}
