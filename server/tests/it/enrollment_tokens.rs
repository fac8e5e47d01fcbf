//! Enrollment tokens: made, listed, revoked. (Using one: `enrollment`.)

use chrono::TimeDelta;
use gururmm_protocol::enroll::EnrollmentToken;
use gururmm_server::authz::{GlobalRole, OrgRole};
use gururmm_sim::SimAgent;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::TestApp;
use crate::support::fleet::column;

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_secret_is_shown_once_and_only_its_hash_is_kept(db: PgPool) {
    let app = TestApp::with(db, |config| config.public_urls = vec!["https://rmm.example.com".into()]).await;
    let (acme, site) = app.organization("Acme").await;
    let technician = app.member(acme, OrgRole::Technician).await;
    let made =
        technician.post("/api/enrollment-tokens", json!({"site_id": site, "label": " Rollout "})).await.expect(201);
    let secret = made["secret"].as_str().unwrap();
    let token: EnrollmentToken = secret.parse().unwrap();
    assert_eq!(token.server, app.app.keys.server_fingerprint());
    assert_eq!(
        made["install_command"],
        format!(
            "printf %s '{secret}' | sudo gururmm-agent enroll --server https://rmm.example.com --token-file - && sudo gururmm-agent service install"
        )
    );
    assert_eq!(
        made["install_command_windows"],
        format!(
            r"'{secret}' | .\gururmm-agent.exe enroll --server https://rmm.example.com --token-file -; if ($LASTEXITCODE -eq 0) {{ .\gururmm-agent.exe service install }}"
        )
    );
    let row = &made["token"];
    assert_eq!((&row["label"], &row["state"], &row["uses"]), (&json!("Rollout"), &json!("active"), &json!(0)));
    assert_eq!((&row["max_uses"], &row["expires_at"]), (&Value::Null, &json!("2026-11-26T12:00:00Z")));
    assert_eq!((&row["site_name"], &row["organization_name"]), (&json!("HQ"), &json!("Acme")));
    assert!(row["created_by"].as_str().unwrap().starts_with("user-"));
    let list = technician.get("/api/enrollment-tokens").await;
    assert_eq!(list.expect(200)["items"][0], *row);
    let stored: Vec<u8> =
        sqlx::query_scalar("SELECT token_hash FROM enrollment_tokens").fetch_one(&app.db).await.unwrap();
    assert_eq!(stored, token.hash());
    let tail = secret.rsplit('.').next().unwrap();
    assert!(!list.text.contains(tail));
    let audit: String =
        sqlx::query_scalar("SELECT string_agg(l::text, ' ') FROM audit_log l").fetch_one(&app.db).await.unwrap();
    assert!(audit.contains("enrollment_token.create") && !audit.contains(tail), "{audit}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_is_out_of_bounds_is_named(db: PgPool) {
    let app = TestApp::new(db).await;
    let (_, site) = app.organization("Acme").await;
    let admin = app.admin().await;
    let bad = json!({"site_id": site, "label": "a\nb", "expires_in_hours": 0, "max_uses": 0});
    let problem = admin.post("/api/enrollment-tokens", bad).await.expect_problem(422, "invalid");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["label", "expires_in_hours", "max_uses"]);
    for (field, value) in [("expires_in_hours", json!(8761)), ("max_uses", json!(100_001)), ("max_uses", json!(-1))] {
        let mut body = json!({"site_id": site});
        body[field] = value;
        admin.post("/api/enrollment-tokens", body).await.expect_problem(422, "invalid");
    }
    let most = json!({"site_id": site, "label": null, "expires_in_hours": 8760, "max_uses": 100_000});
    admin.post("/api/enrollment-tokens", most).await.expect(201);
    admin.post("/api/enrollment-tokens", json!({"site_id": app.app.env.id()})).await.expect_problem(404, "not_found");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_state_follows_from_clock_uses_and_revocation(db: PgPool) {
    let app = TestApp::new(db).await;
    let (_, site) = app.organization("Acme").await;
    let admin = app.admin().await;
    let mut made = Vec::new();
    for body in [
        json!({"site_id": site, "label": "short", "expires_in_hours": 1}),
        json!({"site_id": site, "label": "once", "max_uses": 1}),
        json!({"site_id": site, "label": "revoked"}),
        json!({"site_id": site, "label": "good"}),
    ] {
        made.push(admin.post("/api/enrollment-tokens", body).await.expect(201));
        app.advance(TimeDelta::milliseconds(1));
    }
    SimAgent::from_seed(1).enroll(&app.url, made[1]["secret"].as_str().unwrap()).await.unwrap();
    let path = format!("/api/enrollment-tokens/{}", made[2]["token"]["id"].as_str().unwrap());
    admin.delete(&path).await.expect(204);
    let revoked_at = admin.get("/api/enrollment-tokens").await.expect(200)["items"][1]["revoked_at"].clone();
    app.advance(TimeDelta::hours(1));
    admin.delete(&path).await.expect(204);
    let list = admin.get("/api/enrollment-tokens").await.expect(200);
    assert_eq!(column(&list, "label"), ["good", "revoked", "once", "short"]);
    assert_eq!(column(&list, "state"), ["active", "revoked", "used_up", "expired"]);
    assert_eq!(column(&list, "uses"), ["0", "0", "1", "0"]);
    assert_eq!(list["items"][1]["revoked_at"], revoked_at, "the first revocation counts");
    assert!(SimAgent::from_seed(2).enroll(&app.url, made[2]["secret"].as_str().unwrap()).await.is_err());
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn tokens_are_for_technicians_of_their_organization(db: PgPool) {
    let app = TestApp::new(db).await;
    let (ours, our_site) = app.organization("Ours").await;
    let (theirs, their_site) = app.organization("Theirs").await;
    let admin = app.admin().await;
    let mut ids = Vec::new();
    for site in [our_site, their_site] {
        let made = admin.post("/api/enrollment-tokens", json!({"site_id": site})).await.expect(201);
        ids.push(made["token"]["id"].as_str().unwrap().to_owned());
    }
    let mixed = app.user(GlobalRole::User, &[(ours, OrgRole::Technician), (theirs, OrgRole::Viewer)]).await;
    let names = async |query: &str| {
        column(&mixed.get(&format!("/api/enrollment-tokens?{query}")).await.expect(200), "organization_name")
    };
    assert_eq!(names("").await, ["Ours"]);
    assert_eq!(names(&format!("organization_id={theirs}")).await, [""; 0]);
    assert_eq!(names(&format!("site_id={their_site}")).await, [""; 0]);
    assert_eq!(names(&format!("organization_id={ours}&site_id={our_site}")).await, ["Ours"]);
    mixed.post("/api/enrollment-tokens", json!({"site_id": their_site})).await.expect_problem(403, "forbidden");
    mixed.delete(&format!("/api/enrollment-tokens/{}", ids[1])).await.expect_problem(403, "forbidden");
    let outsider = app.member(theirs, OrgRole::OrgAdmin).await;
    outsider.post("/api/enrollment-tokens", json!({"site_id": our_site})).await.expect_problem(404, "not_found");
    outsider.delete(&format!("/api/enrollment-tokens/{}", ids[0])).await.expect_problem(404, "not_found");
    app.member(ours, OrgRole::Viewer).await.get("/api/enrollment-tokens").await.expect_problem(403, "forbidden");
}
