//! Reading a long audit log: whatever is asked for, no page reads much more than it shows.

use gururmm_server::authz::OrgRole;
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::support::{Client, TestApp, start_of_time};

/// Rows of the log.
const ROWS: i32 = 200_000;
/// Rows and index entries that a page may touch.
const MOST_TOUCHED: i64 = 4_000;

/// A log as no planner likes it: what is rare lies all at its beginning. Twenty technicians work in a large organization
/// ever since; whoever was there before, the small organization and its agent are not heard of again.
async fn fill(app: &TestApp, large: Uuid, small: Uuid, agent: Uuid) {
    sqlx::query(
        "INSERT INTO audit_log (at, actor_kind, actor_label, action, target_kind, target_label, organization_id, agent_id,
                                outcome)
         SELECT $1 - make_interval(secs => $2 - n), 'user',
                CASE WHEN n <= 600 THEN 'gone-' || n % 3 || '@example.com' ELSE 'tech-' || n % 20 || '@example.com' END,
                CASE WHEN n <= 600 THEN 'site.create' WHEN n % 3 = 0 THEN 'command.cancel' ELSE 'command.create' END,
                'none', '', CASE WHEN n <= 600 THEN $4 ELSE $3 END, CASE WHEN n <= 600 THEN $5 END,
                CASE WHEN n <= 600 AND n % 2 = 0 THEN 'refused' ELSE 'success' END
         FROM generate_series(1, $2) n",
    )
    .bind(start_of_time())
    .bind(ROWS)
    .bind(large)
    .bind(small)
    .bind(agent)
    .execute(&app.db)
    .await
    .unwrap();
    sqlx::query("INSERT INTO audit_chain SELECT id, id, sha256('') FROM audit_log").execute(&app.db).await.unwrap();
    sqlx::query("ANALYZE audit_log, audit_chain").execute(&app.db).await.unwrap();
}

/// Rows and index entries of the log and its chain that were read so far, and how often one was read from end to end. There is one
/// connection, so everything asked before has been counted.
async fn touched(app: &TestApp) -> (i64, i64) {
    sqlx::query("SELECT pg_stat_force_next_flush()").execute(&app.db).await.unwrap();
    sqlx::query_as(
        "SELECT sum(t.seq_tup_read + t.idx_tup_fetch + (SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes i
                                                         WHERE i.relid = t.relid))::bigint, sum(t.seq_scan)::bigint
         FROM pg_stat_user_tables t WHERE relname IN ('audit_log', 'audit_chain')",
    )
    .fetch_one(&app.db)
    .await
    .unwrap()
}

struct Page {
    rows: usize,
    next: Option<String>,
}

async fn page(app: &TestApp, client: &Client, query: &str) -> Page {
    let before = touched(app).await;
    let body = client.get(&format!("/api/audit?{query}")).await.expect(200);
    let after = touched(app).await;
    let read = after.0 - before.0;
    assert_eq!(after.1, before.1, "{query}: a whole table is read");
    let rows = body["items"].as_array().unwrap().len();
    assert!(read >= i64::try_from(rows).unwrap(), "{query}: the counters count");
    assert!(read <= MOST_TOUCHED, "{query}: {read} read for {rows}");
    Page { rows, next: body["next_cursor"].as_str().map(ToOwned::to_owned) }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn no_filter_makes_a_page_read_the_log(db: PgPool) {
    let one = PgPoolOptions::new().max_connections(1).connect_lazy_with((*db.connect_options()).clone());
    let app = TestApp::new(one).await;
    let ((large, _), (small, _)) = (app.organization("Large").await, app.organization("Small").await);
    let agent = app.app.env.id();
    fill(&app, large, small, agent).await;
    let admin = app.admin().await;
    let memberships = [(small, OrgRole::OrgAdmin), (app.organization("Empty").await.0, OrgRole::OrgAdmin)];
    let org_admin = app.user(gururmm_server::authz::GlobalRole::User, &memberships).await;
    let early = "to=2026-11-21T04:36:41Z";
    for (client, query, expected) in [
        (&admin, String::new(), 50),
        (&admin, "action=site.".into(), 50),
        (&admin, "action=s".into(), 50),
        (&admin, "action=command.".into(), 50),
        (&admin, "action=nothing".into(), 0),
        (&admin, "actor=GONE".into(), 50),
        (&admin, "actor=gone-1@".into(), 50),
        (&admin, "actor=example".into(), 50),
        (&admin, "actor=nobody".into(), 0),
        (&admin, "actor=gone&action=site.&outcome=refused".into(), 50),
        (&admin, "outcome=refused".into(), 50),
        (&admin, "outcome=success".into(), 50),
        (&admin, "outcome=refused&action=command.".into(), 0),
        (&admin, format!("organization_id={small}"), 50),
        (&admin, format!("organization_id={small}&action=command."), 0),
        (&admin, format!("agent_id={agent}"), 50),
        (&admin, early.into(), 50),
        (&admin, format!("{early}&action=site."), 50),
        (&admin, format!("{early}&actor=gone"), 50),
        (&admin, format!("{early}&organization_id={small}"), 50),
        (&admin, "from=2026-11-23T11:59:50Z".into(), 11),
        (&org_admin, String::new(), 50),
        (&org_admin, "action=site.".into(), 50),
        (&org_admin, "action=command.".into(), 0),
        (&org_admin, "actor=tech".into(), 0),
    ] {
        // When a statement comes for the sixth time, Postgres considers one plan for all values of its parameters.
        for _ in 0..5 {
            page(&app, client, &query).await;
        }
        let first = page(&app, client, &query).await;
        assert_eq!(first.rows, expected, "{query}");
        if let Some(cursor) = first.next {
            let second = page(&app, client, &format!("{query}&cursor={cursor}")).await;
            assert_eq!(second.rows, 50, "{query}, second page");
        }
    }
}
