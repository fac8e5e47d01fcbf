use std::time::Duration;

use gururmm_protocol::command::{CommandEvent, Knowledge, Outcome};
use gururmm_protocol::envelope::{Action, Refusal};
use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::message::{FromAgent, Report, ToAgent};
use gururmm_sim::{HelloOverrides, Script, SimAgent, SimError};
use uuid::Uuid;

use crate::scripted_server::{ScriptedServer, shell};

async fn enrolled(seed: u64) -> (ScriptedServer, SimAgent) {
    let server = ScriptedServer::start().await;
    let mut agent = SimAgent::from_seed(seed);
    agent.enroll(&server.url, &server.token()).await.unwrap();
    (server, agent)
}

#[tokio::test]
async fn an_agent_enrolls_connects_and_reports_only_what_changed() {
    let (server, agent) = enrolled(1).await;
    let mut session = agent.connect().await.unwrap();
    assert_eq!(session.agent_id(), agent.agent_id().unwrap());
    assert_eq!(session.report_inventory(&agent).await.unwrap(), agent.machine.inventory().len());
    session.close().await;

    let mut changed = agent.clone();
    changed.machine.users.clear();
    changed.machine.reboot.pending = None;
    let mut session = changed.connect().await.unwrap();
    assert!((1..=2).contains(&session.report_inventory(&changed).await.unwrap()));
    assert_eq!(server.connects(agent.agent_id().unwrap()), 2);
}

#[tokio::test]
async fn a_whole_command_is_played_in_order() {
    let (server, agent) = enrolled(2).await;
    let id = agent.agent_id().unwrap();
    let mut session = agent.connect().await.unwrap();
    server.until("connected", |s| s.connected() == 1).await;
    let command_id = server.send_action(id, Action::RunCommand(shell("echo hello")));
    let command = session.expect_command().await.unwrap();
    assert_eq!((command.id(), &command.run), (command_id, &shell("echo hello")));
    session.run_script(command.id(), &Script::succeeds("hello\n")).await.unwrap();
    let events: Vec<CommandEvent> = server
        .said(id)
        .into_iter()
        .map(|message| match message {
            FromAgent::Report { report: Report::Command { id, event }, .. } if id == command_id => event,
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(matches!(
        events.as_slice(),
        [CommandEvent::Started { .. }, CommandEvent::Output { index: 0, .. }, CommandEvent::Finished(result)]
            if result.outcome == Outcome::Succeeded && result.exit_code == Some(0) && result.output_chunks == 1
    ));
}

#[tokio::test]
async fn a_token_of_another_server_is_never_shown() {
    let server = ScriptedServer::start().await;
    let mut agent = SimAgent::from_seed(3);
    let error = agent.enroll(&server.url, &server.token_of_another_server()).await.unwrap_err();
    assert!(matches!(error, SimError::WrongServer), "{error}");
    assert!(server.agents().is_empty());
    assert!(matches!(agent.connect().await, Err(SimError::BadAddress(_))));
}

#[tokio::test]
async fn a_refused_token_names_the_problem_code() {
    let server = ScriptedServer::start().await;
    let mut token = server.token();
    token.replace_range(token.len() - 4.., "AAAA");
    let error = SimAgent::from_seed(4).enroll(&server.url, &token).await.unwrap_err();
    assert_eq!(error.http_status(), Some((403, Some("enrollment_token_invalid"))));
}

#[tokio::test]
async fn overrides_reach_the_server_signed_unless_the_signature_is_spoiled() {
    let (server, agent) = enrolled(5).await;
    let copied = HelloOverrides { machine_id: Some("other".into()), hostname: Some("h".into()), ..Default::default() };
    agent.connect_with(&copied).await.unwrap();
    assert_eq!(server.hellos()[0].machine.machine_id, "other");

    for (overrides, code) in [
        (HelloOverrides { wrong_signature: true, ..Default::default() }, RejectCode::BadProof),
        (HelloOverrides { protocol_version: Some(99), ..Default::default() }, RejectCode::ProtocolUnsupported),
    ] {
        let error = agent.connect_with(&overrides).await.err().unwrap();
        assert_eq!(error.rejected().map(|rejected| rejected.code), Some(code));
    }
    let fingerprint = agent.enrollment().unwrap().server_key.fingerprint();
    let challenge = agent.open().await.unwrap().challenge().await.unwrap();
    let newer = HelloOverrides { protocol_version: Some(99), ..Default::default() };
    let hello = agent.respond_hello(&challenge, &newer).unwrap();
    assert!(hello.verify(&fingerprint, &challenge.nonce).is_ok());
}

#[tokio::test]
async fn a_server_that_cannot_prove_itself_is_left() {
    let (server, agent) = enrolled(6).await;
    server.sign_welcomes_with_another_key();
    assert!(matches!(agent.connect().await, Err(SimError::WrongServer)));
}

#[tokio::test]
async fn enrolling_again_with_proof_keeps_the_id_and_forgetting_loses_it() {
    let (server, mut agent) = enrolled(7).await;
    let (id, key) = (agent.agent_id().unwrap(), agent.public_key());
    assert_eq!(agent.reenroll(&server.url, &server.token()).await.unwrap(), id);
    assert_ne!(agent.public_key(), key);
    agent.connect().await.unwrap();
    agent.forget();
    assert_ne!(agent.enroll(&server.url, &server.token()).await.unwrap(), id);
}

#[tokio::test]
async fn raw_frames_silence_and_the_end_of_a_connection_can_be_observed() {
    let (server, agent) = enrolled(8).await;
    let mut link = agent.open().await.unwrap();
    link.challenge().await.unwrap();
    link.expect_silence(Duration::from_millis(50)).await.unwrap();
    link.send_text("{nonsense").await.unwrap();
    assert_eq!(link.expect_end().await.unwrap().map(|r| r.code), Some(RejectCode::ProtocolViolation));

    let mut session = agent.connect().await.unwrap();
    session.link().send_binary([0, 1, 2]).await.unwrap();
    session.link().send_ping().await.unwrap();
    let id = session.agent_id();
    server.until("connected", |s| s.connected() == 1).await;
    server.say(
        id,
        ToAgent::Rejected(gururmm_protocol::handshake::Rejected {
            code: RejectCode::Displaced,
            message: "gone".into(),
            retry_after_seconds: None,
        }),
    );
    server.hang_up(id);
    session.expect_rejected(RejectCode::Displaced).await.unwrap();
}

#[tokio::test]
async fn waiting_for_one_message_keeps_the_others_and_ends_in_time() {
    let (server, agent) = enrolled(9).await;
    let id = agent.agent_id().unwrap();
    let mut session = agent.connect().await.unwrap();
    session.set_wait(Duration::from_millis(200));
    server.until("connected", |s| s.connected() == 1).await;
    let asked = Uuid::from_u128(77);
    server.say(id, ToAgent::Ack { seqs: vec![40, 41] });
    server.say(id, ToAgent::QueryCommands { ids: vec![asked] });
    assert_eq!(session.expect_query().await.unwrap(), [asked]);
    session.answer_query(&[(asked, Knowledge::NeverHad)]).await.unwrap();
    session.expect_ack(41).await.unwrap();
    session.expect_ack(40).await.unwrap();
    server.ignore_reports(true);
    let error = session.report_started(asked).await.unwrap_err();
    assert!(matches!(error, SimError::Timeout { wanted: "ack", .. }), "{error}");
}

#[tokio::test]
async fn an_envelope_is_opened_as_strictly_as_by_a_real_agent() {
    let (server, agent) = enrolled(10).await;
    let id = agent.agent_id().unwrap();
    let mut session = agent.connect().await.unwrap();
    server.until("connected", |s| s.connected() == 1).await;
    let mut envelope = server.seal(id, Action::RunCommand(shell("true")));
    envelope.payload = envelope.payload.replace("true", "false");
    server.say(id, ToAgent::Envelope(envelope));
    let refused = session.expect_command().await.unwrap_err();
    assert!(matches!(refused, SimError::Envelope(Refusal::BadSignature)));
    session.refuse_envelope(None, Refusal::BadSignature).await.unwrap();
    server
        .until("the refusal arrives", |s| {
            s.said(id).contains(&FromAgent::EnvelopeRefused { id: None, refusal: Refusal::BadSignature })
        })
        .await;
}

#[tokio::test]
async fn a_session_runs_over_any_stream() {
    let (server, agent) = enrolled(11).await;
    let (near, mut far) = tokio::io::duplex(4096);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    tokio::spawn(async move {
        let mut upstream = tokio::net::TcpStream::connect(address).await.unwrap();
        tokio::io::copy_bidirectional(&mut far, &mut upstream).await
    });
    let mut session = agent.connect_over(near).await.unwrap();
    assert_eq!(session.report_inventory(&agent).await.unwrap(), agent.machine.inventory().len());
}
