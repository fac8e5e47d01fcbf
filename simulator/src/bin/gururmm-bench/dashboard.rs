//! The measurement of the dashboard: a browser looks at a fleet that reports all the time.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use gururmm_sim::auto::Behaviour;
use gururmm_sim::fleet::{Fleet, FleetOptions};
use serde::Serialize;
use tokio::process::Command;

use crate::api::{Api, EMAIL, PASSWORD};
use crate::run::{say, wait_for, wait_online};
use crate::server::Server;

const SITES: usize = 10;

/// What comes out.
#[derive(Serialize)]
pub struct Figures {
    /// Cargo profile of the server.
    profile: String,
    /// Logical processors; browser, server, Postgres and fleet share them.
    processors: usize,
    /// Simulated agents, all of them connected.
    agents: u32,
    /// Readings per second of all of them together, as asked for.
    updates_per_second: u32,
    /// What the browser's script found.
    browser: serde_json::Value,
}

pub async fn run(args: &crate::Dashboard, profile: &str, server: &mut Server) -> anyhow::Result<Figures> {
    let patience = Duration::from_secs(args.patience);
    say("starting the server");
    server.start().await?;
    let api = Api::bootstrap(server.url()).await?;
    let tokens = api.enrollment_tokens(SITES).await?;

    say(&format!("enrolling {} agents", args.agents));
    let tick = Duration::from_secs_f64(f64::from(args.agents) / f64::from(args.updates));
    let fleet = Fleet::start(FleetOptions {
        // Everybody at once: the server decides how quick it goes.
        connects_per_second: 1e6,
        behaviour: Behaviour { tick: tick.max(Duration::from_secs(1)), ..Behaviour::default() },
        ..FleetOptions::new(&server.url(), tokens, args.agents as usize, 1)
    })?;
    wait_for(&fleet, args.agents, patience).await?;
    wait_online(&api, args.agents, patience).await?;

    say("looking at it with a browser");
    let output = Command::new("node")
        .arg(&args.script)
        .env("GURURMM_BENCH_URL", server.url())
        .env("GURURMM_BENCH_EMAIL", EMAIL)
        .env("GURURMM_BENCH_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("cannot start node")?;
    ensure!(output.status.success(), "the browser's script failed: {}", output.status);
    let browser = serde_json::from_slice(&output.stdout).context("the browser's script printed no JSON")?;
    fleet.stop().await;
    Ok(Figures {
        profile: profile.to_owned(),
        processors: std::thread::available_parallelism()?.get(),
        agents: args.agents,
        updates_per_second: args.updates,
        browser,
    })
}
