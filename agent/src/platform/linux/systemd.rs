//! The agent as a systemd service.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::service::{EXIT_LASTING, Installed, Seen, ServiceError, Work};
use crate::store::files;

/// The service's name.
pub const NAME: &str = "gururmm-agent";
/// What a person does to stop the service.
pub const HOW_TO_STOP: &str = "`systemctl stop gururmm-agent`";
/// What somebody hears who is not the administrator.
pub const NOT_ALLOWED: &str = "this needs root; run it with sudo";
const UNIT: &str = "/etc/systemd/system/gururmm-agent.service";
/// What starts the unit with the machine, beside the unit: enabling it makes the link.
const WANTED: &str = "multi-user.target.wants";
/// Where the program is copied to.
const PROGRAM: &str = "/usr/local/bin/gururmm-agent";

/// Whether systemd runs here (sd_booted(3)) and we may use it.
///
/// # Errors
/// [`ServiceError`] with what to do instead.
pub fn check() -> Result<(), ServiceError> {
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(no_systemd());
    }
    if nix::unistd::geteuid().is_root() { Ok(()) } else { Err(ServiceError::NotAllowed) }
}

fn no_systemd() -> ServiceError {
    ServiceError::NoManager(
        "systemd does not run on this machine, so there is no service to manage; start the agent yourself with \
         `gururmm-agent run`"
            .to_owned(),
    )
}

fn failed(what: &str) -> impl FnOnce(std::io::Error) -> ServiceError {
    let what = what.to_owned();
    move |error| ServiceError::Failed(format!("{what}: {error}"))
}

/// The running program, and whether it is to be copied to its place.
fn running() -> Result<(PathBuf, bool), ServiceError> {
    let running = std::env::current_exe().map_err(failed("the running program"))?;
    let managed_elsewhere = running.starts_with("/usr/bin") || running.starts_with("/usr/sbin");
    let to_copy = !managed_elsewhere && running != Path::new(PROGRAM);
    Ok((running, to_copy))
}

/// Where an installation copies the program to.
#[must_use]
pub fn place() -> PathBuf {
    PathBuf::from(PROGRAM)
}

/// What an installation leaves here.
///
/// # Errors
/// [`ServiceError`] when the running program is not known.
pub fn plan(earlier: Option<&Installed>) -> Result<Installed, ServiceError> {
    let copied = running()?.1.then(|| PathBuf::from(PROGRAM));
    let program = copied.or_else(|| earlier.and_then(|earlier| earlier.program.clone()));
    Ok(Installed { unit: PathBuf::from(UNIT), program })
}

/// The unit, when an installation made it and it runs on this data directory. Whether the program was copied along is not
/// known then, so it stays.
#[must_use]
pub fn find(data_dir: &Path) -> Option<Installed> {
    let unit = fs::read_to_string(UNIT).ok()?;
    is_ours(&unit, data_dir).then(|| Installed { unit: PathBuf::from(UNIT), program: None })
}

fn is_ours(unit: &str, data_dir: &Path) -> bool {
    quoted(data_dir).is_ok_and(|data_dir| {
        let end = format!(" run --data-dir {data_dir}");
        unit.lines().any(|line| line.starts_with("ExecStart=") && line.ends_with(&end))
    })
}

/// Copies the running program to its place and writes the unit.
///
/// # Errors
/// [`ServiceError`] when a file cannot be written.
pub fn install(data_dir: &Path) -> Result<(), ServiceError> {
    let (running, to_copy) = running()?;
    let place = PathBuf::from(PROGRAM);
    let exec = if to_copy {
        // Renamed into place: a running copy keeps its old content.
        let beside = place.with_extension("new");
        fs::copy(&running, &beside).map_err(failed(PROGRAM))?;
        fs::rename(&beside, &place).map_err(failed(PROGRAM))?;
        place
    } else {
        running
    };
    let data_dir = std::path::absolute(data_dir).map_err(failed("data-dir"))?;
    fs::write(UNIT, unit(&exec, &data_dir)?).map_err(failed(UNIT))
}

/// The unit file. A proxy is set in `/etc/default/gururmm-agent`. Commands outlive nothing: what is left of them when
/// the agent has stopped is killed with it; but one that uses up the memory does not take the agent along.
fn unit(exec: &Path, data_dir: &Path) -> Result<String, ServiceError> {
    let (exec, data_dir) = (quoted(exec)?, quoted(data_dir)?);
    Ok(format!(
        "[Unit]\n\
         Description=GuruRMM agent\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         ExecStart={exec} run --data-dir {data_dir}\n\
         EnvironmentFile=-/etc/default/gururmm-agent\n\
         Restart=on-failure\n\
         RestartSec=5\n\
         RestartPreventExitStatus={EXIT_LASTING}\n\
         KillMode=mixed\n\
         TimeoutStopSec=30\n\
         OOMPolicy=continue\n\
         \n\
         [Install]\n\
         WantedBy=multi-user.target\n"
    ))
}

/// A path as one word of a unit file (systemd.syntax(7)).
fn quoted(path: &Path) -> Result<String, ServiceError> {
    let text = path
        .to_str()
        .filter(|text| !text.contains(char::is_control))
        .ok_or_else(|| ServiceError::Failed(format!("{} cannot stand in a unit file", path.display())))?;
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    Ok(format!("\"{escaped}\""))
}

/// Makes systemd read the unit, start it now and at every boot.
///
/// # Errors
/// [`ServiceError`] with what systemctl said.
pub fn activate() -> Result<(), ServiceError> {
    systemctl(&["daemon-reload"])?;
    systemctl(&["enable", NAME])?;
    // Also takes a new program and unit into use where an older one runs.
    systemctl(&["restart", NAME])
}

/// Starts the service.
///
/// # Errors
/// [`ServiceError`] with what systemctl said.
pub fn start() -> Result<(), ServiceError> {
    systemctl(&["start", NAME])
}

/// systemd starts a program that need not know that it is a service.
///
/// # Errors
/// Always, with what to do instead.
pub fn host(_data_dir: PathBuf, _work: Work) -> Result<(), ServiceError> {
    Err(ServiceError::Failed("--service is for Windows; systemd starts the agent without it".to_owned()))
}

/// Stops the service; one that is not there is as good as stopped.
///
/// # Errors
/// [`ServiceError`] with what systemctl said.
pub fn stop() -> Result<(), ServiceError> {
    if is_gone() { Ok(()) } else { systemctl(&["stop", NAME]) }
}

/// Whether an earlier removal, or an installation that failed, left neither unit nor process.
fn is_gone() -> bool {
    !Path::new(UNIT).exists() && has_stopped(&ask("is-active"))
}

/// Whether nothing of a unit runs any more, by the answer of `systemctl is-active`; one that is on its way still does.
fn has_stopped(active: &str) -> bool {
    matches!(active, "inactive" | "failed" | "unknown")
}

/// Removes the unit; the process that runs goes on.
///
/// # Errors
/// [`ServiceError`] when the unit stays; it still starts with the machine then.
pub fn remove_definition(unit: &Path) -> Result<(), ServiceError> {
    remove_unit(unit, systemctl)
}

fn remove_unit(
    unit: &Path,
    mut systemctl: impl FnMut(&[&str]) -> Result<(), ServiceError>,
) -> Result<(), ServiceError> {
    // Before it is disabled, so that one that stays is as it was.
    files::remove(unit)?;
    // Some versions remove the links of a unit that is gone, and complain all the same; others only complain. So the link that
    // an installation makes is removed here.
    let _ = systemctl(&["disable", NAME]);
    let link = unit.with_file_name(WANTED).join(format!("{NAME}.service"));
    if let Err(error) = files::remove(&link) {
        tracing::warn!(%error, "a link to the service's unit stays, which leads nowhere");
    }
    if let Err(error) = systemctl(&["daemon-reload"]) {
        tracing::warn!(%error, "systemd has not taken note yet that the unit is gone");
    }
    Ok(())
}

/// Removes the program; a process of it that runs goes on.
///
/// # Errors
/// [`ServiceError`] when it stays.
pub fn remove_program(program: &Path) -> Result<(), ServiceError> {
    Ok(files::remove(program)?)
}

/// What systemd says about the unit.
///
/// # Errors
/// [`ServiceError`] when systemd does not run here.
pub fn look() -> Result<Seen, ServiceError> {
    if !Path::new("/run/systemd/system").is_dir() {
        return Err(no_systemd());
    }
    Ok(seen(&ask("is-enabled"), &ask("is-active")))
}

/// What systemctl answers; nothing when it does not.
fn ask(verb: &str) -> String {
    // The answer is a word on standard output; the exit code only repeats it.
    Command::new("systemctl")
        .args([verb, NAME])
        .output()
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default()
}

/// The answers of `systemctl is-enabled` and `is-active` (systemctl(1)); the former says nothing, or `not-found`, of a
/// unit that is not there.
fn seen(enabled: &str, active: &str) -> Seen {
    let or_not = |word: &str| if word.is_empty() { "not installed".to_owned() } else { word.to_owned() };
    Seen {
        installed: !matches!(enabled, "" | "not-found"),
        automatic: matches!(enabled, "enabled" | "enabled-runtime"),
        running: matches!(active, "active" | "reloading" | "activating"),
        words: format!("{}, {}", or_not(enabled), or_not(active)),
    }
}

fn systemctl(arguments: &[&str]) -> Result<(), ServiceError> {
    let call = format!("systemctl {}", arguments.join(" "));
    let output = Command::new("systemctl")
        .args(arguments)
        .output()
        .map_err(|error| ServiceError::Failed(format!("{call}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(ServiceError::Failed(format!("{call}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_restarts_after_failures_but_not_after_a_lasting_one() {
        let unit = unit(Path::new("/opt/my dir/agent"), Path::new("/var/lib/gururmm-agent")).unwrap();
        assert!(unit.contains("ExecStart=\"/opt/my dir/agent\" run --data-dir \"/var/lib/gururmm-agent\"\n"), "{unit}");
        assert!(unit.contains("RestartPreventExitStatus=78\n"));
        assert!(super::unit(Path::new("/opt/a\nb"), Path::new("/")).is_err());
        assert!(is_ours(&unit, Path::new("/var/lib/gururmm-agent")) && !is_ours(&unit, Path::new("/var/lib")));
    }

    #[test]
    fn what_systemctl_says_is_understood() {
        let flags = |enabled, active| {
            let seen = seen(enabled, active);
            (seen.installed, seen.automatic, seen.running)
        };
        assert_eq!(flags("enabled", "active"), (true, true, true));
        assert_eq!(flags("disabled", "inactive"), (true, false, false));
        assert_eq!(flags("enabled", "failed"), (true, true, false));
        assert_eq!(flags("not-found", "inactive"), (false, false, false));
        assert_eq!(flags("", "inactive"), (false, false, false));
        assert_eq!(seen("", "inactive").words, "not installed, inactive");
        assert!(["inactive", "failed", "unknown"].into_iter().all(has_stopped));
        assert!(!["active", "activating", "deactivating", "reloading", ""].into_iter().any(has_stopped));
    }

    /// A unit and what enables it.
    fn enabled(directory: &Path) -> (PathBuf, PathBuf) {
        let (unit, wanted) = (directory.join("gururmm-agent.service"), directory.join(WANTED));
        fs::create_dir(&wanted).unwrap();
        let link = wanted.join("gururmm-agent.service");
        std::os::unix::fs::symlink(&unit, &link).unwrap();
        (unit, link)
    }

    #[test]
    fn a_unit_goes_with_what_enables_it_also_when_only_that_is_left() {
        for is_there in [true, false] {
            let temp = tempfile::tempdir().unwrap();
            let (unit, link) = enabled(temp.path());
            if is_there {
                fs::write(&unit, "").unwrap();
            }
            let mut asked = Vec::new();
            // As of a unit that it does not find.
            let systemctl = |arguments: &[&str]| {
                asked.push(arguments.join(" "));
                Err(ServiceError::Failed("Unit file gururmm-agent.service does not exist.".to_owned()))
            };
            remove_unit(&unit, systemctl).unwrap();
            assert!(fs::symlink_metadata(&link).is_err() && !unit.exists());
            assert_eq!(asked, ["disable gururmm-agent", "daemon-reload"]);
        }
    }

    #[test]
    fn a_unit_that_cannot_be_removed_stays_enabled() {
        let temp = tempfile::tempdir().unwrap();
        let (unit, link) = enabled(temp.path());
        // Nobody removes a directory as a file, not even root.
        fs::create_dir(&unit).unwrap();
        let error = remove_unit(&unit, |_| panic!("nothing else is touched")).unwrap_err();
        assert!(matches!(error, ServiceError::Store(_)) && link.exists(), "{error}");
    }
}
