//! What Windows' answers mean: pure functions from raw answers (registry values, Win32 structures, rows of WMI) to the
//! inventory. They know nothing of how the answers are got, so they are tested on any system.

pub mod bitlocker;
pub mod disks;
pub mod filetime;
pub mod groups;
pub mod hot_fixes;
pub mod network;
pub mod os;
pub mod problems;
pub mod reboot;
pub mod row;
pub mod services;
pub mod software;
pub mod time_zone;
pub mod users;
pub mod volumes;
pub mod wmi_error;
