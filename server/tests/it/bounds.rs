//! Bounds of the hub: an agent that falls silent, and more handshakes than the server takes at once.

use std::time::{Duration, Instant};

use gururmm_protocol::limits;
use gururmm_protocol::message::ToAgent;
use gururmm_server::hub::{Bounds, Hub};
use sqlx::PgPool;

use crate::support::{Answer, TestApp};

#[test]
fn a_cut_cable_shows_within_ninety_seconds() {
    // The hub gives up after the silence, and the end is written within 2 s.
    assert!(Bounds::default().silence + Duration::from_secs(2) < Duration::from_secs(90));
    assert!(Bounds::default().silence > 2 * limits::PING_INTERVAL, "one lost ping is no cut cable");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_that_falls_silent_is_offline_although_its_socket_is_open(db: PgPool) {
    let silence = Duration::from_secs(3);
    let bounds = Bounds { silence, ..Bounds::default() };
    let app = TestApp::with_hub(db, Hub::new(bounds), |_| {}).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    let state = |wanted: &'static str| {
        app.wait_for_row("SELECT state FROM agent_presence", move |row: &(String,)| row.0 == wanted)
    };
    // Any frame is a sign of life.
    let mut begun = Instant::now();
    for _ in 0..20 {
        begun = Instant::now();
        session.link().send_ping().await.unwrap();
        tokio::time::sleep(silence / 15).await;
        assert_eq!(app.app.hub.connected(), 1);
    }
    app.until("the session is over", || async { app.app.hub.connected() == 0 }).await;
    assert!(begun.elapsed() >= silence, "{:?}", begun.elapsed());
    state("offline").await;
    assert_eq!(session.link().expect_end().await.unwrap(), None, "nobody is there who could be told why");
    agent.connect().await.unwrap().report_inventory(&agent).await.unwrap();
}

/// Asks for a connection without being able to speak on it.
async fn upgrade(app: &TestApp) -> Answer {
    let client = app.anonymous();
    let upgrade = client
        .request(reqwest::Method::GET, "/ws/agent")
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
    client.send(upgrade).await
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn handshakes_beyond_the_bound_are_told_to_come_again(db: PgPool) {
    let bounds = Bounds { handshakes: 4, ..Bounds::default() };
    let app = TestApp::with_hub(db, Hub::new(bounds), |_| {}).await;
    let agent = app.agent(1).await;
    let established = agent.connect().await.unwrap();
    let mut waiting = Vec::new();
    // Who says nothing loses the place after a while, on a slow machine before the last one is taken: then once more.
    let refused = loop {
        let opened = futures_util::future::join_all((0..4).map(|_| agent.open())).await;
        waiting.extend(opened.into_iter().flatten());
        let answer = upgrade(&app).await;
        if answer.status != 101 {
            break answer;
        }
    };
    assert!(waiting.len() >= 4);
    let problem = refused.expect_problem(503, "unavailable");
    assert_eq!(refused.headers["retry-after"], "5");
    assert!(problem["detail"].as_str().unwrap().contains("too many agents connect at once"), "{problem}");

    // Whoever goes away makes room, and established sessions take none.
    waiting.pop().unwrap().close().await;
    established.close().await;
    app.until("there is room", || async { agent.connect().await.is_ok() }).await;
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_refused_connection_keeps_its_place_among_the_handshakes_until_it_is_closed(db: PgPool) {
    let bounds = Bounds { handshakes: 1, ..Bounds::default() };
    let app = TestApp::with_hub(db, Hub::new(bounds), |_| {}).await;
    let agent = app.agent(1).await;
    let turned_away = || async {
        let Ok(mut refused) = agent.open().await else { return false };
        refused.send_text("{nonsense").await.unwrap();
        refused.wait_for("rejected", |message| matches!(message, ToAgent::Rejected(_)).then_some(())).await.unwrap();
        // The server waits two seconds for the other side to close. Who is too slow for that tries again.
        let next = upgrade(&app).await.status;
        refused.close().await;
        next == 503
    };
    app.until("a connection is turned away", turned_away).await;
    app.until("there is room", || async { agent.connect().await.is_ok() }).await;
}
