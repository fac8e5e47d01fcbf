//! What enrollment left behind, and which server follows from it.

use std::io;
use std::path::Path;
use std::sync::Arc;

use gururmm_protocol::crypto::Fingerprint;
use rustls::ClientConfig;

use super::verdict::Verdict;
use crate::link::address::ServerAddress;
use crate::link::tls;
use crate::platform;
use crate::store::config::{Config, Decommissioned};
use crate::store::{DataDir, StoreError};

/// The server that is looked for.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Its address.
    pub server: ServerAddress,
    /// Its key's fingerprint; none before enrollment.
    pub pinned: Option<Fingerprint>,
    /// Whom to believe.
    pub tls: Arc<ClientConfig>,
}

/// Reads what is there. `server` takes the place of the address in the configuration.
pub(super) fn look(data_dir: &Path, server: Option<ServerAddress>) -> (Verdict, Option<Target>) {
    let config = match read(data_dir) {
        Ok(Found::Enrolled(config)) => *config,
        Ok(found) => return (not_enrolled(&found), server.and_then(|server| target(server, None).ok())),
        Err(StoreError::NotBelieved { .. }) => {
            return (not_private(), server.and_then(|server| target(server, None).ok()));
        }
        Err(error) => return (unreadable(&error), server.and_then(|server| target(server, None).ok())),
    };
    let server = match server.map_or_else(|| ServerAddress::parse(&config.server), Ok) {
        Ok(server) => server,
        Err(error) => return (unusable(&error), None),
    };
    let target = match target(server, Some(&config)) {
        Ok(target) => target,
        Err(error) => return (unusable(&error), None),
    };
    let verdict = match config.load_key_unheld(data_dir) {
        Ok(_) => Verdict::ok("enrolled", "This machine is enrolled, and its key is there."),
        Err(error) => unreadable(&error),
    };
    (verdict.with(format!("server {}", config.server)).with(format!("agent {}", config.agent_id)), Some(target))
}

enum Found {
    Enrolled(Box<Config>),
    Decommissioned,
    Nothing,
}

fn read(data_dir: &Path) -> Result<Found, StoreError> {
    if !DataDir::exists_and_is_trusted(data_dir)? {
        return Ok(Found::Nothing);
    }
    if Decommissioned::load_unheld(data_dir)?.is_some() {
        return Ok(Found::Decommissioned);
    }
    Ok(Config::load_unheld(data_dir)?.map_or(Found::Nothing, |config| Found::Enrolled(Box::new(config))))
}

fn target(server: ServerAddress, config: Option<&Config>) -> Result<Target, tls::TlsError> {
    let tls = tls::client_config(config.and_then(|config| config.ca_pem.as_deref()))?;
    Ok(Target { server, pinned: config.map(|config| config.server_public_key.fingerprint()), tls })
}

fn not_enrolled(found: &Found) -> Verdict {
    let enroll = "Enroll this machine: `gururmm-agent enroll`.";
    match found {
        Found::Decommissioned => Verdict::warning(
            "decommissioned",
            "This agent was decommissioned on the server, and does not run again.",
            enroll,
        ),
        _ => Verdict::warning("not_enrolled", "This machine is not enrolled.", enroll),
    }
}

fn not_private() -> Verdict {
    Verdict::skipped(
        "not_private",
        "Others could have put something into the data directory, and what is in it is not read: see permissions.",
    )
}

fn unreadable(error: &StoreError) -> Verdict {
    match error {
        StoreError::Io { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => Verdict::failed(
            "not_allowed",
            format!("The agent's configuration or key may not be read: {error}."),
            format!("Run it with more rights: {}.", platform::service::NOT_ALLOWED),
        ),
        StoreError::Io { .. } => Verdict::failed(
            "unreadable",
            format!("The agent's configuration or key cannot be read: {error}."),
            "Look at the disk that the data directory lies on.",
        ),
        _ => Verdict::failed(
            "damaged",
            format!("What enrollment left is damaged: {error}."),
            "Enroll this machine again.",
        ),
    }
}

fn unusable(error: &dyn std::error::Error) -> Verdict {
    Verdict::failed("unusable", format!("The configuration cannot be used: {error}."), "Enroll this machine again.")
}

#[cfg(test)]
mod tests {
    use gururmm_protocol::selftest::CheckState;

    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_apart() {
        let io = |kind: io::ErrorKind| unreadable(&StoreError::Io { path: "/x".into(), source: kind.into() }).code;
        assert_eq!(io(io::ErrorKind::PermissionDenied), "not_allowed");
        assert_eq!(io(io::ErrorKind::InvalidData), "unreadable");
        assert_eq!(unreadable(&StoreError::Content { path: "/x".into(), problem: "p".into() }).code, "damaged");
    }

    #[test]
    fn without_an_enrollment_there_is_a_server_only_when_one_is_named() {
        let temp = tempfile::tempdir().unwrap();
        let (verdict, target) = look(temp.path(), None);
        assert_eq!((verdict.state, verdict.code, target.is_some()), (CheckState::Warning, "not_enrolled", false));
        let named = ServerAddress::parse("https://rmm.example.com").unwrap();
        let (verdict, target) = look(temp.path(), Some(named.clone()));
        assert_eq!(verdict.code, "not_enrolled");
        assert!(target.is_some_and(|target| target.server == named && target.pinned.is_none()));
        std::fs::write(temp.path().join("config.json"), "{").unwrap();
        assert_eq!(look(temp.path(), None).0.code, "damaged");
        let missing = temp.path().join("missing");
        assert_eq!(look(&missing, None).0.code, "not_enrolled");
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_have_written_is_not_read() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        std::fs::write(temp.path().join("config.json"), "{").unwrap();
        std::fs::set_permissions(temp.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
        let (verdict, target) = look(temp.path(), None);
        assert_eq!((verdict.state, verdict.code, target.is_some()), (CheckState::Skipped, "not_private", false));
        let error = crate::store::status::look(temp.path()).unwrap_err();
        assert!(error.to_string().contains("mode 0777"), "{error}");
    }
}
