//! Whether a restart is pending.

use std::path::Path;

use gururmm_protocol::inventory::PendingReboot;

use super::{MAX_TEXT, read_line, read_text};
use crate::core::inventory::{Look, Looked};

/// What package tools left in `/run` (Debian, Ubuntu), and kernels that are installed and newer than the running one.
/// It cannot be told where neither sign exists, for example in a container.
///
/// # Errors
/// None: what cannot be told is part of the answer.
pub fn pending_reboot() -> Look<PendingReboot> {
    let mut sources = Vec::new();
    if Path::new("/run/reboot-required").exists() {
        sources.push("/run/reboot-required".to_owned());
        let packages = read_text("/run/reboot-required.pkgs", MAX_TEXT).unwrap_or_default();
        let mut packages: Vec<_> = packages.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        packages.sort_unstable();
        packages.dedup();
        sources.extend(packages.into_iter().map(|package| format!("package {package}")));
    }
    let running = read_line("/proc/sys/kernel/osrelease").unwrap_or_default();
    let installed = installed_kernels(Path::new("/boot"));
    let known = installed.contains(&running);
    if let Some(newer) = newer_kernel(&running, &installed) {
        sources.push(format!("kernel {newer} is installed, {running} runs"));
    }
    let pending = if sources.is_empty() { known.then_some(false) } else { Some(true) };
    let cannot_tell = "there is no /run/reboot-required, and the running kernel is not among those in /boot";
    let problems = if pending.is_none() { vec![cannot_tell.to_owned()] } else { Vec::new() };
    Ok(Looked { content: PendingReboot { pending, sources }, problems })
}

fn installed_kernels(boot: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(boot) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("vmlinuz-").map(str::to_owned))
        .collect()
}

/// The newest installed kernel of the running one's flavour (the part after the last hyphen), if it is newer. Says
/// nothing when the running kernel is not among the installed ones: it then came from elsewhere.
fn newer_kernel<'a>(running: &str, installed: &'a [String]) -> Option<&'a String> {
    let flavour = |release: &str| release.rsplit_once('-').map(|(_, flavour)| flavour.to_owned());
    // Red Hat's releases have no flavour after the hyphen but a number that grows.
    let same = |release: &str| {
        let (a, b) = (flavour(release), flavour(running));
        a == b || [a, b].iter().flatten().all(|text| text.starts_with(|c: char| c.is_ascii_digit()))
    };
    if !installed.iter().any(|release| release == running) {
        return None;
    }
    let newest = installed.iter().filter(|release| same(release)).max_by_key(|release| numbers(release))?;
    (numbers(newest) > numbers(running)).then_some(newest)
}

fn numbers(release: &str) -> Vec<u64> {
    release.split(|c: char| !c.is_ascii_digit()).filter_map(|part| part.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_newer_kernel_of_the_same_flavour_counts() {
        let installed = ["6.1.0-9-amd64", "6.1.0-28-amd64", "6.12.1-cloud"].map(str::to_owned);
        assert_eq!(newer_kernel("6.1.0-9-amd64", &installed).map(String::as_str), Some("6.1.0-28-amd64"));
        assert_eq!(newer_kernel("6.1.0-28-amd64", &installed), None);
        assert_eq!(newer_kernel("6.6.0-custom", &installed), None);
        let red_hat = ["5.14.0-427.el9.x86_64", "5.14.0-503.el9.x86_64"].map(str::to_owned);
        assert_eq!(newer_kernel(&red_hat[0], &red_hat), Some(&red_hat[1]));
    }
}
