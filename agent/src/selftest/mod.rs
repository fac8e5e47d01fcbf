//! `selftest`: the agent examines itself, its machine and the way to its server (SPEC-003).
//!
//! It works beside an agent that runs: it takes no lock, keeps nothing, and says nothing to the server that only an agent
//! may say. Each check has a deadline, so that one that hangs costs only itself. No secret is ever part of a report.

mod certificate;
mod enrollment;
pub mod facts;
mod machine;
mod server;
mod text;
mod verdict;

use std::path::{Path, PathBuf};
use std::time::Duration;

use gururmm_protocol::selftest::{Check, CheckName, CheckState, SCHEMA, SelftestReport};

use crate::core::clock::Clock;
use crate::core::random::Random;
use crate::link::address::ServerAddress;
use crate::link::tls;
use crate::platform::{probe, service};
use crate::store::DataDir;
use machine::Disks;
pub use text::summary;
use verdict::{Verdict, aside, timed};

/// How long a look at the machine itself may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// WMI, the scheduler and the service manager may be slow for a while after a start; the first two give up by themselves
/// before this.
const SLOW: Duration = Duration::from_secs(25);

/// What is examined.
#[derive(Debug, Clone)]
pub struct Options {
    /// The agent's data directory.
    pub data_dir: PathBuf,
    /// The server, when it is not the one in the configuration.
    pub server: Option<ServerAddress>,
}

/// Makes all checks. Takes at most 80 s: the checks of the machine are made beside those of the way to the server.
pub async fn run(options: Options, clock: &dyn Clock, random: &dyn Random) -> SelftestReport {
    tls::install_provider();
    let (started_at, began) = (clock.wall(), clock.steady());
    let Options { data_dir, server } = options;
    let (permissions, disk, services, wmi, tasks, (enrollment, way)) = tokio::join!(
        look(CheckName::Permissions, DEADLINE, &data_dir, |data_dir| {
            let privacy = match DataDir::try_exists(data_dir) {
                Ok(there) => there.then(|| probe::privacy(data_dir)),
                Err(error) => Some(Err(error)),
            };
            machine::permissions(probe::account(), data_dir, privacy)
        }),
        look(CheckName::Disk, DEADLINE, &data_dir, |data_dir| machine::disk(data_dir, &Disks::look(data_dir))),
        look(CheckName::ServiceManager, SLOW, &data_dir, |_| machine::service_manager(&service::look())),
        look(CheckName::Wmi, SLOW, &data_dir, |_| {
            let fix = "Restart the service Winmgmt; if that does not help: `winmgmt /verifyrepository`, \
                       `winmgmt /salvagerepository`.";
            machine::part_of_windows(probe::wmi(), "Windows Management Instrumentation (WMI)", fix)
        }),
        look(CheckName::TaskScheduler, SLOW, &data_dir, |_| {
            let fix = "See that the service Schedule runs and starts with the machine.";
            machine::part_of_windows(probe::task_scheduler(), "The task scheduler of Windows", fix)
        }),
        async {
            let dir = data_dir.clone();
            let read = aside(move || enrollment::look(&dir, server));
            let (enrollment, target) = timed(CheckName::Enrollment, DEADLINE, read).await;
            (enrollment, server::examine(target, clock, random).await)
        },
    );
    let mut checks = vec![permissions, disk, enrollment, services];
    checks.extend(way);
    checks.extend([wmi, tasks]);
    let took = clock.steady().saturating_sub(began);
    let mut report = SelftestReport {
        schema: SCHEMA,
        agent_version: crate::VERSION.to_owned(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        started_at,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        overall: CheckState::worst(checks.iter().map(|check| check.state)),
        checks,
    };
    report.bound();
    report
}

/// A look at the machine, which may hang, on a thread of its own.
async fn look(
    name: CheckName,
    deadline: Duration,
    data_dir: &Path,
    work: impl FnOnce(&Path) -> Verdict + Send + 'static,
) -> Check {
    let data_dir = data_dir.to_owned();
    timed(name, deadline, aside(move || (work(&data_dir), ()))).await.0
}
