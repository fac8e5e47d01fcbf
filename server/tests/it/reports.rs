//! What agents report: stored once, acknowledged after the commit, given back by the API.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::envelope::Action;
use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::inventory::InventorySection;
use gururmm_protocol::message::{Report, ToAgent};
use gururmm_protocol::readings::{Reading, VolumeUse};
use gururmm_server::authz::OrgRole;
use gururmm_sim::{Script, SimError};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::proxy::Proxy;
use crate::support::{TestApp, start_of_time};

fn reading(at: DateTime<Utc>, cpu_percent: f32) -> Reading {
    Reading {
        at,
        cpu_percent,
        memory_used_bytes: 1_000,
        memory_total_bytes: 4_000,
        uptime_seconds: 60,
        volumes: vec![
            VolumeUse { mount: "/".into(), used_bytes: 10, total_bytes: 100 },
            VolumeUse { mount: "/data".into(), used_bytes: 90, total_bytes: 100 },
        ],
    }
}

fn refused(error: SimError) -> String {
    match error {
        SimError::ReportRefused { message, .. } => message,
        other => panic!("{other}"),
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn inventory_is_stored_shown_and_only_what_differs_is_asked_for_again(db: PgPool) {
    let app = TestApp::new(db).await;
    let mut agent = app.agent(1).await;
    let id = agent.agent_id().unwrap();
    let mut session = agent.connect().await.unwrap();
    let told = agent.machine.inventory().len();
    assert_eq!(session.report_inventory(&agent).await.unwrap(), told);
    session.close().await;

    let viewer = app.admin().await;
    let path = format!("/api/agents/{id}/inventory");
    let inventory = viewer.get(&path).await.expect(200);
    let sections = inventory["sections"].as_array().unwrap();
    assert_eq!(sections.len(), told);
    let os = sections.iter().find(|section| section["section"] == "os").unwrap();
    assert_eq!(os["data"], serde_json::to_value(&agent.machine.os).unwrap());
    assert_eq!(os["changed_at"], "2026-11-23T12:00:00Z");
    let copied: (Option<String>, Option<String>, Option<String>, Option<bool>) =
        sqlx::query_as("SELECT os_name, machine_role, time_zone, pending_reboot FROM agents")
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!(copied.0, Some(agent.machine.os.name.clone()));
    assert_eq!(Some(copied.1), serde_json::to_value(agent.machine.os.role).ok().map(|v| v.as_str().map(str::to_owned)));
    assert_eq!((copied.2, copied.3), (agent.machine.os.time_zone.clone(), agent.machine.reboot.pending));

    app.advance(TimeDelta::hours(1));
    agent.machine.users.clear();
    agent.machine.os.name = "Another system 13".into();
    let mut session = agent.connect().await.unwrap();
    assert_eq!(session.welcome().inventory.len(), told);
    assert!((1..=2).contains(&session.report_inventory(&agent).await.unwrap()));
    let inventory = viewer.get(&path).await.expect(200);
    let changed: Vec<_> = inventory["sections"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|section| section["changed_at"] == "2026-11-23T13:00:00Z")
        .map(|section| section["section"].as_str().unwrap())
        .collect();
    assert!(changed.contains(&"os") && !changed.contains(&"hardware"), "{changed:?}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_same_inventory_again_changes_nothing_but_when_it_was_received(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    for _ in 0..2 {
        let mut session = agent.connect().await.unwrap();
        let content = agent.machine.inventory().remove(0);
        let section = InventorySection { digest: Uuid::nil().to_string(), problems: vec![], content };
        // Twice in one report: the last one counts.
        session.report(Report::Inventory(vec![section.clone(), section].into())).await.unwrap();
        app.advance(TimeDelta::minutes(1));
    }
    let row: (DateTime<Utc>, DateTime<Utc>) =
        sqlx::query_as("SELECT changed_at, collected_at FROM agent_inventory").fetch_one(&app.db).await.unwrap();
    assert_eq!(row, (start_of_time(), start_of_time() + TimeDelta::minutes(1)));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn readings_are_counted_once_rolled_up_and_shown(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let id = agent.agent_id().unwrap();
    let mut session = agent.connect().await.unwrap();
    let now = start_of_time();
    let minutes = |n| now + TimeDelta::minutes(n);
    let first = vec![reading(minutes(-6), 10.0), reading(minutes(-4), 20.0), reading(minutes(-3), 40.0)];
    session.report_readings(first.clone()).await.unwrap();
    // Again, as after a lost acknowledgement, with one that is new, one older than the newest, and two absurd ones.
    let mut again = first;
    again.push(reading(minutes(-5), 99.0));
    again.push(reading(minutes(-2), 90.0));
    again.push(reading(minutes(-60 * 49), 99.0));
    again.push(reading(minutes(6), 99.0));
    session.report_readings(again).await.unwrap();

    let viewer = app.admin().await;
    let path = format!("/api/agents/{id}/readings");
    let shown = viewer.get(&path).await.expect(200);
    let points: Vec<_> = shown["points"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["at"].as_str().unwrap(), p["samples"].as_i64(), p["cpu_avg"].as_f64(), p["cpu_max"].as_f64()))
        .collect();
    assert_eq!(
        points,
        [
            ("2026-11-23T11:50:00Z", Some(1), Some(10.0), Some(10.0)),
            ("2026-11-23T11:55:00Z", Some(3), Some(50.0), Some(90.0)),
        ]
    );
    assert_eq!(shown["points"][1]["memory_used_avg"], 1_000.0);
    assert_eq!(shown["points"][1]["volumes"][1], json!({"mount": "/data", "used_bytes": 90, "total_bytes": 100}));
    let latest: (DateTime<Utc>, f32, Option<String>) =
        sqlx::query_as("SELECT at, cpu_percent, worst_mount FROM agent_readings_latest")
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!(latest, (minutes(-2), 90.0, Some("/data".into())));

    let later = viewer.get(&format!("{path}?from=2026-11-23T11:55:00Z&to=2026-11-23T12:00:00Z")).await.expect(200);
    assert_eq!(later["points"].as_array().unwrap().len(), 1);
    for wrong in ["?from=2026-11-23T12:00:00Z&to=2026-11-23T12:00:00Z", "?from=2026-10-01T00:00:00Z", "?to=yesterday"] {
        viewer.get(&format!("{path}{wrong}")).await.expect_problem(422, "invalid");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_verdict_knows_since_when_it_was_told_and_begins_anew_after_a_break(db: PgPool) {
    let app = TestApp::new(db).await;
    let mut agent = app.agent(1).await;
    let id = agent.agent_id().unwrap();
    let viewer = app.admin().await;
    let since = async |reason: &str| {
        let agent = viewer.get(&format!("/api/agents/{id}")).await.expect(200);
        let found = agent["attention"].as_array().unwrap().iter().find(|each| each["reason"] == reason).cloned();
        found.map(|attention| attention["since"].clone())
    };
    let at = |n| start_of_time() + TimeDelta::minutes(n);
    let mut session = agent.connect().await.unwrap();
    for (minute, used, full_since) in
        [(0, 91, None), (1, 92, Some(1)), (2, 99, Some(1)), (3, 90, None), (4, 95, Some(4)), (5, 95, Some(4))]
    {
        app.advance(at(minute) - app.app.env.now());
        let mut reading = reading(at(minute), 10.0);
        reading.volumes[1].used_bytes = used;
        session.report_readings(vec![reading]).await.unwrap();
        assert_eq!(since("volume_full").await, full_since.map(|minute| json!(at(minute))), "minute {minute}");
    }
    for (minute, pending, pending_since) in
        [(6, Some(true), Some(6)), (7, Some(true), Some(6)), (8, None, None), (9, Some(true), Some(9))]
    {
        app.advance(at(minute) - app.app.env.now());
        agent.machine.reboot.pending = pending;
        agent.machine.reboot.sources = vec![format!("seen in minute {minute}")];
        let mut session = agent.connect().await.unwrap();
        session.report_inventory(&agent).await.unwrap();
        assert_eq!(since("pending_reboot").await, pending_since.map(|minute| json!(at(minute))), "minute {minute}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn readings_go_on_when_the_servers_clock_was_ahead_and_is_set_right(db: PgPool) {
    let app = TestApp::new(db).await;
    let mut session = app.agent(1).await.connect().await.unwrap();
    let now = start_of_time();
    for (ahead, at) in [(1, now + TimeDelta::hours(1)), (-1, now)] {
        app.advance(TimeDelta::hours(ahead));
        session.report_readings(vec![reading(at, 1.0)]).await.unwrap();
        let latest: DateTime<Utc> =
            sqlx::query_scalar("SELECT at FROM agent_readings_latest").fetch_one(&app.db).await.unwrap();
        assert_eq!(latest, at);
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn readings_are_asked_for_with_instants_that_no_calendar_has(db: PgPool) {
    let app = TestApp::new(db).await;
    let id = app.agent(1).await.agent_id().unwrap();
    let admin = app.admin().await;
    for (query, status) in [
        ("to=-262143-01-01T00:00:00Z", 200),
        ("to=%2B262142-12-31T23:59:59Z", 200),
        ("from=-262143-01-01T00:00:00Z&to=-262143-01-02T00:00:00Z", 422),
        ("from=%2B262142-12-31T23:59:59Z", 422),
        ("from=-262143-01-01T00:00:00Z", 422),
    ] {
        assert_eq!(admin.get(&format!("/api/agents/{id}/readings?{query}")).await.status, status, "{query}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn readings_of_many_agents_at_once_are_all_stored(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let mut sessions = Vec::new();
    for seed in 0..12 {
        sessions.push(app.agent_in(organization, site, seed).await.connect().await.unwrap());
    }
    let at = start_of_time();
    let all = sessions.iter_mut().map(|session| async move {
        for n in 0..5 {
            session.report_readings(vec![reading(at + TimeDelta::seconds(n), 1.0)]).await.unwrap();
        }
    });
    futures_util::future::join_all(all).await;
    let sums: (i64, i64) =
        sqlx::query_as("SELECT count(*), sum(samples) FROM agent_readings_5m").fetch_one(&app.db).await.unwrap();
    assert_eq!(sums, (12, 60));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn partitions_are_made_ahead_and_old_days_dropped(db: PgPool) {
    let app = TestApp::new(db).await;
    let ensure = || gururmm_server::inventory::service::ensure_partitions(&app.app);
    ensure().await.unwrap();
    let days = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'agent_readings_5m'::regclass";
    let count = || async { sqlx::query_scalar::<_, i64>(days).fetch_one(&app.db).await.unwrap() };
    assert_eq!(count().await, 6);
    ensure().await.unwrap();
    assert_eq!(count().await, 6);
    app.advance(TimeDelta::days(29));
    ensure().await.unwrap();
    // 20 to 25 November and 19 to 24 December; the days before 22 November are older than 30 days.
    assert_eq!(count().await, 10);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_backup_that_reads_old_days_holds_nobody_up(db: PgPool) {
    let app = TestApp::new(db).await;
    let ensure = || gururmm_server::inventory::service::ensure_partitions(&app.app);
    ensure().await.unwrap();
    app.advance(TimeDelta::days(40));
    // As pg_dump holds every table.
    let mut backup = app.db.begin().await.unwrap();
    sqlx::query("LOCK TABLE agent_readings_5m IN ACCESS SHARE MODE").execute(&mut *backup).await.unwrap();
    let tried = tokio::time::timeout(Duration::from_secs(10), ensure()).await.expect("gives up by itself");
    assert!(matches!(tried, Err(gururmm_server::core::Error::Unavailable { .. })), "{tried:?}");
    backup.rollback().await.unwrap();
    ensure().await.unwrap();
    let first: String = sqlx::query_scalar(
        "SELECT min(inhrelid::regclass::text) FROM pg_inherits
                                            WHERE inhparent = 'agent_readings_5m'::regclass",
    )
    .fetch_one(&app.db)
    .await
    .unwrap();
    assert_eq!(first, "agent_readings_5m_20261230");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn other_organizations_see_neither_inventory_nor_readings(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let (other, _) = app.organization("Other").await;
    let outsider = app.member(other, OrgRole::OrgAdmin).await;
    for what in ["inventory", "readings"] {
        let path = format!("/api/agents/{}/{what}", agent.agent_id().unwrap());
        outsider.get(&path).await.expect_problem(404, "not_found");
        app.anonymous().get(&path).await.expect_problem(401, "not_signed_in");
        app.admin().await.get(&path).await.expect(200);
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_can_never_be_taken_is_refused_and_the_session_goes_on(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    let many = (0..65).map(|n| reading(start_of_time() + TimeDelta::seconds(n), 1.0)).collect();
    assert!(refused(session.report_readings(many).await.unwrap_err()).contains("64"));
    assert!(refused(session.report_started(Uuid::from_u128(5)).await.unwrap_err()).contains("no such command"));
    let orderless = Report::Decommissioned { envelope_id: Uuid::from_u128(6) };
    assert!(refused(session.report(orderless).await.unwrap_err()).contains("no such decommission order"));
    session
        .link()
        .send_text(r#"{"type":"report","seq":77,"report":{"kind":"readings","readings":"x"}}"#)
        .await
        .unwrap();
    let error = session.expect_ack(77).await.unwrap_err();
    assert!(matches!(error, SimError::ReportRefused { seq: 77, .. }), "{error}");
    session.link().send_text(r#"{"type":"report","seq":78,"report":{"kind":"of_tomorrow"}}"#).await.unwrap();
    assert!(refused(session.expect_ack(78).await.unwrap_err()).contains("kind"));
    session.report_inventory(&agent).await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn while_the_database_is_away_nothing_is_acknowledged_nobody_is_cut_off_and_nothing_is_lost(db: PgPool) {
    let proxy = Proxy::before(&db).await;
    let app = TestApp::new(proxy.pool(&db)).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    session.report_inventory(&agent).await.unwrap();
    let admin = app.admin().await;

    proxy.cut();
    let readings =
        session.send_report(Report::Readings { readings: vec![reading(start_of_time(), 5.0)] }).await.unwrap();
    let sections =
        vec![InventorySection { digest: "new".into(), problems: vec![], content: agent.machine.inventory().remove(0) }];
    let inventory = session.send_report(Report::Inventory(sections.into())).await.unwrap();
    let away = admin.get("/api/auth/me").await;
    away.expect_problem(503, "unavailable");
    assert!(away.headers.contains_key("retry-after"));
    session.link().expect_silence(Duration::from_secs(2)).await.unwrap();

    proxy.mend();
    session.expect_ack(readings).await.unwrap();
    session.expect_ack(inventory).await.unwrap();
    admin.get("/api/auth/me").await.expect(200);
    let stored: (i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM agent_readings_latest),
                (SELECT count(*) FROM agent_inventory WHERE digest = 'new')",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(stored, (1, 1));
    assert_eq!(app.app.hub.connected(), 1);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_command_goes_over_the_socket_and_earlier_ones_are_asked_for_first(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let id = agent.agent_id().unwrap();
    let admin = app.admin().await;
    let script = |text: &str| json!({"program": {"kind": "shell", "interpreter": "sh", "script": text}});
    let commands = format!("/api/agents/{id}/commands");

    // Waits for the absent agent, then arrives.
    let first = admin.post(&commands, script("echo 1")).await.expect(201);
    let mut session = agent.connect().await.unwrap();
    let command = session.expect_command().await.unwrap();
    assert_eq!(command.id().to_string(), first["id"]);
    session.drop_socket();

    // A second one, later: nothing new before the agent has said what became of the first.
    app.advance(TimeDelta::seconds(1));
    let second = admin.post(&commands, script("echo 2")).await.expect(201);
    let mut session = agent.connect().await.unwrap();
    assert_eq!(session.expect_query().await.unwrap(), [command.id()]);
    session.link().expect_silence(Duration::from_millis(500)).await.unwrap();
    let foreign = Uuid::from_u128(5);
    let knowledge = gururmm_protocol::command::Knowledge::NeverHad;
    session.answer_query(&[(foreign, knowledge), (command.id(), knowledge)]).await.unwrap();
    for expected in [&first, &second] {
        let command = session.expect_command().await.unwrap();
        assert_eq!(command.id().to_string(), expected["id"].as_str().unwrap());
        session.run_script(command.id(), &Script::succeeds("done\n")).await.unwrap();
    }
    // A live session gets new work at once.
    let third = admin.post(&commands, script("echo 3")).await.expect(201);
    let command = session.expect_command().await.unwrap();
    assert_eq!(command.id().to_string(), third["id"]);
    session.run_script(command.id(), &Script::fails(3, "no\n")).await.unwrap();
    let shown = admin.get(&format!("/api/commands/{}", command.id())).await.expect(200);
    assert_eq!((&shown["state"], &shown["exit_code"]), (&json!("failed"), &json!(3)));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn at_most_eight_commands_are_under_way_and_an_end_makes_room(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let admin = app.admin().await;
    for n in 0..10 {
        let body = json!({"program": {"kind": "exec", "argv": ["echo", n.to_string()]}});
        admin.post(&format!("/api/agents/{}/commands", agent.agent_id().unwrap()), body).await.expect(201);
    }
    let mut session = agent.connect().await.unwrap();
    let mut ids = Vec::new();
    for _ in 0..8 {
        ids.push(session.expect_command().await.unwrap().id());
    }
    session.link().expect_silence(Duration::from_millis(300)).await.unwrap();
    session.run_script(ids[3], &Script::succeeds("")).await.unwrap();
    let ninth = session.expect_command().await.unwrap().id();
    assert!(!ids.contains(&ninth));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_decommissioned_agent_obeys_once_and_its_key_opens_nothing_afterwards(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let path = format!("/api/agents/{}", agent.agent_id().unwrap());
    let admin = app.admin().await;
    agent.connect().await.unwrap().close().await;
    app.wait_for_row("SELECT state FROM agent_presence", |row: &(String,)| row.0 == "offline").await;
    admin.delete(&path).await.expect(202);

    // Absent then: it gets the order on its next connection, which takes nothing else.
    let mut session = agent.connect().await.unwrap();
    let (header, action) = session.expect_action().await.unwrap();
    assert_eq!(action, Action::Decommission { uninstall: false });
    assert!(refused(session.report_inventory(&agent).await.unwrap_err()).contains("decommissioned"));
    let reported = session.report(Report::Decommissioned { envelope_id: header.id }).await;
    reported.unwrap();
    assert_eq!(session.link().expect_end().await.unwrap(), None);
    assert_eq!(admin.get(&path).await.expect(200)["state"], "decommissioned");
    let refused = agent.connect().await.err().unwrap();
    assert_eq!(refused.rejected().map(|rejected| rejected.code), Some(RejectCode::UnknownKey));
    let rows: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM audit_log WHERE action = 'agent.decommissioned' AND actor_kind = 'agent'",
    )
    .fetch_one(&app.db)
    .await
    .unwrap();
    assert_eq!(rows, 1);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_connected_agent_gets_its_decommission_at_once_and_each_order_once_a_session(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    app.wait_for_row("SELECT state FROM agent_presence", |row: &(String,)| row.0 == "online").await;
    let path = format!("/api/agents/{}?uninstall=true", agent.agent_id().unwrap());
    let admin = app.admin().await;
    admin.delete(&path).await.expect(202);
    let (_, action) = session.expect_action().await.unwrap();
    assert_eq!(action, Action::Decommission { uninstall: true });
    admin.delete(&path).await;
    let next = tokio::time::timeout(Duration::from_millis(500), session.link().receive()).await;
    assert!(!matches!(next, Ok(Ok(ToAgent::Envelope(_)))), "{next:?}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn hostile_text_and_lists_are_stored_bounded(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    let evil = "<script>alert(1)</script>\u{0}\u{202E}\u{1b}[31m\n";
    let users: Vec<Value> = (0..10_000).map(|_| json!({"name": evil})).take(2_000).collect();
    let sections = json!([
        {"section": "users", "digest": evil, "data": users},
        {"section": "os", "digest": "d", "data": {"family": "plan9", "name": evil.repeat(100), "architecture": evil,
            "role": "emperor", "hostname": evil, "time_zone": "\u{0}", "booted_at": "-200000-01-01T00:00:00Z"}},
        {"section": "volumes", "digest": "d", "data": vec![json!({"mount": "", "total_bytes": u64::MAX}); 600]},
    ]);
    let message = json!({"type": "report", "seq": 1, "report": {"kind": "inventory", "sections": sections}});
    session.link().send_text(message.to_string()).await.unwrap();
    session.expect_ack(1).await.unwrap();
    let message = json!({"type": "report", "seq": 2, "report": {"kind": "inventory", "sections":
        [{"section": "network", "digest": "d", "data": vec![json!({"name": "e"}); 10_000]}]}});
    session.link().send_text(message.to_string()).await.unwrap();
    session.expect_ack(2).await.unwrap();
    let message = json!({"type": "report", "seq": 3, "report": {"kind": "readings", "readings": [{
        "at": "2026-11-23T12:00:00Z", "cpu_percent": 1e300, "memory_used_bytes": u64::MAX,
        "memory_total_bytes": u64::MAX, "uptime_seconds": u64::MAX,
        "volumes": vec![json!({"mount": evil, "used_bytes": u64::MAX, "total_bytes": 0}); 1_000]}]}});
    session.link().send_text(message.to_string()).await.unwrap();
    session.expect_ack(3).await.unwrap();

    let admin = app.admin().await;
    let path = format!("/api/agents/{}", agent.agent_id().unwrap());
    let inventory = admin.get(&format!("{path}/inventory")).await.expect(200);
    let of = |name: &str| {
        inventory["sections"].as_array().unwrap().iter().find(|s| s["section"] == name).unwrap()["data"].clone()
    };
    for (name, length) in [("users", 512), ("volumes", 512), ("network", 512)] {
        assert_eq!(of(name).as_array().unwrap().len(), length, "{name}");
    }
    assert_eq!(of("users")[0]["name"], "<script>alert(1)</script>[31m", "kept as text, without what hides");
    assert_eq!(of("os")["name"].as_str().unwrap().chars().count(), 255);
    assert_eq!((&of("os")["family"], &of("os")["role"]), (&json!("other"), &json!("unknown")));
    assert_eq!((&of("os")["time_zone"], &of("os")["booted_at"]), (&Value::Null, &Value::Null));
    admin.get(&format!("{path}/readings")).await.expect(200);
    let shown = admin.get(&path).await.expect(200);
    assert_eq!(shown["hostname"], "<script>alert(1)</script>[31m");
    assert!(shown["cpu_percent"].as_f64().unwrap() <= 100.0);
}
