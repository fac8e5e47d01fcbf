//! Linux.

mod files;
mod hardware;
mod identity;
mod installed;
mod network;
mod os;
mod process;
mod reboot;
mod role;
pub mod systemd;
mod users;
mod volumes;

pub use files::{close_inherited, create_private_dir, default_data_dir, private, sync_dir};
pub use hardware::hardware;
pub use identity::machine_identity;
pub use installed::{disks, hot_fixes, local_groups, services, software};
pub use network::network;
pub use os::os_identity;
pub use process::{Spawned, kill_tree, mark, prepare, termination};
pub use reboot::pending_reboot;
pub use systemd as service;
pub use users::logged_in_users;
pub use volumes::{is_fixed_volume, volumes};

use std::path::Path;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Time since the machine started, counting while it sleeps (`CLOCK_BOOTTIME`).
#[must_use]
pub fn time_since_boot() -> Duration {
    // The call fails only for a clock the kernel does not know; this one is there since Linux 2.6.39.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// A small text file's content without surrounding space; `None` when it is missing, empty or unreadable.
fn read_line(path: impl AsRef<Path>) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
