//! Agents as people see and change them.

use chrono::TimeDelta;
use gururmm_server::agents::decommission::end_abandoned;
use gururmm_server::authz::{GlobalRole, OrgRole};
use gururmm_server::hub::bus::AgentSignal;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::fleet::{AgentRow, column};
use crate::support::{Client, TestApp, start_of_time};

async fn names(client: &Client, query: &str) -> Vec<String> {
    column(&client.get(&format!("/api/agents?{query}")).await.expect(200), "name")
}

async fn keys_of(app: &TestApp, agent: Uuid) -> (i64, i64) {
    sqlx::query_as(
        "SELECT count(*) FILTER (WHERE revoked_at IS NULL), count(*) FILTER (WHERE revoked_at IS NOT NULL)
         FROM agent_keys WHERE agent_id = $1",
    )
    .bind(agent)
    .fetch_one(&app.db)
    .await
    .unwrap()
}

async fn run_something(client: &Client, agent: Uuid) -> Value {
    let body = json!({"program": {"kind": "exec", "argv": ["true"]}});
    client.post(&format!("/api/agents/{agent}/commands"), body).await.expect(201)
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn every_filter_finds_its_agents_and_the_count_agrees(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let (beta, beta_hq) = app.organization("Beta").await;
    let windows = Some(("windows", "Windows Server 2022", "domain_controller"));
    AgentRow { os: windows, address: Some("203.0.113.7"), ..AgentRow::new(acme, hq, "dc1").online() }
        .insert(&app)
        .await;
    let linux = Some(("linux", "Debian GNU/Linux 12", "server"));
    let web = AgentRow { os: linux, display_name: Some("Shop 100%".into()), ..AgentRow::new(acme, hq, "web_1") };
    web.offline(TimeDelta::hours(2)).insert(&app).await;
    AgentRow::new(beta, beta_hq, "webx1").insert(&app).await;
    AgentRow::new(beta, beta_hq, "clone").quarantined(&["m1", "m2"]).offline(TimeDelta::hours(1)).insert(&app).await;
    AgentRow { state: "decommissioned", ..AgentRow::new(beta, beta_hq, "gone") }.insert(&app).await;
    let admin = app.admin().await;
    let cases = [
        (String::new(), vec!["clone", "dc1", "Shop 100%", "webx1"]),
        (format!("organization_id={acme}"), vec!["dc1", "Shop 100%"]),
        (format!("site_id={beta_hq}"), vec!["clone", "webx1"]),
        (format!("organization_id={acme}&site_id={beta_hq}"), vec![]),
        ("presence=online".into(), vec!["dc1"]),
        ("presence=offline".into(), vec!["clone", "Shop 100%"]),
        ("presence=never".into(), vec!["webx1"]),
        ("presence=reconnecting".into(), vec![]),
        ("os_family=linux".into(), vec!["Shop 100%"]),
        ("role=domain_controller".into(), vec!["dc1"]),
        ("role=server".into(), vec!["Shop 100%"]),
        ("role=any_server".into(), vec!["dc1", "Shop 100%"]),
        ("role=workstation".into(), vec![]),
        ("role=unknown".into(), vec!["clone", "webx1"]),
        ("state=quarantined".into(), vec!["clone"]),
        ("state=decommissioned".into(), vec!["gone"]),
        ("q=web_".into(), vec!["Shop 100%"]),
        ("q=100%25".into(), vec!["Shop 100%"]),
        ("q=SERVER%202022".into(), vec!["dc1"]),
        ("q=203.0.113.".into(), vec!["dc1"]),
        ("q=%5C".into(), vec![]),
        ("q=web&presence=never".into(), vec!["webx1"]),
    ];
    for (query, expected) in cases {
        assert_eq!(names(&admin, &query).await, expected, "{query}");
        let count = admin.get(&format!("/api/agents/count?{query}")).await.expect(200);
        assert_eq!(count["total"], json!(expected.len()), "{query}");
    }
    let count = admin.get("/api/agents/count").await.expect(200);
    let expected = json!({"total": 4, "online": 1, "offline": 2, "reconnecting": 0, "never": 1, "quarantined": 1,
                          "attention": 2});
    assert_eq!(count, expected);
    for bad in [
        "presence=maybe",
        "os_family=",
        "state=x",
        "sort=colour",
        "role=1",
        "role=unknown-word",
        "q=%00",
        "site_id=1",
        "limit=0",
        "x=y",
        "attention=true",
    ] {
        admin.get(&format!("/api/agents?{bad}")).await.expect_problem(422, "invalid");
    }
    let evil = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        r#"{"name":["\u0000","00000000-0000-0000-0000-000000000001"]}"#,
    );
    admin.get(&format!("/api/agents?cursor={evil}")).await.expect_problem(422, "invalid");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn sorts_put_never_seen_agents_where_they_belong(db: PgPool) {
    let app = TestApp::new(db).await;
    let (zoo, zoo_hq) = app.organization("zoo").await;
    let (acme, hq) = app.organization("Acme").await;
    AgentRow::new(zoo, zoo_hq, "b").online().insert(&app).await;
    AgentRow::new(acme, hq, "C").offline(TimeDelta::days(1)).insert(&app).await;
    AgentRow::new(acme, hq, "a").insert(&app).await;
    let admin = app.admin().await;
    assert_eq!(names(&admin, "sort=name").await, ["a", "b", "C"]);
    assert_eq!(names(&admin, "sort=-name").await, ["C", "b", "a"]);
    assert_eq!(names(&admin, "sort=last_seen").await, ["a", "C", "b"]);
    assert_eq!(names(&admin, "sort=-last_seen").await, ["b", "C", "a"]);
    assert_eq!(names(&admin, "sort=organization").await, ["a", "C", "b"]);
    assert_eq!(names(&admin, "sort=-organization").await, ["b", "C", "a"]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn those_that_need_somebody_come_first_servers_before_the_rest(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let controller = Some(("windows", "Windows Server 2022", "domain_controller"));
    let server = Some(("windows", "Windows Server 2022", "server"));
    let laptop = Some(("windows", "Windows 11", "workstation"));
    let row = |name: &str, os| AgentRow { os, ..AgentRow::new(acme, hq, name) };
    let restarts = |row: AgentRow| AgentRow { pending_reboot: Some(true), ..row };
    restarts(row("a laptop to restart", laptop)).online().insert(&app).await;
    row("b fine laptop", laptop).online().insert(&app).await;
    row("c fine server", server).online().insert(&app).await;
    restarts(row("d full laptop", laptop)).online().reading(1.0, 1, 98).insert(&app).await;
    restarts(row("e server to restart", server)).online().insert(&app).await;
    row("f full server", server).online().reading(1.0, 1, 93).insert(&app).await;
    row("G full server", server).online().reading(1.0, 1, 99).insert(&app).await;
    row("h server away", server).offline(TimeDelta::hours(1)).insert(&app).await;
    row("i full controller", controller).online().reading(1.0, 1, 93).insert(&app).await;
    row("j laptop away", laptop).offline(TimeDelta::days(8)).insert(&app).await;
    row("k laptop cut off", laptop).quarantined(&["m1", "m2"]).insert(&app).await;
    let admin = app.admin().await;
    let worst_first = [
        "i full controller",
        "h server away",
        "f full server",
        "G full server",
        "k laptop cut off",
        "j laptop away",
        "d full laptop",
        "e server to restart",
        "a laptop to restart",
        "c fine server",
        "b fine laptop",
    ];
    assert_eq!(names(&admin, "sort=attention").await, worst_first);
    let mut best_first = names(&admin, "sort=-attention").await;
    best_first.reverse();
    assert_eq!(best_first, worst_first);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_passing_of_time_moves_no_agent_between_two_pages(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let server = Some(("windows", "Windows Server 2022", "server"));
    for (name, minutes) in [("a", 20), ("b", 9), ("c", 20)] {
        let row = AgentRow { os: server, ..AgentRow::new(acme, hq, name) };
        row.offline(TimeDelta::minutes(minutes)).insert(&app).await;
    }
    let admin = app.admin().await;
    let first = admin.get("/api/agents?sort=attention&limit=1").await.expect(200);
    assert_eq!(column(&first, "name"), ["a"]);
    app.advance(TimeDelta::minutes(2));
    assert_eq!(names(&admin, "sort=attention").await, ["a", "b", "c"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    assert_eq!(names(&admin, &format!("sort=attention&cursor={cursor}")).await, ["c", "b"]);
    for other in ["sort=name", "sort=volume", ""] {
        let path = format!("/api/agents?{other}&cursor={cursor}");
        admin.get(&path).await.expect_problem(422, "invalid");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn nobody_is_online_without_a_valid_lease(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let id = AgentRow::new(acme, hq, "pc").online().insert(&app).await;
    let admin = app.admin().await;
    let presence = async || admin.get(&format!("/api/agents/{id}")).await.expect(200)["presence"]["state"].clone();
    assert_eq!(presence().await, "online");
    app.advance(TimeDelta::seconds(61));
    assert_eq!(presence().await, "reconnecting");
    assert_eq!(names(&admin, "presence=reconnecting").await, ["pc"]);
    assert_eq!(names(&admin, "presence=online").await, [""; 0]);
    app.advance(TimeDelta::seconds(90));
    assert_eq!(presence().await, "offline");
    assert_eq!(admin.get("/api/agents/count").await.expect(200)["offline"], 1);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn members_see_and_count_only_their_own_agents_whatever_they_filter(db: PgPool) {
    let app = TestApp::new(db).await;
    let (ours, our_site) = app.organization("Ours").await;
    let (theirs, their_site) = app.organization("Theirs").await;
    AgentRow::new(ours, our_site, "ours").online().insert(&app).await;
    let os = Some(("linux", "Debian", "server"));
    let foreign = AgentRow { os, ..AgentRow::new(theirs, their_site, "theirs").online() }.insert(&app).await;
    let viewer = app.member(ours, OrgRole::Viewer).await;
    for query in [
        format!("organization_id={theirs}"),
        format!("site_id={their_site}"),
        "q=theirs".into(),
        "os_family=linux".into(),
        "role=server".into(),
    ] {
        assert_eq!(names(&viewer, &query).await, [""; 0], "{query}");
        let count = viewer.get(&format!("/api/agents/count?{query}")).await.expect(200);
        assert_eq!((&count["total"], &count["online"]), (&json!(0), &json!(0)), "{query}");
    }
    for query in ["", "presence=online", "state=active", "sort=-organization"] {
        assert_eq!(names(&viewer, query).await, ["ours"], "{query}");
        let query = query.replace("sort=-organization", "");
        assert_eq!(viewer.get(&format!("/api/agents/count?{query}")).await.expect(200)["total"], 1);
    }
    viewer.get(&format!("/api/agents/{foreign}")).await.expect_problem(404, "not_found");
    let nobody = app.user(GlobalRole::User, &[]).await;
    assert_eq!(names(&nobody, "").await, [""; 0]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn permissions_say_what_the_caller_may_do_and_why_not(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let plain = AgentRow::new(acme, hq, "pc").insert(&app).await;
    let host = AgentRow { server_host: true, ..AgentRow::new(acme, hq, "host") }.insert(&app).await;
    let gone = AgentRow { state: "decommissioned", ..AgentRow::new(acme, hq, "gone") }.insert(&app).await;
    let clone = AgentRow::new(acme, hq, "clone").quarantined(&["a"]).insert(&app).await;
    let permissions = async |client: &Client, id: Uuid| {
        client.get(&format!("/api/agents/{id}")).await.expect(200)["permissions"].clone()
    };
    let technician = app.member(acme, OrgRole::Technician).await;
    let viewer = app.member(acme, OrgRole::Viewer).await;
    let yes = json!({"allowed": true, "reason": null});
    let all = permissions(&technician, plain).await;
    assert_eq!((&all["command"], &all["edit"], &all["decommission"]), (&yes, &yes, &yes));
    let none = permissions(&viewer, plain).await;
    for action in ["command", "edit", "decommission"] {
        assert_eq!(none[action]["allowed"], false);
        assert!(none[action]["reason"].as_str().unwrap().contains("technician"), "{none}");
    }
    assert!(permissions(&app.admin().await, host).await["command"]["reason"].as_str().unwrap().contains("dev_admin"));
    assert_eq!(permissions(&app.dev_admin().await, host).await["command"], yes);
    assert!(permissions(&technician, gone).await["edit"]["reason"].as_str().unwrap().contains("decommissioned"));
    let cut = permissions(&technician, clone).await;
    assert!(cut["command"]["reason"].as_str().unwrap().contains("quarantined"));
    assert_eq!(cut["edit"], yes);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_is_renamed_and_moved_within_its_organization(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let (_, foreign_site) = app.organization("Other").await;
    let id = AgentRow::new(acme, hq, "pc").insert(&app).await;
    let path = format!("/api/agents/{id}");
    let technician = app.member(acme, OrgRole::Technician).await;
    let org_admin = app.member(acme, OrgRole::OrgAdmin).await;
    let depot = org_admin.post(&format!("/api/organizations/{acme}/sites"), json!({"name": "Depot"})).await.expect(201);
    let named = technician.patch(&path, json!({"display_name": " Reception "})).await.expect(200);
    assert_eq!((&named["name"], &named["hostname"]), (&json!("Reception"), &json!("pc")));
    let moved = technician.patch(&path, json!({"site_id": depot["id"]})).await.expect(200);
    assert_eq!((&moved["name"], &moved["site_name"]), (&json!("Reception"), &json!("Depot")));
    let reset = technician.patch(&path, json!({"display_name": null})).await.expect(200);
    assert_eq!((&reset["name"], &reset["display_name"]), (&json!("pc"), &Value::Null));
    let bad = json!({"display_name": "", "site_id": foreign_site});
    let problem = technician.patch(&path, bad).await.expect_problem(422, "invalid");
    let fields: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    assert_eq!(fields, ["display_name", "site_id"]);
    let half = json!({"display_name": "Half", "site_id": foreign_site});
    technician.patch(&path, half).await.expect_problem(422, "invalid");
    assert_eq!(technician.get(&path).await.expect(200), reset, "nothing of a refused change stays");
    org_admin.delete(&format!("/api/sites/{hq}")).await.expect(204);
    technician.patch(&path, json!({"site_id": hq})).await.expect_problem(422, "invalid");
    sqlx::query("UPDATE agents SET state = 'decommissioned'").execute(&app.db).await.unwrap();
    technician.patch(&path, json!({"display_name": "x"})).await.expect_problem(409, "decommissioned");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_connected_agent_is_told_to_leave_and_its_waiting_commands_are_cancelled(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let id = AgentRow::new(acme, hq, "pc").online().insert(&app).await;
    let technician = app.member(acme, OrgRole::Technician).await;
    let command = run_something(&technician, id).await;
    let inbox = app.app.hub.bus.subscribe_agent(id);
    let path = format!("/api/agents/{id}");
    let answer = technician.delete(&format!("{path}?uninstall=true")).await.expect(202);
    assert_eq!(answer["state"], "decommissioning");
    let signals = inbox.next().await;
    assert!(signals.has(AgentSignal::Work) && signals.has(AgentSignal::Standing));
    assert_eq!(keys_of(&app, id).await, (1, 0), "it must be able to come for its order");
    let ended = technician.get(&format!("/api/commands/{}", command["id"].as_str().unwrap())).await.expect(200);
    assert_eq!((&ended["state"], &ended["reason"]), (&json!("cancelled"), &json!("the agent was decommissioned")));
    let orders = app.orders(id).await;
    assert_eq!(orders.len(), 1);
    let server_key = app.app.keys.server_key();
    let expect = gururmm_protocol::envelope::Expectation {
        server_key: &server_key,
        agent_id: id,
        epoch: 1,
        now: start_of_time(),
    };
    let (_, action) = orders[0].open(&expect).unwrap();
    assert_eq!(action, gururmm_protocol::envelope::Action::Decommission { uninstall: true });
    technician.delete(&path).await.expect(202);
    assert_eq!(app.orders(id).await.len(), 1, "told once");
    assert_eq!(names(&technician, "").await, ["pc"], "shown until it has obeyed");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_that_cannot_obey_ends_at_once_and_its_history_stays(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let never = AgentRow::new(acme, hq, "never").insert(&app).await;
    let clone = AgentRow::new(acme, hq, "clone").quarantined(&["a", "b"]).online().insert(&app).await;
    let revoked = AgentRow::new(acme, hq, "revoked").online().insert(&app).await;
    sqlx::query("UPDATE agent_keys SET revoked_at = now() WHERE agent_id = $1")
        .bind(revoked)
        .execute(&app.db)
        .await
        .unwrap();
    let technician = app.member(acme, OrgRole::Technician).await;
    let command = run_something(&technician, never).await;
    for id in [never, clone, revoked] {
        let answer = technician.delete(&format!("/api/agents/{id}")).await.expect(202);
        assert_eq!((&answer["state"], &answer["quarantine"]), (&json!("decommissioned"), &Value::Null));
        assert_eq!(keys_of(&app, id).await, (0, 1));
        technician.delete(&format!("/api/agents/{id}")).await.expect(202);
    }
    assert_eq!(names(&technician, "").await, [""; 0]);
    assert_eq!(names(&technician, "state=decommissioned").await, ["clone", "never", "revoked"]);
    let history = technician.get(&format!("/api/agents/{never}/commands")).await.expect(200);
    assert_eq!(history["items"][0]["id"], command["id"]);
    assert_eq!(history["items"][0]["state"], "cancelled");
    let audit =
        app.member(acme, OrgRole::OrgAdmin).await.get(&format!("/api/audit?agent_id={never}")).await.expect(200);
    assert_eq!(column(&audit, "action"), ["agent.decommission", "agent.decommission", "command.create"]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_that_never_comes_for_its_order_ends_when_the_order_does(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let id = AgentRow::new(acme, hq, "pc").offline(TimeDelta::days(1)).insert(&app).await;
    let stays = AgentRow::new(acme, hq, "stays").online().insert(&app).await;
    app.admin().await.delete(&format!("/api/agents/{id}")).await.expect(202);
    app.advance(TimeDelta::days(30) - TimeDelta::seconds(1));
    assert_eq!(end_abandoned(&app.app).await.unwrap(), 0);
    app.advance(TimeDelta::seconds(1));
    assert_eq!(end_abandoned(&app.app).await.unwrap(), 1);
    assert_eq!(end_abandoned(&app.app).await.unwrap(), 0);
    let state: String =
        sqlx::query_scalar("SELECT state FROM agents WHERE id = $1").bind(id).fetch_one(&app.db).await.unwrap();
    assert_eq!(state, "decommissioned");
    assert_eq!(keys_of(&app, id).await, (0, 1));
    assert_eq!(keys_of(&app, stays).await, (1, 0));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_quarantine_ends_for_one_machine_and_the_others_are_refused_for_good(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let id = AgentRow::new(acme, hq, "pc").quarantined(&["m1", "m2", "m3"]).insert(&app).await;
    let technician = app.member(acme, OrgRole::Technician).await;
    let path = format!("/api/agents/{id}");
    let shown = technician.get(&path).await.expect(200);
    assert_eq!(shown["quarantine"]["reason"], "two machines");
    assert_eq!(shown["quarantine"]["machines"][1]["machine_id"], "m2");
    let release = |machine: &str| (format!("{path}/release"), json!({"machine_id": machine}));
    let (to, body) = release("m4");
    let problem = technician.post(&to, body).await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "machine_id");
    let (to, body) = release("m2\u{0}");
    technician.post(&to, body).await.expect_problem(422, "invalid");
    let (to, body) = release("m2");
    let released = technician.post(&to, body.clone()).await.expect(200);
    assert_eq!((&released["state"], &released["quarantine"]), (&json!("active"), &Value::Null));
    assert_eq!((&released["machine_id"], &released["hostname"]), (&json!("m2"), &json!("host of m2")));
    assert_eq!(released["boot_id"], "boot of m2");
    let rejected: Vec<String> =
        sqlx::query_scalar("SELECT rejected_machine_ids FROM agents").fetch_one(&app.db).await.unwrap();
    assert_eq!(rejected, ["m1", "m3"]);
    technician.post(&to, body).await.expect_problem(409, "not_quarantined");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_merged_record_gives_its_key_to_the_older_one(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let earlier = start_of_time() - TimeDelta::days(9);
    let mut older = AgentRow { enrolled_at: earlier, ..AgentRow::new(acme, hq, "pc-old") };
    older.display_name = Some("Reception".into());
    let older = older.offline(TimeDelta::days(3)).insert(&app).await;
    let mut newer = AgentRow { duplicate_of: Some(older), ..AgentRow::new(acme, hq, "pc-new").online() };
    newer.machine_id = "machine of pc-old".into();
    let newer = newer.insert(&app).await;
    let key: Vec<u8> = sqlx::query_scalar("SELECT public_key FROM agent_keys WHERE agent_id = $1")
        .bind(newer)
        .fetch_one(&app.db)
        .await
        .unwrap();
    let technician = app.member(acme, OrgRole::Technician).await;
    let waiting = run_something(&technician, older).await;
    let lost = run_something(&technician, newer).await;
    let shown = technician.get(&format!("/api/agents/{newer}")).await.expect(200);
    assert_eq!(shown["duplicate_of"], json!({"id": older, "name": "Reception"}));
    let (old_inbox, new_inbox) = (app.app.hub.bus.subscribe_agent(older), app.app.hub.bus.subscribe_agent(newer));
    let merged = technician.post(&format!("/api/agents/{newer}/merge"), json!({"into": older})).await.expect(200);
    assert_eq!(
        (&merged["id"], &merged["name"], &merged["hostname"]),
        (&json!(older), &json!("Reception"), &json!("pc-new"))
    );
    assert!(old_inbox.next().await.has(AgentSignal::Standing) && new_inbox.next().await.has(AgentSignal::Standing));
    let owner: Uuid =
        sqlx::query_scalar("SELECT agent_id FROM agent_keys WHERE public_key = $1 AND revoked_at IS NULL")
            .bind(&key)
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!(owner, older);
    assert_eq!((keys_of(&app, older).await, keys_of(&app, newer).await), ((1, 1), (0, 0)));
    let state = async |command: &Value| {
        technician.get(&format!("/api/commands/{}", command["id"].as_str().unwrap())).await.expect(200)["state"].clone()
    };
    assert_eq!((state(&waiting).await, state(&lost).await), (json!("queued"), json!("cancelled")));
    let into: Option<Uuid> = sqlx::query_scalar("SELECT merged_into FROM agents WHERE id = $1")
        .bind(newer)
        .fetch_one(&app.db)
        .await
        .unwrap();
    assert_eq!(into, Some(older));
    let ended = technician.get(&format!("/api/agents/{newer}")).await.expect(200);
    assert_eq!(ended["merged_into"], json!({"id": older, "name": "Reception"}));
    assert_eq!((&ended["duplicate_of"], &merged["merged_into"]), (&Value::Null, &Value::Null));
    technician
        .post(&format!("/api/agents/{newer}/merge"), json!({"into": older}))
        .await
        .expect_problem(409, "agent_state");
}

/// Whoever is told that something failed may believe it: the answer is read before the change is saved, not after it.
#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_change_whose_answer_cannot_be_read_is_not_made(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let earlier = start_of_time() - TimeDelta::days(9);
    let older = AgentRow { enrolled_at: earlier, ..AgentRow::new(acme, hq, "older") }.insert(&app).await;
    let newer = AgentRow::new(acme, hq, "newer").online().insert(&app).await;
    let cut_off = AgentRow::new(acme, hq, "cut off").quarantined(&["m1", "m2"]).insert(&app).await;
    let technician = app.member(acme, OrgRole::Technician).await;
    let stored = async || -> Vec<(Uuid, String, String)> {
        sqlx::query_as("SELECT id, name, state FROM agents ORDER BY id").fetch_all(&app.db).await.unwrap()
    };
    let before = stored().await;
    // Read for the answer only.
    sqlx::query("ALTER TABLE agent_readings_latest RENAME TO away").execute(&app.db).await.unwrap();
    let path = |id: Uuid| format!("/api/agents/{id}");
    let answers = [
        technician.patch(&path(newer), json!({"display_name": "Reception"})).await,
        technician.delete(&path(newer)).await,
        technician.post(&format!("{}/release", path(cut_off)), json!({"machine_id": "m1"})).await,
        technician.post(&format!("{}/merge", path(newer)), json!({"into": older})).await,
    ];
    for answer in answers {
        answer.expect_problem(500, "internal");
    }
    assert_eq!(stored().await, before);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn merges_that_make_no_sense_are_refused_and_change_nothing(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let (other, other_hq) = app.organization("Other").await;
    let earlier = start_of_time() - TimeDelta::days(9);
    let row = |organization, site, name| AgentRow { enrolled_at: earlier, ..AgentRow::new(organization, site, name) };
    let older = row(acme, hq, "older").insert(&app).await;
    let foreign = row(other, other_hq, "foreign").insert(&app).await;
    let cut_off = row(acme, hq, "cut off").quarantined(&["x"]).insert(&app).await;
    let gone = AgentRow { state: "decommissioned", ..row(acme, hq, "gone") }.insert(&app).await;
    let host = AgentRow { server_host: true, ..row(acme, hq, "host") }.insert(&app).await;
    let newer = AgentRow::new(acme, hq, "newer").insert(&app).await;
    let admin = app.admin().await;
    let merge =
        async |from: Uuid, into: Uuid| admin.post(&format!("/api/agents/{from}/merge"), json!({"into": into})).await;
    for (from, into) in [(older, newer), (newer, newer), (newer, foreign), (newer, app.app.env.id())] {
        let problem = merge(from, into).await.expect_problem(422, "invalid");
        assert_eq!(problem["errors"][0]["field"], "into");
    }
    for into in [cut_off, gone] {
        merge(newer, into).await.expect_problem(409, "agent_state");
    }
    merge(newer, host).await.expect_problem(403, "forbidden");
    merge(app.app.env.id(), older).await.expect_problem(404, "not_found");
    for id in [older, foreign, cut_off, newer] {
        assert_eq!(keys_of(&app, id).await, (1, 0));
    }
    let (first, second) = tokio::join!(merge(newer, older), merge(newer, older));
    let mut statuses = [first.status, second.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
}
