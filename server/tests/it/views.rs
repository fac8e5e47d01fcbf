//! Saved views: whose they are, who else has them, and who may change them.

use gururmm_server::authz::{GlobalRole, OrgRole};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::fleet::column;
use crate::support::place::{audit_rows, id_of};
use crate::support::{Client, TestApp};

fn view(name: &str, shared: &str, organization: Option<Uuid>) -> Value {
    json!({"page": "agents", "name": name, "query": {"presence": "offline"}, "columns": ["name", "site"], "shared": shared,
           "organization_id": organization})
}

async fn names(client: &Client) -> Vec<String> {
    column(&client.get("/api/views?page=agents").await.expect(200), "name")
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_view_is_saved_changed_and_deleted_by_its_owner(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, _) = app.organization("Acme").await;
    let (viewer, other) = (app.member(acme, OrgRole::Viewer).await, app.member(acme, OrgRole::OrgAdmin).await);
    let made = viewer.post("/api/views", view("  Offline ", "nobody", None)).await.expect(201);
    let id = id_of(&made);
    assert_eq!(
        made,
        json!({"id": id, "page": "agents", "name": "Offline", "query": {"presence": "offline"}, "columns": ["name", "site"],
               "shared": "nobody", "organization_id": null, "owner_name": "Test", "mine": true,
               "permissions": {"edit": {"allowed": true, "reason": null}}})
    );
    let path = format!("/api/views/{id}");
    // Nobody else has it, not even an admin.
    for client in [&other, &app.admin().await] {
        assert_eq!(names(client).await, [""; 0]);
        client.patch(&path, json!({"name": "x"})).await.expect_problem(404, "not_found");
        client.delete(&path).await.expect_problem(404, "not_found");
    }
    viewer.post("/api/views", view("OFFLINE", "nobody", None)).await.expect_problem(409, "duplicate");
    let elsewhere = json!({"page": "audit", "name": "Offline", "query": {}, "shared": "nobody"});
    viewer.post("/api/views", elsewhere).await.expect(201);
    other.post("/api/views", view("Offline", "nobody", None)).await.expect(201);
    let changed = viewer.patch(&path, json!({"name": "Away", "columns": []})).await.expect(200);
    assert_eq!(
        (&changed["name"], &changed["columns"], &changed["query"]),
        (&json!("Away"), &json!([]), &made["query"])
    );
    assert_eq!(viewer.get("/api/views?page=agents").await.expect(200)["items"], json!([changed]));
    viewer.delete(&path).await.expect(204);
    viewer.delete(&path).await.expect_problem(404, "not_found");
    assert_eq!(names(&viewer).await, [""; 0]);
    assert_eq!(audit_rows(&app, "view.update").await.last().unwrap().1["name"], "Away");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn who_may_share_and_who_has_what_is_shared(db: PgPool) {
    let app = TestApp::new(db).await;
    let ((acme, _), (beta, _)) = (app.organization("Acme").await, app.organization("Beta").await);
    let (viewer, outsider) = (app.member(acme, OrgRole::Viewer).await, app.member(beta, OrgRole::OrgAdmin).await);
    let technician = app.user(GlobalRole::User, &[(acme, OrgRole::Technician), (beta, OrgRole::Viewer)]).await;
    let admin = app.admin().await;
    let denied = json!({"allowed": false, "reason": "only an admin may do this"});
    let may = technician.get("/api/views?page=agents").await.expect(200)["permissions"].clone();
    assert_eq!((&may["share_organization"]["allowed"], &may["share_everyone"]), (&json!(true), &denied));
    let may = viewer.get("/api/views?page=agents").await.expect(200)["permissions"].clone();
    assert_eq!(may["share_organization"]["allowed"], false);
    viewer.post("/api/views", view("a", "organization", Some(acme))).await.expect_problem(403, "forbidden");
    technician.post("/api/views", view("a", "organization", Some(beta))).await.expect_problem(403, "forbidden");
    outsider.post("/api/views", view("a", "organization", Some(acme))).await.expect_problem(404, "not_found");
    technician.post("/api/views", view("a", "everyone", None)).await.expect_problem(403, "forbidden");

    let ours = id_of(&technician.post("/api/views", view("Ours", "organization", Some(acme))).await.expect(201));
    let all = id_of(&admin.post("/api/views", view("All", "everyone", None)).await.expect(201));
    assert_eq!(names(&viewer).await, ["All", "Ours"]);
    assert_eq!(names(&admin).await, ["All", "Ours"]);
    assert_eq!(names(&outsider).await, ["All"]);
    let path = format!("/api/views/{ours}");
    let seen = viewer.get("/api/views?page=agents").await.expect(200)["items"][1].clone();
    assert_eq!((&seen["mine"], &seen["permissions"]["edit"]["allowed"]), (&json!(false), &json!(false)));
    viewer.patch(&path, json!({"name": "x"})).await.expect_problem(403, "forbidden");
    viewer.delete(&path).await.expect_problem(403, "forbidden");
    outsider.delete(&path).await.expect_problem(404, "not_found");
    technician.delete(&format!("/api/views/{all}")).await.expect_problem(403, "forbidden");
    // An admin puts it right, and takes it from the others.
    let renamed = admin.patch(&path, json!({"name": "Acme's"})).await.expect(200);
    assert_eq!(
        (&renamed["mine"], &renamed["shared"], &renamed["organization_id"]),
        (&json!(false), &json!("organization"), &json!(acme))
    );
    let private = admin.patch(&path, json!({"shared": "nobody"})).await.expect(200);
    assert_eq!(private["organization_id"], Value::Null);
    assert_eq!(
        (names(&technician).await, names(&viewer).await),
        (vec!["Acme's".into(), "All".into()], vec!["All".to_owned()])
    );
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_is_shared_ends_with_the_membership_and_with_the_organization(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, _) = app.organization("Acme").await;
    let (viewer, technician) = (app.member(acme, OrgRole::Viewer).await, app.member(acme, OrgRole::Technician).await);
    let made = technician.post("/api/views", view("Ours", "organization", Some(acme))).await.expect(201);
    let path = format!("/api/views/{}", id_of(&made));
    assert_eq!(names(&viewer).await, ["Ours"]);
    let role = |role: &'static str| {
        let db = app.db.clone();
        async move {
            let sql = "DELETE FROM user_memberships WHERE role = $1";
            sqlx::query(sql).bind(role).execute(&db).await.unwrap();
        }
    };
    role("viewer").await;
    assert_eq!(names(&viewer).await, [""; 0]);
    role("technician").await;
    // Its owner keeps it, and reaches nobody with it any more.
    assert_eq!(names(&technician).await, ["Ours"]);
    technician.patch(&path, json!({"name": "x"})).await.expect_problem(404, "not_found");
    let admin = app.admin().await;
    admin.delete(&format!("/api/organizations/{acme}")).await.expect(204);
    let left = technician.get("/api/views?page=agents").await.expect(200)["items"][0].clone();
    assert_eq!((&left["shared"], &left["organization_id"]), (&json!("nobody"), &Value::Null));
    assert_eq!(names(&admin).await, [""; 0]);
    technician.patch(&path, json!({"name": "Mine"})).await.expect(200);
    admin.post("/api/views", view("late", "organization", Some(acme))).await.expect_problem(404, "not_found");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_a_view_holds_and_how_many_there_are_is_bounded(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    let with = |field: &str, value: Value| {
        let mut body = view("v", "nobody", None);
        body[field] = value;
        body
    };
    for (field, value) in [
        ("name", json!(" ")),
        ("query", json!({"q": "x".repeat(501)})),
        ("query", json!({"": "x"})),
        ("columns", json!(["a", "a"])),
        ("page", json!("users")),
        ("organization_id", json!(Uuid::from_u128(1))),
    ] {
        let problem = admin.post("/api/views", with(field, value.clone())).await.expect_problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], field, "{value}");
    }
    let problem = admin.post("/api/views", view("v", "organization", None)).await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "organization_id");
    admin.get("/api/views").await.expect_problem(422, "invalid");
    for n in 0..100 {
        admin.post("/api/views", view(&format!("v{n}"), "nobody", None)).await.expect(201);
    }
    admin.post("/api/views", view("one more", "nobody", None)).await.expect_problem(409, "too_many_views");
}
