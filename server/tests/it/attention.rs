//! Which machines need somebody and why, and lists by what was measured last.

use chrono::TimeDelta;
use gururmm_server::authz::OrgRole;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::fleet::{AgentRow, ReadingRow, column};
use crate::support::{Client, TestApp, start_of_time};

const SERVER: Option<(&str, &str, &str)> = Some(("windows", "Windows Server 2022", "server"));
const WORKSTATION: Option<(&str, &str, &str)> = Some(("windows", "Windows 11", "workstation"));

async fn names(client: &Client, query: &str) -> Vec<String> {
    column(&client.get(&format!("/api/agents?{query}")).await.expect(200), "name")
}

/// The reasons of every agent, by name; an agent without any is left out.
async fn reasons(client: &Client) -> Vec<(String, Vec<String>)> {
    let page = client.get("/api/agents?limit=200").await.expect(200);
    let of = |row: &Value| {
        let reasons = row["attention"].as_array().unwrap().iter();
        (
            row["name"].as_str().unwrap().to_owned(),
            reasons.map(|each| each["reason"].as_str().unwrap().to_owned()).collect::<Vec<_>>(),
        )
    };
    page["items"].as_array().unwrap().iter().map(of).filter(|(_, reasons)| !reasons.is_empty()).collect()
}

fn expected(rows: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    rows.iter().map(|(name, all)| ((*name).to_owned(), all.iter().map(|each| (*each).to_owned()).collect())).collect()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn each_reason_begins_at_its_bound_and_the_filter_the_rows_and_the_count_agree(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let row = |name: &str| AgentRow::new(acme, hq, name);
    let second = TimeDelta::seconds(1);
    row("a fine one").online().reading(99.0, 99, 91).insert(&app).await;
    row("b cut off").quarantined(&["m1", "m2"]).offline(TimeDelta::days(90)).reading(0.0, 0, 99).insert(&app).await;
    let (minutes, days, hour) = (TimeDelta::minutes(10), TimeDelta::days(7), TimeDelta::hours(1));
    AgentRow { os: SERVER, ..row("c server") }.offline(minutes).insert(&app).await;
    AgentRow { os: SERVER, ..row("d server") }.offline(minutes - second).insert(&app).await;
    AgentRow { os: WORKSTATION, ..row("e laptop") }.offline(days).insert(&app).await;
    AgentRow { os: WORKSTATION, ..row("f laptop") }.offline(days - second).insert(&app).await;
    row("g not told").offline(days).insert(&app).await;
    AgentRow { enrolled_at: start_of_time() - hour, ..row("h silent") }.insert(&app).await;
    AgentRow { enrolled_at: start_of_time() - hour + second, ..row("i new") }.insert(&app).await;
    row("j full").online().reading(0.0, 0, 92).insert(&app).await;
    AgentRow { pending_reboot: Some(true), ..row("k restart") }.online().reading(0.0, 0, 97).insert(&app).await;
    let leaving = AgentRow { pending_reboot: Some(true), state: "decommissioning", ..row("l leaving") };
    leaving.offline(days).reading(0.0, 0, 99).insert(&app).await;
    let gone = AgentRow { pending_reboot: Some(true), state: "decommissioned", ..row("m gone") };
    gone.reading(0.0, 0, 99).insert(&app).await;

    let viewer = app.member(acme, OrgRole::Viewer).await;
    let wanted = expected(&[
        ("b cut off", &["quarantined"]),
        ("c server", &["offline"]),
        ("e laptop", &["offline"]),
        ("g not told", &["offline"]),
        ("h silent", &["never_connected"]),
        ("j full", &["volume_full"]),
        ("k restart", &["volume_full", "pending_reboot"]),
    ]);
    assert_eq!(reasons(&viewer).await, wanted);
    let of = |reason: &str| -> Vec<String> {
        let has = |all: &Vec<String>| reason == "any" || all.iter().any(|each| each == reason);
        wanted.iter().filter(|(_, all)| has(all)).map(|(name, _)| name.clone()).collect()
    };
    for reason in ["any", "quarantined", "clash", "offline", "never_connected", "volume_full", "pending_reboot"] {
        let found = names(&viewer, &format!("attention={reason}")).await;
        assert_eq!(found, of(reason), "{reason}");
        let count = viewer.get(&format!("/api/agents/count?attention={reason}")).await.expect(200);
        assert_eq!((&count["total"], &count["attention"]), (&json!(found.len()), &json!(found.len())), "{reason}");
    }
    assert_eq!(viewer.get("/api/agents/count").await.expect(200)["attention"], 7);
    let twice = names(&viewer, "attention=any&presence=online&q=full").await;
    assert_eq!(twice, ["j full"], "with other filters, both must hold");
    app.advance(second);
    let later = names(&viewer, "attention=any").await;
    for name in ["d server", "f laptop", "i new"] {
        assert!(later.iter().any(|each| each == name), "{name} a second later: {later:?}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn each_reason_is_said_in_words_with_its_beginning(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let row = |name: &str| AgentRow::new(acme, hq, name);
    let (admin, started) = (app.admin().await, start_of_time());
    let said = async |id: Uuid| admin.get(&format!("/api/agents/{id}")).await.expect(200)["attention"].clone();
    let since = |ago: TimeDelta| json!(started - ago);
    let cut_off = row("a").quarantined(&["m1", "m2"]).insert(&app).await;
    let server = AgentRow { os: SERVER, ..row("b") }.offline(TimeDelta::hours(3)).insert(&app).await;
    let laptop = row("c").offline(TimeDelta::days(8)).insert(&app).await;
    let silent = AgentRow { enrolled_at: started - TimeDelta::hours(2), ..row("d") }.insert(&app).await;
    let full = AgentRow { pending_reboot: Some(true), ..row("e") }.online().reading(0.0, 0, 97).insert(&app).await;
    let words = |reason: &str, words: &str, since: Value| json!({"reason": reason, "words": words, "since": since});
    let cases = [
        (cut_off, json!([words("quarantined", "Two machines use its key", since(TimeDelta::zero()))])),
        (server, json!([words("offline", "Server offline over 10 min", since(TimeDelta::hours(3)))])),
        (laptop, json!([words("offline", "Offline over 7 days", since(TimeDelta::days(8)))])),
        (silent, json!([words("never_connected", "Enrolled, never connected", since(TimeDelta::hours(2)))])),
        (
            full,
            json!([
                words("volume_full", "/ is 97 % full", Value::Null),
                words("pending_reboot", "Waits for a restart", Value::Null)
            ]),
        ),
    ];
    for (id, expected) in cases {
        assert_eq!(said(id).await, expected);
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_clash_lasts_while_both_records_claim_the_machine(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let older = AgentRow::new(acme, hq, "pc").online().insert(&app).await;
    let mut newer = AgentRow { duplicate_of: Some(older), ..AgentRow::new(acme, hq, "pc").online() };
    newer.display_name = Some("newer".into());
    let newer = newer.insert(&app).await;
    let admin = app.admin().await;
    let clash = async || {
        let shown = admin.get(&format!("/api/agents/{newer}")).await.expect(200)["duplicate_of"].clone();
        let listed = names(&admin, "attention=clash").await;
        assert_eq!(shown.is_null(), listed.is_empty(), "the page and the list say the same");
        assert!(shown.is_null() || (shown["id"] == json!(older) && listed == ["newer"]));
        !shown.is_null()
    };
    assert!(clash().await);
    let set = async |sql: &'static str, id: Uuid| sqlx::query(sql).bind(id).execute(&app.db).await.map(|_| ()).unwrap();
    set("UPDATE agents SET state = 'quarantined' WHERE id = $1", older).await;
    assert!(clash().await);
    set("UPDATE agents SET state = 'active', machine_id = 'another' WHERE id = $1", older).await;
    assert!(!clash().await, "the older record stands for another machine now");
    set("UPDATE agents SET machine_id = 'machine of pc' WHERE id = $1", older).await;
    assert!(clash().await);
    let viewer = app.member(acme, OrgRole::Viewer).await;
    let path = format!("/api/agents/{newer}");
    viewer.patch(&path, json!({"duplicate_of": null})).await.expect_problem(403, "forbidden");
    let problem = admin.patch(&path, json!({"duplicate_of": older})).await.expect_problem(422, "invalid");
    assert_eq!(problem["errors"][0]["field"], "duplicate_of");
    admin.patch(&path, json!({"display_name": "newer"})).await.expect(200);
    assert!(clash().await, "another change says nothing about it");
    admin.patch(&path, json!({"duplicate_of": null})).await.expect(200);
    assert!(!clash().await, "somebody said that they are two machines");
    sqlx::query("UPDATE agents SET duplicate_of = $2 WHERE id = $1")
        .bind(newer)
        .bind(older)
        .execute(&app.db)
        .await
        .unwrap();
    assert!(clash().await);
    for sql in [
        "UPDATE agents SET state = 'decommissioning' WHERE id = $1",
        "UPDATE agents SET state = 'decommissioned' WHERE id = $1",
    ] {
        set(sql, older).await;
        assert!(!clash().await, "{sql}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn lists_by_readings_go_by_share_and_end_with_what_is_not_known(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, hq) = app.organization("Acme").await;
    let row = |name: &str| AgentRow::new(acme, hq, name);
    row("low").reading(1.5, 70, 10).insert(&app).await;
    row("high").reading(99.9, 10, 95).insert(&app).await;
    // A large disk that is less full in share than a small one.
    let reading = ReadingRow { cpu_percent: 50.0, memory: (30, 100), volume: Some((i64::MAX / 4 * 3, i64::MAX)) };
    AgentRow { reading: Some(reading), ..row("mid") }.insert(&app).await;
    // Nothing of these is known.
    row("x").online().insert(&app).await;
    let reading = ReadingRow { cpu_percent: 1.25, memory: (0, 0), volume: None };
    AgentRow { reading: Some(reading), ..row("y") }.insert(&app).await;
    let admin = app.admin().await;
    let known = async |sort: &str, known: usize| {
        let all = names(&admin, &format!("sort={sort}")).await;
        assert_eq!(all.len(), 5);
        all[..known].to_vec()
    };
    assert_eq!(known("-volume", 3).await, ["high", "mid", "low"]);
    assert_eq!(known("volume", 3).await, ["low", "mid", "high"]);
    assert_eq!(known("-cpu", 5).await, ["high", "mid", "low", "y", "x"]);
    assert_eq!(known("cpu", 5).await, ["y", "low", "mid", "high", "x"]);
    assert_eq!(known("-memory", 3).await, ["low", "mid", "high"]);
    assert_eq!(known("memory", 3).await, ["high", "mid", "low"]);
    // A cursor of one measure is none of another, although both are a number and an id.
    let page = admin.get("/api/agents?limit=1&sort=-cpu").await.expect(200);
    let cursor = page["next_cursor"].as_str().unwrap();
    let other = format!("/api/agents?sort=-memory&cursor={cursor}");
    admin.get(&other).await.expect_problem(422, "invalid");
}
