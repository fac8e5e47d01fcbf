//! Joining a server.

use std::time::{Duration, Instant};

use axum::http::StatusCode;
use ed25519_dalek::SigningKey;
use gururmm_agent::core::random::SystemRandom;
use gururmm_agent::link::address::{BadAddress, ServerAddress};
use gururmm_agent::link::enroll::{EnrollError, Enrollment, enroll};
use gururmm_agent::platform;
use gururmm_agent::store::DataDir;
use gururmm_agent::store::config::Config;
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::enroll::EnrollmentToken;

use super::server::{AGENT_ID, TestServer};

async fn try_enroll(dir: &DataDir, server: &TestServer, token: &EnrollmentToken) -> Result<Config, EnrollError> {
    let address = ServerAddress::parse(&server.url()).unwrap();
    let enrollment = Enrollment {
        server: &address,
        token,
        ca_pem: None,
        machine: platform::machine_identity(),
        random: &SystemRandom,
        patience: Duration::from_secs(20),
    };
    enroll(dir, enrollment).await
}

#[tokio::test]
async fn a_machine_enrolls_and_again_with_proof_by_its_old_key() {
    let server = TestServer::start().await;
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(temp.path()).unwrap();
    let first = try_enroll(&dir, &server, &server.token()).await.unwrap();
    assert_eq!(first.agent_id, AGENT_ID);
    assert_eq!(Config::load(&dir).unwrap(), Some(first.clone()));
    let first_key = PublicKey::of(&first.load_key(&dir).unwrap());
    assert_eq!(private_files(temp.path()), [0o600; 4], "lock, journal, configuration and key are for their owner only");

    let second = try_enroll(&dir, &server, &server.token()).await.unwrap();
    assert_ne!(second.key_file, first.key_file);
    assert!(!dir.join(&first.key_file).exists(), "the old key is gone");
    let seen = server.seen.lock().unwrap();
    let fingerprint = server.token().server;
    assert_eq!(seen.enrollments[0].previous, None);
    assert_eq!(seen.enrollments[1].proven_previous_key(&fingerprint), Some(first_key));
}

fn private_files(path: &std::path::Path) -> Vec<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().permissions().mode() & 0o777)
        .collect()
}

#[tokio::test]
async fn when_the_answer_is_lost_the_next_attempt_asks_again_with_the_key_that_the_server_may_know() {
    let server = TestServer::start().await;
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(temp.path()).unwrap();
    server.seen.lock().unwrap().lose_answers = true;
    let error = try_enroll(&dir, &server, &server.token()).await.unwrap_err();
    assert!(matches!(error, EnrollError::Unreachable { maybe_received: true, .. }), "{error}");
    assert_eq!(Config::load(&dir).unwrap(), None);
    server.seen.lock().unwrap().lose_answers = false;
    let config = try_enroll(&dir, &server, &server.token()).await.unwrap();
    config.load_key(&dir).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4, "lock, journal, configuration, one key");
    let seen = server.seen.lock().unwrap();
    let first = seen.enrollments[0].public_key;
    assert_eq!(seen.enrollments[1].public_key, first, "a token for one machine is not used twice");
    assert_eq!(PublicKey::of(&config.load_key(&dir).unwrap()), first);
}

#[tokio::test]
async fn when_the_lost_key_is_refused_a_new_one_enrolls_and_the_lost_one_proves_the_machine() {
    let server = TestServer::start().await;
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(temp.path()).unwrap();
    server.seen.lock().unwrap().lose_answers = true;
    try_enroll(&dir, &server, &server.token()).await.unwrap_err();
    server.seen.lock().unwrap().lose_answers = false;
    // As the server answers when the lost enrollment was made with another token.
    server.seen.lock().unwrap().busy_enrollments = [(StatusCode::CONFLICT, "1")].into();
    let config = try_enroll(&dir, &server, &server.token()).await.unwrap();
    let seen = server.seen.lock().unwrap();
    let [lost, refused, accepted] = &seen.enrollments[..] else { panic!("{:?}", seen.enrollments) };
    assert_eq!(refused.public_key, lost.public_key);
    assert_ne!(accepted.public_key, lost.public_key);
    assert_eq!(accepted.proven_previous_key(&server.token().server), Some(lost.public_key));
    assert_eq!(PublicKey::of(&config.load_key(&dir).unwrap()), accepted.public_key);
}

#[tokio::test]
async fn a_busy_server_is_asked_again_after_the_pause_it_names() {
    let server = TestServer::start().await;
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(temp.path()).unwrap();
    let key = PublicKey::of(&server.key);
    server.seen.lock().unwrap().busy =
        [(StatusCode::SERVICE_UNAVAILABLE, "1"), (StatusCode::TOO_MANY_REQUESTS, "1")].into();
    let start = Instant::now();
    let config = try_enroll(&dir, &server, &server.token()).await.unwrap();
    assert_eq!(config.server_public_key, key);
    assert!(start.elapsed() >= Duration::from_secs(2), "{:?}", start.elapsed());
    assert_eq!(
        server.seen.lock().unwrap().requests,
        ["/api/agent/identity", "/api/agent/identity", "/api/agent/identity", "/api/agent/enroll"]
    );
}

#[tokio::test]
async fn an_enrollment_that_met_a_busy_server_is_repeated_with_the_same_key() {
    let server = TestServer::start().await;
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(temp.path()).unwrap();
    // The patience of this test does not cover the pause: the attempt ends, its key stays for the next one.
    server.seen.lock().unwrap().busy_enrollments = [(StatusCode::SERVICE_UNAVAILABLE, "3600")].into();
    let start = Instant::now();
    let error = try_enroll(&dir, &server, &server.token()).await.unwrap_err();
    assert_eq!(error.to_string(), "the server is busy: HTTP 503 Service Unavailable; try again later");
    assert!(start.elapsed() < Duration::from_secs(600), "it does not wait for nothing");
    server.seen.lock().unwrap().busy_enrollments = [(StatusCode::TOO_MANY_REQUESTS, "1")].into();
    let config = try_enroll(&dir, &server, &server.token()).await.unwrap();
    let used = PublicKey::of(&config.load_key(&dir).unwrap());
    let seen = server.seen.lock().unwrap();
    let keys: Vec<_> = seen.enrollments.iter().map(|enrollment| enrollment.public_key).collect();
    assert_eq!(keys, [used; 3]);
}

#[tokio::test]
async fn a_server_with_another_key_never_sees_the_token() {
    let server = TestServer::start().await;
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(temp.path()).unwrap();
    let other = PublicKey::of(&SigningKey::from_bytes(&[1; 32])).fingerprint();
    let error = try_enroll(&dir, &server, &EnrollmentToken::new(other, [5; 32])).await.unwrap_err();
    assert!(error.to_string().contains("The token was not sent"), "{error}");
    assert_eq!(server.seen.lock().unwrap().requests, ["/api/agent/identity"]);
    assert_eq!(Config::load(&dir).unwrap(), None);
}

#[tokio::test]
async fn a_refusal_is_shown_as_text_and_changes_nothing() {
    let server = TestServer::start().await;
    let temp = tempfile::tempdir().unwrap();
    let dir = DataDir::open(temp.path()).unwrap();
    let good = try_enroll(&dir, &server, &server.token()).await.unwrap();
    let bad = EnrollmentToken::new(server.token().server, [6; 32]);
    let error = try_enroll(&dir, &server, &bad).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server refused: Enrollment token invalid: The token is wrong,[31m expired or used up. (HTTP 403)"
    );
    assert_eq!(Config::load(&dir).unwrap(), Some(good.clone()));
    good.load_key(&dir).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 4, "the refused key is gone");
}

#[test]
fn plain_text_to_another_machine_is_refused_before_anything_is_sent() {
    let error = ServerAddress::parse("http://192.0.2.1:3001").unwrap_err();
    assert!(matches!(error, BadAddress::PlainText(_)));
    assert!(error.to_string().contains("use https"), "{error}");
}
