//! `gururmm-sim`: a fleet of simulated agents for load tests and demonstrations.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use gururmm_sim::auto::Behaviour;
use gururmm_sim::fleet::{Fleet, FleetOptions};

/// Simulated GuruRMM agents over the real protocol. They execute nothing.
#[derive(Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs a fleet of agents; prints a line of JSON every few seconds.
    Fleet(FleetArgs),
}

#[derive(Args)]
struct FleetArgs {
    /// Address of the server, for example http://localhost:3001.
    #[arg(long)]
    server: String,
    /// Enrollment token; give one per site to spread the agents. Not needed when every agent is in the state directory.
    #[arg(long = "token", env = "GURURMM_SIM_TOKENS", value_delimiter = ',', hide_env_values = true)]
    tokens: Vec<String>,
    /// How many agents.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    agents: u32,
    /// The same seed gives the same machines.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stop after this many seconds; otherwise on Ctrl-C.
    #[arg(long, value_name = "SECONDS")]
    duration: Option<u64>,
    /// Agents leave and come back about this often (some as a restart of their machine); otherwise they stay.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    reconnect_every: Option<u64>,
    /// First connections per second.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    connects_per_second: u32,
    /// Seconds between two readings of an agent.
    #[arg(long, default_value_t = 60, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    tick: u64,
    /// Seconds between two lines of status.
    #[arg(long, default_value_t = 5, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    status_every: u64,
    /// Keeps enrollments here: the next start with the same seed brings the same agents back.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Fleet(args) => run_fleet(args).await,
    }
}

async fn run_fleet(args: FleetArgs) -> anyhow::Result<()> {
    let fleet = Fleet::start(FleetOptions {
        // Machines repeat with the seed; keys do not, because a key belongs to one enrollment.
        key_salt: fastrand::u64(..),
        connects_per_second: f64::from(args.connects_per_second),
        behaviour: Behaviour {
            tick: Duration::from_secs(args.tick),
            reconnect_every: args.reconnect_every.map(Duration::from_secs),
            ..Behaviour::default()
        },
        state_dir: args.state_dir,
        ..FleetOptions::new(&args.server, args.tokens, args.agents as usize, args.seed)
    })
    .context("the fleet cannot start")?;
    let deadline = args.duration.map(|seconds| tokio::time::Instant::now() + Duration::from_secs(seconds));
    let end = async {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(deadline).await,
            None => std::future::pending().await,
        }
    };
    tokio::pin!(end);
    let mut every = tokio::time::interval(Duration::from_secs(args.status_every));
    loop {
        tokio::select! {
            () = &mut end => break,
            signal = stop_signal() => {
                signal?;
                break;
            }
            _ = every.tick() => print(&fleet.status())?,
        }
    }
    print(&fleet.stop().await)
}

/// Ctrl-C, or the service manager's wish to stop.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            signal = tokio::signal::ctrl_c() => signal,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}

fn print(status: &gururmm_sim::fleet::Status) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", serde_json::to_string(status)?)?;
    Ok(out.flush()?)
}
