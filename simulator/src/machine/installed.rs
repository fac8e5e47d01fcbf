//! What is installed on a machine and what runs on it. Made anew from a seed whenever it is asked for: a fleet of ten
//! thousand would else keep hundreds of megabytes of names.

use chrono::NaiveDate;
use gururmm_protocol::inventory::{HotFix, OsFamily, Service, ServiceStart, ServiceState, Software, SoftwareSource};

use super::catalog::{self, Package, Program, View};
use super::{Machine, MachineKind};
use crate::random;

/// The day from which installations are counted.
const FIRST_DAY: Option<NaiveDate> = NaiveDate::from_ymd_opt(2025, 1, 7);

/// Which of its versions a title has on a machine: what it came with, and one newer with each round of updates.
fn version<'a>(versions: &[&'a str], rng: &mut fastrand::Rng, updates: usize) -> &'a str {
    let index = rng.usize(0..versions.len()) + updates;
    versions[index.min(versions.len() - 1)]
}

/// Installed software, in the order of its names.
pub fn software(machine: &Machine) -> Vec<Software> {
    let rng = &mut random::stream(machine.seed, "software");
    if machine.os.family == OsFamily::Windows {
        catalog::PROGRAMS.iter().filter_map(|program| of_windows(machine, program, rng)).collect()
    } else {
        catalog::PACKAGES.iter().filter_map(|package| of_linux(machine, package, rng)).collect()
    }
}

fn of_windows(machine: &Machine, program: &Program, rng: &mut fastrand::Rng) -> Option<Software> {
    let chance = if machine.kind == MachineKind::WindowsWorkstation { program.workstations } else { program.servers };
    // Drawn in any case, so that one title more or less does not change the rest.
    let (dice, day) = (rng.u32(0..100), rng.u64(0..500));
    let version = version(program.versions, rng, machine.updates);
    (dice < chance).then(|| Software {
        name: program.name.to_owned(),
        version: Some(version.to_owned()),
        publisher: Some(program.publisher.to_owned()),
        source: match program.view {
            View::Machine => SoftwareSource::Machine,
            View::Machine32 => SoftwareSource::Machine32,
            View::User => SoftwareSource::User,
        },
        user: (program.view == View::User).then(|| format!(r"{}\{}", machine.prefix(), "anna.ortiz")),
        architecture: Some(if program.view == View::Machine32 { "x86" } else { "x64" }.to_owned()),
        installed_on: FIRST_DAY.and_then(|first| first.checked_add_days(chrono::Days::new(day))),
    })
}

fn of_linux(machine: &Machine, package: &Package, rng: &mut fastrand::Rng) -> Option<Software> {
    let dice = rng.u32(0..100);
    let is_rpm = machine.os.edition.as_deref() == Some("rocky");
    let (name, versions, source, architecture) = if is_rpm {
        (package.rpm_name, package.rpm, SoftwareSource::Rpm, "x86_64")
    } else {
        (package.name, package.dpkg, SoftwareSource::Dpkg, "amd64")
    };
    let version = version(versions, rng, machine.updates);
    (dice < package.chance).then(|| Software {
        name: name.to_owned(),
        version: Some(version.to_owned()),
        publisher: None,
        source,
        user: None,
        architecture: Some(architecture.to_owned()),
        installed_on: None,
    })
}

/// Services, in the order of their names.
pub fn services(machine: &Machine) -> Vec<Service> {
    let rng = &mut random::stream(machine.seed, "services");
    let mut service = |name: &str, display_name: &str, automatic: bool, account: &str| Service {
        name: name.to_owned(),
        display_name: Some(display_name.to_owned()),
        state: match (automatic, rng.u32(0..200)) {
            (true, 0) => ServiceState::Stopped,
            (true, _) => ServiceState::Running,
            (false, dice) => {
                if dice < 40 {
                    ServiceState::Running
                } else {
                    ServiceState::Stopped
                }
            }
        },
        start: if automatic { ServiceStart::Automatic } else { ServiceStart::Manual },
        account: Some(account.to_owned()),
    };
    if machine.os.family != OsFamily::Windows {
        return catalog::LINUX_SERVICES
            .iter()
            .map(|(name, display, automatic)| service(name, display, *automatic, "root"))
            .collect();
    }
    let mut known = catalog::WINDOWS_SERVICES.to_vec();
    if machine.kind == MachineKind::DomainController {
        known.extend(catalog::DOMAIN_SERVICES);
    }
    known.into_iter().map(|(name, display, automatic, account)| service(name, display, automatic, account)).collect()
}

/// Installed updates of Windows; none on other systems.
pub fn hot_fixes(machine: &Machine) -> Option<Vec<HotFix>> {
    if machine.os.family != OsFamily::Windows {
        return None;
    }
    let rng = &mut random::stream(machine.seed, "hot_fixes");
    let installed = (rng.usize(3..=catalog::HOT_FIXES.len()) + machine.updates).min(catalog::HOT_FIXES.len());
    let fixes = catalog::HOT_FIXES.iter().zip(0_u64..).take(installed);
    let month = |months: u64| FIRST_DAY.and_then(|first| first.checked_add_days(chrono::Days::new(28 * months)));
    let fix = |((id, description), months): (&(&str, &str), u64)| HotFix {
        id: (*id).to_owned(),
        description: Some((*description).to_owned()),
        installed_on: month(months),
    };
    Some(fixes.map(fix).collect())
}
