//! Inventory that could not be read, and inventory that travels packed.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use gururmm_protocol::inventory::{
    HotFix, InventoryReport, InventorySection, LocalGroup, PackedSection, Section, UnreadSection,
};
use gururmm_protocol::message::Report;
use gururmm_sim::{Session, SimAgent, SimError};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::Client;
use crate::support::TestApp;

fn groups(names: &[&str]) -> InventorySection {
    let group = |name: &&str| LocalGroup { name: (*name).to_owned(), id: None, members: vec![] };
    InventorySection::new(Section::Groups(names.iter().map(group).collect()), vec![]).unwrap()
}

fn unread(section: &'static str, error: &str) -> Report {
    let unread = vec![UnreadSection::new(section, error.to_owned()).unwrap()];
    Report::Inventory(InventoryReport { unread, ..InventoryReport::default() })
}

fn fixes(count: usize, description: usize) -> PackedSection {
    let fix = |n| HotFix { id: format!("KB{n}"), description: Some("x".repeat(description)), installed_on: None };
    let section = Section::HotFixes((0..count).map(fix).collect());
    PackedSection::pack(&InventorySection::new(section, vec!["one is missing".into()]).unwrap()).unwrap()
}

fn packed(packed: Vec<PackedSection>) -> Report {
    Report::Inventory(InventoryReport { packed, ..InventoryReport::default() })
}

async fn shown(viewer: &Client, path: &str, section: &str) -> Value {
    let inventory = viewer.get(path).await.expect(200);
    inventory["sections"].as_array().unwrap().iter().find(|s| s["section"] == section).cloned().unwrap_or_default()
}

async fn refusal(session: &mut Session, report: Report) -> String {
    match session.report(report).await.unwrap_err() {
        SimError::ReportRefused { message, .. } => message,
        other => panic!("{other}"),
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_cannot_be_read_keeps_what_was_and_is_marked(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let viewer = app.admin().await;
    let path = format!("/api/agents/{}/inventory", agent.agent_id().unwrap());
    let mut session = agent.connect().await.unwrap();
    session.report(Report::Inventory(vec![groups(&["sudo"])].into())).await.unwrap();
    let read = shown(&viewer, &path, "groups").await;
    assert_eq!((&read["error"], &read["error_since"], &read["problems"]), (&Value::Null, &Value::Null, &json!([])));

    app.advance(TimeDelta::hours(1));
    session.report(unread("groups", "locked")).await.unwrap();
    session.report(unread("software", "no\u{202E} database")).await.unwrap();
    app.advance(TimeDelta::hours(1));
    session.report(unread("groups", "still locked")).await.unwrap();
    session.report(unread("of tomorrow", "not known here")).await.unwrap();
    let groups_now = shown(&viewer, &path, "groups").await;
    assert_eq!(groups_now["data"], read["data"], "what was read before stays");
    assert_eq!(groups_now["collected_at"], "2026-11-23T12:00:00Z");
    assert_eq!(groups_now["error"], "still locked");
    assert_eq!(groups_now["error_since"], "2026-11-23T13:00:00Z");
    let software = shown(&viewer, &path, "software").await;
    assert_eq!((&software["data"], &software["error"]), (&Value::Null, &json!("no database")));
    assert_eq!(shown(&viewer, &path, "of tomorrow").await, Value::Null);
    session.close().await;

    let mut session = agent.connect().await.unwrap();
    let told = UnreadSection::new("groups", "still locked".into()).unwrap().digest;
    assert_eq!(session.welcome().inventory["groups"], told, "so that the agent does not tell it again");
    session.report(Report::Inventory(vec![groups(&["sudo"])].into())).await.unwrap();
    let again = shown(&viewer, &path, "groups").await;
    assert_eq!((&again["error"], &again["error_since"]), (&Value::Null, &Value::Null));
    assert_eq!(again["collected_at"], "2026-11-23T14:00:00Z");
    assert_eq!(again["changed_at"], "2026-11-23T12:00:00Z", "the content is the same as before");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_packed_section_is_stored_and_a_bad_one_is_refused_with_the_reason(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let viewer = app.admin().await;
    let path = format!("/api/agents/{}/inventory", agent.agent_id().unwrap());
    let mut session = agent.connect().await.unwrap();
    let good = fixes(3_000, 10);
    session.report(packed(vec![good.clone()])).await.unwrap();
    let stored = shown(&viewer, &path, "hot_fixes").await;
    assert_eq!(stored["data"].as_array().unwrap().len(), 3_000);
    assert_eq!(stored["problems"], json!(["one is missing"]));

    let bad = PackedSection { digest: "d".into(), deflated: "AAAA".into() };
    assert!(refusal(&mut session, packed(vec![bad.clone()])).await.contains("cannot be unpacked"));
    assert!(refusal(&mut session, packed(vec![fixes(1, 1), bad])).await.contains("cannot be unpacked"));
    assert!(refusal(&mut session, packed(vec![fixes(1, 1); 30])).await.contains("more than 22 sections"));
    let stored_still = shown(&viewer, &path, "hot_fixes").await;
    assert_eq!(stored_still["data"], stored["data"], "of a refused report nothing is stored");
    session.close().await;
    let session = agent.connect().await.unwrap();
    assert_eq!(session.welcome().inventory["hot_fixes"], good.digest);
}

async fn history(viewer: &Client, agent: &SimAgent, query: &str) -> Vec<(String, String, String)> {
    let path = format!("/api/agents/{}/inventory/changes?limit=200{query}", agent.agent_id().unwrap());
    let page = viewer.get(&path).await.expect(200);
    let text = |row: &Value, field: &str| row[field].as_str().unwrap().to_owned();
    page["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (text(row, "section"), text(row, "kind"), text(row, "key")))
        .collect()
}

fn told(rows: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
    rows.iter().map(|(a, b, c)| ((*a).to_owned(), (*b).to_owned(), (*c).to_owned())).collect()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn the_first_report_is_no_history_and_later_ones_are_what_they_change(db: PgPool) {
    let app = TestApp::new(db).await;
    let mut agent = app.agent(1).await;
    let Section::Groups(own) = groups(&["adm", "sudo"]).content else { panic!() };
    agent.machine.groups = own;
    let viewer = app.admin().await;
    let mut session = agent.connect().await.unwrap();
    session.report(unread("groups", "locked")).await.unwrap();
    session.report_inventory(&agent).await.unwrap();
    assert_eq!(history(&viewer, &agent, "").await, told(&[]));

    app.advance(TimeDelta::hours(1));
    session.report(Report::Inventory(vec![groups(&["sudo", "wheel"])].into())).await.unwrap();
    session.report(Report::Inventory(vec![groups(&["sudo", "wheel"])].into())).await.unwrap();
    let mut os = agent.machine.os.clone();
    os.name = "Another system 13".into();
    let os = InventorySection::new(Section::Os(os), vec![]).unwrap();
    app.advance(TimeDelta::hours(1));
    session.report(Report::Inventory(vec![os].into())).await.unwrap();
    session.report(unread("groups", "locked")).await.unwrap();
    let expected = [("os", "changed", "name"), ("groups", "added", "wheel"), ("groups", "removed", "adm")];
    assert_eq!(history(&viewer, &agent, "").await, told(&expected));
    assert_eq!(history(&viewer, &agent, "&section=os").await, told(&expected[..1]));
    let path = format!("/api/agents/{}/inventory/changes?section=os", agent.agent_id().unwrap());
    let row = viewer.get(&path).await.expect(200)["items"][0].clone();
    assert_eq!((&row["before"], &row["after"]), (&json!(agent.machine.os.name), &json!("Another system 13")));
    assert_eq!(row["at"], "2026-11-23T14:00:00Z");

    app.advance(TimeDelta::days(364) + TimeDelta::hours(23) + TimeDelta::minutes(30));
    gururmm_server::inventory::history::forget(&app.app).await.unwrap();
    let left: Vec<String> =
        sqlx::query_scalar("SELECT section FROM agent_inventory_changes").fetch_all(&app.db).await.unwrap();
    assert_eq!(left, ["os"], "the others are older than a year");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn who_changes_everything_all_the_time_does_not_fill_the_disk(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    let fixes = |turn: usize| {
        let fix = |n| HotFix { id: format!("KB{turn}-{n}"), description: None, installed_on: None };
        InventorySection::new(Section::HotFixes((0..400).map(fix).collect()), vec![]).unwrap()
    };
    let count = async || {
        let count = "SELECT count(*), count(*) FILTER (WHERE kind = 'more') FROM agent_inventory_changes";
        sqlx::query_as::<_, (i64, i64)>(count).fetch_one(&app.db).await.unwrap()
    };
    for turn in 0..2 {
        session.report(Report::Inventory(vec![fixes(turn)].into())).await.unwrap();
    }
    assert_eq!(count().await, (501, 1), "400 gone and 400 come, of which 500 are kept and the rest counted");
    for turn in 2..7 {
        session.report(Report::Inventory(vec![fixes(turn)].into())).await.unwrap();
    }
    let (all, more) = count().await;
    assert!((2_000..=2_001).contains(&all) && more == 4, "{all} {more}");
    app.advance(TimeDelta::hours(2));
    session.report(Report::Inventory(vec![fixes(7)].into())).await.unwrap();
    assert_eq!(count().await.0, all + 501, "an hour later there is room again");
    for turn in 8..40 {
        app.advance(TimeDelta::minutes(30));
        session.report(Report::Inventory(vec![fixes(turn)].into())).await.unwrap();
    }
    let (all, _) = count().await;
    assert!((6_000..=6_001).contains(&all), "a day has an end, too: {all}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_flood_of_unfolding_sections_is_read_more_slowly(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let mut session = agent.connect().await.unwrap();
    // Some 6.8 MB in two messages of a few KB: beyond the burst by as much as takes ten seconds.
    let begun = Instant::now();
    for _ in 0..2 {
        session.report(packed(vec![fixes(4_000, 200); 4])).await.unwrap();
    }
    session.close().await;
    // Who connects anew owes what it owed before.
    let mut session = agent.connect().await.unwrap();
    let seq = session.send_report(packed(vec![fixes(1, 1)])).await.unwrap();
    while let Err(error) = session.expect_ack(seq).await {
        let is_late = matches!(error, SimError::Timeout { .. }) && begun.elapsed() < Duration::from_secs(120);
        assert!(is_late, "{error}");
    }
    assert!(begun.elapsed() > Duration::from_secs(8), "{:?}", begun.elapsed());
}
