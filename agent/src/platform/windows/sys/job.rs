//! Job objects: a process and everything that it starts, as one thing.

use std::io;
use std::os::windows::io::{AsRawHandle as _, FromRawHandle as _, OwnedHandle};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::process::Child;
use windows_sys::Win32::Foundation::{ERROR_INVALID_PARAMETER, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, TH32CS_SNAPTHREAD, THREADENTRY32, Thread32First, Thread32Next,
};
use windows_sys::Win32::System::JobObjects::{
    AssignProcessToJobObject, CreateJobObjectW, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE,
    JOBOBJECT_BASIC_ACCOUNTING_INFORMATION, JOBOBJECT_EXTENDED_LIMIT_INFORMATION, JobObjectBasicAccountingInformation,
    JobObjectExtendedLimitInformation, QueryInformationJobObject, SetInformationJobObject, TerminateJobObject,
};
use windows_sys::Win32::System::Threading::{OpenThread, ResumeThread, THREAD_SUSPEND_RESUME};

use super::check;

/// A job object. When it is closed, by whatever end of this process, what is in it is killed, unless it was let go.
#[derive(Debug)]
pub struct Job {
    handle: OwnedHandle,
    killed: AtomicBool,
}

impl Job {
    /// An empty one.
    pub fn new() -> io::Result<Self> {
        // SAFETY: no attributes and no name are allowed.
        let handle = unsafe { CreateJobObjectW(null(), null()) };
        if handle.is_null() {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just created, and nobody else's.
        let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
        let job = Self { handle, killed: AtomicBool::new(false) };
        job.limit(JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE)?;
        Ok(job)
    }

    /// What is in it then may outlive it.
    pub fn let_go(&self) -> io::Result<()> {
        self.limit(0)
    }

    fn limit(&self, flags: u32) -> io::Result<()> {
        let mut limits = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
        limits.BasicLimitInformation.LimitFlags = flags;
        // SAFETY: the structure belongs to this class and its size is told.
        check(unsafe {
            SetInformationJobObject(
                self.handle.as_raw_handle(),
                JobObjectExtendedLimitInformation,
                (&raw const limits).cast(),
                size_of_val(&limits) as u32,
            )
        })
    }

    /// Takes in a process that has been created suspended.
    pub fn take_in(&self, child: &Child) -> io::Result<Suspended> {
        let (Some(process), Some(pid)) = (child.raw_handle(), child.id()) else {
            return Err(io::Error::other("the process has ended"));
        };
        // SAFETY: both handles are open; the child keeps its own as long as it is borrowed.
        check(unsafe { AssignProcessToJobObject(self.handle.as_raw_handle(), process) })?;
        Suspended::of(pid)
    }

    /// Kills everything in it.
    pub fn kill(&self) -> io::Result<()> {
        self.killed.store(true, Ordering::Relaxed);
        // SAFETY: the handle is open.
        check(unsafe { TerminateJobObject(self.handle.as_raw_handle(), 1) })
    }

    /// Whether it was killed: an exit code is then not the program's own.
    pub fn was_killed(&self) -> bool {
        self.killed.load(Ordering::Relaxed)
    }

    /// How many processes of it live.
    pub fn living(&self) -> io::Result<u32> {
        let mut counts = JOBOBJECT_BASIC_ACCOUNTING_INFORMATION::default();
        // SAFETY: the structure belongs to this class and its size is told; no length is asked for.
        check(unsafe {
            QueryInformationJobObject(
                self.handle.as_raw_handle(),
                JobObjectBasicAccountingInformation,
                (&raw mut counts).cast(),
                size_of_val(&counts) as u32,
                null_mut(),
            )
        })?;
        Ok(counts.ActiveProcesses)
    }
}

/// The threads of a process that was created suspended: one, and what others may have put into it.
#[derive(Debug)]
pub struct Suspended(Vec<OwnedHandle>);

impl Suspended {
    /// The library gives no handle of the thread, so it is looked up in the list of all threads.
    fn of(pid: u32) -> io::Result<Self> {
        // SAFETY: takes no pointers.
        let list = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPTHREAD, 0) };
        if list == INVALID_HANDLE_VALUE {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: just created, and nobody else's.
        let list = unsafe { OwnedHandle::from_raw_handle(list) };
        let mut entry = THREADENTRY32 { dwSize: size_of::<THREADENTRY32>() as u32, ..THREADENTRY32::default() };
        let mut threads = Vec::new();
        // SAFETY: the list is open, the entry tells its size.
        let mut more = unsafe { Thread32First(list.as_raw_handle(), &raw mut entry) };
        while more != 0 {
            if entry.th32OwnerProcessID == pid {
                // SAFETY: takes no pointers.
                let thread = unsafe { OpenThread(THREAD_SUSPEND_RESUME, 0, entry.th32ThreadID) };
                if !thread.is_null() {
                    // SAFETY: just opened, and nobody else's.
                    threads.push(unsafe { OwnedHandle::from_raw_handle(thread) });
                } else {
                    let error = io::Error::last_os_error();
                    // One that others put in may have ended since the list was made; the process's own is held.
                    if error.raw_os_error() != Some(ERROR_INVALID_PARAMETER.cast_signed()) {
                        return Err(error);
                    }
                }
            }
            // SAFETY: as for the first one.
            more = unsafe { Thread32Next(list.as_raw_handle(), &raw mut entry) };
        }
        if threads.is_empty() { Err(io::Error::other("the process has no thread")) } else { Ok(Self(threads)) }
    }

    /// Lets them run. An error means that none that was held does: one that others put in cannot make a process that runs
    /// count as one that does not. Where nothing was held any more, somebody else let the process run.
    pub fn resume(self) -> io::Result<()> {
        let mut refused = None;
        let mut runs = false;
        for thread in self.0 {
            // SAFETY: the handle is open.
            match unsafe { ResumeThread(thread.as_raw_handle()) } {
                u32::MAX => refused = Some(io::Error::last_os_error()),
                // It was not held.
                0 => {}
                _ => runs = true,
            }
        }
        match refused {
            Some(error) if !runs => Err(error),
            _ => Ok(()),
        }
    }
}
