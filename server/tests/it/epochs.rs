//! A restored backup raises the installation's epoch: what was signed before is void, and ends quietly.

use std::time::Duration;

use gururmm_protocol::command::Knowledge;
use gururmm_server::commands::epoch::void_older;
use gururmm_sim::{Script, SimAgent};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::place::{audit_rows, id_of, shell, show};
use crate::support::{Client, TestApp};

async fn create(client: &Client, agent: &SimAgent) -> Uuid {
    let path = format!("/api/agents/{}/commands", agent.agent_id().unwrap());
    id_of(&client.post(&path, shell("true")).await.expect(201))
}

async fn audit_count(app: &TestApp) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit_log").fetch_one(&app.db).await.unwrap()
}

#[track_caller]
fn assert_void(command: &Value) {
    assert_eq!(command["state"], "cancelled", "{command}");
    assert!(command["reason"].as_str().unwrap().contains("backup"), "{command}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_waits_since_an_older_epoch_ends_in_one_step_with_one_audit_row(db: PgPool) {
    let before = TestApp::new(db.clone()).await;
    let (acme, hq) = before.organization("Acme").await;
    let mut agents = Vec::new();
    let mut waiting = Vec::new();
    let admin = before.admin().await;
    for seed in 0..3 {
        let agent = before.agent_in(acme, hq, seed).await;
        for _ in 0..3 {
            waiting.push(create(&admin, &agent).await);
        }
        agents.push(agent);
    }
    // One more is under way, with an order to stop it.
    let mut session = agents[0].connect().await.unwrap();
    for _ in 0..3 {
        let id = session.expect_command().await.unwrap().id();
        session.run_script(id, &Script::succeeds("")).await.unwrap();
    }
    let running = create(&admin, &agents[0]).await;
    session.expect_command().await.unwrap();
    session.report_started(running).await.unwrap();
    session.close().await;
    admin.post(&format!("/api/commands/{running}/cancel"), json!({})).await.expect(200);
    void_older(&before.app).await.unwrap();
    assert_eq!(audit_rows(&before, "command.void").await.len(), 0, "nothing is older than the first epoch");
    drop(before);

    let app = TestApp::in_epoch(db, 2).await;
    let admin = app.admin().await;
    for _ in 0..2 {
        void_older(&app.app).await.unwrap();
    }
    for id in &waiting[3..] {
        assert_void(&show(&admin, *id).await);
    }
    for id in &waiting[..3] {
        assert_eq!(show(&admin, *id).await["state"], "succeeded");
    }
    let rows = audit_rows(&app, "command.void").await;
    assert_eq!(rows.len(), 1, "{rows:?}");
    assert_eq!((&rows[0].1["commands"], &rows[0].1["orders"]), (&json!(6), &json!(1)));

    let noise = audit_count(&app).await;
    for (n, agent) in agents.iter_mut().enumerate() {
        agent.set_server(&app.url);
        let mut session = agent.connect().await.unwrap();
        if n == 0 {
            // What the agent had before is still its to tell.
            assert_eq!(session.expect_query().await.unwrap(), [running]);
            session.answer_query(&[(running, Knowledge::Finished)]).await.unwrap();
            session.report_finished(running, &Script::fails(3, "")).await.unwrap();
        }
        session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
    }
    assert_eq!(show(&admin, running).await["state"], "failed");
    assert_eq!(audit_count(&app).await, noise, "agents that come back make no noise");
    // What is authorized now arrives.
    let fresh = create(&admin, &agents[0]).await;
    let mut session = agents[0].connect().await.unwrap();
    assert_eq!(session.expect_command().await.unwrap().id(), fresh);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_the_statement_does_not_find_is_judged_by_its_signed_header(db: PgPool) {
    let before = TestApp::new(db.clone()).await;
    let mut agent = before.agent(1).await;
    let agent_id = agent.agent_id().unwrap();
    let admin = before.admin().await;
    let command = create(&admin, &agent).await;
    let mut session = agent.connect().await.unwrap();
    session.expect_command().await.unwrap();
    session.close().await;
    admin.post(&format!("/api/commands/{command}/cancel"), json!({})).await.expect(200);
    sqlx::query("UPDATE commands SET epoch = NULL").execute(&before.db).await.unwrap();
    sqlx::query("UPDATE agent_envelopes SET epoch = NULL").execute(&before.db).await.unwrap();
    // One that was written by hand is in nobody's way.
    let forged = "INSERT INTO agent_envelopes (id, agent_id, kind, header, signature, payload_sealed, created_at, expires_at)
                  SELECT gen_random_uuid(), agent_id, 'cancel_command', 'no JSON', signature, payload_sealed, created_at, expires_at
                  FROM agent_envelopes";
    sqlx::query(forged).execute(&before.db).await.unwrap();
    drop(before);

    let app = TestApp::in_epoch(db, 2).await;
    void_older(&app.app).await.unwrap();
    assert!(app.orders(agent_id).await.is_empty(), "the agent would refuse it");
    let ended = "SELECT count(*) FROM agent_envelopes WHERE done_at IS NOT NULL AND refusal IS NOT NULL";
    assert_eq!(sqlx::query_scalar::<_, i64>(ended).fetch_one(&app.db).await.unwrap(), 1, "it is not withheld for ever");
    sqlx::query("UPDATE commands SET cancel_requested_at = NULL").execute(&app.db).await.unwrap();
    agent.set_server(&app.url);
    let mut session = agent.connect().await.unwrap();
    assert_eq!(session.expect_query().await.unwrap(), [command]);
    session.answer_query(&[(command, Knowledge::NeverHad)]).await.unwrap();
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
    assert_void(&show(&app.admin().await, command).await);
    assert_eq!(audit_rows(&app, "command.envelope_refused").await.len(), 0);
}
