//! What changed over the fleet.

use gururmm_server::authz::OrgRole;
use serde_json::json;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::support::fleet::{AgentRow, column};
use crate::support::{Client, TestApp, start_of_time};

/// Changes of an agent, one a minute, the newest so many minutes ago.
async fn changed(app: &TestApp, agent: Uuid, section: &str, count: i32, minutes_ago: i32) {
    sqlx::query(
        "INSERT INTO agent_inventory_changes (agent_id, organization_id, at, section, kind, key, after)
         SELECT id, organization_id, $2 - make_interval(mins => $5 + n), $3, 'added', $3 || n, '{\"x\": 1}'
         FROM agents, generate_series(0, $4 - 1) n WHERE id = $1",
    )
    .bind(agent)
    .bind(start_of_time())
    .bind(section)
    .bind(count)
    .bind(minutes_ago)
    .execute(&app.db)
    .await
    .unwrap();
}

async fn keys(client: &Client, query: &str) -> Vec<String> {
    column(&client.get(&format!("/api/changes?{query}")).await.expect(200), "key")
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn each_change_comes_with_its_agent_within_the_scope_newest_first(db: PgPool) {
    let app = TestApp::new(db).await;
    let ((acme, hq), (beta, beta_hq)) = (app.organization("Acme").await, app.organization("Beta").await);
    let server = AgentRow::new(acme, hq, "server").insert(&app).await;
    let pc = AgentRow::new(beta, beta_hq, "pc").insert(&app).await;
    changed(&app, server, "software", 2, 10).await;
    changed(&app, server, "users", 1, 20).await;
    changed(&app, pc, "users", 1, 0).await;
    let admin = app.admin().await;
    let all = ["users0", "software0", "software1", "users0"];
    assert_eq!(keys(&admin, "").await, all);
    assert_eq!(keys(&admin, "section=users").await, ["users0"; 2]);
    assert_eq!(keys(&admin, "except_section=users").await, ["software0", "software1"]);
    assert_eq!(keys(&admin, "except_section=users&section=users").await, [""; 0]);
    for query in [format!("organization_id={acme}"), format!("site_id={hq}")] {
        assert_eq!(keys(&admin, &query).await, all[1..], "{query}");
        assert_eq!(keys(&admin, &format!("{query}&section=users")).await, ["users0"], "{query}");
        assert_eq!(keys(&admin, &format!("{query}&except_section=software")).await, ["users0"], "{query}");
    }
    let page = admin.get("/api/changes?limit=1").await.expect(200);
    let row = &page["items"][0];
    assert_eq!(
        (&row["agent_id"], &row["agent_name"], &row["organization_name"], &row["site_id"], &row["kind"], &row["after"]),
        (&json!(pc), &json!("pc"), &json!("Beta"), &json!(beta_hq), &json!("added"), &json!({"x": 1}))
    );
    let viewer = app.member(acme, OrgRole::Viewer).await;
    assert_eq!(keys(&viewer, "").await, all[1..]);
    for foreign in [
        format!("organization_id={beta}"),
        format!("site_id={beta_hq}"),
        format!("organization_id={acme}&site_id={beta_hq}"),
    ] {
        assert_eq!(keys(&viewer, &foreign).await, [""; 0], "{foreign}");
    }
    for field in ["section", "except_section"] {
        let problem = viewer.get(&format!("/api/changes?{field}=nonsense")).await.expect_problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field);
    }
}

/// Changes of a long history, and the most rows that a page of 50 may read of them.
const HISTORY: i32 = 100_000;
const MOST_READ: i64 = 2_000;

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_is_rare_is_found_without_reading_what_is_common(db: PgPool) {
    let one = PgPoolOptions::new().max_connections(1).connect_lazy_with((*db.connect_options()).clone());
    let app = TestApp::new(one).await;
    let ((loud, loud_hq), (quiet, quiet_hq)) = (app.organization("Loud").await, app.organization("Quiet").await);
    let noisy = AgentRow::new(loud, loud_hq, "noisy").insert(&app).await;
    let silent = AgentRow::new(quiet, quiet_hq, "silent").insert(&app).await;
    changed(&app, noisy, "software", HISTORY, 0).await;
    changed(&app, noisy, "users", 60, HISTORY).await;
    changed(&app, silent, "groups", 60, HISTORY).await;
    sqlx::query("ANALYZE agent_inventory_changes").execute(&app.db).await.unwrap();
    let read = async || -> i64 {
        sqlx::query("SELECT pg_stat_force_next_flush()").execute(&app.db).await.unwrap();
        sqlx::query_scalar(
            "SELECT (seq_tup_read + idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname = 'agent_inventory_changes'",
        )
        .fetch_one(&app.db)
        .await
        .unwrap()
    };
    let (admin, viewer) = (app.admin().await, app.member(quiet, OrgRole::Viewer).await);
    for (client, query) in [
        (&admin, String::new()),
        (&admin, "section=users".into()),
        (&admin, "except_section=software".into()),
        (&admin, format!("organization_id={loud}&except_section=software")),
        (&admin, format!("organization_id={loud}")),
        (&admin, format!("organization_id={loud}&section=users")),
        (&admin, format!("organization_id={quiet}")),
        (&admin, format!("site_id={quiet_hq}")),
        (&viewer, String::new()),
    ] {
        let before = read().await;
        assert_eq!(keys(client, &query).await.len(), 50, "{query}");
        let touched = read().await - before;
        assert!((50..=MOST_READ).contains(&touched), "{query} reads {touched} rows");
    }
}
