//! Linux.

mod disks;
mod files;
mod groups;
mod hardware;
mod identity;
mod meter;
mod network;
mod os;
pub mod probe;
mod process;
mod reboot;
mod role;
mod services;
mod smart;
mod software;
pub mod systemd;
mod tool;
mod users;
mod volumes;

pub use disks::disks;
pub use files::{
    close_inherited, create_private_dir, create_private_subdir, default_data_dir, distrust, harden, private, replace,
    sync_dir,
};
pub use groups::local_groups;
pub use hardware::hardware;
pub use identity::machine_identity;
pub use meter::Meter;
pub use network::network;
pub use os::os_identity;
pub use process::{OUTPUT_ENCODING, Prepared, Process, STARTED_LATE, Tree, kill_tree, termination};
pub use reboot::pending_reboot;
pub use services::services;
pub use software::{software, software_stamp};
pub use systemd as service;
pub use users::logged_in_users;
pub use volumes::volumes;

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Duration;

use gururmm_protocol::inventory::HotFix;
use nix::time::{ClockId, clock_gettime};

use crate::core::inventory::Looked;

/// Time since the machine started, counting while it sleeps (`CLOCK_BOOTTIME`).
#[must_use]
pub fn time_since_boot() -> Duration {
    // The call fails only for a clock the kernel does not know; this one is there since Linux 2.6.39.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map(Duration::from).unwrap_or_default()
}

/// Updates of Windows: Linux has no such thing.
///
/// # Errors
/// None.
pub fn hot_fixes() -> anyhow::Result<Option<Looked<Vec<HotFix>>>> {
    Ok(None)
}

/// Most bytes of a text file that has a few lines on any sane machine.
const MAX_TEXT: u64 = 1024 * 1024;

/// A file's text; what is not UTF-8 in it is replaced.
fn read_text(path: impl AsRef<Path>, max: u64) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&read_bytes(path, max)?).into_owned())
}

fn read_bytes(path: impl AsRef<Path>, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is over {max} bytes")));
    }
    Ok(bytes)
}

/// A small text file's content without surrounding space; `None` when it is missing, empty, large or unreadable.
fn read_line(path: impl AsRef<Path>) -> Option<String> {
    let text = read_text(path, 4_096).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}
