//! Every list, walked page by page, is the whole list: no row twice, none left out, also where sort keys are equal.

use chrono::TimeDelta;
use gururmm_protocol::inventory::{Software, SoftwareSource};
use gururmm_server::authz::{GlobalRole, OrgRole};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::runs::order;
use crate::software::{report, windows};
use crate::support::fleet::{AgentRow, column};
use crate::support::{Client, TestApp};

/// All rows by pages of `limit`.
async fn walk(client: &Client, path: &str, limit: usize) -> Vec<Value> {
    let mark = if path.contains('?') { '&' } else { '?' };
    let mut rows = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = client.get(&format!("{path}{mark}limit={limit}{after}")).await.expect(200);
        let items = page["items"].as_array().unwrap();
        rows.extend(items.iter().cloned());
        assert!(rows.len() < 1000, "{path} does not end");
        match page["next_cursor"].as_str() {
            Some(next) => {
                assert_eq!(items.len(), limit, "{path}: only the last page may be short");
                cursor = Some(next.to_owned());
            }
            None => return rows,
        }
    }
}

/// Compares pages of several sizes with the whole; answers the ids in order.
async fn whole(client: &Client, path: &str, expected: usize) -> Vec<String> {
    let all = walk(client, path, 200).await;
    assert_eq!(all.len(), expected, "{path}");
    for limit in [1, 2, 7, expected.max(1)] {
        assert_eq!(walk(client, path, limit).await, all, "{path} by {limit}");
    }
    column(&json!({"items": all}), "id")
}

/// Two organizations, several sites with equal names, agents of which many share name and last proof of life.
async fn fleet(app: &TestApp) -> (Uuid, Uuid) {
    let (first, first_site) = app.organization("Alpha").await;
    let (second, second_site) = app.organization("beta").await;
    for n in 0..21 {
        let (organization, site) = if n % 3 == 0 { (first, first_site) } else { (second, second_site) };
        let row = AgentRow::new(organization, site, ["PC", "pc", "Server_1", "öl"][n % 4]);
        let row = match n % 5 {
            0 => row,
            1 => row.online().reading(0.0, 50, 93),
            2 => row.online().reading(12.5, 50, 93),
            _ => row.offline(TimeDelta::hours(i64::try_from(n).unwrap() % 2)),
        };
        row.insert(app).await;
    }
    (first, first_site)
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn agents_in_every_order_forwards_and_backwards(db: PgPool) {
    let app = TestApp::new(db).await;
    let (first, _) = fleet(&app).await;
    let admin = app.admin().await;
    for sort in ["name", "last_seen", "organization", "attention"] {
        let forwards = whole(&admin, &format!("/api/agents?sort={sort}"), 21).await;
        let mut backwards = whole(&admin, &format!("/api/agents?sort=-{sort}"), 21).await;
        backwards.reverse();
        assert_eq!(forwards, backwards, "{sort}");
    }
    // What was never measured comes last in both directions: eight of them have a reading.
    for sort in ["volume", "cpu", "memory"] {
        let forwards = whole(&admin, &format!("/api/agents?sort={sort}"), 21).await;
        let backwards = whole(&admin, &format!("/api/agents?sort=-{sort}"), 21).await;
        let reversed = |ids: &[String]| ids.iter().rev().cloned().collect::<Vec<_>>();
        assert_eq!(reversed(&forwards[..8]), backwards[..8], "{sort}");
        assert_eq!(reversed(&forwards[8..]), backwards[8..], "{sort}");
    }
    whole(&admin, "/api/agents?attention=any&sort=-cpu", 8).await;
    whole(&admin, &format!("/api/agents?sort=-last_seen&organization_id={first}"), 7).await;
    whole(&admin, "/api/agents?presence=never&sort=organization", 5).await;
    whole(&admin, &format!("/api/agents?sort=attention&organization_id={first}"), 7).await;
    let by_name = admin.get("/api/agents?limit=1").await.expect(200);
    let cursor = by_name["next_cursor"].as_str().unwrap();
    let other_order = format!("/api/agents?sort=last_seen&cursor={cursor}");
    admin.get(&other_order).await.expect_problem(422, "invalid");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn organizations_sites_tokens_and_the_audit_log(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    for n in 0..9 {
        let name = format!("{} {n}", ["Ä", "a", "B"][n % 3]);
        let made = admin.post("/api/organizations", json!({"name": name})).await.expect(201);
        let path = format!("/api/organizations/{}/sites", made["id"].as_str().unwrap());
        for site in ["HQ", "Depot"] {
            let site = admin.post(&path, json!({"name": site})).await.expect(201);
            if n == 0 {
                for _ in 0..4 {
                    admin.post("/api/enrollment-tokens", json!({"site_id": site["id"]})).await.expect(201);
                }
            }
        }
        if n == 0 {
            whole(&admin, &path, 2).await;
        }
    }
    whole(&admin, "/api/organizations", 9).await;
    whole(&admin, "/api/sites", 18).await;
    whole(&admin, "/api/sites?q=hq", 9).await;
    whole(&admin, "/api/enrollment-tokens", 8).await;
    whole(&admin, "/api/audit", 35).await;
    whole(&admin, "/api/audit?action=site.", 18).await;
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn commands(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let agent = AgentRow::new(organization, site, "pc").insert(&app).await;
    let other = AgentRow::new(organization, site, "pc2").insert(&app).await;
    let admin = app.admin().await;
    for n in 0..12 {
        let agent = if n % 3 == 0 { other } else { agent };
        let body = json!({"program": {"kind": "exec", "argv": ["true"]}});
        admin.post(&format!("/api/agents/{agent}/commands"), body).await.expect(201);
    }
    whole(&admin, "/api/commands", 12).await;
    whole(&admin, "/api/commands?state=queued", 12).await;
    whole(&admin, &format!("/api/commands?agent_id={other}"), 4).await;
    whole(&admin, &format!("/api/agents/{agent}/commands"), 8).await;
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn runs(db: PgPool) {
    let app = TestApp::new(db).await;
    let (first, second) = (app.organization("Alpha").await, app.organization("Beta").await);
    let technicians = [(first.0, OrgRole::Technician), (second.0, OrgRole::Technician)];
    let technician = app.user(GlobalRole::User, &technicians).await;
    let mut agents = Vec::new();
    for n in 0..11 {
        let place = if n % 3 == 0 { first } else { second };
        agents.push(AgentRow::new(place.0, place.1, ["PC", "pc", "Öl"][n % 3]).insert(&app).await);
    }
    for n in 0..11 {
        order(&technician, json!({"agent_ids": [agents[n], agents[(n + 1) % 11]]})).await;
    }
    let admin = app.admin().await;
    for client in [&admin, &technician] {
        whole(client, "/api/runs", 11).await;
        whole(client, "/api/runs?open=true", 11).await;
        whole(client, &format!("/api/runs?organization_id={}", first.0), 8).await;
    }
    whole(&technician, "/api/runs?mine=true", 11).await;
    whole(&technician, "/api/runs?mine=true&open=true", 11).await;
    whole(&admin, "/api/runs?mine=true", 0).await;
    whole(&app.member(first.0, OrgRole::Viewer).await, "/api/runs?open=true", 8).await;

    let run = order(&technician, json!({"filter": {}})).await;
    let path = format!("/api/runs/{}/agents", run["id"].as_str().unwrap());
    for (client, query, expected) in [
        (&admin, "", 11),
        (&technician, "", 11),
        (&technician, "?state=queued", 11),
        (&technician, "?q=pc", 8),
        (&app.member(first.0, OrgRole::Viewer).await, "?state=queued&q=pc", 4),
    ] {
        let rows = walk(client, &format!("{path}{query}"), 200).await;
        assert_eq!(rows.len(), expected, "{query}");
        for limit in [1, 2, 7, expected] {
            assert_eq!(walk(client, &format!("{path}{query}"), limit).await, rows, "{query} by {limit}");
        }
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn changes_of_the_inventory(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    let agent = AgentRow::new(organization, site, "pc").insert(&app).await;
    sqlx::query(
        "INSERT INTO agent_inventory_changes (agent_id, at, section, kind, key)
         SELECT $1, timestamptz '2026-11-23 12:00Z' + (n / 4) * interval '1 hour',
                CASE WHEN n % 3 = 0 THEN 'users' ELSE 'software' END, 'added', 'x' FROM generate_series(1, 21) n",
    )
    .bind(agent)
    .execute(&app.db)
    .await
    .unwrap();
    let admin = app.admin().await;
    let path = format!("/api/agents/{agent}/inventory/changes");
    let rows = walk(&admin, &path, 4).await;
    assert!(rows.windows(2).all(|pair| pair[0]["at"].as_str() >= pair[1]["at"].as_str()), "newest first");
    for limit in [1, 7, 21, 200] {
        assert_eq!(walk(&admin, &path, limit).await, rows);
    }
    assert_eq!(walk(&admin, &format!("{path}?section=users"), 2).await.len(), 7);
    admin.get(&format!("{path}?section=nonsense")).await.expect_problem(422, "invalid");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn software(db: PgPool) {
    let app = TestApp::new(db).await;
    let (organization, site) = app.organization("Acme").await;
    for seed in 0..7 {
        let agent = app.agent_in(organization, site, seed).await;
        // Versions that are equal though written differently, agents with two of them, and one name in two sources.
        let version = ["1.0", "1.00", "2"][usize::try_from(seed).unwrap() % 3];
        let tool = format!("Tool {seed}");
        let mut list = windows(&[("Editor", version), ("editor", "1.000"), ("Paint", ""), (&tool, "1")]);
        list.push(Software { source: SoftwareSource::Dpkg, ..list[0].clone() });
        list.push(Software { publisher: Some("Another".into()), ..list[0].clone() });
        report(&agent, list).await;
    }
    // Some with the same name.
    for seed in 7..12 {
        app.agent_in(organization, site, seed).await;
    }
    sqlx::query("UPDATE agents SET display_name = 'Twin' WHERE id IN (SELECT id FROM agents ORDER BY id DESC LIMIT 3)")
        .execute(&app.db)
        .await
        .unwrap();
    let admin = app.admin().await;
    for (path, expected) in [
        ("/api/software".to_owned(), 10),
        ("/api/software?search=tool".to_owned(), 7),
        (format!("/api/software?site_id={site}"), 10),
        ("/api/software/versions?source=windows&title=EDITOR".to_owned(), 4),
        ("/api/software/agents?source=windows&title=EDITOR".to_owned(), 14),
        ("/api/software/agents?source=windows&title=editor&version_below=2".to_owned(), 12),
        (format!("/api/software/agents?source=windows&title=paint&organization_id={organization}"), 7),
        ("/api/software/unknown".to_owned(), 5),
    ] {
        let rows = walk(&admin, &path, 200).await;
        assert_eq!(rows.len(), expected, "{path}");
        for limit in [1, 2, 5, expected] {
            assert_eq!(walk(&admin, &path, limit).await, rows, "{path} by {limit}");
        }
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn organizations_by_urgency(db: PgPool) {
    let app = TestApp::new(db).await;
    fleet(&app).await;
    for n in 0..9 {
        let (organization, site) = app.organization(&format!("{} {n}", ["Ä", "a", "B"][n % 3])).await;
        for agent in 0..n % 3 {
            let row = AgentRow::new(organization, site, &format!("pc{agent}")).online();
            AgentRow { pending_reboot: Some(n % 2 == 0), ..row }.insert(&app).await;
        }
    }
    let admin = app.admin().await;
    let rows = walk(&admin, "/api/overview/organizations", 200).await;
    assert_eq!(rows.len(), 11);
    for limit in [1, 2, 5, 11] {
        assert_eq!(walk(&admin, "/api/overview/organizations", limit).await, rows, "by {limit}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn changes_over_the_fleet(db: PgPool) {
    let app = TestApp::new(db).await;
    let (first, first_site) = fleet(&app).await;
    sqlx::query(
        "INSERT INTO agent_inventory_changes (agent_id, organization_id, at, section, kind, key)
         SELECT id, organization_id, timestamptz '2026-11-23 12:00Z' + (n % 2) * interval '1 hour',
                CASE WHEN n % 3 = 0 THEN 'users' ELSE 'software' END, 'added', 'x' FROM agents, generate_series(1, 3) n",
    )
    .execute(&app.db)
    .await
    .unwrap();
    let admin = app.admin().await;
    let member = app.member(first, OrgRole::Viewer).await;
    for (client, query, expected) in [
        (&admin, String::new(), 63),
        (&admin, "?section=users".into(), 21),
        (&admin, format!("?organization_id={first}"), 21),
        (&admin, format!("?site_id={first_site}&section=software"), 14),
        (&member, String::new(), 21),
    ] {
        whole(client, &format!("/api/changes{query}"), expected).await;
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn views(db: PgPool) {
    let app = TestApp::new(db).await;
    let (admin, other) = (app.admin().await, app.admin().await);
    for n in 0..11 {
        let name = format!("{} {}", ["Ä", "a", "B"][n % 3], n / 2);
        let client = if n % 2 == 0 { &admin } else { &other };
        let view = json!({"page": "audit", "name": name, "query": {}, "shared": "everyone"});
        client.post("/api/views", view).await.expect(201);
    }
    whole(&admin, "/api/views?page=audit", 11).await;
}

/// Lists that the tests above walk.
const WALKED: &[&str] = &[
    "/api/agents",
    "/api/agents/{id}/commands",
    "/api/agents/{id}/inventory/changes",
    "/api/audit",
    "/api/changes",
    "/api/commands",
    "/api/enrollment-tokens",
    "/api/organizations",
    "/api/organizations/{id}/sites",
    "/api/overview/organizations",
    "/api/runs",
    "/api/runs/{id}/agents",
    "/api/sites",
    "/api/software",
    "/api/software/agents",
    "/api/software/unknown",
    "/api/software/versions",
    "/api/views",
];

#[test]
fn no_list_is_left_out() {
    let document = serde_json::to_value(gururmm_server::http::router::api_document()).unwrap();
    let lists: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, item)| {
            let parameters = item["get"]["parameters"].as_array();
            parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "cursor"))
        })
        .map(|(path, _)| path.as_str())
        .collect();
    assert_eq!(lists, WALKED, "walk every list that has a cursor");
}
