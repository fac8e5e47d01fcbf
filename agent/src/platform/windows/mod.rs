//! Windows.

mod event_log;
mod files;
mod guard;
mod identity;
mod inventory;
mod meter;
pub mod probe;
mod process;
mod registry;
mod removal;
mod script;
pub mod service;
pub mod smbios;
mod sys;
mod wmi;

pub use files::{create_private_dir, create_private_subdir, default_data_dir, distrust, private, replace, sync_dir};
pub use identity::machine_identity;
pub use inventory::{
    disks, hardware, hot_fixes, local_groups, logged_in_users, network, os_identity, pending_reboot, services,
    software, software_stamp, volumes,
};
pub use meter::Meter;
pub use process::{OUTPUT_ENCODING, Prepared, Process, STARTED_LATE, Tree, kill_tree, termination};
pub use sys::time::time_since_boot;

/// To be called first of all: libraries come from the system's directory only, and a crash opens no dialog.
pub fn harden() {
    sys::loader::only_system_libraries();
    sys::loader::no_error_dialogs();
}

/// Nothing is to be closed: a program here does not hand on what it was handed itself, unless it asks for that.
pub const fn close_inherited() {}
