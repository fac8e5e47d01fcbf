//! Owners and access lists of files, and who this process is.

use std::fs::File;
use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::path::Path;
use std::ptr::{null, null_mut};

use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, GENERIC_ALL, GENERIC_WRITE, HANDLE};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, ConvertStringSidToSidW,
    GetSecurityInfo, SDDL_REVISION_1, SE_FILE_OBJECT, SetSecurityInfo,
};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, CheckTokenMembership, CreateWellKnownSid, DACL_SECURITY_INFORMATION, GetAce,
    GetSecurityDescriptorDacl, GetSecurityDescriptorOwner, GetTokenInformation, INHERIT_ONLY_ACE, LookupAccountSidW,
    OWNER_SECURITY_INFORMATION, PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, PSID, SECURITY_ATTRIBUTES,
    SECURITY_MAX_SID_SIZE, TOKEN_QUERY, TOKEN_USER, TokenUser, WinBuiltinAdministratorsSid,
};
use windows_sys::Win32::Storage::FileSystem::{
    CreateDirectoryW, DELETE, FILE_APPEND_DATA, FILE_DELETE_CHILD, FILE_WRITE_ATTRIBUTES, FILE_WRITE_DATA,
    FILE_WRITE_EA, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::SystemServices::{ACCESS_ALLOWED_ACE_TYPE, ACCESS_DENIED_ACE_TYPE};
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::{Local, check, check_code, wide, wide_path};
use crate::platform::windows::guard::{Access, Grant, Me};

/// A security descriptor made from its text form (SDDL).
struct Descriptor(Local);

impl Descriptor {
    fn parse(sddl: &str) -> io::Result<Self> {
        let text = wide(sddl);
        let mut made: PSECURITY_DESCRIPTOR = null_mut();
        // SAFETY: the text ends with a NUL, the answer goes into `made`, no size is asked for.
        check(unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(text.as_ptr(), SDDL_REVISION_1, &mut made, null_mut())
        })?;
        Ok(Self(Local(made)))
    }

    /// For what is created with it, while it lives.
    const fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: self.0.0,
            bInheritHandle: 0,
        }
    }

    /// Its access list and owner; they live as long as the descriptor.
    fn parts(&self) -> io::Result<(*mut ACL, PSID)> {
        let (mut dacl, mut owner) = (null_mut(), null_mut());
        let (mut present, mut defaulted) = (0, 0);
        // SAFETY: the descriptor is valid, the answers go into variables of ours.
        check(unsafe { GetSecurityDescriptorDacl(self.0.0, &mut present, &mut dacl, &mut defaulted) })?;
        // SAFETY: as before.
        check(unsafe { GetSecurityDescriptorOwner(self.0.0, &mut owner, &mut defaulted) })?;
        Ok((dacl, owner))
    }
}

/// Creates a directory that has this owner and access list from its first moment.
pub fn create_directory(path: &Path, sddl: &str) -> io::Result<()> {
    let descriptor = Descriptor::parse(sddl)?;
    let attributes = descriptor.attributes();
    let name = wide_path(path)?;
    // SAFETY: the name ends with a NUL, the attributes and the descriptor they point to outlive the call.
    check(unsafe { CreateDirectoryW(name.as_ptr(), &raw const attributes) })
}

/// Creates a pipe that has this access list from its first moment.
pub fn create_pipe(options: &ServerOptions, name: &str, sddl: &str) -> io::Result<NamedPipeServer> {
    let descriptor = Descriptor::parse(sddl)?;
    let mut attributes = descriptor.attributes();
    // SAFETY: the attributes and the descriptor they point to outlive the call.
    unsafe { options.create_with_security_attributes_raw(name, (&raw mut attributes).cast()) }
}

/// Gives a file that is open with the right to change it another access list, which nothing is inherited into, and
/// another owner where the text names one.
pub fn set(file: &File, sddl: &str) -> io::Result<()> {
    let descriptor = Descriptor::parse(sddl)?;
    let (dacl, owner) = descriptor.parts()?;
    let mut what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    if !owner.is_null() {
        what |= OWNER_SECURITY_INFORMATION;
    }
    // SAFETY: the handle is open; list and owner point into the descriptor, which outlives the call.
    check_code(unsafe { SetSecurityInfo(file.as_raw_handle(), SE_FILE_OBJECT, what, owner, null_mut(), dacl, null()) })
}

/// Who owns a file that is open with `READ_CONTROL`, and who may do what with it.
pub fn look(file: &File) -> io::Result<Access> {
    let (mut owner, mut dacl): (PSID, *mut ACL) = (null_mut(), null_mut());
    let mut descriptor = null_mut();
    // SAFETY: the handle is open, the answers go into variables of ours.
    check_code(unsafe {
        GetSecurityInfo(
            file.as_raw_handle(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION,
            &raw mut owner,
            null_mut(),
            &raw mut dacl,
            null_mut(),
            &raw mut descriptor,
        )
    })?;
    // Owner and list point into it.
    let _descriptor = Local(descriptor);
    // SAFETY: the system gave a valid owner.
    let owner = unsafe { sid_text(owner) }?;
    if dacl.is_null() {
        return Ok(Access { owner, grants: None });
    }
    let mut grants = Vec::new();
    // SAFETY: the list is valid as long as the descriptor.
    for index in 0..u32::from(unsafe { (*dacl).AceCount }) {
        let mut entry = null_mut();
        // SAFETY: the index is within the list, the answer goes into `entry`.
        check(unsafe { GetAce(dacl, index, &raw mut entry) })?;
        // SAFETY: every entry begins with a header.
        let header = unsafe { *entry.cast::<ACE_HEADER>() };
        let kind = u32::from(header.AceType);
        if kind == ACCESS_DENIED_ACE_TYPE {
            continue;
        }
        let inside_only = u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0;
        if kind != ACCESS_ALLOWED_ACE_TYPE {
            // An entry for applications or with conditions: as good as one for everybody.
            grants.push(Grant { who: format!("an entry of kind {kind}"), write: true, inside_only });
            continue;
        }
        let allowed = entry.cast::<ACCESS_ALLOWED_ACE>();
        // SAFETY: of this kind, so mask and account follow the header.
        let (mask, who) = unsafe { ((*allowed).Mask, sid_text((&raw mut (*allowed).SidStart).cast())?) };
        grants.push(Grant { who, write: mask & WRITING != 0, inside_only });
    }
    Ok(Access { owner, grants: Some(grants) })
}

/// Rights that let somebody change a file or what is in a directory, or its access list.
const WRITING: u32 = FILE_WRITE_DATA
    | FILE_APPEND_DATA
    | FILE_WRITE_EA
    | FILE_WRITE_ATTRIBUTES
    | FILE_DELETE_CHILD
    | DELETE
    | WRITE_DAC
    | WRITE_OWNER
    | GENERIC_WRITE
    | GENERIC_ALL;

/// # Safety
/// `sid` points to a valid account.
pub(super) unsafe fn sid_text(sid: PSID) -> io::Result<String> {
    let mut text = null_mut();
    // SAFETY: the caller promises a valid account, the answer goes into `text`.
    check(unsafe { ConvertSidToStringSidW(sid, &raw mut text) })?;
    let _text = Local(text.cast());
    // SAFETY: the call gives a text with its end.
    Ok(unsafe { super::read_wide(text) }.to_string_lossy().into_owned())
}

/// Who this process is.
pub fn me() -> io::Result<Me> {
    Ok(Me { user: current_user()?, administrator: is_administrator() })
}

/// The account this process runs as.
fn current_user() -> io::Result<String> {
    let mut token: HANDLE = null_mut();
    // SAFETY: the process's own handle, the answer goes into `token`.
    check(unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) })?;
    // SAFETY: just opened, and nobody else's.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    let mut length = 0;
    // SAFETY: no buffer, only the length is asked for.
    let asked = check(unsafe { GetTokenInformation(token.as_raw_handle(), TokenUser, null_mut(), 0, &raw mut length) });
    if let Err(error) = asked
        && error.raw_os_error() != Some(ERROR_INSUFFICIENT_BUFFER.cast_signed())
    {
        return Err(error);
    }
    // In units that are aligned as the structure wants it.
    let mut buffer = vec![0_u64; (length as usize).div_ceil(size_of::<u64>())];
    // SAFETY: the buffer has at least `length` bytes.
    check(unsafe {
        GetTokenInformation(token.as_raw_handle(), TokenUser, buffer.as_mut_ptr().cast(), length, &raw mut length)
    })?;
    // SAFETY: the call filled in this structure; the account it points to lies in the buffer too.
    unsafe { sid_text((*buffer.as_ptr().cast::<TOKEN_USER>()).User.Sid) }
}

/// Whether this process has an administrator's rights (an elevated prompt, or SYSTEM).
pub fn is_administrator() -> bool {
    let mut sid = [0_u32; (SECURITY_MAX_SID_SIZE as usize).div_ceil(4)];
    let mut size = SECURITY_MAX_SID_SIZE;
    let mut member = 0;
    // SAFETY: the buffer has room for any account, its size is told.
    let made =
        unsafe { CreateWellKnownSid(WinBuiltinAdministratorsSid, null_mut(), sid.as_mut_ptr().cast(), &raw mut size) };
    // SAFETY: the account was made by the call before; no token means this process's own.
    made != 0
        && unsafe { CheckTokenMembership(null_mut(), sid.as_mut_ptr().cast(), &raw mut member) } != 0
        && member != 0
}

/// The name of an account (`DOMAIN\\name`) by its SID as text; the SID itself when nobody knows a name for it.
pub fn account_name(sid: &str) -> String {
    named(sid).unwrap_or_else(|| sid.to_owned())
}

fn named(sid: &str) -> Option<String> {
    let text = wide(sid);
    let mut account = null_mut();
    // SAFETY: the text ends with a NUL, the answer goes into `account`.
    check(unsafe { ConvertStringSidToSidW(text.as_ptr(), &raw mut account) }).ok()?;
    let _account = Local(account);
    let (mut name, mut domain) = ([0_u16; 257], [0_u16; 257]);
    let (mut name_length, mut domain_length) = (256, 256);
    let mut kind = 0;
    // SAFETY: the account is valid, both buffers have more units than is said.
    check(unsafe {
        LookupAccountSidW(
            null(),
            account,
            name.as_mut_ptr(),
            &raw mut name_length,
            domain.as_mut_ptr(),
            &raw mut domain_length,
            &raw mut kind,
        )
    })
    .ok()?;
    // SAFETY: both buffers hold a text with its end: their last unit is never written.
    let (name, domain) = unsafe { (super::read_wide(name.as_ptr()), super::read_wide(domain.as_ptr())) };
    let (name, domain) = (name.to_string_lossy(), domain.to_string_lossy());
    Some(if domain.is_empty() { name.into_owned() } else { format!("{domain}\\{name}") })
}
