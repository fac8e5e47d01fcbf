//! Looking at what the agent itself needs from this machine.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::guard::strangers;
use super::{files, sys, wmi};
use crate::core::windows::wmi_error::Code;
use crate::platform::lane::Lane;
use crate::selftest::facts::{Account, Privacy, Space};

/// Somebody waits for the answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// The scheduler's service may hang as WMI's does.
static TASKS: Lane = Lane::new("tasks", 2);

/// Who this process runs as.
///
/// # Errors
/// When Windows does not tell.
pub fn account() -> io::Result<Account> {
    let me = sys::access::me()?;
    Ok(Account { name: sys::access::account_name(&me.user), privileged: me.administrator })
}

/// Who may look into a directory.
///
/// # Errors
/// When it cannot be looked at.
pub fn privacy(directory: &Path) -> io::Result<Privacy> {
    if let Some(why) = files::distrust(directory)? {
        return Ok(Privacy::Open(why));
    }
    let access = sys::access::look(&files::look_at(directory)?)?;
    let me = sys::access::me()?;
    let owner = sys::access::account_name(&access.owner);
    Ok(match strangers(&access, &me).as_deref() {
        Some([]) => Privacy::Private(format!("owner {owner}, nobody but SYSTEM and administrators")),
        Some([stranger, ..]) => Privacy::Open(format!("{} may read it", sys::access::account_name(stranger))),
        None => Privacy::Open("everybody may".to_owned()),
    })
}

/// The space of the volume that a directory lies on.
///
/// # Errors
/// When the volume cannot be asked.
pub fn space(directory: &Path) -> io::Result<Space> {
    let (total_bytes, free_bytes) = sys::volumes::space(directory)?;
    Ok(Space { total_bytes, free_bytes })
}

/// A directory on the volume of the system itself.
#[must_use]
pub fn system_volume() -> PathBuf {
    sys::files::system_directory().ancestors().last().map(Path::to_owned).unwrap_or_default()
}

/// Asks WMI for its own version of what the machine is; an error when it does not answer in time, or not with what was
/// asked.
#[must_use]
pub fn wmi() -> Option<anyhow::Result<String>> {
    Some(ask_wmi())
}

fn ask_wmi() -> anyhow::Result<String> {
    let rows = wmi::objects(r"root\cimv2", "Win32_OperatingSystem", DEADLINE)?;
    let caption = rows.first().and_then(|row| row.get("Caption")?.as_str()).unwrap_or_default().trim();
    ensure!(!caption.is_empty(), "WMI answers, but not which system this is: its repository may be damaged");
    Ok(format!("answers: {caption}"))
}

/// Connects to the task scheduler; an error when it does not answer in time, or refuses.
#[must_use]
pub fn task_scheduler() -> Option<anyhow::Result<String>> {
    Some(ask_task_scheduler())
}

fn ask_task_scheduler() -> anyhow::Result<String> {
    let version = TASKS
        .call(DEADLINE, sys::tasks::version)
        .context("the task scheduler")?
        .map_err(|error| anyhow::anyhow!("the task scheduler: {}", Code(error.code().0.cast_unsigned())))?;
    Ok(format!("answers: interface version 1.{version}"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn both_answer() {
        // The first question starts what answers it, which may take longer than a check waits.
        for ask in [super::wmi, super::task_scheduler] {
            let answer = (0..5).find_map(|_| ask()?.ok()).expect("it never answers");
            assert!(answer.starts_with("answers: "));
        }
    }
}
