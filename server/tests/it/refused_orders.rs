//! A decommission order that its agent refuses: signed anew where that helps, else ended and shown with the reason.

use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::envelope::{Action, Refusal};
use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::message::Report;
use gururmm_server::agents::decommission::end_abandoned;
use gururmm_server::commands::epoch::void_older;
use gururmm_sim::{Session, SimAgent};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::place::audit_rows;
use crate::support::{Client, TestApp};

const REFUSED: &str = "agent.decommission_refused";

struct World {
    app: TestApp,
    agent: SimAgent,
    admin: Client,
    path: String,
}

impl World {
    async fn new(db: PgPool) -> Self {
        let app = TestApp::new(db).await;
        let agent = app.agent(1).await;
        let (admin, path) = (app.admin().await, format!("/api/agents/{}", agent.agent_id().unwrap()));
        Self { app, agent, admin, path }
    }

    /// Connected, and told to leave; with the order's id and expiry.
    async fn told_to_leave(db: PgPool) -> (Self, Session, Uuid) {
        let world = Self::new(db).await;
        let mut session = world.agent.connect().await.unwrap();
        world.app.wait_for_row("SELECT state FROM agent_presence", |row: &(String,)| row.0 == "online").await;
        world.admin.delete(&format!("{}?uninstall=true", world.path)).await.expect(202);
        let order = world.order(&mut session).await;
        (world, session, order)
    }

    async fn order(&self, session: &mut Session) -> Uuid {
        let (header, action) = session.expect_action().await.unwrap();
        assert_eq!(action, Action::Decommission { uninstall: true });
        header.id
    }

    async fn shown(&self) -> Value {
        self.admin.get(&self.path).await.expect(200)
    }

    async fn until_refused(&self, reason: &str) {
        self.app
            .until("the refusal is shown", || async {
                self.shown().await["decommission"]["refusal"].as_str().is_some_and(|text| text.contains(reason))
            })
            .await;
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_order_that_had_expired_by_the_agents_clock_is_signed_anew_and_obeyed_after_connecting_again(db: PgPool) {
    let (world, mut session, order) = World::told_to_leave(db).await;
    let before = world.shown().await["decommission"].clone();
    assert_eq!(before, json!({"since": "2026-11-23T12:00:00Z", "ends_at": "2026-12-23T12:00:00Z", "refusal": null}));
    world.app.advance(TimeDelta::hours(1));
    session.refuse_envelope(Some(order), Refusal::Expired).await.unwrap();
    session.expect_rejected(RejectCode::Busy).await.unwrap();
    assert_eq!(world.shown().await["decommission"]["ends_at"], "2026-12-23T13:00:00Z");

    let mut session = world.agent.connect().await.unwrap();
    assert_eq!(world.order(&mut session).await, order, "the same order, so that it is obeyed once");
    session.report(Report::Decommissioned { envelope_id: order }).await.unwrap();
    let shown = world.shown().await;
    assert_eq!((&shown["state"], &shown["decommission"]), (&json!("decommissioned"), &Value::Null));
    let rows = audit_rows(&world.app, REFUSED).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].1, json!({"refusal": "the envelope has expired", "renewed": true}));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_that_never_finds_its_order_in_time_is_not_asked_for_ever(db: PgPool) {
    let (world, mut session, order) = World::told_to_leave(db).await;
    for _ in 0..3 {
        session.refuse_envelope(Some(order), Refusal::Expired).await.unwrap();
        session.expect_rejected(RejectCode::Busy).await.unwrap();
        session = world.agent.connect().await.unwrap();
        assert_eq!(world.order(&mut session).await, order);
    }
    for _ in 0..3 {
        session.refuse_envelope(Some(order), Refusal::Expired).await.unwrap();
    }
    world.until_refused("expired").await;
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
    session.close().await;
    let mut session = world.agent.connect().await.unwrap();
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
    let renewed: Vec<_> =
        audit_rows(&world.app, REFUSED).await.into_iter().map(|(_, row)| row["renewed"].clone()).collect();
    assert_eq!(renewed, [true, true, true, false], "bounded, whatever the agent says");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_refused_order_is_shown_with_the_reason_and_a_person_ends_the_record_without_the_agent(db: PgPool) {
    let (world, mut session, order) = World::told_to_leave(db).await;
    let waiting = world.shown().await["permissions"]["decommission"].clone();
    assert_eq!(waiting["allowed"], false, "while the order waits: {waiting}");
    session.refuse_envelope(Some(order), Refusal::UnknownKey).await.unwrap();
    world.until_refused("does not trust").await;
    let shown = world.shown().await;
    assert_eq!(
        (&shown["state"], &shown["permissions"]["decommission"]["allowed"]),
        (&json!("decommissioning"), &json!(true))
    );
    assert_eq!(end_abandoned(&world.app.app).await.unwrap(), 0, "it waits for a person");
    let ended = world.admin.delete(&world.path).await.expect(202);
    assert_eq!((&ended["state"], &ended["decommission"]), (&json!("decommissioned"), &Value::Null));
    let asked = audit_rows(&world.app, "agent.decommission").await;
    assert_eq!((&asked[1].1["at_once"], asked[1].1["refusal"].is_string()), (&json!(true), true));
    session.expect_rejected(RejectCode::UnknownKey).await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_refused_order_that_nobody_decides_about_ends_the_record_in_its_time_and_says_why(db: PgPool) {
    let (world, mut session, order) = World::told_to_leave(db).await;
    session.refuse_envelope(Some(order), Refusal::BadSignature).await.unwrap();
    world.until_refused("signature").await;
    world.app.advance(TimeDelta::days(30));
    assert_eq!(end_abandoned(&world.app.app).await.unwrap(), 1);
    let row = audit_rows(&world.app, "agent.decommissioned").await.pop().unwrap().1;
    assert!(row["reason"].as_str().unwrap().contains("signature"), "{row}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn only_a_genuine_order_is_signed_anew(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    // Whoever can write to the database gets nothing signed that nobody authorized.
    for (n, tampering) in [
        "UPDATE agent_envelopes SET signature = decode(repeat('00', 64), 'hex')",
        "UPDATE agent_envelopes SET payload_sealed = 'nothing'::bytea",
        "UPDATE agent_envelopes SET header = replace(header, '\"epoch\":1', '\"epoch\":2')",
    ]
    .into_iter()
    .enumerate()
    {
        let agent = app.agent(n as u64).await;
        let path = format!("/api/agents/{}", agent.agent_id().unwrap());
        let mut session = agent.connect().await.unwrap();
        app.until("it has connected", || async { admin.get(&path).await.json()["presence"]["state"] == "online" })
            .await;
        admin.delete(&path).await.expect(202);
        let (header, _) = session.expect_action().await.unwrap();
        sqlx::query(tampering).execute(&app.db).await.unwrap();
        session.refuse_envelope(Some(header.id), Refusal::Expired).await.unwrap();
        app.until("it is closed", || async { admin.get(&path).await.json()["decommission"]["refusal"].is_string() })
            .await;
        assert_eq!(audit_rows(&app, REFUSED).await[n].1["renewed"], false, "{tampering}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_order_that_a_restore_made_void_is_given_anew_when_a_person_asks(db: PgPool) {
    let (world, session, order) = World::told_to_leave(db.clone()).await;
    session.close().await;
    let World { app, mut agent, path, .. } = world;
    drop(app);
    let app = TestApp::in_epoch(db, 2).await;
    void_older(&app.app).await.unwrap();
    let admin = app.admin().await;
    assert_eq!(end_abandoned(&app.app).await.unwrap(), 0, "the agent may still obey");
    let shown = admin.get(&path).await.expect(200);
    assert!(shown["decommission"]["refusal"].as_str().unwrap().contains("backup"), "{shown}");
    agent.set_server(&app.url);
    let mut session = agent.connect().await.unwrap();
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
    let again = admin.delete(&path).await.expect(202);
    assert_eq!((&again["state"], &again["decommission"]["refusal"]), (&json!("decommissioning"), &Value::Null));
    let (header, action) = session.expect_action().await.unwrap();
    assert_ne!(header.id, order);
    assert_eq!(action, Action::Decommission { uninstall: false });
}
