//! The program's command line: what an operator does at the server, settings by files, and an orderly end.

use std::time::Duration;

use gururmm_sim::SimAgent;
use nix::sys::signal::Signal;
use serde_json::json;
use sqlx::PgPool;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::Client;
use crate::support::process::Server;

/// What a successful run printed.
fn printed(server: &Server, arguments: &[&str]) -> String {
    let output = server.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[sqlx::test(migrations = false)]
async fn migrate_makes_the_schema_and_may_be_repeated(db: PgPool) {
    let server = Server::on(&db);
    for _ in 0..2 {
        assert_eq!(printed(&server, &["migrate"]), "");
        assert_eq!(gururmm_server::db::pending_migrations(&db).await.unwrap(), 0);
    }
}

#[test]
fn openapi_prints_the_document() {
    let document = printed(&Server::new(), &["openapi"]);
    let document: serde_json::Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document, serde_json::to_value(gururmm_server::http::router::api_document()).unwrap());
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_operator_makes_enrollment_tokens_with_and_without_the_server(db: PgPool) {
    let mut server = Server::on(&db);
    let make = ["admin", "enrollment-token", "--organization", "Acme", "--site", "HQ", "--max-uses", "1"];
    let before = printed(&server, &make);
    server.start().await;
    let beside = printed(&server, &make);
    assert_ne!(before, beside);
    for (seed, token) in [(1, &before), (2, &beside)] {
        SimAgent::from_seed(seed).enroll(&server.url(), token).await.unwrap();
        let again = SimAgent::from_seed(seed + 10).enroll(&server.url(), token).await;
        assert!(again.is_err(), "the token is for one machine");
    }
    let places: (i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM organizations), (SELECT count(*) FROM sites), (SELECT count(*) FROM agents)",
    )
    .fetch_one(&db)
    .await
    .unwrap();
    assert_eq!(places, (1, 1, 2), "organization and site are made once");
    let actors: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT actor_kind FROM audit_log WHERE action = 'enrollment_token.create'")
            .fetch_all(&db)
            .await
            .unwrap();
    assert_eq!(actors, ["operator"]);
    server.fails_with(&["admin", "enrollment-token", "--organization", "", "--site", "HQ"], |_| {});
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn verify_audit_says_whether_the_log_is_whole_by_its_exit_code(db: PgPool) {
    let mut server = Server::on(&db);
    printed(&server, &["admin", "enrollment-token", "--organization", "Acme", "--site", "HQ"]);
    server.start().await;
    let count = async |sql: &'static str| sqlx::query_scalar::<_, i64>(sql).fetch_one(&db).await.unwrap();
    for _ in 0..200 {
        if count("SELECT count(*) FROM audit_unsealed").await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let whole = printed(&server, &["admin", "verify-audit"]);
    assert!(whole.ends_with("the audit log is whole"), "{whole}");

    let mut connection = db.acquire().await.unwrap();
    let row = count("SELECT min(id) FROM audit_log").await;
    sqlx::raw_sql(
        "ALTER TABLE audit_log DISABLE TRIGGER audit_log_append_only;
         UPDATE audit_log SET actor_label = 'nobody' WHERE id = (SELECT min(id) FROM audit_log);
         ALTER TABLE audit_log ENABLE TRIGGER audit_log_append_only",
    )
    .execute(&mut *connection)
    .await
    .unwrap();
    let tampered = server.run(&["admin", "verify-audit"]);
    assert_eq!(tampered.status.code(), Some(1));
    let text = String::from_utf8(tampered.stdout).unwrap();
    assert!(text.contains(&format!("row {row}, ")), "{text}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn settings_come_from_a_file_and_secrets_from_files_of_their_own(db: PgPool) {
    let mut server = Server::on(&db);
    let token = server.dir.join("metrics-token");
    std::fs::write(&token, "scrape-me\n").unwrap();
    let (name, url_file) = server.environment.pop().unwrap();
    assert_eq!(name, "GURURMM_DATABASE_URL_FILE");
    let settings = server.dir.join("server.toml");
    let text = format!(
        "database_url_file = \"{url_file}\"\nmetrics_token_file = \"{}\"\nlog_format = \"json\"\n",
        token.display()
    );
    std::fs::write(&settings, text).unwrap();
    server.environment.push(("GURURMM_CONFIG", settings.display().to_string()));
    server.start().await;
    assert_eq!(server.postgres_pid(), None, "it uses the given Postgres");
    let client = Client::new(&server.url(), None);
    client.get("/metrics").await.expect_problem(403, "metrics_closed");
    assert_eq!(client.with_token(Some("scrape-me")).get("/metrics").await.status, 200);
    let log = server.log();
    let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert!(line["level"].is_string(), "{line}");
    assert!(!log.contains("scrape-me") && !log.contains("postgres://"), "{log}");
}

/// A request that the server has taken up, and whose body is not there yet.
async fn unfinished(server: &Server, body: &str) -> TcpStream {
    let mut socket = TcpStream::connect(("127.0.0.1", server.port)).await.unwrap();
    let head = format!(
        "POST /api/auth/register HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        body.len()
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut go_on = [0; b"HTTP/1.1 100 Continue\r\n\r\n".len()];
    socket.read_exact(&mut go_on).await.unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket
}

/// Waits until nothing new is accepted.
async fn closed(server: &Server) {
    for _ in 0..600 {
        if TcpStream::connect(("127.0.0.1", server.port)).await.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the server goes on accepting connections");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_signal_lets_requests_finish_and_a_second_one_cuts_them(db: PgPool) {
    let mut server = Server::on(&db);
    server.environment.push(("GURURMM_SHUTDOWN_SECONDS", "600".to_owned()));
    server.start().await;
    let body = json!({"email": "ada@example.com", "password": "a long enough password", "name": "Ada"}).to_string();
    let mut request = unfinished(&server, &body).await;
    server.send(Signal::SIGINT);
    closed(&server).await;
    assert!(server.ended(Duration::from_secs(1)).await.is_none(), "the request is still running");
    request.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    request.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let status = server.ended(Duration::from_secs(60)).await.expect("it ends when the request is over");
    assert!(status.success(), "{}", server.log());

    server.start().await;
    let mut request = unfinished(&server, &body).await;
    server.send(Signal::SIGTERM);
    closed(&server).await;
    assert!(server.ended(Duration::from_secs(1)).await.is_none(), "the request is still running");
    server.send(Signal::SIGINT);
    let status = server.ended(Duration::from_secs(60)).await.expect("sooner than the ten minutes of shutdown_seconds");
    assert!(status.success(), "{}", server.log());
    let mut answer = String::new();
    let _ = request.read_to_string(&mut answer).await;
    assert_eq!(answer, "");
    assert!(server.log().contains("cutting what still runs"));
}
