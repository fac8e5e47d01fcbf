//! Where libraries are loaded from, and what happens when a program crashes.

use windows_sys::Win32::System::Diagnostics::Debug::{
    SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SEM_NOOPENFILEERRORBOX, SetErrorMode,
};
use windows_sys::Win32::System::LibraryLoader::{
    LOAD_LIBRARY_SEARCH_SYSTEM32, SetDefaultDllDirectories, SetDllDirectoryW,
};
use windows_sys::Win32::System::SystemServices::PROCESS_MITIGATION_IMAGE_LOAD_POLICY;
use windows_sys::Win32::System::Threading::{ProcessImageLoadPolicy, SetProcessMitigationPolicy};

/// `PreferSystem32Images` of `PROCESS_MITIGATION_IMAGE_LOAD_POLICY`.
const PREFER_SYSTEM32: u32 = 1 << 2;

/// From now on libraries come from the system's own directory only: a file beside the program, in the current directory
/// or along `PATH` is never loaded. Nothing here can be refused in a way that matters; an older Windows knows less.
pub fn only_system_libraries() {
    // SAFETY: takes no pointers.
    unsafe { SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32) };
    // SAFETY: an empty text takes the current directory out of the search.
    unsafe { SetDllDirectoryW(super::wide("").as_ptr()) };
    let mut policy = PROCESS_MITIGATION_IMAGE_LOAD_POLICY::default();
    policy.Anonymous.Flags = PREFER_SYSTEM32;
    // SAFETY: the structure belongs to this policy and its size is told.
    unsafe { SetProcessMitigationPolicy(ProcessImageLoadPolicy, (&raw const policy).cast(), size_of_val(&policy)) };
}

/// No dialog that nobody sees when this process, or one that it starts, crashes or finds no disk in a drive.
pub fn no_error_dialogs() {
    // SAFETY: takes no pointers.
    unsafe { SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX | SEM_NOOPENFILEERRORBOX) };
}
