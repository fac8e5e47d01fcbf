//! What Linux tells about a process (proc(5)).

use std::time::Duration;

use anyhow::Context as _;

/// Length of one unit of processor time in `/proc/<pid>/stat`: 100 in a second on every platform that we run on
/// (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A line of `/proc/<pid>/status` that tells of memory, in bytes.
pub fn memory(pid: u32, name: &str) -> anyhow::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    Ok(kib.with_context(|| format!("no {name}"))? * 1024)
}

/// Processor time of a process and of its children that have ended.
pub fn processor_time(pid: u32) -> anyhow::Result<Duration> {
    ticks(&std::fs::read_to_string(format!("/proc/{pid}/stat"))?).map(|ticks| TICK * ticks).context("an unknown stat")
}

/// utime, stime, cutime, cstime: the fields 14 to 17. The second is the program's name, in which anything may stand.
fn ticks(stat: &str) -> Option<u32> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let fields: Vec<u32> =
        after_name.split_whitespace().skip(11).take(4).map_while(|field| field.parse().ok()).collect();
    (fields.len() == 4).then(|| fields.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "42 (a) R 1 (b)) S 1 42 42 0 -1 4194560 100 200 0 0 7 5 20 1 20 0 1 0 100 0 0";
        assert_eq!(ticks(stat), Some(33));
        assert_eq!(ticks("42 (a) S 1"), None);
    }

    #[test]
    fn this_process_has_memory_and_has_used_the_processor() {
        let pid = std::process::id();
        assert!(memory(pid, "VmRSS").unwrap() > 100_000);
        assert!(memory(pid, "VmNothing").is_err());
        processor_time(pid).unwrap();
    }
}
