//! What the agent needs from its own machine: rights, disk, service manager, and parts of Windows.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use gururmm_protocol::text::clean_line;

use super::facts::{Account, Privacy, Space};
use super::verdict::Verdict;
use crate::core::random::{Random as _, SystemRandom};
use crate::platform::{self, probe};
use crate::service::{Seen, ServiceError};
use crate::store::{DataDir, StoreError};

/// Below this the agent cannot work: output of commands, journal and reports need it.
const ALMOST_NOTHING: u64 = 64 << 20;
/// Below this somebody should clean up.
const LITTLE: u64 = 1 << 30;
/// What is written to see whether the disk takes it.
const SAMPLE: [u8; 4_096] = [0x5A; 4_096];
const MAX_ERROR: usize = 300;

/// `privacy` is none where there is no data directory.
pub(super) fn permissions(
    account: io::Result<Account>,
    data_dir: &Path,
    privacy: Option<io::Result<Privacy>>,
) -> Verdict {
    match account {
        Ok(account) => {
            let rights = if account.privileged { "" } else { ", without an administrator's rights" };
            judge_permissions(&account, data_dir, privacy).with(format!("account {}{rights}", account.name))
        }
        Err(error) => Verdict::failed(
            "account_unknown",
            format!("Which account the agent runs as cannot be found out: {error}."),
            "Report this as a fault of the agent.",
        ),
    }
}

fn judge_permissions(account: &Account, data_dir: &Path, privacy: Option<io::Result<Privacy>>) -> Verdict {
    let path = data_dir.display();
    let more_rights = format!("Run it with more rights: {}.", platform::service::NOT_ALLOWED);
    match privacy {
        Some(Err(error)) => Verdict::failed(
            "unreadable",
            format!("The data directory {path} cannot be looked at: {error}."),
            if account.privileged { "Look at the disk that it lies on.".to_owned() } else { more_rights },
        ),
        Some(Ok(Privacy::Open(why))) => Verdict::failed(
            "open_to_others",
            format!("Others than the agent can reach its key and its orders: {why}."),
            format!(
                "Find out who could read {path}; restart the agent, which closes it; enroll this machine again if its \
                 key may have been read."
            ),
        ),
        None | Some(Ok(Privacy::Private(_))) if !account.privileged => Verdict::warning(
            "not_privileged",
            format!(
                "The account {} may not manage this machine: much of what is asked of the agent fails.",
                account.name
            ),
            more_rights,
        ),
        None => Verdict::ok("privileged", "The agent has the rights that it needs."),
        Some(Ok(Privacy::Private(words))) => {
            Verdict::ok("private", "The agent has the rights that it needs, and nobody else looks into its data.")
                .with(format!("{path}: {words}"))
        }
    }
}

/// What the disks say.
pub(super) struct Disks {
    /// Whether what is in the data directory may be believed.
    pub believed: bool,
    /// Whether a file could be written to the data directory; none where there is no data directory.
    pub written: Option<io::Result<()>>,
    /// The volume of the data directory.
    pub data: Option<io::Result<Space>>,
    /// The volume of the system.
    pub system: io::Result<Space>,
}

impl Disks {
    /// Writes, flushes and removes a file in the data directory, and asks both volumes for their space. Where somebody else
    /// could have put a link nothing is written.
    pub fn look(data_dir: &Path) -> Self {
        let believed = DataDir::exists_and_is_trusted(data_dir);
        let found = DataDir::try_exists(data_dir);
        let there = matches!((&believed, &found), (Ok(true), Ok(true)));
        Self {
            believed: !matches!(believed, Err(StoreError::NotBelieved { .. })),
            written: match found {
                Ok(_) => there.then(|| write_sample(data_dir)),
                Err(error) => Some(Err(error)),
            },
            data: there.then(|| probe::space(data_dir)),
            system: probe::space(&probe::system_volume()),
        }
    }
}

fn write_sample(data_dir: &Path) -> io::Result<()> {
    // Others may examine the same directory at this moment.
    let path = data_dir.join(format!("selftest-{}", hex::encode(SystemRandom.bytes()?)));
    let mut file = platform::private(File::options().write(true).create_new(true)).open(&path)?;
    let written = file.write_all(&SAMPLE).and_then(|()| file.sync_all());
    drop(file);
    let removed = fs::remove_file(&path);
    written.and(removed)
}

pub(super) fn disk(data_dir: &Path, disks: &Disks) -> Verdict {
    let mut verdict = judge_disk(data_dir, disks);
    let volumes = [(data_dir.to_owned(), disks.data.as_ref()), (probe::system_volume(), Some(&disks.system))];
    for (path, space) in volumes {
        verdict = match space {
            Some(Ok(space)) => verdict.with(format!(
                "{}: {} of {} free",
                path.display(),
                gibibytes(space.free_bytes),
                gibibytes(space.total_bytes)
            )),
            Some(Err(error)) => verdict.with(format!("{}: {error}", path.display())),
            None => verdict,
        };
    }
    verdict
}

fn judge_disk(data_dir: &Path, disks: &Disks) -> Verdict {
    let path = data_dir.display();
    if !disks.believed {
        return Verdict::skipped(
            "not_private",
            format!("Others could have put something into {path}: see permissions."),
        );
    }
    let free = |space: &io::Result<Space>| space.as_ref().ok().map(|space| space.free_bytes);
    if let Some(Err(error)) = &disks.written {
        return match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => full(data_dir, "no space is left"),
            io::ErrorKind::ReadOnlyFilesystem => Verdict::failed(
                "read_only",
                format!("Nothing can be written to {path}: the volume is read-only."),
                "Look into the system's log for errors of this disk; make it writable again.",
            ),
            _ => Verdict::failed(
                "not_writable",
                format!("Nothing can be written to {path}: {error}."),
                "Let the agent's account write there, and look at the disk.",
            ),
        };
    }
    let data = disks.data.as_ref().and_then(free);
    let system = free(&disks.system);
    if data.is_some_and(|free| free < ALMOST_NOTHING) {
        return full(data_dir, "almost no space is left");
    }
    let clean_up = "Remove what is not needed, or enlarge the volume.";
    if data.is_some_and(|free| free < LITTLE) {
        return Verdict::warning("little_space", format!("Less than 1 GiB is free where {path} lies."), clean_up);
    }
    if system.is_some_and(|free| free < LITTLE) {
        return Verdict::warning("system_volume_full", "Less than 1 GiB is free on the system's volume.", clean_up);
    }
    match (&disks.written, &disks.data) {
        (None, _) => Verdict::skipped("no_data_directory", format!("There is no data directory at {path} yet.")),
        (_, Some(Err(error))) => Verdict::warning(
            "space_unknown",
            format!("How much space is free where {path} lies cannot be found out: {error}."),
            "Look at the disk.",
        ),
        _ => Verdict::ok("writable", "The data directory takes files, and there is space."),
    }
}

fn full(data_dir: &Path, how: &str) -> Verdict {
    Verdict::failed(
        "full",
        format!(
            "Where {} lies, {how}: the agent cannot write down what it does, and starts no command.",
            data_dir.display()
        ),
        "Remove what is not needed, or enlarge the volume.",
    )
}

#[allow(clippy::cast_precision_loss, reason = "shown with one digit")]
fn gibibytes(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / f64::from(1 << 30))
}

pub(super) fn service_manager(seen: &Result<Seen, ServiceError>) -> Verdict {
    let install = "Install the service: `gururmm-agent service install`.";
    let seen = match seen {
        Ok(seen) => seen,
        Err(ServiceError::NoManager(_)) => {
            return Verdict::warning(
                "no_service_manager",
                "There is no service manager here that starts the agent with the machine.",
                "See to it that whatever starts programs on this machine starts `gururmm-agent run`.",
            );
        }
        Err(error) => {
            let error = clean_line(&error.to_string(), MAX_ERROR);
            return Verdict::failed(
                "no_answer",
                format!("The service manager does not tell: {error}."),
                "Look into the system's log; restart the machine if the service manager is stuck.",
            );
        }
    };
    let verdict = if !seen.installed {
        Verdict::warning(
            "not_installed",
            "The agent is not installed as a service: nothing starts it with the machine.",
            install,
        )
    } else if !seen.automatic {
        Verdict::warning("not_automatic", "The service does not start with the machine.", install)
    } else if !seen.running {
        Verdict::warning("not_running", "The service does not run.", "Start it: `gururmm-agent service start`.")
    } else {
        Verdict::ok("running", "The service runs, and starts with the machine.")
    };
    verdict.with(format!("service {}: {}", platform::service::NAME, seen.words))
}

/// What a part of Windows answered; none where there is no such thing.
pub(super) fn part_of_windows(answer: Option<anyhow::Result<String>>, what: &str, fix: &str) -> Verdict {
    match answer {
        None => Verdict::skipped("not_this_system", "Only Windows has it."),
        Some(Ok(words)) => Verdict::ok("answers", format!("{what} answers.")).with(clean_line(&words, MAX_ERROR)),
        Some(Err(error)) => {
            let error = clean_line(&format!("{error:#}"), MAX_ERROR);
            Verdict::failed("no_answer", format!("{what} does not answer as it should."), fix).with(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use gururmm_protocol::selftest::CheckState;

    use super::*;

    const DIR: &str = "/data";
    const MUCH: u64 = 100 << 30;

    fn code(verdict: &Verdict) -> (CheckState, &'static str) {
        (verdict.state, verdict.code)
    }

    fn space(free_bytes: u64) -> io::Result<Space> {
        Ok(Space { total_bytes: MUCH, free_bytes })
    }

    fn disks(
        written: Option<io::Result<()>>,
        data: io::Result<Space>,
        system: io::Result<Space>,
    ) -> (CheckState, &'static str) {
        code(&disk(Path::new(DIR), &Disks { believed: true, data: written.is_some().then_some(data), written, system }))
    }

    #[test]
    fn a_disk_is_judged_by_what_it_takes_and_by_its_space() {
        use CheckState::{Failed, Ok as Good, Skipped, Warning};
        let refused = |kind: io::ErrorKind| Some(Err(kind.into()));
        assert_eq!(disks(Some(Ok(())), space(MUCH), space(MUCH)), (Good, "writable"));
        assert_eq!(disks(refused(io::ErrorKind::StorageFull), space(0), space(MUCH)), (Failed, "full"));
        assert_eq!(disks(refused(io::ErrorKind::ReadOnlyFilesystem), space(MUCH), space(MUCH)), (Failed, "read_only"));
        assert_eq!(disks(refused(io::ErrorKind::PermissionDenied), space(MUCH), space(MUCH)), (Failed, "not_writable"));
        assert_eq!(disks(Some(Ok(())), space(ALMOST_NOTHING - 1), space(MUCH)), (Failed, "full"));
        assert_eq!(disks(Some(Ok(())), space(LITTLE - 1), space(MUCH)), (Warning, "little_space"));
        assert_eq!(disks(Some(Ok(())), space(LITTLE), space(LITTLE - 1)), (Warning, "system_volume_full"));
        assert_eq!(disks(Some(Ok(())), Err(io::ErrorKind::Other.into()), space(MUCH)), (Warning, "space_unknown"));
        assert_eq!(disks(None, space(MUCH), space(MUCH)), (Skipped, "no_data_directory"));
        let planted = Disks { believed: false, written: None, data: None, system: space(0) };
        assert_eq!(code(&disk(Path::new(DIR), &planted)), (Skipped, "not_private"));
    }

    #[test]
    fn a_directory_of_somebody_else_is_not_written_to() {
        let temp = tempfile::tempdir().unwrap();
        assert!(Disks::look(temp.path()).written.is_none());
        drop(DataDir::open(temp.path()).unwrap());
        let looked = Disks::look(temp.path());
        assert!(looked.written.is_some_and(|written| written.is_ok()) && looked.data.is_some_and(|data| data.is_ok()));
        assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1, "nothing is left but the lock");
    }

    #[cfg(unix)]
    #[test]
    fn where_others_write_nothing_is_written() {
        use std::os::unix::fs::PermissionsExt as _;
        let temp = tempfile::tempdir().unwrap();
        drop(DataDir::open(temp.path()).unwrap());
        fs::set_permissions(temp.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let looked = Disks::look(temp.path());
        assert!(!looked.believed && looked.written.is_none() && looked.data.is_none());
    }

    #[test]
    fn rights_are_judged() {
        use CheckState::{Failed, Ok as Good, Warning};
        let judge = |privileged, privacy| {
            let account = Account { name: "ada".to_owned(), privileged };
            code(&permissions(Ok(account), Path::new(DIR), privacy))
        };
        let private = || Some(Ok(Privacy::Private("mode 0700".to_owned())));
        let refused = || Some(Err(io::ErrorKind::PermissionDenied.into()));
        assert_eq!(judge(true, private()), (Good, "private"));
        assert_eq!(judge(true, None), (Good, "privileged"));
        assert_eq!(judge(false, private()), (Warning, "not_privileged"));
        assert_eq!(judge(false, None), (Warning, "not_privileged"));
        assert_eq!(judge(false, refused()), (Failed, "unreadable"));
        assert_eq!(judge(true, Some(Ok(Privacy::Open("mode 0755".to_owned())))), (Failed, "open_to_others"));
        let nobody = permissions(Err(io::ErrorKind::Other.into()), Path::new(DIR), None);
        assert_eq!(code(&nobody), (Failed, "account_unknown"));
    }

    #[test]
    fn a_service_that_does_not_come_back_by_itself_is_told() {
        use CheckState::{Failed, Ok as Good, Warning};
        let judge = |installed, automatic, running| {
            code(&service_manager(&Ok(Seen { installed, automatic, running, words: "w".to_owned() })))
        };
        assert_eq!(judge(true, true, true), (Good, "running"));
        assert_eq!(judge(true, true, false), (Warning, "not_running"));
        assert_eq!(judge(true, false, true), (Warning, "not_automatic"));
        assert_eq!(judge(false, false, false), (Warning, "not_installed"));
        let none = ServiceError::NoManager(String::new());
        assert_eq!(code(&service_manager(&Err(none))), (Warning, "no_service_manager"));
        assert_eq!(code(&service_manager(&Err(ServiceError::Failed(String::new())))), (Failed, "no_answer"));
    }

    #[test]
    fn parts_of_windows_are_judged_by_their_answer() {
        use CheckState::{Failed, Ok as Good, Skipped};
        let judge = |answer| code(&part_of_windows(answer, "WMI", "fix"));
        assert_eq!(judge(None), (Skipped, "not_this_system"));
        assert_eq!(judge(Some(Ok("answers: x".to_owned()))), (Good, "answers"));
        assert_eq!(judge(Some(Err(anyhow::anyhow!("hangs")))), (Failed, "no_answer"));
    }
}
