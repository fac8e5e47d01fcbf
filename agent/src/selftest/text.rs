//! The report for people.

use std::fmt::Write as _;

use gururmm_protocol::selftest::{CheckName, CheckState, SelftestReport};

/// What a check is about, in words.
pub(super) const fn words(name: CheckName) -> &'static str {
    match name {
        CheckName::Permissions => "permissions",
        CheckName::Disk => "disk",
        CheckName::Enrollment => "enrollment",
        CheckName::ServiceManager => "service manager",
        CheckName::NameResolution => "name resolution",
        CheckName::Proxy => "proxy",
        CheckName::Tls => "TLS",
        CheckName::Reachability => "reachability",
        CheckName::ServerIdentity => "server identity",
        CheckName::AgentSocket => "agent socket",
        CheckName::Clock => "clock",
        CheckName::Wmi => "WMI",
        CheckName::TaskScheduler => "task scheduler",
        CheckName::Unknown => "unknown",
    }
}

const fn state(state: CheckState) -> &'static str {
    match state {
        CheckState::Ok => "ok",
        CheckState::Warning => "warning",
        CheckState::Failed => "FAILED",
        CheckState::Skipped => "skipped",
    }
}

/// The whole report as lines of text, one check after the other and the sum at the end.
#[must_use]
pub fn summary(report: &SelftestReport) -> String {
    let mut text = format!(
        "gururmm-agent {} on {}, {}\n\n",
        report.agent_version,
        report.system,
        report.started_at.format("%Y-%m-%d %H:%M:%S UTC")
    );
    for check in &report.checks {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{:<8} {:<16} {}", state(check.state), words(check.name), check.reason);
        let mut line = |line: &str| writeln!(text, "{:25} {line}", "");
        if let Some(fix) = &check.fix {
            let _ = line(&format!("-> {fix}"));
        }
        for evidence in &check.evidence {
            let _ = line(evidence);
        }
    }
    let count = |wanted| report.checks.iter().filter(|check| check.state == wanted).count();
    let seconds = report.duration_ms / 1_000;
    let _ = write!(
        text,
        "\n{}: {} ok, {} warning, {} failed, {} skipped, in {seconds}.{} s",
        state(report.overall),
        count(CheckState::Ok),
        count(CheckState::Warning),
        count(CheckState::Failed),
        count(CheckState::Skipped),
        report.duration_ms % 1_000 / 100
    );
    text
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use gururmm_protocol::selftest::{Check, SCHEMA};

    use super::*;

    #[test]
    fn people_read_what_is_wrong_and_what_to_do() {
        let check = |name, state, fix: Option<&str>, evidence: &[&str]| Check {
            name,
            state,
            code: "code".into(),
            reason: "It is so.".into(),
            fix: fix.map(str::to_owned),
            evidence: evidence.iter().map(|line| (*line).to_owned()).collect(),
            duration_ms: 1,
        };
        let report = SelftestReport {
            schema: SCHEMA,
            agent_version: "1.2.3".into(),
            system: "linux x86_64".into(),
            started_at: DateTime::UNIX_EPOCH,
            duration_ms: 2_345,
            overall: CheckState::Failed,
            checks: vec![
                check(CheckName::Disk, CheckState::Ok, None, &["/: much"]),
                check(CheckName::NameResolution, CheckState::Failed, Some("Mend it."), &[]),
            ],
        };
        assert_eq!(
            summary(&report),
            "gururmm-agent 1.2.3 on linux x86_64, 1970-01-01 00:00:00 UTC\n\
             \n\
             ok       disk             It is so.\n\
             \u{20}                         /: much\n\
             FAILED   name resolution  It is so.\n\
             \u{20}                         -> Mend it.\n\
             \n\
             FAILED: 1 ok, 0 warning, 1 failed, 0 skipped, in 2.3 s"
        );
    }
}
