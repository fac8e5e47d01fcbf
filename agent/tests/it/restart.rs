//! The agent is killed without warning at every step of a command: it runs at most once and has one honest end.

use std::time::Duration;

use gururmm_protocol::command::{Knowledge, Outcome};
use gururmm_protocol::envelope::Action;

use super::agent::{enrolled, journaled, lines, until};
use super::binary::Running;
use super::server::{Session, TestServer, script, terms};

async fn knowledge(session: &mut Session, id: uuid::Uuid) -> Knowledge {
    session.query(&[id]).await[0].knowledge
}

#[tokio::test]
async fn killed_after_acceptance_the_command_was_never_had_and_runs_once_when_sent_again() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Running::start(dir.path());
    let mut session = server.accept().await;
    for _ in 0..4 {
        let id = session.run(script("sleep 20; true")).await;
        session.started(id).await;
    }
    let count = dir.path().join("count");
    let terms = terms();
    let envelope = session.seal(terms, Action::RunCommand(script(&format!("echo x >>{}", count.display()))));
    session.send_envelope(envelope.clone()).await;
    journaled(dir.path(), "accepted", terms.id).await;
    agent.kill();

    let agent = Running::start(dir.path());
    let mut session = server.accept().await;
    assert_eq!(knowledge(&mut session, terms.id).await, Knowledge::NeverHad);
    session.send_envelope(envelope).await;
    assert_eq!(session.result(terms.id).await.outcome, Outcome::Succeeded);
    assert_eq!(lines(&count), 1);
    agent.kill();
}

#[tokio::test]
async fn killed_while_it_runs_the_command_is_unknown_with_its_output_and_does_not_run_again() {
    for with_output in [false, true] {
        let mut server = TestServer::start().await;
        let dir = enrolled(&server);
        let agent = Running::start(dir.path());
        let mut session = server.accept().await;
        session.acknowledge = false;
        let count = dir.path().join("count");
        let echo = if with_output { "echo out; " } else { "" };
        let terms = terms();
        let text = format!("echo x >>{}; {echo}sleep 20; true", count.display());
        let envelope = session.seal(terms, Action::RunCommand(script(&text)));
        session.send_envelope(envelope.clone()).await;
        session.started(terms.id).await;
        until(|| lines(&count) == 1).await;
        if with_output {
            session.output_with(terms.id, "out").await;
        }
        agent.kill();

        let agent = Running::start(dir.path());
        let mut session = server.accept().await;
        assert_eq!(knowledge(&mut session, terms.id).await, Knowledge::Finished);
        let result = session.result(terms.id).await;
        assert_eq!(result.outcome, Outcome::Unknown);
        assert_eq!(result.reason.as_deref(), Some("the agent stopped while the command ran"));
        assert_eq!(result.output_chunks, u32::from(with_output));
        assert_eq!(session.output(terms.id), if with_output { "out\n" } else { "" });
        session.send_envelope(envelope).await;
        session.settle(Duration::from_secs(1)).await;
        assert_eq!(lines(&count), 1, "at most once");
        agent.kill();
    }
}

#[tokio::test]
async fn killed_before_the_acknowledgement_the_result_and_output_come_again() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Running::start(dir.path());
    let mut session = server.accept().await;
    session.acknowledge = false;
    let id = session.run(script("echo one; echo two >&2; exit 5")).await;
    let first = session.result(id).await;
    agent.kill();

    let agent = Running::start(dir.path());
    let mut session = server.accept().await;
    assert_eq!(session.result(id).await, first);
    assert!(session.output(id).contains("one") && session.output(id).contains("two"));
    journaled(dir.path(), "acknowledged", id).await;
    agent.kill();

    let agent = Running::start(dir.path());
    let mut session = server.accept().await;
    session.settle(Duration::from_secs(1)).await;
    assert!(session.events.is_empty(), "acknowledged before the kill");
    assert_eq!(knowledge(&mut session, id).await, Knowledge::Finished);
    assert_eq!(session.result(id).await, first, "told again when asked");
    agent.kill();
}

#[tokio::test]
async fn decommissioned_without_an_acknowledgement_it_does_not_run_again() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Running::start(dir.path());
    let mut session = server.accept().await;
    session.acknowledge = false;
    session.act(Action::Decommission { uninstall: false }).await;
    until(|| dir.path().join("decommissioned.json").exists()).await;
    agent.kill();
    assert_eq!(Running::start(dir.path()).exit_code().await, Some(78));
    let keys = std::fs::read_dir(dir.path()).unwrap();
    assert!(!keys.flatten().any(|entry| entry.file_name().to_string_lossy().ends_with(".key")), "the key is gone");
    assert!(!server.is_visited(Duration::from_millis(500)).await);
}
