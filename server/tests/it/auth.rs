//! First account, login, sessions.

use chrono::TimeDelta;
use serde_json::json;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{Client, TestApp};

fn first_account() -> serde_json::Value {
    json!({"email": "Ada@Example.com", "password": "a long enough password", "name": "Ada"})
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_first_account_owns_the_installation_and_there_is_only_one_first(db: PgPool) {
    let app = TestApp::new(db).await;
    let nobody = app.anonymous();
    assert_eq!(nobody.get("/api/auth/status").await.expect(200)["bootstrap_required"], true);
    let login = nobody.post("/api/auth/register", first_account()).await.expect(201);
    assert_eq!(login["user"]["role"], "dev_admin");
    assert_eq!(nobody.get("/api/auth/status").await.expect(200)["bootstrap_required"], false);
    nobody.post("/api/auth/register", first_account()).await.expect_problem(409, "bootstrap_done");
    let me = app.with_token(login["token"].as_str().unwrap()).get("/api/auth/me").await.expect(200);
    assert_eq!(me["email"], "Ada@Example.com");
    let again = json!({"email": "ada@example.com", "password": "a long enough password"});
    nobody.post("/api/auth/login", again).await.expect(200);
    let audit: Vec<(String, String, Option<Uuid>, String)> =
        sqlx::query_as("SELECT action, actor_kind, actor_id, actor_label FROM audit_log ORDER BY id")
            .fetch_all(&app.db)
            .await
            .unwrap();
    let ada = Some(me["id"].as_str().unwrap().parse().unwrap());
    let row = |action: &str| (action.to_owned(), "user".to_owned(), ada, "Ada@Example.com".to_owned());
    assert_eq!(audit, [row("user.bootstrap"), row("user.login")]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn concurrent_first_accounts_leave_one(db: PgPool) {
    let app = TestApp::new(db).await;
    let attempts = (0..6).map(|n| {
        let client = app.anonymous();
        async move {
            let body = json!({"email": format!("u{n}@example.com"), "password": "a long enough password", "name": "U"});
            client.post("/api/auth/register", body).await.status
        }
    });
    let mut statuses = futures_util::future::join_all(attempts).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn bad_registrations_name_every_wrong_field(db: PgPool) {
    let app = TestApp::new(db).await;
    let body = json!({"email": "nobody", "password": "short", "name": " "});
    let problem = app.anonymous().post("/api/auth/register", body).await.expect_problem(422, "invalid");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["email", "name", "password"]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn login_says_the_same_for_every_wrong_pair_and_ignores_case_of_the_email(db: PgPool) {
    let app = TestApp::new(db).await;
    let nobody = app.anonymous();
    nobody.post("/api/auth/register", first_account()).await.expect(201);
    let wrong = json!({"email": "ada@example.com", "password": "wrong"});
    let unknown = json!({"email": "eve@example.com", "password": "wrong"});
    let first = nobody.post("/api/auth/login", wrong).await.expect_problem(401, "bad_credentials");
    let second = nobody.post("/api/auth/login", unknown).await.expect_problem(401, "bad_credentials");
    assert_eq!(first["detail"], second["detail"]);
    let good = json!({"email": "ADA@example.com", "password": "a long enough password"});
    nobody.post("/api/auth/login", good).await.expect(200);
}

/// Answers of so many logins in a row that do not succeed.
async fn attempts(client: &Client, count: usize, body: impl Fn(usize) -> serde_json::Value) -> Vec<u16> {
    let mut statuses = Vec::new();
    for n in 0..count {
        statuses.push(client.post("/api/auth/login", body(n)).await.status);
    }
    statuses
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn logins_are_rate_limited_by_account_however_its_email_is_spelled(db: PgPool) {
    let app = TestApp::new(db).await;
    let spellings = ["admin@example.com", "ADMIN@example.com", "adm\u{130}n@example.com"];
    let folded: Vec<String> =
        sqlx::query_scalar("SELECT lower(unnest($1::text[]))").bind(spellings).fetch_all(&app.db).await.unwrap();
    assert_eq!(folded, [spellings[0]; 3], "they are the same to this Postgres");
    let guesser = app.anonymous().forwarded_for("198.51.100.7");
    let guess = |n: usize| json!({"email": spellings[n % 3], "password": "wrong"});
    let statuses = attempts(&guesser, 15, guess).await;
    assert_eq!(statuses[..10], [401; 10]);
    assert!(statuses[10..].contains(&429), "{statuses:?}");
    assert_eq!(attempts(&app.anonymous().forwarded_for("198.51.100.8"), 1, guess).await, [401]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_guesser_behind_a_proxy_that_nobody_named_does_not_lock_the_others_out(db: PgPool) {
    let app = TestApp::new(db).await;
    // Refused before anything is hashed, but counted.
    let guess = |n: usize| json!({"email": format!("u{n}@example.com"), "password": "x".repeat(2000)});
    let guesser = app.anonymous().forwarded_for("198.51.100.7");
    let statuses = attempts(&guesser, 60, guess).await;
    assert!(statuses.contains(&429), "{statuses:?}");
    for other in [app.anonymous().forwarded_for("198.51.100.8"), app.anonymous()] {
        assert_eq!(attempts(&other, 1, guess).await, [401]);
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_email_address_that_cannot_be_one_is_refused_like_a_wrong_one(db: PgPool) {
    let app = TestApp::new(db).await;
    for email in ["ada\0@example.com", "ada@example.com\u{7}", &"a".repeat(300)] {
        let body = json!({"email": email, "password": "wrong"});
        app.anonymous().post("/api/auth/login", body).await.expect_problem(401, "bad_credentials");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn tokens_end_by_time_by_logout_and_by_revocation(db: PgPool) {
    let app = TestApp::new(db).await;
    let nobody = app.anonymous();
    nobody.get("/api/auth/me").await.expect_problem(401, "not_signed_in");
    app.with_token("nonsense").get("/api/auth/me").await.expect_problem(401, "bad_token");

    let left = app.dev_admin().await;
    left.post("/api/auth/logout", json!({})).await.expect(204);
    left.get("/api/auth/me").await.expect_problem(403, "session_revoked");

    let revoked = app.dev_admin().await;
    revoked.get("/api/auth/me").await.expect(200);
    sqlx::query("UPDATE users SET token_version = token_version + 1").execute(&app.db).await.unwrap();
    revoked.get("/api/auth/me").await.expect_problem(403, "session_revoked");

    let late = app.admin().await;
    app.advance(TimeDelta::hours(13));
    late.get("/api/auth/me").await.expect_problem(401, "token_expired");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_cookie_works_only_from_our_own_pages(db: PgPool) {
    let app = TestApp::new(db).await;
    let answer = app.anonymous().post("/api/auth/register", first_account()).await;
    let cookie = answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
    let pair = cookie.split(';').next().unwrap();
    let nobody = app.anonymous();
    let request = |method, path| nobody.request(method, path).header("cookie", pair);
    nobody.send(request(reqwest::Method::GET, "/api/auth/me")).await.expect(200);
    let foreign = request(reqwest::Method::POST, "/api/auth/logout").header("origin", "https://evil.example");
    nobody.send(foreign).await.expect_problem(403, "foreign_origin");
    let own = request(reqwest::Method::POST, "/api/auth/logout").header("origin", &app.url);
    nobody.send(own).await.expect(204);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn every_kind_of_bad_request_is_a_problem(db: PgPool) {
    let app = TestApp::new(db).await;
    let nobody = app.anonymous();
    nobody.get("/api/nowhere").await.expect_problem(404, "not_found");
    for path in ["/api/auth/login", "/health", "/health/ready", "/metrics", "/ws/agent"] {
        let answer = nobody.delete(path).await;
        answer.expect_problem(405, "method_not_allowed");
        assert!(answer.headers.contains_key("allow"), "{path}");
    }
    nobody.get("/ws/agent").await.expect_problem(400, "not_websocket");
    let raw = |kind: &'static str, body: &'static str| {
        nobody.request(reqwest::Method::POST, "/api/auth/login").header("content-type", kind).body(body)
    };
    nobody.send(raw("application/json", "{")).await.expect_problem(400, "bad_json");
    nobody.send(raw("text/plain", "{}")).await.expect_problem(400, "not_json");
    for (body, field) in [
        ("{}", "email"),
        (r#"{"email":7,"password":"b"}"#, "email"),
        (r#"{"email":"a"}"#, "password"),
        (r#"{"email":"a","password":"b","role":"dev_admin"}"#, "role"),
        ("7", "body"),
    ] {
        let problem = nobody.send(raw("application/json", body)).await.expect_problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    }
    let problem = app.admin().await.get("/api/agents?limit=many").await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "limit", "{problem}");
    let large = nobody.request(reqwest::Method::POST, "/api/auth/login");
    let large = large.header("content-type", "application/json").body(vec![b' '; 2 * 1024 * 1024]);
    nobody.send(large).await.expect_problem(413, "too_large");
}
