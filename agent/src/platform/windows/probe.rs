//! Whether parts of Windows that the agent depends on answer.

use std::time::Duration;

use anyhow::{Context as _, ensure};

use super::{sys, wmi};
use crate::core::windows::wmi_error::Code;
use crate::platform::lane::Lane;

/// Somebody waits for the answer.
const DEADLINE: Duration = Duration::from_secs(20);

/// The scheduler's service may hang as WMI's does.
static TASKS: Lane = Lane::new("tasks", 2);

/// Asks WMI for its own version of what the machine is.
///
/// # Errors
/// When it does not answer in time, or not with what was asked.
pub fn wmi() -> anyhow::Result<String> {
    let rows = wmi::objects(r"root\cimv2", "Win32_OperatingSystem", DEADLINE)?;
    let caption = rows.first().and_then(|row| row.get("Caption")?.as_str()).unwrap_or_default().trim();
    ensure!(!caption.is_empty(), "WMI answers, but not which system this is: its repository may be damaged");
    Ok(format!("answers: {caption}"))
}

/// Connects to the task scheduler.
///
/// # Errors
/// When it does not answer in time, or refuses.
pub fn task_scheduler() -> anyhow::Result<String> {
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
        for answer in [super::wmi(), super::task_scheduler()] {
            assert!(answer.unwrap().starts_with("answers: "));
        }
    }
}
