//! Running commands.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use ed25519_dalek::SigningKey;
use gururmm_agent::agent::Ended;
use gururmm_protocol::command::{Knowledge, Outcome, Program, REDACTED};
use gururmm_protocol::envelope::{Action, Refusal, SignedEnvelope};
use gururmm_protocol::message::FromAgent;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use uuid::Uuid;

use super::agent::{Agent, enrolled, lines, until};
use super::server::{PATIENCE, Session, Terms, TestServer, now, script, terms};

async fn start() -> (TestServer, TempDir, Agent, Session) {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Agent::start(&dir);
    let session = server.accept().await;
    (server, dir, agent, session)
}

/// Whether a process runs (one that has ended and waits to be collected does not).
fn runs(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()))
        .is_ok_and(|stat| !stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z')))
}

#[tokio::test]
async fn scripts_and_argument_vectors_run_in_a_clean_environment() {
    let (_server, dir, agent, mut session) = start().await;
    let mut command = script("pwd; echo $GREETING; echo oops >&2; env | cut -d= -f1 | sort; exit 3");
    command.environment = BTreeMap::from([("GREETING".to_owned(), "h\u{e4}llo".to_owned())]);
    command.working_directory = Some(dir.path().to_str().unwrap().to_owned());
    let id = session.run(command).await;
    let result = session.result(id).await;
    assert_eq!((result.outcome, result.exit_code), (Outcome::Failed, Some(3)));
    assert!(result.started_at.unwrap() <= result.finished_at);
    let out = session.stdout(id);
    assert!(out.starts_with(&format!("{}\nh\u{e4}llo\n", dir.path().display())), "{out}");
    assert!(!out.contains("CARGO"), "nothing of the agent's own environment: {out}");
    assert!(session.output(id).contains("oops"));

    let mut command = script("x");
    command.program = Program::Exec { argv: ["/bin/echo", "$HOME", "a b"].map(str::to_owned).to_vec() };
    let id = session.run(command).await;
    assert_eq!(session.result(id).await.outcome, Outcome::Succeeded);
    assert_eq!(session.stdout(id), "$HOME a b\n");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_start_fails_with_a_reason() {
    let (_server, _dir, agent, mut session) = start().await;
    let mut missing = script("x");
    missing.program = Program::Exec { argv: vec!["/no/such/program".to_owned()] };
    let mut nowhere = script("true");
    nowhere.working_directory = Some("/no/such/directory".to_owned());
    let mut invalid = script("true");
    invalid.timeout_seconds = 0;
    for (command, words) in
        [(missing, "could not be started"), (nowhere, "working_directory"), (invalid, "timeout_seconds")]
    {
        let id = session.run(command).await;
        let result = session.result(id).await;
        assert_eq!(result.outcome, Outcome::Failed);
        assert!(result.reason.as_deref().is_some_and(|reason| reason.contains(words)), "{result:?}");
    }
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_command_inherits_none_of_the_agents_files() {
    let (_server, dir, agent, mut session) = start().await;
    let id = session.run(script("for fd in /proc/self/fd/*; do readlink $fd; done")).await;
    session.result(id).await;
    let out = session.stdout(id);
    assert!(!out.contains("socket:") && !out.contains(dir.path().to_str().unwrap()), "{out}");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_timeout_ends_a_command() {
    let (_server, _dir, agent, mut session) = start().await;
    let mut command = script("sleep 300; true");
    command.timeout_seconds = 1;
    let id = session.run(command).await;
    assert_eq!(session.result(id).await.outcome, Outcome::TimedOut);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn the_whole_tree_of_a_command_is_killed() {
    let (_server, dir, agent, mut session) = start().await;
    let pids = dir.path().join("pids");
    let command = script(&format!(
        "cd {}; echo $$ >>pids; sh -c 'echo $$ >>pids; trap \"\" TERM; while :; do sleep 1; done' & \
         setsid sh -c 'echo $$ >>pids; sleep 300; true' & \
         (setsid sh -c 'echo $$ >>pids; sleep 300; true' &) ; sleep 300; true",
        dir.path().display()
    ));
    let id = session.run(command).await;
    until(|| lines(&pids) == 4).await;
    session.act(Action::CancelCommand { command_id: id }).await;
    assert_eq!(session.result(id).await.outcome, Outcome::Cancelled);
    let pids = std::fs::read_to_string(pids).unwrap();
    for pid in pids.lines() {
        assert!(!runs(pid), "process {pid} is still there");
    }
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn cancel_ends_a_running_command_and_keeps_an_unseen_one_from_starting() {
    let (_server, dir, agent, mut session) = start().await;
    let running = session.run(script("echo up; sleep 300; true")).await;
    session.output_with(running, "up").await;
    session.act(Action::CancelCommand { command_id: running }).await;
    assert_eq!(session.result(running).await.outcome, Outcome::Cancelled);

    let unseen = terms();
    session.act(Action::CancelCommand { command_id: unseen.id }).await;
    assert_eq!(session.result(unseen.id).await.outcome, Outcome::Cancelled);
    let marker = dir.path().join("ran");
    let action = Action::RunCommand(script(&format!("touch {}", marker.display())));
    session.send_envelope(session.seal(unseen, action)).await;
    session.settle(Duration::from_secs(1)).await;
    assert!(!marker.exists());
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn four_run_at_once_and_the_fifth_waits() {
    let (_server, _dir, agent, mut session) = start().await;
    let mut running = Vec::new();
    for _ in 0..4 {
        running.push(session.run(script("sleep 300; true")).await);
    }
    for id in &running {
        session.started(*id).await;
    }
    let fifth = session.run(script("true")).await;
    let sixth = session.run(script("true")).await;
    session.settle(Duration::from_secs(1)).await;
    assert!(session.events.iter().all(|(id, _)| *id != fifth));
    let status = session.query(&[running[0], fifth, Uuid::from_u128(404)]).await;
    let knowledge: Vec<_> = status.into_iter().map(|status| status.knowledge).collect();
    assert_eq!(knowledge, [Knowledge::InProgress, Knowledge::InProgress, Knowledge::NeverHad]);
    session.act(Action::CancelCommand { command_id: sixth }).await;
    assert_eq!(session.result(sixth).await.started_at, None);
    session.act(Action::CancelCommand { command_id: running[0] }).await;
    assert_eq!(session.result(fifth).await.outcome, Outcome::Succeeded);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_not_genuine_is_refused_and_nothing_happens() {
    let (_server, dir, agent, mut session) = start().await;
    let marker = dir.path().join("ran");
    let action = Action::RunCommand(script(&format!("touch {}", marker.display())));
    let good = session.seal(terms(), action.clone());
    let other = session.seal(terms(), Action::RunCommand(script("true")));
    let altered = SignedEnvelope { payload: good.payload.clone(), ..other };
    let foreign = SignedEnvelope::seal(&SigningKey::from_bytes(&[1; 32]), terms(), action.clone()).unwrap();
    let not_ours = session.seal(Terms { agent_id: Uuid::from_u128(8), ..terms() }, action.clone());
    let old_epoch = session.seal(Terms { epoch: 0, ..terms() }, action.clone());
    let long_over = session.seal(Terms { expires_at: now() - TimeDelta::days(3), ..terms() }, action);
    for (envelope, expected) in [
        (altered, Refusal::BadSignature),
        (foreign, Refusal::UnknownKey),
        (not_ours, Refusal::OtherAgent),
        (old_epoch, Refusal::OldEpoch),
        (long_over, Refusal::Expired),
    ] {
        let claimed = envelope.claimed_header().map(|header| header.id);
        session.send_envelope(envelope).await;
        match session.receive_answer().await {
            FromAgent::EnvelopeRefused { id, refusal } => assert_eq!((id, refusal), (claimed, expected)),
            other => panic!("{other:?}"),
        }
    }
    assert!(!marker.exists());
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_replayed_envelope_runs_once_even_after_a_restart() {
    let (mut server, dir, agent, mut session) = start().await;
    let count = dir.path().join("count");
    let terms = terms();
    let envelope = session.seal(terms, Action::RunCommand(script(&format!("echo x >>{}", count.display()))));
    session.send_envelope(envelope.clone()).await;
    session.send_envelope(envelope.clone()).await;
    session.result(terms.id).await;
    session.send_envelope(envelope.clone()).await;
    session.settle(Duration::from_secs(1)).await;
    agent.stop().await.unwrap();
    let agent = Agent::start(&dir);
    let mut session = server.accept().await;
    session.send_envelope(envelope).await;
    assert_eq!(session.result(terms.id).await.outcome, Outcome::Succeeded, "the end is told again");
    session.settle(Duration::from_millis(500)).await;
    assert_eq!(std::fs::read_to_string(count).unwrap(), "x\n");
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn output_is_limited_decoded_and_secrets_are_replaced() {
    let (_server, _dir, agent, mut session) = start().await;
    let mut capped = script("yes | head -c 100000; echo end >&2");
    capped.output_limit_bytes = 1_000;
    let capped = session.run(capped).await;
    let result = session.result(capped).await;
    assert_eq!(session.output(capped).len(), 1_000);
    assert_eq!(result.output_dropped_bytes, 99_004);

    let split = session.run(script(r"printf '\303'; sleep 0.6; printf '\244\377'; sleep 0.6; printf 'x'")).await;
    session.result(split).await;
    assert_eq!(session.output(split), "\u{e4}\u{fffd}x");

    let mut secret = script(
        "echo \"a $PASS b\"; printf '%s' \"$PASS\" | head -c 3; sleep 0.6; printf '%s' \"$PASS\" | tail -c +4; echo; \
         echo $PASS >&2",
    );
    secret.secrets = BTreeMap::from([("PASS".to_owned(), "hunter2-secret".to_owned()), ("NONE".into(), String::new())]);
    let secret = session.run(secret).await;
    session.result(secret).await;
    assert_eq!(session.stdout(secret), format!("a {REDACTED} b\n{REDACTED}\n"));
    assert!(!session.output(secret).contains("hunter"));
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn something_left_in_the_background_does_not_hold_the_command_up() {
    let (_server, _dir, agent, mut session) = start().await;
    let id = session.run(script("sleep 300 & echo $!")).await;
    let result = session.result(id).await;
    assert_eq!(result.outcome, Outcome::Succeeded);
    assert!(result.finished_at - result.started_at.unwrap() < TimeDelta::seconds(200));
    let pid = session.stdout(id);
    assert!(runs(&pid), "what a command leaves running on purpose stays");
    kill(Pid::from_raw(pid.trim().parse().unwrap()), Signal::SIGTERM).unwrap();
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn stopping_the_agent_ends_its_commands_as_unknown() {
    let (mut server, dir, agent, mut session) = start().await;
    session.acknowledge = false;
    let id = session.run(script("echo $$; sleep 300; true")).await;
    session.output_with(id, "\n").await;
    let pid = session.stdout(id);
    agent.stop().await.unwrap();
    drop(session);
    assert!(!runs(&pid));
    let agent = Agent::start(&dir);
    let mut session = server.accept().await;
    let result = session.result(id).await;
    assert_eq!(result.outcome, Outcome::Unknown);
    assert_eq!(result.reason.as_deref(), Some("the agent was stopped while the command ran"));
    assert_eq!(session.stdout(id), pid);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_decommissioned_agent_says_so_forgets_its_key_and_stays_away() {
    let (mut server, dir, agent, mut session) = start().await;
    // What says how to remove the service, which stays.
    std::fs::write(dir.path().join("service.json"), "{}").unwrap();
    let running = session.run(script("sleep 300; true")).await;
    session.started(running).await;
    let envelope = session.act(Action::Decommission { uninstall: false }).await;
    loop {
        if let FromAgent::Report { report: gururmm_protocol::message::Report::Decommissioned { envelope_id }, .. } =
            session.receive().await
        {
            assert_eq!(envelope_id, envelope);
            break;
        }
    }
    assert_eq!(agent.ended().await.unwrap(), Ended::Decommissioned);
    assert_eq!(names(dir.path()), ["decommissioned.json", "lock", "service.json", "status.json"]);
    let error = Agent::start(&dir).ended().await.unwrap_err();
    assert!(error.is_lasting() && error.to_string().contains("decommissioned"), "{error}");
    assert!(!server.is_visited(Duration::from_secs(1)).await);
}

#[tokio::test]
async fn uninstalling_leaves_nothing_behind() {
    let (_server, dir, agent, mut session) = start().await;
    session.act(Action::Decommission { uninstall: true }).await;
    session.settle(PATIENCE).await;
    assert_eq!(agent.ended().await.unwrap(), Ended::Decommissioned);
    assert!(!dir.path().exists());
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
