//! A technician at the real server, and what they see of a real agent.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Client;
use super::process::Server;

/// How long a test waits for what must come; far more than it takes.
pub const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A running server with its first administrator, an organization and a site.
pub struct Desk {
    pub server: Server,
    pub client: Client,
    /// An enrollment token for the site.
    pub token: String,
    /// Where the agent logs; shown when a test fails.
    pub agent_log: PathBuf,
}

impl Desk {
    pub async fn new() -> Self {
        let mut server = Server::new();
        server.start().await;
        let nobody = Client::new(&server.url(), None);
        let account = json!({"email": "ada@example.com", "password": "a long enough password", "name": "Ada"});
        let login = nobody.post("/api/auth/register", account).await.expect(201);
        let client = Client::new(&server.url(), Some(login["token"].as_str().unwrap().to_owned()));
        let organization = client.post("/api/organizations", json!({"name": "Dataforth"})).await.expect(201);
        let sites = format!("/api/organizations/{}/sites", organization["id"].as_str().unwrap());
        let site = client.post(&sites, json!({"name": "HQ"})).await.expect(201);
        let token = client.post("/api/enrollment-tokens", json!({"site_id": site["id"]})).await.expect(201);
        let token = token["secret"].as_str().unwrap().to_owned();
        Self { server, client, token, agent_log: PathBuf::new() }
    }

    /// The only agent's id.
    pub async fn agent(&self) -> String {
        let agents = self.client.get("/api/agents").await.expect(200);
        assert_eq!(agents["items"].as_array().unwrap().len(), 1, "{agents}");
        agents["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// Looks again and again at what is behind this path until it is as wanted.
    pub async fn wait_at(&self, path: &str, mut wanted: impl FnMut(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let found = self.client.get(path).await.expect(200);
            if wanted(&found) {
                return found;
            }
            let agent = std::fs::read_to_string(&self.agent_log).unwrap_or_default();
            let server = self.server.log();
            assert!(started.elapsed() < PATIENCE, "{found}\nserver: {server}\nagent: {agent}");
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    pub async fn wait_for_presence(&self, agent: &str, state: &str) -> Value {
        self.wait_at(&format!("/api/agents/{agent}"), |agent| agent["presence"]["state"] == state).await
    }

    /// Orders a command with more time than it needs; answers its id.
    pub async fn order(&self, agent: &str, program: Value) -> String {
        self.order_with(agent, json!({"program": program, "timeout_seconds": 300})).await
    }

    pub async fn order_with(&self, agent: &str, command: Value) -> String {
        let command = self.client.post(&format!("/api/agents/{agent}/commands"), command).await.expect(201);
        command["id"].as_str().unwrap().to_owned()
    }

    pub async fn command(&self, id: &str) -> Value {
        self.client.get(&format!("/api/commands/{id}")).await.expect(200)
    }

    pub async fn wait_for(&self, id: &str, wanted: impl Fn(&str) -> bool) -> Value {
        self.wait_at(&format!("/api/commands/{id}"), |command| wanted(command["state"].as_str().unwrap())).await
    }

    pub async fn end_of(&self, id: &str) -> Value {
        self.wait_for(id, |state| !matches!(state, "queued" | "sent" | "running")).await
    }

    /// What a command has written so far, both streams as they came.
    pub async fn output_of(&self, id: &str) -> String {
        self.written(id, &["stdout", "stderr"]).await
    }

    /// What a command has written so far to these streams.
    pub async fn written(&self, id: &str, streams: &[&str]) -> String {
        let output = self.client.get(&format!("/api/commands/{id}/output?limit=200")).await.expect(200);
        let chunks = output["chunks"].as_array().unwrap().iter();
        let wanted = chunks.filter(|chunk| streams.contains(&chunk["stream"].as_str().unwrap()));
        wanted.map(|chunk| chunk["text"].as_str().unwrap()).collect()
    }
}
