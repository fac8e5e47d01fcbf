//! The service control manager's list. (The crate `windows-service` opens services by name, but does not list them.)

use std::io;
use std::ptr::null;

use windows_sys::Win32::Foundation::{ERROR_MORE_DATA, ERROR_SERVICE_DOES_NOT_EXIST};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, ENUM_SERVICE_STATUS_PROCESSW, EnumServicesStatusExW, OpenSCManagerW, OpenServiceW,
    QUERY_SERVICE_CONFIGW, QueryServiceConfig2W, QueryServiceConfigW, SC_ENUM_PROCESS_INFO, SC_HANDLE,
    SC_MANAGER_CONNECT, SC_MANAGER_ENUMERATE_SERVICE, SERVICE_CONFIG_DELAYED_AUTO_START_INFO,
    SERVICE_DELAYED_AUTO_START_INFO, SERVICE_QUERY_CONFIG, SERVICE_STATE_ALL, SERVICE_WIN32,
};

use super::{check, text_at, wide};
use crate::core::windows::services::{RawConfig, RawService};

/// As much as one call gives (its documentation says).
const LIST_BYTES: usize = 256 * 1024;
/// The largest configuration that there is (likewise).
const CONFIG_BYTES: usize = 8 * 1024;

struct Handle(SC_HANDLE);

impl Handle {
    fn new(handle: SC_HANDLE) -> io::Result<Self> {
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(handle)) }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: it was opened, and is closed once.
        unsafe { CloseServiceHandle(self.0) };
    }
}

/// All services that are no drivers.
pub fn list() -> io::Result<Vec<RawService>> {
    // SAFETY: no names: this machine, its active database.
    let manager = unsafe { OpenSCManagerW(null(), null(), SC_MANAGER_CONNECT | SC_MANAGER_ENUMERATE_SERVICE) };
    let manager = Handle::new(manager)?;
    let mut services = Vec::new();
    // In units that are aligned as the structures want it.
    let mut buffer = vec![0_u64; LIST_BYTES / size_of::<u64>()];
    let (mut needed, mut count, mut resume) = (0, 0, 0);
    loop {
        // SAFETY: the handle is open, the buffer has as many bytes as is said, the answers go into variables of ours.
        let asked = check(unsafe {
            EnumServicesStatusExW(
                manager.0,
                SC_ENUM_PROCESS_INFO,
                SERVICE_WIN32,
                SERVICE_STATE_ALL,
                buffer.as_mut_ptr().cast(),
                u32::try_from(LIST_BYTES).map_err(io::Error::other)?,
                &raw mut needed,
                &raw mut count,
                &raw mut resume,
                null(),
            )
        });
        let more = match asked {
            Ok(()) => false,
            Err(error) if error.raw_os_error() == Some(ERROR_MORE_DATA.cast_signed()) && count > 0 => true,
            Err(error) => return Err(error),
        };
        let first = buffer.as_ptr().cast::<ENUM_SERVICE_STATUS_PROCESSW>();
        // SAFETY: the call wrote this many structures to the beginning of the buffer, which is aligned for them.
        let found = unsafe { std::slice::from_raw_parts(first, count as usize) };
        for entry in found {
            let status = &entry.ServiceStatusProcess;
            // SAFETY: both point to texts with their ends, further on in the buffer.
            let (name, display_name) = unsafe { (text_at(entry.lpServiceName), text_at(entry.lpDisplayName)) };
            let config = match config(&manager, &name) {
                Ok(config) => Ok(config),
                // Removed since it was listed.
                Err(error) if error.raw_os_error() == Some(ERROR_SERVICE_DOES_NOT_EXIST.cast_signed()) => continue,
                Err(error) => Err(error.to_string()),
            };
            services.push(RawService {
                name,
                display_name,
                kind: status.dwServiceType,
                state: status.dwCurrentState,
                exit_code: status.dwWin32ExitCode,
                config,
            });
        }
        if !more {
            return Ok(services);
        }
    }
}

fn config(manager: &Handle, name: &str) -> io::Result<RawConfig> {
    let name = wide(name);
    // SAFETY: the handle is open, the name ends with a NUL.
    let service = Handle::new(unsafe { OpenServiceW(manager.0, name.as_ptr(), SERVICE_QUERY_CONFIG) })?;
    let mut buffer = [0_u64; CONFIG_BYTES / size_of::<u64>()];
    let bytes = u32::try_from(CONFIG_BYTES).map_err(io::Error::other)?;
    let mut needed = 0;
    // SAFETY: the handle is open, the buffer has as many bytes as is said and is aligned for the structure.
    check(unsafe { QueryServiceConfigW(service.0, buffer.as_mut_ptr().cast(), bytes, &raw mut needed) })?;
    // SAFETY: the call filled in this structure; the text it points to lies in the buffer too.
    let (start, account) = unsafe {
        let config = &*buffer.as_ptr().cast::<QUERY_SERVICE_CONFIGW>();
        (config.dwStartType, (!config.lpServiceStartName.is_null()).then(|| text_at(config.lpServiceStartName)))
    };
    let mut delayed = SERVICE_DELAYED_AUTO_START_INFO::default();
    // SAFETY: the handle is open, the structure has as many bytes as is said.
    let told = unsafe {
        QueryServiceConfig2W(
            service.0,
            SERVICE_CONFIG_DELAYED_AUTO_START_INFO,
            (&raw mut delayed).cast(),
            u32::try_from(size_of_val(&delayed)).map_err(io::Error::other)?,
            &raw mut needed,
        )
    };
    Ok(RawConfig { start, delayed: told != 0 && delayed.fDelayedAutostart != 0, account })
}
