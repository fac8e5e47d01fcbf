//! The agent for Windows, under Wine, at the real server. Run by `scripts/test windows`.
//!
//! Each test has several threads: while it waits for something in Wine, its connections to the server go on. Nothing is
//! expected at once that the machine may do a moment later.

use std::path::Path;
use std::time::Instant;

use gururmm_protocol::selftest::{CheckName, CheckState, SelftestReport};
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::desk::{Desk, PATIENCE};
use crate::support::wine::{DOWNLOADED, INSTALLED, Running, Wine, until_nothing};

const DATA: &str = "ProgramData/GuruRMM";
const PROGRAM: &str = "Program Files/GuruRMM";
const SERVICE: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\GuruRMMAgent";
const EVENT_SOURCE: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\GuruRMM Agent";
const INSTALLED_PROGRAM: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\ExampleEditor";
const BOOT: &str = r"HKLM\SOFTWARE\GuruRMM-Boot";

/// A machine that has joined a server.
struct House {
    // Dropped in this order: the agent talks to the server.
    wine: Wine,
    desk: Desk,
    id: String,
}

impl House {
    async fn new() -> Self {
        let mut desk = Desk::new().await;
        let wine = Wine::new();
        desk.agent_log = wine.path("run.log");
        let token = wine.path("token.txt");
        std::fs::write(&token, &desk.token).unwrap();
        let enrolled =
            wine.succeed(DOWNLOADED, &["enroll", "--server", &desk.server.url(), "--token-file", r"C:\token.txt"]);
        std::fs::remove_file(token).unwrap();
        assert!(enrolled.contains("enrolled with"), "{enrolled}");
        let id = desk.agent().await;
        Self { wine, desk, id }
    }

    async fn install_service(&mut self) {
        self.desk.agent_log = self.wine.path(&format!("{DATA}/logs/agent.log"));
        let installed = self.wine.succeed(DOWNLOADED, &["service", "install"]);
        assert!(installed.contains("installed and started"), "{installed}");
        self.desk.wait_for_presence(&self.id, "online").await;
    }

    fn service(&self) -> String {
        self.wine.succeed(DOWNLOADED, &["service", "status"])
    }

    fn until_service(&self, state: &str) {
        let shown = || self.wine.run(DOWNLOADED, &["service", "status"]).1;
        until_nothing(|| Some(shown()).filter(|shown| !shown.contains(state)).into_iter().collect());
    }

    async fn ends(&self, program: Value) -> (Value, String) {
        let id = self.desk.order(&self.id, program).await;
        (self.desk.end_of(&id).await, self.desk.output_of(&id).await)
    }

    async fn cmd(&self, script: &str) -> (Value, String) {
        self.ends(json!({"kind": "shell", "interpreter": "cmd", "script": script})).await
    }

    /// Waits until the server shows the Windows that the machine is.
    async fn until_inventory_is_there(&self) {
        let section = |inventory: &Value, name: &str| {
            let sections = inventory["sections"].as_array().unwrap();
            sections.iter().find(|section| section["section"] == name && section["error"].is_null()).cloned()
        };
        let wanted = ["os", "hardware", "network", "volumes", "services", "software"];
        let path = format!("/api/agents/{}/inventory", self.id);
        let all = |inventory: &Value| wanted.iter().all(|name| section(inventory, name).is_some());
        let inventory = self.desk.wait_at(&path, all).await;
        let [os, hardware, network, volumes, services, software] =
            wanted.map(|name| section(&inventory, name).unwrap()["data"].take());
        let has = |list: &Value, item: &dyn Fn(&Value) -> bool| list.as_array().unwrap().iter().any(item);
        assert_eq!(
            (&os["family"], &os["name"], &os["build"]),
            (&json!("windows"), &json!("Windows 10"), &json!("18362"))
        );
        assert!(hardware["memory_bytes"].as_i64() > Some(0), "{hardware}");
        assert!(network.is_array(), "{network}");
        assert!(
            has(&volumes, &|volume| volume["mount"] == "C:\\" && volume["total_bytes"].as_i64() > Some(0)),
            "{volumes}"
        );
        let agent = |service: &Value| service["name"] == "GuruRMMAgent" && service["start"] == "automatic";
        assert!(has(&services, &agent), "{services}");
        let editor = |program: &Value| program["name"] == "Example Editor" && program["version"] == "4.2";
        assert!(has(&software, &editor), "{software}");
        let path = format!("/api/agents/{}", self.id);
        self.desk.wait_at(&path, |agent| agent["os_family"] == "windows").await;
    }

    /// The service starts its own program for it. Of the rights nothing is expected: Wine shows everybody what it keeps.
    async fn examines_itself(&self) {
        let wanted = [
            (CheckName::Enrollment, "enrolled"),
            (CheckName::ServiceManager, "running"),
            (CheckName::Reachability, "reached"),
            (CheckName::ServerIdentity, "proven"),
            (CheckName::AgentSocket, "open"),
            (CheckName::Wmi, "answers"),
            (CheckName::TaskScheduler, "answers"),
        ];
        let started = Instant::now();
        loop {
            let (command, _) = self.ends(json!({"kind": "selftest"})).await;
            let output = self.desk.written(command["id"].as_str().unwrap(), &["stdout"]).await;
            let report: SelftestReport =
                serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {command}"));
            let is_as_wanted = |(name, code): &(CheckName, &str)| {
                let check = report.checks.iter().find(|check| check.name == *name).unwrap();
                (check.state, check.code.as_str()) == (CheckState::Ok, *code)
            };
            if wanted.iter().all(is_as_wanted) {
                return;
            }
            // The first question starts what answers it, which may take longer than a check waits.
            assert!(started.elapsed() < PATIENCE, "{output}");
        }
    }

    /// Waits until nothing of the agent is left on the machine but the copy that was downloaded.
    fn until_gone(&self) {
        self.until_service("not installed");
        until_nothing(|| {
            let files = [DATA, PROGRAM].into_iter().filter(|path| self.wine.path(path).exists());
            let keys = [SERVICE, EVENT_SOURCE, BOOT].into_iter().filter(|key| self.wine.run("reg", &["query", key]).0);
            let processes = self.wine.processes("gururmm-agent").into_iter().map(|process| process.to_string());
            files.chain(keys).map(str::to_owned).chain(processes).collect()
        });
    }
}

fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Wine: scripts/test windows"]
async fn as_a_service_from_enrollment_to_its_own_removal() {
    let mut house = House::new().await;
    for (name, value) in [("DisplayName", "Example Editor"), ("DisplayVersion", "4.2")] {
        house.wine.succeed("reg", &["add", INSTALLED_PROGRAM, "/v", name, "/d", value, "/f"]);
    }
    house.install_service().await;
    house.until_service("automatic, running; agent: running");
    assert_eq!(house.wine.processes("gururmm-agent").len(), 1);
    let definition = house.wine.succeed("reg", &["query", SERVICE]);
    let path = format!("\"{INSTALLED}\" run --service --data-dir C:\\ProgramData\\GuruRMM");
    assert!(definition.contains(&path) && definition.contains("LocalSystem"), "{definition}");
    assert!(house.wine.succeed("reg", &["query", EVENT_SOURCE]).contains("EventCreate.exe"));
    let (command, output) = house.cmd("echo from the service").await;
    assert_eq!((command["state"].as_str(), output.as_str()), (Some("succeeded"), "from the service\r\n"), "{command}");

    house.until_inventory_is_there().await;
    house.examines_itself().await;

    house.desk.server.signal(Signal::SIGKILL);
    house.desk.server.start().await;
    assert_eq!(house.cmd("exit /b 4").await.0["exit_code"], 4, "after a restart of the server");

    house.wine.succeed(DOWNLOADED, &["service", "stop"]);
    let stopped = house.service();
    assert!(stopped.contains("automatic, stopped; agent: not running"), "{stopped}");
    house.desk.wait_for_presence(&house.id, "offline").await;
    house.wine.succeed(DOWNLOADED, &["service", "start"]);
    house.desk.wait_for_presence(&house.id, "online").await;

    house.desk.client.delete(&format!("/api/agents/{}?uninstall=true", house.id)).await.expect(202);
    house.desk.wait_at(&format!("/api/agents/{}", house.id), |agent| agent["state"] == "decommissioned").await;
    house.until_gone();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Wine: scripts/test windows"]
async fn installed_over_itself_and_removed_by_hand() {
    let mut house = House::new().await;
    house.install_service().await;
    house.wine.succeed(DOWNLOADED, &["service", "install"]);
    // Only the new process can do it: the old one was ended for the installation.
    house.ends(json!({"kind": "shell", "interpreter": "cmd", "script": "echo here"})).await;
    assert_eq!(names(&house.wine.path(PROGRAM)), ["gururmm-agent.exe"]);

    let removed = house.wine.succeed(DOWNLOADED, &["service", "uninstall"]);
    assert!(removed.contains("its data stays"), "{removed}");
    house.until_service("not installed");
    assert!(!house.wine.path(PROGRAM).exists());
    assert!(house.wine.path(&format!("{DATA}/config.json")).exists());
    house.desk.wait_for_presence(&house.id, "offline").await;

    house.wine.succeed(DOWNLOADED, &["service", "install"]);
    house.desk.wait_for_presence(&house.id, "online").await;
    // The program that removes is the one that is to be removed.
    house.wine.succeed(INSTALLED, &["service", "uninstall", "--purge"]);
    house.until_gone();
    let (success, text) = house.wine.run(DOWNLOADED, &["service", "install"]);
    assert!(!success && text.contains("not enrolled"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Wine: scripts/test windows"]
async fn commands_are_run_as_windows_wants_them_and_end_honestly() {
    let house = House::new().await;
    let agent = Running::start(&house.wine);
    house.desk.wait_for_presence(&house.id, "online").await;

    let script =
        "@echo off\ngoto end\necho skipped\n:end\nfor %%i in (a b) do echo %%i\necho on stderr 1>&2\nexit /b 3";
    let (command, output) = house.cmd(script).await;
    assert_eq!((command["state"].as_str(), command["exit_code"].as_i64()), (Some("failed"), Some(3)), "{command}");
    assert!(!output.contains("skipped"), "{output:?}");
    assert_eq!(house.desk.written(command["id"].as_str().unwrap(), &["stdout"]).await, "a\r\nb\r\n");
    assert!(house.desk.written(command["id"].as_str().unwrap(), &["stderr"]).await.starts_with("on stderr"));

    let (_, output) = house.cmd("cd\nset").await;
    assert!(output.starts_with("C:\\\r\n") && output.contains("windir="), "{output}");
    assert!(!output.contains("GURURMM_") && !output.contains("AGENTS_OWN"), "the account's own environment: {output}");

    // 0x81 is the u with two dots of the code page of consoles; no UTF-8.
    std::fs::write(house.wine.path("oem.txt"), b"gr\x81n\r\n").unwrap();
    assert_eq!(house.cmd("type C:\\oem.txt").await.1, "gr\u{fc}n\r\n");

    let (command, output) = house.ends(json!({"kind": "exec", "argv": ["hostname"]})).await;
    assert_eq!(command["state"], "succeeded", "{command}");
    assert!(!output.trim().is_empty());
    let (command, _) = house.ends(json!({"kind": "exec", "argv": ["C:\\no such\\program.exe"]})).await;
    assert!(command["reason"].as_str().unwrap().contains("could not be started"), "{command}");
    // Wine's PowerShell does nothing and ends with 0.
    let powershell = json!({"kind": "shell", "interpreter": "powershell", "script": "Get-Date"});
    let (command, _) = house.ends(powershell).await;
    assert_eq!((command["state"].as_str(), command["exit_code"].as_i64()), (Some("failed"), Some(0)), "{command}");
    assert!(command["reason"].as_str().unwrap().contains("never began"), "{command}");
    let (command, _) = house.ends(json!({"kind": "shell", "interpreter": "sh", "script": "ls"})).await;
    assert!(command["reason"].as_str().unwrap().contains("use cmd or powershell"), "{command}");

    let secret = json!({
        "program": {"kind": "shell", "interpreter": "cmd", "script": "echo [%PASS%]"},
        "timeout_seconds": 60, "secrets": {"PASS": "hunter2-secret"},
    });
    let secret = house.desk.order_with(&house.id, secret).await;
    house.desk.end_of(&secret).await;
    assert_eq!(house.desk.output_of(&secret).await, "[[redacted]]\r\n");
    assert_eq!(names(&house.wine.path(&format!("{DATA}/scripts"))), [""; 0], "no script stays behind");
    drop(agent);
}

/// Three processes that do not end by themselves, two of them in the background.
const TREE: &str = "echo begun\nstart /b ping -n 600 127.0.0.1 >nul\nstart /b cmd /c ping -n 600 127.0.0.1 >nul\nping -n 600 127.0.0.1 >nul";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Wine: scripts/test windows"]
async fn a_timeout_a_cancel_and_a_dead_agent_take_the_whole_tree_along() {
    let house = House::new().await;
    let agent = Running::start(&house.wine);
    house.desk.wait_for_presence(&house.id, "online").await;
    let tree = json!({"kind": "shell", "interpreter": "cmd", "script": TREE});
    let left = || house.wine.processes("ping");

    // The tree must be up before it is ended; how long that takes is the machine's affair.
    let mut limits = [5, 20, 80].into_iter();
    loop {
        let seconds = limits.next().expect("the tree is never up");
        let limited = json!({"program": tree, "timeout_seconds": seconds});
        let limited = house.desk.order_with(&house.id, limited).await;
        let mut most = 0;
        let path = format!("/api/commands/{limited}");
        let command = house
            .desk
            .wait_at(&path, |command| {
                most = most.max(left().len());
                !matches!(command["state"].as_str().unwrap(), "queued" | "sent" | "running")
            })
            .await;
        assert_eq!((command["state"].as_str(), &command["exit_code"]), (Some("timed_out"), &Value::Null), "{command}");
        until_nothing(left);
        if most == 3 {
            assert_eq!(house.desk.output_of(&limited).await, "begun\r\n", "what it wrote before is kept");
            break;
        }
    }

    let all_there = || until_nothing(|| if left().len() < 3 { vec![left()] } else { vec![] });
    let cancelled = house.desk.order(&house.id, tree.clone()).await;
    all_there();
    house.desk.client.post(&format!("/api/commands/{cancelled}/cancel"), json!({})).await.expect(200);
    assert_eq!(house.desk.end_of(&cancelled).await["state"], "cancelled");
    until_nothing(left);

    let orphaned = house.desk.order(&house.id, tree).await;
    all_there();
    agent.kill();
    until_nothing(left);
    let agent = Running::start(&house.wine);
    let command = house.desk.end_of(&orphaned).await;
    assert_eq!(command["state"], "unknown", "{command}");
    assert_eq!(house.cmd("echo again").await.1, "again\r\n");
    drop(agent);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Wine: scripts/test windows"]
async fn a_decommissioned_agent_in_the_foreground_ends_and_does_not_start_again() {
    let house = House::new().await;
    let agent = Running::start(&house.wine);
    house.desk.wait_for_presence(&house.id, "online").await;
    house.desk.client.delete(&format!("/api/agents/{}", house.id)).await.expect(202);
    assert_eq!(agent.end(), Some(0));
    let mut left = names(&house.wine.path(DATA));
    left.sort();
    assert_eq!(left, ["decommissioned.json", "lock", "status.json"]);
    assert_eq!(Running::start(&house.wine).end(), Some(78));
}
