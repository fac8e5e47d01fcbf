//! Services: the service units of systemd.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use anyhow::bail;
use gururmm_protocol::inventory::{Service, ServiceStart, ServiceState};

use super::tool;
use crate::core::inventory::Look;

const DEADLINE: Duration = Duration::from_secs(20);
/// A unit takes some 300 bytes.
const MAX_ANSWER: usize = 4 * 1024 * 1024;

/// All service units: those that systemd has loaded, and those that are only installed.
///
/// # Errors
/// When systemd does not run here or does not answer.
pub fn services() -> Look<Vec<Service>> {
    if !Path::new("/run/systemd/system").is_dir() {
        bail!("systemd does not run on this machine, and services of other managers are not read");
    }
    let files = systemctl(&["list-unit-files", "--type=service", "--plain", "--no-legend"])?;
    let properties = "--property=Id,Description,LoadState,ActiveState,UnitFileState,User,DynamicUser";
    let loaded = systemctl(&["show", "*.service", properties])?;
    Ok(services_of(&files, &loaded).into())
}

fn systemctl(arguments: &[&str]) -> anyhow::Result<String> {
    let arguments: Vec<_> = [arguments, &["--no-pager"]].concat();
    let said = tool::ask("systemctl", &arguments, DEADLINE, MAX_ANSWER)?;
    if !said.status.success() {
        bail!("systemctl {}: {}", arguments[0], said.complaint);
    }
    Ok(said.text)
}

/// Puts together what `list-unit-files` and `show` say (systemctl(1)).
fn services_of(files: &str, loaded: &str) -> Vec<Service> {
    let mut services: BTreeMap<String, Service> = files.lines().filter_map(installed).collect();
    for block in loaded.split("\n\n") {
        let properties: BTreeMap<_, _> = block.lines().filter_map(|line| line.split_once('=')).collect();
        let Some(name) = properties.get("Id").and_then(|id| service_name(id)) else { continue };
        match running(name, &properties) {
            Some(service) => drop(services.insert(name.to_owned(), service)),
            None => drop(services.remove(name)),
        }
    }
    services.into_values().collect()
}

/// One line of `list-unit-files`: unit, state, preset.
fn installed(line: &str) -> Option<(String, Service)> {
    let mut words = line.split_whitespace();
    let name = service_name(words.next()?)?;
    let state = words.next()?;
    // Another name of a unit that has a line of its own.
    if state == "alias" {
        return None;
    }
    let service = Service {
        name: name.to_owned(),
        display_name: None,
        state: ServiceState::Stopped,
        start: start(state),
        account: None,
    };
    Some((name.to_owned(), service))
}

/// One unit of `show`; none when it is not installed, or was made for the moment.
fn running(name: &str, properties: &BTreeMap<&str, &str>) -> Option<Service> {
    let get = |key| properties.get(key).copied().filter(|value| !value.is_empty());
    let load = get("LoadState")?;
    let file = get("UnitFileState");
    if load == "not-found" || file == Some("transient") {
        return None;
    }
    let state = match get("ActiveState")? {
        "active" | "reloading" | "refreshing" => ServiceState::Running,
        "inactive" => ServiceState::Stopped,
        "failed" => ServiceState::Failed,
        "activating" => ServiceState::Starting,
        "deactivating" => ServiceState::Stopping,
        _ => ServiceState::Unknown,
    };
    let dynamic = get("DynamicUser") == Some("yes");
    let account = get("User").map(str::to_owned).or_else(|| dynamic.then(|| name.to_owned()));
    Some(Service {
        name: name.to_owned(),
        display_name: get("Description").filter(|text| *text != format!("{name}.service")).map(str::to_owned),
        state,
        // An instance of a template has no file state of its own.
        start: if load == "masked" { ServiceStart::Disabled } else { file.map_or(ServiceStart::Manual, start) },
        account: (load != "masked").then(|| account.unwrap_or_else(|| "root".to_owned())),
    })
}

/// The name without `.service`; none for templates, which are no services themselves, and for those that come and go with
/// each login.
fn service_name(unit: &str) -> Option<&str> {
    let name = unit.strip_suffix(".service")?;
    let of_a_login = name.starts_with("user@") || name.starts_with("user-runtime-dir@");
    (!name.is_empty() && !name.ends_with('@') && !of_a_login).then_some(name)
}

/// The states of unit files are those of systemctl(1), `is-enabled`. What is not enabled can be started by hand or by
/// another unit; only what is masked cannot.
fn start(file_state: &str) -> ServiceStart {
    match file_state {
        "enabled" | "enabled-runtime" => ServiceStart::Automatic,
        "disabled" | "static" | "indirect" | "linked" | "linked-runtime" => ServiceStart::Manual,
        "masked" | "masked-runtime" => ServiceStart::Disabled,
        _ => ServiceStart::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILES: &str = "\
apt-daily.service                      static   -
autovt@.service                        alias    -
cron.service                           enabled  enabled
cryptdisks.service                     masked   enabled
dbus-org.freedesktop.login1.service    alias    -
debug-shell.service                    disabled disabled
getty@.service                         enabled  enabled
rc-local.service                       static   -
x-dropped.service                      enabled  enabled
";

    const SHOW: &str = "\
User=postgres
Id=postgresql@15-main.service
Description=PostgreSQL Cluster 15-main
LoadState=loaded
ActiveState=failed
UnitFileState=enabled-runtime
DynamicUser=no

Id=cron.service
Description=Regular background program processing daemon
LoadState=loaded
ActiveState=active
UnitFileState=enabled

DynamicUser=yes
Id=fwupd-refresh.service
Description=Refresh fwupd metadata = and more
LoadState=loaded
ActiveState=activating
UnitFileState=static

Id=x-dropped.service
Description=x-dropped.service
LoadState=not-found
ActiveState=inactive

Id=run-u12.service
Description=/usr/bin/true
LoadState=loaded
ActiveState=active
UnitFileState=transient

Id=hwclock.service
Description=hwclock.service
LoadState=masked
ActiveState=inactive
UnitFileState=masked

Id=user@1000.service
Description=User Manager for UID 1000
LoadState=loaded
ActiveState=active
UnitFileState=static
";

    #[test]
    fn loaded_and_installed_units_become_services() {
        let services = services_of(FILES, SHOW);
        let names: Vec<_> = services.iter().map(|service| service.name.as_str()).collect();
        let expected = [
            "apt-daily",
            "cron",
            "cryptdisks",
            "debug-shell",
            "fwupd-refresh",
            "hwclock",
            "postgresql@15-main",
            "rc-local",
        ];
        assert_eq!(names, expected);
        let of = |name: &str| services.iter().find(|service| service.name == name).unwrap();
        let facts = |name| (of(name).state, of(name).start, of(name).account.as_deref());
        assert_eq!(facts("cron"), (ServiceState::Running, ServiceStart::Automatic, Some("root")));
        assert_eq!(facts("postgresql@15-main"), (ServiceState::Failed, ServiceStart::Automatic, Some("postgres")));
        assert_eq!(facts("fwupd-refresh"), (ServiceState::Starting, ServiceStart::Manual, Some("fwupd-refresh")));
        assert_eq!(facts("debug-shell"), (ServiceState::Stopped, ServiceStart::Manual, None));
        assert_eq!(facts("hwclock"), (ServiceState::Stopped, ServiceStart::Disabled, None));
        assert_eq!(of("fwupd-refresh").display_name.as_deref(), Some("Refresh fwupd metadata = and more"));
        assert_eq!(of("hwclock").display_name, None);
    }
}
