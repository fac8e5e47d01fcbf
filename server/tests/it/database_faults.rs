//! A database that is there and cannot do its work: nothing that an agent brings is lost.

use std::time::{Duration, Instant};

use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::inventory::{HotFix, InventoryReport, InventorySection, PackedSection, Section};
use gururmm_protocol::message::Report;
use gururmm_server::db::is_away;
use gururmm_sim::{Session, SimAgent, SimError};
use sqlx::{AssertSqlSafe, PgPool};

use crate::support::TestApp;

/// Makes every inventory fail with this code of Postgres.
async fn fail_with(app: &TestApp, code: &str) {
    let function = format!(
        "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'for a test' USING ERRCODE = '{code}'; END $$"
    );
    sqlx::query(AssertSqlSafe(function)).execute(&app.db).await.unwrap();
    sqlx::query(
        "CREATE OR REPLACE TRIGGER fail BEFORE INSERT OR UPDATE ON agent_inventory FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    .execute(&app.db)
    .await
    .unwrap();
}

async fn send_inventory(session: &mut Session, agent: &SimAgent) -> u64 {
    let section =
        InventorySection { digest: "new".into(), problems: vec![], content: agent.machine.inventory().remove(0) };
    session.send_report(Report::Inventory(vec![section].into())).await.unwrap()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_may_pass_is_told_from_what_never_can(db: PgPool) {
    for (code, away) in [
        ("08006", true),
        ("25006", true),
        ("40001", true),
        ("40P01", true),
        ("53100", true),
        ("53200", true),
        ("55P03", true),
        ("57014", true),
        ("57P01", true),
        ("58030", true),
        ("22P05", false),
        ("23505", false),
        ("42P01", false),
        ("XX000", false),
    ] {
        let raise = format!("DO $$ BEGIN RAISE EXCEPTION 'for a test' USING ERRCODE = '{code}'; END $$");
        let error = sqlx::query(AssertSqlSafe(raise)).execute(&db).await.unwrap_err();
        assert_eq!(is_away(&error), away, "{code}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_report_waits_while_the_disk_is_full_and_is_stored_afterwards(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    fail_with(&app, "53100").await;
    let seq = send_inventory(&mut session, &agent).await;
    // Longer than what is tried again a few times takes.
    session.link().expect_silence(Duration::from_secs(3)).await.unwrap();
    sqlx::query("DROP TRIGGER fail ON agent_inventory").execute(&app.db).await.unwrap();
    session.expect_ack(seq).await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_report_is_refused_only_for_what_it_holds_and_kept_by_the_agent_otherwise(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    fail_with(&app, "22P05").await;
    let seq = send_inventory(&mut session, &agent).await;
    let refused = session.expect_ack(seq).await.unwrap_err();
    assert!(matches!(refused, SimError::ReportRefused { .. }), "{refused}");
    fail_with(&app, "XX000").await;
    send_inventory(&mut session, &agent).await;
    session.expect_rejected(RejectCode::Busy).await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn reports_that_can_never_be_stored_count_as_work(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    fail_with(&app, "22P05").await;
    let begun = Instant::now();
    let mut session = agent.connect().await.unwrap();
    // Each counts as 1 MiB, of which 4 are free and then 256 KiB a second.
    for _ in 0..6 {
        let seq = send_inventory(&mut session, &agent).await;
        assert!(matches!(session.expect_ack(seq).await, Err(SimError::ReportRefused { .. })));
    }
    assert!(begun.elapsed() >= Duration::from_millis(3_900), "{:?}", begun.elapsed());
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn work_counts_also_when_its_session_is_displaced_meanwhile(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let fix = |n| HotFix { id: format!("KB{n}"), description: Some("x".repeat(200)), installed_on: None };
    let section = InventorySection::new(Section::HotFixes((0..4_000).map(fix).collect()), vec![]).unwrap();
    let packed = PackedSection::pack(&section).unwrap();
    // Three times some 900 KiB, which is the same section each time.
    let report =
        || Report::Inventory(InventoryReport { packed: vec![packed.clone(); 3], ..InventoryReport::default() });
    let begun = Instant::now();
    let mut first = agent.connect().await.unwrap();
    first.report(report()).await.unwrap();
    let mut tx = app.db.begin().await.unwrap();
    sqlx::query("LOCK TABLE agent_inventory IN EXCLUSIVE MODE").execute(&mut *tx).await.unwrap();
    first.send_report(report()).await.unwrap();
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'agent_inventory'::regclass
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&app.db).await.unwrap() == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let mut second = agent.connect().await.unwrap();
    tx.rollback().await.unwrap();
    second.report_readings(Vec::new()).await.unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(4), "{:?}", begun.elapsed());
}
