//! Migrations: forward only, under a lock, and honest when they fail.

use std::time::Duration;

use gururmm_server::db;
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
