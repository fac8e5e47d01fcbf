//! Background passes: idempotent, on a timer, without input. Each looks at what is and puts right what is not.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::time::MissedTickBehavior;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::core::Result;
use crate::db;

mod passes;

type Work = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// One pass.
struct Pass {
    /// For logs and metrics; also names its lock in the cluster.
    name: &'static str,
    /// How often.
    every: Duration,
    /// Whether one server process does it for all of them.
    once_in_cluster: bool,
    /// What it does.
    run: fn(App) -> Work,
}

/// Starts every pass; they end when the server shuts down.
pub fn start(app: &App, tasks: &TaskTracker) {
    let turn = Arc::new(Mutex::new(()));
    for pass in passes::all() {
        let (app, turn) = (app.clone(), Arc::clone(&turn));
        tasks.spawn(async move {
            let mut ticks = tokio::time::interval(pass.every);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while app.shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
                run(&app, &pass, &turn).await;
            }
        });
    }
}

async fn run(app: &App, pass: &Pass, turn: &Mutex<()>) {
    // One after another: each needs a second connection beside that of its lock, and all of them begin at once when the
    // server starts.
    let _turn = if pass.once_in_cluster { Some(turn.lock().await) } else { None };
    let started = Instant::now();
    let result = if pass.once_in_cluster {
        // Held by a transaction of its own: it goes with the connection, however the pass ends.
        match db::store::try_lock(&app.db, pass.name).await {
            Ok(Some(lock)) => {
                let result = (pass.run)(app.clone()).await;
                drop(lock);
                result
            }
            Ok(None) => return,
            Err(error) => Err(error),
        }
    } else {
        (pass.run)(app.clone()).await
    };
    metrics::histogram!("reconcile_seconds", "pass" => pass.name).record(started.elapsed().as_secs_f64());
    if let Err(error) = result {
        metrics::counter!("reconcile_failures_total", "pass" => pass.name).increment(1);
        tracing::warn!(pass = pass.name, %error, "background pass failed; it will be tried again");
    }
}
