//! Enrollment tokens and agents for tests.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::crypto::PublicKey;
use gururmm_protocol::enroll::EnrollmentToken;
use gururmm_protocol::envelope::SignedEnvelope;
use gururmm_server::commands::link::{self, Recipient};
use gururmm_sim::SimAgent;
use uuid::Uuid;

use super::{TestApp, start_of_time};

/// How often, and how long apart, a test looks whether what must come has come: thirty seconds.
const LOOKS: u32 = 1_500;
const PAUSE: Duration = Duration::from_millis(20);

/// An enrollment token to be put into the database.
pub struct TokenRow {
    pub expires_at: DateTime<Utc>,
    pub max_uses: Option<i32>,
    pub revoked_at: Option<DateTime<Utc>>,
}

impl Default for TokenRow {
    fn default() -> Self {
        Self { expires_at: start_of_time() + TimeDelta::days(3), max_uses: None, revoked_at: None }
    }
}

impl TestApp {
    /// The text of a token for this site that works.
    pub async fn enrollment_token(&self, organization: Uuid, site: Uuid) -> String {
        self.enrollment_token_with(organization, site, TokenRow::default()).await
    }

    pub async fn enrollment_token_with(&self, organization: Uuid, site: Uuid, row: TokenRow) -> String {
        let token = EnrollmentToken::new(self.app.keys.server_fingerprint(), self.app.env.bytes());
        sqlx::query(
            "INSERT INTO enrollment_tokens (id, organization_id, site_id, token_hash, created_by_label, created_at,
                                            expires_at, max_uses, revoked_at)
             VALUES ($1, $2, $3, $4, 'test', $5, $6, $7, $8)",
        )
        .bind(self.app.env.id())
        .bind(organization)
        .bind(site)
        .bind(token.hash().as_slice())
        .bind(start_of_time())
        .bind(row.expires_at)
        .bind(row.max_uses)
        .bind(row.revoked_at)
        .execute(&self.db)
        .await
        .unwrap();
        token.reveal()
    }

    /// An enrolled agent in an organization of its own.
    pub async fn agent(&self, seed: u64) -> SimAgent {
        let (organization, site) = self.organization(&format!("Customer {seed}")).await;
        self.agent_in(organization, site, seed).await
    }

    /// An enrolled agent of this site.
    pub async fn agent_in(&self, organization: Uuid, site: Uuid, seed: u64) -> SimAgent {
        let token = self.enrollment_token(organization, site).await;
        let mut agent = SimAgent::from_seed(seed);
        agent.enroll(&self.url, &token).await.unwrap();
        agent
    }

    /// The key and the machine that this agent's session proves and says.
    async fn proven(&self, agent_id: Uuid) -> (PublicKey, String) {
        let (key, machine_id): (Vec<u8>, String) = sqlx::query_as(
            "SELECT k.public_key, a.machine_id FROM agents a JOIN agent_keys k ON k.agent_id = a.id
             WHERE a.id = $1 AND k.revoked_at IS NULL",
        )
        .bind(agent_id)
        .fetch_one(&self.db)
        .await
        .unwrap();
        (PublicKey::from_bytes(key.try_into().unwrap()), machine_id)
    }

    /// Commands that a session of this agent is given.
    pub async fn claim(&self, agent_id: Uuid) -> Vec<SignedEnvelope> {
        let (key, machine_id) = self.proven(agent_id).await;
        link::claim(&self.app, Recipient { agent_id, key: &key, machine_id: &machine_id }).await.unwrap()
    }

    /// Orders that a session of this agent is given.
    pub async fn orders(&self, agent_id: Uuid) -> Vec<SignedEnvelope> {
        let (key, machine_id) = self.proven(agent_id).await;
        link::orders(&self.app, Recipient { agent_id, key: &key, machine_id: &machine_id }).await.unwrap()
    }

    /// Whether somebody waits for a lock in the test's database.
    pub async fn somebody_waits(&self) -> bool {
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity
                                  WHERE datname = current_database() AND wait_event_type = 'Lock')";
        sqlx::query_scalar(sql).fetch_one(&self.db).await.unwrap()
    }

    /// Waits until `condition` holds; fails after half a minute.
    pub async fn until<F: Future<Output = bool>>(&self, what: &str, condition: impl Fn() -> F) {
        for _ in 0..LOOKS {
            if condition().await {
                return;
            }
            tokio::time::sleep(PAUSE).await;
        }
        panic!("not within half a minute: {what}");
    }

    /// Waits until the first row of `sql` is as wanted, and returns it; fails after half a minute.
    pub async fn wait_for_row<T>(&self, sql: &'static str, wanted: impl Fn(&T) -> bool) -> T
    where
        T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin + std::fmt::Debug,
    {
        let mut last = None;
        for _ in 0..LOOKS {
            last = sqlx::query_as::<_, T>(sql).fetch_optional(&self.db).await.unwrap();
            match last {
                Some(row) if wanted(&row) => return row,
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
        panic!("not within half a minute: {sql}: {last:?}");
    }
}
