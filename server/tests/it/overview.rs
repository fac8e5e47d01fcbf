//! What is wrong, where: the fleet, its organizations and a site at a glance.

use chrono::TimeDelta;
use gururmm_server::authz::OrgRole;
use serde_json::{Value, json};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use uuid::Uuid;

use crate::support::fleet::{AgentRow, column};
use crate::support::{Client, TestApp, start_of_time};

const CONTROLLER: Option<(&str, &str, &str)> = Some(("windows", "Windows Server 2022", "domain_controller"));
const SERVER: Option<(&str, &str, &str)> = Some(("windows", "Windows Server 2022", "server"));
const WORKSTATION: Option<(&str, &str, &str)> = Some(("windows", "Windows 11", "workstation"));

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_overview_counts_what_the_lists_show(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let (beta, beta_hq) = app.organization("Beta").await;
    let row = |name: &str| AgentRow::new(acme, hq, name);
    AgentRow { os: CONTROLLER, ..row("dc") }.online().insert(&app).await;
    AgentRow { os: SERVER, pending_reboot: Some(true), ..row("files") }.offline(TimeDelta::hours(1)).insert(&app).await;
    AgentRow { os: WORKSTATION, ..row("pc") }.offline(TimeDelta::hours(1)).insert(&app).await;
    row("new").insert(&app).await;
    AgentRow { pending_reboot: Some(true), ..AgentRow::new(beta, beta_hq, "pc") }.online().insert(&app).await;
    AgentRow::new(beta, beta_hq, "clone").quarantined(&["m1", "m2"]).insert(&app).await;
    AgentRow { state: "decommissioned", os: SERVER, ..row("gone") }.insert(&app).await;
    sqlx::query("UPDATE agents SET agent_version = '0.9' WHERE hostname = 'pc'").execute(&app.db).await.unwrap();
    let admin = app.admin().await;
    let overview = admin.get("/api/overview").await.expect(200);
    assert_eq!(overview["as_of"], json!(start_of_time()));
    let versions = json!([{"version": "1.0.0", "count": 4}, {"version": "0.9", "count": 2}]);
    assert_eq!(overview["versions"], versions);
    let reasons: Vec<_> = overview["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| {
            (each["reason"].as_str().unwrap(), each["words"].as_str().unwrap(), each["count"].as_i64().unwrap())
        })
        .collect();
    let expected = [
        ("quarantined", "Two machines use one key", 1),
        ("offline", "Offline for too long", 1),
        ("pending_reboot", "Wait for a restart", 2),
    ];
    assert_eq!(reasons, expected);
    let servers = json!({"total": 2, "online": 1, "offline": 1, "reconnecting": 0, "never": 0, "quarantined": 0,
                         "attention": 1});
    assert_eq!(overview["servers"], servers);
    let member = app.member(acme, OrgRole::Viewer).await;
    for (client, query) in [
        (&admin, String::new()),
        (&admin, format!("organization_id={acme}")),
        (&admin, format!("site_id={beta_hq}")),
        (&member, String::new()),
        (&member, format!("organization_id={beta}")),
    ] {
        let overview = client.get(&format!("/api/overview?{query}")).await.expect(200);
        let count = client.get(&format!("/api/agents/count?{query}")).await.expect(200);
        assert_eq!(overview["fleet"], count, "{query}");
    }
    let foreign = member.get(&format!("/api/overview?organization_id={beta}")).await.expect(200);
    assert_eq!(
        (&foreign["fleet"]["total"], &foreign["reasons"], &foreign["versions"]),
        (&json!(0), &json!([]), &json!([]))
    );
    assert_eq!((&foreign["offline_server"], &foreign["last_seen_at"]), (&Value::Null, &Value::Null));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn each_number_names_the_worst_of_those_it_counts(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let row = |name: &str, os| AgentRow { os, ..AgentRow::new(acme, hq, name) };
    let (minutes, hours) = (TimeDelta::minutes, TimeDelta::hours);
    row("laptop", WORKSTATION).offline(TimeDelta::days(30)).insert(&app).await;
    row("server", SERVER).offline(hours(3)).insert(&app).await;
    row("controller", CONTROLLER).offline(hours(1)).insert(&app).await;
    let longest = row("first controller", CONTROLLER).offline(hours(2)).insert(&app).await;
    row("full controller", CONTROLLER).online().reading(1.0, 1, 93).insert(&app).await;
    row("full laptop", WORKSTATION).online().reading(1.0, 1, 98).insert(&app).await;
    let (older, newer) = (start_of_time() - hours(5), start_of_time() - hours(4));
    for (name, since) in [("restarts later", newer), ("restarts", older), ("not told since when", start_of_time())] {
        let id = AgentRow { pending_reboot: Some(true), ..row(name, SERVER) }.online().insert(&app).await;
        let since = (name != "not told since when").then_some(since);
        let update = sqlx::query("UPDATE agents SET pending_reboot_since = $2 WHERE id = $1").bind(id).bind(since);
        update.execute(&app.db).await.unwrap();
    }
    sqlx::query("UPDATE agents SET agent_version = hostname").execute(&app.db).await.unwrap();
    let admin = app.admin().await;
    let overview = admin.get("/api/overview").await.expect(200);
    let worst = |place: usize| overview["reasons"][place]["worst"].clone();
    assert_eq!(
        worst(0),
        json!({"id": longest, "name": "first controller", "organization_name": "Acme",
               "words": "Server offline over 10 min", "since": start_of_time() - hours(2)})
    );
    assert_eq!((&worst(1)["name"], &worst(1)["words"]), (&json!("full laptop"), &json!("/ is 98 % full")));
    assert_eq!((&worst(2)["name"], &worst(2)["since"]), (&json!("restarts"), &json!(older)));
    assert_eq!(overview["offline_server"]["name"], "first controller");
    assert_eq!(overview["last_seen_at"], json!(start_of_time()));

    let (beta, beta_hq) = app.organization("Beta").await;
    let server = AgentRow { os: SERVER, ..AgentRow::new(beta, beta_hq, "just left") }.offline(minutes(3));
    server.insert(&app).await;
    let overview = admin.get(&format!("/api/overview?organization_id={beta}")).await.expect(200);
    let gone = start_of_time() - minutes(3);
    assert_eq!((&overview["reasons"], &overview["last_seen_at"]), (&json!([]), &json!(gone)));
    let named = &overview["offline_server"];
    assert_eq!(
        (&named["name"], &named["words"], &named["since"]),
        (&json!("just left"), &json!("Offline"), &json!(gone))
    );
}

async fn urgent(client: &Client) -> Vec<String> {
    column(&client.get("/api/overview/organizations").await.expect(200), "name")
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_most_urgent_organization_comes_first(db: PgPool) {
    let app = TestApp::new(db).await;
    let (quiet, quiet_hq) = app.organization("A quiet one").await;
    AgentRow { state: "decommissioned", ..AgentRow::new(quiet, quiet_hq, "x") }.insert(&app).await;
    let (restarts, restarts_hq) = app.organization("B restarts").await;
    let (one, one_hq) = app.organization("C one offline").await;
    let (two, two_hq) = app.organization("D two offline").await;
    let (same, same_hq) = app.organization("e one offline too").await;
    let (clone, clone_hq) = app.organization("F cut off").await;
    let (full, full_hq) = app.organization("G nearly full").await;
    let (left, left_hq) = app.organization("H server just left").await;
    AgentRow::new(full, full_hq, "pc").online().reading(1.0, 1, 99).insert(&app).await;
    let server = AgentRow { os: SERVER, ..AgentRow::new(left, left_hq, "srv") };
    server.offline(TimeDelta::minutes(1)).insert(&app).await;
    app.organization("Deleted").await;
    sqlx::query("UPDATE organizations SET deleted_at = now() WHERE name = 'Deleted'").execute(&app.db).await.unwrap();
    for n in 0..3 {
        let row = AgentRow::new(restarts, restarts_hq, &format!("pc{n}")).online();
        AgentRow { pending_reboot: Some(true), ..row }.insert(&app).await;
    }
    for (organization, site, servers) in [(one, one_hq, 1), (two, two_hq, 2), (same, same_hq, 1)] {
        for n in 0..servers {
            let row = AgentRow { os: SERVER, ..AgentRow::new(organization, site, &format!("srv{n}")) };
            row.offline(TimeDelta::minutes(10)).insert(&app).await;
        }
    }
    AgentRow { os: SERVER, ..AgentRow::new(one, one_hq, "just left") }
        .offline(TimeDelta::minutes(1))
        .insert(&app)
        .await;
    AgentRow::new(clone, clone_hq, "pc").quarantined(&["m1", "m2"]).insert(&app).await;
    let admin = app.admin().await;
    let order = [
        "F cut off",
        "D two offline",
        "C one offline",
        "e one offline too",
        "H server just left",
        "G nearly full",
        "B restarts",
        "A quiet one",
    ];
    assert_eq!(urgent(&admin).await, order);
    let page = admin.get("/api/overview/organizations").await.expect(200);
    assert_eq!(
        page["items"][2],
        json!({"organization_id": one, "name": "C one offline", "agents": 2, "online": 0, "offline_servers": 2,
               "attention": 1, "worst": {"reason": "offline", "words": "Offline for too long", "count": 1}})
    );
    assert_eq!(
        page["items"][7],
        json!({"organization_id": quiet, "name": "A quiet one", "agents": 0, "online": 0, "offline_servers": 0,
               "attention": 0, "worst": null})
    );
    let member = app.member(restarts, OrgRole::Viewer).await;
    assert_eq!(urgent(&member).await, ["B restarts"]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_passing_of_time_moves_no_row_between_two_pages(db: PgPool) {
    let app = TestApp::new(db).await;
    for name in ["A", "B", "C"] {
        let (organization, site) = app.organization(name).await;
        let left = if name == "C" { TimeDelta::minutes(9) } else { TimeDelta::minutes(20) };
        let row = AgentRow { os: SERVER, ..AgentRow::new(organization, site, "srv") }.offline(left);
        row.insert(&app).await;
        // C has two: once they are missed, it is the first.
        if name == "C" {
            row.insert(&app).await;
        }
    }
    let admin = app.admin().await;
    let first = admin.get("/api/overview/organizations?limit=1").await.expect(200);
    assert_eq!(column(&first, "name"), ["A"]);
    app.advance(TimeDelta::minutes(2));
    assert_eq!(urgent(&admin).await, ["C", "A", "B"]);
    let next = format!("/api/overview/organizations?limit=2&cursor={}", first["next_cursor"].as_str().unwrap());
    assert_eq!(column(&admin.get(&next).await.expect(200), "name"), ["B", "C"]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_spine_names_servers_and_counts_the_rest(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let row = |name: &str| AgentRow::new(acme, hq, name);
    AgentRow { os: SERVER, ..row("a fine server") }.online().insert(&app).await;
    AgentRow { os: SERVER, pending_reboot: Some(true), ..row("b restart") }.online().insert(&app).await;
    AgentRow { os: SERVER, ..row("c away") }.offline(TimeDelta::hours(1)).insert(&app).await;
    AgentRow { os: CONTROLLER, ..row("y controller") }.online().insert(&app).await;
    AgentRow { os: CONTROLLER, ..row("z controller") }.offline(TimeDelta::hours(1)).insert(&app).await;
    AgentRow { os: WORKSTATION, ..row("pc") }.online().insert(&app).await;
    AgentRow { os: WORKSTATION, pending_reboot: Some(true), ..row("pc2") }.insert(&app).await;
    row("not told").insert(&app).await;
    AgentRow { os: SERVER, state: "decommissioned", ..row("gone") }.insert(&app).await;
    let (other, other_hq) = app.organization("Other").await;
    AgentRow { os: SERVER, ..AgentRow::new(other, other_hq, "foreign") }.insert(&app).await;
    let viewer = app.member(acme, OrgRole::Viewer).await;
    let path = format!("/api/sites/{hq}/spine");
    let spine = viewer.get(&path).await.expect(200);
    let names = |spine: &Value| -> Vec<String> {
        spine["servers"].as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&spine), ["z controller", "y controller", "c away", "b restart", "a fine server"]);
    assert_eq!(
        (&spine["more_servers"], &spine["others"]),
        (&json!(0), &json!({"total": 3, "online": 1, "attention": 1}))
    );
    let first = &spine["servers"][0];
    assert_eq!(
        (&first["machine_role"], &first["state"], &first["presence"]["state"], &first["attention"][0]["words"]),
        (&json!("domain_controller"), &json!("active"), &json!("offline"), &json!("Server offline over 10 min"))
    );
    viewer.get(&format!("/api/sites/{other_hq}/spine")).await.expect_problem(404, "not_found");
    for n in 0..99 {
        AgentRow { os: SERVER, ..row(&format!("more {n}")) }.online().insert(&app).await;
    }
    let spine = viewer.get(&path).await.expect(200);
    assert_eq!((names(&spine).len(), &spine["more_servers"]), (100, &json!(4)));
}

/// Agents and organizations of a large fleet.
const FLEET: (i64, i64) = (10_000, 200);

/// Rows of the fleet's tables that were read so far. There is one connection, so everything asked before has been counted.
async fn touched(app: &TestApp) -> i64 {
    sqlx::query("SELECT pg_stat_force_next_flush()").execute(&app.db).await.unwrap();
    sqlx::query_scalar(
        "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_user_tables
         WHERE relname IN ('agents', 'agent_presence', 'agent_readings_latest', 'organizations', 'sites')",
    )
    .fetch_one(&app.db)
    .await
    .unwrap()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_large_fleet_is_read_once_for_each_answer(db: PgPool) {
    let one = PgPoolOptions::new().max_connections(1).connect_lazy_with((*db.connect_options()).clone());
    let app = TestApp::new(one).await;
    let (organization, site) = generate(&app).await;
    let admin = app.admin().await;
    let technician = app.member(organization, OrgRole::Technician).await;
    // Each agent once in each of three tables, and half as much again. Of a part of the fleet, a table may be read whole where
    // Postgres finds that cheaper than to look its rows up, but not every one.
    let (whole, part) = (5 * FLEET.0, 2 * FLEET.0);
    for (client, path, most) in [
        (&admin, "/api/overview".to_owned(), whole),
        (&admin, "/api/overview/organizations".into(), whole),
        (&admin, "/api/organizations?limit=200".into(), whole),
        (&admin, "/api/search?q=pc-1".into(), whole),
        (&admin, "/api/agents?sort=attention".into(), whole),
        (&technician, "/api/agents?sort=attention".into(), part),
        (&admin, format!("/api/sites/{site}/spine"), part),
        (&admin, format!("/api/overview?organization_id={organization}"), part),
        (&technician, "/api/overview".into(), part),
        (&technician, "/api/overview/organizations".into(), part),
        (&technician, format!("/api/organizations/{organization}/sites"), part),
    ] {
        let before = touched(&app).await;
        client.get(&path).await.expect(200);
        let read = touched(&app).await - before;
        assert!(read > 0 && read <= most, "{path} reads {read} rows");
    }
}

/// A large fleet, evenly spread; answers one of its organizations with its site.
async fn generate(app: &TestApp) -> (Uuid, Uuid) {
    for statement in [
        "INSERT INTO organizations SELECT gen_random_uuid(), 'Customer ' || n, $1 FROM generate_series(1, $3) n, (SELECT $2) x",
        "INSERT INTO sites SELECT gen_random_uuid(), id, 'HQ', $1, NULL FROM organizations, (SELECT $2, $3) x",
        "INSERT INTO agents (id, organization_id, site_id, hostname, machine_id, boot_id, state_since, agent_version,
                             enrolled_at, machine_role, pending_reboot)
         SELECT gen_random_uuid(), s.organization_id, s.id, 'pc-' || n, n::text, 'boot', $1, '1.0.' || n % 3, $1,
                CASE WHEN n % 10 = 0 THEN 'server' ELSE 'workstation' END, n % 50 = 0
         FROM generate_series(1, $2) n
         JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place FROM sites) s ON s.place = n % $3 + 1",
        "INSERT INTO agent_presence
         SELECT id, CASE WHEN right(hostname, 1) = '7' THEN 'offline' ELSE 'online' END, $1 - interval '1 hour', $1, id, id,
                $1 + interval '1 minute' FROM agents, (SELECT $2, $3) x",
        "INSERT INTO agent_readings_latest
         SELECT id, $1, 5, 50, 100, 60, '[]', '/', 80, 100 FROM agents, (SELECT $2, $3) x",
    ] {
        let rows = sqlx::query(statement).bind(start_of_time()).bind(FLEET.0).bind(FLEET.1);
        rows.execute(&app.db).await.unwrap();
    }
    sqlx::query("ANALYZE agents, agent_presence, agent_readings_latest, organizations, sites")
        .execute(&app.db)
        .await
        .unwrap();
    sqlx::query_as("SELECT organization_id, id FROM sites ORDER BY id LIMIT 1").fetch_one(&app.db).await.unwrap()
}
