//! The machine behind a record changes: nothing runs twice, and nothing that ran is lost.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use gururmm_server::agents::server_host::this_host;
use gururmm_server::hub::bus::{AgentSignal, DashboardEvent};
use gururmm_sim::{HelloOverrides, Script};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::TestApp;
use crate::support::fleet::AgentRow;
use crate::support::place::{audit_rows, id_of, shell, show};

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn after_a_merge_nothing_is_sent_to_the_new_machine_that_the_old_one_had(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let older = app.agent_in(acme, hq, 1).await;
    app.advance(TimeDelta::minutes(1));
    let newer = app.agent_in(acme, hq, 2).await;
    let (older_id, newer_id) = (older.agent_id().unwrap(), newer.agent_id().unwrap());
    let admin = app.admin().await;
    let mut sessions = Vec::new();
    let mut commands = Vec::new();
    for agent in [&older, &newer] {
        let mut session = agent.connect().await.unwrap();
        let path = format!("/api/agents/{}/commands", session.agent_id());
        commands.push(id_of(&admin.post(&path, shell("true")).await.expect(201)));
        session.expect_command().await.unwrap();
        sessions.push(session);
    }
    let [had_by_older, had_by_newer] = commands[..] else { panic!() };
    sessions[1].report_started(had_by_newer).await.unwrap();
    admin.post(&format!("/api/agents/{newer_id}/merge"), json!({"into": older_id})).await.expect(200);
    let ended = show(&admin, had_by_older).await;
    assert_eq!(ended["state"], "unknown", "{ended}");
    assert!(ended["reason"].as_str().unwrap().contains("another machine"));
    assert_eq!(audit_rows(&app, "agent.merge").await[0].1["unknown_commands"], 1);

    let mut session = newer.connect().await.unwrap();
    assert_eq!(session.agent_id(), older_id);
    session.link().expect_silence(Duration::from_millis(300)).await.unwrap();
    // What it ran under its former id still arrives.
    session.report_finished(had_by_newer, &Script::succeeds("done\n")).await.unwrap();
    assert_eq!(show(&admin, had_by_newer).await["state"], "succeeded");
    let refused = session.report_finished(app.app.env.id(), &Script::succeeds("")).await;
    assert!(refused.is_err(), "still only its own");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_release_for_another_machine_ends_what_the_one_on_record_was_sent(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let admin = app.admin().await;
    for (name, chosen, state) in [
        ("a", "machine of a", "sent"),
        ("b", "copy", "unknown"),
        ("c", "machine of c", "unknown"),
        ("d", "machine of d", "unknown"),
    ] {
        let id = AgentRow::new(acme, hq, name).insert(&app).await;
        let command = id_of(&admin.post(&format!("/api/agents/{id}/commands"), shell("true")).await.expect(201));
        assert_eq!(app.claim(id).await.len(), 1);
        let seen = |machine: &str, boot: &str| {
            json!({"machine_id": machine, "hostname": "h", "boot_id": boot, "address": null,
                   "seen_at": "2026-11-23T12:00:00Z"})
        };
        // A copy with the same machine id cannot be told from the original.
        let copy = if name == "c" { seen(chosen, "boot 2") } else { seen("copy", "boot 2") };
        let mut machines = vec![seen(&format!("machine of {name}"), "boot"), copy];
        if name == "d" {
            // Two that say the same of themselves are one in the evidence.
            machines.truncate(1);
        }
        let machines = Value::from(machines);
        sqlx::query("UPDATE agents SET state = 'quarantined', quarantine_machines = $2 WHERE id = $1")
            .bind(id)
            .bind(machines)
            .execute(&app.db)
            .await
            .unwrap();
        admin.post(&format!("/api/agents/{id}/release"), json!({"machine_id": chosen})).await.expect(200);
        assert_eq!(show(&admin, command).await["state"], state, "{name}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_others_queued_for_an_agent_that_turns_out_to_be_the_servers_host_never_runs(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let commands = format!("/api/agents/{}/commands", agent.agent_id().unwrap());
    let (admin, dev_admin) = (app.admin().await, app.dev_admin().await);
    let by_admin = id_of(&admin.post(&commands, shell("true")).await.expect(201));
    let by_dev_admin = id_of(&dev_admin.post(&commands, shell("true")).await.expect(201));
    let on_host = HelloOverrides { boot_id: this_host().boot_id.clone(), ..HelloOverrides::default() };
    for _ in 0..2 {
        let mut session = agent.connect_with(&on_host).await.unwrap();
        if show(&dev_admin, by_dev_admin).await["state"] != "succeeded" {
            let command = session.expect_command().await.unwrap();
            assert_eq!(command.id(), by_dev_admin);
            session.run_script(command.id(), &Script::succeeds("")).await.unwrap();
        }
        session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
        session.close().await;
    }
    let cancelled = show(&dev_admin, by_admin).await;
    assert_eq!(cancelled["state"], "cancelled", "{cancelled}");
    assert!(cancelled["reason"].as_str().unwrap().contains("dev_admin"));
    admin.post(&commands, shell("true")).await.expect_problem(403, "forbidden");
    assert_eq!(audit_rows(&app, "agent.server_host").await.len(), 1, "once");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn enrolling_anew_with_proof_runs_nothing_twice_and_loses_neither_results_nor_what_waits(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let mut agent = app.agent_in(acme, hq, 1).await;
    let admin = app.admin().await;
    let mut session = agent.connect().await.unwrap();
    let path = format!("/api/agents/{}/commands", session.agent_id());
    let create = async || id_of(&admin.post(&path, shell("true")).await.expect(201));
    let (running, sent) = (create().await, create().await);
    for _ in 0..2 {
        session.expect_command().await.unwrap();
    }
    session.report_started(running).await.unwrap();
    session.close().await;
    let queued = create().await;
    let mut events = app.app.hub.bus.feed().listen().receiver;

    agent.reenroll(&app.url, &app.enrollment_token(acme, hq).await).await.unwrap();
    for id in [running, sent] {
        let ended = show(&admin, id).await;
        assert_eq!(ended["state"], "unknown", "{ended}");
        assert!(ended["reason"].as_str().unwrap().contains("enrolled anew"), "{ended}");
    }
    assert_eq!(show(&admin, queued).await["state"], "queued");
    let enrollments = audit_rows(&app, "agent.enroll").await;
    assert_eq!((&enrollments[1].1["rekeyed"], &enrollments[1].1["unknown_commands"]), (&json!(true), &json!(2)));
    assert_eq!(audit_rows(&app, "command.create").await.len(), 3);
    let mut told = BTreeSet::new();
    while let Ok(event) = events.try_recv() {
        if let DashboardEvent::Command { command_id, .. } = event.event {
            told.insert(command_id);
        }
    }
    assert_eq!(told, [running, sent].into());

    // Nothing is asked about, and only what waited arrives.
    let mut session = agent.connect().await.unwrap();
    assert_eq!(session.expect_command().await.unwrap().id(), queued);
    session.run_script(queued, &Script::succeeds("")).await.unwrap();
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
    // The data directory was the old one after all: its result counts.
    session.report_finished(running, &Script::fails(4, "")).await.unwrap();
    assert_eq!(show(&admin, running).await["state"], "failed");
}

/// What ends a session's right to be sent anything, with what takes it back.
const CUT_OFF: [(&str, &str); 6] = [
    ("UPDATE agent_keys SET revoked_at = now()", "UPDATE agent_keys SET revoked_at = NULL"),
    (
        "UPDATE agent_keys k SET agent_id = a.id FROM agents a WHERE a.hostname = 'older'",
        "UPDATE agent_keys k SET agent_id = a.id FROM agents a WHERE a.hostname <> 'older'",
    ),
    ("UPDATE agents SET state = 'quarantined'", "UPDATE agents SET state = 'active'"),
    ("UPDATE agents SET state = 'decommissioning'", "UPDATE agents SET state = 'active'"),
    ("UPDATE agents SET state = 'decommissioned'", "UPDATE agents SET state = 'active'"),
    ("UPDATE agents SET machine_id = machine_id || '!'", "UPDATE agents SET machine_id = rtrim(machine_id, '!')"),
];

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn nothing_is_sent_between_the_end_of_a_sessions_standing_and_the_signal_that_tells_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    AgentRow { state: "decommissioned", ..AgentRow::new(acme, hq, "older") }.insert(&app).await;
    let agent = app.agent_in(acme, hq, 1).await;
    let admin = app.admin().await;
    let mut session = agent.connect().await.unwrap();
    let (agent_id, bus) = (session.agent_id(), &app.app.hub.bus);
    let command = id_of(&admin.post(&format!("/api/agents/{agent_id}/commands"), shell("true")).await.expect(201));
    assert_eq!(session.expect_command().await.unwrap().id(), command);
    for (cut_off, restore) in CUT_OFF {
        session.run_script(command, &Script::succeeds("")).await.unwrap();
        sqlx::query(cut_off).execute(&app.db).await.unwrap();
        sqlx::query("UPDATE commands SET state = 'queued', sent_at = NULL, started_at = NULL, finished_at = NULL")
            .execute(&app.db)
            .await
            .unwrap();
        bus.signal_agent(agent_id, AgentSignal::Work).await;
        session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
        assert_eq!(show(&admin, command).await["state"], "queued", "{cut_off}");
        sqlx::query(restore).execute(&app.db).await.unwrap();
        bus.signal_agent(agent_id, AgentSignal::Work).await;
        assert_eq!(session.expect_command().await.unwrap().id(), command);
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_session_that_waits_for_a_change_of_its_agent_is_judged_by_what_came_of_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let agent_id = agent.agent_id().unwrap();
    let admin = app.admin().await;
    let command = id_of(&admin.post(&format!("/api/agents/{agent_id}/commands"), shell("true")).await.expect(201));
    let mut change = app.db.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM agents FOR NO KEY UPDATE").execute(&mut *change).await.unwrap();
    sqlx::query("UPDATE agent_keys SET revoked_at = now()").execute(&mut *change).await.unwrap();
    let finish = async {
        app.until("the session waits", || app.somebody_waits()).await;
        change.commit().await.unwrap();
    };
    let (claimed, ()) = tokio::join!(app.claim(agent_id), finish);
    assert!(claimed.is_empty(), "the key is worth nothing any more");
    assert_eq!(show(&admin, command).await["state"], "queued");
}
