//! An agent below the socket: the API on one side, `commands::link` on the other.

use chrono::TimeDelta;
use gururmm_protocol::command::{CommandEvent, CommandResult, CommandStatus, Knowledge, Outcome, OutputStream};
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::envelope::{Action, Expectation, Refusal, SignedEnvelope};
use gururmm_server::authz::OrgRole;
use gururmm_server::commands::link::{self, Verdict};
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::{Answer, Client};
use super::{TestApp, start_of_time};

/// An agent straight from the database, with its organization.
pub struct Place {
    pub organization: Uuid,
    pub agent: Uuid,
}

impl Place {
    pub async fn new(app: &TestApp, name: &str) -> Self {
        let (organization, site) = app.organization(name).await;
        let agent = Uuid::from_u128(fastrand::u128(..));
        sqlx::query(
            "INSERT INTO agents (id, organization_id, site_id, hostname, machine_id, boot_id, state_since, agent_version, enrolled_at)
             VALUES ($1, $2, $3, $4, $4, 'boot', $5, '0.1.0', $5)",
        )
        .bind(agent)
        .bind(organization)
        .bind(site)
        .bind(format!("PC-{name}"))
        .bind(start_of_time())
        .execute(&app.db)
        .await
        .unwrap();
        sqlx::query("INSERT INTO agent_keys (public_key, agent_id, created_at) VALUES ($1, $2, $3)")
            .bind(app.app.env.bytes::<32>().as_slice())
            .bind(agent)
            .bind(start_of_time())
            .execute(&app.db)
            .await
            .unwrap();
        Self { organization, agent }
    }

    pub async fn technician(&self, app: &TestApp) -> Client {
        app.member(self.organization, OrgRole::Technician).await
    }

    pub async fn send(&self, client: &Client, body: Value) -> Answer {
        client.post(&format!("/api/agents/{}/commands", self.agent), body).await
    }

    /// Asks for a command and answers its id.
    pub async fn create(&self, client: &Client, body: Value) -> Uuid {
        id_of(&self.send(client, body).await.expect(201))
    }

    pub async fn event(&self, app: &TestApp, id: Uuid, event: CommandEvent) -> Verdict {
        link::on_event(&app.app, self.agent, self.organization, id, event).await.unwrap()
    }

    pub async fn stored(&self, app: &TestApp, id: Uuid, event: CommandEvent) {
        assert_eq!(self.event(app, id, event).await, Verdict::Stored);
    }

    pub async fn refused(&self, app: &TestApp, id: Uuid, event: CommandEvent) -> String {
        match self.event(app, id, event).await {
            Verdict::Refused(reason) => reason,
            Verdict::Stored => panic!("stored"),
        }
    }

    /// What the agent is given, as it is after checking it like an agent does.
    pub async fn claim(&self, app: &TestApp) -> Vec<Uuid> {
        let envelopes = app.claim(self.agent).await;
        envelopes.iter().map(|envelope| self.open(app, envelope).unwrap().0).collect()
    }

    pub fn open(&self, app: &TestApp, envelope: &SignedEnvelope) -> Result<(Uuid, Action), Refusal> {
        let server_key = PublicKey::of(&app.app.keys.signing);
        let expect = Expectation { server_key: &server_key, agent_id: self.agent, epoch: 1, now: app.app.env.now() };
        envelope.open(&expect).map(|(header, action)| (header.id, action))
    }

    pub async fn orders(&self, app: &TestApp) -> Vec<Action> {
        let envelopes = app.orders(self.agent).await;
        envelopes.iter().map(|envelope| self.open(app, envelope).unwrap().1).collect()
    }

    pub async fn status(&self, app: &TestApp, id: Uuid, knowledge: Knowledge) {
        link::on_status(&app.app, self.agent, vec![CommandStatus { id, knowledge }]).await.unwrap();
    }
}

pub fn id_of(command: &Value) -> Uuid {
    command["id"].as_str().unwrap().parse().unwrap()
}

pub fn shell(script: &str) -> Value {
    json!({"program": {"kind": "shell", "interpreter": "sh", "script": script}})
}

pub fn started() -> CommandEvent {
    CommandEvent::Started { started_at: start_of_time() }
}

pub fn output(index: u32, text: &str) -> CommandEvent {
    CommandEvent::Output { index, stream: OutputStream::Stdout, text: text.into() }
}

pub fn finished(outcome: Outcome, exit_code: Option<i32>) -> CommandEvent {
    CommandEvent::Finished(CommandResult {
        outcome,
        exit_code,
        signal: None,
        reason: None,
        started_at: Some(start_of_time()),
        finished_at: start_of_time() + TimeDelta::days(9000),
        output_chunks: 2,
        output_dropped_bytes: 0,
    })
}

pub async fn show(client: &Client, id: Uuid) -> Value {
    client.get(&format!("/api/commands/{id}")).await.expect(200)
}

pub async fn audit_rows(app: &TestApp, action: &str) -> Vec<(String, Value)> {
    sqlx::query_as("SELECT outcome, detail FROM audit_log WHERE action = $1 ORDER BY id")
        .bind(action)
        .fetch_all(&app.db)
        .await
        .unwrap()
}
