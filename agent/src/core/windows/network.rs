//! Network interfaces.

use std::net::{IpAddr, Ipv6Addr};

use gururmm_protocol::inventory::NetworkInterface;

/// `IF_TYPE_SOFTWARE_LOOPBACK`.
const LOOPBACK: u32 = 24;
/// `IpSuffixOriginRandom`.
const RANDOM: i32 = 5;
/// `IpDadStateDeprecated` and `IpDadStatePreferred`: the address is in use.
const IN_USE: [i32; 2] = [3, 4];

/// An interface as `GetAdaptersAddresses` tells of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adapter {
    /// What people call it.
    pub friendly_name: String,
    /// What it is.
    pub description: String,
    /// `IfType`.
    pub kind: u32,
    /// Hardware address.
    pub physical: Vec<u8>,
    /// Its addresses.
    pub addresses: Vec<Address>,
    /// Default gateways.
    pub gateways: Vec<IpAddr>,
    /// Name servers.
    pub dns: Vec<IpAddr>,
    /// `IP_ADAPTER_DHCP_ENABLED`.
    pub dhcp: bool,
}

/// An address of an interface (`IP_ADAPTER_UNICAST_ADDRESS`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// Length of its network's prefix.
    pub prefix: u8,
    /// `IP_SUFFIX_ORIGIN`.
    pub suffix_origin: i32,
    /// `IP_DAD_STATE`.
    pub state: i32,
}

impl Address {
    /// A privacy address of IPv6 is another one each day: it tells nothing and would be a change each day. It is random
    /// and, unlike the lasting one, has the whole address as its prefix.
    fn is_temporary(&self) -> bool {
        self.address.is_ipv6() && self.suffix_origin == RANDOM && self.prefix == 128
    }
}

/// The interfaces by name, without loopback and without those that have neither an address nor a hardware address.
#[must_use]
pub fn interfaces(adapters: Vec<Adapter>) -> Vec<NetworkInterface> {
    let mut interfaces: Vec<_> = adapters
        .into_iter()
        .filter(|adapter| adapter.kind != LOOPBACK && !(adapter.addresses.is_empty() && adapter.physical.is_empty()))
        .map(interface)
        .collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    interfaces
}

fn interface(adapter: Adapter) -> NetworkInterface {
    let mut addresses: Vec<_> = adapter
        .addresses
        .iter()
        .filter(|address| IN_USE.contains(&address.state) && !address.is_temporary())
        .map(|address| format!("{}/{}", address.address, address.prefix))
        .collect();
    addresses.sort_unstable();
    let mac: Vec<_> = adapter.physical.iter().map(|byte| format!("{byte:02x}")).collect();
    NetworkInterface {
        name: adapter.friendly_name,
        mac: (!mac.is_empty()).then(|| mac.join(":")),
        addresses,
        description: Some(adapter.description).filter(|description| !description.is_empty()),
        gateways: adapter.gateways.iter().map(IpAddr::to_string).collect(),
        // In the order in which they are asked.
        dns: adapter.dns.iter().filter(|server| !is_placeholder(server)).map(IpAddr::to_string).collect(),
        dhcp: Some(adapter.dhcp),
    }
}

/// `fec0:0:0:ffff::1` to `::3`: Windows lists them where no name server is known for IPv6. Nobody ever answers there.
fn is_placeholder(server: &IpAddr) -> bool {
    (1..=3).any(|last| *server == IpAddr::V6(Ipv6Addr::new(0xFEC0, 0, 0, 0xFFFF, 0, 0, 0, last)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, prefix: u8, suffix_origin: i32, state: i32) -> Address {
        Address { address: text.parse().unwrap(), prefix, suffix_origin, state }
    }

    fn ethernet() -> Adapter {
        Adapter {
            friendly_name: "Ethernet".into(),
            description: "Intel(R) Ethernet Connection I219-LM".into(),
            kind: 6,
            physical: vec![0xA4, 0xBB, 0x6D, 0x01, 0x02, 0x0F],
            addresses: vec![
                address("fe80::1c2d:3e4f:5a6b:7c8d", 64, 4, 4),
                address("2001:db8::5", 64, RANDOM, 4),
                address("2001:db8::7777", 128, RANDOM, 4),
                address("192.168.1.7", 24, 3, 4),
                address("169.254.3.4", 16, 4, 1),
            ],
            gateways: vec!["192.168.1.1".parse().unwrap()],
            dns: ["192.168.1.2", "fec0:0:0:ffff::1", "192.168.1.1"].map(|text| text.parse().unwrap()).into(),
            dhcp: true,
        }
    }

    #[test]
    fn an_interface_is_told_without_what_changes_daily() {
        let loopback = Adapter { kind: LOOPBACK, friendly_name: "Loopback".into(), ..ethernet() };
        let nothing = Adapter { friendly_name: "Teredo".into(), kind: 131, ..Adapter::default() };
        let found = interfaces(vec![loopback, nothing, ethernet()]);
        let [interface] = &found[..] else { panic!("{found:?}") };
        assert_eq!(interface.mac.as_deref(), Some("a4:bb:6d:01:02:0f"));
        assert_eq!(interface.addresses, ["192.168.1.7/24", "2001:db8::5/64", "fe80::1c2d:3e4f:5a6b:7c8d/64"]);
        assert_eq!(interface.dns, ["192.168.1.2", "192.168.1.1"]);
        assert_eq!(interface.gateways, ["192.168.1.1"]);
        assert_eq!(interface.dhcp, Some(true));
    }
}
