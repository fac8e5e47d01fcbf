//! What a simulated machine would find when it examines itself.

use std::time::Duration;

use chrono::{DateTime, Utc};
use gururmm_protocol::selftest::{Check, CheckName, CheckState, SCHEMA, SelftestReport};

use crate::Machine;

/// One simulated machine in so many has a clock that is off.
const CLOCK_OFF: u32 = 10;

/// The report of a machine that is well, but for a clock now and then, made within `took`.
pub fn report(machine: &Machine, now: DateTime<Utc>, took: Duration, rng: &mut fastrand::Rng) -> SelftestReport {
    let windows = machine.is_windows();
    let account = if windows { r"account NT AUTHORITY\SYSTEM" } else { "account root" };
    let mut checks = vec![
        ok(
            CheckName::Permissions,
            "private",
            "The agent has the rights that it needs, and nobody else looks into its data.",
            account,
        ),
        ok(CheckName::Disk, "writable", "The data directory takes files, and there is space.", &disk(machine)),
        ok(CheckName::Enrollment, "enrolled", "This machine is enrolled, and its key is there.", "simulated"),
        ok(CheckName::ServiceManager, "running", "The service runs, and starts with the machine.", "simulated"),
        ok(CheckName::NameResolution, "resolved", "The server's name has an address.", "192.0.2.10"),
        ok(
            CheckName::Proxy,
            "direct",
            "No proxy is set for this server in the environment: the agent connects straight.",
            "simulated",
        ),
        ok(CheckName::Tls, "believed", "The server's certificate is believed.", "TLSv1_3"),
        ok(CheckName::Reachability, "reached", "The server answers, and is well.", "GET /health"),
        ok(
            CheckName::ServerIdentity,
            "proven",
            "The server holds the key that this machine was enrolled with.",
            "protocol 1",
        ),
        ok(CheckName::AgentSocket, "open", "WebSockets get through to the server.", "simulated"),
        clock(rng),
    ];
    for (name, words) in [(CheckName::Wmi, &machine.os.name), (CheckName::TaskScheduler, &machine.os.name)] {
        checks.push(if windows {
            ok(name, "answers", "It answers.", words)
        } else {
            Check {
                state: CheckState::Skipped,
                evidence: vec![],
                ..ok(name, "not_this_system", "Only Windows has it.", "")
            }
        });
    }
    SelftestReport {
        schema: SCHEMA,
        agent_version: env!("CARGO_PKG_VERSION").to_owned(),
        system: format!("{} x86_64", if windows { "windows" } else { "linux" }),
        started_at: now,
        duration_ms: u64::try_from(took.as_millis()).unwrap_or_default(),
        overall: CheckState::worst(checks.iter().map(|check| check.state)),
        checks,
    }
}

fn ok(name: CheckName, code: &str, reason: &str, evidence: &str) -> Check {
    Check {
        name,
        state: CheckState::Ok,
        code: code.to_owned(),
        reason: reason.to_owned(),
        fix: None,
        evidence: vec![evidence.to_owned()],
        duration_ms: 7,
    }
}

fn disk(machine: &Machine) -> String {
    match machine.volumes.first() {
        Some(volume) => format!("{}: half of {} GiB free", volume.mount, volume.total_bytes >> 30),
        None => "no volume".to_owned(),
    }
}

fn clock(rng: &mut fastrand::Rng) -> Check {
    if rng.u32(0..CLOCK_OFF) > 0 {
        return ok(
            CheckName::Clock,
            "in_step",
            "The clock agrees with the server's.",
            "0.3 s behind the server's clock",
        );
    }
    Check {
        state: CheckState::Warning,
        fix: Some("Set this machine's clock, and look at what keeps it right.".to_owned()),
        ..ok(
            CheckName::Clock,
            "clock_off",
            "The clock is off by more than a minute.",
            "3 min behind the server's clock",
        )
    }
}
