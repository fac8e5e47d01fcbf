//! `selftest`: by hand, and as a command.

use std::path::Path;
use std::process::{Command, Output};

use gururmm_agent::store::config::Config;
use gururmm_protocol::command::{Outcome, Program};
use gururmm_protocol::selftest::{Check, CheckName, CheckState, SCHEMA, SelftestReport};
use tokio::net::TcpListener;

use super::agent::enrolled;
use super::binary::{Running, finished, program};
use super::server::{TestServer, greet_who_leaves, script};

pub fn selftest(mut command: Command, dir: &Path) -> Command {
    command.args(["selftest", "--json", "--data-dir"]).arg(dir);
    command
}

pub fn report(output: &Output) -> SelftestReport {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

pub fn check(report: &SelftestReport, name: CheckName) -> &Check {
    report.checks.iter().find(|check| check.name == name).expect("every check is in the report")
}

/// State and code.
pub fn found(report: &SelftestReport, name: CheckName) -> (CheckState, &str) {
    let check = check(report, name);
    (check.state, &check.code)
}

const OF_THE_SERVER: [CheckName; 7] = [
    CheckName::NameResolution,
    CheckName::Proxy,
    CheckName::Tls,
    CheckName::Reachability,
    CheckName::ServerIdentity,
    CheckName::AgentSocket,
    CheckName::Clock,
];

/// Also on a machine without systemd, where the tests do not run as root, and where little space is left.
fn assert_all_well(report: &SelftestReport) {
    assert_eq!(report.schema, SCHEMA);
    assert_ne!(report.overall, CheckState::Failed, "{report:#?}");
    assert!(check(report, CheckName::Disk).evidence.len() == 2, "{report:#?}");
    for (name, state, code) in [
        (CheckName::Enrollment, CheckState::Ok, "enrolled"),
        (CheckName::NameResolution, CheckState::Skipped, "literal_address"),
        (CheckName::Proxy, CheckState::Skipped, "this_machine"),
        (CheckName::Tls, CheckState::Skipped, "plain_http"),
        (CheckName::Reachability, CheckState::Ok, "reached"),
        (CheckName::ServerIdentity, CheckState::Ok, "proven"),
        (CheckName::AgentSocket, CheckState::Ok, "open"),
        (CheckName::Clock, CheckState::Ok, "in_step"),
        (CheckName::Wmi, CheckState::Skipped, "not_this_system"),
        (CheckName::TaskScheduler, CheckState::Skipped, "not_this_system"),
    ] {
        assert_eq!(found(report, name), (state, code), "{report:#?}");
    }
}

#[tokio::test]
async fn an_enrolled_machine_finds_its_server_and_its_data() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let mut command = selftest(program(), dir.path());
    let (output, ()) = tokio::join!(finished(&mut command), async {
        greet_who_leaves(&mut server.socket().await).await;
    });
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_all_well(&report(&output));
    let key = Config::load_unheld(dir.path()).unwrap().unwrap().key_file;
    let secret = std::fs::read_to_string(dir.path().join(key)).unwrap();
    assert!(!String::from_utf8_lossy(&output.stdout).contains(secret.trim()));
}

#[tokio::test]
async fn a_machine_that_is_not_enrolled_is_examined_all_the_same() {
    let mut server = TestServer::start().await;
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("data");
    let output = finished(&mut selftest(program(), &dir)).await;
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let nothing = report(&output);
    assert_eq!(found(&nothing, CheckName::Enrollment), (CheckState::Warning, "not_enrolled"));
    for name in OF_THE_SERVER {
        assert_eq!(found(&nothing, name), (CheckState::Skipped, "not_enrolled"));
    }

    let mut named = selftest(program(), &dir);
    named.args(["--server", &server.url()]);
    let (output, ()) = tokio::join!(finished(&mut named), async {
        greet_who_leaves(&mut server.socket().await).await;
    });
    let named = report(&output);
    assert_eq!(found(&named, CheckName::Reachability), (CheckState::Ok, "reached"));
    assert_eq!(found(&named, CheckName::ServerIdentity), (CheckState::Skipped, "not_enrolled"));
    assert_eq!(found(&named, CheckName::AgentSocket), (CheckState::Ok, "open"));
    assert!(!dir.exists(), "nothing is made");
}

#[tokio::test]
async fn a_server_that_is_away_is_told_once_to_programs_and_people() {
    let server = TestServer::start().await;
    let dir = enrolled(&server);
    // A port at which nobody listens, for as long as the test holds it.
    let held = tokio::net::TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = format!("http://{}", held.local_addr().unwrap());
    let mut away = selftest(program(), dir.path());
    away.args(["--server", &address]);
    let output = finished(&mut away).await;
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let away = report(&output);
    assert_eq!(away.overall, CheckState::Failed);
    assert_eq!(found(&away, CheckName::Reachability), (CheckState::Failed, "not_reached"));
    assert!(check(&away, CheckName::Reachability).fix.is_some());
    for name in [CheckName::ServerIdentity, CheckName::AgentSocket, CheckName::Clock] {
        assert_eq!(found(&away, name), (CheckState::Skipped, "earlier_failure"));
    }

    let mut people = program();
    people.args(["selftest", "--server", &address, "--data-dir"]).arg(dir.path());
    let output = finished(&mut people).await;
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("FAILED   reachability     The server does not answer."), "{text}");
    assert!(text.lines().last().is_some_and(|line| line.starts_with("FAILED: ")), "{text}");
}

#[tokio::test]
async fn what_is_not_the_server_proves_nothing() {
    let server = TestServer::start().await;
    let mut other = TestServer::with_key(ed25519_dalek::SigningKey::from_bytes(&[8; 32])).await;
    let dir = enrolled(&server);
    let mut command = selftest(program(), dir.path());
    command.args(["--server", &other.url()]);
    let (output, ()) = tokio::join!(finished(&mut command), async {
        greet_who_leaves(&mut other.socket().await).await;
    });
    assert_eq!(output.status.code(), Some(1));
    let report = report(&output);
    assert_eq!(found(&report, CheckName::ServerIdentity), (CheckState::Failed, "other_key"));
    assert_eq!(
        found(&report, CheckName::Clock),
        (CheckState::Skipped, "server_time_unknown"),
        "its clock is not believed"
    );
}

#[tokio::test]
async fn a_disk_that_takes_nothing_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = TestServer::start().await;
    let dir = enrolled(&server);
    let mut shell = Command::new("/bin/sh");
    // No file can grow beyond one block.
    let line = "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"";
    shell.env_clear().env("PATH", "/usr/bin:/bin").args(["-c", line, env!("CARGO_BIN_EXE_gururmm-agent")]);
    let mut command = selftest(shell, dir.path());
    // Accepts connections and says nothing: also that ends.
    command.args(["--server", &format!("http://{}", listener.local_addr().unwrap())]);
    let output = finished(&mut command).await;
    assert_eq!(output.status.code(), Some(1));
    let report = report(&output);
    assert_eq!(found(&report, CheckName::Disk), (CheckState::Failed, "not_writable"), "{report:#?}");
    assert_eq!(found(&report, CheckName::Reachability), (CheckState::Failed, "no_answer"), "{report:#?}");
    let left = std::fs::read_dir(dir.path()).unwrap().flatten();
    assert!(left.into_iter().all(|entry| !entry.file_name().to_string_lossy().starts_with("selftest")));
}

#[tokio::test]
async fn as_a_command_it_examines_the_agent_that_runs_even_when_its_file_is_gone() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let program = dir.path().join("program");
    // By another process: while this one has it open for writing, no child that a test starts meanwhile could run it.
    assert!(
        std::process::Command::new("cp")
            .arg(env!("CARGO_BIN_EXE_gururmm-agent"))
            .arg(&program)
            .status()
            .unwrap()
            .success()
    );
    let mut command = Command::new(&program);
    command.env_clear().env("PATH", "/usr/bin:/bin").env("GURURMM_LOG", "warn");
    // Also when it was told its data directory by a path that holds only where it was started.
    command.current_dir(dir.path().parent().unwrap());
    let agent = Running::start_with(Path::new(dir.path().file_name().unwrap()), command);
    let mut session = server.accept().await;
    std::fs::remove_file(&program).unwrap();

    let mut order = script("x");
    order.program = Program::Selftest;
    let id = session.run(order).await;
    let (result, ()) = tokio::join!(session.result(id), async {
        greet_who_leaves(&mut server.socket().await).await;
    });
    assert_eq!((result.outcome, result.exit_code), (Outcome::Succeeded, Some(0)), "{}", session.output(id));
    let report: SelftestReport = serde_json::from_str(&session.stdout(id)).unwrap();
    assert_all_well(&report);
    // The session goes on as before.
    let id = session.run(script("echo still there")).await;
    session.result(id).await;
    assert_eq!(session.stdout(id), "still there\n");
    agent.kill();
}
