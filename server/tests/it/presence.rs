//! Presence: what a list says of an agent, and when.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_server::hub::bus::DashboardEvent;
use gururmm_server::hub::presence;
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::{TestApp, start_of_time};

type Shown = (String, DateTime<Utc>);

/// What lists show of the only agent, now.
async fn shown(app: &TestApp) -> Shown {
    sqlx::query_as("SELECT state, since FROM agent_presence_effective($1)")
        .bind(app.app.env.now())
        .fetch_one(&app.db)
        .await
        .unwrap()
}

async fn written(app: &TestApp) -> Shown {
    sqlx::query_as("SELECT state, since FROM agent_presence").fetch_one(&app.db).await.unwrap()
}

async fn wait_for(app: &TestApp, state: &str) {
    app.wait_for_row("SELECT state FROM agent_presence", |row: &(String,)| row.0 == state).await;
}

fn after(seconds: i64) -> DateTime<Utc> {
    start_of_time() + TimeDelta::seconds(seconds)
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_closed_socket_shows_also_when_the_agent_was_killed(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let never: i64 = sqlx::query_scalar("SELECT count(*) FROM agent_presence").fetch_one(&app.db).await.unwrap();
    assert_eq!(never, 0, "no row: never");
    for killed in [false, true] {
        let session = agent.connect().await.unwrap();
        wait_for(&app, "online").await;
        if killed {
            session.drop_socket();
        } else {
            session.close().await;
        }
        wait_for(&app, "offline").await;
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_end_of_a_displaced_session_does_not_put_the_agent_offline(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let older = agent.connect().await.unwrap();
    wait_for(&app, "online").await;
    let _newer = agent.connect().await.unwrap();
    older.drop_socket();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(shown(&app).await, ("online".into(), start_of_time()));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_displaced_session_that_ends_last_does_not_hide_the_end_of_the_newer_one(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let older = agent.connect().await.unwrap();
    let newer = agent.connect().await.unwrap();
    wait_for(&app, "online").await;
    newer.close().await;
    app.until("the newer one has ended", || async { app.app.hub.connected() == 0 }).await;
    older.drop_socket();
    wait_for(&app, "offline").await;
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_renewal_does_not_revive_a_session_that_ends_while_it_is_under_way(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let session = agent.connect().await.unwrap();
    wait_for(&app, "online").await;
    let mut holder = app.db.begin().await.unwrap();
    sqlx::query("LOCK TABLE agents IN ACCESS EXCLUSIVE MODE").execute(&mut *holder).await.unwrap();
    let renewing = tokio::spawn({
        let app = app.app.clone();
        async move { presence::renew(&app).await }
    });
    app.until("the renewal waits", || app.somebody_waits()).await;
    session.close().await;
    app.until("the session has ended", || async { app.app.hub.connected() == 0 }).await;
    // The writer's window, in which the end would be written if it did not wait for the renewal.
    tokio::time::sleep(Duration::from_secs(1)).await;
    holder.rollback().await.unwrap();
    renewing.await.unwrap().unwrap();
    wait_for(&app, "offline").await;
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn every_writer_of_presence_locks_rows_in_the_order_of_agents(db: PgPool) {
    const AGENTS: u64 = 12;
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let count = |state: &'static str| {
        let db = app.db.clone();
        async move {
            let sql = "SELECT count(*) FROM agent_presence WHERE state = $1";
            sqlx::query_scalar::<_, i64>(sql).bind(state).fetch_one(&db).await.unwrap().unsigned_abs() == AGENTS
        }
    };
    let mut sessions = Vec::new();
    for seed in 0..AGENTS {
        sessions.push(app.agent_in(organization, site, seed).await.connect().await.unwrap());
    }
    app.until("all are online", || count("online")).await;
    locks_in_order(&app, presence::renew(&app.app)).await;
    app.advance(TimeDelta::seconds(90));
    locks_in_order(&app, presence::sweep(&app.app)).await;
    app.until("all are reconnecting", || count("reconnecting")).await;
    presence::renew(&app.app).await.unwrap();
    locks_in_order(&app, presence::after_start(&app.app)).await;
    presence::renew(&app.app).await.unwrap();
    let close = async {
        for session in sessions {
            session.close().await;
        }
        Ok(())
    };
    Box::pin(locks_in_order(&app, close)).await;
    app.until("all are offline", || count("offline")).await;
}

/// Does what writes every row of presence while somebody else has the first one: it must wait for that before it has any
/// other.
async fn locks_in_order(app: &TestApp, work: impl Future<Output = gururmm_server::core::Result<()>>) {
    let mut holder = app.db.begin().await.unwrap();
    let first = "SELECT 1 FROM agent_presence ORDER BY agent_id LIMIT 1 FOR UPDATE";
    sqlx::query(first).execute(&mut *holder).await.unwrap();
    let look = async {
        app.until("the writer waits", || app.somebody_waits()).await;
        let all: i64 = sqlx::query_scalar("SELECT count(*) FROM agent_presence").fetch_one(&app.db).await.unwrap();
        let free = "SELECT 1 FROM agent_presence FOR UPDATE SKIP LOCKED";
        let free = sqlx::query(free).fetch_all(&app.db).await.unwrap().len();
        assert_eq!(i64::try_from(free).unwrap(), all - 1);
        holder.rollback().await.unwrap();
    };
    let (done, ()) = tokio::join!(work, look);
    done.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn nothing_is_online_without_a_valid_lease_and_a_renewal_puts_it_right(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    wait_for(&app, "online").await;
    let mut events = app.app.hub.bus.feed().listen().receiver;

    app.advance(TimeDelta::seconds(30));
    presence::renew(&app.app).await.unwrap();
    app.advance(TimeDelta::seconds(89));
    assert_eq!(shown(&app).await.0, "online");
    app.advance(TimeDelta::seconds(1));
    assert_eq!(shown(&app).await, ("reconnecting".into(), after(120)), "the lease ran out, whoever noticed");
    presence::sweep(&app.app).await.unwrap();
    assert_eq!(written(&app).await, ("reconnecting".into(), after(120)));
    let organization_id = events.recv().await.unwrap().event.organization_id();
    app.advance(TimeDelta::seconds(90));
    assert_eq!(shown(&app).await, ("offline".into(), start_of_time()), "since it was last heard");
    presence::sweep(&app.app).await.unwrap();
    assert_eq!(written(&app).await, ("offline".into(), start_of_time()));

    // The server had only lost its database: the agent is still there.
    session.report_inventory(&agent).await.unwrap();
    presence::renew(&app.app).await.unwrap();
    assert_eq!(shown(&app).await, ("online".into(), after(210)));
    let mut told = Vec::new();
    while let Ok(event) = events.try_recv() {
        told.push(event.event);
    }
    assert_eq!(told.last(), Some(&DashboardEvent::Agent { agent_id: agent.agent_id().unwrap(), organization_id }));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_renewal_takes_the_row_over_that_an_older_session_wrote_last_or_nobody(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let session = agent.connect().await.unwrap();
    wait_for(&app, "online").await;
    let session_id = session.welcome().session_id;
    let spoil = [
        "UPDATE agent_presence SET session_id = agent_id, state = 'offline'",
        "UPDATE agent_presence SET session_id = agent_id, node_id = agent_id, lease_until = last_seen_at",
        "DELETE FROM agent_presence",
    ];
    for statement in spoil {
        sqlx::query(statement).execute(&app.db).await.unwrap();
        presence::renew(&app.app).await.unwrap();
        let row: (String, Uuid) =
            sqlx::query_as("SELECT state, session_id FROM agent_presence").fetch_one(&app.db).await.unwrap();
        assert_eq!(row, ("online".into(), session_id), "{statement}");
    }
    // Another node has heard the agent since.
    sqlx::query("UPDATE agent_presence SET session_id = agent_id, node_id = agent_id").execute(&app.db).await.unwrap();
    presence::renew(&app.app).await.unwrap();
    let row: Uuid = sqlx::query_scalar("SELECT session_id FROM agent_presence").fetch_one(&app.db).await.unwrap();
    assert_ne!(row, session_id);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn after_a_start_agents_are_reconnecting_for_ninety_seconds_and_then_offline_since_last_seen(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    // What a killed server left: online, its lease long over.
    sqlx::query(
        "INSERT INTO agent_presence (agent_id, state, since, last_seen_at, node_id, session_id, lease_until)
         VALUES ($1, 'online', $2, $3, $4, $1, $3)",
    )
    .bind(agent.agent_id().unwrap())
    .bind(after(-7200))
    .bind(after(-3600))
    .bind(app.app.node_id)
    .execute(&app.db)
    .await
    .unwrap();
    let mut events = app.app.hub.bus.feed().listen().receiver;
    presence::after_start(&app.app).await.unwrap();
    presence::sweep(&app.app).await.unwrap();
    assert_eq!(shown(&app).await, ("reconnecting".into(), start_of_time()));
    assert!(events.try_recv().is_err(), "a start is no event");
    app.advance(TimeDelta::seconds(89));
    assert_eq!(shown(&app).await.0, "reconnecting");
    app.advance(TimeDelta::seconds(1));
    assert_eq!(shown(&app).await, ("offline".into(), after(-3600)));
    presence::sweep(&app.app).await.unwrap();
    assert_eq!(written(&app).await, ("offline".into(), after(-3600)));

    let _session = agent.connect().await.unwrap();
    wait_for(&app, "online").await;
    assert_eq!(shown(&app).await, ("online".into(), after(90)));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_start_touches_only_the_agents_of_its_own_node(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    sqlx::query(
        "INSERT INTO agent_presence (agent_id, state, since, last_seen_at, node_id, session_id, lease_until)
         VALUES ($1, 'online', $2, $2, $3, $1, $4)",
    )
    .bind(agent.agent_id().unwrap())
    .bind(start_of_time())
    .bind(Uuid::from_u128(999))
    .bind(after(90))
    .execute(&app.db)
    .await
    .unwrap();
    presence::after_start(&app.app).await.unwrap();
    assert_eq!(shown(&app).await.0, "online");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_flood_of_changes_is_told_as_one_change_of_the_fleet(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    sqlx::query(
        "INSERT INTO agents (id, organization_id, site_id, hostname, machine_id, boot_id, state_since, agent_version,
                             enrolled_at)
         SELECT gen_random_uuid(), $1, $2, 'h' || n, 'm' || n, 'b', $3, '1', $3 FROM generate_series(1, 300) n",
    )
    .bind(organization)
    .bind(site)
    .bind(start_of_time())
    .execute(&app.db)
    .await
    .unwrap();
    sqlx::query(
        "INSERT INTO agent_presence (agent_id, state, since, last_seen_at, node_id, session_id, lease_until)
         SELECT id, 'online', $1, $1, id, id, $1 FROM agents",
    )
    .bind(start_of_time())
    .execute(&app.db)
    .await
    .unwrap();
    let mut events = app.app.hub.bus.feed().listen().receiver;
    presence::sweep(&app.app).await.unwrap();
    assert_eq!(events.try_recv().unwrap().event, DashboardEvent::Fleet { organization_id: organization });
    assert!(events.try_recv().is_err());
}
