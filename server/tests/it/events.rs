//! Hints to dashboards over server-sent events.

use std::time::{Duration, Instant};

use chrono::TimeDelta;
use gururmm_protocol::command::{CommandEvent, OutputStream};
use gururmm_server::accounts::service::authenticate;
use gururmm_server::authz::{GlobalRole, OrgRole};
use gururmm_server::commands::link;
use gururmm_server::events::stream::{Hint, Subscription};
use gururmm_server::hub::bus::DashboardEvent;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::runs::order;
use crate::support::place::{Place, shell};
use crate::support::proxy::Proxy;
use crate::support::{Client, TestApp};

/// An open stream, read event by event.
struct Stream {
    response: reqwest::Response,
    text: String,
    /// Id of the last event.
    id: String,
}

impl Stream {
    async fn open(client: &Client) -> Self {
        let mut stream = Self::request(client.request(reqwest::Method::GET, "/api/events")).await;
        assert_eq!(stream.next().await, Some(("resync".into(), json!({}))));
        stream
    }

    /// Goes on where another one stood.
    async fn after(client: &Client, id: &str) -> Self {
        Self::request(client.request(reqwest::Method::GET, &format!("/api/events?after={id}"))).await
    }

    async fn request(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new(), id: String::new() }
    }

    /// The next event, `None` at the end of the stream.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                let found = field("event:").zip(field("data:"));
                let id = field("id:").map(ToOwned::to_owned);
                let found = found.map(|(name, data)| (name.to_owned(), serde_json::from_str(data).unwrap()));
                self.text = rest.to_owned();
                if found.is_some() {
                    self.id = id.expect("every event has an id");
                    return found;
                }
                continue;
            }
            let chunk = tokio::time::timeout(Duration::from_secs(20), self.response.chunk()).await.unwrap();
            self.text.push_str(std::str::from_utf8(&chunk.ok()??).unwrap());
        }
    }

    async fn expect_silence(&mut self) {
        let quiet = tokio::time::timeout(Duration::from_millis(700), self.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn hints_name_ids_and_reach_only_who_may_see_them(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, other) = (Place::new(&app, "Acme").await, Place::new(&app, "Other").await);
    let technician = acme.technician(&app).await;
    let mut mine = Stream::open(&technician).await;
    let mut theirs = Stream::open(&other.technician(&app).await).await;
    let id = acme.create(&technician, shell("echo secret-looking-text")).await;
    assert_eq!(mine.next().await, Some(("command".into(), json!({"command_id": id, "agent_id": acme.agent}))));
    app.app.hub.bus.publish(DashboardEvent::Fleet { organization_id: acme.organization }).await;
    assert_eq!(mine.next().await, Some(("fleet".into(), json!({}))));
    theirs.expect_silence().await;
    app.anonymous().get("/api/events").await.expect_problem(401, "not_signed_in");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn equal_hints_fall_together(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let mut stream = Stream::open(&app.admin().await).await;
    let event = DashboardEvent::Agent { agent_id: place.agent, organization_id: place.organization };
    for _ in 0..500 {
        app.app.hub.bus.publish(event).await;
    }
    assert_eq!(stream.next().await, Some(("agent".into(), json!({"agent_id": place.agent}))));
    let quiet = tokio::time::timeout(Duration::from_millis(900), stream.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_stream_ends_with_its_session_before_anything_more_is_told(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let mut stream = Stream::open(&technician).await;
    technician.post("/api/auth/logout", json!({})).await.expect(204);
    tokio::time::sleep(Duration::from_millis(1100)).await;
    app.app.hub.bus.publish(DashboardEvent::Fleet { organization_id: place.organization }).await;
    assert_eq!(stream.next().await, None);

    // Without any event, the end comes with the next look at the session.
    let technician = place.technician(&app).await;
    let mut stream = Stream::open(&technician).await;
    app.advance(TimeDelta::hours(13));
    assert_eq!(stream.next().await, None);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_lost_membership_silences_the_stream(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let mut stream = Stream::open(&place.technician(&app).await).await;
    sqlx::query("DELETE FROM user_memberships").execute(&app.db).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1100)).await;
    app.app.hub.bus.publish(DashboardEvent::Fleet { organization_id: place.organization }).await;
    stream.expect_silence().await;
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn streams_of_a_user_are_bounded_and_given_back(db: PgPool) {
    let app = TestApp::new(db).await;
    let admin = app.admin().await;
    let mut open = Vec::new();
    for _ in 0..20 {
        open.push(Stream::open(&admin).await);
    }
    let refused = admin.get("/api/events").await;
    refused.expect_problem(429, "too_many_requests");
    assert!(refused.headers.contains_key("retry-after"));
    drop(Stream::open(&app.dev_admin().await).await);
    open.pop();
    for attempt in 0.. {
        // The server notices a closed connection a moment later.
        tokio::time::sleep(Duration::from_millis(50)).await;
        let response = admin.request(reqwest::Method::GET, "/api/events").send().await.unwrap();
        if response.status() == 200 {
            break;
        }
        assert!(attempt < 100, "the place is not given back");
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn streams_end_when_the_server_stops(db: PgPool) {
    let app = TestApp::new(db).await;
    let mut stream = Stream::open(&app.admin().await).await;
    app.app.shutdown.cancel();
    assert_eq!(stream.next().await, None);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn whoever_falls_behind_is_told_to_fetch_anew(db: PgPool) {
    let app = TestApp::new(db).await;
    let account = json!({"email": "ada@example.com", "password": "a long enough password", "name": "Ada"});
    let login = app.anonymous().post("/api/auth/register", account).await.expect(201);
    let token = login["token"].as_str().unwrap().to_owned();
    let user = authenticate(&app.app, &token).await.unwrap();
    let mut stream = Subscription::open(&app.app, &user, token.clone(), None).unwrap();
    let begun = stream.next().await.unwrap();
    assert_eq!((begun.hint, begun.at.number), (Hint::Resync {}, 0));
    let organization_id = Uuid::from_u128(1);
    for n in 0..5000 {
        app.app.hub.bus.publish(DashboardEvent::Agent { agent_id: Uuid::from_u128(n), organization_id }).await;
    }
    let resync = stream.next().await.unwrap();
    assert_eq!((resync.hint, resync.at.number), (Hint::Resync {}, 5000));
    app.app.hub.bus.publish(DashboardEvent::Fleet { organization_id }).await;
    let next = stream.next().await.unwrap();
    assert_eq!((next.hint, next.at.number), (Hint::Fleet {}, 5001), "and the stream goes on");

    // Whoever comes back is told at most a thousand different hints of what was missed.
    for (after, hint) in [(begun, Hint::Resync {}), (resync, Hint::Fleet {})] {
        let after = after.at.to_string();
        let mut stream = Subscription::open(&app.app, &user, token.clone(), Some(&after)).unwrap();
        let told = stream.next().await.unwrap();
        assert_eq!((told.hint, told.at.number), (hint, 5001));
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn while_the_database_is_away_nothing_is_told_and_then_everything_is_to_be_fetched(db: PgPool) {
    let proxy = Proxy::before(&db).await;
    let app = TestApp::new(proxy.pool(&db)).await;
    let place = Place::new(&app, "Acme").await;
    let mut stream = Stream::open(&place.technician(&app).await).await;
    tokio::time::sleep(Duration::from_millis(1100)).await;
    proxy.cut();
    app.app.hub.bus.publish(DashboardEvent::Fleet { organization_id: place.organization }).await;
    let quiet = tokio::time::timeout(Duration::from_millis(1500), stream.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    proxy.mend();
    assert_eq!(stream.next().await, Some(("resync".into(), json!({}))));
    app.app.hub.bus.publish(DashboardEvent::Fleet { organization_id: place.organization }).await;
    assert_eq!(stream.next().await, Some(("fleet".into(), json!({}))));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn output_is_announced_seldom_and_the_last_of_it_always(db: PgPool) {
    let app = TestApp::new(db).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    let id = place.create(&technician, shell("yes")).await;
    app.claim(place.agent).await;
    let mut bus = app.app.hub.bus.feed().listen().receiver;
    let begun = Instant::now();
    for index in 0..60 {
        let event = CommandEvent::Output { index, stream: OutputStream::Stdout, text: "y\n".into() };
        link::on_event(&app.app, place.agent, place.organization, id, event).await.unwrap();
    }
    let elapsed = begun.elapsed();
    let mut announced = 0;
    // The first and the last are certain; between them, one every 250 ms at most.
    while let Ok(event) = {
        let patience = Duration::from_millis(if announced < 2 { 30_000 } else { 600 });
        tokio::time::timeout(patience, bus.recv()).await
    } {
        if let DashboardEvent::CommandOutput { command_id, .. } = event.unwrap().event {
            assert_eq!(command_id, id);
            announced += 1;
        }
    }
    assert!(announced >= 2, "{announced}");
    assert!(announced <= 2 + elapsed.as_millis() / 250, "{announced} in {elapsed:?}");
    let event = CommandEvent::Output { index: 60, stream: OutputStream::Stdout, text: "the end\n".into() };
    link::on_event(&app.app, place.agent, place.organization, id, event).await.unwrap();
    assert!(matches!(bus.recv().await.unwrap().event, DashboardEvent::CommandOutput { .. }));
}

fn agent(n: u128, organization_id: Uuid) -> DashboardEvent {
    DashboardEvent::Agent { agent_id: Uuid::from_u128(n), organization_id }
}

fn hint(n: u128) -> Option<(String, Value)> {
    Some(("agent".into(), json!({"agent_id": Uuid::from_u128(n)})))
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn whoever_comes_back_is_told_what_they_missed(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, other) = (Place::new(&app, "Acme").await, Place::new(&app, "Other").await);
    let technician = acme.technician(&app).await;
    let bus = &app.app.hub.bus;
    let mut stream = Stream::open(&technician).await;
    let begun = stream.id.clone();
    bus.publish(agent(1, acme.organization)).await;
    assert_eq!(stream.next().await, hint(1));
    let first = stream.id.clone();
    drop(stream);
    bus.publish(agent(2, acme.organization)).await;
    bus.publish(agent(9, other.organization)).await;
    bus.publish(agent(3, acme.organization)).await;
    bus.publish(agent(2, acme.organization)).await;

    let mut stream = Stream::after(&technician, &first).await;
    assert_eq!(stream.next().await, hint(2), "no resync, nothing that was told already");
    let amid = stream.id.clone();
    assert_eq!(stream.next().await, hint(3));
    let end = stream.id.clone();
    stream.expect_silence().await;
    bus.publish(agent(4, acme.organization)).await;
    assert_eq!(stream.next().await, hint(4), "and it goes on");

    // Cut off between two hints that left together: the second is not lost, and what fell together comes again at most.
    let mut stream = Stream::after(&technician, &amid).await;
    assert_eq!(stream.next().await, hint(3));
    assert_eq!(stream.next().await, hint(2));
    assert_eq!(stream.next().await, hint(4));
    let mut stream = Stream::after(&technician, &end).await;
    assert_eq!(stream.next().await, hint(4));
    stream.expect_silence().await;

    // A browser by itself: the old address with a newer header.
    let request = technician.request(reqwest::Method::GET, &format!("/api/events?after={begun}"));
    let mut stream = Stream::request(request.header("Last-Event-ID", &end)).await;
    assert_eq!(stream.next().await, hint(4));
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_was_missed_is_told_only_as_far_as_it_may_be_seen_now(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, other) = (Place::new(&app, "Acme").await, Place::new(&app, "Other").await);
    let both = [(acme.organization, OrgRole::Viewer), (other.organization, OrgRole::Viewer)];
    let viewer = app.user(GlobalRole::User, &both).await;
    let stream = Stream::open(&viewer).await;
    let id = stream.id.clone();
    drop(stream);
    app.app.hub.bus.publish(agent(1, acme.organization)).await;
    app.app.hub.bus.publish(agent(2, other.organization)).await;
    sqlx::query("DELETE FROM user_memberships WHERE organization_id = $1")
        .bind(acme.organization)
        .execute(&app.db)
        .await
        .unwrap();
    let mut stream = Stream::after(&viewer, &id).await;
    assert_eq!(stream.next().await, hint(2));
    stream.expect_silence().await;
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_cannot_be_resumed_begins_anew(db: PgPool) {
    let app = TestApp::new(db.clone()).await;
    let place = Place::new(&app, "Acme").await;
    let technician = place.technician(&app).await;
    app.app.hub.bus.publish(agent(1, place.organization)).await;
    let stream = Stream::open(&technician).await;
    let (boot, number) = stream.id.rsplit_once('-').unwrap();
    assert_eq!(number, "1");
    let never = format!("{boot}-2");
    let elsewhere = format!("{}-1", Uuid::from_u128(7).simple());
    for id in ["", "nonsense", "-", boot, &never, &elsewhere, &format!("{boot}--1"), &"9".repeat(5000)] {
        let mut stream = Stream::after(&technician, id).await;
        assert_eq!(stream.next().await, Some(("resync".into(), json!({}))), "{id}");
        assert_eq!(stream.id, format!("{boot}-1"), "{id}");
    }

    // The server has been restarted: its numbers begin anew.
    let again = TestApp::new(db).await;
    let same = place.technician(&again).await;
    again.app.hub.bus.publish(agent(2, place.organization)).await;
    let mut resumed = Stream::after(&same, &stream.id).await;
    assert_eq!(resumed.next().await, Some(("resync".into(), json!({}))));
    assert_ne!(resumed.id, stream.id);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn whoever_sees_little_is_told_where_they_stand(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, other) = (Place::new(&app, "Acme").await, Place::new(&app, "Other").await);
    let mut stream = Stream::open(&acme.technician(&app).await).await;
    let begun = stream.id.clone();
    app.app.hub.bus.publish(agent(1, other.organization)).await;
    // With the next look at the session.
    assert_eq!(stream.next().await, Some(("position".into(), json!({}))));
    assert_ne!(stream.id, begun);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_ordered_run_is_one_hint_for_each_organization(db: PgPool) {
    let app = TestApp::new(db).await;
    let (acme, other) = (Place::new(&app, "Acme").await, Place::new(&app, "Other").await);
    let mut mine = Stream::open(&acme.technician(&app).await).await;
    let admin = app.admin().await;
    let mut all = Stream::open(&admin).await;
    let run = order(&admin, json!({"agent_ids": [acme.agent, other.agent]})).await;
    let told = Some(("run".into(), json!({"run_id": run["id"]})));
    assert_eq!(all.next().await, told);
    assert_eq!(mine.next().await, told);
    all.expect_silence().await;
}
