//! Network interfaces with their gateways and name servers.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use gururmm_protocol::inventory::NetworkInterface;
use serde::Deserialize;
use sysinfo::Networks;

use super::{read_text, tool};
use crate::core::inventory::Look;

const NET: &str = "/sys/class/net";
const MAX_FILE: u64 = 1024 * 1024;
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The servers behind systemd-resolved's own (systemd-resolved.service(8)).
const RESOLVED_CONF: &str = "/run/systemd/resolve/resolv.conf";
const RESOLVED_STUBS: [&str; 2] = ["127.0.0.53", "127.0.0.54"];
const DEADLINE: Duration = Duration::from_secs(5);

/// All interfaces but loopback and the ports of bridges that belong to containers and virtual machines.
///
/// # Errors
/// When the system cannot be asked.
pub fn network() -> Look<Vec<NetworkInterface>> {
    let networks = Networks::new_with_refreshed_list()?;
    let mut interfaces: Vec<_> = networks
        .iter()
        .filter(|(name, data)| {
            !data.ip_networks().iter().any(|network| network.addr.is_loopback()) && !is_port(&Path::new(NET).join(name))
        })
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
                gateways: Vec::new(),
                dns: Vec::new(),
                dhcp: None,
            }
        })
        .collect();
    interfaces.sort_by(|a, b| a.name.cmp(&b.name));
    let mut problems = Vec::new();
    let mut text = |path: &str| {
        read_text(path, MAX_FILE).unwrap_or_else(|error| {
            // A kernel without IPv6 has no such file.
            if !path.ends_with("ipv6_route") {
                problems.push(format!("{path}: {error}"));
            }
            String::new()
        })
    };
    let mut gateways = gateways(&text("/proc/net/route"), &text("/proc/net/ipv6_route"));
    let mut dns = name_servers(&text(RESOLV_CONF));
    if dns.iter().any(|server| RESOLVED_STUBS.contains(&server.as_str())) {
        dns = name_servers(&text(RESOLVED_CONF));
    }
    let dynamic = tool::ask("ip", &["-json", "-4", "address", "show"], DEADLINE, MAX_FILE as usize)
        .ok()
        .and_then(|said| serde_json::from_str::<Vec<Link>>(&said.text).ok())
        .unwrap_or_default();
    for interface in &mut interfaces {
        interface.gateways = gateways.remove(&interface.name).unwrap_or_default();
        interface.dhcp = dynamic.iter().find(|link| link.ifname == interface.name).and_then(Link::dhcp);
    }
    place_name_servers(&mut interfaces, &dns);
    let mut looked = crate::core::inventory::Looked::from(interfaces);
    looked.problems = problems;
    Ok(looked)
}

/// Whether an interface is one end of a container's or virtual machine's line, plugged into a bridge: there may be
/// hundreds, and they come and go.
fn is_port(interface: &Path) -> bool {
    interface.join("brport").exists() && !interface.join("device").exists()
}

/// The system's list of name servers stands at the interfaces that lead out; at those with addresses when none does.
fn place_name_servers(interfaces: &mut [NetworkInterface], dns: &[String]) {
    let leads_out = interfaces.iter().any(|interface| !interface.gateways.is_empty());
    for interface in interfaces {
        if if leads_out { !interface.gateways.is_empty() } else { !interface.addresses.is_empty() } {
            interface.dns = dns.to_vec();
        }
    }
}

/// Default gateways by interface, from `/proc/net/route` (proc(5): addresses in hexadecimal, in the machine's byte order)
/// and `/proc/net/ipv6_route` (destination, its length, source, its length, next hop, metric, references, use, flags,
/// interface).
fn gateways(ipv4: &str, ipv6: &str) -> BTreeMap<String, Vec<String>> {
    /// RTF_UP and RTF_GATEWAY of linux/route.h.
    const UP_GATEWAY: u32 = 0x3;
    let is_gateway = |flags: &str| u32::from_str_radix(flags, 16).is_ok_and(|flags| flags & UP_GATEWAY == UP_GATEWAY);
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in ipv4.lines().skip(1) {
        let fields: Vec<_> = line.split_whitespace().collect();
        if let [interface, "00000000", gateway, flags, _, _, _, "00000000", ..] = fields[..]
            && is_gateway(flags)
            && let Ok(address) = u32::from_str_radix(gateway, 16)
        {
            let address = Ipv4Addr::from(address.to_ne_bytes());
            found.entry(interface.to_owned()).or_default().push(address.to_string());
        }
    }
    for line in ipv6.lines() {
        let fields: Vec<_> = line.split_whitespace().collect();
        if let [destination, "00", _, _, gateway, _, _, _, flags, interface] = fields[..]
            && destination.bytes().all(|byte| byte == b'0')
            && is_gateway(flags)
            && let Ok(address) = u128::from_str_radix(gateway, 16)
        {
            found.entry(interface.to_owned()).or_default().push(Ipv6Addr::from_bits(address).to_string());
        }
    }
    for addresses in found.values_mut() {
        addresses.sort_unstable();
        addresses.dedup();
    }
    found
}

/// The servers of a resolv.conf(5), in order.
fn name_servers(text: &str) -> Vec<String> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("nameserver")).then(|| words.next())?.map(str::to_owned)
        })
        .collect()
}

/// What is used of `ip -json address` (ip-address(8)).
#[derive(Deserialize)]
struct Link {
    #[serde(default)]
    ifname: String,
    #[serde(default)]
    addr_info: Vec<Address>,
}

#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    dynamic: bool,
}

impl Link {
    /// An IPv4 address that ends at some time was leased; one that stays was set.
    fn dhcp(&self) -> Option<bool> {
        (!self.addr_info.is_empty()).then(|| self.addr_info.iter().any(|address| address.dynamic))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_routes_give_the_gateways() {
        let ipv4 = "\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
wlan0\t00000000\tFE01A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0
tun0\t00000000\t00000000\t0001\t0\t0\t50\t00000000\t0\t0\t0
";
        let ipv6 = "\
00000000000000000000000000000000 00 00000000000000000000000000000000 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00000000000000000000000000000000 ffffffff 00000001 00000000 00200200       lo
";
        let found = gateways(ipv4, ipv6);
        // The table was written by a machine with the byte order of this one.
        #[cfg(target_endian = "little")]
        assert_eq!(found["eth0"], ["192.0.2.1", "fe80::1"]);
        #[cfg(target_endian = "little")]
        assert_eq!(found["wlan0"], ["192.168.1.254"]);
        assert_eq!(found.len(), 2, "a route without a gateway is none");
    }

    #[test]
    fn name_servers_stand_where_the_way_out_is() {
        let text =
            "# made by hand\nsearch example.com\nnameserver 192.0.2.53\n  nameserver\t2001:db8::53\nnameserver\n";
        let dns = name_servers(text);
        assert_eq!(dns, ["192.0.2.53", "2001:db8::53"]);
        let interface = |address: &str, gateways: &[&str]| NetworkInterface {
            name: "x".into(),
            mac: None,
            addresses: vec![address.into()],
            description: None,
            gateways: gateways.iter().map(ToString::to_string).collect(),
            dns: vec![],
            dhcp: None,
        };
        let mut interfaces = [interface("10.0.0.2/8", &["10.0.0.1"]), interface("10.9.0.2/16", &[])];
        place_name_servers(&mut interfaces, &dns);
        assert_eq!(interfaces.each_ref().map(|interface| interface.dns.len()), [2, 0]);
        let mut alone = [interface("10.0.0.2/8", &[])];
        place_name_servers(&mut alone, &dns);
        assert_eq!(alone[0].dns.len(), 2);
    }

    #[test]
    fn an_address_that_ends_was_leased() {
        let json = r#"[{"ifindex":1,"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1","prefixlen":8,
            "scope":"host","valid_life_time":4294967295}]},
            {"ifindex":2,"ifname":"eth0","flags":["UP"],"addr_info":[{"family":"inet","local":"192.0.2.7","prefixlen":24,
            "scope":"global","dynamic":true,"valid_life_time":3212}]},{"ifindex":3,"ifname":"eth1","addr_info":[]},{}]"#;
        let links: Vec<Link> = serde_json::from_str(json).unwrap();
        assert_eq!(links.iter().map(Link::dhcp).collect::<Vec<_>>(), [Some(false), Some(true), None, None]);
    }
}
