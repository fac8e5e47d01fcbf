//! A server that can be killed: it lives on a runtime of its own, with its own connections to Postgres, and all of it
//! goes at once, without a goodbye to anybody.

use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use tokio::runtime::{Builder, Runtime};

use super::TestApp;

pub struct Killable {
    /// Gone while nothing runs.
    runtime: Option<Runtime>,
    db: PgPool,
    pub app: TestApp,
}

impl Killable {
    pub async fn start(db: PgPool) -> Self {
        let (runtime, app) = launch(&db).await;
        Self { runtime: Some(runtime), db, app }
    }

    /// Kills the server and starts another one on the same database, with the same keys, at another address.
    pub async fn kill_and_restart(&mut self) {
        self.kill();
        let (runtime, app) = launch(&self.db).await;
        (self.runtime, self.app) = (Some(runtime), app);
    }

    fn kill(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Killable {
    fn drop(&mut self) {
        self.kill();
    }
}

async fn launch(db: &PgPool) -> (Runtime, TestApp) {
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = (*db.connect_options()).clone();
    let app = runtime.spawn(async move {
        let own = PgPoolOptions::new().max_connections(5).connect_with(options).await.unwrap();
        TestApp::new(own).await
    });
    let app = app.await.unwrap();
    (runtime, app)
}
