//! A running server for one test: the real router on a real socket, its own database, a clock that stands still.

mod agents;
pub mod client;
pub mod desk;
pub mod fleet;
pub mod killable;
pub mod place;
pub mod process;
pub mod proxy;
pub mod wine;

use std::sync::Arc;

use axum::Router;
use chrono::{DateTime, TimeDelta, Utc};
use gururmm_server::app::{App, Parts};
use gururmm_server::authz::{GlobalRole, OrgRole};
use gururmm_server::config::{Config, Settings};
use gururmm_server::core::Env;
use gururmm_server::core::env::{ManualClock, SystemRandom};
use gururmm_server::hub::Hub;
use gururmm_server::keys::Keys;
use sqlx::PgPool;
use uuid::Uuid;
use zeroize::Zeroizing;

pub use agents::TokenRow;
pub use client::{Answer, Client};

/// The moment at which every test starts.
pub fn start_of_time() -> DateTime<Utc> {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

pub struct TestApp {
    pub app: App,
    pub clock: Arc<ManualClock>,
    pub db: PgPool,
    pub url: String,
    client: Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl TestApp {
    pub async fn new(db: PgPool) -> Self {
        Self::with(db, |_| {}).await
    }

    pub async fn with(db: PgPool, change: impl FnOnce(&mut Config)) -> Self {
        Self::with_hub(db, Hub::default(), change).await
    }

    pub async fn with_hub(db: PgPool, hub: Hub, change: impl FnOnce(&mut Config)) -> Self {
        Self::start(db, hub, 1, change).await
    }

    /// As after a backup was restored so many times.
    pub async fn in_epoch(db: PgPool, epoch: i32) -> Self {
        Self::start(db, Hub::default(), epoch, |_| {}).await
    }

    async fn start(db: PgPool, hub: Hub, epoch: i32, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(ManualClock::new(start_of_time()));
        let env = Env::new(clock.clone(), Arc::new(SystemRandom));
        let keys = Keys::from_seeds(&[1; 32], Zeroizing::new([2; 32]), &[3; 32], &[4; 32]);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut config = Settings { listen: Some(address), ..Settings::default() }.resolve().unwrap();
        change(&mut config);
        let app = App::new(Parts {
            env,
            db: db.clone(),
            keys,
            config,
            epoch,
            hub,
            node_id: Uuid::from_u128(1),
            shutdown: Default::default(),
            events: Default::default(),
            exports: Default::default(),
            limits: Default::default(),
            software: Default::default(),
        });
        let router: Router = gururmm_server::http::router::build(app.clone());
        let service = router.into_make_service_with_connect_info::<std::net::SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
        let url = format!("http://{address}");
        let client = Client::new(&url, None);
        Self { app, clock, db, url, client, server }
    }

    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }

    /// A caller without any credentials.
    pub fn anonymous(&self) -> Client {
        self.client.with_token(None)
    }

    /// A caller with this bearer token.
    pub fn with_token(&self, token: &str) -> Client {
        self.client.with_token(Some(token))
    }

    pub async fn dev_admin(&self) -> Client {
        self.user(GlobalRole::DevAdmin, &[]).await
    }

    pub async fn admin(&self) -> Client {
        self.user(GlobalRole::Admin, &[]).await
    }

    /// A user with a role in one organization.
    pub async fn member(&self, organization: Uuid, role: OrgRole) -> Client {
        self.user(GlobalRole::User, &[(organization, role)]).await
    }

    /// A signed-in user, straight from the database: account administration is not what most tests are about.
    pub async fn user(&self, role: GlobalRole, memberships: &[(Uuid, OrgRole)]) -> Client {
        let (id, session) = (Uuid::from_u128(fastrand::u128(..)), Uuid::from_u128(fastrand::u128(..)));
        let now = start_of_time();
        sqlx::query("INSERT INTO users (id, email, name, role, created_at) VALUES ($1, $2, 'Test', $3, $4)")
            .bind(id)
            .bind(format!("{}-{}@example.com", role.as_str(), id.simple()))
            .bind(role.as_str())
            .bind(now)
            .execute(&self.db)
            .await
            .unwrap();
        for (organization, role) in memberships {
            sqlx::query("INSERT INTO user_memberships (user_id, organization_id, role) VALUES ($1, $2, $3)")
                .bind(id)
                .bind(organization)
                .bind(role.as_str())
                .execute(&self.db)
                .await
                .unwrap();
        }
        sqlx::query("INSERT INTO user_sessions (id, user_id, created_at, expires_at) VALUES ($1, $2, $3, $4)")
            .bind(session)
            .bind(id)
            .bind(now)
            .bind(now + TimeDelta::hours(12))
            .execute(&self.db)
            .await
            .unwrap();
        let claims = gururmm_server::accounts::token::Claims {
            sub: id,
            jti: session,
            ver: 1,
            epo: self.app.epoch,
            iat: now.timestamp(),
            exp: (now + TimeDelta::hours(12)).timestamp(),
        };
        let token = gururmm_server::accounts::token::issue(&self.app.keys.token, &claims).unwrap();
        self.with_token(&token)
    }

    /// An organization with one site, straight from the database.
    pub async fn organization(&self, name: &str) -> (Uuid, Uuid) {
        let (organization, site) = (Uuid::from_u128(fastrand::u128(..)), Uuid::from_u128(fastrand::u128(..)));
        sqlx::query("INSERT INTO organizations (id, name, created_at) VALUES ($1, $2, $3)")
            .bind(organization)
            .bind(name)
            .bind(start_of_time())
            .execute(&self.db)
            .await
            .unwrap();
        sqlx::query("INSERT INTO sites (id, organization_id, name, created_at) VALUES ($1, $2, 'HQ', $3)")
            .bind(site)
            .bind(organization)
            .bind(start_of_time())
            .execute(&self.db)
            .await
            .unwrap();
        (organization, site)
    }
}
