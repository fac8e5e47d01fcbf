//! The command line.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use gururmm_protocol::enroll::EnrollmentToken;
use gururmm_protocol::selftest::CheckState;
use tokio_util::sync::CancellationToken;

use crate::agent::{self, AgentError, Ended, Options};
use crate::core::clock::SystemClock;
use crate::core::random::SystemRandom;
use crate::link::address::ServerAddress;
use crate::link::{enroll, tls};
use crate::service::{self, EXIT_LASTING};
use crate::store::{DataDir, status};
use crate::{log, platform, selftest};

/// GuruRMM agent: runs on each managed machine.
#[derive(Debug, Parser)]
#[command(name = "gururmm-agent", version, about, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 done, or stopped in order, or decommissioned; 78 starting again is useless \
                          (not enrolled, decommissioned earlier, configuration broken); 1 anything else, and for \
                          selftest: a check has failed.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Join this machine to a server.
    Enroll(Enroll),
    /// Run the agent in the foreground.
    Run {
        #[command(flatten)]
        data: Data,
        /// As the service manager of Windows starts it.
        #[arg(long, hide = true)]
        service: bool,
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
    /// Examine this machine and the way to the server; also while the agent runs.
    Selftest(Selftest),
}

#[derive(Debug, Args)]
struct Selftest {
    #[command(flatten)]
    data: Data,
    /// As JSON.
    #[arg(long)]
    json: bool,
    /// Look for this server instead of the one that this machine is enrolled with.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
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
    /// Start the installed service.
    Start,
    /// Stop the service; it starts again with the machine.
    Stop,
    /// Stop the service and remove it with its program; the data stays.
    Uninstall {
        #[command(flatten)]
        data: Data,
        /// Remove the data too: this machine has to be enrolled anew afterwards.
        #[arg(long)]
        purge: bool,
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
    platform::harden();
    if matches!(cli.command, Command::Run { .. }) {
        platform::close_inherited();
    }
    let command = match cli.command {
        // The log goes elsewhere then.
        Command::Run { data, service: true } => return host(data.data_dir),
        command => command,
    };
    log::to_console();
    let done = match command {
        Command::Enroll(arguments) => enroll(&arguments),
        Command::Run { data, .. } => run_agent(data.data_dir, None),
        Command::Service(Service::Install { data }) => say(service::install(&data.data_dir)),
        Command::Service(Service::Start) => say(service::start()),
        Command::Service(Service::Stop) => say(service::stop()),
        Command::Service(Service::Uninstall { data, purge }) => say(service::uninstall(&data.data_dir, purge)),
        Command::Service(Service::Status { data }) => say(service::state(&data.data_dir)),
        Command::Status { data, json } => show_status(&data.data_dir, json),
        Command::Selftest(arguments) => match selftest(&arguments) {
            Ok(CheckState::Failed) => return ExitCode::FAILURE,
            done => done.map(drop),
        },
    };
    if let Err(error) = &done {
        eprintln!("gururmm-agent: {error:#}");
    }
    ExitCode::from(code(&done))
}

/// The exit code that tells how it ended.
fn code(done: &anyhow::Result<()>) -> u8 {
    match done {
        Ok(()) => 0,
        Err(error) if error.downcast_ref::<AgentError>().is_some_and(AgentError::is_lasting) => EXIT_LASTING,
        Err(_) => 1,
    }
}

/// Runs the agent as the service manager wants it.
fn host(data_dir: PathBuf) -> ExitCode {
    let directory = data_dir.clone();
    let hosted = platform::service::host(
        data_dir,
        Box::new(move |stop| {
            let done = run_agent(directory, Some(stop));
            if let Err(error) = &done {
                tracing::error!("{error:#}");
            }
            code(&done)
        }),
    );
    match hosted {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gururmm-agent: {error}");
            ExitCode::FAILURE
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
    let mut bytes = Vec::new();
    if file == Path::new("-") {
        std::io::stdin().take(MAX).read_to_end(&mut bytes).context("token from standard input")?;
    } else {
        let open = std::fs::File::open(file).with_context(|| format!("token-file {}", file.display()))?;
        open.take(MAX).read_to_end(&mut bytes).with_context(|| format!("token-file {}", file.display()))?;
    }
    Ok(text_of(&bytes))
}

/// Text as editors and shells write it into a file: Windows PowerShell's `>` makes UTF-16, and others put a mark before
/// UTF-8.
fn text_of(bytes: &[u8]) -> String {
    match bytes.strip_prefix(&[0xFF, 0xFE]) {
        Some(wide) => {
            let units: Vec<u16> = wide.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
            String::from_utf16_lossy(&units)
        }
        None => String::from_utf8_lossy(bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes)).into_owned(),
    }
}

/// Runs the agent until it ends, `stop` is cancelled, or, without that, the system asks the process to stop.
fn run_agent(data_dir: PathBuf, stop: Option<CancellationToken>) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let stop = stop.unwrap_or_else(|| {
            let stop = CancellationToken::new();
            let asked = stop.clone();
            tokio::spawn(async move {
                match platform::termination().await {
                    Ok(()) => asked.cancel(),
                    Err(error) => tracing::warn!(%error, "requests to stop cannot be heard"),
                }
            });
            stop
        });
        match agent::run(Options::new(data_dir, stop)).await? {
            Ended::Stopped => tracing::info!("stopped"),
            Ended::Decommissioned => tracing::info!("decommissioned; this agent does not run again"),
        }
        Ok(())
    });
    // Something that hangs on another thread, as a look at a broken disk may, does not hold the end up.
    runtime.shutdown_background();
    done
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
        if let Some(problem) = status.problem {
            println!("problem: {problem}");
        }
        if let Some(next) = status.next_attempt.filter(|_| answer.running) {
            println!("next attempt: {next}");
        }
        println!("server: {}\nagent: {}\nversion: {}", status.server, status.agent_id, status.version);
        if let Some(at) = status.last_acknowledged {
            println!("last acknowledged: {at}");
        }
        println!("as of: {}", status.written_at);
    }
    Ok(())
}

/// Prints the report, and tells the worst that it found.
fn selftest(arguments: &Selftest) -> anyhow::Result<CheckState> {
    let server = arguments.server.as_deref().map(ServerAddress::parse).transpose()?;
    let options = selftest::Options { data_dir: arguments.data.data_dir.clone(), server };
    let runtime = runtime()?;
    let report = runtime.block_on(selftest::run(options, &SystemClock, &SystemRandom));
    // A check that hangs does not hold the end up.
    runtime.shutdown_background();
    if arguments.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", selftest::summary(&report));
    }
    Ok(report.overall)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_from_whatever_a_shell_wrote() {
        let wide: Vec<u8> = "\u{feff}gre1.x.y\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for written in [b"gre1.x.y\r\n".to_vec(), "\u{feff}gre1.x.y\r\n".into(), wide] {
            assert_eq!(text_of(&written).trim(), "gre1.x.y");
        }
    }
}
