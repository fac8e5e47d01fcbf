//! The real program as a process: first start, crash, adoption, what stands in its way, TLS, orderly end.

use std::os::unix::fs::{DirBuilderExt as _, chown, symlink};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, Uid, User};

use crate::support::Client;
use crate::support::process::Server;

#[tokio::test]
async fn a_crash_leaves_postgres_running_and_the_next_start_adopts_it() {
    let mut server = Server::new();
    server.start().await;
    let body = serde_json::json!({"email": "ada@example.com", "password": "a long enough password", "name": "Ada"});
    Client::new(&server.url(), None).post("/api/auth/register", body).await.expect(201);
    let postgres = server.postgres_pid().unwrap();
    server.signal(Signal::SIGKILL);
    server.start().await;
    assert_eq!(server.postgres_pid(), Some(postgres), "the same Postgres");
    let status = Client::new(&server.url(), None).get("/api/auth/status").await.expect(200);
    assert_eq!(status["bootstrap_required"], false, "nothing was lost");
    assert!(server.signal(Signal::SIGTERM).success());
    assert_eq!(server.postgres_pid(), None, "an orderly end stops it");
}

/// The account that Postgres runs as owns the cluster's directory, also before there is a cluster in it.
#[tokio::test]
async fn links_in_the_cluster_directory_lead_the_server_nowhere() {
    let mut server = Server::new();
    let home = server.dir.join("postgres");
    std::fs::DirBuilder::new().mode(0o700).create(&home).unwrap();
    if Uid::effective().is_root() {
        let postgres = User::from_name("postgres").unwrap().unwrap();
        chown(&home, Some(postgres.uid.as_raw()), Some(postgres.gid.as_raw())).unwrap();
    }
    let other = server.dir.join("other");
    std::fs::write(&other, "precious").unwrap();
    for name in ["password.new", "initdb.password", "data.new"] {
        symlink(&other, home.join(name)).unwrap();
    }
    server.start().await;
    assert_eq!(std::fs::read_to_string(&other).unwrap(), "precious");
    assert!(!server.dir.join("initdb.password").exists(), "lent for a moment only");
}

#[tokio::test]
async fn postgres_away_is_503_and_comes_back_without_a_restart() {
    let mut server = Server::new();
    server.start().await;
    // Without its settings it cannot be started again: it stays away until they are back.
    let settings = server.dir.join("postgres/data/postgresql.conf");
    let aside = settings.with_extension("aside");
    std::fs::rename(&settings, &aside).unwrap();
    kill(Pid::from_raw(server.postgres_pid().unwrap()), Signal::SIGQUIT).unwrap();
    let client = Client::new(&server.url(), None);
    let started = Instant::now();
    let away = loop {
        let answer = client.get("/api/auth/status").await;
        if answer.status != 200 {
            break answer;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "still there: {}", server.log());
    };
    away.expect_problem(503, "unavailable");
    assert!(away.headers.contains_key("retry-after"));
    client.get("/health").await.expect(200);
    while !server.log().contains("the private Postgres does not start") {
        assert!(started.elapsed() < Duration::from_secs(60), "not tried: {}", server.log());
        client.get("/api/auth/status").await.expect_problem(503, "unavailable");
    }
    std::fs::rename(&aside, &settings).unwrap();
    let started = Instant::now();
    while client.get("/api/auth/status").await.status != 200 {
        assert!(started.elapsed() < Duration::from_secs(60), "no recovery: {}", server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // It answers before the program that started it has ended.
    let started = Instant::now();
    while !server.log().contains("it was started again") {
        assert!(started.elapsed() < Duration::from_secs(60), "not told: {}", server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

#[tokio::test]
async fn what_stands_in_the_way_is_named() {
    let mut server = Server::new();
    server.start().await;
    let second = server.fails_with(&["serve"], |command| {
        command.env("GURURMM_LISTEN", "127.0.0.1:0");
    });
    assert!(second.contains("uses the data directory"), "{second}");
    let port = server.fails_with(&["serve"], |_| {});
    assert!(port.contains(&format!("using port {}", server.port)), "{port}");
    server.signal(Signal::SIGTERM);

    let key = server.dir.join("keys/signing.key");
    let good = std::fs::read(&key).unwrap();
    std::fs::remove_file(&key).unwrap();
    let missing = server.fails_with(&["serve"], |_| {});
    assert!(missing.contains("signing.key"), "a lost key is not replaced: {missing}");
    std::fs::copy(server.dir.join("keys/audit.key"), &key).unwrap();
    let other = server.fails_with(&["serve"], |_| {});
    assert!(other.contains("signing.key is not the one this database was set up with"), "{other}");
    std::fs::write(&key, good).unwrap();

    let bad = server.fails_with(&["serve"], |command| {
        command.env("GURURMM_PUBLIC_URL", "rmm.example.com");
    });
    assert!(bad.contains("public_url"), "{bad}");
    let programs = server.fails_with(&["serve"], |command| {
        command.env("GURURMM_POSTGRES_BIN", "/nonexistent");
    });
    assert!(programs.contains("no pg_ctl and initdb"), "{programs}");
    let away = server.fails_with(&["serve"], |command| {
        command.env("DATABASE_URL", "mysql://localhost/x");
    });
    assert!(away.contains("DATABASE_URL"), "{away}");
    server.start().await;
}

#[tokio::test]
async fn tls_by_files_reloads_without_a_restart() {
    let mut server = Server::new();
    let (cert, key) = (server.dir.join("cert.pem"), server.dir.join("key.pem"));
    let write = || {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        std::fs::write(&cert, made.cert.pem()).unwrap();
        made.cert.der().to_vec()
    };
    let first = write();
    server.environment.push(("GURURMM_TLS_CERT", cert.display().to_string()));
    server.environment.push(("GURURMM_TLS_KEY", key.display().to_string()));
    server.start().await;
    let presented = async |server: &Server| {
        let answer = server.http().get(format!("{}/health", server.url())).send().await.unwrap();
        assert!(answer.headers().contains_key("strict-transport-security"));
        answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
    };
    assert_eq!(presented(&server).await, first);
    let second = write();
    let started = Instant::now();
    while presented(&server).await != second {
        assert!(started.elapsed() < Duration::from_secs(30), "not loaded again: {}", server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    std::fs::write(&cert, "nonsense").unwrap();
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(presented(&server).await, second, "a bad file does not replace a good certificate");
}
