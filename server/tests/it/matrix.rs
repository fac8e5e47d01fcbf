//! Every operation of the API document, called as every kind of caller: who may do what is a committed table.
//!
//! On the way: a refusal changes nothing and is a problem document, and whatever somebody known tries to change leaves
//! exactly one audit row, done or refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::SigningKey;
use gururmm_protocol::crypto::Fingerprint;
use gururmm_protocol::enroll::{EnrollRequest, MachineIdentity};
use gururmm_server::authz::OrgRole;
use gururmm_server::http::router::api_document;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::fleet::AgentRow;
use crate::support::{Client, TestApp, start_of_time};

/// What each operation answers to each caller. The caller's organization is the one that the operation is about, but for
/// `outsider`, who is org_admin of another. `@host`: the agent runs on the server's own host.
const TABLE: &str = "\
operation                                    anonymous malformed agent dev_admin admin org_admin technician viewer outsider
POST /api/agent/enroll                       201       201       201   201       201   201       201        201    201
POST /api/agent/identity                     200       200       200   200       200   200       200        200    200
GET /api/agents                              401       401       401   200       200   200       200        200    200
GET /api/agents/count                        401       401       401   200       200   200       200        200    200
DELETE /api/agents/{id}                      401       401       401   202       202   202       202        403    404
DELETE /api/agents/{id} @host                401       401       401   202       403   403       403        403    404
GET /api/agents/export                       401       401       401   200       200   200       200        200    200
GET /api/agents/{id}                         401       401       401   200       200   200       200        200    404
GET /api/agents/{id} @host                   401       401       401   200       200   200       200        200    404
PATCH /api/agents/{id}                       401       401       401   200       200   200       200        403    404
PATCH /api/agents/{id} @host                 401       401       401   200       403   403       403        403    404
GET /api/agents/{id}/commands                401       401       401   200       200   200       200        200    404
POST /api/agents/{id}/commands               401       401       401   201       201   201       201        403    404
POST /api/agents/{id}/commands @host         401       401       401   201       403   403       403        403    404
GET /api/agents/{id}/inventory               401       401       401   200       200   200       200        200    404
GET /api/agents/{id}/inventory/changes       401       401       401   200       200   200       200        200    404
POST /api/agents/{id}/merge                  401       401       401   200       200   200       200        403    404
POST /api/agents/{id}/merge @host            401       401       401   200       403   403       403        403    404
GET /api/agents/{id}/readings                401       401       401   200       200   200       200        200    404
POST /api/agents/{id}/release                401       401       401   200       200   200       200        403    404
POST /api/agents/{id}/release @host          401       401       401   200       403   403       403        403    404
GET /api/audit                               401       401       401   200       200   200       403        403    200
GET /api/audit/export                        401       401       401   200       200   200       403        403    200
POST /api/auth/login                         401       401       401   401       401   401       401        401    401
POST /api/auth/logout                        401       401       401   204       204   204       204        204    204
GET /api/auth/me                             401       401       401   200       200   200       200        200    200
POST /api/auth/register                      409       409       409   409       409   409       409        409    409
GET /api/auth/status                         200       200       200   200       200   200       200        200    200
GET /api/changes                             401       401       401   200       200   200       200        200    200
GET /api/commands                            401       401       401   200       200   200       200        200    200
GET /api/commands/export                     401       401       401   200       200   200       200        200    200
GET /api/commands/{id}                       401       401       401   200       200   200       200        200    404
POST /api/commands/{id}/cancel               401       401       401   200       200   200       200        403    404
GET /api/commands/{id}/output                401       401       401   200       200   200       200        200    404
GET /api/enrollment-tokens                   401       401       401   200       200   200       200        403    200
POST /api/enrollment-tokens                  401       401       401   201       201   201       201        403    404
DELETE /api/enrollment-tokens/{id}           401       401       401   204       204   204       204        403    404
GET /api/events                              401       401       401   200       200   200       200        200    200
GET /api/organizations                       401       401       401   200       200   200       200        200    200
POST /api/organizations                      401       401       401   201       201   403       403        403    403
DELETE /api/organizations/{id}               401       401       401   204       204   403       403        403    404
GET /api/organizations/{id}                  401       401       401   200       200   200       200        200    404
PATCH /api/organizations/{id}                401       401       401   200       200   403       403        403    404
GET /api/organizations/{id}/sites            401       401       401   200       200   200       200        200    404
POST /api/organizations/{id}/sites           401       401       401   201       201   201       403        403    404
GET /api/overview                            401       401       401   200       200   200       200        200    200
GET /api/overview/organizations              401       401       401   200       200   200       200        200    200
GET /api/search                              401       401       401   200       200   200       200        200    200
GET /api/runs                                401       401       401   200       200   200       200        200    200
POST /api/runs                               401       401       401   201       201   201       201        403    404
POST /api/runs @host                         401       401       401   201       403   403       403        403    404
POST /api/runs/preview                       401       401       401   200       200   200       200        403    404
GET /api/runs/{id}                           401       401       401   200       200   200       200        200    404
GET /api/runs/{id}/agents                    401       401       401   200       200   200       200        200    404
POST /api/runs/{id}/cancel                   401       401       401   200       200   200       200        403    404
POST /api/runs/{id}/cancel @host             401       401       401   200       403   403       403        403    404
GET /api/sites                               401       401       401   200       200   200       200        200    200
DELETE /api/sites/{id}                       401       401       401   204       204   204       403        403    404
GET /api/sites/{id}                          401       401       401   200       200   200       200        200    404
PATCH /api/sites/{id}                        401       401       401   200       200   200       403        403    404
GET /api/sites/{id}/spine                    401       401       401   200       200   200       200        200    404
GET /api/software                            401       401       401   200       200   200       200        200    200
GET /api/software/agents                     401       401       401   200       200   200       200        200    200
GET /api/software/coverage                   401       401       401   200       200   200       200        200    200
GET /api/software/unknown                    401       401       401   200       200   200       200        200    200
GET /api/software/versions                   401       401       401   200       200   200       200        200    200
GET /api/views                               401       401       401   200       200   200       200        200    200
POST /api/views                              401       401       401   201       201   201       201        403    404
DELETE /api/views/{id}                       401       401       401   204       204   403       403        403    404
PATCH /api/views/{id}                        401       401       401   200       200   403       403        403    404
GET /api/work                                401       401       401   200       200   200       200        200    200
GET /health                                  200       200       200   200       200   200       200        200    200
GET /health/ready                            200       200       200   200       200   200       200        200    200
GET /metrics                                 200       200       200   200       200   200       200        200    200
";

/// Operations that nobody needs to be known for: their refusals are counted, not written down.
const OPEN: [&str; 4] =
    ["POST /api/agent/enroll", "POST /api/agent/identity", "POST /api/auth/login", "POST /api/auth/register"];

/// Operations that only look, for all that their question does not fit into an address.
const LOOKS: [&str; 1] = ["POST /api/runs/preview"];

/// Operations on many things at once: a row of their own and one for each thing, of which there is one.
const OF_MANY: [&str; 2] = ["POST /api/runs", "POST /api/runs/{id}/cancel"];

/// Operations that the walk cannot bring to succeed: the test below does.
const SUCCEED_ELSEWHERE: [&str; 2] = ["POST /api/auth/login", "POST /api/auth/register"];

/// One organization with what an operation needs, made anew for every call.
struct World {
    organization: Uuid,
    site: Uuid,
    agent: Uuid,
    older: Uuid,
    command: String,
    run: String,
    fingerprint: String,
    token: String,
    enrollment: String,
    view: String,
}

impl World {
    async fn new(app: &TestApp, admin: &Client, row: &str) -> Self {
        let (organization, site) = app.organization(&format!("World {}", app.app.env.random_id())).await;
        let mut world = Self {
            organization,
            site,
            agent: Uuid::nil(),
            older: Uuid::nil(),
            command: String::new(),
            run: String::new(),
            fingerprint: String::new(),
            token: String::new(),
            enrollment: String::new(),
            view: String::new(),
        };
        if ["/agents", "/commands", "/runs"].iter().any(|part| row.contains(part)) {
            let mut agent = AgentRow::new(organization, site, "pc");
            agent.server_host = row.ends_with("@host");
            let older = AgentRow { enrolled_at: start_of_time() - chrono::TimeDelta::days(1), ..agent.clone() };
            world.older = older.insert(app).await;
            if row.contains("/release") {
                agent = agent.quarantined(&["m1", "m2"]);
            }
            world.agent = agent.insert(app).await;
        }
        if row.contains("/api/commands/") {
            let command = admin.post(&format!("/api/agents/{}/commands", world.agent), command()).await.expect(201);
            command["id"].as_str().unwrap().clone_into(&mut world.command);
        }
        if row.contains("/api/runs") {
            let preview = admin.post("/api/runs/preview", json!({"target": world.target()})).await.expect(200);
            preview["fingerprint"].as_str().unwrap().clone_into(&mut world.fingerprint);
        }
        if row.contains("/api/runs/{id}") {
            let run = admin.post("/api/runs", world.order()).await.expect(201);
            run["id"].as_str().unwrap().clone_into(&mut world.run);
        }
        if row.contains("/enrollment-tokens/") {
            let made = admin.post("/api/enrollment-tokens", json!({"site_id": site})).await.expect(201);
            made["token"]["id"].as_str().unwrap().clone_into(&mut world.token);
        }
        if row.contains("/views/") {
            let made = admin.post("/api/views", world.view()).await.expect(201);
            made["id"].as_str().unwrap().clone_into(&mut world.view);
        }
        if row.contains("/agent/enroll") {
            world.enrollment = app.enrollment_token(organization, site).await;
        }
        world
    }

    fn target(&self) -> Value {
        json!({"agent_ids": [self.agent]})
    }

    fn order(&self) -> Value {
        let mut order = command();
        order["target"] = self.target();
        order["fingerprint"] = json!(self.fingerprint);
        order
    }

    fn path(&self, operation: &str) -> String {
        let template = operation.split(' ').nth(1).unwrap();
        let id = match template.split('/').nth(2).unwrap_or_default() {
            "organizations" => self.organization.to_string(),
            "sites" => self.site.to_string(),
            "agents" => self.agent.to_string(),
            "commands" => self.command.clone(),
            "runs" => self.run.clone(),
            "enrollment-tokens" => self.token.clone(),
            "views" => self.view.clone(),
            _ => String::new(),
        };
        // The only parameters that an operation cannot do without.
        let of_title = ["/api/software/agents", "/api/software/versions"].contains(&template);
        let query = match template {
            _ if of_title => "?title=Chrome&source=windows",
            "/api/search" => "?q=pc",
            "/api/views" if operation.starts_with("GET") => "?page=agents",
            _ => "",
        };
        format!("{}{query}", template.replace("{id}", &id))
    }

    fn body(&self, app: &TestApp, operation: &str) -> Option<Value> {
        let name = || json!({"name": format!("New {}", app.app.env.random_id())});
        Some(match operation {
            "POST /api/organizations" | "PATCH /api/organizations/{id}" => name(),
            "POST /api/organizations/{id}/sites" | "PATCH /api/sites/{id}" => name(),
            "POST /api/enrollment-tokens" => json!({"site_id": self.site}),
            "POST /api/views" => self.view(),
            "PATCH /api/views/{id}" => json!({"columns": ["name"]}),
            "PATCH /api/agents/{id}" => json!({"display_name": "Reception"}),
            "POST /api/agents/{id}/commands" => command(),
            "POST /api/runs" => self.order(),
            "POST /api/runs/preview" => json!({"target": self.target()}),
            "POST /api/agents/{id}/release" => json!({"machine_id": "m1"}),
            "POST /api/agents/{id}/merge" => json!({"into": self.older}),
            "POST /api/auth/register" | "POST /api/auth/login" => {
                let email = format!("{}@example.com", app.app.env.random_id().simple());
                let mut body = json!({"email": email, "password": "a long enough password"});
                if operation.ends_with("register") {
                    body["name"] = json!("Ada");
                }
                body
            }
            "POST /api/agent/identity" => json!({"nonce": Fingerprint::from_bytes([7; 32])}),
            "POST /api/agent/enroll" => self.enroll(app),
            _ => return None,
        })
    }

    fn view(&self) -> Value {
        json!({"page": "agents", "name": self.organization, "query": {}, "shared": "organization",
               "organization_id": self.organization})
    }

    fn enroll(&self, app: &TestApp) -> Value {
        let key = SigningKey::from_bytes(&app.app.env.bytes());
        let machine = MachineIdentity { machine_id: "m".into(), boot_id: "b".into(), hostname: "h".into() };
        let token = self.enrollment.parse().unwrap();
        let request = EnrollRequest::sign(&token, &key, Fingerprint::from_bytes([7; 32]), machine, "1.0.0", None);
        serde_json::to_value(request).unwrap()
    }
}

fn command() -> Value {
    json!({"program": {"kind": "exec", "argv": ["true"]}})
}

/// Somebody who calls. An agent has no credential here: its key's bytes are as good as any nonsense.
async fn caller(app: &TestApp, world: &World, who: &str) -> Client {
    match who {
        "anonymous" => app.anonymous(),
        "malformed" => app.with_token("nonsense"),
        "agent" => {
            let key: Option<Vec<u8>> = sqlx::query_scalar("SELECT public_key FROM agent_keys WHERE agent_id = $1")
                .bind(world.agent)
                .fetch_optional(&app.db)
                .await
                .unwrap();
            app.with_token(&URL_SAFE_NO_PAD.encode(key.unwrap_or_else(|| vec![7; 32])))
        }
        "dev_admin" => app.dev_admin().await,
        "admin" => app.admin().await,
        "org_admin" => app.member(world.organization, OrgRole::OrgAdmin).await,
        "technician" => app.member(world.organization, OrgRole::Technician).await,
        "viewer" => app.member(world.organization, OrgRole::Viewer).await,
        "outsider" => {
            let (other, _) = app.organization(&format!("Other {}", app.app.env.random_id())).await;
            app.member(other, OrgRole::OrgAdmin).await
        }
        _ => panic!("unknown caller {who}"),
    }
}

/// Every table but the audit log's as one text: what a refusal may not change.
async fn digest(app: &TestApp) -> String {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE 'audit%' ORDER BY 1",
    )
    .fetch_all(&app.db)
    .await
    .unwrap();
    let parts: Vec<_> = tables
        .iter()
        .map(|table| {
            format!(
                "SELECT '{table}' || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') AS d FROM {table} t"
            )
        })
        .collect();
    let query = format!("SELECT string_agg(d, ' ') FROM ({}) all_tables", parts.join(" UNION ALL "));
    sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&app.db).await.unwrap()
}

async fn newest_audit(app: &TestApp) -> i64 {
    sqlx::query_scalar("SELECT coalesce(max(id), 0) FROM audit_log").fetch_one(&app.db).await.unwrap()
}

/// Calls and answers the status, after checking that a refusal is a problem.
async fn call(client: &Client, method: Method, path: &str, body: Option<Value>) -> u16 {
    let mut request = client.request(method, path);
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    let (status, kind) = (response.status().as_u16(), response.headers().get("content-type").cloned());
    if status >= 400 {
        assert_eq!(kind.unwrap(), "application/problem+json", "{path}");
        let problem: Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
        assert_eq!(problem["status"], status, "{path}: {problem}");
        assert!(problem["request_id"].is_string() && problem["code"].is_string(), "{path}: {problem}");
    }
    status
}

/// One cell of the table.
async fn try_it(app: &TestApp, admin: &Client, row: &str, who: &str) -> u16 {
    let operation = row.trim_end_matches(" @host");
    let world = World::new(app, admin, row).await;
    let client = caller(app, &world, who).await;
    let method: Method = operation.split(' ').next().unwrap().parse().unwrap();
    let changes = method != Method::GET && !LOOKS.contains(&operation);
    let before = if method == Method::GET { String::new() } else { digest(app).await };
    let looks = LOOKS.contains(&operation);
    let newest = newest_audit(app).await;
    let status = call(&client, method, &world.path(operation), world.body(app, operation)).await;
    let outcomes: Vec<String> = sqlx::query_scalar("SELECT outcome FROM audit_log WHERE id > $1")
        .bind(newest)
        .fetch_all(&app.db)
        .await
        .unwrap();
    let known = !matches!(who, "anonymous" | "malformed" | "agent") && !OPEN.contains(&operation);
    let enrolled = operation == "POST /api/agent/enroll" && status == 201;
    let expected: &[&str] = match status {
        _ if !changes && !operation.ends_with("/export") => &[],
        200..300 if OF_MANY.contains(&operation) => &["success", "success"],
        200..300 if known || enrolled => &["success"],
        400.. if known => &["refused"],
        _ => &[],
    };
    assert_eq!(outcomes, expected, "audit rows of {row} as {who}: {status}");
    if looks || (changes && status >= 400) {
        assert_eq!(digest(app).await, before, "{row} as {who}: {status}, and something has changed");
    }
    status
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn every_operation_answers_every_caller_as_agreed(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.dev_admin().await;
    let mut lines = TABLE.lines();
    let header = lines.next().unwrap();
    let callers: Vec<_> = header.split_whitespace().skip(1).collect();
    let rows: Vec<_> = lines.map(|line| line[..44].trim_end()).collect();
    let mut table = format!("{header}\n");
    let mut succeeded = BTreeMap::<&str, bool>::new();
    for row in &rows {
        let _ = write!(table, "{row:44}");
        for who in &callers {
            let status = try_it(&app, &admin, row, who).await;
            *succeeded.entry(row).or_default() |= status < 400;
            let _ = write!(table, " {status:<width$}", width = who.len());
        }
        table.truncate(table.trim_end().len());
        table.push('\n');
    }
    assert!(table == TABLE, "the table as it is:\n{table}");
    let never: Vec<_> = succeeded.iter().filter(|(row, ok)| !**ok && !SUCCEED_ELSEWHERE.contains(row)).collect();
    assert!(never.is_empty(), "nobody may do {never:?}: then nothing was tested of it");
}

#[test]
fn the_table_has_every_operation_and_no_other() {
    let document = serde_json::to_value(api_document()).unwrap();
    let operations: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, item)| {
            item.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let rows: BTreeSet<String> =
        TABLE.lines().skip(1).map(|line| line[..44].trim_end().trim_end_matches(" @host").to_owned()).collect();
    let missing: Vec<_> = operations.difference(&rows).collect();
    let gone: Vec<_> = rows.difference(&operations).collect();
    assert!(missing.is_empty() && gone.is_empty(), "missing in the table: {missing:?}; not in the API: {gone:?}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_first_account_and_a_login_leave_one_audit_row_each(db: PgPool) {
    let app = TestApp::new(db).await;
    let body = json!({"email": "ada@example.com", "password": "a long enough password", "name": "Ada"});
    app.anonymous().post("/api/auth/register", body).await.expect(201);
    let login = json!({"email": "ada@example.com", "password": "a long enough password"});
    app.anonymous().post("/api/auth/login", login).await.expect(200);
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT action, outcome FROM audit_log ORDER BY id").fetch_all(&app.db).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|(action, outcome)| (action.as_str(), outcome.as_str())).collect();
    assert_eq!(rows, [("user.bootstrap", "success"), ("user.login", "success")]);
}
