//! Server and agent as real processes, and what becomes of commands when either dies at any moment.

use std::path::Path;
use std::time::{Duration, Instant};

use gururmm_protocol::selftest::{CheckName, CheckState, SelftestReport};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::desk::{Desk, PATIENCE};
use crate::support::process::Agent;

struct House {
    // Dropped in this order: the agent lives in the server's directory.
    agent: Agent,
    desk: Desk,
    id: String,
}

impl House {
    async fn new() -> Self {
        let mut desk = Desk::new().await;
        let mut agent = Agent::enroll(&desk.server, &desk.token);
        desk.agent_log = agent.dir.join("test.log");
        agent.start();
        let id = desk.agent().await;
        desk.wait_for_presence(&id, "online").await;
        Self { agent, desk, id }
    }

    async fn order(&self, script: &str) -> String {
        self.desk.order(&self.id, json!({"kind": "shell", "interpreter": "sh", "script": script})).await
    }

    /// A section of the inventory, as soon as it is there.
    async fn section(&self, name: &str) -> Value {
        let of_name = |inventory: &Value| {
            inventory["sections"].as_array().unwrap().iter().find(|section| section["section"] == name).cloned()
        };
        let path = format!("/api/agents/{}/inventory", self.id);
        of_name(&self.desk.wait_at(&path, |inventory| of_name(inventory).is_some()).await).unwrap()
    }

    async fn audit_rows_of(&self, command: &str) -> usize {
        let rows = self.desk.client.get("/api/audit?action=command.create&limit=200").await.expect(200);
        rows["items"].as_array().unwrap().iter().filter(|row| row["target"]["id"] == command).count()
    }
}

fn lines(path: &Path) -> usize {
    std::fs::read_to_string(path).map_or(0, |text| text.lines().count())
}

#[tokio::test]
async fn a_machine_is_seen_and_does_what_it_is_told() {
    let mut house = House::new().await;
    let os = house.section("os").await;
    let agent = house.desk.client.get(&format!("/api/agents/{}", house.id)).await.expect(200);
    assert_eq!(agent["os_family"], "linux");
    assert_eq!(agent["server_host"], true, "this machine is the server's own host");
    let hostname = nix::unistd::gethostname().unwrap().into_string().unwrap();
    assert_eq!(os["data"]["hostname"], hostname.as_str());

    let id = house.order("echo to stdout; echo to stderr >&2; exit 3").await;
    let command = house.desk.end_of(&id).await;
    assert_eq!((command["state"].as_str(), command["exit_code"].as_i64()), (Some("failed"), Some(3)), "{command}");
    let output = house.desk.output_of(&id).await;
    assert!(output.contains("to stdout\n") && output.contains("to stderr\n"), "{output:?}");

    let long = house.order("echo begun; sleep 50").await;
    house.desk.wait_for(&long, |state| state == "running").await;
    house.desk.client.post(&format!("/api/commands/{long}/cancel"), json!({})).await.expect(200);
    assert_eq!(house.desk.end_of(&long).await["state"], "cancelled");

    house.agent.signal(Signal::SIGTERM);
    house.desk.wait_for_presence(&house.id, "offline").await;
    let waiting = house.order("echo later").await;
    assert_eq!(house.desk.command(&waiting).await["state"], "queued");
    house.agent.start();
    assert_eq!(house.desk.end_of(&waiting).await["state"], "succeeded");

    house.desk.client.delete(&format!("/api/agents/{}", house.id)).await.expect(202);
    house.agent.wait(PATIENCE);
    house.desk.wait_at(&format!("/api/agents/{}", house.id), |agent| agent["state"] == "decommissioned").await;
    let history = house.desk.client.get(&format!("/api/agents/{}/commands", house.id)).await.expect(200);
    assert_eq!(history["items"].as_array().unwrap().len(), 3, "history stays");
}

#[tokio::test]
async fn a_machine_examines_itself_when_it_is_asked_to() {
    let house = House::new().await;
    let id = house.desk.order(&house.id, json!({"kind": "selftest"})).await;
    let command = house.desk.end_of(&id).await;
    let output = house.desk.output_of(&id).await;
    let report: SelftestReport = serde_json::from_str(&output).unwrap();
    let found = |name: CheckName| {
        let check = report.checks.iter().find(|check| check.name == name).unwrap();
        (check.state, check.code.as_str())
    };
    // What else is wrong with this machine is not the test's affair.
    let expected = if report.overall == CheckState::Failed { ("failed", 1) } else { ("succeeded", 0) };
    assert_eq!(
        (command["state"].as_str(), command["exit_code"].as_i64()),
        (Some(expected.0), Some(expected.1)),
        "{output}"
    );
    assert_eq!(found(CheckName::Reachability), (CheckState::Ok, "reached"), "{output}");
    assert_eq!(found(CheckName::ServerIdentity), (CheckState::Ok, "proven"), "{output}");
    assert_eq!(found(CheckName::AgentSocket), (CheckState::Ok, "open"), "{output}");
    assert_eq!(found(CheckName::Clock), (CheckState::Ok, "in_step"), "{output}");
    let agent = house.desk.client.get(&format!("/api/agents/{}", house.id)).await.expect(200);
    assert_eq!(agent["presence"]["state"], "online", "its session was not disturbed: {agent}");
    assert_eq!(agent["state"], "active", "{agent}");
}

#[tokio::test]
async fn whoever_dies_at_any_moment_a_command_runs_at_most_once_and_ends_honestly() {
    let mut house = House::new().await;
    let marks = house.desk.server.dir.join("marks");
    std::fs::create_dir(&marks).unwrap();
    let mut round = 0;
    for delay in [0_u64, 5, 20, 60, 150, 400] {
        // In this order: an agent that has just been started does not yet wait long for a server that is away.
        for kill_server in [true, false] {
            round += 1;
            let mark = marks.join(round.to_string());
            let id = house.order(&format!("echo run >> {}; sleep 0.3; echo the end", mark.display())).await;
            tokio::time::sleep(Duration::from_millis(delay)).await;
            if kill_server {
                house.desk.server.signal(Signal::SIGKILL);
                house.desk.server.start().await;
            } else {
                house.agent.signal(Signal::SIGKILL);
                house.agent.start();
            }
            let command = house.desk.end_of(&id).await;
            let case = format!("kill {} after {delay} ms: {command}", if kill_server { "server" } else { "agent" });
            match command["state"].as_str().unwrap() {
                "succeeded" => {
                    assert_eq!(lines(&mark), 1, "{case}");
                    assert_eq!(house.desk.output_of(&id).await, "the end\n", "{case}");
                }
                "unknown" if !kill_server => {
                    assert!(lines(&mark) <= 1, "{case}");
                    assert!(command["reason"].as_str().unwrap().contains("agent"), "{case}");
                }
                _ => panic!("{case}"),
            }
            assert_eq!(house.audit_rows_of(&id).await, 1, "{case}");
        }
    }
}

#[tokio::test]
async fn a_command_that_ends_while_the_server_is_away_is_told_afterwards() {
    let mut house = House::new().await;
    let (go, done) = (house.desk.server.dir.join("go"), house.desk.server.dir.join("done"));
    let waits = format!("while [ ! -e {} ]; do sleep 0.1; done", go.display());
    let id = house.order(&format!("echo first; {waits}; echo second; echo x > {}; exit 7", done.display())).await;
    house.desk.wait_for(&id, |state| state == "running").await;
    house.desk.server.signal(Signal::SIGKILL);
    std::fs::write(&go, "").unwrap();
    let started = Instant::now();
    while !done.exists() {
        assert!(started.elapsed() < PATIENCE, "{}", house.agent.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    house.desk.server.start().await;
    let command = house.desk.end_of(&id).await;
    assert_eq!(command["exit_code"], 7, "{command}");
    assert_eq!(house.desk.output_of(&id).await, "first\nsecond\n");
}
