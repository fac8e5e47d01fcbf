//! The machine's own groups, and its membership in a domain.

use std::ffi::c_void;
use std::io;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, ERROR_SUCCESS};
use windows_sys::Win32::NetworkManagement::NetManagement::{
    LOCALGROUP_INFO_0, LOCALGROUP_MEMBERS_INFO_2, MAX_PREFERRED_LENGTH, NetApiBufferFree, NetLocalGroupEnum,
    NetLocalGroupGetMembers,
};
use windows_sys::Win32::Networking::ActiveDirectory::{
    DSROLE_PRIMARY_DOMAIN_INFO_BASIC, DsRoleFreeMemory, DsRoleGetPrimaryDomainInformation, DsRolePrimaryDomainInfoBasic,
};
use windows_sys::Win32::Security::{LookupAccountNameW, SECURITY_MAX_SID_SIZE, SidTypeDeletedAccount, SidTypeUnknown};

use super::{check, check_code, text_at, wide};
use crate::core::windows::groups::{Member, RawGroup};
use crate::core::windows::os::Membership;

/// Memory that these calls allocated.
struct Memory(*mut c_void);

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: it came from one of these calls, and is freed once.
        unsafe { NetApiBufferFree(self.0) };
    }
}

/// All groups of this machine.
pub fn list() -> io::Result<Vec<RawGroup>> {
    let names = pages(
        |answer, count, total, resume| {
            // SAFETY: this machine; the answers go into variables of the caller's.
            unsafe { NetLocalGroupEnum(null(), 0, answer, MAX_PREFERRED_LENGTH, count, total, resume) }
        },
        // SAFETY: at this level the call gives these structures, and each has a text with its end.
        |group: &LOCALGROUP_INFO_0| unsafe { text_at(group.lgrpi0_name) },
    )?;
    if names.is_empty() {
        // There are always some that Windows itself made.
        return Err(io::Error::other("Windows tells of no group at all"));
    }
    Ok(names
        .into_iter()
        .map(|name| RawGroup {
            sid: sid_of(&name).ok(),
            members: members(&name).map_err(|error| error.to_string()),
            name,
        })
        .collect())
}

fn members(group: &str) -> io::Result<Vec<Member>> {
    let group = wide(group);
    let members = pages(
        |answer, count, total, resume| {
            // SAFETY: this machine; the name ends with a NUL; the answers go into variables of the caller's.
            unsafe {
                NetLocalGroupGetMembers(null(), group.as_ptr(), 2, answer, MAX_PREFERRED_LENGTH, count, total, resume)
            }
        },
        |member: &LOCALGROUP_MEMBERS_INFO_2| {
            let nameless = [SidTypeUnknown, SidTypeDeletedAccount].contains(&member.lgrmi2_sidusage);
            // SAFETY: at this level the call gives these structures, each with a valid account and a text with its end.
            let (sid, name) =
                unsafe { (super::access::sid_text(member.lgrmi2_sid), text_at(member.lgrmi2_domainandname)) };
            sid.map(|sid| Member { name: (!nameless && !name.is_empty()).then_some(name), sid })
        },
    )?;
    members.into_iter().collect()
}

/// Reads a list that comes in pages.
fn pages<T, R>(
    ask: impl Fn(*mut *mut u8, *mut u32, *mut u32, *mut usize) -> u32,
    read: impl Fn(&T) -> R,
) -> io::Result<Vec<R>> {
    let mut all = Vec::new();
    let mut resume = 0;
    loop {
        let (mut answer, mut count, mut total) = (null_mut(), 0, 0);
        let code = ask(&raw mut answer, &raw mut count, &raw mut total, &raw mut resume);
        let _memory = Memory(answer.cast());
        if code != ERROR_SUCCESS && code != ERROR_MORE_DATA {
            check_code(code)?;
        }
        if !answer.is_null() && count > 0 {
            // SAFETY: the call gave this many of the structures that the caller of this function names.
            all.extend(unsafe { std::slice::from_raw_parts(answer.cast::<T>(), count as usize) }.iter().map(&read));
        }
        if code == ERROR_SUCCESS || count == 0 {
            return Ok(all);
        }
    }
}

/// The SID of an account by its name.
fn sid_of(name: &str) -> io::Result<String> {
    let name = wide(name);
    let mut sid = [0_u32; (SECURITY_MAX_SID_SIZE as usize).div_ceil(4)];
    let mut domain = [0_u16; 257];
    let (mut sid_bytes, mut domain_units, mut kind) = (SECURITY_MAX_SID_SIZE, 257, 0);
    // SAFETY: the name ends with a NUL; both buffers have as much room as is said.
    check(unsafe {
        LookupAccountNameW(
            null(),
            name.as_ptr(),
            sid.as_mut_ptr().cast(),
            &raw mut sid_bytes,
            domain.as_mut_ptr(),
            &raw mut domain_units,
            &raw mut kind,
        )
    })?;
    // SAFETY: the call wrote a valid account.
    unsafe { super::access::sid_text(sid.as_mut_ptr().cast()) }
}

/// Whether the machine is in a domain, and what it is there.
pub fn membership() -> io::Result<Membership> {
    let mut answer = null_mut();
    // SAFETY: this machine; the answer goes into `answer`.
    check_code(unsafe { DsRoleGetPrimaryDomainInformation(null(), DsRolePrimaryDomainInfoBasic, &raw mut answer) })?;
    if answer.is_null() {
        return Err(io::Error::other("an empty answer"));
    }
    let some = |text: String| (!text.is_empty()).then_some(text);
    // SAFETY: at this level the call gives this structure, with texts with their ends or null; it is freed once, afterwards.
    let membership = unsafe {
        let info = &*answer.cast::<DSROLE_PRIMARY_DOMAIN_INFO_BASIC>();
        Membership {
            role: info.MachineRole.cast_unsigned(),
            flat_name: some(text_at(info.DomainNameFlat)),
            dns_name: some(text_at(info.DomainNameDns)),
        }
    };
    // SAFETY: as before.
    unsafe { DsRoleFreeMemory(answer.cast()) };
    Ok(membership)
}
