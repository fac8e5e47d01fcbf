//! What a Windows machine is and has.

mod os;

use std::path::Path;

use anyhow::bail;
use gururmm_protocol::inventory::{
    Disk, Hardware, HotFix, LocalGroup, LoggedInUser, NetworkInterface, PendingReboot, Service, Software, Volume,
};

use crate::core::inventory::{Look, Looked};

pub use os::os_identity;

macro_rules! not_looked_at {
    ($($name:ident: $answer:ty,)*) => {$(
        /// This agent does not look at it on Windows.
        ///
        /// # Errors
        /// Always.
        pub fn $name() -> $answer {
            bail!("this version of the agent does not look at it on Windows")
        }
    )*};
}

not_looked_at! {
    disks: Look<Vec<Disk>>,
    hardware: Look<Hardware>,
    hot_fixes: anyhow::Result<Option<Looked<Vec<HotFix>>>>,
    local_groups: anyhow::Result<Option<Looked<Vec<LocalGroup>>>>,
    logged_in_users: Look<Vec<LoggedInUser>>,
    network: Look<Vec<NetworkInterface>>,
    pending_reboot: Look<PendingReboot>,
    services: Look<Vec<Service>>,
    software: Look<Vec<Software>>,
    volumes: Look<Vec<Volume>>,
}

/// It cannot be told cheaply whether the installed software has changed.
#[must_use]
pub const fn software_stamp() -> Option<String> {
    None
}

/// Whether a mount is a real volume.
#[must_use]
pub const fn is_fixed_volume(_mount: &Path, _file_system: &str) -> bool {
    true
}
