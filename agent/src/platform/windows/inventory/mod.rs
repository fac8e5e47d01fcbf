//! What a Windows machine is and has. What the answers mean is decided in [`crate::core::windows`]; here they are got.

mod disks;
mod groups;
mod hardware;
mod hot_fixes;
mod network;
mod os;
mod reboot;
mod services;
mod software;
mod users;
mod volumes;

use std::time::Duration;

pub use disks::disks;
pub use groups::local_groups;
pub use hardware::hardware;
pub use hot_fixes::hot_fixes;
pub use network::network;
pub use os::os_identity;
pub use reboot::pending_reboot;
pub use services::services;
pub use software::software;
pub use users::logged_in_users;
pub use volumes::volumes;

/// It cannot be told cheaply whether the installed software has changed; and to look is cheap.
#[must_use]
pub const fn software_stamp() -> Option<String> {
    None
}

/// How long WMI may take for one question. A section may ask two, within its own deadline.
const WMI_DEADLINE: Duration = Duration::from_secs(25);

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use anyhow::Context as _;
    use gururmm_protocol::inventory::{OsFamily, ServiceState};
    use winreg::RegKey;
    use winreg::enums::HKEY_CURRENT_USER;

    use super::*;
    use crate::core::inventory::{Look, Looked};

    /// Looks twice and expects the same, without numbers that come from elsewhere than the machine's state.
    fn twice<T: Debug + PartialEq>(look: fn() -> Look<T>) -> Looked<T> {
        let (first, second) = (look().unwrap(), look().unwrap());
        assert_eq!(first, second);
        println!("{first:#?}");
        first
    }

    #[test]
    fn the_system_names_itself() {
        let os = twice(os_identity).content;
        assert_eq!(os.family, OsFamily::Windows);
        assert!(os.name.starts_with("Windows") && !os.hostname.is_empty());
        assert!(os.version.unwrap().starts_with("10.0.") && os.build.is_some());
        assert!(os.booted_at.is_some());
    }

    #[test]
    fn the_hardware_is_described() {
        let hardware = twice(hardware).content;
        assert!(hardware.threads.is_some() && hardware.memory_bytes.is_some());
    }

    #[test]
    fn the_systems_volume_is_listed() {
        let volumes = twice(volumes).content;
        let system = volumes.iter().find(|volume| volume.mount.eq_ignore_ascii_case(r"C:\")).unwrap();
        assert!(system.total_bytes > 0 && system.encryption.is_some());
    }

    #[test]
    fn the_network_is_described() {
        for interface in twice(network).content {
            assert!(!interface.name.is_empty() && interface.dhcp.is_some());
        }
    }

    #[test]
    fn services_are_listed() {
        // Not twice: the other tests make the system start and stop some.
        let services = services().unwrap().content;
        assert!(services.iter().any(|service| service.state == ServiceState::Running));
    }

    #[test]
    fn whether_a_restart_is_pending_is_known() {
        assert!(twice(pending_reboot).content.pending.is_some());
    }

    #[test]
    fn a_program_of_this_user_is_found_and_hidden_ones_are_not() {
        let users = RegKey::predef(HKEY_CURRENT_USER);
        let path = |name: &str| format!(r"{}\GuruRMM test {name}", software::UNINSTALL);
        for (name, hidden) in [("shown", 0_u32), ("hidden", 1)] {
            let (key, _) = users.create_subkey(path(name)).unwrap();
            key.set_value("DisplayName", &format!("GuruRMM test {name}")).unwrap();
            key.set_value("DisplayVersion", &"1.2.3").unwrap();
            key.set_value("InstallDate", &"20240131").unwrap();
            key.set_value("SystemComponent", &hidden).unwrap();
        }
        let found = software();
        for name in ["shown", "hidden"] {
            users.delete_subkey_all(path(name)).unwrap();
        }
        let found: Vec<_> =
            found.unwrap().content.into_iter().filter(|item| item.name.starts_with("GuruRMM test")).collect();
        assert_eq!(found.iter().map(|item| item.name.as_str()).collect::<Vec<_>>(), ["GuruRMM test shown"]);
        assert_eq!(found[0].version.as_deref(), Some("1.2.3"));
        assert!(found[0].user.is_some() && found[0].installed_on.is_some());
    }

    /// What this Windows may not have (Wine has none of it) is told as an error that names who was asked.
    #[test]
    fn the_others_answer_or_say_why_not() {
        fn said<T: Debug>(answer: anyhow::Result<T>) {
            match answer {
                Ok(answer) => println!("{answer:#?}"),
                Err(error) => assert!(format!("{error:#}").contains(": "), "{error:#}"),
            }
        }
        said(logged_in_users());
        said(local_groups().and_then(|groups| groups.context("groups: none")));
        said(hot_fixes().and_then(|fixes| fixes.context("updates: none")));
        said(disks());
        said(software());
    }
}
