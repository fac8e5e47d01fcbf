//! Finding anything by what it is called.

use gururmm_server::authz::OrgRole;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::fleet::AgentRow;
use crate::support::{Client, TestApp};

async fn find(client: &Client, q: &str) -> Value {
    client.get(&format!("/api/search?q={q}")).await.expect(200)
}

fn names(found: &Value, kind: &str) -> Vec<String> {
    found[kind].as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap().to_owned()).collect()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_same_text_comes_before_beginnings_and_those_before_parts(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Web").await;
    app.organization("a web shop").await;
    app.organization("Webber").await;
    let row = |name: &str| AgentRow::new(acme, hq, name);
    row("a-web").insert(&app).await;
    row("WEB2").online().insert(&app).await;
    row("web10").insert(&app).await;
    AgentRow { display_name: Some("Shop".into()), ..row("web") }.insert(&app).await;
    AgentRow { state: "decommissioned", ..row("web") }.insert(&app).await;
    row("other").insert(&app).await;
    let admin = app.admin().await;
    let found = find(&admin, "wEb").await;
    assert_eq!(names(&found, "agents"), ["Shop", "web10", "WEB2", "a-web"]);
    assert_eq!(names(&found, "organizations"), ["Web", "Webber", "a web shop"]);
    assert_eq!(found["sites"], json!([]));
    let online = &found["agents"][2];
    assert_eq!(
        (&online["presence"], &online["organization_name"], &online["site_name"], &online["state"]),
        (&json!("online"), &json!("Web"), &json!("HQ"), &json!("active"))
    );
    assert_eq!(found["agents"][0]["presence"], "never");
    assert_eq!(names(&find(&admin, "hq").await, "sites"), ["HQ", "HQ", "HQ"]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn wildcards_are_letters_and_addresses_are_found(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    AgentRow::new(acme, hq, "a_b").insert(&app).await;
    AgentRow::new(acme, hq, "axb").insert(&app).await;
    AgentRow { address: Some("203.0.113.7"), ..AgentRow::new(acme, hq, "far") }.insert(&app).await;
    AgentRow { address: Some("203.0.113.77"), ..AgentRow::new(acme, hq, "away") }.insert(&app).await;
    let admin = app.admin().await;
    assert_eq!(names(&find(&admin, "a_b").await, "agents"), ["a_b"]);
    assert_eq!(names(&find(&admin, "%25").await, "agents"), [""; 0]);
    assert_eq!(names(&find(&admin, "203.0.113.7").await, "agents"), ["far", "away"]);
    for (q, status) in [("", 422), ("%20", 422), ("%00", 422), (&*"x".repeat(101), 422), (&*"x".repeat(100), 200)] {
        assert_eq!(admin.get(&format!("/api/search?q={q}")).await.status, status, "{q}");
    }
    let problem = admin.get("/api/search").await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "q");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn nobody_finds_what_they_may_not_see_and_no_kind_has_more_than_eight(db: PgPool) {
    let app = TestApp::new(db).await;
    let (ours, our_site) = app.organization("Test ours").await;
    let (theirs, their_site) = app.organization("Test theirs").await;
    for n in 0..9 {
        AgentRow::new(theirs, their_site, &format!("test-{n}")).insert(&app).await;
        app.organization(&format!("Test {n}")).await;
    }
    AgentRow::new(ours, our_site, "test").insert(&app).await;
    let viewer = app.member(ours, OrgRole::Viewer).await;
    let found = find(&viewer, "test").await;
    assert_eq!(names(&found, "agents"), ["test"]);
    assert_eq!(names(&found, "organizations"), ["Test ours"]);
    assert_eq!(found["users"], json!([]), "accounts are for admins");
    assert_eq!(names(&find(&viewer, "hq").await, "sites").len(), 1);
    let admin = app.admin().await;
    let found = find(&admin, "test").await;
    assert_eq!(names(&found, "agents")[0], "test");
    assert_eq!((names(&found, "agents").len(), names(&found, "organizations").len()), (8, 8));
    assert_eq!(names(&find(&admin, "HQ").await, "sites").len(), 8);
    // The viewer, and the admin who asks.
    assert_eq!(names(&found, "users").len(), 2);
    assert!(find(&admin, "admin-").await["users"][0]["email"].as_str().unwrap().starts_with("admin-"));
}
