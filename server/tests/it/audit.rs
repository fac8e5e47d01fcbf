//! The audit log: who may read it, that it is sealed, and that every tampering is found out.

use chrono::TimeDelta;
use gururmm_protocol::crypto::PublicKey;
use gururmm_server::audit::seal::seal_batch;
use gururmm_server::audit::verify::{Report, verify};
use gururmm_server::audit::{chain::Head, heads};
use gururmm_server::authz::OrgRole;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;

use crate::support::TestApp;

struct Log {
    app: TestApp,
    dir: tempfile::TempDir,
}

impl Log {
    async fn new(db: PgPool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        let app = TestApp::with(db, |config| config.data_dir = path).await;
        Self { app, dir }
    }

    /// Rows by ordinary requests, in sealed batches of three.
    async fn with_rows(db: PgPool, rows: usize) -> Self {
        let log = Self::new(db).await;
        let admin = log.app.admin().await;
        for n in 0..rows {
            admin.post("/api/organizations", json!({"name": format!("Customer {n}")})).await.expect(201);
            if n % 3 == 2 {
                assert_eq!(seal_batch(&log.app.app).await.unwrap(), 3);
            }
        }
        log
    }

    async fn verify(&self) -> Report {
        let key = PublicKey::of(&self.app.app.keys.audit);
        verify(&self.app.db, &key, &heads::path(self.dir.path())).await.unwrap()
    }

    /// Does what only somebody with full power over the database can do.
    async fn tamper(&self, sql: &'static str) {
        let mut connection = self.app.db.acquire().await.unwrap();
        sqlx::raw_sql("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut *connection).await.unwrap();
        sqlx::raw_sql("SET session_replication_role = DEFAULT").execute(&mut *connection).await.unwrap();
    }

    #[track_caller]
    fn expect(report: &Report, seq: Option<i64>, audit_id: Option<i64>, what: &str) {
        let problem = report.problem.as_ref().unwrap_or_else(|| panic!("not found out: {report}"));
        assert_eq!((problem.seq, problem.audit_id), (seq, audit_id), "{report}");
        assert!(problem.what.contains(what), "{report}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_log_that_nobody_touched_is_whole(db: PgPool) {
    let log = Log::with_rows(db, 7).await;
    let report = log.verify().await;
    assert_eq!(report, Report { sealed: 6, unsealed: 1, heads: 2, exported_heads: 2, problem: None });
    assert_eq!(seal_batch(&log.app.app).await.unwrap(), 1);
    assert_eq!(seal_batch(&log.app.app).await.unwrap(), 0, "sealed once");
    let report = log.verify().await;
    assert_eq!(report, Report { sealed: 7, unsealed: 0, heads: 3, exported_heads: 3, problem: None });
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_empty_log_is_whole(db: PgPool) {
    let log = Log::new(db).await;
    assert_eq!(seal_batch(&log.app.app).await.unwrap(), 0);
    assert_eq!(log.verify().await.problem, None);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn rows_that_commit_late_are_sealed_too(db: PgPool) {
    let log = Log::new(db).await;
    let admin = log.app.admin().await;
    // A mutation that has its row's id but has not committed while later ones are sealed.
    let mut slow = log.app.db.begin().await.unwrap();
    sqlx::query("WITH written AS (INSERT INTO audit_log (at, actor_kind, actor_label, action, target_kind, target_label, outcome)
                 VALUES (now(), 'system', 'slow', 'slow', 'none', '', 'success') RETURNING id)
                 INSERT INTO audit_unsealed SELECT id FROM written")
        .execute(&mut *slow)
        .await
        .unwrap();
    admin.post("/api/organizations", json!({"name": "Quick"})).await.expect(201);
    assert_eq!(seal_batch(&log.app.app).await.unwrap(), 1);
    slow.commit().await.unwrap();
    assert_eq!(seal_batch(&log.app.app).await.unwrap(), 1);
    let report = log.verify().await;
    assert_eq!((report.sealed, report.unsealed, report.problem), (2, 0, None));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_log_is_append_only_for_ordinary_statements(db: PgPool) {
    let log = Log::with_rows(db, 1).await;
    for statement in ["UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"] {
        let error = sqlx::query(statement).execute(&log.app.db).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{error}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_change_of_any_column_shows(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    let changes = [
        ("at", "at + interval '1 microsecond'"),
        ("actor_kind", "'operator'"),
        ("actor_id", "NULL"),
        ("actor_label", "'eve@example.com'"),
        ("action", "'nothing'"),
        ("target_kind", "'none'"),
        ("target_id", "NULL"),
        ("target_label", "''"),
        ("organization_id", "NULL"),
        ("agent_id", "gen_random_uuid()"),
        ("outcome", "'refused'"),
        ("detail", "'{\"a\": 1}'"),
        ("request_id", "NULL"),
        ("address", "NULL"),
    ];
    for (column, value) in changes {
        let mut connection = log.app.db.acquire().await.unwrap();
        sqlx::raw_sql("SET session_replication_role = replica").execute(&mut *connection).await.unwrap();
        sqlx::raw_sql("CREATE TEMP TABLE kept AS SELECT * FROM audit_log WHERE id = 4")
            .execute(&mut *connection)
            .await
            .unwrap();
        let change = format!("UPDATE audit_log SET {column} = {value} WHERE id = 4");
        sqlx::raw_sql(sqlx::AssertSqlSafe(change)).execute(&mut *connection).await.unwrap();
        Log::expect(&log.verify().await, Some(4), Some(4), "changed");
        let back = format!("UPDATE audit_log SET {column} = kept.{column} FROM kept WHERE audit_log.id = 4");
        sqlx::raw_sql(sqlx::AssertSqlSafe(back)).execute(&mut *connection).await.unwrap();
        sqlx::raw_sql("DROP TABLE kept; SET session_replication_role = DEFAULT")
            .execute(&mut *connection)
            .await
            .unwrap();
        assert_eq!(log.verify().await.problem, None, "{column} was put back");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_removed_row_shows(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    log.tamper("DELETE FROM audit_log WHERE id = 2").await;
    Log::expect(&log.verify().await, Some(2), Some(2), "removed from the log");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_removed_row_with_its_link_shows(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    log.tamper("DELETE FROM audit_log WHERE id = 2; DELETE FROM audit_chain WHERE audit_id = 2").await;
    Log::expect(&log.verify().await, Some(2), None, "removed from the chain");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn closing_the_gap_behind_a_removed_row_shows(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    log.tamper(
        "DELETE FROM audit_log WHERE id = 2; DELETE FROM audit_chain WHERE audit_id = 2;
         UPDATE audit_chain SET seq = -seq WHERE seq > 2; UPDATE audit_chain SET seq = -seq - 1 WHERE seq < 0",
    )
    .await;
    Log::expect(&log.verify().await, Some(2), Some(3), "changed");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn swapped_rows_show(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    log.tamper("UPDATE audit_chain SET audit_id = 9 - audit_id + 1000 WHERE audit_id IN (4, 5)").await;
    log.tamper("UPDATE audit_chain SET audit_id = audit_id - 1000 WHERE audit_id > 1000").await;
    Log::expect(&log.verify().await, Some(4), Some(5), "changed");
}

/// Computes the chain anew from row 4 on, as somebody who knows the method would, and puts `head` at its end.
async fn rewrite(log: &Log) {
    use gururmm_server::audit::chain::{ChainRow, row_hash};
    log.tamper("UPDATE audit_log SET actor_label = 'nobody@example.com' WHERE id = 4").await;
    let start: Vec<u8> =
        sqlx::query_scalar("SELECT hash FROM audit_chain WHERE seq = 3").fetch_one(&log.app.db).await.unwrap();
    let mut hash: [u8; 32] = start.try_into().unwrap();
    for seq in 4..=6_i64 {
        let row: Value = sqlx::query_scalar(
            "SELECT to_jsonb(l) || jsonb_build_object('detail', detail::text) FROM audit_log l WHERE id = $1",
        )
        .bind(seq)
        .fetch_one(&log.app.db)
        .await
        .unwrap();
        let text = |name: &str| row[name].as_str().unwrap().to_owned();
        let id = |name: &str| row[name].as_str().map(|id| id.parse().unwrap());
        let row = ChainRow {
            id: seq,
            at: text("at").parse().unwrap(),
            actor_kind: text("actor_kind"),
            actor_id: id("actor_id"),
            actor_label: text("actor_label"),
            action: text("action"),
            target_kind: text("target_kind"),
            target_id: id("target_id"),
            target_label: text("target_label"),
            organization_id: id("organization_id"),
            agent_id: id("agent_id"),
            outcome: text("outcome"),
            detail: text("detail"),
            request_id: row["request_id"].as_str().map(Into::into),
            address: row["address"].as_str().map(Into::into),
        };
        hash = row_hash(&hash, seq, &row);
        sqlx::query("UPDATE audit_chain SET hash = $2 WHERE seq = $1")
            .bind(seq)
            .bind(hash.as_slice())
            .execute(&log.app.db)
            .await
            .unwrap();
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_rewritten_chain_shows_by_its_signed_head(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    rewrite(&log).await;
    Log::expect(&log.verify().await, Some(4), None, "rewritten");
    // Fitting the head's hash to it breaks its signature.
    log.tamper("UPDATE audit_heads h SET hash = c.hash FROM audit_chain c WHERE c.seq = h.seq AND h.seq = 6").await;
    Log::expect(&log.verify().await, Some(6), Some(6), "forged");
    // Without the head, the one outside the database stands against it.
    log.tamper("DELETE FROM audit_heads WHERE seq = 6").await;
    Log::expect(&log.verify().await, Some(6), Some(6), "outside the database");
    // And without that one too, nothing covers the end.
    let path = heads::path(log.dir.path());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.lines().next().unwrap().to_owned() + "\n").unwrap();
    Log::expect(&log.verify().await, Some(4), None, "no signed head");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_head_signed_with_another_key_shows(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    rewrite(&log).await;
    let hash: Vec<u8> =
        sqlx::query_scalar("SELECT hash FROM audit_chain WHERE seq = 6").fetch_one(&log.app.db).await.unwrap();
    let thief = ed25519_dalek::SigningKey::from_bytes(&[99; 32]);
    let forged = Head::sign(&thief, 6, hash.try_into().unwrap(), crate::support::start_of_time());
    sqlx::query("UPDATE audit_heads SET hash = $1, signature = $2, signed_at = $3 WHERE seq = 6")
        .bind(forged.hash.as_slice())
        .bind(forged.signature.as_bytes().as_slice())
        .bind(forged.signed_at)
        .execute(&log.app.db)
        .await
        .unwrap();
    Log::expect(&log.verify().await, Some(6), Some(6), "forged");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_end_that_was_cut_off_with_its_heads_shows_by_the_file(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    log.tamper(
        "DELETE FROM audit_log WHERE id > 3; DELETE FROM audit_chain WHERE seq > 3; DELETE FROM audit_heads WHERE seq > 3",
    )
    .await;
    let report = log.verify().await;
    Log::expect(&report, Some(4), None, "cut off");
    assert!(report.to_string().contains("link 6"), "{report}");
    // Going on does not heal it, even when the chain grows past the old end.
    let admin = log.app.admin().await;
    for n in 0..5 {
        admin.post("/api/organizations", json!({"name": format!("Later {n}")})).await.expect(201);
    }
    seal_batch(&log.app.app).await.unwrap();
    Log::expect(&log.verify().await, Some(6), Some(9), "outside the database");
    std::fs::remove_file(heads::path(log.dir.path())).unwrap();
    Log::expect(&log.verify().await, None, None, "file of heads is missing");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_end_cut_off_without_its_head_shows_without_the_file(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    log.tamper("DELETE FROM audit_log WHERE id > 3; DELETE FROM audit_chain WHERE seq > 3").await;
    std::fs::write(heads::path(log.dir.path()), "").unwrap();
    Log::expect(&log.verify().await, Some(4), None, "cut off");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_row_behind_the_servers_back_and_a_row_that_vanished_before_sealing_show(db: PgPool) {
    let log = Log::with_rows(db, 4).await;
    log.tamper(
        "INSERT INTO audit_log (at, actor_kind, actor_label, action, target_kind, target_label, outcome)
                VALUES (now(), 'user', 'eve@example.com', 'x', 'none', '', 'success')",
    )
    .await;
    Log::expect(&log.verify().await, None, Some(5), "not written by the server");
    seal_batch(&log.app.app).await.unwrap();
    Log::expect(&log.verify().await, None, Some(5), "not written by the server");
    log.tamper("DELETE FROM audit_log WHERE id = 5").await;
    log.app.admin().await.post("/api/organizations", json!({"name": "Last"})).await.expect(201);
    log.tamper("DELETE FROM audit_log WHERE id = 6").await;
    Log::expect(&log.verify().await, None, Some(6), "removed before it was sealed");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_file_of_heads_is_repaired_after_a_crash(db: PgPool) {
    let log = Log::with_rows(db, 6).await;
    let path = heads::path(log.dir.path());
    let whole = std::fs::read_to_string(&path).unwrap();
    // The commit was done, the line was not, or only its half.
    for torn in [String::new(), whole.lines().next().unwrap().to_owned() + "\n", whole[..whole.len() - 20].to_owned()] {
        std::fs::write(&path, torn).unwrap();
        assert_eq!(seal_batch(&log.app.app).await.unwrap(), 0);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), whole);
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn two_sealers_at_once_seal_each_row_once(db: PgPool) {
    let log = Log::with_rows(db, 2).await;
    let (first, second) = tokio::join!(seal_batch(&log.app.app), seal_batch(&log.app.app));
    assert_eq!(first.unwrap() + second.unwrap(), 2);
    assert_eq!(log.verify().await.problem, None);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn admins_read_all_org_admins_their_own_and_others_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let (ours, _) = app.organization("Ours").await;
    let (theirs, _) = app.organization("Theirs").await;
    let admin = app.admin().await;
    for organization in [ours, theirs] {
        admin.post(&format!("/api/organizations/{organization}/sites"), json!({"name": "Depot"})).await.expect(201);
    }
    admin.post("/api/organizations", json!({"name": "Third"})).await.expect(201);
    let count = |body: &Value| body["items"].as_array().unwrap().len();
    assert_eq!(count(&admin.get("/api/audit").await.expect(200)), 3);
    let org_admin = app.member(ours, OrgRole::OrgAdmin).await;
    let own = org_admin.get("/api/audit").await.expect(200);
    assert_eq!(count(&own), 1);
    assert_eq!(own["items"][0]["organization_id"], ours.to_string());
    let foreign = format!("/api/audit?organization_id={theirs}");
    assert_eq!(count(&org_admin.get(&foreign).await.expect(200)), 0);
    for role in [OrgRole::Technician, OrgRole::Viewer] {
        app.member(ours, role).await.get("/api/audit").await.expect_problem(403, "forbidden");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_audit_list_filters_and_says_what_is_sealed(db: PgPool) {
    let log = Log::new(db).await;
    let (organization, _) = log.app.organization("Ours").await;
    let admin = log.app.admin().await;
    let viewer = log.app.member(organization, OrgRole::Viewer).await;
    admin.post("/api/organizations", json!({"name": "A%b"})).await.expect(201);
    seal_batch(&log.app.app).await.unwrap();
    log.app.advance(TimeDelta::hours(1));
    viewer.post("/api/organizations", json!({"name": "Nope"})).await.expect_problem(403, "forbidden");
    let path = format!("/api/organizations/{organization}/sites");
    viewer.post(&path, json!({"name": "Nope"})).await.expect_problem(403, "forbidden");
    let actions = async |query: &str| -> Vec<String> {
        let body = admin.get(&format!("/api/audit?{query}")).await.expect(200);
        body["items"].as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions("").await, ["site.create", "organization.create", "organization.create"]);
    assert_eq!(actions("action=site.").await, ["site.create"]);
    assert_eq!(actions("action=%25").await, [""; 0], "a wildcard is an ordinary character");
    assert_eq!(actions("outcome=success").await, ["organization.create"]);
    assert_eq!(actions("outcome=refused&action=organization.").await, ["organization.create"]);
    assert_eq!(actions("actor=admin-").await, ["organization.create"]);
    assert_eq!(actions(&format!("organization_id={organization}")).await, ["site.create"]);
    assert_eq!(actions("from=2026-11-23T12:30:00Z").await, ["site.create", "organization.create"]);
    assert_eq!(actions("to=2026-11-23T13:00:00Z").await, ["organization.create"]);
    assert_eq!(actions("from=-262143-01-01T00:00:00Z&to=%2B262142-01-01T00:00:00Z").await.len(), 3);
    assert_eq!(actions("agent_id=00000000-0000-0000-0000-000000000001").await.len(), 0);
    let rows = admin.get("/api/audit").await.expect(200);
    let sealed: Vec<_> = rows["items"].as_array().unwrap().iter().map(|row| row["sealed"].as_bool().unwrap()).collect();
    assert_eq!(sealed, [false, false, true]);
    assert_eq!(rows["items"][1]["detail"]["refused"], "forbidden");
    assert_eq!(rows["items"][2]["target"]["label"], "A%b");
    for bad in ["outcome=maybe", "from=yesterday", "actor=%00", "colour=red", "limit=0"] {
        admin.get(&format!("/api/audit?{bad}")).await.expect_problem(422, "invalid");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_long_log_is_verified_beyond_the_time_that_requests_have(db: PgPool) {
    let log = Log::with_rows(db, 3).await;
    let options = (*log.app.db.connect_options()).clone().options([("statement_timeout", "200ms")]);
    let limited = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
    let mut busy = log.app.db.begin().await.unwrap();
    sqlx::query("LOCK TABLE audit_unsealed IN ACCESS EXCLUSIVE MODE").execute(&mut *busy).await.unwrap();
    let release = async {
        tokio::time::sleep(std::time::Duration::from_millis(800)).await;
        busy.rollback().await.unwrap();
    };
    let (key, path) = (PublicKey::of(&log.app.app.keys.audit), heads::path(log.dir.path()));
    let (report, ()) = tokio::join!(verify(&limited, &key, &path), release);
    assert_eq!(report.unwrap().problem, None);
}
