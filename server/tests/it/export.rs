//! Lists as files.

use chrono::TimeDelta;
use gururmm_server::authz::OrgRole;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::fleet::AgentRow;
use crate::support::place::{Place, audit_rows, shell};
use crate::support::{Client, TestApp, start_of_time};

/// The records of a file, after checking how it is sent.
async fn file(client: &Client, path: &str, name: &str) -> Vec<String> {
    let answer = client.get(path).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.headers["content-type"], "text/csv; charset=utf-8");
    assert_eq!(answer.headers["content-disposition"], format!("attachment; filename=\"{name}-2026-11-23.csv\""));
    assert_eq!(answer.headers["cache-control"], "no-store");
    let text = answer.text.strip_prefix('\u{FEFF}').unwrap_or(&answer.text);
    assert!(text.ends_with("\r\n"));
    text.split_terminator("\r\n").map(ToOwned::to_owned).collect()
}

/// So many agents of one site, straight in the database.
async fn many(app: &TestApp, organization: Uuid, site: Uuid, count: i32) {
    sqlx::query(
        "INSERT INTO agents (id, organization_id, site_id, hostname, machine_id, boot_id, state_since, agent_version, enrolled_at)
         SELECT gen_random_uuid(), $1, $2, 'pc-' || lpad(n::text, 6, '0'), n::text, 'boot', $3, '1.0.0', $3
         FROM generate_series(1, $4) n",
    )
    .bind(organization)
    .bind(site)
    .bind(start_of_time())
    .bind(count)
    .execute(&app.db)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_file_is_what_the_list_says_and_is_audited(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme, \"the\" shop").await;
    let (other, other_hq) = app.organization("Other").await;
    AgentRow::new(acme, hq, "=cmd|' /C calc'!A0").online().reading(12.5, 40, 93).insert(&app).await;
    AgentRow::new(acme, hq, "b").offline(TimeDelta::hours(1)).insert(&app).await;
    AgentRow::new(other, other_hq, "foreign").insert(&app).await;
    let viewer = app.member(acme, OrgRole::Viewer).await;
    let columns = "name,organization,presence,presence_since,attention,cpu_percent,volume_used_bytes";
    let path = format!("/api/agents/export?sort=-name&columns={columns}&organization_id={acme}");
    let rows = file(&viewer, &path, "agents").await;
    assert_eq!(
        rows,
        [
            columns,
            "b,\"Acme, \"\"the\"\" shop\",offline,2026-11-23T11:00:00.000Z,,,",
            "'=cmd|' /C calc'!A0,\"Acme, \"\"the\"\" shop\",online,2026-11-23T12:00:00.000Z,/ is 93 % full,12.5,93"
        ]
    );
    let audited: Vec<(Option<Uuid>, Value)> =
        sqlx::query_as("SELECT organization_id, detail FROM audit_log WHERE action = 'agents.export'")
            .fetch_all(&app.db)
            .await
            .unwrap();
    let query = path.split_once('?').unwrap().1;
    assert_eq!(audited, [(Some(acme), json!({"query": query}))]);
    let all = file(&viewer, "/api/agents/export", "agents").await;
    assert_eq!((all.len(), all[0].split(',').count()), (3, 22), "every column, and nobody else's agents");
    assert_eq!(file(&viewer, "/api/agents/export?q=nothing", "agents").await.len(), 1);
    // An organization that is not the caller's has no rows for them, and hears nothing of it.
    assert_eq!(file(&viewer, &format!("/api/agents/export?organization_id={other}"), "agents").await.len(), 1);
    let theirs: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_log WHERE organization_id = $1")
        .bind(other)
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(theirs, 0);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn commands_and_the_audit_log_are_files_too(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "a").await;
    let technician = place.technician(&app).await;
    place.create(&technician, shell("echo \"a,b\"")).await;
    let rows = file(&technician, "/api/commands/export?state=queued&columns=agent,state,exit_code", "commands").await;
    assert_eq!(rows, ["agent,state,exit_code", "PC-a,queued,"]);
    technician.get("/api/audit/export").await.expect_problem(403, "forbidden");
    let refused = audit_rows(&app, "audit.export").await;
    assert_eq!(refused[0].0, "refused");
    let admin = app.admin().await;
    let rows = file(&admin, "/api/audit/export?action=command.&columns=action,actor_kind,outcome", "audit").await;
    assert_eq!(rows, ["action,actor_kind,outcome", "command.create,user,success"]);
    let rows = file(&admin, "/api/audit/export", "audit").await;
    assert_eq!(rows.len(), 5, "the head, the command, three exports before; its own row comes after: {rows:?}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_column_that_there_is_none_of_is_named(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    for (columns, named) in [("name,password", "password"), ("name,name", "name stands twice"), ("name,", "\"\"")] {
        for list in ["agents", "audit", "commands"] {
            let columns = if list == "agents" { columns.to_owned() } else { columns.replace("name", "id") };
            let path = format!("/api/{list}/export?columns={columns}");
            let problem = admin.get(&path).await.expect_problem(422, "invalid");
            assert_eq!(problem["errors"][0]["field"], "columns");
            let named = if list == "agents" { named.to_owned() } else { named.replace("name", "id") };
            assert!(problem["errors"][0]["message"].as_str().unwrap().contains(&named), "{problem}");
        }
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_long_list_is_whole_and_what_is_beyond_the_bound_is_said(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    many(&app, acme, hq, 1_001).await;
    let admin = app.admin().await;
    let rows = file(&admin, "/api/agents/export?columns=name", "agents").await;
    assert_eq!((rows.len(), &*rows[1], &*rows[1001]), (1002, "pc-000001", "pc-001001"));
    assert!(rows.windows(2).skip(1).all(|pair| pair[0] < pair[1]), "each once, in order");
    // The log is the list that grows long.
    sqlx::query(
        "INSERT INTO audit_log (at, actor_kind, actor_label, action, target_kind, target_label, outcome)
         SELECT $1, 'system', 'x', 'x', 'none', '', 'success' FROM generate_series(1, 100001)",
    )
    .bind(start_of_time())
    .execute(&app.db)
    .await
    .unwrap();
    let rows = file(&admin, "/api/audit/export?action=x&columns=action,id", "audit").await;
    assert_eq!(rows.len(), 100_002);
    assert_eq!(rows[100_001], "# incomplete: an export has at most 100000 rows; narrow the filter,");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_slow_reader_holds_a_place_and_no_connection_and_ends_with_the_session(db: PgPool) {
    let one =
        sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_lazy_with((*db.connect_options()).clone());
    let app = TestApp::new(one).await;
    let (acme, hq) = app.organization("Acme").await;
    // More than the buffers between the two take.
    many(&app, acme, hq, 60_000).await;
    let (slow, other) = (app.admin().await, app.admin().await);
    let open = async || {
        let response = slow.request(Method::GET, "/api/agents/export").send().await.unwrap();
        assert_eq!(response.status(), 200);
        response
    };
    let (mut first, second) = (open().await, open().await);
    first.chunk().await.unwrap().unwrap();
    slow.get("/api/agents/export").await.expect_problem(429, "too_many_requests");
    // The only connection is free: others work, and have places of their own.
    other.get("/api/agents?limit=1").await.expect(200);
    assert_eq!(file(&other, "/api/agents/export?q=pc-000001", "agents").await.len(), 2);
    drop(second);
    app.until("the place of whoever went away is free", || async {
        slow.get("/api/agents/export?q=pc-000001").await.status == 200
    })
    .await;
    slow.post("/api/auth/logout", json!({})).await.expect(204);
    let mut rest = Vec::new();
    while let Some(part) = first.chunk().await.unwrap() {
        rest.extend(part);
    }
    let rest = String::from_utf8_lossy(&rest).into_owned();
    let last = rest.split_terminator("\r\n").last().unwrap();
    assert!(last.starts_with("# incomplete: this session was ended"), "{last}");
}
