//! Commands as people and agents meet them, below the socket.

use chrono::TimeDelta;
use gururmm_protocol::command::{Knowledge, Outcome};
use gururmm_protocol::envelope::{Action, Refusal};
use gururmm_server::authz::OrgRole;
use gururmm_server::commands::link::{self, Verdict};
use gururmm_server::commands::{orders, service};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::place::{Place, audit_rows, finished, id_of, output, shell, show, started};
use crate::support::{TestApp, start_of_time};

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_command_goes_from_the_asking_to_its_end(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let created = place.send(&technician, shell("\n echo hello\necho world")).await.expect(201);
    let id = id_of(&created);
    assert_eq!(created["state"], "queued");
    assert_eq!(created["summary"], "echo hello");
    assert_eq!(created["agent_name"], "PC-Acme");
    assert_eq!(created["timeout_seconds"], 300);
    assert_eq!(created["output_limit_bytes"], 1_048_576);
    assert_eq!(created["expires_at"], "2026-11-24T12:00:00Z");
    assert_eq!(created["permissions"]["cancel"], json!({"allowed": true, "reason": null}));

    assert_eq!(place.claim(&app).await, [id]);
    assert_eq!(show(&technician, id).await["state"], "sent");
    assert!(place.claim(&app).await.is_empty(), "a command is given once");
    assert_eq!(link::open_commands(&app.app, place.agent).await.unwrap(), [id]);

    place.stored(&app, id, started()).await;
    place.stored(&app, id, output(0, "hello\n")).await;
    assert_eq!(show(&technician, id).await["state"], "running");
    let so_far = technician.get(&format!("/api/commands/{id}/output")).await.expect(200);
    assert_eq!(so_far["complete"], false);
    place.stored(&app, id, output(1, "wor\0ld\n")).await;
    place.stored(&app, id, output(1, "something else")).await;
    place.stored(&app, id, finished(Outcome::Succeeded, Some(0))).await;
    place.stored(&app, id, finished(Outcome::Succeeded, Some(0))).await;

    let ended = show(&technician, id).await;
    assert_eq!((&ended["state"], &ended["exit_code"]), (&json!("succeeded"), &json!(0)));
    assert_eq!(ended["finished_at"], "2026-11-23T12:00:00Z", "an agent's clock is not believed beyond the server's");
    assert_eq!(ended["late_result"], Value::Null);
    assert_eq!(ended["permissions"]["cancel"]["allowed"], false);
    let first = technician.get(&format!("/api/commands/{id}/output?limit=1")).await.expect(200);
    assert_eq!((&first["chunks"][0]["text"], &first["complete"]), (&json!("hello\n"), &json!(false)));
    let rest = technician.get(&format!("/api/commands/{id}/output?after={}", first["next_after"])).await.expect(200);
    assert_eq!(rest["chunks"][0]["text"], "wor\u{FFFD}ld\n");
    assert_eq!((&rest["chunks"][1], &rest["complete"]), (&Value::Null, &json!(true)));
    assert!(link::open_commands(&app.app, place.agent).await.unwrap().is_empty());
    assert_eq!(audit_rows(&app, "command.create").await.len(), 1);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn wrong_commands_name_the_field(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let with = |key: &str, value: Value| {
        let mut body = shell("true");
        body[key] = value;
        body
    };
    let big = "x".repeat(8000);
    let many: serde_json::Map<_, _> = (0..60).map(|n| (format!("V{n}"), json!(big))).collect();
    let cases = [
        (shell("  "), "program.script"),
        (json!({"program": {"kind": "exec", "argv": []}}), "program.argv"),
        (with("timeout_seconds", json!(0)), "timeout_seconds"),
        (with("output_limit_bytes", json!(9_000_000)), "output_limit_bytes"),
        (with("expires_in_seconds", json!(0)), "expires_in_seconds"),
        (with("expires_in_seconds", json!(2_592_001)), "expires_in_seconds"),
        (with("environment", json!({"1A": "x"})), "environment"),
        (with("secrets", json!({"A B": "x"})), "secrets"),
        (with("working_directory", json!("")), "working_directory"),
        (with("environment", Value::Object(many)), "program"),
        (json!({"program": {"kind": "shell", "interpreter": "bash", "script": "true"}}), "program"),
        (with("sudo", json!(true)), "sudo"),
    ];
    for (body, field) in cases {
        let problem = place.send(&technician, body).await.expect_problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let mut twice = with("secrets", json!({"A": "x"}));
    twice["environment"] = json!({"A": "y"});
    place.send(&technician, twice).await.expect_problem(422, "invalid");
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM commands").fetch_one(&app.db).await.unwrap();
    assert_eq!(count, 0);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn who_may_command_whom(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, other) = (Place::new(&app, "Acme").await, Place::new(&app, "Other").await);
    let technician = acme.technician(&app).await;
    let viewer = app.member(acme.organization, OrgRole::Viewer).await;
    let stranger = other.technician(&app).await;
    let id = acme.create(&technician, shell("true")).await;

    acme.send(&viewer, shell("true")).await.expect_problem(403, "forbidden");
    acme.send(&stranger, shell("true")).await.expect_problem(404, "not_found");
    app.anonymous().get(&format!("/api/commands/{id}")).await.expect_problem(401, "not_signed_in");
    stranger.get(&format!("/api/commands/{id}")).await.expect_problem(404, "not_found");
    stranger.get(&format!("/api/commands/{id}/output")).await.expect_problem(404, "not_found");
    stranger.get(&format!("/api/agents/{}/commands", acme.agent)).await.expect_problem(404, "not_found");
    stranger.post(&format!("/api/commands/{id}/cancel"), json!({})).await.expect_problem(404, "not_found");
    viewer.post(&format!("/api/commands/{id}/cancel"), json!({})).await.expect_problem(403, "forbidden");
    assert_eq!(stranger.get("/api/commands").await.expect(200)["items"], json!([]));
    let denied = show(&viewer, id).await["permissions"]["cancel"].clone();
    assert_eq!(denied, json!({"allowed": false, "reason": "this needs the role technician in the organization"}));

    sqlx::query("UPDATE agents SET server_host = true WHERE id = $1").bind(acme.agent).execute(&app.db).await.unwrap();
    acme.send(&technician, shell("true")).await.expect_problem(403, "forbidden");
    acme.send(&app.admin().await, shell("true")).await.expect_problem(403, "forbidden");
    technician.post(&format!("/api/commands/{id}/cancel"), json!({})).await.expect_problem(403, "forbidden");
    acme.send(&app.dev_admin().await, shell("true")).await.expect(201);
    let refused = audit_rows(&app, "command.create").await;
    assert_eq!(refused.iter().filter(|(outcome, _)| outcome == "refused").count(), 4);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn only_active_agents_are_commanded(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    place.create(&technician, shell("true")).await;
    for (state, word) in
        [("quarantined", "quarantined"), ("decommissioning", "being"), ("decommissioned", "is decommissioned")]
    {
        sqlx::query("UPDATE agents SET state = $2 WHERE id = $1")
            .bind(place.agent)
            .bind(state)
            .execute(&app.db)
            .await
            .unwrap();
        let problem = place.send(&technician, shell("true")).await.expect_problem(409, "agent_not_active");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{problem}");
        assert!(place.claim(&app).await.is_empty(), "a {state} agent is given nothing");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_queue_and_what_is_under_way_are_bounded(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    for _ in 0..198 {
        place.create(&technician, shell("true")).await;
    }
    let attempts = (0..6).map(|_| place.send(&technician, shell("true")));
    let mut statuses: Vec<_> = futures_util::future::join_all(attempts).await.iter().map(|a| a.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 409, 409, 409, 409]);
    place.send(&technician, shell("true")).await.expect_problem(409, "too_many_open_commands");

    let claims = (0..6).map(|_| app.claim(place.agent));
    let given: Vec<_> = futures_util::future::join_all(claims).await.into_iter().flatten().collect();
    let mut ids: Vec<Uuid> = given.iter().map(|envelope| place.open(&app, envelope).unwrap().0).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!((given.len(), ids.len()), (8, 8), "eight under way, each given once");
    place.stored(&app, ids[0], finished(Outcome::Succeeded, Some(0))).await;
    assert_eq!(place.claim(&app).await.len(), 1);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn lists_are_paged_filtered_and_newest_first(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, other) = (Place::new(&app, "Acme").await, Place::new(&app, "Other").await);
    let admin = app.admin().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        app.advance(TimeDelta::milliseconds(5));
        ids.push(acme.create(&admin, shell(&format!("echo {n}"))).await);
    }
    app.advance(TimeDelta::milliseconds(5));
    let elsewhere = other.create(&admin, shell("echo x")).await;
    ids.reverse();

    let first = admin.get("/api/commands?limit=2").await.expect(200);
    assert_eq!(id_of(&first["items"][0]), elsewhere);
    assert_eq!(id_of(&first["items"][1]), ids[0]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = admin.get(&format!("/api/commands?limit=200&cursor={cursor}")).await.expect(200);
    assert_eq!(rest["items"].as_array().unwrap().iter().map(id_of).collect::<Vec<_>>(), ids[1..]);
    assert_eq!(rest["next_cursor"], Value::Null);

    let count = async |path: String| admin.get(&path).await.expect(200)["items"].as_array().unwrap().len();
    assert_eq!(count(format!("/api/agents/{}/commands", acme.agent)).await, 5);
    assert_eq!(count(format!("/api/agents/{}/commands?state=sent", acme.agent)).await, 0);
    assert_eq!(count(format!("/api/commands?agent_id={}", other.agent)).await, 1);
    assert_eq!(count(format!("/api/commands?organization_id={}&state=queued", acme.organization)).await, 5);
    let at_its_site = async || {
        let site = admin.get(&format!("/api/agents/{}", acme.agent)).await.expect(200)["site_id"].clone();
        format!("/api/commands?site_id={}", site.as_str().unwrap())
    };
    let before = at_its_site().await;
    assert_eq!(count(before.clone()).await, 5);
    assert_eq!(count(format!("{before}&state=sent")).await, 0);
    assert_eq!(count(format!("{before}&organization_id={}", other.organization)).await, 0);
    assert_eq!(other.technician(&app).await.get(&before).await.expect(200)["items"], json!([]));
    // The commands go with the machine.
    let sites = format!("/api/organizations/{}/sites", acme.organization);
    let depot = admin.post(&sites, json!({"name": "Depot"})).await.expect(201);
    admin.patch(&format!("/api/agents/{}", acme.agent), json!({"site_id": depot["id"]})).await.expect(200);
    assert_eq!((count(before).await, count(at_its_site().await).await), (0, 5));
    assert_eq!(
        acme.technician(&app).await.get("/api/commands").await.expect(200)["items"].as_array().unwrap().len(),
        5
    );
    admin.get("/api/commands?state=paused").await.expect_problem(422, "invalid");
    admin.get("/api/commands?cursor=x").await.expect_problem(422, "invalid");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn secrets_reach_the_agent_and_nobody_else(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let mut body = shell("login \"$PASSWORD\"");
    body["secrets"] = json!({"PASSWORD": "hunter2-is-secret"});
    let created = place.send(&technician, body).await.expect(201);
    let id = id_of(&created);
    assert_eq!(created["secret_names"], json!(["PASSWORD"]));
    let lists = technician.get("/api/commands").await;
    let shown = format!("{created} {} {}", show(&technician, id).await, lists.text);
    assert!(!shown.contains("hunter2"));

    let everything: Vec<String> = sqlx::query_scalar(
        "SELECT c::text || encode(c.payload_sealed, 'escape') FROM commands c
         UNION ALL SELECT a::text FROM audit_log a UNION ALL SELECT e::text FROM agent_envelopes e",
    )
    .fetch_all(&app.db)
    .await
    .unwrap();
    assert!(everything.len() >= 2);
    assert!(everything.iter().all(|row| !row.contains("hunter2")), "{everything:?}");
    assert_eq!(audit_rows(&app, "command.create").await[0].1["secret_names"], json!(["PASSWORD"]));

    let envelopes = app.claim(place.agent).await;
    let (_, Action::RunCommand(run)) = place.open(&app, &envelopes[0]).unwrap() else { panic!() };
    assert_eq!(run.secrets["PASSWORD"], "hunter2-is-secret");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn cancelling_before_and_after_the_agent_has_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let cancel = async |id: Uuid| technician.post(&format!("/api/commands/{id}/cancel"), json!({})).await;

    let waiting = place.create(&technician, shell("true")).await;
    assert_eq!(cancel(waiting).await.expect(200)["state"], "cancelled");
    assert_eq!(cancel(waiting).await.expect(200)["state"], "cancelled");
    assert!(place.claim(&app).await.is_empty());
    assert!(place.refused(&app, waiting, finished(Outcome::Succeeded, Some(0))).await.contains("never sent"));

    let running = place.create(&technician, shell("sleep 60")).await;
    place.claim(&app).await;
    place.stored(&app, running, started()).await;
    let (first, second) = tokio::join!(cancel(running), cancel(running));
    for answer in [first, second] {
        let body = answer.expect(200);
        assert_eq!(body["state"], "running");
        assert_eq!(body["permissions"]["cancel"]["allowed"], false);
    }
    assert_eq!(place.orders(&app).await, [Action::CancelCommand { command_id: running }], "one order for two askings");
    place.stored(&app, running, finished(Outcome::Cancelled, None)).await;
    assert_eq!(show(&technician, running).await["state"], "cancelled");
    assert!(place.orders(&app).await.is_empty(), "the end of the command is the end of the order");

    let done = place.create(&technician, shell("true")).await;
    place.claim(&app).await;
    place.stored(&app, done, finished(Outcome::Succeeded, Some(0))).await;
    let problem = cancel(done).await.expect_problem(409, "command_over");
    assert!(problem["detail"].as_str().unwrap().contains("succeeded"));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_cancel_and_a_result_at_once_leave_one_end(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    for _ in 0..10 {
        let id = place.create(&technician, shell("true")).await;
        place.claim(&app).await;
        let (path, body) = (format!("/api/commands/{id}/cancel"), json!({}));
        let cancel = technician.post(&path, body);
        let result = place.event(&app, id, finished(Outcome::Succeeded, Some(0)));
        let (answer, verdict) = tokio::join!(cancel, result);
        assert!([200, 409].contains(&answer.status), "{}", answer.text);
        assert_eq!(verdict, Verdict::Stored);
        assert_eq!(show(&technician, id).await["state"], "succeeded");
        assert!(place.orders(&app).await.is_empty(), "no order is left for a command that is over");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_the_agent_never_had_is_sent_again_or_ended_honestly(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;

    let again = place.create(&technician, shell("true")).await;
    place.claim(&app).await;
    place.status(&app, again, Knowledge::InProgress).await;
    place.status(&app, again, Knowledge::Finished).await;
    assert_eq!(show(&technician, again).await["state"], "sent");
    place.status(&app, again, Knowledge::NeverHad).await;
    let queued = show(&technician, again).await;
    assert_eq!((&queued["state"], &queued["sent_at"]), (&json!("queued"), &Value::Null));
    assert_eq!(place.claim(&app).await, [again]);

    place.stored(&app, again, started()).await;
    place.status(&app, again, Knowledge::NeverHad).await;
    let unknown = show(&technician, again).await;
    assert_eq!(unknown["state"], "unknown");
    assert!(unknown["reason"].as_str().unwrap().contains("lost its record"));
    place.stored(&app, again, finished(Outcome::Failed, Some(3))).await;
    let known = show(&technician, again).await;
    assert_eq!((&known["state"], &known["exit_code"]), (&json!("failed"), &json!(3)));
    place.stored(&app, again, finished(Outcome::Succeeded, Some(0))).await;
    let late = show(&technician, again).await;
    assert_eq!((&late["state"], &late["late_result"]["state"]), (&json!("failed"), &json!("succeeded")));

    let cancelled = place.create(&technician, shell("true")).await;
    place.claim(&app).await;
    technician.post(&format!("/api/commands/{cancelled}/cancel"), json!({})).await.expect(200);
    place.status(&app, cancelled, Knowledge::NeverHad).await;
    assert_eq!(show(&technician, cancelled).await["state"], "cancelled");

    let expired = place.create(&technician, shell("true")).await;
    place.claim(&app).await;
    app.advance(TimeDelta::hours(25));
    place.status(&app, expired, Knowledge::NeverHad).await;
    let state: String =
        sqlx::query_scalar("SELECT state FROM commands WHERE id = $1").bind(expired).fetch_one(&app.db).await.unwrap();
    assert_eq!(state, "expired");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_a_departed_agent_never_had_does_not_wait_for_it(db: PgPool) {
    let app = TestApp::new(db).await;
    for (n, departed) in [
        (0, "UPDATE agents SET state = 'decommissioning' WHERE id = $1"),
        (1, "UPDATE agents SET state = 'decommissioned' WHERE id = $1"),
        (2, "UPDATE agents SET state = 'decommissioned', merged_into = $2 WHERE id = $1"),
    ] {
        let place = Place::new(&app, &format!("Customer {n}")).await;
        let technician = place.technician(&app).await;
        let command = place.create(&technician, shell("true")).await;
        place.claim(&app).await;
        let other = Place::new(&app, &format!("Merged {n}")).await;
        sqlx::query(departed).bind(place.agent).bind(other.agent).execute(&app.db).await.unwrap();
        let asked = if departed.contains("merged_into") { &other } else { &place };
        asked.status(&app, command, Knowledge::NeverHad).await;
        let ended = show(&technician, command).await;
        assert_eq!(ended["state"], "cancelled", "{departed}: {ended}");
        assert!(ended["reason"].as_str().unwrap().contains("decommissioned or merged"), "{ended}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_answer_and_a_decommission_at_once_leave_nothing_waiting(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let command = place.create(&technician, shell("true")).await;
    place.claim(&app).await;
    // The decommission has looked for what waits, and is not committed yet.
    let mut tx = app.db.begin().await.unwrap();
    sqlx::query("UPDATE agents SET state = 'decommissioning'").execute(&mut *tx).await.unwrap();
    let waiting = service::cancel_all_queued(&app.app, &mut tx, place.agent, "the agent was decommissioned").await;
    assert!(waiting.unwrap().is_empty());
    let commit = async {
        app.until("the answer waits", || app.somebody_waits()).await;
        tx.commit().await.unwrap();
    };
    tokio::join!(place.status(&app, command, Knowledge::NeverHad), commit);
    assert_eq!(show(&technician, command).await["state"], "cancelled");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_touches_only_its_own_commands(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, other) = (Place::new(&app, "Acme").await, Place::new(&app, "Other").await);
    let technician = acme.technician(&app).await;
    let id = acme.create(&technician, shell("true")).await;
    acme.claim(&app).await;
    for event in [started(), output(0, "x"), finished(Outcome::Succeeded, Some(0))] {
        assert_eq!(other.refused(&app, id, event).await, "no such command of this agent");
    }
    other.status(&app, id, Knowledge::NeverHad).await;
    link::on_envelope_refused(&app.app, other.agent, id, Refusal::BadSignature).await.unwrap();
    assert_eq!(show(&technician, id).await["state"], "sent");
    assert!(audit_rows(&app, "command.envelope_refused").await.is_empty());
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn output_is_bounded(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let mut body = shell("yes");
    body["output_limit_bytes"] = json!(100_000);
    let id = place.create(&technician, body).await;
    place.claim(&app).await;
    let (mut stored, text) = (0, "y".repeat(16 * 1024));
    for index in 0..60 {
        if place.event(&app, id, output(index, &text)).await == Verdict::Stored {
            stored += text.len();
        }
    }
    assert!((100_000..=400_000).contains(&stored), "{stored}");
    assert!(place.refused(&app, id, output(61, &text)).await.contains("output limit"));
    assert!(place.refused(&app, id, output(100_000, "y")).await.contains("index"));
    assert!(place.refused(&app, id, output(50, "")).await.contains("empty"));
    assert_eq!(show(&technician, id).await["state"], "running", "output implies that it runs");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_sweep_ends_what_is_overdue_and_nothing_else(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let with_times = |timeout: i64, expiry: i64| {
        let mut body = shell("true");
        body["timeout_seconds"] = json!(timeout);
        body["expires_in_seconds"] = json!(expiry);
        body
    };
    let sent = place.create(&technician, with_times(60, 120)).await;
    place.claim(&app).await;
    let running = place.create(&technician, with_times(60, 120)).await;
    place.claim(&app).await;
    place.stored(&app, running, started()).await;
    let queued = place.create(&technician, with_times(60, 120)).await;
    let patient = place.create(&technician, with_times(60, 80_000)).await;
    let states = async || {
        service::sweep(&app.app).await.unwrap();
        let mut states = Vec::new();
        for id in [sent, running, queued, patient] {
            states.push(show(&technician, id).await["state"].as_str().unwrap().to_owned());
        }
        states
    };
    assert_eq!(states().await, ["sent", "running", "queued", "queued"]);
    app.advance(TimeDelta::seconds(120));
    assert_eq!(states().await, ["sent", "running", "expired", "queued"]);
    sqlx::query(
        "INSERT INTO agent_presence (agent_id, state, since, last_seen_at, node_id, session_id, lease_until)
         VALUES ($1, 'online', $2, $2, $1, $1, $2::timestamptz + interval '700 seconds')",
    )
    .bind(place.agent)
    .bind(start_of_time())
    .execute(&app.db)
    .await
    .unwrap();
    app.advance(TimeDelta::seconds(560));
    assert_eq!(states().await, ["sent", "running", "expired", "queued"], "the agent is there: it will tell");
    app.advance(TimeDelta::seconds(30));
    assert_eq!(states().await, ["sent", "unknown", "expired", "queued"]);
    app.advance(TimeDelta::seconds(80));
    assert_eq!(states().await, ["unknown", "unknown", "expired", "queued"]);
    for id in [sent, running, queued] {
        assert!(show(&technician, id).await["reason"].as_str().unwrap().len() > 20);
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn commands_of_a_departed_agent_do_not_stay_open(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let sent = place.create(&technician, shell("true")).await;
    place.claim(&app).await;
    let queued = place.create(&technician, shell("true")).await;
    let mut tx = app.db.begin().await.unwrap();
    let ids = service::cancel_all_queued(&app.app, &mut tx, place.agent, "the agent was decommissioned").await.unwrap();
    let order = Action::Decommission { uninstall: false };
    let expires = start_of_time() + TimeDelta::days(30);
    orders::sign_order(&app.app, &mut tx, place.agent, order.clone(), expires).await.unwrap();
    sqlx::query("UPDATE agents SET state = 'decommissioning'").execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(ids, [queued]);
    assert_eq!(place.orders(&app).await, [order]);
    sqlx::query("UPDATE agents SET state = 'decommissioned', state_since = $1")
        .bind(start_of_time())
        .execute(&app.db)
        .await
        .unwrap();
    assert!(place.orders(&app).await.is_empty(), "it is over");
    app.advance(TimeDelta::minutes(11));
    service::sweep(&app.app).await.unwrap();
    assert_eq!(show(&technician, queued).await["reason"], "the agent was decommissioned");
    assert_eq!(show(&technician, sent).await["state"], "unknown");
    sqlx::query("UPDATE agents SET state = 'decommissioning'").execute(&app.db).await.unwrap();
    app.advance(TimeDelta::days(31));
    assert!(place.orders(&app).await.is_empty(), "an expired order is not sent");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn rows_put_in_by_hand_command_nobody(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let template = place.create(&technician, shell("true")).await;
    let forge = async |payload: Vec<u8>, id: Uuid| {
        sqlx::query(
            "INSERT INTO commands SELECT (jsonb_populate_record(c, jsonb_build_object('id', $2::uuid))).* FROM commands c WHERE id = $1",
        )
        .bind(template)
        .bind(id)
        .execute(&app.db)
        .await
        .unwrap();
        sqlx::query("UPDATE commands SET payload_sealed = $2 WHERE id = $1")
            .bind(id)
            .bind(payload)
            .execute(&app.db)
            .await
            .unwrap();
    };
    let original: Vec<u8> = sqlx::query_scalar("SELECT payload_sealed FROM commands WHERE id = $1")
        .bind(template)
        .fetch_one(&app.db)
        .await
        .unwrap();
    // A copy of a genuine row under another id, and one that is no ciphertext at all: they cannot even be opened.
    let (copied, garbage) = (Uuid::from_u128(1), Uuid::from_u128(2));
    forge(original, copied).await;
    forge(b"rm -rf /".to_vec(), garbage).await;
    // Whoever also has the storage key still cannot sign.
    let unsigned = Uuid::from_u128(3);
    let payload = br#"{"salt":"00000000-0000-0000-0000-000000000000","action":"run_command"}"#;
    forge(app.app.keys.vault.seal(&app.app.env, unsigned.as_bytes(), payload).unwrap(), unsigned).await;

    let given = app.claim(place.agent).await;
    let opened: Vec<_> = given.iter().map(|envelope| place.open(&app, envelope).map(|(id, _)| id)).collect();
    assert_eq!(opened, [Err(Refusal::BadSignature), Ok(template)], "the honest command is not held up");
    for id in [copied, garbage] {
        let row = show(&technician, id).await;
        assert_eq!(row["state"], "failed");
        assert!(row["reason"].as_str().unwrap().contains("cannot be opened"), "{row}");
    }
    link::on_envelope_refused(&app.app, place.agent, unsigned, Refusal::BadSignature).await.unwrap();
    link::on_envelope_refused(&app.app, place.agent, unsigned, Refusal::BadSignature).await.unwrap();
    let row = show(&technician, unsigned).await;
    assert_eq!(row["state"], "failed");
    assert!(row["reason"].as_str().unwrap().contains("the agent refused the envelope"), "{row}");
    assert_eq!(audit_rows(&app, "command.envelope_refused").await.len(), 1, "one row, however often it is said");
    link::on_envelope_refused(&app.app, place.agent, template, Refusal::Expired).await.unwrap();
    assert_eq!(show(&technician, template).await["state"], "expired");
}
