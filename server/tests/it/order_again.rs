//! Orders that are sent again because their answer was lost, and orders whose caller has gone.

use futures_util::future::join_all;
use gururmm_protocol::command::{Program, RunCommand};
use gururmm_server::agents::view::AgentSelection;
use gururmm_server::app::Ctx;
use gururmm_server::authz::OrgRole;
use gururmm_server::hub::bus::DashboardEvent;
use gururmm_server::{commands, runs};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::runs::preview;
use crate::support::fleet::AgentRow;
use crate::support::place::audit_rows;
use crate::support::{Client, TestApp};

/// An organization with two agents, and whoever orders.
struct Fleet {
    organization: Uuid,
    agents: [Uuid; 2],
    admin: Client,
}

impl Fleet {
    async fn new(app: &TestApp) -> Self {
        let (organization, site) = app.organization("Acme").await;
        let alpha = AgentRow::new(organization, site, "alpha").online().insert(app).await;
        let beta = AgentRow::new(organization, site, "beta").online().insert(app).await;
        Self { organization, agents: [alpha, beta], admin: app.admin().await }
    }

    /// An order for both agents.
    async fn run(&self, key: Uuid) -> Value {
        let target = json!({"agent_ids": self.agents});
        let fingerprint = preview(&self.admin, &target).await["fingerprint"].clone();
        json!({"target": target, "fingerprint": fingerprint, "program": program("true"), "idempotency_key": key,
               "secrets": {"TOKEN": "hunter2"}})
    }

    fn of_one(&self) -> String {
        format!("/api/agents/{}/commands", self.agents[0])
    }
}

fn program(name: &str) -> Value {
    json!({"kind": "exec", "argv": [name]})
}

fn key(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

async fn count(app: &TestApp, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"))).fetch_one(&app.db).await.unwrap()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_order_that_is_sent_again_is_answered_with_what_was_made_of_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let fleet = Fleet::new(&app).await;
    let run = fleet.run(key(1)).await;
    let command = json!({"program": program("true"), "idempotency_key": key(2), "secrets": {"TOKEN": "hunter2"}});
    let first = (
        fleet.admin.post("/api/runs", run.clone()).await.expect(201),
        fleet.admin.post(&fleet.of_one(), command.clone()).await.expect(201),
    );
    assert_eq!(count(&app, "commands").await, 3);
    // What would refuse a new order now is nothing to one that was taken.
    sqlx::query("UPDATE agents SET state = 'quarantined'").execute(&app.db).await.unwrap();
    let again = (
        fleet.admin.post("/api/runs", run).await.expect(201),
        fleet.admin.post(&fleet.of_one(), command).await.expect(201),
    );
    assert_eq!((&first.0["id"], &first.1["id"]), (&again.0["id"], &again.1["id"]));
    assert_eq!((count(&app, "command_runs").await, count(&app, "commands").await), (1, 3));
    assert_eq!(audit_rows(&app, "run.create").await.len(), 1);
    assert_eq!(audit_rows(&app, "command.create").await.len(), 3);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn orders_that_come_at_the_same_moment_are_one(db: PgPool) {
    let app = TestApp::new(db).await;
    let fleet = Fleet::new(&app).await;
    let run = fleet.run(key(1)).await;
    let command = json!({"program": program("true"), "idempotency_key": key(2)});
    let of_one = fleet.of_one();
    for (path, body) in [("/api/runs", &run), (of_one.as_str(), &command)] {
        let answers = join_all((0..6).map(|_| fleet.admin.post(path, body.clone()))).await;
        let ids: Vec<_> = answers.into_iter().map(|answer| answer.expect(201)["id"].clone()).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{path}: {ids:?}");
    }
    assert_eq!((count(&app, "command_runs").await, count(&app, "commands").await), (1, 3));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_key_stands_for_one_order_of_one_user(db: PgPool) {
    let app = TestApp::new(db).await;
    let fleet = Fleet::new(&app).await;
    let run = fleet.run(key(1)).await;
    fleet.admin.post("/api/runs", run.clone()).await.expect(201);
    // Another secret value is another order, though nobody sees it.
    for (field, value) in
        [("program", program("false")), ("expires_in_seconds", json!(7)), ("secrets", json!({"TOKEN": "x"}))]
    {
        let mut other = run.clone();
        other[field] = value;
        let refused = fleet.admin.post("/api/runs", other).await.expect(409);
        assert_eq!(refused["code"], "idempotency_key_used", "{field}");
        assert!(refused["detail"].as_str().unwrap().starts_with("idempotency_key: "), "{refused}");
    }
    let command = json!({"program": program("true"), "idempotency_key": key(1)});
    assert_eq!(fleet.admin.post(&fleet.of_one(), command).await.expect(409)["code"], "idempotency_key_used");
    assert_eq!(count(&app, "commands").await, 2);
    let technician = app.member(fleet.organization, OrgRole::Technician).await;
    technician.post("/api/runs", run).await.expect(201);
    assert_eq!((count(&app, "command_runs").await, count(&app, "commands").await), (2, 4));
    let key = json!({"program": program("true"), "idempotency_key": "tomorrow"});
    assert!(fleet.admin.post(&fleet.of_one(), key).await.expect(422).to_string().contains("idempotency_key"));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_order_that_was_refused_leaves_its_key_free(db: PgPool) {
    let app = TestApp::new(db).await;
    let fleet = Fleet::new(&app).await;
    let run = fleet.run(key(1)).await;
    let mut stale = run.clone();
    stale["fingerprint"] = json!("of others");
    assert_eq!(fleet.admin.post("/api/runs", stale).await.expect(409)["code"], "selection_changed");
    fleet.admin.post("/api/runs", run).await.expect(201);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_is_being_committed_is_done_and_told_though_nobody_waits_for_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let fleet = Fleet::new(&app).await;
    let fingerprint = fleet.run(key(1)).await["fingerprint"].as_str().unwrap().to_owned();
    let ctx = Ctx::system("test");
    let run = RunCommand {
        program: Program::Exec { argv: vec!["true".into()] },
        timeout_seconds: 60,
        output_limit_bytes: 1000,
        working_directory: None,
        environment: [].into(),
        secrets: [].into(),
    };
    let order = runs::service::Order {
        selection: AgentSelection::Agents(fleet.agents.to_vec()),
        fingerprint,
        run: run.clone(),
        expires_in: 60,
        idempotency_key: None,
    };
    let single = commands::service::Order { run, expires_in: 60, idempotency_key: None };
    let mut receiver = app.app.hub.bus.feed().listen().receiver;
    // The last thing before a commit is its audit row.
    let mut busy = app.db.begin().await.unwrap();
    sqlx::query("LOCK TABLE audit_log IN SHARE MODE").execute(&mut *busy).await.unwrap();
    tokio::select! {
        _ = runs::service::create(&app.app, &ctx, order) => panic!("the run did not wait"),
        () = app.until("the run's audit row waits", || app.somebody_waits()) => {}
    }
    tokio::select! {
        _ = commands::service::create(&app.app, &ctx, fleet.agents[0], single) => panic!("the command did not wait"),
        () = app.until("the command waits for its agent", || async { waiting(&app).await == 2 }) => {}
    }
    busy.rollback().await.unwrap();
    while !matches!(receiver.recv().await.unwrap().event, DashboardEvent::Run { .. }) {}
    assert_eq!((count(&app, "command_runs").await, count(&app, "commands").await), (1, 2));
}

/// How many wait for a lock in the test's database.
async fn waiting(app: &TestApp) -> i64 {
    let sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    sqlx::query_scalar(sql).fetch_one(&app.db).await.unwrap()
}
