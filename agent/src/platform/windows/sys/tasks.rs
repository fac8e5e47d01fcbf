//! The task scheduler.

use std::sync::{Mutex, PoisonError};

use windows::Win32::System::Com::{CLSCTX_INPROC_SERVER, CoCreateInstance, CoIncrementMTAUsage};
use windows::Win32::System::TaskScheduler::{ITaskService, TaskScheduler};
use windows::Win32::System::Variant::VARIANT;
use windows::core::{BSTR, Result};

/// Whether COM is set up.
static SET_UP: Mutex<bool> = Mutex::new(false);

/// COM for all threads of this process, once and for ever: where the last one that set it up for itself takes it back, it is
/// gone for whoever shares it too, as WMI does on another thread.
fn set_up() -> Result<()> {
    let mut done = SET_UP.lock().unwrap_or_else(PoisonError::into_inner);
    if !*done {
        // SAFETY: takes nothing; what it gives would only serve to take it back.
        unsafe { CoIncrementMTAUsage() }?;
        *done = true;
    }
    Ok(())
}

/// Connects to the scheduler of this machine, opens its root folder and tells the version of its interface (2 is that of
/// Windows Vista, 6 that of Windows 10).
pub fn version() -> Result<u32> {
    set_up()?;
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

#[cfg(test)]
mod tests {
    use windows::Win32::System::Com::CoGetApartmentType;

    use super::*;

    #[test]
    fn com_is_still_there_for_others_when_the_thread_that_asked_has_ended() {
        std::thread::spawn(version).join().unwrap().unwrap();
        let (mut kind, mut qualifier) = Default::default();
        // SAFETY: the answers go into variables of ours.
        unsafe { CoGetApartmentType(&raw mut kind, &raw mut qualifier) }.unwrap();
    }
}
