//! Running the server: readiness, metrics, whose address a request has, and a handler that panics.

use std::time::Duration;

use axum::Router;
use chrono::TimeDelta;
use gururmm_server::authz::GlobalRole;
use gururmm_server::http::router;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio_util::task::TaskTracker;

use crate::support::fleet::AgentRow;
use crate::support::proxy::Proxy;
use crate::support::{Client, TestApp};

/// Names of the checks that are not well.
fn failing(body: &Value) -> Vec<&str> {
    assert_eq!(body["status"], "not_ready");
    let checks = body["checks"].as_array().unwrap();
    assert_eq!(checks.len(), 3);
    let bad = checks.iter().filter(|check| check["ok"] == false);
    bad.inspect(|check| assert!(check["problem"].is_string(), "{check}"))
        .map(|check| check["name"].as_str().unwrap())
        .collect()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn readiness_names_the_part_that_is_not_well(db: PgPool) {
    let proxy = Proxy::before(&db).await;
    let app = TestApp::new(proxy.pool(&db)).await;
    let client = app.anonymous();
    assert_eq!(client.get("/health/ready").await.expect(200)["status"], "ready");

    proxy.cut();
    let away = client.get("/health/ready").await;
    assert_eq!(failing(&away.expect(503)), ["database", "migrations"]);
    assert!(away.headers.contains_key("retry-after"));
    client.get("/health").await.expect(200);

    proxy.mend();
    app.until("ready again", || async { client.get("/health/ready").await.status == 200 }).await;
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 7").execute(&db).await.unwrap();
    assert_eq!(failing(&client.get("/health/ready").await.expect(503)), ["migrations"]);

    sqlx::query("INSERT INTO _sqlx_migrations SELECT 7, '', now(), true, '', 0").execute(&db).await.unwrap();
    app.app.shutdown.cancel();
    assert_eq!(failing(&client.get("/health/ready").await.expect(503)), ["accepting"]);
    client.get("/health").await.expect(200);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn without_a_token_metrics_are_for_direct_requests_from_loopback(db: PgPool) {
    // Another test of the same process may have installed it.
    let _ = gururmm_server::operations::metrics::install();
    let app = TestApp::with(db, |config| config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()]).await;
    let client = app.anonymous();
    let direct = client.get("/metrics").await;
    assert_eq!(direct.status, 200);
    assert!(direct.headers["content-type"].to_str().unwrap().starts_with("text/plain; version=0.0.4"));
    assert!(direct.text.contains("database_connections "), "{}", direct.text);
    for (name, value) in [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-for", ""),
        ("forwarded", "for=127.0.0.1"),
    ] {
        let request = client.request(Method::GET, "/metrics").header(name, value);
        client.send(request).await.expect_problem(403, "metrics_closed");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn with_a_token_metrics_are_for_who_has_it_from_anywhere(db: PgPool) {
    let app = TestApp::with(db, |config| config.metrics_token = Some("scrape-me".into())).await;
    app.anonymous().get("/metrics").await.expect_problem(403, "metrics_closed");
    for wrong in ["", "scrape-m", "scrape-me2", "scrape-mE"] {
        app.with_token(wrong).get("/metrics").await.expect_problem(403, "metrics_closed");
    }
    app.dev_admin().await.get("/metrics").await.expect_problem(403, "metrics_closed");
    let scraper = app.with_token("scrape-me");
    let forwarded = scraper.request(Method::GET, "/metrics").header("x-forwarded-for", "203.0.113.7");
    assert_eq!(scraper.send(forwarded).await.status, 200);
}

/// The address in the audit row of a request with these headers.
async fn recorded(app: &TestApp, client: &Client, forwarded: &[&str]) -> String {
    let name = format!("Customer {}", fastrand::u64(..));
    let mut request = client.request(Method::POST, "/api/organizations").json(&json!({"name": name}));
    for value in forwarded {
        request = request.header("x-forwarded-for", *value);
    }
    client.send(request).await.expect(201);
    sqlx::query_scalar("SELECT address FROM audit_log WHERE target_label = $1")
        .bind(name)
        .fetch_one(&app.db)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_forwarded_address_is_believed_only_from_a_trusted_proxy(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let client = app.admin().await;
    assert_eq!(recorded(&app, &client, &[]).await, "127.0.0.1");
    assert_eq!(recorded(&app, &client, &["203.0.113.7"]).await, "127.0.0.1", "nobody is trusted");

    let proxies = ["127.0.0.1", "10.0.0.9"].map(|address| address.parse().unwrap());
    let app = TestApp::with(db, |config| config.trusted_proxies = proxies.into()).await;
    let client = app.admin().await;
    for (forwarded, address) in [
        (&[][..], "127.0.0.1"),
        (&["203.0.113.7"], "203.0.113.7"),
        (&["198.51.100.1, 203.0.113.7"], "203.0.113.7"),
        (&["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        (&["198.51.100.1, 203.0.113.7, 10.0.0.9"], "203.0.113.7"),
        (&["::ffff:203.0.113.7"], "203.0.113.7"),
        (&["198.51.100.1, 203.0.113.7:4711"], "203.0.113.7"),
        (&["198.51.100.1, [2001:db8::7]:4711"], "2001:db8::7"),
        // The proxy did not know the caller: what the caller wrote before is not believed instead.
        (&["198.51.100.1, unknown"], "127.0.0.1"),
        (&["nonsense"], "127.0.0.1"),
        (&["10.0.0.9"], "127.0.0.1"),
    ] {
        assert_eq!(recorded(&app, &client, forwarded).await, address, "{forwarded:?}");
    }
}

async fn boom() {
    panic!("a mistake in a handler")
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_handler_that_panics_is_a_problem_and_the_server_goes_on(db: PgPool) {
    let app = TestApp::new(db).await;
    let routes = Router::new()
        .route("/api/boom", axum::routing::get(boom))
        .route("/api/calm", axum::routing::get(async || axum::Json(json!({}))));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = Client::new(&format!("http://{}", listener.local_addr().unwrap()), None);
    let server = router::surround(routes, app.app.clone());
    let server = tokio::spawn(async move { axum::serve(listener, server).await.unwrap() });
    for _ in 0..3 {
        let answer = client.get("/api/boom").await;
        let body = answer.expect_problem(500, "internal");
        assert!(!body.to_string().contains("a mistake in a handler"), "{body}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        client.get("/api/calm").await.expect(200);
    }
    server.abort();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_database_that_is_away_for_minutes_costs_neither_a_restart_nor_a_report(db: PgPool) {
    use gururmm_protocol::message::Report;
    use gururmm_server::hub::presence;

    let proxy = Proxy::before(&db).await;
    let app = TestApp::new(proxy.pool(&db)).await;
    let agent = app.agent(1).await;
    let path = format!("/api/agents/{}", agent.agent_id().unwrap());
    let mut session = agent.connect().await.unwrap();
    session.set_wait(std::time::Duration::from_secs(20));
    session.report_inventory(&agent).await.unwrap();
    let admin = app.admin().await;
    let shown = async || admin.get(&path).await.expect(200)["presence"]["state"].clone();
    app.until("online", || async { shown().await == "online" }).await;

    proxy.cut();
    // Longer than a lease and the time for reconnecting together.
    for _ in 0..4 {
        app.advance(TimeDelta::minutes(1));
        admin.get(&path).await.expect_problem(503, "unavailable");
        assert!(presence::renew(&app.app).await.is_err());
        assert!(presence::sweep(&app.app).await.is_err());
    }
    let sections = vec![gururmm_protocol::inventory::InventorySection {
        digest: "of the time without a database".into(),
        problems: vec![],
        content: agent.machine.inventory().remove(0),
    }];
    let report = session.send_report(Report::Inventory(sections.into())).await.unwrap();
    let newcomer = agent.open().await.err().unwrap();
    assert!(newcomer.to_string().contains("503"), "{newcomer}");

    proxy.mend();
    session.expect_ack(report).await.unwrap();
    assert_eq!(shown().await, "offline", "the lease ran out, and nobody has renewed it yet");
    presence::sweep(&app.app).await.unwrap();
    presence::renew(&app.app).await.unwrap();
    assert_eq!(shown().await, "online");
    let stored: i64 =
        sqlx::query_scalar("SELECT count(*) FROM agent_inventory WHERE digest = 'of the time without a database'")
            .fetch_one(&db)
            .await
            .unwrap();
    assert_eq!(stored, 1);
    let command = json!({"program": {"kind": "exec", "argv": ["true"]}});
    admin.post(&format!("{path}/commands"), command).await.expect(201);
    session.expect_command().await.unwrap();
    assert_eq!(app.app.hub.connected(), 1);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn background_passes_need_two_connections_at_most(db: PgPool) {
    let few = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(3));
    let app = TestApp::new(few.connect_with((*db.connect_options()).clone()).await.unwrap()).await;
    let (organization, site) = app.organization("Acme").await;
    AgentRow { state: "decommissioning", ..AgentRow::new(organization, site, "gone") }.insert(&app).await;
    app.user(GlobalRole::User, &[]).await;
    sqlx::query("UPDATE user_sessions SET expires_at = expires_at - interval '1 year'").execute(&db).await.unwrap();
    let tasks = TaskTracker::new();
    gururmm_server::reconcile::start(&app.app, &tasks);
    let done = async || {
        let sql = "SELECT NOT EXISTS (SELECT 1 FROM user_sessions) AND (SELECT state = 'decommissioned' FROM agents)";
        sqlx::query_scalar::<_, bool>(sql).fetch_one(&db).await.unwrap()
    };
    app.until("the first round is done", done).await;
    app.app.shutdown.cancel();
    tasks.close();
    tasks.wait().await;
}
