//! What is searched is derived from what agents report: in bounds, up to date, and again after another version of the server.

use std::time::Duration;

use gururmm_server::app::Ctx;
use gururmm_server::core::Error;
use gururmm_server::core::page::PageRequest;
use gururmm_server::software::derive::{self, remove_unused_titles};
use gururmm_server::software::service::{self, Asked, Titles};
use serde_json::Value;
use sqlx::PgPool;

use crate::software::{WHOLE, catch_up, coverage, report, title, titles, versions, windows};
use crate::support::TestApp;

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_adds_no_more_than_so_many_titles_in_an_hour(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let (hostile, other) = (app.agent_in(acme, site, 1).await, app.agent_in(acme, site, 2).await);
    let admin = app.admin().await;
    report(&hostile, windows(&[("a", "1")])).await;
    sqlx::query("UPDATE agent_software_reports SET new_titles = 5998").execute(&app.db).await.unwrap();
    report(&other, windows(&[("b", "1")])).await;
    let many = windows(&[("z", "1"), ("e", "1"), ("d", "1"), ("c", "1"), ("a", "2"), ("b", "2")]);
    report(&hostile, many.clone()).await;
    let stored = [title("a", 1, 1), title("b", 2, 2), title("c", 1, 1), title("d", 1, 1)];
    assert_eq!(titles(&admin, "").await, stored, "what is not new has no bound");
    assert_eq!(versions(&admin, "title=c").await, ["1"], "with its own version");
    assert_eq!(coverage(&admin, "").await, [2, 1, 1, 0, 0, 0], "of the other it is not known that it lacks anything");
    let unstored = windows(&[("f", "1"), ("a", "3")]);
    report(&hostile, unstored).await;
    assert_eq!(titles(&admin, "").await, [title("a", 1, 1), title("b", 1, 1)]);
    report(&other, windows(&[("b", "1"), ("g", "1")])).await;
    assert_eq!(titles(&admin, "search=g").await, [title("g", 1, 1)], "another agent's are not counted");
    catch_up(&app).await;
    assert_eq!(titles(&admin, "search=f").await, [], "not yet");
    // Later: nobody would still be signed in had the clock been moved.
    sqlx::query("UPDATE agent_software_reports SET counted_from = counted_from - interval '1 hour'")
        .execute(&app.db)
        .await
        .unwrap();
    catch_up(&app).await;
    assert_eq!(titles(&admin, "search=f").await, [title("f", 1, 1)], "without another report");
    assert_eq!(coverage(&admin, "").await, [2, 2, 0, 0, 0, 0]);
    report(&hostile, many).await;
    assert_eq!(coverage(&admin, "").await, [2, 2, 0, 0, 0, 0], "counted anew");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_an_earlier_version_left_of_a_departed_agent_counts_no_more(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let (departed, stays) = (app.agent_in(acme, site, 1).await, app.agent_in(acme, site, 2).await);
    report(&departed, windows(&[("a", "1"), ("b", "1")])).await;
    report(&stays, windows(&[("a", "1")])).await;
    // As a version of the server ends a record that does not know of this.
    sqlx::query("UPDATE agents SET state = 'decommissioned' WHERE id = $1")
        .bind(departed.agent_id().unwrap())
        .execute(&app.db)
        .await
        .unwrap();
    let admin = app.admin().await;
    assert_eq!(titles(&admin, "").await.len(), 2);
    catch_up(&app).await;
    assert_eq!(titles(&admin, "").await, [title("a", 1, 1)]);
    assert_eq!(coverage(&admin, "").await, [1, 1, 0, 0, 0, 0]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_an_earlier_version_derived_otherwise_counts_until_it_is_derived_again(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    report(&app.agent(1).await, windows(&[("ΟΔΟΣ", "1.0^git1")])).await;
    for change in [
        "UPDATE agent_software_reports SET derived_from = NULL",
        "UPDATE software_titles SET key = 'οδος'",
        "UPDATE agent_software SET version_key = '\\x00'",
    ] {
        sqlx::query(change).execute(&app.db).await.unwrap();
    }
    assert_eq!((titles(&admin, "").await.len(), coverage(&admin, "").await), (1, [1, 1, 0, 0, 0, 0]));
    catch_up(&app).await;
    assert_eq!(titles(&admin, "search=οδος&version_at_least=1.0&version_below=1.0.1").await, [title("ΟΔΟΣ", 1, 1)]);
    assert_eq!(titles(&admin, "").await.len(), 1);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_was_removed_is_gone_and_a_departed_agent_counts_no_more(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let agents = [app.agent_in(acme, site, 1).await, app.agent_in(acme, site, 2).await];
    let admin = app.admin().await;
    report(&agents[0], windows(&[("a", "1"), ("b", "1")])).await;
    report(&agents[1], windows(&[("a", "1"), ("c", "1")])).await;
    report(&agents[0], windows(&[("a", "2"), ("d", "1")])).await;
    assert_eq!(titles(&admin, "").await, [title("a", 2, 2), title("c", 1, 1), title("d", 1, 1)]);
    assert_eq!(versions(&admin, "title=b").await, [Value::Null; 0]);
    let known = async || {
        let sql = "SELECT key FROM software_titles ORDER BY key";
        sqlx::query_scalar::<_, String>(sql).fetch_all(&app.db).await.unwrap()
    };
    assert_eq!(known().await, ["a", "b", "c", "d"]);
    remove_unused_titles(&app.app, WHOLE).await.unwrap();
    assert_eq!(known().await, ["a", "c", "d"]);
    // A quarantined one is not asked whether it leaves.
    let id = agents[1].agent_id().unwrap();
    sqlx::query("UPDATE agents SET state = 'quarantined' WHERE id = $1").bind(id).execute(&app.db).await.unwrap();
    assert_eq!(titles(&admin, "").await[0], title("a", 2, 2), "it may still be there");
    admin.delete(&format!("/api/agents/{id}")).await.expect(202);
    catch_up(&app).await;
    assert_eq!(titles(&admin, "").await, [title("a", 1, 1), title("d", 1, 1)]);
    assert_eq!(versions(&admin, "title=a").await, ["2"]);
    assert_eq!(coverage(&admin, "").await, [1, 1, 0, 0, 0, 0]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_was_stored_before_is_derived_later(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    let (first, second) = (app.agent(1).await, app.agent(2).await);
    report(&first, windows(&[("a", "1")])).await;
    report(&second, windows(&[("a", "1"), ("b", "1")])).await;
    // As a version of the server leaves it that does not know of this: no rows, or those of an older section.
    let id = first.agent_id().unwrap();
    for table in ["agent_software", "agent_software_reports"] {
        let sql = sqlx::AssertSqlSafe(format!("DELETE FROM {table} WHERE agent_id = $1"));
        sqlx::query(sql).bind(id).execute(&app.db).await.unwrap();
    }
    sqlx::query(
        "UPDATE agent_inventory SET collected_at = collected_at + interval '1 minute', data = data - 0
         WHERE agent_id = $1 AND section = 'software'",
    )
    .bind(second.agent_id().unwrap())
    .execute(&app.db)
    .await
    .unwrap();
    assert_eq!(coverage(&admin, "").await, [2, 0, 0, 0, 0, 2], "not known until then");
    catch_up(&app).await;
    assert_eq!(titles(&admin, "").await, [title("a", 1, 1), title("b", 1, 1)]);
    assert_eq!(coverage(&admin, "").await, [2, 2, 0, 0, 0, 0]);
    // What is no list of software: it stays unknown, and what was installed before stays listed.
    sqlx::query(
        "UPDATE agent_inventory SET collected_at = collected_at + interval '1 minute', data = '{}'
         WHERE agent_id = $1 AND section = 'software'",
    )
    .bind(id)
    .execute(&app.db)
    .await
    .unwrap();
    catch_up(&app).await;
    assert_eq!(coverage(&admin, "").await, [2, 1, 0, 0, 0, 1]);
    assert_eq!(titles(&admin, "search=a").await, [title("a", 1, 1)]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn agents_with_the_same_new_titles_do_not_wait_for_each_other_in_a_circle(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let names: Vec<String> = (0..400).map(|n| format!("package {n}")).collect();
    let forwards = windows(&names.iter().map(|name| (name.as_str(), "1")).collect::<Vec<_>>());
    let backwards = forwards.iter().rev().cloned().collect();
    let (one, two) = (app.agent_in(acme, site, 1).await, app.agent_in(acme, site, 2).await);
    tokio::join!(report(&one, forwards), report(&two, backwards), async {
        for _ in 0..5 {
            remove_unused_titles(&app.app, WHOLE).await.unwrap();
        }
    });
    let counts: (i64, i64) =
        sqlx::query_as("SELECT (SELECT count(*) FROM software_titles), (SELECT count(*) FROM agent_software)")
            .fetch_one(&app.db)
            .await
            .unwrap();
    assert_eq!(counts, (400, 800));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_that_cannot_be_derived_does_not_keep_others_from_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let agents = [app.agent_in(acme, site, 1).await, app.agent_in(acme, site, 2).await];
    report(&agents[0], windows(&[("a", "1")])).await;
    report(&agents[1], windows(&[("a", "1")])).await;
    for change in [
        "UPDATE agent_software_reports SET collected_at = collected_at - interval '1 minute', derived_from = NULL",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF NEW.agent_id = (SELECT min(id::text) FROM agents)::uuid THEN RAISE 'refused'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER refuse BEFORE UPDATE ON agent_software_reports FOR EACH ROW EXECUTE FUNCTION refuse()",
    ] {
        sqlx::query(change).execute(&app.db).await.unwrap();
    }
    catch_up(&app).await;
    assert_eq!(coverage(&app.admin().await, "").await, [2, 1, 0, 0, 0, 1]);
}

/// Waits until so many questions wait for the installed software, which somebody has locked.
async fn wait_for_questions(app: &TestApp, expected: i64) {
    while questions(app).await < expected {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn questions(app: &TestApp) -> i64 {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'agent_software'::regclass
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    sqlx::query_scalar(waiting).fetch_one(&app.db).await.unwrap()
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn who_asks_for_many_lists_of_titles_keeps_nobody_from_one(db: PgPool) {
    let app = TestApp::new(db).await;
    let (greedy, other) = (app.admin().await, app.admin().await);
    let mut tx = app.db.begin().await.unwrap();
    sqlx::query("LOCK TABLE agent_software").execute(&mut *tx).await.unwrap();
    let lists = futures_util::future::join_all((0..6).map(|_| greedy.get("/api/software")));
    let one = other.get("/api/software");
    let watch = async {
        wait_for_questions(&app, 2).await;
        // More would have come by the time that this is answered.
        for _ in 0..20 {
            other.get("/api/organizations").await.expect(200);
        }
        assert_eq!(questions(&app).await, 2);
        // Longer than each of them waits for its place.
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(questions(&app).await, 2);
        tx.rollback().await.unwrap();
    };
    let (lists, one, ()) = tokio::join!(lists, one, watch);
    one.expect(200);
    let (answered, refused): (Vec<_>, Vec<_>) = lists.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((answered.len(), refused.len()), (1, 5));
    for answer in refused {
        answer.expect_problem(429, "too_many_requests");
        assert_eq!(answer.headers["retry-after"], "3");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn who_leaves_has_no_place_for_another_list_before_the_question_has_ended(db: PgPool) {
    let app = TestApp::new(db).await;
    let mut tx = app.db.begin().await.unwrap();
    sqlx::query("LOCK TABLE agent_software").execute(&mut *tx).await.unwrap();
    let page = PageRequest::parse(None, None).unwrap();
    let ask = async || service::titles(&app.app, &Ctx::operator(), &Titles::default(), &Asked::default(), &page).await;
    tokio::select! {
        _ = ask() => panic!("the software is locked"),
        () = wait_for_questions(&app, 1) => {}
    }
    assert!(matches!(ask().await, Err(Error::TooManyRequests { .. })));
    assert_eq!(questions(&app).await, 1);
    tx.rollback().await.unwrap();
    ask().await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_cannot_be_done_for_departed_agents_or_publishers_does_not_keep_the_rest_from_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    let (departed, stays) = (app.agent_in(acme, site, 1).await, app.agent_in(acme, site, 2).await);
    report(&departed, windows(&[("a", "1")])).await;
    report(&stays, windows(&[("b", "1")])).await;
    let id = departed.agent_id().unwrap();
    sqlx::query("UPDATE agents SET state = 'decommissioned' WHERE id = $1").bind(id).execute(&app.db).await.unwrap();
    for change in [
        "UPDATE agent_software_reports SET collected_at = collected_at - interval '1 minute', derived_from = NULL",
        "UPDATE software_titles SET publisher_key = NULL",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$",
        "CREATE TRIGGER refuse BEFORE DELETE ON agent_software_reports FOR EACH ROW EXECUTE FUNCTION refuse()",
        "CREATE TRIGGER refuse BEFORE UPDATE OF publisher_key ON software_titles FOR EACH ROW EXECUTE FUNCTION refuse()",
    ] {
        sqlx::query(change).execute(&app.db).await.unwrap();
    }
    let admin = app.admin().await;
    assert_eq!(coverage(&admin, "").await, [1, 0, 0, 0, 0, 1]);
    catch_up(&app).await;
    assert_eq!(coverage(&admin, "").await, [1, 1, 0, 0, 0, 0]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_pass_goes_on_where_the_one_before_stopped_and_begins_anew_at_the_end(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, site) = app.organization("Acme").await;
    for seed in 0..3 {
        report(&app.agent_in(acme, site, seed).await, windows(&[("a", "1")])).await;
    }
    for change in [
        "UPDATE agent_software_reports SET collected_at = collected_at - interval '1 minute', derived_from = NULL",
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN IF NEW.agent_id = (SELECT min(id::text) FROM agents)::uuid THEN RAISE 'refused'; END IF; RETURN NEW; END $$",
        "CREATE TRIGGER refuse BEFORE UPDATE ON agent_software_reports FOR EACH ROW EXECUTE FUNCTION refuse()",
    ] {
        sqlx::query(change).execute(&app.db).await.unwrap();
    }
    let admin = app.admin().await;
    // Each time is over after one agent. The first cannot be derived.
    for known in [0, 1, 2] {
        derive::catch_up(&app.app, Duration::ZERO).await.unwrap();
        assert_eq!(coverage(&admin, "").await, [3, known, 0, 0, 0, 3 - known]);
    }
    sqlx::query("DROP TRIGGER refuse ON agent_software_reports").execute(&app.db).await.unwrap();
    derive::catch_up(&app.app, Duration::ZERO).await.unwrap();
    assert_eq!(coverage(&admin, "").await, [3, 2, 0, 0, 0, 1], "the end");
    derive::catch_up(&app.app, Duration::ZERO).await.unwrap();
    assert_eq!(coverage(&admin, "").await, [3, 3, 0, 0, 0, 0]);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_section_that_cannot_be_read_is_tried_once(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    report(&app.agent(1).await, windows(&[("a", "1")])).await;
    let change = async |assignments: &str| {
        let sql = sqlx::AssertSqlSafe(format!("UPDATE agent_inventory SET {assignments} WHERE section = 'software'"));
        sqlx::query(sql).execute(&app.db).await.unwrap();
        catch_up(&app).await;
        coverage(&admin, "").await[1]
    };
    assert_eq!(change("collected_at = collected_at + interval '1 minute', data = '{}'").await, 0);
    assert_eq!(change("data = '[]'").await, 0, "not looked at again");
    assert_eq!(change("collected_at = collected_at + interval '1 minute'").await, 1, "another one is");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_clock_that_was_set_back_leaves_no_agent_without_new_titles(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    let agent = app.agent(1).await;
    report(&agent, windows(&[("a", "1")])).await;
    let before = "UPDATE agent_software_reports SET new_titles = 6000, counted_from = counted_from + interval '1 day'";
    sqlx::query(before).execute(&app.db).await.unwrap();
    report(&agent, windows(&[("b", "1")])).await;
    assert_eq!(titles(&admin, "").await, [], "it has had its titles");
    let begun = "SELECT counted_from = '2026-11-23T12:00:00Z' FROM agent_software_reports";
    assert!(sqlx::query_scalar::<_, bool>(begun).fetch_one(&app.db).await.unwrap(), "for an hour from now");
    // As another server has left it.
    sqlx::query("UPDATE agent_software_reports SET new_titles = 0, counted_from = counted_from + interval '1 day'")
        .execute(&app.db)
        .await
        .unwrap();
    catch_up(&app).await;
    assert_eq!(titles(&admin, "").await, [title("b", 1, 1)]);
}
