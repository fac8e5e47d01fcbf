//! Server or agent dies at some step of a command: it ends once, in one honest state, and its audit row stays.

use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::command::{Knowledge, Outcome, OutputStream};
use gururmm_protocol::envelope::Action;
use gururmm_protocol::handshake::RejectCode;
use gururmm_server::commands::service;
use gururmm_server::hub::{presence, recheck::recheck};
use gururmm_sim::{Script, Session, SimAgent};
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::support::killable::Killable;
use crate::support::place::{audit_rows, id_of, shell, show};
use crate::support::{Client, TestApp};

/// Who dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Victim {
    Server,
    Agent,
}

/// After which step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Durable, the agent is not there yet.
    Queued,
    /// Marked as sent, and never written to the socket.
    Claimed,
    /// It arrived; the agent has written nothing down.
    Arrived,
    /// The agent has it in its journal and waits for a free slot.
    Journaled,
    Started,
    Output,
    /// The result is on its way.
    Unacknowledged,
    Over,
}

struct World {
    server: Killable,
    agent: SimAgent,
    client: Client,
}

impl World {
    async fn start(db: PgPool) -> Self {
        let server = Killable::start(db).await;
        let agent = server.app.agent(7).await;
        let client = server.app.admin().await;
        Self { server, agent, client }
    }

    fn agent_id(&self) -> Uuid {
        self.agent.agent_id().unwrap()
    }

    async fn create(&self, body: Value) -> Uuid {
        create(&self.client, self.agent_id(), body).await
    }

    async fn state(&self, id: Uuid) -> String {
        state(&self.client, id).await
    }

    /// The victim dies and comes back; the agent connects anew.
    async fn die(&mut self, victim: Victim, session: Option<Session>) -> Session {
        match victim {
            Victim::Server => {
                self.server.kill_and_restart().await;
                self.agent.set_server(&self.server.app.url);
                self.client = self.server.app.admin().await;
            }
            Victim::Agent => session.into_iter().for_each(Session::drop_socket),
        }
        self.agent.connect().await.unwrap()
    }
}

async fn create(client: &Client, agent_id: Uuid, body: Value) -> Uuid {
    id_of(&client.post(&format!("/api/agents/{agent_id}/commands"), body).await.expect(201))
}

async fn state(client: &Client, id: Uuid) -> String {
    show(client, id).await["state"].as_str().unwrap().to_owned()
}

async fn until_state(client: &Client, id: Uuid, wanted: &str) {
    for _ in 0..1_200 {
        if state(client, id).await == wanted {
            return;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("{wanted} is never reached: {}", show(client, id).await);
}

/// The server asks about `id`, and the agent answers.
async fn answer(session: &mut Session, id: Uuid, knowledge: Knowledge) {
    assert_eq!(session.expect_query().await.unwrap(), [id]);
    session.answer_query(&[(id, knowledge)]).await.unwrap();
}

/// Plays one command to its end with one death; answers the state it ended in.
async fn story(db: PgPool, victim: Victim, step: Step) -> String {
    let mut world = World::start(db).await;
    let script = Script::succeeds("hello\n");
    let mut session = None;
    if !matches!(step, Step::Queued | Step::Claimed) {
        session = Some(world.agent.connect().await.unwrap());
    }
    let id = world.create(shell("echo hello")).await;
    if step == Step::Claimed {
        assert_eq!(world.server.app.claim(world.agent_id()).await.len(), 1);
    }
    let mut session = match session {
        Some(session) => session,
        None => world.die(victim, None).await,
    };
    if step == Step::Claimed {
        answer(&mut session, id, Knowledge::NeverHad).await;
    }
    assert_eq!(session.expect_command().await.unwrap().id(), id);
    // An agent that died does not start what it only had written down: it says that it never had it.
    let forgotten = step == Step::Arrived || (step == Step::Journaled && victim == Victim::Agent);
    if matches!(step, Step::Arrived | Step::Journaled) {
        session = world.die(victim, Some(session)).await;
        answer(&mut session, id, if forgotten { Knowledge::NeverHad } else { Knowledge::InProgress }).await;
        if forgotten {
            assert_eq!(session.expect_command().await.unwrap().id(), id, "sent again: the agent never had it");
        }
    }
    session.report_started(id).await.unwrap();
    if step == Step::Output {
        session.report_output(id, 0, OutputStream::Stdout, "hello\n").await.unwrap();
    }
    if matches!(step, Step::Started | Step::Output) {
        session = world.die(victim, Some(session)).await;
        if victim == Victim::Agent {
            answer(&mut session, id, Knowledge::Finished).await;
            let mut lost = Script::ends(Outcome::Unknown);
            lost.reason = Some("the agent stopped while the command ran".into());
            session.report_finished(id, &lost).await.unwrap();
            return finish(&world, session, id).await;
        }
        answer(&mut session, id, Knowledge::InProgress).await;
    }
    // What was stored before is sent again, as by an agent that saw no acknowledgement.
    session.report_output(id, 0, OutputStream::Stdout, "hello\n").await.unwrap();
    if step == Step::Unacknowledged {
        let report = gururmm_protocol::message::Report::Command { id, event: finished_event(&session, &script) };
        session.send_report(report).await.unwrap();
        session = world.die(victim, Some(session)).await;
        if world.state(id).await == "running" {
            answer(&mut session, id, Knowledge::Finished).await;
        }
    }
    session.report_finished(id, &script).await.unwrap();
    if step == Step::Over {
        session = world.die(victim, Some(session)).await;
    }
    finish(&world, session, id).await
}

fn finished_event(session: &Session, script: &Script) -> gururmm_protocol::command::CommandEvent {
    gururmm_protocol::command::CommandEvent::Finished(gururmm_protocol::command::CommandResult {
        outcome: script.outcome,
        exit_code: script.exit_code,
        signal: None,
        reason: None,
        started_at: None,
        finished_at: session.now(),
        output_chunks: 1,
        output_dropped_bytes: 0,
    })
}

/// What holds at the end of every story.
async fn finish(world: &World, mut session: Session, id: Uuid) -> String {
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
    let command = show(&world.client, id).await;
    assert_ne!(command["finished_at"], Value::Null, "{command}");
    assert_eq!(command["late_result"], Value::Null, "{command}");
    let output = world.client.get(&format!("/api/commands/{id}/output")).await.expect(200);
    assert!(output["chunks"].as_array().unwrap().len() <= 1, "each chunk is kept once: {output}");
    assert_eq!(output["complete"], true);
    assert_eq!(audit_rows(&world.server.app, "command.create").await.len(), 1);
    service::sweep(&world.server.app.app).await.unwrap();
    let state = world.state(id).await;
    assert_eq!(state, command["state"].as_str().unwrap());
    state
}

macro_rules! stories {
    ($($name:ident: $victim:ident at $step:ident => $state:literal;)*) => { $(
        #[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
        async fn $name(db: PgPool) {
            assert_eq!(story(db, Victim::$victim, Step::$step).await, $state);
        }
    )* };
}

stories! {
    server_dies_with_a_command_queued: Server at Queued => "succeeded";
    server_dies_between_marking_and_sending: Server at Claimed => "succeeded";
    server_dies_when_it_arrived: Server at Arrived => "succeeded";
    server_dies_when_it_is_journaled: Server at Journaled => "succeeded";
    server_dies_when_it_runs: Server at Started => "succeeded";
    server_dies_during_output: Server at Output => "succeeded";
    server_dies_before_acknowledging_the_result: Server at Unacknowledged => "succeeded";
    server_dies_when_it_is_over: Server at Over => "succeeded";
    agent_dies_when_it_arrived: Agent at Arrived => "succeeded";
    agent_dies_when_it_is_journaled: Agent at Journaled => "succeeded";
    agent_dies_when_it_runs: Agent at Started => "unknown";
    agent_dies_during_output: Agent at Output => "unknown";
    agent_dies_before_the_acknowledgement: Agent at Unacknowledged => "succeeded";
    agent_dies_when_it_is_over: Agent at Over => "succeeded";
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn an_agent_that_never_comes_back_leaves_honest_ends(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let client = app.admin().await;
    let mut body = shell("true");
    (body["expires_in_seconds"], body["timeout_seconds"]) = (json!(600), json!(60));
    let mut session = agent.connect().await.unwrap();
    let (running, sent) = (create(&client, session.agent_id(), body.clone()).await, {
        session.expect_command().await.unwrap();
        create(&client, session.agent_id(), body.clone()).await
    });
    session.expect_command().await.unwrap();
    session.report_started(running).await.unwrap();
    session.drop_socket();
    app.wait_for_row("SELECT state FROM agent_presence", |row: &(String,)| row.0 == "offline").await;
    let queued = create(&client, agent.agent_id().unwrap(), body).await;
    app.advance(TimeDelta::hours(1));
    service::sweep(&app.app).await.unwrap();
    for (id, end) in [(running, "unknown"), (sent, "unknown"), (queued, "expired")] {
        assert_eq!(state(&client, id).await, end);
    }

    // It comes back after all: what is known replaces what was not.
    let mut session = agent.connect().await.unwrap();
    session.report_finished(running, &Script::fails(4, "")).await.unwrap();
    let known = show(&client, running).await;
    assert_eq!((&known["state"], &known["exit_code"]), (&json!("failed"), &json!(4)));
    assert_eq!(audit_rows(&app, "command.create").await.len(), 3);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn what_expires_while_the_agent_is_away_never_reaches_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let client = app.admin().await;
    let mut body = shell("true");
    body["expires_in_seconds"] = json!(60);
    let old = create(&client, agent.agent_id().unwrap(), body).await;
    app.advance(TimeDelta::seconds(61));
    let fresh = create(&client, agent.agent_id().unwrap(), shell("true")).await;
    let mut session = agent.connect().await.unwrap();
    assert_eq!(session.expect_command().await.unwrap().id(), fresh);
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
    assert_eq!(state(&client, old).await, "expired");
    let refused = session.report_finished(old, &Script::succeeds("")).await;
    assert!(refused.is_err(), "it was never sent");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_running_command_is_cancelled_by_a_signed_order(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let client = app.admin().await;
    let mut session = agent.connect().await.unwrap();
    let id = create(&client, session.agent_id(), shell("sleep 60")).await;
    session.expect_command().await.unwrap();
    session.report_started(id).await.unwrap();
    let path = format!("/api/commands/{id}/cancel");
    assert_eq!(client.post(&path, json!({})).await.expect(200)["state"], "running");
    let (_, order) = session.expect_action().await.unwrap();
    assert_eq!(order, Action::CancelCommand { command_id: id });
    // The order is lost with the agent's connection: it is given again.
    session.drop_socket();
    let mut session = agent.connect().await.unwrap();
    answer(&mut session, id, Knowledge::InProgress).await;
    assert_eq!(session.expect_action().await.unwrap().1, order);
    session.report_finished(id, &Script::ends(Outcome::Cancelled)).await.unwrap();
    assert_eq!(state(&client, id).await, "cancelled");
    session.close().await;
    let mut session = agent.connect().await.unwrap();
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_command_cancelled_in_flight_is_not_sent_again(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let client = app.admin().await;
    let id = create(&client, agent.agent_id().unwrap(), shell("true")).await;
    app.claim(agent.agent_id().unwrap()).await;
    client.post(&format!("/api/commands/{id}/cancel"), json!({})).await.expect(200);
    let mut session = agent.connect().await.unwrap();
    answer(&mut session, id, Knowledge::NeverHad).await;
    until_state(&client, id, "cancelled").await;
    // Whoever got the order before the question was answered may still confirm it.
    session.report_finished(id, &Script::ends(Outcome::Cancelled)).await.unwrap();
    assert_eq!(show(&client, id).await["late_result"], Value::Null);
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_living_session_finds_what_no_signal_told_it(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let agent_id = agent.agent_id().unwrap();
    let client = app.admin().await;
    let id = create(&client, agent_id, shell("true")).await;
    // Nobody is connected: what is claimed here is sent, and never handed over.
    app.claim(agent_id).await;
    sqlx::query("UPDATE commands SET state = 'succeeded', finished_at = created_at").execute(&app.db).await.unwrap();
    let mut session = agent.connect().await.unwrap();
    // The answer comes after the session's first look at what waits.
    session.report_inventory(&agent).await.unwrap();
    sqlx::query("UPDATE commands SET state = 'sent', finished_at = NULL").execute(&app.db).await.unwrap();
    recheck(&app.app).await.unwrap();
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();

    app.advance(TimeDelta::seconds(60));
    recheck(&app.app).await.unwrap();
    answer(&mut session, id, Knowledge::NeverHad).await;
    assert_eq!(session.expect_command().await.unwrap().id(), id);
    app.advance(TimeDelta::seconds(60));
    recheck(&app.app).await.unwrap();
    session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
    session.run_script(id, &Script::succeeds("")).await.unwrap();

    // Whoever queued it was cut off before it could tell.
    sqlx::query("UPDATE commands SET state = 'queued', finished_at = NULL, sent_at = NULL")
        .execute(&app.db)
        .await
        .unwrap();
    recheck(&app.app).await.unwrap();
    assert_eq!(session.expect_command().await.unwrap().id(), id);
    sqlx::query("UPDATE agents SET state = 'quarantined'").execute(&app.db).await.unwrap();
    recheck(&app.app).await.unwrap();
    session.expect_rejected(RejectCode::Quarantined).await.unwrap();
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_command_that_runs_for_too_long_is_asked_about_and_given_up_an_hour_later(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let client = app.admin().await;
    let mut session = agent.connect().await.unwrap();
    let mut body = shell("true");
    body["timeout_seconds"] = json!(60);
    let id = create(&client, session.agent_id(), body).await;
    session.expect_command().await.unwrap();
    session.report_started(id).await.unwrap();
    // Written a moment after the beginning, with the lease of then: not over the renewals below.
    app.wait_for_row("SELECT state FROM agent_presence", |row: &(String,)| row.0 == "online").await;
    for (minutes, wanted) in [(10, "running"), (1, "running"), (59, "running"), (1, "unknown")] {
        app.advance(TimeDelta::minutes(minutes));
        presence::renew(&app.app).await.unwrap();
        service::sweep(&app.app).await.unwrap();
        assert_eq!(state(&client, id).await, wanted);
        recheck(&app.app).await.unwrap();
        if minutes == 10 || wanted == "unknown" {
            session.link().expect_silence(Duration::from_millis(200)).await.unwrap();
        } else {
            answer(&mut session, id, Knowledge::InProgress).await;
        }
    }
    session.report_finished(id, &Script::fails(4, "")).await.unwrap();
    assert_eq!(state(&client, id).await, "failed");
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn at_most_eight_are_under_way_and_the_rest_follows(db: PgPool) {
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let client = app.admin().await;
    let mut session = agent.connect().await.unwrap();
    let mut asked = Vec::new();
    for n in 0..12 {
        asked.push(create(&client, session.agent_id(), shell(&format!("echo {n}"))).await);
    }
    let mut had = Vec::new();
    for _ in 0..8 {
        had.push(session.expect_command().await.unwrap().id());
    }
    session.link().expect_silence(Duration::from_millis(300)).await.unwrap();
    for n in 0..12 {
        session.run_script(had[n], &Script::succeeds("")).await.unwrap();
        if n < 4 {
            had.push(session.expect_command().await.unwrap().id());
        }
    }
    asked.sort_unstable();
    had.sort_unstable();
    assert_eq!(asked, had, "each once");
}

/// Collects what the server logs.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[sqlx::test(migrator = "gururmm_server::db::MIGRATOR")]
async fn a_secret_is_in_no_log_no_row_and_no_answer(db: PgPool) {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let app = TestApp::new(db).await;
    let agent = app.agent(1).await;
    let client = app.admin().await;
    let mut session = agent.connect().await.unwrap();
    let mut body = shell("login");
    body["secrets"] = json!({"PASSWORD": "hunter2-is-secret"});
    let id = create(&client, session.agent_id(), body.clone()).await;
    let command = session.expect_command().await.unwrap();
    assert_eq!(command.run.secrets["PASSWORD"], "hunter2-is-secret");
    session.run_script(id, &Script::succeeds("[redacted]\n")).await.unwrap();
    body["timeout_seconds"] = json!(0);
    let path = format!("/api/agents/{}/commands", session.agent_id());
    let mut shown = client.post(&path, body).await.expect_problem(422, "invalid").to_string();
    for path in [path, format!("/api/commands/{id}"), format!("/api/commands/{id}/output"), "/api/audit".into()] {
        shown += &client.get(&path).await.text;
    }
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT c::text || encode(payload_sealed, 'escape') FROM commands c
         UNION ALL SELECT a::text FROM audit_log a UNION ALL SELECT o::text FROM command_output o",
    )
    .fetch_all(&app.db)
    .await
    .unwrap();
    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("request"), "the log is looked at: {log}");
    for text in rows.iter().chain([&shown, &log]) {
        assert!(!text.contains("hunter2"), "{text}");
    }
}
