//! Network adapters.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr::null;

use windows_sys::Win32::Foundation::{ERROR_BUFFER_OVERFLOW, ERROR_NO_DATA};
use windows_sys::Win32::NetworkManagement::IpHelper::{
    GAA_FLAG_INCLUDE_GATEWAYS, GAA_FLAG_SKIP_ANYCAST, GAA_FLAG_SKIP_MULTICAST, GetAdaptersAddresses,
    IP_ADAPTER_ADDRESSES_LH, IP_ADAPTER_DHCP_ENABLED,
};
use windows_sys::Win32::Networking::WinSock::{
    AF_INET, AF_INET6, AF_UNSPEC, SOCKADDR, SOCKADDR_IN, SOCKADDR_IN6, SOCKET_ADDRESS,
};

use super::{check_code, text_at};
use crate::core::windows::network::{Adapter, Address};

/// What is tried first; the documentation recommends 15 KB.
const FIRST_BYTES: u32 = 15 * 1024;
/// The list may grow between two calls, but not for ever.
const TRIES: u32 = 4;

/// All adapters that IP knows.
pub fn adapters() -> io::Result<Vec<Adapter>> {
    let flags = GAA_FLAG_INCLUDE_GATEWAYS | GAA_FLAG_SKIP_ANYCAST | GAA_FLAG_SKIP_MULTICAST;
    let mut bytes = FIRST_BYTES;
    for _ in 0..TRIES {
        // In units that are aligned as the structures want it.
        let mut buffer = vec![0_u64; (bytes as usize).div_ceil(size_of::<u64>())];
        let first = buffer.as_mut_ptr().cast::<IP_ADAPTER_ADDRESSES_LH>();
        // SAFETY: the buffer has at least as many bytes as is said.
        let code = unsafe { GetAdaptersAddresses(u32::from(AF_UNSPEC), flags, null(), first, &raw mut bytes) };
        match code {
            ERROR_NO_DATA => return Ok(Vec::new()),
            ERROR_BUFFER_OVERFLOW => continue,
            code => check_code(code)?,
        }
        // SAFETY: the call wrote a list to the buffer, beginning with the first.
        return Ok(unsafe { chain(first, |adapter| adapter.Next) }.map(|adapter| unsafe { read(adapter) }).collect());
    }
    Err(io::Error::other("the list of network adapters keeps growing"))
}

/// Walks a linked list.
///
/// # Safety
/// `first` is null or points to a valid element, and so does what `next` gives of each; they outlive `'a`.
unsafe fn chain<'a, T: 'a>(first: *const T, next: impl Fn(&T) -> *mut T + 'a) -> impl Iterator<Item = &'a T> {
    let mut current = first;
    std::iter::from_fn(move || {
        // SAFETY: the caller promises.
        let element = unsafe { current.as_ref() }?;
        current = next(element);
        Some(element)
    })
}

/// # Safety
/// The adapter and all it points to come from `GetAdaptersAddresses` and still lie in its buffer.
unsafe fn read(adapter: &IP_ADAPTER_ADDRESSES_LH) -> Adapter {
    let length = (adapter.PhysicalAddressLength as usize).min(adapter.PhysicalAddress.len());
    // SAFETY: lists, texts and addresses in the same buffer; the union's number is what this call fills in.
    unsafe {
        Adapter {
            friendly_name: text_at(adapter.FriendlyName),
            description: text_at(adapter.Description),
            kind: adapter.IfType,
            physical: adapter.PhysicalAddress[..length].to_vec(),
            addresses: chain(adapter.FirstUnicastAddress, |address| address.Next)
                .filter_map(|unicast| {
                    Some(Address {
                        address: ip(&unicast.Address)?,
                        prefix: unicast.OnLinkPrefixLength,
                        suffix_origin: unicast.SuffixOrigin,
                        state: unicast.DadState,
                    })
                })
                .collect(),
            gateways: chain(adapter.FirstGatewayAddress, |gateway| gateway.Next)
                .filter_map(|gateway| ip(&gateway.Address))
                .collect(),
            dns: chain(adapter.FirstDnsServerAddress, |server| server.Next)
                .filter_map(|server| ip(&server.Address))
                .collect(),
            dhcp: adapter.Anonymous2.Flags & IP_ADAPTER_DHCP_ENABLED != 0,
        }
    }
}

/// # Safety
/// The address points to as many bytes as it says, or to nothing.
unsafe fn ip(address: &SOCKET_ADDRESS) -> Option<IpAddr> {
    let (socket, length) = (address.lpSockaddr, usize::try_from(address.iSockaddrLength).ok()?);
    if socket.is_null() || length < size_of::<SOCKADDR>() {
        return None;
    }
    // SAFETY: of the length that each kind of address has; read as bytes, whatever the alignment.
    unsafe {
        match (*socket).sa_family {
            AF_INET if length >= size_of::<SOCKADDR_IN>() => {
                let address = socket.cast::<SOCKADDR_IN>().read_unaligned().sin_addr.S_un.S_addr;
                Some(IpAddr::V4(Ipv4Addr::from(address.to_ne_bytes())))
            }
            AF_INET6 if length >= size_of::<SOCKADDR_IN6>() => {
                Some(IpAddr::V6(Ipv6Addr::from(socket.cast::<SOCKADDR_IN6>().read_unaligned().sin6_addr.u.Byte)))
            }
            _ => None,
        }
    }
}
