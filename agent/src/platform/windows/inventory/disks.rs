//! Physical disks.

use anyhow::{Context as _, ensure};
use gururmm_protocol::inventory::Disk;

use super::WMI_DEADLINE;
use crate::core::inventory::{Look, Looked};
use crate::core::windows::disks::{DiskDrive, PhysicalDisk, sort};
use crate::core::windows::row::typed;
use crate::platform::windows::wmi;

/// What the storage service knows of the disks, their health among it; without it, what the older class of WMI knows.
///
/// # Errors
/// When neither answers.
pub fn disks() -> Look<Vec<Disk>> {
    let storage = wmi::objects(r"root\Microsoft\Windows\Storage", "MSFT_PhysicalDisk", WMI_DEADLINE);
    let (mut disks, problems): (Vec<_>, _) = match storage {
        Ok(rows) if !rows.is_empty() => {
            let (disks, unfit) = typed(rows);
            (disks.into_iter().filter_map(PhysicalDisk::disk).collect(), unread(unfit))
        }
        storage => {
            let rows = wmi::objects(r"root\cimv2", "Win32_DiskDrive", WMI_DEADLINE).context("Win32_DiskDrive")?;
            ensure!(
                !rows.is_empty(),
                "Windows tells of no disk at all: neither its storage service nor Win32_DiskDrive"
            );
            let (disks, unfit) = typed(rows);
            let mut problems = unread(unfit);
            match storage {
                Ok(_) => problems.push("health and kind of the disks: the storage service tells of none".to_owned()),
                Err(error) => problems.push(format!("health and kind of the disks: {error}")),
            }
            (disks.into_iter().filter_map(DiskDrive::disk).collect(), problems)
        }
    };
    sort(&mut disks);
    Ok(Looked { content: disks, problems })
}

fn unread(count: usize) -> Vec<String> {
    if count == 0 { Vec::new() } else { vec![format!("{count} disks are described in a way that is not understood")] }
}
