//! `gururmm-bench`: measures a server with a simulated fleet, and prints one JSON object. Progress goes to standard
//! error. Starts its own server with its own data, and leaves nothing behind. Numbers are reported, never judged.

mod api;
mod figures;
mod run;
mod server;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Measures a GuruRMM server with a simulated fleet.
#[derive(Parser)]
#[command(version)]
struct Args {
    /// The server's program.
    #[arg(long, value_name = "FILE")]
    server_program: PathBuf,
    /// The profile it was built with; only repeated in the result.
    #[arg(long, default_value = "unknown")]
    profile: String,
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
    /// Port on the loopback.
    #[arg(long, default_value_t = 3999)]
    port: u16,
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
        result = run::run(args, &mut server) => result,
        signal = tokio::signal::ctrl_c() => {
            signal?;
            Err(anyhow::anyhow!("interrupted"))
        }
    };
    if result.is_err() {
        eprintln!("{}", server.last_log_lines());
    }
    server.stop().await?;
    Ok(serde_json::to_string_pretty(&result?)?)
}
