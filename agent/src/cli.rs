//! The command line.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use gururmm_protocol::enroll::EnrollmentToken;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

use crate::agent::{self, AgentError, Ended, Options};
use crate::core::random::SystemRandom;
use crate::link::address::ServerAddress;
use crate::link::{enroll, tls};
use crate::platform;
use crate::service::{self, EXIT_LASTING};
use crate::store::{DataDir, status};

/// GuruRMM agent: runs on each managed machine.
#[derive(Debug, Parser)]
#[command(name = "gururmm-agent", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, or stopped in order, or decommissioned; 78 starting again is useless \
                          (not enrolled, decommissioned earlier, configuration broken); 1 anything else.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Join this machine to a server.
    Enroll(Enroll),
    /// Run the agent in the foreground.
    Run {
        #[command(flatten)]
        data: Data,
    },
    /// Manage the system service.
    #[command(subcommand)]
    Service(Service),
    /// Show what the running agent does.
    Status {
        #[command(flatten)]
        data: Data,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, Args)]
struct Data {
    /// Where key, configuration and journal are kept.
    #[arg(long, env = "GURURMM_AGENT_DATA_DIR", value_name = "DIR", default_value_os_t = platform::default_data_dir().to_owned())]
    data_dir: PathBuf,
}

#[derive(Debug, Args)]
struct Enroll {
    /// The server's address, like https://rmm.example.com.
    #[arg(long, env = "GURURMM_SERVER", value_name = "URL")]
    server: String,
    /// The enrollment token. Other users can see a command line: prefer the variable or --token-file.
    #[arg(
        long,
        env = "GURURMM_TOKEN",
        hide_env_values = true,
        value_name = "TOKEN",
        required_unless_present = "token_file"
    )]
    token: Option<String>,
    /// A file that holds the token; "-" reads it from standard input.
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Certificate authorities (PEM) to trust for this server besides those of the operating system; kept in the
    /// configuration.
    #[arg(long, value_name = "PEM")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    data: Data,
}

#[derive(Debug, Subcommand)]
enum Service {
    /// Install the service and start it.
    Install {
        #[command(flatten)]
        data: Data,
    },
    /// Stop the service and remove it; the data stays.
    Uninstall {
        #[command(flatten)]
        data: Data,
    },
    /// Show what the service manager says.
    Status {
        #[command(flatten)]
        data: Data,
    },
}

/// Does what the command line says.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    if matches!(cli.command, Command::Run { .. }) {
        platform::close_inherited();
    }
    let filter = EnvFilter::try_from_env("GURURMM_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .init();
    let done = match cli.command {
        Command::Enroll(arguments) => enroll(&arguments),
        Command::Run { data } => run_agent(data.data_dir),
        Command::Service(Service::Install { data }) => say(service::install(&data.data_dir)),
        Command::Service(Service::Uninstall { data }) => say(service::uninstall(&data.data_dir)),
        Command::Service(Service::Status { data }) => say(service::state(&data.data_dir)),
        Command::Status { data, json } => show_status(&data.data_dir, json),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gururmm-agent: {error:#}");
            let lasting = error.downcast_ref::<AgentError>().is_some_and(AgentError::is_lasting);
            if lasting { ExitCode::from(EXIT_LASTING) } else { ExitCode::FAILURE }
        }
    }
}

fn say(done: Result<String, service::ServiceError>) -> anyhow::Result<()> {
    println!("{}", done?);
    Ok(())
}

/// One thread: an agent waits most of its life.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().context("the runtime cannot be started")
}

fn enroll(arguments: &Enroll) -> anyhow::Result<()> {
    let server = ServerAddress::parse(&arguments.server)?;
    let token: EnrollmentToken = match (&arguments.token, &arguments.token_file) {
        (_, Some(file)) => read_token(file)?.parse()?,
        (Some(token), None) => token.parse()?,
        (None, None) => anyhow::bail!("give the enrollment token with GURURMM_TOKEN, --token-file or --token"),
    };
    let ca_pem = match &arguments.ca_file {
        Some(file) => Some(std::fs::read_to_string(file).with_context(|| format!("ca-file {}", file.display()))?),
        None => None,
    };
    tls::install_provider();
    let dir = DataDir::open(&arguments.data.data_dir)?;
    let enrollment = enroll::Enrollment {
        server: &server,
        token: &token,
        ca_pem: ca_pem.as_deref(),
        machine: platform::machine_identity(),
        random: &SystemRandom,
        patience: enroll::PATIENCE,
    };
    let config = runtime()?.block_on(enroll::enroll(&dir, enrollment))?;
    println!("enrolled with {} as agent {}", config.server, config.agent_id);
    Ok(())
}

fn read_token(file: &Path) -> anyhow::Result<String> {
    /// Far more than a token has.
    const MAX: u64 = 4_096;
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin().take(MAX).read_to_string(&mut text).context("token from standard input")?;
    } else {
        let open = std::fs::File::open(file).with_context(|| format!("token-file {}", file.display()))?;
        open.take(MAX).read_to_string(&mut text).with_context(|| format!("token-file {}", file.display()))?;
    }
    Ok(text)
}

fn run_agent(data_dir: PathBuf) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let stop = CancellationToken::new();
        let asked = stop.clone();
        tokio::spawn(async move {
            match platform::termination().await {
                Ok(()) => asked.cancel(),
                Err(error) => tracing::warn!(%error, "requests to stop cannot be heard"),
            }
        });
        match agent::run(Options::new(data_dir, stop)).await? {
            Ended::Stopped => tracing::info!("stopped"),
            Ended::Decommissioned => tracing::info!("decommissioned; this agent does not run again"),
        }
        Ok(())
    })
}

fn show_status(data_dir: &Path, json: bool) -> anyhow::Result<()> {
    let answer = status::look(data_dir)?;
    if json {
        println!("{}", serde_json::to_string_pretty(&answer)?);
        return Ok(());
    }
    println!("{}", if answer.running { "running" } else { "not running" });
    if let Some(status) = answer.status {
        let last = if answer.running { "" } else { "last " };
        println!("{last}state: {:?} since {}", status.state, status.since);
        if let Some(reason) = status.reason {
            println!("reason: {reason}");
        }
        if let Some(next) = status.next_attempt.filter(|_| answer.running) {
            println!("next attempt: {next}");
        }
        println!("server: {}\nagent: {}\nversion: {}", status.server, status.agent_id, status.version);
        if let Some(at) = status.last_acknowledged {
            println!("last acknowledged: {at}");
        }
    }
    Ok(())
}
