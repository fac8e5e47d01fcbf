//! The measurement of an agent that idles. It talks to the server through a forwarder that counts bytes.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};

use crate::api::Api;
use crate::process;
use crate::run::{say, seconds};
use crate::server::Server;

/// After this the agent has connected and told its whole inventory; what follows is idling.
const FIRST_MINUTE: Duration = Duration::from_secs(60);
const DAY: f64 = 86_400.0;

/// What comes out.
#[derive(Serialize)]
pub struct Figures {
    /// Cargo profile of the agent.
    profile: String,
    /// Size of its program.
    program_bytes: u64,
    /// How long it was watched while it idled.
    idle_seconds: f64,
    /// Resident memory in the end, private plus shared.
    rss_bytes: u64,
    /// Of that, memory of its own.
    rss_anonymous_bytes: u64,
    /// The most it ever had.
    rss_peak_bytes: u64,
    /// Processor time of its first minute, with its children.
    first_minute_cpu_seconds: f64,
    /// Processor time while it idled, with its children.
    idle_cpu_seconds: f64,
    /// The same in percent of one core.
    idle_cpu_percent: f64,
    /// Bytes at its socket in the first minute, both ways: connecting, and the whole inventory.
    first_minute_bytes: u64,
    /// Bytes at its socket while it idled.
    idle_bytes: u64,
    /// The same for a day.
    idle_bytes_per_day: u64,
}

pub async fn run(args: &crate::Agent, profile: &str, server: &mut Server) -> anyhow::Result<Figures> {
    let program_bytes = std::fs::metadata(&args.agent_program).context("the agent's program")?.len();
    say("starting the server");
    server.start().await?;
    let api = Api::bootstrap(server.url()).await?;
    let token = api.enrollment_tokens(1).await?.pop().context("no token")?;
    let bytes = Arc::new(AtomicU64::new(0));
    let url = forwarder(server.port(), Arc::clone(&bytes)).await?;

    let command = |words: &[&str]| {
        let mut command = Command::new(&args.agent_program);
        command.args(words).arg("--data-dir").arg(server.agent_dir()).stdin(Stdio::null()).kill_on_drop(true);
        command
    };
    let enrolled = command(&["enroll", "--server", &url]).env("GURURMM_TOKEN", token).output().await?;
    ensure!(enrolled.status.success(), "enrolling failed: {}", String::from_utf8_lossy(&enrolled.stderr));
    let log = std::fs::File::create(server.agent_dir().with_extension("log"))?;
    say("starting the agent");
    bytes.store(0, Ordering::SeqCst);
    let mut agent = command(&["run"]).stdout(log.try_clone()?).stderr(log).spawn()?;
    let pid = agent.id().context("the agent ended at once")?;
    wait(&mut agent, FIRST_MINUTE).await?;
    ensure!(api.online().await? == 1, "the agent is not online after a minute");
    let (first_cpu, first_bytes) = (process::processor_time(pid)?, bytes.load(Ordering::SeqCst));

    say(&format!("watching it for {} minutes", args.minutes));
    let begin = Instant::now();
    wait(&mut agent, Duration::from_secs(u64::from(args.minutes) * 60)).await?;
    let idle = begin.elapsed();
    let idle_cpu = process::processor_time(pid)? - first_cpu;
    let idle_bytes = bytes.load(Ordering::SeqCst) - first_bytes;
    ensure!(api.online().await? == 1, "the agent is not online in the end");
    let figures = Figures {
        profile: profile.to_owned(),
        program_bytes,
        idle_seconds: seconds(idle),
        rss_bytes: process::memory(pid, "VmRSS")?,
        rss_anonymous_bytes: process::memory(pid, "RssAnon")?,
        rss_peak_bytes: process::memory(pid, "VmHWM")?,
        first_minute_cpu_seconds: seconds(first_cpu),
        idle_cpu_seconds: seconds(idle_cpu),
        idle_cpu_percent: (idle_cpu.as_secs_f64() / idle.as_secs_f64() * 1e5).round() / 1e3,
        first_minute_bytes: first_bytes,
        idle_bytes,
        idle_bytes_per_day: per_day(idle_bytes, idle),
    };
    agent.kill().await?;
    Ok(figures)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rough figure"
)]
fn per_day(bytes: u64, time: Duration) -> u64 {
    (bytes as f64 * DAY / time.as_secs_f64()) as u64
}

async fn wait(agent: &mut Child, time: Duration) -> anyhow::Result<()> {
    tokio::select! {
        () = tokio::time::sleep(time) => Ok(()),
        ended = agent.wait() => bail!("the agent ended by itself: {}", ended?),
    }
}

/// Forwards connections to the server and counts what goes through; returns its address.
async fn forwarder(port: u16, bytes: Arc<AtomicU64>) -> anyhow::Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else { continue };
            let (near_read, near_write) = near.into_split();
            let (far_read, far_write) = far.into_split();
            tokio::spawn(pump(near_read, far_write, Arc::clone(&bytes)));
            tokio::spawn(pump(far_read, near_write, Arc::clone(&bytes)));
        }
    });
    Ok(url)
}

/// Until one side ends.
async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, bytes: Arc<AtomicU64>) {
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        bytes.fetch_add(read as u64, Ordering::SeqCst);
        if to.write_all(&buffer[..read]).await.is_err() {
            break;
        }
    }
}
