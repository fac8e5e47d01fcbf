//! A disk that is full or read-only, files that are broken or gone: what the agent can still do, it does.

use std::io::Read as _;
use std::path::Path;
use std::process::{ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use gururmm_agent::store::status;
use gururmm_protocol::command::{Knowledge, Outcome};
use gururmm_protocol::envelope::Action;

use super::agent::{Agent, enrolled, until};
use super::binary::Running;
use super::server::{TestServer, id, script, terms};

/// Bytes beyond which no file of a [`limited`] agent can grow.
const LIMIT: usize = 4_096;

/// The agent with a limit on the size of files: beyond it, the disk takes nothing.
fn limited() -> Command {
    let mut shell = Command::new("/bin/sh");
    // POSIX counts in blocks of 512 bytes.
    let line = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", LIMIT / 512);
    shell.env_clear().env("PATH", "/usr/bin:/bin").args(["-c", &line, env!("CARGO_BIN_EXE_gururmm-agent")]);
    shell.stdin(Stdio::null());
    shell
}

/// A journal that is beyond the limit already, and not whole at its end: it can neither be continued nor rewritten.
fn long_journal(dir: &Path) {
    let line = || format!("{{\"record\":\"acted\",\"id\":\"{}\",\"expires_at\":\"2999-01-01T00:00:00Z\"}}\n", id());
    let lines: String = (0..100).map(|_| line()).collect();
    assert!(lines.len() > 2 * LIMIT);
    std::fs::write(dir.join("journal"), lines + "{\"record\":").unwrap();
}

/// Everything that is written, as it comes.
fn collected(mut from: ChildStderr) -> Arc<Mutex<Vec<u8>>> {
    let text = Arc::new(Mutex::new(Vec::new()));
    let all = Arc::clone(&text);
    std::thread::spawn(move || {
        let mut buffer = [0; 1_024];
        while let Ok(read @ 1..) = from.read(&mut buffer) {
            all.lock().unwrap().extend_from_slice(&buffer[..read]);
        }
    });
    text
}

#[tokio::test]
async fn without_a_journal_the_agent_stays_and_refuses_commands_with_the_reason() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    long_journal(dir.path());
    let agent = Running::start_with(dir.path(), limited());
    let mut session = server.accept().await;
    let marker = dir.path().join("ran");
    let terms = terms();
    let envelope = session.seal(terms, Action::RunCommand(script(&format!("touch {}", marker.display()))));
    session.send_envelope(envelope.clone()).await;
    let result = session.result(terms.id).await;
    assert_eq!(result.outcome, Outcome::Failed);
    assert!(result.reason.as_deref().is_some_and(|reason| reason.contains("journal cannot be written")), "{result:?}");
    assert_eq!(session.query(&[terms.id]).await[0].knowledge, Knowledge::Finished);
    let problem = || status::look(dir.path()).ok()?.status?.problem;
    until(|| problem().is_some_and(|problem| problem.starts_with("no command is started: "))).await;

    // The disk has room again, and the same order comes once more: it was answered.
    std::fs::write(dir.path().join("journal"), "").unwrap();
    session.events.clear();
    session.send_envelope(envelope).await;
    assert_eq!(session.result(terms.id).await, result);
    assert!(!marker.exists());
    agent.kill();
}

#[tokio::test]
async fn output_that_does_not_fit_is_counted_and_does_not_spoil_what_comes_after_it() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let mut command = limited();
    command.stderr(Stdio::piped());
    let mut agent = Running::start_with(dir.path(), command);
    let log = collected(agent.0.stderr.take().unwrap());
    let mut session = server.accept().await;
    let go = |n| dir.path().join(format!("go{n}"));
    let print = "head -c 3000 /dev/zero | tr '\\0'";
    let text = format!(
        "wait_for() {{ while [ ! -e \"$1\" ]; do sleep 0.1; done; }}
         {print} a; wait_for {}; {print} b; wait_for {}; echo end",
        go(1).display(),
        go(2).display()
    );
    let id = session.run(script(&text)).await;
    session.output_with(id, "aaa").await;
    std::fs::write(go(1), "").unwrap();
    until(|| String::from_utf8_lossy(&log.lock().unwrap()).contains("output cannot be stored")).await;
    std::fs::write(go(2), "").unwrap();
    let result = session.result(id).await;
    assert_eq!((result.outcome, result.output_chunks, result.output_dropped_bytes), (Outcome::Succeeded, 2, 3_000));
    assert_eq!(session.output(id), format!("{}end\n", "a".repeat(3_000)));
    agent.kill();
}

#[tokio::test]
async fn when_the_journal_is_gone_only_commands_of_before_the_connection_are_in_doubt() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    std::fs::remove_file(dir.path().join("journal")).unwrap();
    let earlier = terms();
    let agent = Agent::start_skewed(&dir, TimeDelta::hours(1));
    let mut session = server.accept().await;
    let later = session.run(script("true")).await;
    assert_eq!(session.result(later).await.outcome, Outcome::Succeeded);
    let marker = dir.path().join("ran");
    let action = Action::RunCommand(script(&format!("touch {}", marker.display())));
    session.send_envelope(session.seal(earlier, action)).await;
    let result = session.result(earlier.id).await;
    assert_eq!(result.outcome, Outcome::Unknown);
    assert!(result.reason.is_some_and(|reason| reason.contains("damaged")));
    assert!(!marker.exists());
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn with_a_broken_configuration_starting_again_is_useless_and_the_exit_code_says_so() {
    let server = TestServer::start().await;
    let key = |dir: &Path| {
        let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().path();
        let is_key = |path: &std::path::PathBuf| path.extension().is_some_and(|extension| extension == "key");
        std::fs::read_dir(dir).unwrap().map(name).find(is_key).unwrap()
    };
    let with_authority = |dir: &Path| {
        let path = dir.join("config.json");
        let mut config: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        config["ca_pem"] = "hello".into();
        std::fs::write(path, config.to_string()).unwrap();
    };
    let spoil: [&dyn Fn(&Path); 4] = [
        &|dir| std::fs::write(dir.join("config.json"), "{").unwrap(),
        &|dir| std::fs::write(key(dir), "?").unwrap(),
        &|dir| std::fs::remove_file(key(dir)).unwrap(),
        &with_authority,
    ];
    for (case, spoil) in spoil.iter().enumerate() {
        let dir = enrolled(&server);
        spoil(dir.path());
        assert_eq!(Running::start(dir.path()).exit_code().await, Some(78), "case {case}");
    }
}
