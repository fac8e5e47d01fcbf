//! Addresses of callers.

use std::net::{IpAddr, Ipv6Addr};

/// What counts as one caller: an IPv4 address, also when written as IPv6; of IPv6 the network of 64 bits, which one
/// customer has for himself (RFC 6177).
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}
