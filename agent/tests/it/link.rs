//! Sessions: who is believed, and when the agent comes back.

use std::time::Duration;

use axum::extract::ws::Message;
use chrono::TimeDelta;
use ed25519_dalek::SigningKey;
use gururmm_agent::agent::Ended;
use gururmm_agent::store::DataDir;
use gururmm_agent::store::config::Config;
use gururmm_agent::store::status::{self, LinkState};
use gururmm_protocol::command::Outcome;
use gururmm_protocol::handshake::{RejectCode, Welcome, WelcomeContent};
use gururmm_protocol::message::{FromAgent, ToAgent};
use uuid::Uuid;

use super::agent::{Agent, enrolled};
use super::server::{TestServer, challenge, now, reject, script, welcome};

#[tokio::test]
async fn a_server_with_another_key_is_not_believed() {
    let mut real = TestServer::start().await;
    let dir = enrolled(&real);
    let agent = Agent::start(&dir);
    let mut socket = real.socket().await;
    let (hello, nonce) = challenge(&mut socket, now()).await;
    let impostor = SigningKey::from_bytes(&[1; 32]);
    let forged = Welcome::sign(&impostor, &nonce, &hello.nonce, welcome());
    socket.send(Message::text(ToAgent::Welcome(forged).encode().unwrap())).await.unwrap();
    let mut session = real.accept().await;
    session.receive().await;
    let status = status::look(dir.path()).unwrap();
    assert!(status.running);
    assert_eq!(status.status.unwrap().state, LinkState::Connected);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn what_the_welcome_tells_is_kept_and_the_epoch_never_goes_down() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Agent::start(&dir);
    let merged = Uuid::from_u128(77);
    let mut session = server.accept_with(WelcomeContent { agent_id: merged, epoch: 4, ..welcome() }).await;
    session.receive().await;
    drop(session);
    let mut session = server.accept_with(WelcomeContent { agent_id: merged, epoch: 2, ..welcome() }).await;
    session.receive().await;
    assert_eq!(agent.stop().await.unwrap(), Ended::Stopped);
    let config = Config::load(&DataDir::open(dir.path()).unwrap()).unwrap().unwrap();
    assert_eq!((config.agent_id, config.epoch), (merged, 4));
}

#[tokio::test]
async fn a_removed_agent_says_so_and_waits_long() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Agent::start(&dir);
    let mut socket = server.socket().await;
    challenge(&mut socket, now()).await;
    reject(&mut socket, RejectCode::UnknownKey, None).await;
    assert!(!server.is_visited(Duration::from_secs(4)).await, "it does not hammer the server");
    let status = status::look(dir.path()).unwrap().status.unwrap();
    assert_eq!(status.state, LinkState::Waiting);
    assert!(status.reason.unwrap().contains("enroll it again"));
    assert!(status.next_attempt.unwrap() > now() + TimeDelta::minutes(50));
    agent.stop().await.unwrap();
    let answer = status::look(dir.path()).unwrap();
    assert!(!answer.running);
    assert_eq!(answer.status.unwrap().state, LinkState::Stopped);
}

#[tokio::test]
async fn a_pause_the_server_asks_for_is_kept() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Agent::start(&dir);
    let mut session = server.accept().await;
    session.receive().await;
    reject(&mut session.socket, RejectCode::Busy, Some(3)).await;
    assert!(!server.is_visited(Duration::from_millis(2_500)).await);
    server.accept().await.receive().await;
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn an_agent_whose_clock_is_an_hour_off_works_and_expiry_goes_by_the_servers_clock() {
    for skew in [TimeDelta::hours(1), -TimeDelta::hours(1)] {
        let mut server = TestServer::start().await;
        let dir = enrolled(&server);
        let agent = Agent::start_skewed(&dir, skew);
        let mut session = server.accept().await;
        let command = session.run(script("echo fine")).await;
        let result = session.result(command).await;
        assert_eq!(result.outcome, Outcome::Succeeded);
        assert!((result.finished_at - now()).abs() < TimeDelta::seconds(30), "by the server's clock");
        let late = super::server::Terms { expires_at: now() - TimeDelta::seconds(1), ..super::server::terms() };
        let marker = dir.path().join("ran");
        let action = gururmm_protocol::envelope::Action::RunCommand(script(&format!("touch {}", marker.display())));
        session.send_envelope(session.seal(late, action)).await;
        assert_eq!(session.result(late.id).await.outcome, Outcome::Expired);
        assert!(!marker.exists());
        agent.stop().await.unwrap();
    }
}

#[tokio::test]
async fn nonsense_and_messages_of_the_future_do_not_end_the_session() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Agent::start(&dir);
    let mut session = server.accept().await;
    for text in ["nonsense", r#"{"type":"from_the_future","x":1}"#, r#"{"type":"ack","seqs":"x"}"#] {
        session.socket.send(Message::text(text)).await.unwrap();
    }
    session.send(&ToAgent::Ack { seqs: vec![u64::MAX] }).await;
    let answer = session.query(&[Uuid::from_u128(5)]).await;
    assert_eq!(answer.len(), 1);
    agent.stop().await.unwrap();
}

#[tokio::test]
async fn a_stopping_agent_says_goodbye() {
    let mut server = TestServer::start().await;
    let dir = enrolled(&server);
    let agent = Agent::start(&dir);
    let mut session = server.accept().await;
    assert!(matches!(session.receive().await, FromAgent::Report { .. }));
    agent.stop.cancel();
    let closed = async {
        while let Some(message) = session.socket.recv().await {
            if matches!(message, Ok(Message::Close(_))) {
                return;
            }
        }
        panic!("the connection just broke");
    };
    tokio::time::timeout(super::server::PATIENCE, closed).await.unwrap();
    assert_eq!(agent.ended().await.unwrap(), Ended::Stopped);
}
