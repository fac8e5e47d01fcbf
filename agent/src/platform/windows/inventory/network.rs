//! Network interfaces.

use anyhow::Context as _;
use gururmm_protocol::inventory::NetworkInterface;

use crate::core::inventory::Look;
use crate::core::windows::network::interfaces;
use crate::platform::windows::sys;

/// All interfaces but loopback.
///
/// # Errors
/// When the system does not tell.
pub fn network() -> Look<Vec<NetworkInterface>> {
    Ok(interfaces(sys::network::adapters().context("network adapters")?).into())
}
