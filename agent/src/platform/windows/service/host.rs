//! Being a service: what the service manager says is heard, and it hears how the agent is.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::{Error, define_windows_service, service_dispatcher};
use windows_sys::Win32::Foundation::ERROR_FAILED_SERVICE_CONTROLLER_CONNECT;

use super::{NAME, code, words};
use crate::log;
use crate::platform::windows::event_log;
use crate::service::{EXIT_LASTING, ServiceError, Work};

/// The service manager calls a function without telling it anything: this is the data directory, and what to do.
static TASK: Mutex<Option<(PathBuf, Work)>> = Mutex::new(None);
/// How long stopping may take at most (commands are ended, the last results told).
const STOPPING: Duration = Duration::from_secs(25);

define_windows_service!(service_entry, service_main);

/// Does the work as the service, until it ends or the service manager stops it. The log goes to a file in the data
/// directory, errors to the Event Log too.
///
/// # Errors
/// [`ServiceError`] when this process was not started by the service manager.
pub fn host(data_dir: PathBuf, work: Work) -> Result<(), ServiceError> {
    *TASK.lock().unwrap_or_else(PoisonError::into_inner) = Some((data_dir, work));
    service_dispatcher::start(NAME, service_entry).map_err(|error| match code(&error) {
        Some(ERROR_FAILED_SERVICE_CONTROLLER_CONNECT) => ServiceError::Failed(
            "--service is for the service manager; run the agent in the foreground without it".to_owned(),
        ),
        _ => ServiceError::Failed(format!("the service manager does not answer: {}", words(&error))),
    })
}

fn service_main(_arguments: Vec<OsString>) {
    let Some((data_dir, work)) = TASK.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    log::to_file(&data_dir, event_log::Errors::new());
    // Without the service manager there is no use in going on, and nobody to tell.
    let Ok(code) = serve(work) else { return };
    if code != 0 && code != EXIT_LASTING {
        // An end that is not reported: by that the service manager knows that the agent is to be started again.
        std::process::exit(i32::from(code));
    }
}

fn serve(work: Work) -> Result<u8, Error> {
    let stop = CancellationToken::new();
    let manager: &'static OnceLock<ServiceStatusHandle> = Box::leak(Box::default());
    let asked = stop.clone();
    let handle = service_control_handler::register(NAME, move |control| match control {
        ServiceControl::Stop | ServiceControl::Shutdown | ServiceControl::Preshutdown => {
            if let Some(manager) = manager.get() {
                // What the manager does not hear it finds out when the process ends.
                let _ = manager.set_service_status(status(ServiceState::StopPending, STOPPING, 0));
            }
            asked.cancel();
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        _ => ServiceControlHandlerResult::NotImplemented,
    })?;
    let _ = manager.set(handle);
    handle.set_service_status(status(ServiceState::Running, Duration::ZERO, 0))?;
    event_log::started();
    let code = work(stop.clone());
    event_log::ended(code, stop.is_cancelled());
    if code == 0 || code == EXIT_LASTING || stop.is_cancelled() {
        handle.set_service_status(status(ServiceState::Stopped, Duration::ZERO, code))?;
        return Ok(0);
    }
    Ok(code)
}

fn status(state: ServiceState, wait_hint: Duration, code: u8) -> ServiceStatus {
    let running = state == ServiceState::Running;
    ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: if running {
            ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN | ServiceControlAccept::PRESHUTDOWN
        } else {
            ServiceControlAccept::empty()
        },
        exit_code: if code == 0 {
            ServiceExitCode::NO_ERROR
        } else {
            ServiceExitCode::ServiceSpecific(u32::from(code))
        },
        checkpoint: u32::from(state == ServiceState::StopPending),
        wait_hint,
        process_id: None,
    }
}
