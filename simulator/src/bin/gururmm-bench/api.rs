//! The few calls of the REST API that the measurement needs.

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::{Value, json};

/// The first account.
pub const EMAIL: &str = "bench@bench.example";
pub const PASSWORD: &str = "only for this measurement";

pub struct Api {
    client: reqwest::Client,
    base: String,
    token: String,
}

impl Api {
    /// Makes the first account and signs in with it.
    pub async fn bootstrap(base: String) -> anyhow::Result<Self> {
        let client = gururmm_sim::http_client()?;
        let mut api = Self { client, base, token: String::new() };
        let account = json!({"email": EMAIL, "password": PASSWORD, "name": "Bench"});
        let login = api.call(Method::POST, "/api/auth/register", Some(account)).await?;
        api.token = text(&login, "token")?;
        Ok(api)
    }

    /// Makes an organization with `sites` sites and returns an enrollment token for each.
    pub async fn enrollment_tokens(&self, sites: usize) -> anyhow::Result<Vec<String>> {
        let organization = self.call(Method::POST, "/api/organizations", Some(json!({"name": "Bench"}))).await?;
        let path = format!("/api/organizations/{}/sites", text(&organization, "id")?);
        let mut tokens = Vec::new();
        for number in 1..=sites {
            let site = self.call(Method::POST, &path, Some(json!({"name": format!("Site {number}")}))).await?;
            let wish = json!({"site_id": text(&site, "id")?, "expires_in_hours": 24});
            let token = self.call(Method::POST, "/api/enrollment-tokens", Some(wish)).await?;
            tokens.push(text(&token, "secret")?);
        }
        Ok(tokens)
    }

    /// How many agents the server says are online.
    pub async fn online(&self) -> anyhow::Result<u64> {
        let count = self.call(Method::GET, "/api/agents/count", None).await?;
        count["online"].as_u64().context("no count of agents online")
    }

    /// One page of the agent list: the ids, and where the next page begins.
    pub async fn agent_page(&self, cursor: Option<&str>) -> anyhow::Result<(Vec<String>, Option<String>)> {
        let after = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = self.call(Method::GET, &format!("/api/agents?limit=100{after}"), None).await?;
        let items = page["items"].as_array().context("no items in the page")?;
        let ids = items.iter().map(|agent| text(agent, "id")).collect::<anyhow::Result<_>>()?;
        Ok((ids, page["next_cursor"].as_str().map(ToOwned::to_owned)))
    }

    /// Creates a command and waits for its end; returns the state it ended in.
    pub async fn run_command(&self, agent: &str) -> anyhow::Result<String> {
        let wish = json!({
            "program": {"kind": "shell", "interpreter": "sh", "script": "echo bench"}, "timeout_seconds": 60
        });
        let mut command = self.call(Method::POST, &format!("/api/agents/{agent}/commands"), Some(wish)).await?;
        let path = format!("/api/commands/{}", text(&command, "id")?);
        // Bounded: an agent that is gone would leave the command queued.
        for _ in 0..10_000 {
            let state = text(&command, "state")?;
            if !matches!(state.as_str(), "queued" | "sent" | "running") {
                return Ok(state);
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            command = self.call(Method::GET, &path, None).await?;
        }
        bail!("the command {path} does not end")
    }

    async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?;
        let status = answer.status();
        let text = answer.text().await?;
        if !status.is_success() {
            bail!("{path} answered {status}: {text}");
        }
        serde_json::from_str(&text).with_context(|| format!("{path} answered no JSON"))
    }
}

fn text(value: &Value, field: &str) -> anyhow::Result<String> {
    Ok(value[field].as_str().with_context(|| format!("no {field} in the answer"))?.to_owned())
}
