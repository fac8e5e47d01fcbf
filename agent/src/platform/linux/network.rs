//! Network interfaces.

use gururmm_protocol::inventory::NetworkInterface;
use sysinfo::Networks;

use crate::core::inventory::Look;

/// All interfaces but loopback, with their addresses.
///
/// # Errors
/// When the system cannot be asked.
pub fn network() -> Look<Vec<NetworkInterface>> {
    let networks = Networks::new_with_refreshed_list()?;
    let mut interfaces: Vec<_> = networks
        .iter()
        .filter(|(_, data)| !data.ip_networks().iter().any(|network| network.addr.is_loopback()))
        .map(|(name, data)| {
            let mut addresses: Vec<_> =
                data.ip_networks().iter().map(|network| format!("{}/{}", network.addr, network.prefix)).collect();
            addresses.sort_unstable();
            let mac = data.mac_address();
            NetworkInterface {
                name: name.to_string_lossy().into_owned(),
                mac: (!mac.is_unspecified()).then(|| mac.to_string()),
                addresses,
                description: None,
                gateways: vec![],
                dns: vec![],
                dhcp: None,
            }
        })
        .collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(interfaces.into())
}
