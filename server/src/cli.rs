//! The command line: `serve`, `migrate`, `admin ...`, `openapi`.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat, Settings};
use crate::core::Env;
use crate::{boot, http, serve};

mod admin;

#[derive(Parser)]
#[command(name = "gururmm-server", version, about = "GuruRMM server: REST API, agent hub and dashboard")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve {
        #[command(flatten)]
        settings: Settings,
    },
    /// Apply missing migrations and stop.
    Migrate {
        #[command(flatten)]
        settings: Settings,
    },
    /// Work on the installation from the server's own command line.
    Admin {
        #[command(subcommand)]
        command: admin::Command,
    },
    /// Print the API document (OpenAPI).
    Openapi,
}

/// Runs the command line; errors go to standard error in words.
#[must_use]
pub fn main() -> ExitCode {
    // Two providers could be in the tree one day: say which one, once, for the whole process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    match run(Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            // Errors name what to do; a backtrace would bury it.
            let _ = writeln!(std::io::stderr(), "gururmm-server: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<ExitCode> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the async runtime")?;
    match arguments.command {
        Command::Serve { settings } => {
            let config = configure(settings)?;
            runtime.block_on(serve::run(config))?;
        }
        Command::Migrate { settings } => {
            let config = configure(settings)?;
            runtime.block_on(migrate(&config))?;
        }
        Command::Admin { command } => return runtime.block_on(admin::run(command)),
        Command::Openapi => {
            let document = http::router::api_document().to_pretty_json()?;
            writeln!(std::io::stdout(), "{document}")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn migrate(config: &Config) -> Result<()> {
    let _lock = boot::lock_data_dir(&config.data_dir)?;
    let installation = boot::open(config, &Env::system()).await?;
    installation.db.close().await;
    if let Some(cluster) = installation.cluster {
        cluster.stop().await?;
    }
    tracing::info!("the schema is up to date");
    Ok(())
}

fn configure(settings: Settings) -> Result<Config> {
    let config = settings.resolve()?;
    let filter =
        EnvFilter::try_new(&config.log).with_context(|| format!("log filter {:?} is not right", config.log))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(config)
}
