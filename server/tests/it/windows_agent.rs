//! The agent for Windows, under Wine, at the real server. Run by `scripts/test windows`.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::desk::Desk;
use crate::support::wine::{DOWNLOADED, INSTALLED, Running, Wine};

const DATA: &str = "ProgramData/GuruRMM";
const PROGRAM: &str = "Program Files/GuruRMM";
const EVENT_SOURCE: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\EventLog\Application\GuruRMM Agent";
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

    async fn with_service() -> Self {
        let mut house = Self::new().await;
        house.desk.agent_log = house.wine.path(&format!("{DATA}/logs/agent.log"));
        let installed = house.wine.succeed(DOWNLOADED, &["service", "install"]);
        assert!(installed.contains("installed and started"), "{installed}");
        house.desk.wait_for_presence(&house.id, "online").await;
        house
    }

    fn service(&self) -> String {
        self.wine.succeed(DOWNLOADED, &["service", "status"])
    }

    async fn ends(&self, program: Value) -> (Value, String) {
        let id = self.desk.order(&self.id, program).await;
        (self.desk.end_of(&id).await, self.desk.output_of(&id).await)
    }

    async fn cmd(&self, script: &str) -> (Value, String) {
        self.ends(json!({"kind": "shell", "interpreter": "cmd", "script": script})).await
    }

    /// Nothing of the agent is left on the machine but the copy that was downloaded.
    fn assert_gone(&self) {
        let started = Instant::now();
        let left = || {
            let files = [DATA, PROGRAM].into_iter().filter(|path| self.wine.path(path).exists()).map(str::to_owned);
            let keys = [EVENT_SOURCE, BOOT].into_iter().filter(|key| self.wine.run("reg", &["query", key]).0);
            let service = (!self.service().contains("not installed")).then(|| self.service());
            files.chain(keys.map(str::to_owned)).chain(service).collect::<Vec<_>>()
        };
        loop {
            let left = left();
            if left.is_empty() {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(60), "{left:?}: {:?}", names(&self.wine.path(PROGRAM)));
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

fn names(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

#[tokio::test]
#[ignore = "needs Wine: scripts/test windows"]
async fn as_a_service_from_enrollment_to_its_own_removal() {
    let mut house = House::with_service().await;
    let agent = house.desk.client.get(&format!("/api/agents/{}", house.id)).await.expect(200);
    assert_eq!(agent["os_family"], "windows", "{agent}");
    assert!(house.service().contains("automatic, running; agent: running"), "{}", house.service());
    let definition = house.wine.succeed("reg", &["query", r"HKLM\SYSTEM\CurrentControlSet\Services\GuruRMMAgent"]);
    let path = format!("\"{INSTALLED}\" run --service --data-dir C:\\ProgramData\\GuruRMM");
    assert!(definition.contains(&path) && definition.contains("LocalSystem"), "{definition}");
    assert!(house.wine.succeed("reg", &["query", EVENT_SOURCE]).contains("EventCreate.exe"));
    let (command, output) = house.cmd("echo from the service").await;
    assert_eq!((command["state"].as_str(), output.as_str()), (Some("succeeded"), "from the service\r\n"), "{command}");

    house.desk.server.signal(Signal::SIGKILL);
    house.desk.server.start().await;
    house.desk.wait_for_presence(&house.id, "online").await;
    assert_eq!(house.cmd("exit /b 4").await.0["exit_code"], 4, "after a restart of the server");

    house.wine.succeed(DOWNLOADED, &["service", "stop"]);
    assert!(house.service().contains("stopped; agent: not running"), "{}", house.service());
    house.desk.wait_for_presence(&house.id, "offline").await;
    house.wine.succeed(DOWNLOADED, &["service", "start"]);
    house.desk.wait_for_presence(&house.id, "online").await;

    house.desk.client.delete(&format!("/api/agents/{}?uninstall=true", house.id)).await.expect(202);
    house.desk.wait_at(&format!("/api/agents/{}", house.id), |agent| agent["state"] == "decommissioned").await;
    house.assert_gone();
}

#[tokio::test]
#[ignore = "needs Wine: scripts/test windows"]
async fn installed_over_itself_and_removed_by_hand() {
    let house = House::with_service().await;
    house.wine.succeed(DOWNLOADED, &["service", "install"]);
    house.desk.wait_for_presence(&house.id, "online").await;
    assert_eq!(names(&house.wine.path(PROGRAM)), ["gururmm-agent.exe"]);

    let removed = house.wine.succeed(DOWNLOADED, &["service", "uninstall"]);
    assert!(removed.contains("its data stays"), "{removed}");
    assert!(house.service().contains("not installed") && !house.wine.path(PROGRAM).exists());
    assert!(house.wine.path(&format!("{DATA}/config.json")).exists());

    house.wine.succeed(DOWNLOADED, &["service", "install"]);
    house.desk.wait_for_presence(&house.id, "online").await;
    // The program that removes is the one that is to be removed.
    house.wine.succeed(INSTALLED, &["service", "uninstall", "--purge"]);
    house.assert_gone();
    let (success, text) = house.wine.run(DOWNLOADED, &["service", "install"]);
    assert!(!success && text.contains("not enrolled"), "{text}");
}

#[tokio::test]
#[ignore = "needs Wine: scripts/test windows"]
async fn commands_are_run_as_windows_wants_them_and_end_honestly() {
    let house = House::new().await;
    let agent = Running::start(&house.wine);
    house.desk.wait_for_presence(&house.id, "online").await;

    let script =
        "@echo off\ngoto end\necho skipped\n:end\nfor %%i in (a b) do echo %%i\necho on stderr 1>&2\nexit /b 3";
    let (command, output) = house.cmd(script).await;
    assert_eq!((command["state"].as_str(), command["exit_code"].as_i64()), (Some("failed"), Some(3)), "{command}");
    assert!(output.contains("a\r\nb\r\n") && output.contains("on stderr") && !output.contains("skipped"), "{output:?}");

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

#[tokio::test]
#[ignore = "needs Wine: scripts/test windows"]
async fn a_timeout_a_cancel_and_a_dead_agent_take_the_whole_tree_along() {
    let house = House::new().await;
    let agent = Running::start(&house.wine);
    house.desk.wait_for_presence(&house.id, "online").await;
    let tree = json!({"kind": "shell", "interpreter": "cmd", "script": TREE});
    let all_there = async |id: &str| {
        house.desk.wait_for(id, |state| state == "running").await;
        let started = Instant::now();
        while house.wine.processes("ping.exe").len() < 3 {
            assert!(started.elapsed() < Duration::from_secs(30), "{:?}", house.wine.processes("ping.exe"));
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };

    let limited = json!({"program": tree, "timeout_seconds": 10});
    let limited = house.desk.order_with(&house.id, limited).await;
    all_there(&limited).await;
    let command = house.desk.end_of(&limited).await;
    assert_eq!((command["state"].as_str(), &command["exit_code"]), (Some("timed_out"), &Value::Null), "{command}");
    assert_eq!(house.wine.processes("ping.exe"), [0_u32; 0]);
    assert_eq!(house.desk.output_of(&limited).await, "begun\r\n", "what it wrote before is kept");

    let cancelled = house.desk.order(&house.id, tree.clone()).await;
    all_there(&cancelled).await;
    house.desk.client.post(&format!("/api/commands/{cancelled}/cancel"), json!({})).await.expect(200);
    assert_eq!(house.desk.end_of(&cancelled).await["state"], "cancelled");
    assert_eq!(house.wine.processes("ping.exe"), [0_u32; 0]);

    let orphaned = house.desk.order(&house.id, tree).await;
    all_there(&orphaned).await;
    agent.kill();
    let started = Instant::now();
    while !house.wine.processes("ping.exe").is_empty() {
        assert!(started.elapsed() < Duration::from_secs(30), "they outlive the agent");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let agent = Running::start(&house.wine);
    let command = house.desk.end_of(&orphaned).await;
    assert_eq!(command["state"], "unknown", "{command}");
    assert_eq!(house.cmd("echo again").await.1, "again\r\n");
    drop(agent);
}

#[tokio::test]
#[ignore = "needs Wine: scripts/test windows"]
async fn a_decommissioned_agent_in_the_foreground_ends_and_does_not_start_again() {
    let house = House::new().await;
    let agent = Running::start(&house.wine);
    house.desk.wait_for_presence(&house.id, "online").await;
    house.desk.client.delete(&format!("/api/agents/{}", house.id)).await.expect(202);
    assert_eq!(agent.end(Duration::from_secs(60)), Some(0));
    let mut left = names(&house.wine.path(DATA));
    left.sort();
    assert_eq!(left, ["decommissioned.json", "lock", "status.json"]);
    assert_eq!(Running::start(&house.wine).end(Duration::from_secs(60)), Some(78));
}
