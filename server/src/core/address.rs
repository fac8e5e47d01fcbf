//! Addresses of callers, and the networks by which they are counted.

use std::net::{IpAddr, Ipv6Addr};

/// How many times as much as one of its networks a site may do.
pub const NETWORKS_PER_SITE: u32 = 3;

/// What counts as one caller: an IPv4 address, also when written as IPv6; of IPv6 the network of 64 bits, the least that a
/// customer has.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    first_bits(address, 64)
}

/// What one customer may have many networks in: of IPv6 the 48 bits that a site gets at most (RFC 6177); of IPv4 there is
/// nothing between an address and everybody.
#[must_use]
pub fn site(address: IpAddr) -> IpAddr {
    first_bits(address, 48)
}

fn first_bits(address: IpAddr, bits: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> bits))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_are_counted_by_network_and_by_site() {
        let counted = |text: &str| {
            let address = text.parse().unwrap();
            (network(address).to_string(), site(address).to_string())
        };
        let both = |network: &str, site: &str| (network.to_owned(), site.to_owned());
        assert_eq!(counted("192.0.2.7"), both("192.0.2.7", "192.0.2.7"));
        assert_eq!(counted("::ffff:192.0.2.7"), both("192.0.2.7", "192.0.2.7"));
        assert_eq!(counted("2001:db8:1:2:3:4:5:6"), both("2001:db8:1:2::", "2001:db8:1::"));
    }
}
