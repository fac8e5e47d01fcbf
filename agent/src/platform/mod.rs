//! Everything that differs between operating systems. This is the only place that asks which one it is; each system's
//! module offers the same functions.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub use linux::*;
