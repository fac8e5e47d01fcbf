//! Handshake, sessions, displacement, clones, and what ends a connection.

use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::message::FromAgent;
use gururmm_sim::{HelloOverrides, SimAgent, SimError};
use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::TestApp;

/// Why a connection was not made.
async fn refusal(agent: &SimAgent, overrides: &HelloOverrides) -> RejectCode {
    match agent.connect_with(overrides).await.err().expect("refused") {
        SimError::Rejected(rejected) => rejected.code,
        other => panic!("{other}"),
    }
}

async fn state(app: &TestApp, agent: &SimAgent) -> (String, Value) {
    sqlx::query_as("SELECT state, quarantine_machines FROM agents WHERE id = $1")
        .bind(agent.agent_id().unwrap())
        .fetch_one(&app.db)
        .await
        .unwrap()
}

fn on_another_machine() -> HelloOverrides {
    HelloOverrides {
        machine_id: Some("copy".into()),
        boot_id: Some("copy-boot".into()),
        hostname: Some("COPY".into()),
        ..HelloOverrides::default()
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_connects_and_the_record_learns_what_the_connection_says(db: PgPool) {
    let app = TestApp::new(db).await;
    let mut agent = app.agent(1).await;
    agent.machine.identity.boot_id = "boot-2".into();
    agent.machine.identity.hostname = "renamed".into();
    agent.version = "0.2.0".into();
    let session = agent.connect().await.unwrap();
    assert_eq!(session.agent_id(), agent.agent_id().unwrap());
    assert_eq!(session.welcome().epoch, 1);
    assert!(session.welcome().inventory.is_empty());
    let row: (String, String, String, Option<i32>, Option<String>) =
        sqlx::query_as("SELECT hostname, boot_id, agent_version, protocol_version, address FROM agents")
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!(row, ("renamed".into(), "boot-2".into(), "0.2.0".into(), Some(1), Some("127.0.0.1".into())));
    assert_eq!(app.app.hub.connected(), 1);
    session.close().await;
    app.until("the session is gone", || async { app.app.hub.connected() == 0 }).await;
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn unknown_and_revoked_keys_wrong_proofs_and_old_protocols_are_told_apart(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let truth = HelloOverrides::default();
    let wrong = HelloOverrides { wrong_signature: true, ..HelloOverrides::default() };
    assert_eq!(refusal(&agent, &wrong).await, RejectCode::BadProof);
    let old = HelloOverrides { protocol_version: Some(0), ..HelloOverrides::default() };
    assert_eq!(refusal(&agent, &old).await, RejectCode::ProtocolUnsupported);
    let newer = HelloOverrides { protocol_version: Some(99), ..HelloOverrides::default() };
    agent.connect_with(&newer).await.unwrap().close().await;

    let stranger = SimAgent::restore(
        agent.machine.clone(),
        SimAgent::from_seed(99).key().clone(),
        *agent.enrollment().unwrap(),
        &app.url,
    );
    assert_eq!(refusal(&stranger, &truth).await, RejectCode::UnknownKey);
    sqlx::query("UPDATE agent_keys SET revoked_at = now()").execute(&app.db).await.unwrap();
    assert_eq!(refusal(&agent, &truth).await, RejectCode::UnknownKey);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_hello_of_another_connection_proves_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut first = agent.open().await.unwrap();
    let recorded = agent.respond_hello(&first.challenge().await.unwrap(), &HelloOverrides::default()).unwrap();
    let mut second = agent.open().await.unwrap();
    second.challenge().await.unwrap();
    second.send(&FromAgent::Hello(recorded)).await.unwrap();
    assert_eq!(second.expect_end().await.unwrap().map(|said| said.code), Some(RejectCode::BadProof));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_newer_connection_displaces_the_older_one(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut older = agent.connect().await.unwrap();
    let mut newer = agent.connect().await.unwrap();
    older.expect_rejected(RejectCode::Displaced).await.unwrap();
    newer.report_inventory(&agent).await.unwrap();
    assert_eq!(app.app.hub.connected(), 1);
    let row: (Uuid, String) = app
        .wait_for_row("SELECT session_id, state FROM agent_presence", |row: &(Uuid, String)| row.1 == "online")
        .await;
    assert_eq!(row.0, newer.welcome().session_id);
    assert_eq!(state(&app, &agent).await.0, "active");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn two_living_holders_of_one_key_are_quarantined_also_when_they_call_themselves_the_same(db: PgPool) {
    let app = TestApp::new(db).await;
    for (seed, other_boot, machines_seen) in [(1, None, 1), (2, Some("other-boot"), 2)] {
        let agent = app.agent(seed).await;
        let other = HelloOverrides { boot_id: other_boot.map(Into::into), ..HelloOverrides::default() };
        let mut older = agent.connect().await.unwrap();
        for n in 1..=4 {
            let overrides = if n % 2 == 0 { &HelloOverrides::default() } else { &other };
            let newer = agent.connect_with(overrides).await.unwrap();
            older.expect_rejected(RejectCode::Displaced).await.unwrap();
            older = newer;
            app.advance(TimeDelta::minutes(1));
        }
        older.expect_rejected(RejectCode::Quarantined).await.unwrap();
        assert_eq!(refusal(&agent, &HelloOverrides::default()).await, RejectCode::Quarantined);
        let (state, machines) = state(&app, &agent).await;
        assert_eq!((state.as_str(), machines.as_array().unwrap().len()), ("quarantined", machines_seen), "{machines}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_machine_that_leaves_half_open_connections_behind_is_not_taken_for_two(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut half_open = Vec::new();
    for boot in 0..6 {
        // As a machine that crashes again and again, or one behind a network that does.
        let booted = HelloOverrides { boot_id: Some(format!("boot {}", boot / 2)), ..HelloOverrides::default() };
        let mut session = agent.connect_with(&booted).await.unwrap();
        // More than is read at once: it is still on its way when the next connection takes over.
        for _ in 0..250 {
            session.link().send_text(r#"{"type":"of_tomorrow"}"#).await.unwrap();
        }
        half_open.push(session);
        app.advance(TimeDelta::seconds(20));
    }
    half_open.pop().unwrap().close().await;
    assert_eq!(app.app.hub.drained(Duration::from_secs(60)).await, 0);
    assert_eq!(state(&app, &agent).await.0, "active");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn silent_connections_from_one_address_do_not_keep_others_out(db: PgPool) {
    let app = TestApp::new(db).await;
    let anonymous = app.anonymous();
    let upgrade = |address: &str| {
        anonymous
            .request(reqwest::Method::GET, "/ws/agent")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
            .header("x-forwarded-for", address)
            .send()
    };
    let mut held = Vec::new();
    // Who says nothing loses the place after a while, on a slow machine before the last one is taken: then once more.
    let refused = loop {
        held.extend(futures_util::future::join_all((0..64).map(|_| upgrade("198.51.100.7"))).await);
        let answer = upgrade("203.0.113.9, 198.51.100.7").await.unwrap();
        if answer.status() != 101 {
            break answer;
        }
        held.push(Ok(answer));
    };
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "5"));
    assert!(held.iter().flatten().filter(|answer| answer.status() == 101).count() >= 64);
    assert_eq!(upgrade("198.51.100.8").await.unwrap().status(), 101);
    app.agent(1).await.connect().await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_copied_key_on_a_second_machine_cuts_both_off_with_evidence_until_somebody_decides(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut original = agent.connect().await.unwrap();
    let rejected = match agent.connect_with(&on_another_machine()).await.err().unwrap() {
        SimError::Rejected(rejected) => rejected,
        other => panic!("{other}"),
    };
    assert_eq!((rejected.code, rejected.retry_after_seconds), (RejectCode::Quarantined, Some(300)));
    original.expect_rejected(RejectCode::Quarantined).await.unwrap();
    assert_eq!(refusal(&agent, &HelloOverrides::default()).await, RejectCode::Quarantined);
    let (state_now, machines) = state(&app, &agent).await;
    assert_eq!(state_now, "quarantined");
    let ids: Vec<_> =
        machines.as_array().unwrap().iter().map(|machine| machine["machine_id"].as_str().unwrap()).collect();
    assert_eq!(ids, [agent.machine.identity.machine_id.as_str(), "copy"]);
    let audited: (i64, String) = sqlx::query_as(
        "SELECT count(*), min(outcome) FROM audit_log WHERE action = 'agent.quarantine' AND agent_id IS NOT NULL",
    )
    .fetch_one(&app.db)
    .await
    .unwrap();
    assert_eq!(audited, (1, "success".into()));

    // A technician decides for the original: the copy is refused for good, the original works again.
    sqlx::query("UPDATE agents SET state = 'active', rejected_machine_ids = '{copy}'").execute(&app.db).await.unwrap();
    assert_eq!(refusal(&agent, &on_another_machine()).await, RejectCode::UnknownKey);
    agent.connect().await.unwrap();
    assert_eq!(state(&app, &agent).await.0, "active");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn enrolling_again_ends_the_session_of_the_old_key(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let mut agent = app.agent_in(organization, site, 1).await;
    let mut session = agent.connect().await.unwrap();
    agent.reenroll(&app.url, &app.enrollment_token(organization, site).await).await.unwrap();
    session.expect_rejected(RejectCode::UnknownKey).await.unwrap();
    agent.connect().await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_stopping_server_says_so_and_leaves_presence_as_it_is(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    app.wait_for_row("SELECT state FROM agent_presence", |row: &(String,)| row.0 == "online").await;
    app.app.shutdown.cancel();
    session.expect_rejected(RejectCode::ShuttingDown).await.unwrap();
    drop(session);
    assert_eq!(app.app.hub.drained(Duration::from_secs(5)).await, 0);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (state,): (String,) = sqlx::query_as("SELECT state FROM agent_presence").fetch_one(&app.db).await.unwrap();
    assert_eq!(state, "online");
    app.anonymous().get("/ws/agent").await.expect_problem(400, "not_websocket");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_full_server_and_an_absent_database_refuse_the_upgrade_with_retry_after(db: PgPool) {
    let app = TestApp::with(db.clone(), |config| config.max_agents = 1).await;
    let agent = app.agent(1).await;
    let session = agent.connect().await.unwrap();
    let upgrade = || {
        app.anonymous()
            .request(reqwest::Method::GET, "/ws/agent")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "AAAAAAAAAAAAAAAAAAAAAA==")
    };
    let full = app.anonymous().send(upgrade()).await;
    assert!(full.expect_problem(503, "unavailable")["detail"].as_str().unwrap().contains("max_agents"));
    assert_eq!(full.headers["retry-after"], "60");
    session.close().await;
    app.app.hub.drained(Duration::from_secs(5)).await;
    db.close().await;
    let away = app.anonymous().send(upgrade()).await;
    away.expect_problem(503, "unavailable");
    assert!(away.headers.contains_key("retry-after"));
}
