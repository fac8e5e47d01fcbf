//! Installed software over the fleet: what agents report is found, by name and by version, by those who may see them.

use std::time::Duration;

use gururmm_protocol::inventory::{
    InventoryReport, InventorySection, PackedSection, Section, Software, SoftwareSource, UnreadSection,
};
use gururmm_protocol::message::Report;
use gururmm_server::authz::OrgRole;
use gururmm_server::software::derive;
use gururmm_sim::{HelloOverrides, SimAgent};
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::support::{Client, TestApp};

/// Programs of Windows: names with versions, an unknown version as an empty text.
pub fn windows(installed: &[(&str, &str)]) -> Vec<Software> {
    let item = |(name, version): &(&str, &str)| Software {
        name: (*name).to_owned(),
        version: (!version.is_empty()).then(|| (*version).to_owned()),
        publisher: None,
        source: SoftwareSource::Machine,
        user: None,
        architecture: None,
        installed_on: None,
    };
    installed.iter().map(item).collect()
}

/// Longer than a pass takes on any machine.
pub const WHOLE: Duration = Duration::from_secs(600);

/// Derives all that is behind.
pub async fn catch_up(app: &TestApp) {
    derive::catch_up(&app.app, WHOLE).await.unwrap();
}

/// Reports that this is what the agent has installed.
pub async fn report(agent: &SimAgent, installed: Vec<Software>) {
    report_with(agent, installed, vec![]).await;
}

async fn report_with(agent: &SimAgent, installed: Vec<Software>, problems: Vec<String>) {
    let section = InventorySection::new(Section::Software(installed), problems).unwrap();
    let packed = vec![PackedSection::pack(&section).unwrap()];
    send(agent, InventoryReport { packed, ..InventoryReport::default() }).await;
}

async fn report_unread(agent: &SimAgent) {
    let unread = vec![UnreadSection::new("software", "locked".to_owned()).unwrap()];
    send(agent, InventoryReport { unread, ..InventoryReport::default() }).await;
}

async fn send(agent: &SimAgent, report: InventoryReport) {
    let mut session = agent.connect().await.unwrap();
    session.report(Report::Inventory(report)).await.unwrap();
    session.close().await;
}

pub async fn titles(client: &Client, query: &str) -> Vec<(String, i64, i64)> {
    let page = client.get(&format!("/api/software?{query}")).await.expect(200);
    let title = |row: &Value| {
        let number = |field: &str| row[field].as_i64().unwrap();
        (row["name"].as_str().unwrap().to_owned(), number("agents"), number("versions"))
    };
    page["items"].as_array().unwrap().iter().map(title).collect()
}

pub async fn versions(client: &Client, query: &str) -> Vec<Value> {
    let page = client.get(&format!("/api/software/agents?source=windows&{query}")).await.expect(200);
    page["items"].as_array().unwrap().iter().map(|row| row["version"].clone()).collect()
}

pub async fn coverage(client: &Client, query: &str) -> [i64; 6] {
    let counts = client.get(&format!("/api/software/coverage?{query}")).await.expect(200);
    ["agents", "known", "partial", "stale", "unread", "never"].map(|field| counts[field].as_i64().unwrap())
}

pub fn title(name: &str, agents: i64, versions: i64) -> (String, i64, i64) {
    (name.to_owned(), agents, versions)
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn which_agents_have_it_below_a_version(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let (other, other_site) = app.organization("Other").await;
    let agents = [
        app.agent_in(acme, site, 1).await,
        app.agent_in(acme, site, 2).await,
        app.agent_in(other, other_site, 3).await,
    ];
    let chrome = ("Chrome", "119.0.6045.200");
    report(&agents[0], windows(&[chrome, ("100% Tool", "1.0"), chrome])).await;
    report(&agents[1], windows(&[("CHROME", "120.0.6099.71"), ("chrome beta", "")])).await;
    report(&agents[2], windows(&[("Chrome", "9.0"), ("Secret of the other", "1")])).await;

    let admin = app.admin().await;
    let all = [
        title("100% Tool", 1, 1),
        title("CHROME", 3, 3),
        title("chrome beta", 1, 1),
        title("Secret of the other", 1, 1),
    ];
    assert_eq!(titles(&admin, "").await, all);
    assert_eq!(titles(&admin, "search=CHROME").await, all[1..3]);
    assert_eq!(titles(&admin, "search=0%25").await, all[..1], "a wildcard is an ordinary character");
    assert_eq!(titles(&admin, &format!("organization_id={acme}&search=chrome")).await[0], title("CHROME", 2, 2));
    assert_eq!(titles(&admin, &format!("site_id={other_site}")).await.len(), 2);
    assert_eq!(titles(&admin, "search=chrome&version_below=120").await, [title("Chrome", 2, 2)]);
    assert_eq!(titles(&admin, "search=chrome&version_at_least=120").await, [title("CHROME", 1, 1)]);

    assert_eq!(versions(&admin, "title=chrome").await, ["9.0", "119.0.6045.200", "120.0.6099.71"], "as versions sort");
    assert_eq!(versions(&admin, "title=chrome&version_below=120.0").await, ["9.0", "119.0.6045.200"]);
    assert_eq!(
        versions(&admin, "title=chrome&version_at_least=119.0.6045.200&version_below=120.0").await,
        ["119.0.6045.200"]
    );
    assert_eq!(versions(&admin, "title=chrome&version=9.0").await, ["9.0"]);
    assert_eq!(versions(&admin, "title=chrome&version=9").await, [Value::Null; 0], "as it is written");
    assert_eq!(versions(&admin, &format!("title=chrome&site_id={site}&version_below=120")).await, ["119.0.6045.200"]);
    assert_eq!(versions(&admin, "title=chrome beta").await, [Value::Null]);
    let below = versions(&admin, "title=chrome beta&version_below=999").await;
    assert_eq!(below, [Value::Null; 0], "an unknown version is not below");
    assert_eq!(versions(&admin, "title=nobody has it").await, [Value::Null; 0]);
    let query = "/api/software/agents?title=chrome&source=windows&version_below=10";
    let row = admin.get(query).await.expect(200)["items"][0].clone();
    assert_eq!((&row["agent_id"], &row["organization_name"]), (&json!(agents[2].agent_id().unwrap()), &json!("Other")));
    assert_eq!((&row["standing"], &row["collected_at"]), (&json!("known"), &json!("2026-11-23T12:00:00Z")));
    for bad in ["title=", "title=x&version_below=", "title=%00", "version_below=1"] {
        admin.get(&format!("/api/software/agents?source=windows&{bad}")).await.expect_problem(422, "invalid");
    }
    admin.get("/api/software/versions?title=chrome").await.expect_problem(422, "invalid");
    admin.get("/api/software?source=steam").await.expect_problem(422, "invalid");
    admin.get("/api/software?search=%00").await.expect_problem(422, "invalid");
}

/// For each: what is below this version, of what is installed.
#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn versions_compare_as_dpkg_compares_them(db: PgPool) {
    let app = TestApp::new(db).await;
    let installed = [
        "",
        "1.0~rc1",
        "1.0",
        "1.0-1",
        "1.0^git1",
        "1.0a",
        "1.9",
        "1.10",
        "v1.11",
        "10.0.19041.1",
        "10.0.19041.3636",
        "2023b",
        "unknown",
        "1:0.9",
        "1:1.0-2+deb12u1",
        "1:1.0-2+deb12u10",
    ];
    report(&app.agent(1).await, windows(&installed.map(|version| ("X", version)))).await;
    let admin = app.admin().await;
    assert_eq!(versions(&admin, "title=x").await.len(), installed.len());
    for (below, expected) in [
        ("1.0~rc1", &[][..]),
        ("1.0", &["1.0~rc1"]),
        ("1.0-0", &["1.0~rc1"]),
        ("1.0a", &["1.0~rc1", "1.0", "1.0-1", "1.0^git1"]),
        ("V1.10", &["1.0~rc1", "1.0", "1.0-1", "1.0^git1", "1.0a", "1.9"]),
    ] {
        assert_eq!(versions(&admin, &format!("title=x&version_below={below}")).await, expected, "below {below}");
    }
    for (at_least, expected) in
        [("1:1.0-2%2Bdeb12u2", &["1:1.0-2+deb12u10"][..]), ("1:0", &["1:0.9", "1:1.0-2+deb12u1", "1:1.0-2+deb12u10"])]
    {
        assert_eq!(versions(&admin, &format!("title=x&version_at_least={at_least}")).await, expected, "{at_least}");
    }
    let windows = versions(&admin, "title=x&version_at_least=10.0.19041.2&version_below=2023a").await;
    assert_eq!(windows, ["10.0.19041.3636"]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_title_shows_who_publishes_it_who_tracks_it_and_how_its_versions_spread(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let (other, other_site) = app.organization("Other").await;
    let by = |publisher: &str, list: Vec<Software>| -> Vec<Software> {
        list.into_iter().map(|item| Software { publisher: Some(publisher.to_owned()), ..item }).collect()
    };
    let mut debian = windows(&[("git", "1:2.39.5-0+deb12u2")]);
    debian[0].source = SoftwareSource::Dpkg;
    report(&app.agent_in(acme, site, 1).await, by("Git Inc.", windows(&[("Git", "2.43")]))).await;
    report(&app.agent_in(acme, site, 2).await, by("Git LLC", windows(&[("Git", "2.44")]))).await;
    let mut both = by("Git LLC", windows(&[("Git", "2.44")]));
    both.extend(by("Git Inc.", windows(&[("Git", "2.44"), ("GIT", "")])));
    report(&app.agent_in(acme, site, 3).await, both).await;
    report(&app.agent_in(other, other_site, 4).await, by("A customer's own name", windows(&[("git", "9")]))).await;
    report(&app.agent_in(other, other_site, 5).await, debian).await;

    let viewer = app.member(acme, OrgRole::Viewer).await;
    let page = viewer.get("/api/software").await.expect(200);
    let expected = json!({
        "name": "Git", "source": "windows", "publishers": ["Git Inc.", "Git LLC"], "agents": 3, "versions": 3,
        "common_versions": [{"version": "2.44", "agents": 2}, {"version": "2.43", "agents": 1},
                            {"version": null, "agents": 1}],
    });
    assert_eq!(page["items"], json!([expected]), "an agent counts once, and of others nothing shows");
    let of_git = viewer.get("/api/software/versions?title=GIT&source=windows").await.expect(200);
    assert_eq!(of_git["items"], expected["common_versions"]);

    let admin = app.admin().await;
    assert_eq!(titles(&admin, "").await, [title("git", 1, 1), title("Git", 4, 4)], "two that are numbered differently");
    assert_eq!(titles(&admin, "source=dpkg").await, [title("git", 1, 1)]);
    assert_eq!(titles(&admin, "publisher=llc").await, [title("Git", 4, 4)]);
    assert_eq!(titles(&admin, "publisher=nobody").await, []);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn names_and_publishers_are_found_in_any_case_of_any_letter(db: PgPool) {
    let app = TestApp::new(db).await;
    let by = |name: &str, publisher: &str| -> Vec<Software> {
        let named = windows(&[(name, "1")]).into_iter();
        named.map(|item| Software { publisher: Some(publisher.to_owned()), ..item }).collect()
    };
    report(&app.agent(1).await, [by("Editor", "ÖKO GmbH"), by("ΟΔΟΣ", "ΕΚΔΟΣΕΙΣ")].concat()).await;
    let admin = app.admin().await;
    let found = async || {
        for query in ["publisher=öko", "publisher=ÖKO"] {
            assert_eq!(titles(&admin, query).await, [title("Editor", 1, 1)], "{query}");
        }
        // A capital sigma is another letter at the end of a word than within: `οδος` and `οδοσ`.
        for query in ["search=ΟΔΟΣ", "search=οδοσ", "search=οδος", "search=ΔΟ", "publisher=ΕΚΔΟΣ", "publisher=εκδοσεις"]
        {
            assert_eq!(titles(&admin, query).await, [title("ΟΔΟΣ", 1, 1)], "{query}");
        }
        assert_eq!(versions(&admin, "title=οδοσ").await, ["1"]);
    };
    found().await;
    // As a version of the server leaves it that does not know of this.
    sqlx::query("UPDATE software_titles SET publisher_key = NULL").execute(&app.db).await.unwrap();
    assert_eq!(titles(&admin, "publisher=editor").await, []);
    catch_up(&app).await;
    found().await;
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn nobody_learns_what_others_have_installed(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let (other, other_site) = app.organization("Other").await;
    report(&app.agent_in(other, other_site, 2).await, windows(&[("chROme", "2"), ("Secret", "3")])).await;
    report(&app.agent_in(acme, site, 1).await, windows(&[("Chrome", "1")])).await;
    let viewer = app.member(acme, OrgRole::Viewer).await;
    assert_eq!(titles(&viewer, "").await, [title("Chrome", 1, 1)]);
    for place in [format!("organization_id={other}"), format!("site_id={other_site}"), "search=secret".to_owned()] {
        assert_eq!(titles(&viewer, &place).await, [], "{place}");
    }
    assert_eq!(versions(&viewer, "title=chrome").await, ["1"]);
    assert_eq!(versions(&viewer, &format!("title=chrome&organization_id={other}")).await, [Value::Null; 0]);
    assert_eq!(versions(&viewer, "title=secret").await, [Value::Null; 0], "not even that it exists");
    let of_secret = viewer.get("/api/software/versions?title=secret&source=windows").await.expect(200);
    assert_eq!(of_secret["items"], json!([]));
    assert_eq!(coverage(&viewer, "").await, [1, 1, 0, 0, 0, 0]);
    assert_eq!(coverage(&viewer, &format!("organization_id={other}")).await, [0; 6]);
    let nowhere = app.user(gururmm_server::authz::GlobalRole::User, &[]).await;
    assert_eq!(titles(&nowhere, "").await, []);
    assert_eq!(coverage(&nowhere, "").await, [0; 6]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_whose_software_is_not_known_is_told_and_not_taken_for_one_without(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let mut agents = Vec::new();
    for seed in 0..6 {
        agents.push(app.agent_in(acme, site, seed).await);
    }
    let [stale, known, partial, unread, never_read, silent] = agents.as_slice() else { unreachable!() };
    report(stale, windows(&[("a", "1")])).await;
    app.wait_for_row("SELECT count(*) FROM agent_presence WHERE state = 'offline'", |(gone,): &(i64,)| *gone == 1)
        .await;
    // Eight days ago: nobody would still be signed in had the clock been moved.
    for change in [
        "UPDATE agent_presence SET last_seen_at = last_seen_at - interval '8 days'",
        "UPDATE agent_inventory SET collected_at = collected_at - interval '8 days'",
        "UPDATE agent_software_reports SET collected_at = collected_at - interval '8 days'",
    ] {
        sqlx::query(change).execute(&app.db).await.unwrap();
    }
    report(known, windows(&[("a", "1")])).await;
    report_with(partial, windows(&[("a", "1")]), vec!["a user's".into()]).await;
    report(unread, windows(&[("a", "1")])).await;
    report_unread(unread).await;
    report_unread(never_read).await;
    let admin = app.admin().await;
    assert_eq!(coverage(&admin, "").await, [6, 1, 1, 1, 2, 1]);
    catch_up(&app).await;
    assert_eq!(coverage(&admin, "").await, [6, 1, 1, 1, 2, 1]);
    assert_eq!(coverage(&admin, &format!("site_id={site}")).await[0], 6);

    assert_eq!(titles(&admin, "").await, [title("a", 4, 1)], "what was seen last still counts");
    let page = admin.get("/api/software/agents?title=a&source=windows").await.expect(200);
    let standing =
        |id| page["items"].as_array().unwrap().iter().find(|row| row["agent_id"] == json!(id)).unwrap().clone();
    let row = standing(stale.agent_id().unwrap());
    assert_eq!((&row["standing"], &row["collected_at"]), (&json!("stale"), &json!("2026-11-15T12:00:00Z")));
    assert_eq!(standing(unread.agent_id().unwrap())["standing"], "unread");

    let unknown = async |query: &str| -> Vec<(Value, Value, Value, Value)> {
        let page = admin.get(&format!("/api/software/unknown?{query}")).await.expect(200);
        let agent = |row: &Value| {
            (row["agent_id"].clone(), row["standing"].clone(), row["problem"].clone(), row["collected_at"].clone())
        };
        page["items"].as_array().unwrap().iter().map(agent).collect()
    };
    let listed = unknown("").await;
    let now = json!("2026-11-23T12:00:00Z");
    for (agent, standing, problem, at) in [
        (stale, "stale", Value::Null, json!("2026-11-15T12:00:00Z")),
        (partial, "partial", json!("a user's"), now.clone()),
        (unread, "unread", json!("locked"), now.clone()),
        (never_read, "unread", json!("locked"), Value::Null),
        (silent, "never", Value::Null, Value::Null),
    ] {
        let expected = (json!(agent.agent_id().unwrap()), json!(standing), problem, at);
        assert!(listed.contains(&expected), "{expected:?} in {listed:?}");
    }
    assert_eq!(listed.len(), 5, "as many as are counted, and none that is known");
    assert_eq!(unknown("standing=unread").await.len(), 2);
    assert_eq!(unknown(&format!("site_id={site}&standing=never")).await.len(), 1);
    let (other, _) = app.organization("Other").await;
    assert_eq!(unknown(&format!("organization_id={other}")).await, []);
    let viewer = app.member(other, OrgRole::Viewer).await;
    assert_eq!(viewer.get("/api/software/unknown").await.expect(200)["items"], json!([]));
    admin.get("/api/software/unknown?standing=known").await.expect_problem(422, "invalid");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn of_a_machine_that_takes_over_a_record_nothing_is_known_before_it_tells(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let id = agent.agent_id().unwrap();
    report(&agent, windows(&[("a", "1")])).await;
    let admin = app.admin().await;
    assert_eq!(coverage(&admin, "").await, [1, 1, 0, 0, 0, 0]);
    let machine = |id: &str| {
        json!({"machine_id": id, "boot_id": "b", "hostname": "h", "address": null,
                                    "seen_at": "2026-11-23T12:00:00Z"})
    };
    let quarantine = async |machines: Value| {
        sqlx::query("UPDATE agents SET state = 'quarantined', quarantine_reason = 'clone', quarantine_machines = $1")
            .bind(machines)
            .execute(&app.db)
            .await
            .unwrap();
    };
    let own = agent.machine.identity.machine_id.clone();
    let release = format!("/api/agents/{id}/release");
    quarantine(json!([machine(&own), machine("another")])).await;
    admin.post(&release, json!({"machine_id": own})).await.expect(200);
    assert_eq!(coverage(&admin, "").await, [1, 1, 0, 0, 0, 0], "the same machine goes on");
    quarantine(json!([machine("another")])).await;
    admin.post(&release, json!({"machine_id": "another"})).await.expect(200);
    assert_eq!(coverage(&admin, "").await, [1, 0, 0, 0, 1, 0]);
    catch_up(&app).await;
    assert_eq!(coverage(&admin, "").await, [1, 0, 0, 0, 1, 0]);
    assert_eq!(titles(&admin, "").await, [title("a", 1, 1)], "what was seen last still counts");
    let taken_over = HelloOverrides { machine_id: Some("another".into()), ..HelloOverrides::default() };
    let mut session = agent.connect_with(&taken_over).await.unwrap();
    let told = &session.welcome().inventory;
    assert!(told.values().all(String::is_empty), "so that it tells all, also what is the same: {told:?}");
    let section = InventorySection::new(Section::Software(windows(&[("a", "1")])), vec![]).unwrap();
    session.report(Report::Inventory(vec![section].into())).await.unwrap();
    assert_eq!(coverage(&admin, "").await, [1, 1, 0, 0, 0, 0]);
}
