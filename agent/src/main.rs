//! Entry point of the agent.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    gururmm_agent::cli::run(gururmm_agent::cli::Cli::parse())
}
