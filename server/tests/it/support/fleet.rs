//! Agents straight in the database: what an agent is shown as does not depend on how it came.

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{TestApp, start_of_time};

/// An agent to be put into the database.
#[derive(Clone)]
pub struct AgentRow {
    pub organization: Uuid,
    pub site: Uuid,
    pub hostname: String,
    pub display_name: Option<String>,
    pub machine_id: String,
    pub state: &'static str,
    pub machines: Value,
    pub enrolled_at: DateTime<Utc>,
    pub os: Option<(&'static str, &'static str, &'static str)>,
    pub address: Option<&'static str>,
    pub server_host: bool,
    pub duplicate_of: Option<Uuid>,
    /// State, lease until, last seen.
    pub presence: Option<(&'static str, DateTime<Utc>, DateTime<Utc>)>,
    pub pending_reboot: Option<bool>,
    pub reading: Option<ReadingRow>,
}

/// A latest reading to be put into the database.
#[derive(Clone, Copy)]
pub struct ReadingRow {
    pub cpu_percent: f32,
    /// Bytes in use and in all.
    pub memory: (i64, i64),
    /// Of the fullest volume.
    pub volume: Option<(i64, i64)>,
}

impl AgentRow {
    /// An active agent that never connected.
    pub fn new(organization: Uuid, site: Uuid, hostname: &str) -> Self {
        Self {
            organization,
            site,
            hostname: hostname.to_owned(),
            display_name: None,
            machine_id: format!("machine of {hostname}"),
            state: "active",
            machines: json!([]),
            enrolled_at: start_of_time(),
            os: None,
            address: None,
            server_host: false,
            duplicate_of: None,
            presence: None,
            pending_reboot: None,
            reading: None,
        }
    }

    /// With these shares of CPU, memory and the fullest volume in percent.
    pub fn reading(mut self, cpu_percent: f32, memory: i64, volume: i64) -> Self {
        self.reading = Some(ReadingRow { cpu_percent, memory: (memory, 100), volume: Some((volume, 100)) });
        self
    }

    /// Connected, with a lease of a minute.
    pub fn online(mut self) -> Self {
        self.presence = Some(("online", start_of_time() + TimeDelta::minutes(1), start_of_time()));
        self
    }

    /// Not connected since so long ago.
    pub fn offline(mut self, ago: TimeDelta) -> Self {
        self.presence = Some(("offline", start_of_time() - ago, start_of_time() - ago));
        self
    }

    /// Cut off because these machines used its key.
    pub fn quarantined(mut self, machine_ids: &[&str]) -> Self {
        let seen = |id: &&str| {
            json!({"machine_id": id, "hostname": format!("host of {id}"), "boot_id": format!("boot of {id}"),
                   "address": "10.0.0.1", "seen_at": start_of_time()})
        };
        self.state = "quarantined";
        self.machines = machine_ids.iter().map(seen).collect();
        self
    }

    /// Puts it in, with a key unless it is decommissioned; answers its id.
    pub async fn insert(&self, app: &TestApp) -> Uuid {
        let id = app.app.env.id();
        sqlx::query(
            "INSERT INTO agents (id, organization_id, site_id, hostname, display_name, machine_id, boot_id, state,
                                 state_since, quarantine_reason, quarantine_machines, agent_version, enrolled_at,
                                 os_family, os_name, machine_role, address, server_host, duplicate_of, pending_reboot)
             VALUES ($1, $2, $3, $4, $5, $6, 'boot', $7, $8, CASE $7 WHEN 'quarantined' THEN 'two machines' END, $9,
                     '1.0.0', $10, $11, $12, $13, $14, $15, $16, $17)",
        )
        .bind(id)
        .bind(self.organization)
        .bind(self.site)
        .bind(&self.hostname)
        .bind(&self.display_name)
        .bind(&self.machine_id)
        .bind(self.state)
        .bind(start_of_time())
        .bind(&self.machines)
        .bind(self.enrolled_at)
        .bind(self.os.map(|os| os.0))
        .bind(self.os.map(|os| os.1))
        .bind(self.os.map(|os| os.2))
        .bind(self.address)
        .bind(self.server_host)
        .bind(self.duplicate_of)
        .bind(self.pending_reboot)
        .execute(&app.db)
        .await
        .unwrap();
        if self.state != "decommissioned" {
            sqlx::query("INSERT INTO agent_keys (public_key, agent_id, created_at) VALUES ($1, $2, $3)")
                .bind(app.app.env.bytes::<32>().as_slice())
                .bind(id)
                .bind(start_of_time())
                .execute(&app.db)
                .await
                .unwrap();
        }
        if let Some((state, lease_until, last_seen_at)) = self.presence {
            sqlx::query(
                "INSERT INTO agent_presence (agent_id, state, since, last_seen_at, node_id, session_id, lease_until)
                 VALUES ($1, $2, $3, $3, $1, $1, $4)",
            )
            .bind(id)
            .bind(state)
            .bind(last_seen_at)
            .bind(lease_until)
            .execute(&app.db)
            .await
            .unwrap();
        }
        if let Some(reading) = self.reading {
            reading.insert(app, id).await;
        }
        id
    }
}

impl ReadingRow {
    async fn insert(self, app: &TestApp, agent: Uuid) {
        sqlx::query(
            "INSERT INTO agent_readings_latest (agent_id, at, cpu_percent, memory_used_bytes, memory_total_bytes,
                 uptime_seconds, volumes, worst_mount, worst_used_bytes, worst_total_bytes)
             VALUES ($1, $2, $3, $4, $5, 60, '[]', CASE WHEN $6 IS NOT NULL THEN '/' END, $6, $7)",
        )
        .bind(agent)
        .bind(start_of_time())
        .bind(self.cpu_percent)
        .bind(self.memory.0)
        .bind(self.memory.1)
        .bind(self.volume.map(|volume| volume.0))
        .bind(self.volume.map(|volume| volume.1))
        .execute(&app.db)
        .await
        .unwrap();
    }
}

/// The field `name` of every row of a list's answer.
#[track_caller]
pub fn column(body: &Value, name: &str) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    body["items"].as_array().unwrap().iter().map(|row| text(&row[name])).collect()
}
