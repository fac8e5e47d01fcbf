//! Who is logged in.

use std::io;
use std::path::Path;

use anyhow::Context as _;
use chrono::DateTime;
use gururmm_protocol::inventory::LoggedInUser;

use super::{MAX_TEXT, read_bytes, read_text};
use crate::core::inventory::Look;

const UTMP: &str = "/run/utmp";
/// Ten thousand sessions.
const MAX_UTMP: u64 = 4 * 1024 * 1024;
const SESSIONS: &str = "/run/systemd/sessions";

/// The sessions in `/run/utmp`, or, where the distribution no longer keeps that file, those of systemd's login manager.
///
/// # Errors
/// When neither can be read.
pub fn logged_in_users() -> Look<Vec<LoggedInUser>> {
    let mut users = match read_bytes(UTMP, MAX_UTMP) {
        Ok(bytes) => parse_utmp(&bytes, |pid| Path::new("/proc").join(pid.to_string()).exists()),
        Err(error) => systemd_sessions(Path::new(SESSIONS)).with_context(|| format!("{UTMP}: {error}; {SESSIONS}"))?,
    };
    users.sort_by(|a, b| (&a.name, &a.session, a.since).cmp(&(&b.name, &b.session, b.since)));
    Ok(users.into())
}

/// Size of glibc's `struct utmp` on 64-bit Linux (utmp(5)), and where its fields stand.
const RECORD: usize = 384;
const USER_PROCESS: i16 = 7;

fn parse_utmp(bytes: &[u8], alive: impl Fn(i32) -> bool) -> Vec<LoggedInUser> {
    let text = |field: &[u8]| {
        let end = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        String::from_utf8_lossy(&field[..end]).into_owned()
    };
    let some = |text: String| (!text.is_empty()).then_some(text);
    bytes
        .chunks_exact(RECORD)
        .filter_map(|record| {
            let kind = i16::from_le_bytes(record[0..2].try_into().ok()?);
            let pid = i32::from_le_bytes(record[4..8].try_into().ok()?);
            let seconds = i32::from_le_bytes(record[340..344].try_into().ok()?);
            let name = text(&record[44..76]);
            if kind != USER_PROCESS || name.is_empty() || !alive(pid) {
                return None;
            }
            Some(LoggedInUser {
                name,
                session: some(text(&record[8..40])),
                host: some(text(&record[76..332])),
                since: DateTime::from_timestamp(i64::from(seconds), 0),
            })
        })
        .collect()
}

fn systemd_sessions(dir: &Path) -> io::Result<Vec<LoggedInUser>> {
    let sessions = std::fs::read_dir(dir)?
        .flatten()
        // Beside each session lies a pipe that is open as long as the session: reading it would wait for its end.
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()))
        .filter_map(|entry| read_text(entry.path(), MAX_TEXT).ok())
        .filter_map(|text| parse_session(&text))
        .collect();
    Ok(sessions)
}

/// One session file of systemd-logind: lines of `KEY=value`.
fn parse_session(text: &str) -> Option<LoggedInUser> {
    let get = |key: &str| {
        text.lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .filter(|v| !v.is_empty())
            .map(str::to_owned)
    };
    if get("CLASS").as_deref() != Some("user") || get("STATE").as_deref() == Some("closing") {
        return None;
    }
    let since = get("REALTIME").and_then(|text| text.parse::<i64>().ok()).and_then(DateTime::from_timestamp_micros);
    Some(LoggedInUser {
        name: get("USER")?,
        session: get("TTY").or_else(|| get("DISPLAY")).or_else(|| get("SERVICE")),
        host: get("REMOTE_HOST"),
        // Whole seconds, as utmp has them.
        since: since.and_then(|at| DateTime::from_timestamp(at.timestamp(), 0)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: i16, pid: i32, user: &str) -> Vec<u8> {
        let mut record = vec![0; RECORD];
        record[0..2].copy_from_slice(&kind.to_le_bytes());
        record[4..8].copy_from_slice(&pid.to_le_bytes());
        record[8..13].copy_from_slice(b"pts/0");
        record[44..44 + user.len()].copy_from_slice(user.as_bytes());
        record[76..84].copy_from_slice(b"10.0.0.7");
        record[340..344].copy_from_slice(&1_700_000_000_i32.to_le_bytes());
        record
    }

    #[test]
    fn live_user_sessions_are_read_from_utmp() {
        let mut file = record(USER_PROCESS, 10, "alice");
        file.extend(record(USER_PROCESS, 11, "stale"));
        file.extend(record(2, 10, "reboot"));
        file.extend([1, 2, 3]);
        let users = parse_utmp(&file, |pid| pid == 10);
        assert_eq!(users.len(), 1);
        assert_eq!(users[0].name, "alice");
        assert_eq!(users[0].session.as_deref(), Some("pts/0"));
        assert_eq!(users[0].host.as_deref(), Some("10.0.0.7"));
        assert_eq!(users[0].since.map(|at| at.timestamp()), Some(1_700_000_000));
    }

    #[test]
    fn sessions_of_the_login_manager() {
        let user = parse_session("USER=bob\nCLASS=user\nSTATE=active\nTTY=tty2\nREALTIME=1700000000123456\n").unwrap();
        assert_eq!((user.name.as_str(), user.session.as_deref()), ("bob", Some("tty2")));
        assert_eq!(parse_session("USER=gdm\nCLASS=greeter\nSTATE=active\n"), None);
    }
}
