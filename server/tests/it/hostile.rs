//! Frames that the protocol does not allow, and agents that speak too fast.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gururmm_protocol::handshake::{RejectCode, Rejected};
use gururmm_protocol::limits;
use gururmm_protocol::message::{FromAgent, Report};
use gururmm_sim::{HelloOverrides, Link};
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::support::TestApp;

const VIOLATION: Option<RejectCode> = Some(RejectCode::ProtocolViolation);

async fn end(link: &mut Link) -> Option<RejectCode> {
    let said: Option<Rejected> = link.expect_end().await.unwrap();
    said.map(|rejected| rejected.code)
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn before_the_hello_only_a_small_hello_is_taken(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let report = FromAgent::Report { seq: 1, report: Report::Readings { readings: Vec::new() } }.encode().unwrap();
    let large = format!(r#"{{"type":"later","x":"{}"}}"#, "x".repeat(limits::MAX_HANDSHAKE_MESSAGE));
    for text in [String::new(), "{nonsense".into(), "[]".into(), r#"{"type":"hello"}"#.into(), report, large] {
        let mut link = agent.open().await.unwrap();
        link.challenge().await.unwrap();
        link.send_text(text.clone()).await.unwrap();
        assert_eq!(end(&mut link).await, VIOLATION, "{text:.60}");
    }
    let mut link = agent.open().await.unwrap();
    link.challenge().await.unwrap();
    link.send_binary([1, 2, 3]).await.unwrap();
    assert_eq!(end(&mut link).await, VIOLATION);

    // Something of a newer agent before the hello is ignored, but not for ever.
    let mut link = agent.open().await.unwrap();
    let challenge = link.challenge().await.unwrap();
    link.send_text(r#"{"type":"of_tomorrow"}"#).await.unwrap();
    let hello = agent.respond_hello(&challenge, &HelloOverrides::default()).unwrap();
    link.send(&FromAgent::Hello(hello)).await.unwrap();
    link.wait_for("welcome", |message| matches!(message, gururmm_protocol::message::ToAgent::Welcome(_)).then_some(()))
        .await
        .unwrap();
    let mut link = agent.open().await.unwrap();
    for _ in 0..9 {
        link.send_text(r#"{"type":"of_tomorrow"}"#).await.unwrap();
    }
    assert_eq!(end(&mut link).await, VIOLATION);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_silent_connection_is_closed_after_ten_seconds(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let begun = Instant::now();
    let mut link = agent.open().await.unwrap();
    link.set_wait(Duration::from_secs(60));
    assert_eq!(end(&mut link).await, VIOLATION);
    assert!(begun.elapsed() >= Duration::from_secs(10), "{:?}", begun.elapsed());
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_machine_without_an_id_or_with_hostile_text_gets_no_further_than_text(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let nameless = HelloOverrides { machine_id: Some("\u{0}".into()), ..HelloOverrides::default() };
    let error = agent.connect_with(&nameless).await.err().unwrap();
    assert_eq!(error.rejected().map(|rejected| rejected.code), VIOLATION);
    let hostile = HelloOverrides {
        hostname: Some("<img src=x onerror=alert(1)>\u{0}\u{202E}\r\n".into()),
        boot_id: Some("b".repeat(5_000)),
        agent_version: Some("v\u{0}\u{1b}".into()),
        ..HelloOverrides::default()
    };
    agent.connect_with(&hostile).await.unwrap();
    let row: (String, i32, String) =
        sqlx::query_as("SELECT hostname, length(boot_id), agent_version FROM agents").fetch_one(&app.db).await.unwrap();
    assert_eq!(row, ("<img src=x onerror=alert(1)>".into(), 255, "v".into()));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn violations_end_an_established_session(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let too_large = format!(r#"{{"type":"later","x":"{}"}}"#, "x".repeat(limits::MAX_MESSAGE));
    let texts = [
        String::new(),
        "{nonsense".into(),
        "\"text\"".into(),
        r#"{"type":"command_status","commands":7}"#.into(),
        too_large,
    ];
    for text in texts {
        let mut session = agent.connect().await.unwrap();
        session.link().send_text(text).await.unwrap();
        session.expect_rejected(RejectCode::ProtocolViolation).await.unwrap();
        // Not a displacement: the next connection comes after the end of this one.
        app.until("the session is gone", || async { app.app.hub.connected() == 0 }).await;
    }
    let mut session = agent.connect().await.unwrap();
    session.link().send_binary(vec![0; 16]).await.unwrap();
    session.expect_rejected(RejectCode::ProtocolViolation).await.unwrap();
    app.until("the session is gone", || async { app.app.hub.connected() == 0 }).await;

    let mut session = agent.connect().await.unwrap();
    let challenge = agent.open().await.unwrap().challenge().await.unwrap();
    let hello = agent.respond_hello(&challenge, &HelloOverrides::default()).unwrap();
    session.send(&FromAgent::Hello(hello)).await.unwrap();
    session.expect_rejected(RejectCode::ProtocolViolation).await.unwrap();
}

/// The agent's end of a connection through which the test can also put bytes of its own.
async fn tapped(app: &TestApp) -> (tokio::io::DuplexStream, Arc<Mutex<OwnedWriteHalf>>) {
    let address = app.url.trim_start_matches("http://");
    let (mut from_server, to_server) = tokio::net::TcpStream::connect(address).await.unwrap().into_split();
    let (near, far) = tokio::io::duplex(64 * 1024);
    let (mut from_agent, mut to_agent) = tokio::io::split(far);
    let to_server = Arc::new(Mutex::new(to_server));
    let out = Arc::clone(&to_server);
    tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_agent).await;
        let _ = to_agent.shutdown().await;
    });
    tokio::spawn(async move {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = from_agent.read(&mut buffer).await {
            let _ = out.lock().await.write_all(&buffer[..n]).await;
        }
    });
    (near, to_server)
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_huge_frame_ends_the_connection_without_being_read(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let (stream, to_server) = tapped(&app).await;
    let mut session = agent.connect_over(stream).await.unwrap();
    // A text frame of 8 MiB, masked by zeros (RFC 6455, 5.2), that begins like any message: its length is enough.
    let mut beginning = vec![0x81, 0xFF];
    beginning.extend((8_u64 * 1024 * 1024).to_be_bytes());
    beginning.extend([0; 4]);
    beginning.extend(br#"{"type":"report","seq":1,"#);
    to_server.lock().await.write_all(&beginning).await.unwrap();
    session.expect_rejected(RejectCode::ProtocolViolation).await.unwrap();
    app.until("the session is gone", || async { app.app.hub.connected() == 0 }).await;

    // All of it, as a message that would be stored if it were taken.
    let mut session = agent.connect().await.unwrap();
    let report = format!(
        r#"{{"type":"report","seq":1,"x":"{}","report":{{"kind":"readings","readings":
            [{{"at":"2026-11-23T12:00:00Z","cpu_percent":1,"memory_used_bytes":1,"memory_total_bytes":2,"uptime_seconds":3}}]}}}}"#,
        "x".repeat(8 * 1024 * 1024)
    );
    // The other side may close while this is still being sent; then the reason is lost with the connection.
    let _ = session.link().send_text(report).await;
    let said = end(session.link()).await;
    assert!(said.is_none() || said == VIOLATION, "{said:?}");
    app.until("the session is gone", || async { app.app.hub.connected() == 0 }).await;
    agent.connect().await.unwrap().report_inventory(&agent).await.unwrap();
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM agent_readings_latest").fetch_one(&app.db).await.unwrap();
    assert_eq!(stored, 0);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn unknown_messages_and_foreign_ids_are_harmless(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let (agent, victim) = (app.agent_in(organization, site, 1).await, app.agent_in(organization, site, 2).await);
    let mut other = victim.connect().await.unwrap();
    let mut session = agent.connect().await.unwrap();
    session.link().send_text(r#"{"type":"of_tomorrow","x":[1,2,3]}"#).await.unwrap();
    // Ids in payloads are no identity: what names another agent changes nothing of it.
    let claimed = format!(
        r#"{{"type":"report","seq":5,"agent_id":"{0}","report":{{"kind":"readings","agent_id":"{0}","readings":
            [{{"at":"2026-11-23T12:00:00Z","cpu_percent":1,"memory_used_bytes":1,"memory_total_bytes":2,"uptime_seconds":3}}]}}}}"#,
        victim.agent_id().unwrap()
    );
    session.link().send_text(claimed).await.unwrap();
    session.expect_ack(5).await.unwrap();
    let (reporter,): (Uuid,) =
        sqlx::query_as("SELECT agent_id FROM agent_readings_latest").fetch_one(&app.db).await.unwrap();
    assert_eq!(reporter, agent.agent_id().unwrap());

    let body = serde_json::json!({"program": {"kind": "exec", "argv": ["true"]}});
    let path = format!("/api/agents/{}/commands", victim.agent_id().unwrap());
    let admin = app.admin().await;
    admin.post(&path, body).await.expect(201);
    let command = other.expect_command().await.unwrap().id();
    let error = session.report_started(command).await.unwrap_err();
    assert!(matches!(error, gururmm_sim::SimError::ReportRefused { .. }), "{error}");
    session.answer_query(&[(command, gururmm_protocol::command::Knowledge::NeverHad)]).await.unwrap();
    session.refuse_envelope(Some(command), gururmm_protocol::envelope::Refusal::Expired).await.unwrap();
    session.report_inventory(&agent).await.unwrap();
    assert_eq!(admin.get(&format!("/api/commands/{command}")).await.expect(200)["state"], "sent");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn who_speaks_too_fast_is_heard_slowly_and_loses_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    session.set_wait(Duration::from_secs(20));
    let begun = Instant::now();
    for _ in 0..259 {
        session.link().send_text(r#"{"type":"of_tomorrow"}"#).await.unwrap();
    }
    session.report_inventory(&agent).await.unwrap();
    // A burst of 200, and then 20 a second.
    assert!(begun.elapsed() >= Duration::from_secs(2), "{:?}", begun.elapsed());
}
