//! Organizations and sites.

use chrono::TimeDelta;
use gururmm_server::app::Ctx;
use gururmm_server::authz::{GlobalRole, OrgRole};
use gururmm_server::organizations::service;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::TestApp;
use crate::support::fleet::{AgentRow, column};

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_organization_is_made_renamed_and_counted(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    let made = admin.post("/api/organizations", json!({"name": "  Müller & Söhne "})).await.expect(201);
    assert_eq!(made["name"], "Müller & Söhne");
    assert_eq!((&made["site_count"], &made["agent_count"]), (&json!(0), &json!(0)));
    let path = format!("/api/organizations/{}", made["id"].as_str().unwrap());
    let id: Uuid = made["id"].as_str().unwrap().parse().unwrap();
    let hq = admin.post(&format!("{path}/sites"), json!({"name": "HQ"})).await.expect(201);
    assert_eq!(hq["organization_name"], "Müller & Söhne");
    let site: Uuid = hq["id"].as_str().unwrap().parse().unwrap();
    admin.post(&format!("{path}/sites"), json!({"name": "Depot"})).await.expect(201);
    AgentRow::new(id, site, "a").insert(&app).await;
    AgentRow { state: "decommissioned", ..AgentRow::new(id, site, "b") }.insert(&app).await;
    let found = admin.get(&path).await.expect(200);
    assert_eq!((&found["site_count"], &found["agent_count"]), (&json!(2), &json!(1)));
    let list = admin.get("/api/organizations?q=%C3%9CLLER").await.expect(200);
    assert_eq!(list["items"], json!([found]));
    let sites = admin.get(&format!("{path}/sites")).await.expect(200);
    assert_eq!(column(&sites, "name"), ["Depot", "HQ"]);
    assert_eq!(column(&sites, "agent_count"), ["0", "1"]);
    assert_eq!((&found["attention_count"], column(&sites, "attention_count")), (&json!(0), vec!["0".into(); 2]));
    AgentRow { pending_reboot: Some(true), ..AgentRow::new(id, site, "c") }.insert(&app).await;
    let list = admin.get("/api/organizations").await.expect(200);
    let sites = admin.get(&format!("{path}/sites")).await.expect(200);
    assert_eq!(
        (column(&list, "attention_count"), column(&sites, "attention_count")),
        (vec!["1".into()], vec!["0".into(), "1".into()])
    );
    let renamed = admin.patch(&path, json!({"name": "Mueller"})).await.expect(200);
    assert_eq!(renamed, admin.get(&path).await.expect(200));
    assert_eq!((&renamed["agent_count"], &renamed["attention_count"]), (&json!(2), &json!(1)));
    let renamed = admin.patch(&format!("/api/sites/{site}"), json!({"name": "Main"})).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["organization_name"]), (&json!("Main"), &json!("Mueller")));
    assert_eq!(renamed, admin.get(&format!("/api/sites/{site}")).await.expect(200));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn names_are_bounded_and_unique_without_regard_to_case(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, _) = app.organization("Acme").await;
    let (other, other_site) = app.organization("Other").await;
    let admin = app.admin().await;
    for bad in ["", "   ", "a\nb", "a\u{0}", &"x".repeat(101)] {
        let problem = admin.post("/api/organizations", json!({"name": bad})).await.expect_problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], "name");
    }
    admin.post("/api/organizations", json!({"name": "ACME"})).await.expect_problem(409, "duplicate");
    admin.patch(&format!("/api/organizations/{other}"), json!({"name": "acme"})).await.expect_problem(409, "duplicate");
    admin.patch(&format!("/api/organizations/{acme}"), json!({"name": "ACME"})).await.expect(200);
    let sites = format!("/api/organizations/{acme}/sites");
    admin.post(&sites, json!({"name": "hq"})).await.expect_problem(409, "duplicate");
    let depot = admin.post(&sites, json!({"name": "Depot"})).await.expect(201);
    let depot = format!("/api/sites/{}", depot["id"].as_str().unwrap());
    admin.patch(&depot, json!({"name": "HQ"})).await.expect_problem(409, "duplicate");
    // The same name in another organization is another site.
    admin.patch(&format!("/api/sites/{other_site}"), json!({"name": "Depot"})).await.expect(200);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_organization_goes_only_without_agents_and_leaves_their_history(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let agent = AgentRow::new(acme, site, "a").insert(&app).await;
    let admin = app.admin().await;
    let member = app.member(acme, OrgRole::OrgAdmin).await;
    admin.post("/api/enrollment-tokens", json!({"site_id": site})).await.expect(201);
    let path = format!("/api/organizations/{acme}");
    for state in ["active", "quarantined", "decommissioning"] {
        sqlx::query("UPDATE agents SET state = $1").bind(state).execute(&app.db).await.unwrap();
        let problem = admin.delete(&path).await.expect_problem(409, "has_agents");
        assert!(problem["detail"].as_str().unwrap().contains("1 agent"), "{problem}");
        admin.delete(&format!("/api/sites/{site}")).await.expect_problem(409, "has_agents");
    }
    assert_eq!(column(&admin.get("/api/enrollment-tokens").await.expect(200), "state"), ["active"]);
    sqlx::query("UPDATE agents SET state = 'decommissioned'").execute(&app.db).await.unwrap();
    admin.delete(&path).await.expect(204);
    admin.get(&path).await.expect_problem(404, "not_found");
    admin.delete(&path).await.expect_problem(404, "not_found");
    member.get(&path).await.expect_problem(404, "not_found");
    assert_eq!(member.get("/api/auth/me").await.expect(200)["memberships"], json!([]));
    for list in ["/api/organizations", "/api/sites", "/api/enrollment-tokens"] {
        assert_eq!(admin.get(list).await.expect(200)["items"], json!([]), "{list}");
    }
    admin.post(&format!("{path}/sites"), json!({"name": "New"})).await.expect_problem(404, "not_found");
    admin.post("/api/enrollment-tokens", json!({"site_id": site})).await.expect_problem(404, "not_found");
    let open: i64 = sqlx::query_scalar("SELECT count(*) FROM enrollment_tokens WHERE revoked_at IS NULL")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(open, 0);
    let history = admin.get(&format!("/api/agents/{agent}")).await.expect(200);
    assert_eq!((&history["organization_name"], &history["site_name"]), (&json!("Acme"), &json!("HQ")));
    admin.post("/api/organizations", json!({"name": "Acme"})).await.expect(201);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_site_goes_with_its_tokens_and_leaves_the_others(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let org_admin = app.member(acme, OrgRole::OrgAdmin).await;
    let depot = org_admin.post(&format!("/api/organizations/{acme}/sites"), json!({"name": "Depot"})).await.expect(201);
    for site in [json!(hq), depot["id"].clone()] {
        org_admin.post("/api/enrollment-tokens", json!({"site_id": site})).await.expect(201);
        app.advance(TimeDelta::milliseconds(1));
    }
    org_admin.delete(&format!("/api/sites/{hq}")).await.expect(204);
    let tokens = org_admin.get("/api/enrollment-tokens").await.expect(200);
    assert_eq!(column(&tokens, "site_name"), ["Depot", "HQ"]);
    assert_eq!(column(&tokens, "state"), ["active", "revoked"]);
    assert_eq!(column(&org_admin.get("/api/sites").await.expect(200), "name"), ["Depot"]);
    org_admin.post(&format!("/api/organizations/{acme}/sites"), json!({"name": "hq"})).await.expect(201);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_site_that_is_deleted_while_tokens_are_made_keeps_no_open_one(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, _) = app.organization("Acme").await;
    let admin = app.admin().await;
    for round in 0..8 {
        let made = admin.post(&format!("/api/organizations/{acme}/sites"), json!({"name": format!("S{round}")})).await;
        let site = made.expect(201)["id"].as_str().unwrap().to_owned();
        let (path, body) = (format!("/api/sites/{site}"), json!({"site_id": site}));
        let (deleted, first, second) = tokio::join!(
            admin.delete(&path),
            admin.post("/api/enrollment-tokens", body.clone()),
            admin.post("/api/enrollment-tokens", body.clone())
        );
        deleted.expect(204);
        for token in [first, second] {
            assert!(matches!(token.status, 201 | 404), "{}", token.text);
        }
    }
    let open: i64 = sqlx::query_scalar("SELECT count(*) FROM enrollment_tokens WHERE revoked_at IS NULL")
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(open, 0);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn members_see_their_own_organizations_only(db: PgPool) {
    let app = TestApp::new(db).await;
    let (ours, our_site) = app.organization("Ours").await;
    let (theirs, their_site) = app.organization("Theirs").await;
    let (also, _) = app.organization("Also ours").await;
    let member = app.user(GlobalRole::User, &[(ours, OrgRole::OrgAdmin), (also, OrgRole::Viewer)]).await;
    let names = |body: serde_json::Value| column(&body, "name");
    assert_eq!(names(member.get("/api/organizations").await.expect(200)), ["Also ours", "Ours"]);
    assert_eq!(names(member.get("/api/organizations?q=theirs").await.expect(200)), [""; 0]);
    let sites = member.get("/api/sites").await.expect(200);
    assert_eq!(column(&sites, "organization_name"), ["Also ours", "Ours"]);
    assert_eq!(names(member.get(&format!("/api/sites?organization_id={theirs}")).await.expect(200)), [""; 0]);
    assert_eq!(names(member.get(&format!("/api/sites?organization_id={ours}&q=h")).await.expect(200)), ["HQ"]);
    for path in [format!("/api/organizations/{theirs}"), format!("/api/organizations/{theirs}/sites")] {
        member.get(&path).await.expect_problem(404, "not_found");
    }
    let stolen = json!({"name": "Stolen"});
    member.patch(&format!("/api/organizations/{theirs}"), stolen.clone()).await.expect_problem(404, "not_found");
    member.patch(&format!("/api/organizations/{ours}"), stolen.clone()).await.expect_problem(403, "forbidden");
    member.post(&format!("/api/organizations/{also}/sites"), stolen.clone()).await.expect_problem(403, "forbidden");
    member.patch(&format!("/api/sites/{their_site}"), stolen.clone()).await.expect_problem(404, "not_found");
    member.delete(&format!("/api/sites/{their_site}")).await.expect_problem(404, "not_found");
    member.patch(&format!("/api/sites/{our_site}"), json!({"name": "Main"})).await.expect(200);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn searches_take_wildcards_literally_and_refuse_what_no_name_has(db: PgPool) {
    let app = TestApp::new(db).await;
    for name in ["100% IT", "1000 IT", "a_b", "axb", "back\\slash"] {
        app.organization(name).await;
    }
    let admin = app.admin().await;
    let found = async |q: &str| column(&admin.get(&format!("/api/organizations?q={q}")).await.expect(200), "name");
    assert_eq!(found("0%25").await, ["100% IT"]);
    assert_eq!(found("a_b").await, ["a_b"]);
    assert_eq!(found("k%5C").await, ["back\\slash"]);
    assert_eq!(found("%20").await.len(), 5, "nothing but spaces is no search");
    let long = "x".repeat(101);
    for bad in ["q=%00", "q=a%0Ab", &format!("q={long}"), "cursor=%00", "cursor=bm8", "limit=201", "limit=x", "x=1"] {
        admin.get(&format!("/api/organizations?{bad}")).await.expect_problem(422, "invalid");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_command_line_finds_what_is_there_and_makes_the_rest(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let ctx = Ctx::operator();
    assert_eq!(service::find_or_create_organization(&app.app, &ctx, " ACME ").await.unwrap(), acme);
    assert_eq!(service::find_or_create_site(&app.app, &ctx, acme, "hq").await.unwrap(), hq);
    let (first, second) = tokio::join!(
        service::find_or_create_organization(&app.app, &ctx, "New"),
        service::find_or_create_organization(&app.app, &ctx, "new")
    );
    assert_eq!(first.unwrap(), second.unwrap());
    let new = service::find_or_create_site(&app.app, &ctx, acme, "Depot").await.unwrap();
    assert_eq!(service::find_or_create_site(&app.app, &ctx, acme, "Depot").await.unwrap(), new);
}
