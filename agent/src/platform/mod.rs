//! Everything that differs between operating systems. This is the only place that asks which one it is; each system's
//! module offers the same functions.
//!
//! Collectors of the inventory: `os_identity`, `hardware`, `volumes`, `disks`, `network`, `logged_in_users`, `services`,
//! `software` and `pending_reboot` answer a [`Look`](crate::core::inventory::Look); `local_groups` and `hot_fixes` an
//! optional one, none where there is no such thing. Each is called on a thread of its own, again and again, keeps
//! nothing, and reads no more than a bounded amount from any file or program. The same machine twice gives the same
//! answer: lists are sorted, and no error's text holds a number that changes. `software_stamp` is cheap and answers another
//! text after every change of the installed software; none: it cannot tell.

#[cfg(any(windows, test))]
mod lane;
mod program_file;

use std::io;

/// Why a directory that is there already does not become a private one.
fn refusal(why: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::PermissionDenied,
        format!(
            "this directory was made by somebody else and is not used, since what is in it would be obeyed: {why}. \
             Look at it, remove it as an administrator, and try again"
        ),
    )
}

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub use windows::*;

#[cfg(test)]
mod tests {
    #[test]
    fn the_identity_is_stable_and_a_hash() {
        let (a, b) = (super::machine_identity(), super::machine_identity());
        assert_eq!(a, b);
        assert_eq!(a.machine_id.len(), 64);
        assert!(!a.boot_id.is_empty() && !a.hostname.is_empty());
    }
}
