//! The real program: its command line, and being killed.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use gururmm_agent::store::status::Answer;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::server::{PATIENCE, TestServer, script};

/// The program with an environment that is known.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gururmm-agent"));
    command.env_clear().env("PATH", "/usr/bin:/bin").stdin(Stdio::null());
    command
}

/// A running agent; killed without warning when dropped.
pub struct Running(pub Child);

impl Running {
    pub fn start(dir: &Path) -> Self {
        Self::start_with(dir, program())
    }

    pub fn start_with(dir: &Path, mut command: Command) -> Self {
        Self(command.arg("run").arg("--data-dir").arg(dir).spawn().unwrap())
    }

    /// As a power cut would.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Waits for its end.
    pub async fn exit_code(mut self) -> Option<i32> {
        let end = tokio::time::Instant::now() + PATIENCE;
        while tokio::time::Instant::now() < end {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.code();
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the agent does not end");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub async fn finished(command: &mut Command) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
}

async fn status(dir: &Path) -> Answer {
    let output = finished(program().args(["status", "--json", "--data-dir"]).arg(dir)).await;
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn from_enrollment_to_status_and_an_orderly_end() {
    let mut server = TestServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let run = Running::start(dir.path()).exit_code().await;
    assert_eq!(run, Some(78), "not enrolled");

    let output = finished(
        program()
            .args(["enroll", "--server", &server.url(), "--data-dir"])
            .arg(dir.path())
            .env("GURURMM_TOKEN", server.token().reveal()),
    )
    .await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(!status(dir.path()).await.running);

    let agent = Running::start(dir.path());
    let mut session = server.accept().await;
    let id = session.run(script("echo hello")).await;
    session.result(id).await;
    assert_eq!(session.stdout(id), "hello\n");
    let answer = status(dir.path()).await;
    assert!(answer.running);
    assert_eq!(answer.status.unwrap().pid, agent.0.id());

    let second = finished(program().args(["run", "--data-dir"]).arg(dir.path())).await;
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8_lossy(&second.stderr);
    assert!(error.contains("another agent") && error.contains(dir.path().to_str().unwrap()), "{error}");
    let enroll = finished(
        program()
            .args(["enroll", "--server", &server.url(), "--token", &server.token().reveal(), "--data-dir"])
            .arg(dir.path()),
    )
    .await;
    assert!(!enroll.status.success(), "no enrollment under a running agent");

    kill(Pid::from_raw(agent.0.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    session.settle(PATIENCE).await;
    assert_eq!(agent.exit_code().await, Some(0));
    assert!(!status(dir.path()).await.running);
}

#[tokio::test]
async fn what_the_agent_inherited_does_not_reach_its_commands() {
    let mut server = TestServer::start().await;
    let dir = super::agent::enrolled(&server);
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", "exec 7</dev/null; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_gururmm-agent")]);
    let agent = Running::start_with(dir.path(), shell);
    let mut session = server.accept().await;
    let id = session.run(script("ls /proc/self/fd")).await;
    session.result(id).await;
    // 3 is the directory that `ls` itself reads.
    assert_eq!(session.stdout(id), "0\n1\n2\n3\n");
    agent.kill();
}

#[tokio::test]
async fn the_token_may_come_from_a_file_and_is_never_printed() {
    let server = TestServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, format!("{}\n", server.token().reveal())).unwrap();
    let data = dir.path().join("data");
    let mut enroll = program();
    enroll.args(["enroll", "--server", &server.url(), "--token-file"]).arg(&file).arg("--data-dir").arg(&data);
    enroll.env("GURURMM_LOG", "trace");
    let output = finished(&mut enroll).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("enrolled with"));
    assert!(!printed.contains(server.token().reveal().rsplit('.').next().unwrap()), "{printed}");
}

#[tokio::test]
async fn the_token_may_come_through_a_pipe() {
    let server = TestServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let line = format!(
        "printf %s '{}' | \"$0\" enroll --server {} --data-dir \"$1\" --token-file -",
        server.token().reveal(),
        server.url()
    );
    let mut shell = Command::new("/bin/sh");
    shell
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .args(["-c", &line, env!("CARGO_BIN_EXE_gururmm-agent")])
        .arg(dir.path());
    let output = finished(&mut shell).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.seen.lock().unwrap().enrollments[0].token, server.token().reveal());
}

#[tokio::test]
async fn plain_text_to_another_machine_is_refused_with_a_clear_message() {
    let server = TestServer::start().await;
    let dir = tempfile::tempdir().unwrap();
    let token = server.token().reveal();
    let output = finished(
        program().args(["enroll", "--server", "http://192.0.2.1", "--token", &token, "--data-dir"]).arg(dir.path()),
    )
    .await;
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("not encrypted") && error.contains("use https"), "{error}");
}

#[tokio::test]
async fn without_systemd_the_service_commands_say_so() {
    if Path::new("/run/systemd/system").exists() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for verb in ["install", "uninstall", "status"] {
        let output = finished(program().args(["service", verb, "--data-dir"]).arg(dir.path())).await;
        assert!(!output.status.success());
        assert!(String::from_utf8_lossy(&output.stderr).contains("systemd does not run on this machine"));
    }
}
