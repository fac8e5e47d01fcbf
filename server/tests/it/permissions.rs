//! What lists say the caller may do is what happens when it is done.

use gururmm_server::authz::{GlobalRole, OrgRole};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::client::Answer;
use crate::support::fleet::AgentRow;
use crate::support::{Client, TestApp};

/// Says whether a permission and an attempt agree, and answers whether it was allowed.
#[track_caller]
fn agree(what: &str, permission: &Value, attempt: &Answer) -> bool {
    let allowed = permission["allowed"].as_bool().unwrap_or_else(|| panic!("{what}: {permission}"));
    assert_eq!(allowed, attempt.status < 400, "{what}: {permission}, and it was answered {}", attempt.text);
    assert_eq!(allowed, permission["reason"].is_null(), "{what}: {permission}");
    if !allowed && attempt.status == 403 {
        assert_eq!(permission["reason"], attempt.json()["detail"], "{what}: both give the same reason");
    }
    allowed
}

/// The row of a list with this id.
fn row(list: &Value, id: Uuid) -> Value {
    let rows = list["items"].as_array().unwrap();
    rows.iter().find(|row| row["id"] == json!(id)).unwrap_or_else(|| panic!("no {id} in {list}")).clone()
}

/// Tries every control of one organization; answers those that were allowed.
async fn try_all(app: &TestApp, client: &Client, organization: Uuid, site: Uuid) -> Vec<&'static str> {
    let name = || json!({"name": format!("N{}", app.app.env.random_id().simple())});
    let mut allowed = Vec::new();
    let mut note = |what: &'static str, permission: &Value, attempt: &Answer| {
        if agree(what, permission, attempt) {
            allowed.push(what);
        }
    };
    let organizations = client.get("/api/organizations?limit=200").await.expect(200);
    let ours = row(&organizations, organization)["permissions"].clone();
    let path = format!("/api/organizations/{organization}");
    let made = client.post("/api/organizations", name()).await;
    note("new organization", &organizations["permissions"]["create"], &made);
    note("rename organization", &ours["edit"], &client.patch(&path, name()).await);
    let sites = client.get(&format!("{path}/sites")).await.expect(200);
    let hq = row(&sites, site)["permissions"].clone();
    note("new site", &sites["permissions"]["create"], &client.post(&format!("{path}/sites"), name()).await);
    let everywhere = client.get(&format!("/api/sites?organization_id={organization}")).await.expect(200);
    assert_eq!(everywhere["permissions"], sites["permissions"]);
    note("rename site", &hq["edit"], &client.patch(&format!("/api/sites/{site}"), name()).await);
    let token = client.post("/api/enrollment-tokens", json!({"site_id": site})).await;
    note("enroll", &ours["enroll"], &token);
    for list in [format!("/api/agents?organization_id={organization}"), "/api/agents".into()] {
        let create = client.get(&list).await.expect(200)["permissions"]["create"].clone();
        agree(&list, &create, &token);
    }
    let tokens = client.get(&format!("/api/enrollment-tokens?organization_id={organization}")).await;
    if tokens.status == 200 && token.status == 201 {
        let tokens = tokens.json();
        agree("new token", &tokens["permissions"]["create"], &token);
        let id: Uuid = token.json()["token"]["id"].as_str().unwrap().parse().unwrap();
        let revoke = row(&tokens, id)["permissions"]["revoke"].clone();
        note("revoke token", &revoke, &client.delete(&format!("/api/enrollment-tokens/{id}")).await);
    }
    note("delete site", &hq["delete"], &client.delete(&format!("/api/sites/{site}")).await);
    note("delete organization", &ours["delete"], &client.delete(&path).await);
    allowed
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn every_control_of_a_list_does_what_the_list_says(db: PgPool) {
    let app = TestApp::new(db).await;
    let all = [
        "new organization",
        "rename organization",
        "new site",
        "rename site",
        "enroll",
        "revoke token",
        "delete site",
        "delete organization",
    ];
    let callers = [
        ("dev_admin", all.to_vec()),
        ("admin", all.to_vec()),
        ("org_admin", vec!["new site", "rename site", "enroll", "revoke token", "delete site"]),
        ("technician", vec!["enroll", "revoke token"]),
        ("viewer", vec![]),
    ];
    for (who, expected) in callers {
        let (organization, site) = app.organization(who).await;
        let client = match who {
            "dev_admin" => app.dev_admin().await,
            "admin" => app.admin().await,
            "org_admin" => app.member(organization, OrgRole::OrgAdmin).await,
            "technician" => app.member(organization, OrgRole::Technician).await,
            _ => app.member(organization, OrgRole::Viewer).await,
        };
        assert_eq!(try_all(&app, &client, organization, site).await, expected, "{who}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_has_agents_says_so_before_it_is_deleted(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    AgentRow::new(acme, hq, "a").insert(&app).await;
    let admin = app.admin().await;
    let reasons = async || {
        let organization = admin.get(&format!("/api/organizations/{acme}")).await.expect(200);
        let sites = admin.get(&format!("/api/organizations/{acme}/sites")).await.expect(200);
        [organization["permissions"]["delete"].clone(), sites["items"][0]["permissions"]["delete"].clone()]
    };
    let paths = [format!("/api/organizations/{acme}"), format!("/api/sites/{hq}")];
    let no = |reason: &str| json!({"allowed": false, "reason": reason});
    let one = [
        no("this organization still has 1 agent; move or decommission it first"),
        no("this site still has 1 agent; move or decommission it first"),
    ];
    assert_eq!(reasons().await, one);
    for (path, permission) in paths.iter().zip(&one) {
        let problem = admin.delete(path).await.expect_problem(409, "has_agents");
        assert_eq!(problem["detail"], permission["reason"]);
    }
    AgentRow::new(acme, hq, "b").insert(&app).await;
    assert_eq!(reasons().await[1], no("this site still has 2 agents; move or decommission them first"));
    // Who may not delete at all is told that, and not about agents.
    let technician = app.member(acme, OrgRole::Technician).await;
    let list = technician.get("/api/organizations").await.expect(200);
    assert_eq!(list["items"][0]["permissions"]["delete"], no("only an admin may change organizations"));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn without_a_chosen_organization_one_that_allows_it_is_enough(db: PgPool) {
    let app = TestApp::new(db).await;
    let (ours, _) = app.organization("Ours").await;
    let (seen, _) = app.organization("Seen").await;
    let (foreign, _) = app.organization("Foreign").await;
    let mixed = app.user(GlobalRole::User, &[(seen, OrgRole::Viewer), (ours, OrgRole::Technician)]).await;
    let create =
        async |client: &Client, path: &str| client.get(path).await.expect(200)["permissions"]["create"].clone();
    let yes = json!({"allowed": true, "reason": null});
    assert_eq!(create(&mixed, "/api/agents").await, yes);
    assert_eq!(create(&mixed, "/api/enrollment-tokens").await, yes);
    assert_eq!(create(&mixed, &format!("/api/agents?organization_id={ours}")).await, yes);
    let technician = json!({"allowed": false, "reason": "this needs the role technician in the organization"});
    assert_eq!(create(&mixed, &format!("/api/agents?organization_id={seen}")).await, technician);
    assert_eq!(create(&mixed, &format!("/api/enrollment-tokens?organization_id={seen}")).await, technician);
    let hidden = json!({"allowed": false, "reason": "not found"});
    assert_eq!(create(&mixed, &format!("/api/agents?organization_id={foreign}")).await, hidden);
    assert_eq!(create(&mixed, "/api/sites").await["allowed"], false);
    let nobody = app.user(GlobalRole::User, &[]).await;
    let none = json!({"allowed": false, "reason": "you work in no organization"});
    assert_eq!(create(&nobody, "/api/agents").await, none);
}
