//! A database that is there and cannot do its work: nothing that an agent brings is lost.

use std::time::Duration;

use gururmm_protocol::handshake::RejectCode;
use gururmm_protocol::inventory::InventorySection;
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
