//! Installed updates of Windows.

use std::time::Duration;

use anyhow::Context as _;
use gururmm_protocol::inventory::HotFix;

use crate::core::inventory::Looked;
use crate::core::windows::hot_fixes::hot_fixes as interpret;
use crate::core::windows::row::typed;
use crate::platform::windows::wmi;

/// The class looks through the component store, which takes half a minute on slow machines.
const DEADLINE: Duration = Duration::from_secs(50);

/// What Windows' own updates are installed. (Updates of programs are among the software.)
///
/// # Errors
/// When WMI does not answer.
pub fn hot_fixes() -> anyhow::Result<Option<Looked<Vec<HotFix>>>> {
    let rows = wmi::objects(r"root\cimv2", "Win32_QuickFixEngineering", DEADLINE).context("installed updates")?;
    let (fixes, unfit) = typed(rows);
    let problems = if unfit == 0 { Vec::new() } else { vec![format!("{unfit} updates are not understood")] };
    Ok(Some(Looked { content: interpret(fixes), problems }))
}
