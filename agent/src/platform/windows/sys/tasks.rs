//! The task scheduler.

use windows::Win32::System::Com::{
    CLSCTX_INPROC_SERVER, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoUninitialize,
};
use windows::Win32::System::TaskScheduler::{ITaskService, TaskScheduler};
use windows::Win32::System::Variant::VARIANT;
use windows::core::{BSTR, Result};

/// COM for the thread that makes it.
struct Com;

impl Com {
    fn new() -> Result<Self> {
        // SAFETY: undone once, by the same thread, when this value ends; it is not `Send`, being kept in one function.
        unsafe { CoInitializeEx(None, COINIT_MULTITHREADED) }.ok()?;
        Ok(Self)
    }
}

impl Drop for Com {
    fn drop(&mut self) {
        // SAFETY: it was set up by this thread, and everything that was made with it is dropped before.
        unsafe { CoUninitialize() };
    }
}

/// Connects to the scheduler of this machine, opens its root folder and tells the version of its interface (2 is that of
/// Windows Vista, 6 that of Windows 10).
pub fn version() -> Result<u32> {
    let _com = Com::new()?;
    let nothing = VARIANT::default();
    // SAFETY: an interface of this class, whose values all live until the calls return.
    let version = unsafe {
        let service: ITaskService = CoCreateInstance(&TaskScheduler, None, CLSCTX_INPROC_SERVER)?;
        service.Connect(&nothing, &nothing, &nothing, &nothing)?;
        service.GetFolder(&BSTR::from("\\"))?;
        service.HighestVersion()?
    };
    // Major version above, minor version below.
    Ok(version & 0xFFFF)
}
