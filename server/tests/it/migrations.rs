//! Migrations: forward only, under a lock, and honest when they fail.

use std::time::Duration;

use gururmm_server::db::{self, Patience};
use sqlx::PgPool;
use sqlx::migrate::Migrate as _;
use sqlx::postgres::PgPoolOptions;

#[sqlx::test(migrations = false)]
async fn several_servers_that_start_at_once_migrate_once(pool: PgPool) {
    let starts = (0..4).map(|_| db::migrate(&pool));
    for result in futures_util::future::join_all(starts).await {
        result.unwrap();
    }
    assert_eq!(db::pending_migrations(&pool).await.unwrap(), 0);
}

#[sqlx::test(migrations = false)]
async fn a_failing_migration_leaves_the_schema_before_it(pool: PgPool) {
    // In the way of 0003_accounts.
    sqlx::query("CREATE TABLE users (x integer)").execute(&pool).await.unwrap();
    let problem = format!("{:#}", db::migrate(&pool).await.unwrap_err());
    assert!(problem.contains("users"), "{problem}");
    let applied: Vec<i64> =
        sqlx::query_scalar("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(&pool).await.unwrap();
    assert_eq!(applied, [1, 2]);
    sqlx::query("DROP TABLE users").execute(&pool).await.unwrap();
    db::migrate(&pool).await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_newer_schema_is_a_warning_and_an_altered_migration_an_error(pool: PgPool) {
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'of a newer release', true, '\\x00', 1)",
    )
    .execute(&pool)
    .await
    .unwrap();
    db::migrate(&pool).await.unwrap();
    sqlx::query("UPDATE _sqlx_migrations SET checksum = '\\x00' WHERE version = 1").execute(&pool).await.unwrap();
    let problem = format!("{:#}", db::migrate(&pool).await.unwrap_err());
    assert!(problem.contains('1') && problem.contains("modified"), "{problem}");
}

#[sqlx::test(migrations = false)]
async fn a_server_waits_for_anothers_migration_as_long_as_it_takes(pool: PgPool) {
    let options = (*pool.connect_options()).clone().options([("statement_timeout", "200ms")]);
    let limited = PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
    let mut other = pool.acquire().await.unwrap();
    other.lock().await.unwrap();
    let release = async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        other.unlock().await.unwrap();
    };
    let (migrated, ()) = tokio::join!(db::migrate(&limited), release);
    migrated.unwrap();
    let limit: String = sqlx::query_scalar("SHOW statement_timeout").fetch_one(&limited).await.unwrap();
    assert_eq!(limit, "200ms", "requests are still bounded");
}

/// Somebody reads a table that a migration changes, in a transaction that goes on.
async fn reads(pool: &PgPool) -> sqlx::PgTransaction<'static> {
    db::migrate(pool).await.unwrap();
    // It can be applied again.
    sqlx::query("DELETE FROM _sqlx_migrations WHERE version = 24").execute(pool).await.unwrap();
    let options = (*pool.connect_options()).clone().application_name("a backup");
    let other = PgPoolOptions::new().connect_lazy_with(options);
    let mut tx = other.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM agent_inventory").execute(&mut *tx).await.unwrap();
    tx
}

#[sqlx::test(migrations = false)]
async fn a_migration_that_others_keep_from_a_table_gives_up_and_says_who(pool: PgPool) {
    let mut backup = reads(&pool).await;
    let process: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *backup).await.unwrap();
    let patience = Patience { lock: Duration::from_secs(1), pause: Duration::ZERO, tries: 2 };
    let problem = format!("{:#}", db::migrate_with(&pool, patience).await.unwrap_err());
    for part in [&format!("process {process} (a backup, "), "tried 2 times", "pg_terminate_backend", "migration 24"] {
        assert!(problem.contains(part), "{part} in {problem}");
    }
    let locks =
        "SELECT count(*) FROM pg_locks WHERE relation = 'agent_inventory'::regclass AND mode <> 'AccessShareLock'";
    assert_eq!(sqlx::query_scalar::<_, i64>(locks).fetch_one(&pool).await.unwrap(), 0, "nobody waits behind it");
    backup.rollback().await.unwrap();
    db::migrate(&pool).await.unwrap();
    assert_eq!(db::pending_migrations(&pool).await.unwrap(), 0);
}

#[sqlx::test(migrations = false)]
async fn a_migration_lets_others_go_on_between_its_tries(pool: PgPool) {
    let backup = reads(&pool).await;
    let patience = Patience { lock: Duration::from_millis(100), pause: Duration::from_millis(50), tries: 1_000 };
    let others = async {
        // Several tries later; each time that it waits, this waits behind it.
        for _ in 0..5 {
            sqlx::query("SELECT 1 FROM agent_inventory").execute(&pool).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        backup.rollback().await.unwrap();
    };
    let (migrated, ()) = tokio::join!(db::migrate_with(&pool, patience), others);
    migrated.unwrap();
    assert_eq!(db::pending_migrations(&pool).await.unwrap(), 0);
}
