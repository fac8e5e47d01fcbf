//! Large runs: how many statements ordering one takes, and how much of it a page reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gururmm_server::authz::OrgRole;
use gururmm_server::runs::settle::settle;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use uuid::Uuid;

use crate::runs::{body, counts, order, preview};
use crate::support::{Client, TestApp, start_of_time};

/// Most agents of one run.
const AGENTS: i32 = 10_000;
/// Statements that previewing, ordering or cancelling a run may take, however many agents it has.
const MOST_STATEMENTS: usize = 60;
/// Rows and index entries that a page may touch.
const MOST_TOUCHED: i64 = 2_000;

/// Counts the statements that this thread sends to the database: the server of a test runs on it.
struct Statements(Arc<AtomicUsize>);

impl<S: tracing::Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Agents with a key, each tenth of them in the second organization.
async fn fill(app: &TestApp, agents: i32) -> (Uuid, Uuid) {
    let ((large, large_site), (small, small_site)) = (app.organization("Large").await, app.organization("Small").await);
    sqlx::query(
        "INSERT INTO agents (id, organization_id, site_id, hostname, machine_id, boot_id, state_since, agent_version,
                             enrolled_at)
         SELECT gen_random_uuid(), CASE WHEN n % 10 = 0 THEN $3 ELSE $1 END, CASE WHEN n % 10 = 0 THEN $4 ELSE $2 END,
                'pc-' || n, 'm' || n, 'boot', $6, '1.0.0', $6
         FROM generate_series(1, $5) n",
    )
    .bind(large)
    .bind(large_site)
    .bind(small)
    .bind(small_site)
    .bind(agents)
    .bind(start_of_time())
    .execute(&app.db)
    .await
    .unwrap();
    (large, small)
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn ten_thousand_agents_take_a_handful_of_statements(db: PgPool) {
    let app = TestApp::new(db).await;
    fill(&app, AGENTS).await;
    sqlx::query("UPDATE agents SET state = 'quarantined' WHERE hostname LIKE 'pc-%7'").execute(&app.db).await.unwrap();
    sqlx::query("ANALYZE agents").execute(&app.db).await.unwrap();
    let admin = app.admin().await;
    let target = json!({"filter": {"q": "pc"}});
    let count = Arc::new(AtomicUsize::new(0));
    let subscriber = tracing_subscriber::registry().with(Statements(Arc::clone(&count)));
    let _guard = tracing::subscriber::set_default(subscriber);
    let took = |what: &str| {
        let statements = count.swap(0, Ordering::Relaxed);
        assert!((3..=MOST_STATEMENTS).contains(&statements), "{what}: {statements} statements");
    };
    let seen = preview(&admin, &target).await;
    assert_eq!((&seen["total"], &seen["refused"]), (&json!(10_000), &json!(1_000)));
    assert_eq!(seen["agents"].as_array().unwrap().len(), 200);
    took("preview");
    let run = admin.post("/api/runs", body(&target, &seen["fingerprint"])).await.expect(201);
    assert_eq!(counts(&run), [("queued".into(), 9_000), ("refused".into(), 1_000)]);
    took("order");
    let path = format!("/api/runs/{}", run["id"].as_str().unwrap());
    let sent = "UPDATE commands SET state = 'sent', sent_at = created_at WHERE agent_id::text < '8'";
    let sent = sqlx::query(sent).execute(&app.db).await.unwrap().rows_affected();
    count.store(0, Ordering::Relaxed);
    let run = admin.post(&format!("{path}/cancel"), json!({})).await.expect(200);
    assert_eq!(run["counts"]["sent"], json!(sent));
    took("cancel");
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_log").fetch_one(&app.db).await.unwrap();
    assert_eq!(rows, 2 * 9_001);

    sqlx::query("UPDATE agents SET hostname = hostname || '!' WHERE hostname = 'pc-1'").execute(&app.db).await.unwrap();
    let one_more = "INSERT INTO agents (id, organization_id, site_id, hostname, machine_id, boot_id, state_since,
                                        agent_version, enrolled_at)
                    SELECT gen_random_uuid(), organization_id, site_id, 'pc-more', 'm', 'b', state_since, '1', enrolled_at
                    FROM agents LIMIT 1";
    sqlx::query(one_more).execute(&app.db).await.unwrap();
    let problem = admin.post("/api/runs/preview", json!({"target": target})).await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "target");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_command_times_its_agents_is_bounded(db: PgPool) {
    let app = TestApp::new(db).await;
    fill(&app, 1_100).await;
    let admin = app.admin().await;
    let target = json!({"filter": {}});
    let mut order = body(&target, &preview(&admin, &target).await["fingerprint"]);
    order["program"] = json!({"kind": "shell", "interpreter": "sh", "script": "#".repeat(64 * 1024)});
    let problem = admin.post("/api/runs", order.clone()).await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "program");
    order["program"] = json!({"kind": "shell", "interpreter": "sh", "script": "#".repeat(1024)});
    admin.post("/api/runs", order).await.expect(201);
}

/// Rows and index entries of commands and of the agents of runs that were read so far, and how often one of the
/// large ones was read from end to end. There is one connection, so everything asked before has been counted.
async fn touched(app: &TestApp) -> (i64, i64) {
    sqlx::query("SELECT pg_stat_force_next_flush()").execute(&app.db).await.unwrap();
    sqlx::query_as(
        "SELECT sum(t.seq_tup_read + t.idx_tup_fetch + (SELECT sum(i.idx_tup_read) FROM pg_stat_user_indexes i
                                                         WHERE i.relid = t.relid))::bigint,
                sum(t.seq_scan) FILTER (WHERE relname <> 'command_run_organizations')::bigint
         FROM pg_stat_user_tables t WHERE relname IN ('commands', 'command_run_agents', 'command_run_organizations')",
    )
    .fetch_one(&app.db)
    .await
    .unwrap()
}

async fn page(app: &TestApp, client: &Client, path: &str, most: i64) -> Value {
    let before = touched(app).await;
    let body = client.get(path).await.expect(200);
    let after = touched(app).await;
    let read = after.0 - before.0;
    assert_eq!(after.1, before.1, "{path}: a whole table is read");
    assert!(read > 0 && read <= most, "{path}: {read} read");
    body
}

/// As often as that, the newest run again, as if it had been ordered before; `ended` of its commands have ended.
async fn repeat(app: &TestApp, times: i32) {
    let statements = [
        "CREATE TEMP TABLE again AS SELECT gen_random_uuid() AS id, r.id AS old FROM command_runs r, generate_series(1, $1) n",
        "INSERT INTO command_runs (id, summary, spec, requested_by, requested_by_label, created_at, expires_at, total)
         SELECT a.id, r.summary, r.spec, gen_random_uuid(), 'somebody', r.created_at, r.expires_at, r.total
         FROM again a JOIN command_runs r ON r.id = a.old",
        "INSERT INTO commands (id, agent_id, organization_id, state, run_id, summary, spec, timeout_seconds, requested_by,
                               requested_by_label, created_at, expires_at, header, signature, payload_sealed, finished_at)
         SELECT gen_random_uuid(), c.agent_id, c.organization_id, 'succeeded', a.id, c.summary, c.spec, 1, r.requested_by,
                'somebody', c.created_at, c.expires_at, '', '', '', c.created_at
         FROM again a JOIN command_runs r ON r.id = a.id JOIN commands c ON c.run_id = a.old",
        "INSERT INTO command_run_agents SELECT a.id, ra.agent_id, ra.organization_id, ra.sort_name, c.id
         FROM again a JOIN command_run_agents ra ON ra.run_id = a.old
         JOIN commands c ON c.run_id = a.id AND c.agent_id = ra.agent_id",
        "INSERT INTO command_run_organizations (run_id, organization_id, agents, refused, requested_by)
         SELECT a.id, ro.organization_id, ro.agents, ro.refused, r.requested_by
         FROM again a JOIN command_runs r ON r.id = a.id JOIN command_run_organizations ro ON ro.run_id = a.old",
    ];
    for (n, statement) in statements.into_iter().enumerate() {
        let query = sqlx::query(statement);
        let query = if n == 0 { query.bind(times) } else { query };
        query.execute(&app.db).await.unwrap();
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn pages_of_runs_read_little_more_than_they_show(db: PgPool) {
    let one = PgPoolOptions::new().max_connections(1).connect_lazy_with((*db.connect_options()).clone());
    let app = TestApp::new(one).await;
    let (large, small) = fill(&app, 1_000).await;
    let admin = app.admin().await;
    let run = order(&admin, json!({"filter": {}})).await;
    repeat(&app, 60).await;
    sqlx::query(
        "UPDATE commands SET state = CASE WHEN get_byte(sha256(id::text::bytea), 0) = 0 THEN 'failed' ELSE 'succeeded' END,
                             finished_at = created_at
         WHERE state = 'queued'",
    )
    .execute(&app.db)
    .await
    .unwrap();
    settle(&app.app).await.unwrap();
    sqlx::query("VACUUM ANALYZE commands, command_runs, command_run_agents, command_run_organizations")
        .execute(&app.db)
        .await
        .unwrap();
    let viewer = app.member(small, OrgRole::Viewer).await;
    let path = format!("/api/runs/{}/agents", run["id"].as_str().unwrap());
    for (client, of_large) in [(&admin, 50), (&viewer, 0)] {
        for (query, shown) in [
            (String::new(), 50),
            (format!("?organization_id={small}"), 50),
            (format!("?organization_id={large}"), of_large),
            ("?open=true".into(), 0),
        ] {
            let body = page(&app, client, &format!("/api/runs{query}"), MOST_TOUCHED).await;
            assert_eq!(body["items"].as_array().unwrap().len(), shown, "{query}");
        }
        page(&app, client, &path, MOST_TOUCHED).await;
        let next = page(&app, client, &format!("{path}?limit=10"), MOST_TOUCHED).await["next_cursor"].clone();
        page(&app, client, &format!("{path}?limit=10&cursor={}", next.as_str().unwrap()), MOST_TOUCHED).await;
        page(&app, client, &format!("{path}?state=refused"), MOST_TOUCHED).await;
        // At most the run itself, which is bounded, whatever else there is.
        page(&app, client, &format!("{path}?state=failed"), 4_000).await;
    }
    page(&app, &admin, "/api/runs?mine=true", MOST_TOUCHED).await;
    let mine = page(&app, &admin, "/api/work", MOST_TOUCHED).await;
    assert_eq!(mine["items"].as_array().unwrap().len(), 1);
}
