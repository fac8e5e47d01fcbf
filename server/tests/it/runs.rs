//! Runs: one command for many agents.

use gururmm_protocol::command::Outcome;
use gururmm_server::authz::{GlobalRole, OrgRole};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::fleet::AgentRow;
use crate::support::place::{audit_rows, finished, started};
use crate::support::{Answer, Client, TestApp};

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
    for event in [started(), finished(Outcome::Succeeded, Some(0))] {
        gururmm_server::commands::link::on_event(&app.app, two.agents[0], two.first, id, event).await.unwrap();
    }
    let run = admin.get(&path).await.expect(200);
    assert_eq!(counts(&run), [("queued".into(), 2), ("refused".into(), 1), ("succeeded".into(), 1)]);
    assert!(app.claim(two.agents[1]).await.is_empty(), "a refused agent is given nothing");

    let rows = audit_rows(&app, "run.create").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (&rows[0].1["agents"], &rows[0].1["commands"], &rows[0].1["refused"]),
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
