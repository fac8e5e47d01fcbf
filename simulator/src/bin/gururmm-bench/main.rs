//! `gururmm-bench`: measures a server with a simulated fleet, the dashboard over one, or an agent that idles, and prints one JSON object.
//! Progress goes to standard error. Starts its own server with its own data, and leaves nothing behind. Numbers are reported, never judged.

mod agent;
mod api;
mod dashboard;
mod figures;
mod process;
mod run;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures GuruRMM: a server with a simulated fleet, the dashboard over one, or an agent that idles.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The server's program.
    #[arg(long, value_name = "FILE")]
    server_program: PathBuf,
    /// The profile that it, and the agent, were built with; only repeated in the result.
    #[arg(long, default_value = "unknown")]
    profile: String,
    /// Port on the loopback.
    #[arg(long, default_value_t = 3999)]
    port: u16,
    #[command(subcommand)]
    measure: Measure,
}

/// What is measured.
#[derive(Subcommand)]
enum Measure {
    /// A server with a simulated fleet.
    Fleet(Fleet),
    /// A real agent that idles: memory, processor, traffic.
    Agent(Agent),
    /// The dashboard in a browser, over a fleet that reports.
    Dashboard(Dashboard),
}

#[derive(clap::Args)]
struct Fleet {
    /// Simulated agents.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    agents: u32,
    /// Commands whose round trip is measured, one after the other.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    commands: u32,
    /// Pages of the agent list that are fetched.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pages: u32,
    /// Longest time for each of the steps that wait for the fleet.
    #[arg(long, default_value_t = 600, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

#[derive(clap::Args)]
struct Agent {
    /// The agent's program.
    #[arg(long, value_name = "FILE")]
    agent_program: PathBuf,
    /// How long it is watched, after its first minute; 15 is one round of the inventory.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=1_440))]
    minutes: u32,
}

#[derive(clap::Args)]
struct Dashboard {
    /// The script that drives the browser; run by `node`.
    #[arg(long, value_name = "FILE")]
    script: PathBuf,
    /// Simulated agents.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    agents: u32,
    /// Readings per second of all of them together.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    updates: u32,
    /// Longest time until all agents are connected.
    #[arg(long, default_value_t = 900, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match measure(&Args::parse()).await {
        Ok(figures) => {
            println!("{figures}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn measure(args: &Args) -> anyhow::Result<String> {
    let mut server = server::Server::new(&args.server_program, args.port)?;
    let result = tokio::select! {
        result = figures(args, &mut server) => result,
        signal = tokio::signal::ctrl_c() => {
            signal?;
            Err(anyhow::anyhow!("interrupted"))
        }
    };
    if result.is_err() {
        eprintln!("{}", server.last_log_lines());
    }
    server.stop().await?;
    result
}

async fn figures(args: &Args, server: &mut server::Server) -> anyhow::Result<String> {
    Ok(match &args.measure {
        Measure::Fleet(fleet) => serde_json::to_string_pretty(&run::run(fleet, &args.profile, server).await?)?,
        Measure::Dashboard(measured) => {
            serde_json::to_string_pretty(&dashboard::run(measured, &args.profile, server).await?)?
        }
        Measure::Agent(agent) => serde_json::to_string_pretty(&agent::run(agent, &args.profile, server).await?)?,
    })
}
