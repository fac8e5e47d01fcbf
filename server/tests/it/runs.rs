//! Runs: one command for many agents.

use chrono::TimeDelta;
use gururmm_protocol::command::{CommandEvent, Outcome};
use gururmm_server::authz::{GlobalRole, OrgRole};
use gururmm_server::commands::link;
use gururmm_server::runs::settle::settle;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::fleet::AgentRow;
use crate::support::place::{audit_rows, finished, show, started};
use crate::support::{Answer, Client, TestApp, start_of_time};

pub async fn preview(client: &Client, target: &Value) -> Value {
    client.post("/api/runs/preview", json!({"target": target})).await.expect(200)
}

/// What is sent to order a run of what was previewed.
pub fn body(target: &Value, fingerprint: &Value) -> Value {
    json!({"target": target, "fingerprint": fingerprint, "program": {"kind": "exec", "argv": ["true"]}})
}

/// Previews and orders.
pub async fn try_order(client: &Client, target: &Value) -> Answer {
    let fingerprint = preview(client, target).await["fingerprint"].clone();
    client.post("/api/runs", body(target, &fingerprint)).await
}

/// Previews and orders; answers the run.
pub async fn order(client: &Client, target: Value) -> Value {
    try_order(client, &target).await.expect(201)
}

pub fn counts(run: &Value) -> Vec<(String, i64)> {
    let all = run["counts"].as_object().unwrap().iter();
    all.map(|(name, count)| (name.clone(), count.as_i64().unwrap())).filter(|(_, count)| *count > 0).collect()
}

/// Two organizations: three agents of the first, one of the second.
struct Two {
    first: Uuid,
    second: Uuid,
    agents: Vec<Uuid>,
    other: Uuid,
}

impl Two {
    async fn new(app: &TestApp) -> Self {
        let (first, site) = app.organization("Acme").await;
        let (second, second_site) = app.organization("Other").await;
        let mut agents = Vec::new();
        for name in ["alpha", "beta", "gamma"] {
            agents.push(AgentRow::new(first, site, name).online().insert(app).await);
        }
        let other = AgentRow::new(second, second_site, "delta").insert(app).await;
        Self { first, second, agents, other }
    }

    fn all(&self) -> Value {
        json!({"agent_ids": [self.other, self.agents[2], self.agents[0], self.agents[1], self.agents[0]]})
    }
}

async fn set_state(app: &TestApp, agent: Uuid, state: &str) {
    sqlx::query("UPDATE agents SET state = $2 WHERE id = $1").bind(agent).bind(state).execute(&app.db).await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_run_is_previewed_ordered_and_seen(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    let admin = app.admin().await;
    set_state(&app, two.agents[1], "quarantined").await;
    let seen = preview(&admin, &two.all()).await;
    assert_eq!((&seen["total"], &seen["ready"], &seen["refused"]), (&json!(4), &json!(3), &json!(1)));
    assert_eq!(seen["refusals"][0]["code"], "agent_not_active");
    assert_eq!(seen["refusals"][0]["count"], 1);
    let names: Vec<_> =
        seen["agents"].as_array().unwrap().iter().map(|agent| agent["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["beta", "alpha", "delta", "gamma"], "the refused first");
    assert_eq!(seen["agents"][1]["presence"]["state"], "online");
    assert_eq!(seen["agents"][1]["organization_name"], "Acme");
    assert_eq!(seen["agents"][1]["site_name"], "HQ");
    assert_eq!(seen["agents"][2]["presence"]["state"], "never");

    let mut order = body(&two.all(), &seen["fingerprint"]);
    order["secrets"] = json!({"PASSWORD": "hunter2"});
    let run = admin.post("/api/runs", order).await.expect(201);
    assert_eq!(run["total"], 4);
    assert_eq!(counts(&run), [("queued".into(), 3), ("refused".into(), 1)]);
    assert_eq!((&run["ended_at"], &run["summary"]), (&Value::Null, &json!("true")));
    assert_eq!(run["secret_names"], json!(["PASSWORD"]));
    assert_eq!(run["permissions"]["cancel"], json!({"allowed": true, "reason": null}));
    let path = format!("/api/runs/{}", run["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.expect(200), run);
    assert_eq!(admin.get("/api/runs").await.expect(200)["items"], json!([run]));
    assert!(!run.to_string().contains("hunter2"));

    // Each command is one like any other.
    let given = app.claim(two.agents[0]).await;
    let id = given[0].claimed_header().unwrap().id;
    assert_eq!(show(&admin, id).await["run_id"], run["id"]);
    for event in [started(), finished(Outcome::Succeeded, Some(0))] {
        gururmm_server::commands::link::on_event(&app.app, two.agents[0], two.first, id, event).await.unwrap();
    }
    let run = admin.get(&path).await.expect(200);
    assert_eq!(counts(&run), [("queued".into(), 2), ("refused".into(), 1), ("succeeded".into(), 1)]);
    assert!(app.claim(two.agents[1]).await.is_empty(), "a refused agent is given nothing");

    let rows = audit_rows(&app, "run.create").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0].1["agents"], &rows[0].1["commands"], &rows[0].1["refused_agents"]),
        (&json!(4), &json!(3), &json!(1))
    );
    let rows = audit_rows(&app, "command.create").await;
    assert_eq!(rows.len(), 3);
    assert!(rows.iter().all(|(_, detail)| detail["run"] == run["id"] && detail["secret_names"] == json!(["PASSWORD"])));
    let activity = admin.get(&format!("/api/audit?agent_id={}", two.other)).await.expect(200);
    assert_eq!(activity["items"][0]["action"], "command.create");
    assert_eq!(activity["items"][0]["organization_id"], json!(two.second));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_filter_means_all_that_it_finds_at_this_moment(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    let technician = app.member(two.first, OrgRole::Technician).await;
    let everything = json!({"filter": {}});
    assert_eq!(preview(&technician, &everything).await["total"], 3, "what is not in scope is not meant");
    let online = json!({"filter": {"presence": "online", "q": "a"}, "except": [two.agents[0]]});
    let seen = preview(&technician, &online).await;
    assert_eq!(seen["ready"], 2);
    sqlx::query("UPDATE agent_presence SET state = 'offline' WHERE agent_id = $1")
        .bind(two.agents[1])
        .execute(&app.db)
        .await
        .unwrap();
    let changed = technician.post("/api/runs", body(&online, &seen["fingerprint"])).await;
    changed.expect_problem(409, "selection_changed");
    let run = order(&technician, online).await;
    assert_eq!(counts(&run), [("queued".into(), 1)]);
    let refused = audit_rows(&app, "run.create").await;
    assert_eq!((refused[0].0.as_str(), &refused[0].1["refused"]), ("refused", &json!("selection_changed")));

    for (target, field) in [
        (json!({}), "target"),
        (json!({"filter": {}, "agent_ids": [two.agents[0]]}), "target"),
        (json!({"agent_ids": []}), "target.agent_ids"),
        (json!({"agent_ids": [two.agents[0]], "except": [two.agents[0]]}), "target.except"),
        (json!({"filter": {}, "except": vec![Uuid::nil(); 1001]}), "target.except"),
        (json!({"filter": {"presence": "sometimes"}}), "target.filter.presence"),
        (json!({"filter": {"colour": "green"}}), "target.filter.colour"),
    ] {
        let problem =
            technician.post("/api/runs/preview", json!({"target": target})).await.expect_problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_cannot_be_ordered_is_said(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    let technician = app.member(two.first, OrgRole::Technician).await;
    let nothing = try_order(&technician, &json!({"filter": {"q": "nobody"}})).await.expect_problem(422, "invalid");
    assert_eq!(nothing["errors"][0]["field"], "target");
    set_state(&app, two.agents[0], "quarantined").await;
    let target = json!({"agent_ids": [two.agents[0]]});
    let problem = try_order(&technician, &target).await.expect_problem(422, "invalid");
    assert!(problem["detail"].as_str().unwrap().contains("quarantined"), "{problem}");

    let target = json!({"agent_ids": [two.agents[1]]});
    let fingerprint = preview(&technician, &target).await["fingerprint"].clone();
    let mut wrong = body(&target, &fingerprint);
    wrong["timeout_seconds"] = json!(0);
    let problem = technician.post("/api/runs", wrong).await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "timeout_seconds");
    let left: i64 = sqlx::query_scalar("SELECT (SELECT count(*) FROM commands) + (SELECT count(*) FROM command_runs)")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn each_sees_and_commands_what_is_theirs(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    let both = app.user(GlobalRole::User, &[(two.first, OrgRole::Technician), (two.second, OrgRole::Viewer)]).await;
    let seen = preview(&both, &two.all()).await;
    assert_eq!((&seen["total"], &seen["ready"]), (&json!(4), &json!(3)));
    assert_eq!(seen["agents"][0]["name"], "delta");
    assert_eq!(
        seen["agents"][0]["refusal"],
        json!({"code": "forbidden", "words": "this needs the role technician in the organization"})
    );
    let run = order(&both, two.all()).await;
    assert_eq!(counts(&run), [("queued".into(), 3), ("refused".into(), 1)]);
    let path = format!("/api/runs/{}", run["id"].as_str().unwrap());

    let theirs = app.member(two.second, OrgRole::Viewer).await;
    let part = theirs.get(&path).await.expect(200);
    assert_eq!((&part["total"], counts(&part)), (&json!(1), vec![("refused".into(), 1)]));
    assert_eq!(part["ended_at"], part["created_at"], "nothing is waited for");
    assert_eq!(part["permissions"]["cancel"]["allowed"], false);
    assert_eq!(theirs.get("/api/runs?open=true").await.expect(200)["items"], json!([]));
    let viewer = app.member(two.first, OrgRole::Viewer).await;
    let part = viewer.get(&path).await.expect(200);
    assert_eq!(counts(&part), [("queued".into(), 3)]);
    assert_eq!(part["permissions"]["cancel"]["reason"], "this needs the role technician in the organization");
    let (empty, _) = app.organization("Empty").await;
    let stranger = app.member(empty, OrgRole::OrgAdmin).await;
    stranger.get(&path).await.expect_problem(404, "not_found");
    assert_eq!(stranger.get("/api/runs").await.expect(200)["items"], json!([]));
    stranger.post("/api/runs/preview", json!({"target": two.all()})).await.expect_problem(404, "not_found");
    assert_eq!(preview(&stranger, &json!({"filter": {}})).await["total"], 0);
    viewer.post("/api/runs/preview", json!({"target": two.all()})).await.expect_problem(403, "forbidden");

    // Whoever lost an organization since the preview means other agents.
    let fingerprint = preview(&both, &two.all()).await["fingerprint"].clone();
    sqlx::query("DELETE FROM user_memberships WHERE organization_id = $1")
        .bind(two.second)
        .execute(&app.db)
        .await
        .unwrap();
    both.post("/api/runs", body(&two.all(), &fingerprint)).await.expect_problem(409, "selection_changed");
    assert_eq!(both.get(&path).await.expect(200)["total"], 3);
}

/// What a filter of the agents of a run shows: names with the command's state, or the refusal's code.
async fn agents_of(client: &Client, run: &Value, query: &str) -> Vec<(String, String)> {
    let path = format!("/api/runs/{}/agents{query}", run["id"].as_str().unwrap());
    let body = client.get(&path).await.expect(200);
    let row = |row: &Value| {
        let standing = row["command"]["state"].as_str().or(row["refusal"]["code"].as_str()).unwrap();
        assert!(row["command"].is_null() != row["refusal"].is_null(), "{row}");
        (row["agent_name"].as_str().unwrap().to_owned(), standing.to_owned())
    };
    body["items"].as_array().unwrap().iter().map(row).collect()
}

fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, standing)| (name.to_owned(), standing.to_owned())).collect()
}

/// The command of a run that an agent is given.
async fn given(app: &TestApp, agent: Uuid) -> Uuid {
    app.claim(agent).await[0].claimed_header().unwrap().id
}

async fn tell(app: &TestApp, agent: Uuid, organization: Uuid, command: Uuid, event: CommandEvent) {
    let verdict = link::on_event(&app.app, agent, organization, command, event).await.unwrap();
    assert_eq!(verdict, link::Verdict::Stored);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_agents_of_a_run_are_listed_with_what_became_of_them(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    let admin = app.admin().await;
    set_state(&app, two.agents[1], "quarantined").await;
    let run = order(&admin, two.all()).await;
    let command = given(&app, two.agents[2]).await;
    tell(&app, two.agents[2], two.first, command, finished(Outcome::Failed, Some(3))).await;
    let all = pairs([("alpha", "queued"), ("beta", "agent_not_active"), ("delta", "queued"), ("gamma", "failed")]);
    assert_eq!(agents_of(&admin, &run, "").await, all);
    assert_eq!(agents_of(&admin, &run, "?state=refused").await, pairs([("beta", "agent_not_active")]));
    assert_eq!(agents_of(&admin, &run, "?state=failed").await, pairs([("gamma", "failed")]));
    assert_eq!(agents_of(&admin, &run, "?q=LT").await, pairs([("delta", "queued")]));
    let mine = app.member(two.second, OrgRole::Viewer).await;
    assert_eq!(agents_of(&mine, &run, "").await, pairs([("delta", "queued")]));
    assert_eq!(agents_of(&mine, &run, "?state=failed").await, []);
    let path = format!("/api/runs/{}/agents", run["id"].as_str().unwrap());
    let (empty, _) = app.organization("Empty").await;
    app.member(empty, OrgRole::Viewer).await.get(&path).await.expect_problem(404, "not_found");
    admin.get(&format!("{path}?state=nonsense")).await.expect_problem(422, "invalid");
    let body = admin.get(&path).await.expect(200);
    let (beta, gamma) = (&body["items"][1], &body["items"][3]);
    assert!(beta["refusal"]["words"].as_str().unwrap().contains("quarantined"), "{beta}");
    assert_eq!((&gamma["command"]["id"], &gamma["command"]["exit_code"]), (&json!(command), &json!(3)));
    assert_eq!((&gamma["organization_name"], &gamma["site_name"]), (&json!("Acme"), &json!("HQ")));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_is_open_of_a_run_is_cancelled(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    let admin = app.admin().await;
    let run = order(&admin, two.all()).await;
    let path = format!("/api/runs/{}", run["id"].as_str().unwrap());
    let (over, sent) = (given(&app, two.agents[0]).await, given(&app, two.agents[1]).await);
    tell(&app, two.agents[0], two.first, over, finished(Outcome::Succeeded, Some(0))).await;

    // Whoever may command the agents of one organization cancels there.
    let technician = app.member(two.second, OrgRole::Technician).await;
    let viewer = app.member(two.second, OrgRole::Viewer).await;
    viewer.post(&format!("{path}/cancel"), json!({})).await.expect_problem(403, "forbidden");
    let part = technician.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    assert_eq!(counts(&part), [("cancelled".into(), 1)]);
    assert_eq!(part["permissions"]["cancel"]["allowed"], false);
    technician.post(&format!("{path}/cancel"), json!({})).await.expect_problem(409, "run_over");

    let run = admin.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    assert_eq!(counts(&run), [("cancelled".into(), 2), ("sent".into(), 1), ("succeeded".into(), 1)]);
    assert_eq!(run["ended_at"], Value::Null, "an agent has still to answer");
    let orders = app.orders(two.agents[1]).await;
    assert_eq!(orders.len(), 1, "a signed order goes to who has it");
    assert!(app.orders(two.agents[2]).await.is_empty());
    assert!(app.claim(two.agents[2]).await.is_empty());
    admin.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    assert_eq!(app.orders(two.agents[1]).await.len(), 1, "asking again changes nothing");
    tell(&app, two.agents[1], two.first, sent, finished(Outcome::Cancelled, None)).await;
    let run = admin.get(&path).await.expect(200);
    assert_eq!(counts(&run), [("cancelled".into(), 3), ("succeeded".into(), 1)]);
    assert_eq!(run["ended_at"], "2026-11-23T12:00:00Z");
    admin.post(&format!("{path}/cancel"), json!({})).await.expect_problem(409, "run_over");

    let rows = audit_rows(&app, "run.cancel").await;
    let done: Vec<_> = rows.iter().filter(|(outcome, _)| outcome == "success").map(|(_, detail)| detail).collect();
    let facts = done.iter().map(|detail| (detail["commands"].as_i64().unwrap(), detail["ordered"].as_i64().unwrap()));
    assert_eq!(facts.collect::<Vec<_>>(), [(1, 0), (2, 1), (0, 0)]);
    assert_eq!(audit_rows(&app, "command.cancel").await.len(), 3, "each agent's activity shows it");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_is_over_is_counted_for_good_and_anew_after_a_late_result(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    let admin = app.admin().await;
    let run = order(&admin, two.all()).await;
    let path = format!("/api/runs/{}", run["id"].as_str().unwrap());
    let settled = || async {
        let sql = "SELECT count(*) FROM command_run_organizations WHERE ended_at IS NOT NULL";
        sqlx::query_scalar::<_, i64>(sql).fetch_one(&app.db).await.unwrap()
    };
    let late = given(&app, two.agents[0]).await;
    sqlx::query("UPDATE commands SET state = 'unknown', finished_at = $2 WHERE id = $1")
        .bind(late)
        .bind(start_of_time())
        .execute(&app.db)
        .await
        .unwrap();
    app.advance(TimeDelta::hours(1));
    settle(&app.app).await.unwrap();
    assert_eq!(settled().await, 0, "something is open in both organizations");
    let command = given(&app, two.other).await;
    tell(&app, two.other, two.second, command, finished(Outcome::TimedOut, None)).await;
    settle(&app.app).await.unwrap();
    assert_eq!(settled().await, 1);
    admin.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    let before = admin.get(&path).await.expect(200);
    assert_eq!(counts(&before), [("cancelled".into(), 2), ("timed_out".into(), 1), ("unknown".into(), 1)]);
    settle(&app.app).await.unwrap();
    assert_eq!(settled().await, 2);
    assert_eq!(admin.get(&path).await.expect(200), before, "settling changes nothing that is seen");
    assert_eq!(admin.get("/api/runs?open=true").await.expect(200)["items"], json!([]));

    // The agent comes back after all.
    tell(&app, two.agents[0], two.first, late, finished(Outcome::Succeeded, Some(0))).await;
    assert_eq!(settled().await, 1);
    let after = admin.get(&path).await.expect(200);
    assert_eq!(counts(&after), [("cancelled".into(), 2), ("succeeded".into(), 1), ("timed_out".into(), 1)]);
    settle(&app.app).await.unwrap();
    assert_eq!(admin.get(&path).await.expect(200), after);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn late_results_of_a_run_wait_for_none_of_each_other_and_are_all_counted(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    let admin = app.admin().await;
    let run = order(&admin, json!({"agent_ids": two.agents})).await;
    let path = format!("/api/runs/{}", run["id"].as_str().unwrap());
    let mut late = Vec::new();
    for agent in &two.agents {
        late.push(given(&app, *agent).await);
    }
    sqlx::query("UPDATE commands SET state = 'unknown', finished_at = $1")
        .bind(start_of_time())
        .execute(&app.db)
        .await
        .unwrap();
    let ended = "SELECT ended_at IS NOT NULL FROM command_run_organizations";
    let settled = || async {
        settle(&app.app).await.unwrap();
        sqlx::query_scalar::<_, bool>(ended).fetch_one(&app.db).await.unwrap()
    };
    assert!(settled().await);
    let done = || finished(Outcome::Succeeded, Some(0));
    tell(&app, two.agents[0], two.first, late[0], done()).await;

    // Another one is being taken, and its transaction is not over.
    let mut other = app.db.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM command_run_organizations WHERE ended_at IS NULL FOR SHARE")
        .execute(&mut *other)
        .await
        .unwrap();
    let next = tell(&app, two.agents[1], two.first, late[1], done());
    tokio::time::timeout(std::time::Duration::from_secs(20), next).await.expect("it waited for the other one");
    assert!(!settled().await, "what is being taken would not be counted");
    other.rollback().await.unwrap();
    assert!(settled().await);
    tell(&app, two.agents[2], two.first, late[2], done()).await;
    assert!(settled().await);
    assert_eq!(counts(&admin.get(&path).await.expect(200)), [("succeeded".into(), 3)]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_that_was_quarantined_since_the_preview_is_left_out_and_kept_with_its_reason(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    let technician = app.member(two.first, OrgRole::Technician).await;
    let everything = json!({"filter": {}});
    let seen = preview(&technician, &everything).await;
    assert_eq!((&seen["ready"], &seen["refused"]), (&json!(3), &json!(0)));

    // The quarantine holds the record's lock when the run is ordered.
    let mut other = app.db.begin().await.unwrap();
    sqlx::query("UPDATE agents SET state = 'quarantined' WHERE id = $1")
        .bind(two.agents[1])
        .execute(&mut *other)
        .await
        .unwrap();
    let ordering = {
        let (technician, body) = (technician.clone(), body(&everything, &seen["fingerprint"]));
        tokio::spawn(async move { technician.post("/api/runs", body).await })
    };
    app.until("the run waits for the lock", || app.somebody_waits()).await;
    other.commit().await.unwrap();
    let run = ordering.await.unwrap().expect(201);
    assert_eq!(counts(&run), [("queued".into(), 2), ("refused".into(), 1)]);
    assert_eq!(agents_of(&technician, &run, "?state=refused").await, pairs([("beta", "agent_not_active")]));
    let commands: i64 = sqlx::query_scalar("SELECT count(*) FROM commands WHERE agent_id = $1")
        .bind(two.agents[1])
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(commands, 0);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn runs_and_single_commands_at_once_keep_the_bound_of_each_agent(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let mut agents = Vec::new();
    for n in 0..8 {
        agents.push(AgentRow::new(organization, site, &format!("pc{n}")).insert(&app).await);
    }
    let technician = app.member(organization, OrgRole::Technician).await;
    // There is room for one more on each.
    sqlx::query(
        "INSERT INTO commands (id, agent_id, organization_id, state, summary, spec, timeout_seconds, requested_by_label,
                               created_at, expires_at, header, signature, payload_sealed)
         SELECT gen_random_uuid(), a.id, a.organization_id, 'queued', '', '{}', 1, '', $1, $1, '', '', ''
         FROM agents a, generate_series(1, 199)",
    )
    .bind(start_of_time())
    .execute(&app.db)
    .await
    .unwrap();
    let forwards = json!({"agent_ids": agents});
    let backwards = json!({"agent_ids": agents.iter().rev().collect::<Vec<_>>()});
    let fingerprint = preview(&technician, &forwards).await["fingerprint"].clone();
    let runs = [&forwards, &backwards, &forwards, &backwards]
        .map(|target| technician.post("/api/runs", body(target, &fingerprint)));
    let command = json!({"program": {"kind": "exec", "argv": ["true"]}});
    let singles = agents.iter().rev().map(|agent| {
        let (technician, path, command) = (&technician, format!("/api/agents/{agent}/commands"), command.clone());
        async move { technician.post(&path, command).await.status }
    });
    let (runs, singles) = tokio::join!(futures_util::future::join_all(runs), futures_util::future::join_all(singles));
    let of_runs: i64 = runs
        .iter()
        .map(|answer| match answer.status {
            201 => answer.json()["counts"]["queued"].as_i64().unwrap(),
            // Nobody had room any more.
            422 => 0,
            status => panic!("{status}: {}", answer.text),
        })
        .sum();
    let alone = i64::try_from(singles.iter().filter(|status| **status == 201).count()).unwrap();
    assert!(singles.iter().all(|status| [201, 409].contains(status)), "{singles:?}");
    assert_eq!(of_runs + alone, 8, "one more on each, whoever came first");
    let most: i64 =
        sqlx::query_scalar("SELECT max(n) FROM (SELECT count(*) n FROM commands GROUP BY agent_id) per_agent")
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!(most, 200);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn cancelling_while_agents_finish_leaves_each_command_one_end(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let mut agents = Vec::new();
    for n in 0..24 {
        agents.push(AgentRow::new(organization, site, &format!("pc{n}")).insert(&app).await);
    }
    let technician = app.member(organization, OrgRole::Technician).await;
    let run = order(&technician, json!({"filter": {}})).await;
    let path = format!("/api/runs/{}", run["id"].as_str().unwrap());
    let mut running = Vec::new();
    for agent in &agents[..16] {
        running.push((*agent, given(&app, *agent).await));
    }
    let finish = running
        .iter()
        .map(|(agent, command)| tell(&app, *agent, organization, *command, finished(Outcome::Succeeded, Some(0))));
    // Among them agents that take their command just now.
    let claims = agents[16..].iter().map(|agent| app.claim(*agent));
    let (cancelled, _, claimed) = tokio::join!(
        async { technician.post(&format!("{path}/cancel"), json!({})).await },
        futures_util::future::join_all(finish),
        futures_util::future::join_all(claims)
    );
    cancelled.expect(200);
    let run = technician.get(&path).await.expect(200);
    let sent = i64::try_from(claimed.iter().filter(|given| !given.is_empty()).count()).unwrap();
    let count = |state: &str| run["counts"][state].as_i64().unwrap();
    assert_eq!((count("succeeded"), count("sent"), count("cancelled")), (16, sent, 8 - sent), "{run}");
    for agent in &agents[16..] {
        let was_sent = !claimed[agents.iter().position(|id| id == agent).unwrap() - 16].is_empty();
        assert_eq!(app.orders(*agent).await.len(), usize::from(was_sent), "who has it is told to stop");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_runs_on_the_servers_own_host_is_for_its_owner(db: PgPool) {
    let app = TestApp::new(db).await;
    let two = Two::new(&app).await;
    sqlx::query("UPDATE agents SET server_host = true WHERE id = $1").bind(two.other).execute(&app.db).await.unwrap();
    let (owner, admin) = (app.dev_admin().await, app.admin().await);
    let refused = preview(&admin, &two.all()).await["refusals"].clone();
    assert_eq!((&refused[0]["code"], &refused[0]["count"]), (&json!("forbidden"), &json!(1)));
    let run = order(&owner, two.all()).await;
    assert_eq!(counts(&run), [("queued".into(), 4)]);
    let path = format!("/api/runs/{}", run["id"].as_str().unwrap());
    assert_eq!(admin.get(&path).await.expect(200)["permissions"]["cancel"]["allowed"], true);
    let left = admin.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    assert_eq!(counts(&left), [("cancelled".into(), 3), ("queued".into(), 1)]);

    // What is left is nothing to them, and the reason is the same before and after trying.
    let reason = left["permissions"]["cancel"]["reason"].as_str().unwrap();
    let problem = admin.post(&format!("{path}/cancel"), json!({})).await.expect_problem(403, "forbidden");
    assert_eq!(problem["detail"], reason);
    assert_eq!(owner.get(&path).await.expect(200)["permissions"]["cancel"]["allowed"], true);
    owner.post(&format!("{path}/cancel"), json!({})).await.expect(200);
}
