//! The agent as a Windows service.

mod host;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use windows_service::Error;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceExitCode,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState, ServiceStatus,
    ServiceType,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};
use windows_sys::Win32::Foundation::{
    ERROR_ACCESS_DENIED, ERROR_SERVICE_ALREADY_RUNNING, ERROR_SERVICE_DOES_NOT_EXIST, ERROR_SERVICE_MARKED_FOR_DELETE,
    ERROR_SERVICE_NOT_ACTIVE,
};

use super::{event_log, identity, removal, sys};
use crate::service::{EXIT_LASTING, Installed, Seen, ServiceError};
pub use host::host;

/// The service's name.
pub const NAME: &str = "GuruRMMAgent";
/// What a person does to stop the service.
pub const HOW_TO_STOP: &str = "`gururmm-agent service stop`";
/// What somebody hears who is not the administrator.
pub const NOT_ALLOWED: &str = "this needs an administrator; run it in an elevated prompt";
const DISPLAY_NAME: &str = "GuruRMM Agent";
const DESCRIPTION: &str = "Keeps this computer in touch with its GuruRMM server: reports what it is and how it is \
                           doing, and does what technicians order.";
/// Where the service's definition stands in the registry.
const DEFINITION: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\GuruRMMAgent";
const PROGRAM: &str = "gururmm-agent.exe";

/// How long the service manager waits before it starts a failed agent again: the first time, the second, all others.
const RESTARTS: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(120)];
/// After this long without a failure it counts from the first time again.
const FAILURES_FORGOTTEN: Duration = Duration::from_secs(24 * 3_600);
/// How long the agent may take to stop when the machine is shut down.
const PRESHUTDOWN: Duration = Duration::from_secs(20);

/// How long a change of the service's state is waited for.
const PATIENCE: Duration = Duration::from_secs(45);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Whether this process may manage services.
///
/// # Errors
/// [`ServiceError::NotAllowed`] otherwise.
pub fn check() -> Result<(), ServiceError> {
    if sys::access::is_administrator() { Ok(()) } else { Err(ServiceError::NotAllowed) }
}

/// Where an installation copies the program to.
#[must_use]
pub fn place() -> PathBuf {
    sys::files::program_files().join("GuruRMM").join(PROGRAM)
}

/// What an installation leaves here.
///
/// # Errors
/// Never.
pub fn plan(_earlier: Option<&Installed>) -> Result<Installed, ServiceError> {
    Ok(Installed { unit: PathBuf::from(DEFINITION), program: Some(place()) })
}

/// What the service manager knows of a service with this data directory; none when there is none, or one with another.
#[must_use]
pub fn find(data_dir: &Path) -> Option<Installed> {
    let config = open(ServiceAccess::QUERY_CONFIG).ok()??.query_config().ok()?;
    let program = place();
    is_ours(&config.executable_path.to_string_lossy(), &program, data_dir)
        .then(|| Installed { unit: PathBuf::from(DEFINITION), program: Some(program) })
}

/// Whether a service's command line is the one that an installation of this program on this data directory makes.
fn is_ours(command_line: &str, program: &Path, data_dir: &Path) -> bool {
    let (program, data_dir) = (program.display().to_string(), data_dir.display().to_string());
    // Quotes stand only around what has spaces in it.
    let words = |line: &str| line.replace('"', "").to_lowercase();
    words(command_line) == words(&format!("{program} run --service --data-dir {data_dir}"))
}

/// Copies the running program to its place, makes the service, and a source in the Event Log.
///
/// # Errors
/// [`ServiceError`] when something cannot be written or the service manager refuses.
pub fn install(data_dir: &Path) -> Result<(), ServiceError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |error: io::Error| ServiceError::Failed(format!("{path}: {error}"))
    };
    let running = std::env::current_exe().map_err(failed(Path::new("the running program")))?;
    let data_dir = std::path::absolute(data_dir).map_err(failed(data_dir))?;
    let program = place();
    if !same_file(&running, &program) {
        // A running program cannot be replaced.
        stop()?;
        // Below Program Files only administrators write, and so it is here.
        let directory = program.parent().unwrap_or(&program);
        fs::create_dir_all(directory).map_err(failed(directory))?;
        let beside = program.with_extension("new");
        fs::copy(&running, &beside).map_err(failed(&beside))?;
        super::replace(&beside, &program, true).map_err(failed(&program))?;
    }
    let info = ServiceInfo {
        name: OsString::from(NAME),
        display_name: OsString::from(DISPLAY_NAME),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        // The library puts the path into quotes where it has spaces.
        executable_path: program,
        launch_arguments: ["run", "--service", "--data-dir"]
            .into_iter()
            .map(OsString::from)
            .chain([data_dir.into_os_string()])
            .collect(),
        dependencies: Vec::new(),
        // LocalSystem.
        account_name: None,
        account_password: None,
    };
    let service = match open(ServiceAccess::ALL_ACCESS)? {
        Some(service) => {
            service.change_config(&info).map_err(told("the service cannot be changed"))?;
            service
        }
        None => manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?
            .create_service(&info, ServiceAccess::ALL_ACCESS)
            .map_err(told("the service cannot be made"))?,
    };
    configure(&service);
    event_log::register().map_err(failed(Path::new("the source in the Event Log")))
}

fn same_file(a: &Path, b: &Path) -> bool {
    matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b)
}

/// Everything that a service also runs without; what cannot be set is told.
fn configure(service: &Service) {
    let restart = |delay| ServiceAction { action_type: ServiceActionType::Restart, delay };
    // Only after an end that was not reported, a crash: an agent that reports its end has a reason to stay away.
    let recovery = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(FAILURES_FORGOTTEN),
        reboot_msg: None,
        command: None,
        actions: Some(RESTARTS.map(restart).to_vec()),
    };
    for (what, done) in [
        ("its description", service.set_description(DESCRIPTION)),
        ("the delay of its start", service.set_delayed_auto_start(true)),
        ("its time at shutdown", service.set_preshutdown_timeout(PRESHUTDOWN)),
        ("its start after a failure", service.update_failure_actions(recovery)),
    ] {
        if let Err(error) = done {
            tracing::warn!("the service is installed, but {what} cannot be set: {}", words(&error));
        }
    }
}

/// Takes a new program and definition into use.
///
/// # Errors
/// [`ServiceError`] when the service does not start.
pub fn activate() -> Result<(), ServiceError> {
    stop()?;
    start()
}

/// Starts the service and waits until it runs.
///
/// # Errors
/// [`ServiceError`] when it does not.
pub fn start() -> Result<(), ServiceError> {
    let service = open(ServiceAccess::START | ServiceAccess::QUERY_STATUS)?.ok_or_else(not_installed)?;
    match service.start::<OsString>(&[]) {
        Err(error) if code(&error) != Some(ERROR_SERVICE_ALREADY_RUNNING) => {
            return Err(told("the service cannot be started")(error));
        }
        _ => {}
    }
    let status = wait(&service, |state| matches!(state, ServiceState::Running | ServiceState::Stopped))?;
    if status.current_state == ServiceState::Running {
        return Ok(());
    }
    Err(ServiceError::Failed(format!(
        "the service ended at once{}; the Event Log (Windows Logs, Application) says why",
        end_of(&status)
    )))
}

/// Stops the service and waits until it has stopped and its process is gone, with the files that it held; one that does
/// not run, or is not there, is as good.
///
/// # Errors
/// [`ServiceError`] when it does not stop.
pub fn stop() -> Result<(), ServiceError> {
    let Some(service) = open(ServiceAccess::STOP | ServiceAccess::QUERY_STATUS)? else { return Ok(()) };
    // A process that has ended by now cannot be opened, and need not be waited for.
    let process = query(&service)?.process_id.and_then(|id| sys::process::Other::open(id).ok());
    if let Err(error) = service.stop()
        && code(&error) != Some(ERROR_SERVICE_NOT_ACTIVE)
        // One that is on its way already refuses the request, too.
        && query(&service)?.current_state != ServiceState::StopPending
    {
        return Err(told("the service cannot be stopped")(error));
    }
    wait(&service, |state| state == ServiceState::Stopped)?;
    match process {
        Some(process) if !process.ends_within(PATIENCE) => {
            Err(ServiceError::Failed("the service has stopped, but its process does not end; look again later".into()))
        }
        _ => Ok(()),
    }
}

/// Removes the service, and what the agent has in the registry. Does not stop the service: it may be the caller; it is gone
/// when its process ends.
///
/// # Errors
/// [`ServiceError`] when the service stays; the rest does then, too.
pub fn remove_definition(_unit: &Path) -> Result<(), ServiceError> {
    match open(ServiceAccess::DELETE)?.map(|service| service.delete()) {
        Some(Err(error)) if code(&error) != Some(ERROR_SERVICE_MARKED_FOR_DELETE) => {
            return Err(told("the service cannot be removed")(error));
        }
        _ => {}
    }
    event_log::unregister();
    identity::forget_boot();
    Ok(())
}

/// Removes the program, which may be the one that runs.
///
/// # Errors
/// [`ServiceError`] when it stays.
pub fn remove_program(program: &Path) -> Result<(), ServiceError> {
    removal::remove_program(program).map_err(|error| ServiceError::Failed(format!("{}: {error}", program.display())))
}

/// What the service manager says about the service.
///
/// # Errors
/// [`ServiceError`] when the service manager does not answer.
pub fn look() -> Result<Seen, ServiceError> {
    let Some(service) = open(ServiceAccess::QUERY_STATUS | ServiceAccess::QUERY_CONFIG)? else {
        return Ok(Seen { installed: false, automatic: false, running: false, words: "not installed".to_owned() });
    };
    let config = service.query_config().map_err(told("the service cannot be asked"))?;
    let start = match config.start_type {
        ServiceStartType::AutoStart => "automatic",
        ServiceStartType::OnDemand => "manual",
        ServiceStartType::Disabled => "disabled",
        _ => "started by the system",
    };
    let status = query(&service)?;
    let state = match status.current_state {
        ServiceState::Stopped => "stopped",
        ServiceState::StartPending => "starting",
        ServiceState::StopPending => "stopping",
        ServiceState::Running => "running",
        _ => "paused",
    };
    Ok(Seen {
        installed: true,
        automatic: config.start_type == ServiceStartType::AutoStart,
        running: matches!(status.current_state, ServiceState::Running | ServiceState::StartPending),
        words: format!("{start}, {state}{}", end_of(&status)),
    })
}

/// How a stopped service ended, where it was not in order.
fn end_of(status: &ServiceStatus) -> String {
    match (status.current_state, status.exit_code) {
        (ServiceState::Stopped, ServiceExitCode::ServiceSpecific(code)) if code == u32::from(EXIT_LASTING) => {
            format!(" (exit code {code}: starting again is useless; not enrolled, decommissioned, or misconfigured)")
        }
        (ServiceState::Stopped, ServiceExitCode::ServiceSpecific(code)) => format!(" (exit code {code})"),
        _ => String::new(),
    }
}

fn wait(service: &Service, reached: impl Fn(ServiceState) -> bool) -> Result<ServiceStatus, ServiceError> {
    let mut waited = Duration::ZERO;
    loop {
        let status = query(service)?;
        if reached(status.current_state) {
            return Ok(status);
        }
        if waited >= PATIENCE {
            let state = status.current_state;
            return Err(ServiceError::Failed(format!("the service is {state:?} and stays so; look again later")));
        }
        std::thread::sleep(LOOK_AGAIN);
        waited += LOOK_AGAIN;
    }
}

fn query(service: &Service) -> Result<ServiceStatus, ServiceError> {
    service.query_status().map_err(told("the service cannot be asked"))
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, ServiceError> {
    ServiceManager::local_computer(None::<&str>, access).map_err(told("the service manager does not answer"))
}

/// The service; none when there is none.
fn open(access: ServiceAccess) -> Result<Option<Service>, ServiceError> {
    match manager(ServiceManagerAccess::CONNECT)?.open_service(NAME, access) {
        Ok(service) => Ok(Some(service)),
        Err(error) if code(&error) == Some(ERROR_SERVICE_DOES_NOT_EXIST) => Ok(None),
        Err(error) => Err(told("the service cannot be opened")(error)),
    }
}

fn not_installed() -> ServiceError {
    ServiceError::Failed("the service is not installed; `gururmm-agent service install` does that".to_owned())
}

/// The system's own error code.
fn code(error: &Error) -> Option<u32> {
    match error {
        Error::Winapi(error) => error.raw_os_error().map(i32::cast_unsigned),
        _ => None,
    }
}

fn words(error: &Error) -> String {
    match error {
        Error::Winapi(error) => error.to_string(),
        other => other.to_string(),
    }
}

fn told(what: &'static str) -> impl FnOnce(Error) -> ServiceError {
    move |error| match code(&error) {
        Some(ERROR_ACCESS_DENIED) => ServiceError::NotAllowed,
        Some(ERROR_SERVICE_MARKED_FOR_DELETE) => ServiceError::Failed(format!(
            "{what}: it was removed and is still in use; close the Services window and try again"
        )),
        _ => ServiceError::Failed(format!("{what}: {}", words(&error))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_on_another_directory_is_somebody_elses() {
        let (program, data_dir) = (Path::new(r"C:\Program Files\GuruRMM\a.exe"), Path::new(r"C:\ProgramData\GuruRMM"));
        let line = r#""C:\Program Files\GuruRMM\a.exe" run --service --data-dir C:\ProgramData\GuruRMM"#;
        assert!(is_ours(line, program, data_dir));
        assert!(!is_ours(line, program, Path::new(r"C:\ProgramData")));
        assert!(!is_ours(line, Path::new(r"C:\a.exe"), data_dir));
    }
}
