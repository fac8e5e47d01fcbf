//! Services.

use gururmm_protocol::inventory::{Service, ServiceStart, ServiceState};

use super::problems::grouped;
use crate::core::inventory::Looked;

/// `ERROR_SERVICE_NEVER_STARTED`: the exit code of a service that was not started since the system was.
const NEVER_STARTED: u32 = 1077;
/// Bit of a service's type: an instance for one logged-in user, made from the service without the suffix.
const USER_INSTANCE: u32 = 0x80;

/// A service as `EnumServicesStatusEx` and `QueryServiceConfig` tell of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawService {
    /// Its key.
    pub name: String,
    /// What people call it.
    pub display_name: String,
    /// `dwServiceType`.
    pub kind: u32,
    /// `dwCurrentState`.
    pub state: u32,
    /// `dwWin32ExitCode`.
    pub exit_code: u32,
    /// Its configuration, or why it cannot be read.
    pub config: Result<RawConfig, String>,
}

/// The configuration of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawConfig {
    /// `dwStartType`.
    pub start: u32,
    /// `fDelayedAutostart`.
    pub delayed: bool,
    /// `lpServiceStartName`.
    pub account: Option<String>,
}

/// The services by name. Instances for single users are left out: their names end with a number that is another one after
/// each login, and the service that they are made from is in the list.
#[must_use]
pub fn services(mut raw: Vec<RawService>) -> Looked<Vec<Service>> {
    raw.retain(|raw| raw.kind & USER_INSTANCE == 0);
    let unread = raw.iter().filter_map(|raw| Some((raw.name.clone(), raw.config.clone().err()?))).collect();
    let mut services: Vec<_> = raw.into_iter().map(service).collect();
    services.sort_by(|a, b| a.name.cmp(&b.name));
    Looked { content: services, problems: grouped("start type and account", unread) }
}

/// State and start type by the numbers of `SERVICE_STATUS` and `QUERY_SERVICE_CONFIG` (winsvc.h).
fn service(raw: RawService) -> Service {
    let state = match raw.state {
        1 if !matches!(raw.exit_code, 0 | NEVER_STARTED) => ServiceState::Failed,
        1 => ServiceState::Stopped,
        2 | 5 => ServiceState::Starting,
        3 => ServiceState::Stopping,
        4 => ServiceState::Running,
        6 | 7 => ServiceState::Paused,
        _ => ServiceState::Unknown,
    };
    let config = raw.config.ok();
    let start = match &config {
        Some(RawConfig { start: 2, delayed: true, .. }) => ServiceStart::AutomaticDelayed,
        Some(RawConfig { start: 0..=2, .. }) => ServiceStart::Automatic,
        Some(RawConfig { start: 3, .. }) => ServiceStart::Manual,
        Some(RawConfig { start: 4, .. }) => ServiceStart::Disabled,
        _ => ServiceStart::Unknown,
    };
    Service {
        display_name: Some(raw.display_name).filter(|name| !name.is_empty() && *name != raw.name),
        name: raw.name,
        state,
        start,
        account: config.and_then(|config| config.account).filter(|account| !account.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(name: &str, state: u32, start: u32) -> RawService {
        let config = RawConfig { start, delayed: false, account: Some("LocalSystem".into()) };
        let (name, display_name) = (name.to_owned(), "What it does".to_owned());
        RawService { name, display_name, kind: 0x10, state, exit_code: 0, config: Ok(config) }
    }

    #[test]
    fn states_and_starts_are_read() {
        let mut delayed = raw("wuauserv", 4, 2);
        delayed.config = Ok(RawConfig { start: 2, delayed: true, account: None });
        let mut failed = raw("broken", 1, 2);
        failed.exit_code = 1067;
        let mut never = raw("never", 1, 3);
        never.exit_code = NEVER_STARTED;
        let mut closed = raw("closed", 4, 2);
        closed.config = Err("access denied".into());
        let looked = services(vec![delayed, failed, never, closed, raw("Off", 1, 4), raw("Odd", 42, 42)]);
        assert_eq!(looked.problems, ["start type and account of closed: access denied"]);
        let found = looked.content;
        let told: Vec<_> = found.iter().map(|service| (service.name.as_str(), service.state, service.start)).collect();
        assert_eq!(
            told,
            [
                ("Odd", ServiceState::Unknown, ServiceStart::Unknown),
                ("Off", ServiceState::Stopped, ServiceStart::Disabled),
                ("broken", ServiceState::Failed, ServiceStart::Automatic),
                ("closed", ServiceState::Running, ServiceStart::Unknown),
                ("never", ServiceState::Stopped, ServiceStart::Manual),
                ("wuauserv", ServiceState::Running, ServiceStart::AutomaticDelayed),
            ]
        );
        assert_eq!(found[1].account.as_deref(), Some("LocalSystem"));
        assert_eq!(found[5].account, None);
    }

    #[test]
    fn instances_for_single_users_are_left_out() {
        let mut template = raw("CDPUserSvc", 1, 2);
        template.kind = 0x60;
        let mut instance = raw("CDPUserSvc_4a1f2", 4, 2);
        instance.kind = 0xE0;
        let found = services(vec![template, instance]).content;
        assert_eq!(found.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), ["CDPUserSvc"]);
    }
}
