//! What a person has under way.

use chrono::TimeDelta;
use gururmm_protocol::command::Outcome;
use gururmm_server::authz::OrgRole;
use serde_json::{Value, json};
use sqlx::PgPool;

use crate::runs::order;
use crate::support::fleet::column;
use crate::support::place::{Place, finished, shell};
use crate::support::{Client, TestApp};

async fn work(client: &Client) -> Value {
    client.get("/api/work").await.expect(200)
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn somebodys_runs_and_single_commands_and_nobody_elses(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let (mine, theirs) = (place.technician(&app).await, place.technician(&app).await);
    assert_eq!(work(&mine).await, json!({"items": [], "open": 0}));
    let single = place.create(&mine, shell("echo one")).await;
    app.advance(TimeDelta::seconds(1));
    let run = order(&mine, json!({"agent_ids": [place.agent]})).await;
    place.create(&theirs, shell("echo theirs")).await;

    let seen = work(&mine).await;
    assert_eq!(seen["open"], 2);
    assert_eq!(column(&seen, "kind"), ["run", "command"], "newest first, and the run's command is no item of its own");
    assert_eq!(column(&seen, "id"), [run["id"].as_str().unwrap(), &single.to_string()]);
    let (first, second) = (&seen["items"][0], &seen["items"][1]);
    assert_eq!(
        (&first["counts"]["queued"], &first["state"], &first["agent_id"]),
        (&json!(1), &Value::Null, &Value::Null)
    );
    assert_eq!((&second["state"], &second["agent_name"]), (&json!("queued"), &json!("PC-Acme")));
    assert_eq!((&second["summary"], &second["counts"]), (&json!("echo one"), &Value::Null));
    assert_eq!(column(&work(&theirs).await, "summary"), ["echo theirs"]);

    for id in place.claim(&app).await {
        place.stored(&app, id, finished(Outcome::Succeeded, Some(0))).await;
    }
    for settled in [false, true] {
        if settled {
            gururmm_server::runs::settle::settle(&app.app).await.unwrap();
        }
        let seen = work(&mine).await;
        assert_eq!((&seen["open"], column(&seen, "kind").len()), (&json!(0), 2), "what ended today stays");
        assert!(seen["items"][0]["ended_at"].is_string() && seen["items"][1]["ended_at"].is_string());
    }
    sqlx::query("UPDATE user_sessions SET expires_at = expires_at + interval '2 days'").execute(&app.db).await.unwrap();
    sqlx::query("DELETE FROM user_memberships").execute(&app.db).await.unwrap();
    assert_eq!(work(&mine).await["items"], json!([]), "outside the scope it is not there");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_ended_yesterday_is_gone_and_what_is_open_has_the_first_right(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = app.member(place.organization, OrgRole::Technician).await;
    let old = place.create(&technician, shell("echo old")).await;
    app.advance(TimeDelta::minutes(1));
    for n in 0..60 {
        place.create(&technician, shell(&format!("echo {n}"))).await;
    }
    app.advance(TimeDelta::minutes(1));
    for _ in 0..3 {
        order(&technician, json!({"filter": {}})).await;
    }
    sqlx::query("UPDATE commands SET state = 'succeeded', finished_at = created_at WHERE run_id IS NOT NULL")
        .execute(&app.db)
        .await
        .unwrap();
    let seen = work(&technician).await;
    assert_eq!((&seen["open"], column(&seen, "id").len()), (&json!(61), 50));
    assert!(!column(&seen, "id").contains(&old.to_string()), "the newest of them");
    assert_eq!(column(&seen, "state").iter().filter(|state| *state == "queued").count(), 50);

    sqlx::query("UPDATE commands SET state = 'failed', finished_at = created_at WHERE run_id IS NULL AND id <> $1")
        .bind(old)
        .execute(&app.db)
        .await
        .unwrap();
    let seen = work(&technician).await;
    assert_eq!((&seen["open"], column(&seen, "id").len()), (&json!(1), 50));
    assert!(column(&seen, "id").contains(&old.to_string()), "however old it is");
    gururmm_server::runs::settle::settle(&app.app).await.unwrap();
    sqlx::query("UPDATE commands SET finished_at = finished_at - interval '2 days' WHERE finished_at IS NOT NULL")
        .execute(&app.db)
        .await
        .unwrap();
    sqlx::query("UPDATE command_run_organizations SET ended_at = ended_at - interval '2 days'")
        .execute(&app.db)
        .await
        .unwrap();
    assert_eq!(column(&work(&technician).await, "id"), [old.to_string()]);
}
