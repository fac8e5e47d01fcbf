//! The measurement of a fleet, step by step.

use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use gururmm_sim::auto::Behaviour;
use gururmm_sim::fleet::{Fleet, FleetOptions};

use crate::api::Api;
use crate::figures::{Figures, Percentiles};
use crate::server::Server;

const SITES: usize = 10;
/// After all are connected: inventory is stored, buffers have their size.
const SETTLE: Duration = Duration::from_secs(5);

pub async fn run(args: &crate::Fleet, profile: &str, server: &mut Server) -> anyhow::Result<Figures> {
    let patience = Duration::from_secs(args.patience);
    say("starting the server for the first time");
    let first_start = server.start().await?;
    let api = Api::bootstrap(server.url()).await?;
    let tokens = api.enrollment_tokens(SITES).await?;

    say(&format!("enrolling {} agents", args.agents));
    let options = FleetOptions {
        // Everybody at once: the server decides how quick it goes.
        connects_per_second: 1e6,
        behaviour: Behaviour { statement_takes: Duration::ZERO, ..Behaviour::default() },
        state_dir: Some(server.fleet_dir()),
        ..FleetOptions::new(&server.url(), tokens, args.agents as usize, 1)
    };
    let begin = Instant::now();
    let fleet = Fleet::start(options.clone())?;
    wait_for(&fleet, args.agents, patience).await?;
    let enrolled_in = begin.elapsed();
    fleet.stop().await;

    say("starting the server again");
    server.stop().await?;
    let cold_start = server.start().await?;
    let rss_before = server.resident_bytes()?;

    say("connecting all agents");
    let begin = Instant::now();
    let fleet = Fleet::start(options)?;
    wait_for(&fleet, args.agents, patience).await?;
    let connected_in = begin.elapsed();
    let presence_lag = wait_online(&api, args.agents, patience).await?;
    tokio::time::sleep(SETTLE).await;
    let rss_after = server.resident_bytes()?;
    let connected_agents = fleet.status().connected;

    say("fetching the agent list");
    let (agent_list_page, agents) = agent_list(&api, args.pages).await?;
    say("running commands");
    let command_round_trip = commands(&api, &agents, args.commands).await?;
    let fleet = fleet.stop().await;

    Ok(Figures {
        profile: profile.to_owned(),
        processors: std::thread::available_parallelism()?.get(),
        agents: args.agents,
        first_start_seconds: seconds(first_start),
        cold_start_seconds: seconds(cold_start),
        enrollments_per_second: per_second(args.agents, enrolled_in),
        connected_agents,
        connects_per_second: per_second(args.agents, connected_in),
        presence_lag_seconds: seconds(presence_lag),
        rss_before_bytes: rss_before,
        rss_after_bytes: rss_after,
        bytes_per_agent: rss_after.saturating_sub(rss_before) / u64::from(args.agents),
        command_round_trip,
        agent_list_page,
        fleet,
    })
}

pub async fn wait_for(fleet: &Fleet, agents: u32, patience: Duration) -> anyhow::Result<()> {
    let all = fleet.wait_connected(agents as usize, patience).await;
    ensure!(all, "not all agents are connected after {} s: {:?}", patience.as_secs(), fleet.status());
    Ok(())
}

pub async fn wait_online(api: &Api, agents: u32, patience: Duration) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    while api.online().await? < u64::from(agents) {
        if begin.elapsed() > patience {
            bail!("the server does not show all agents online after {} s", patience.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(begin.elapsed())
}

/// Walks the list from the first page to the last, again and again; also returns the ids of one walk.
async fn agent_list(api: &Api, pages: u32) -> anyhow::Result<(Percentiles, Vec<String>)> {
    let (mut times, mut agents, mut walked) = (Vec::new(), Vec::new(), false);
    let mut cursor: Option<String> = None;
    while times.len() < pages as usize || !walked {
        let begin = Instant::now();
        let (ids, next) = api.agent_page(cursor.as_deref()).await?;
        times.push(begin.elapsed());
        if !walked {
            agents.extend(ids);
        }
        walked |= next.is_none();
        cursor = next;
    }
    Ok((Percentiles::of(times), agents))
}

async fn commands(api: &Api, agents: &[String], count: u32) -> anyhow::Result<Percentiles> {
    let mut times = Vec::new();
    for agent in agents.iter().cycle().take(count as usize) {
        let begin = Instant::now();
        let state = api.run_command(agent).await?;
        times.push(begin.elapsed());
        ensure!(state == "succeeded", "a command ended as {state}");
    }
    Ok(Percentiles::of(times))
}

pub fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1000.0).round() / 1000.0
}

fn per_second(count: u32, time: Duration) -> f64 {
    (f64::from(count) / time.as_secs_f64()).round()
}

pub fn say(step: &str) {
    eprintln!("==> {step}");
}
