//! The server under test: started with its own private Postgres in a directory that goes away with it.

use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::process;

const START_LIMIT: Duration = Duration::from_secs(120);
const STOP_LIMIT: Duration = Duration::from_secs(60);

pub struct Server {
    program: PathBuf,
    port: u16,
    dir: tempfile::TempDir,
    child: Option<Child>,
}

impl Server {
    pub fn new(program: &Path, port: u16) -> anyhow::Result<Self> {
        if !program.is_file() {
            bail!("{} is not there: build the server first", program.display());
        }
        // Postgres refuses to be root; its account has to get through this directory to its own.
        let dir = tempfile::Builder::new()
            .prefix("gururmm-bench-")
            .permissions(Permissions::from_mode(0o755))
            .tempdir()
            .context("a temporary directory")?;
        Ok(Self { program: program.to_owned(), port, dir, child: None })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Where the fleet keeps its enrollments.
    pub fn fleet_dir(&self) -> PathBuf {
        self.dir.path().join("fleet")
    }

    /// Where the agent keeps its data.
    pub fn agent_dir(&self) -> PathBuf {
        self.dir.path().join("agent")
    }

    /// Starts it and waits until it is ready; returns the time that took.
    pub async fn start(&mut self) -> anyhow::Result<Duration> {
        let log = File::options().create(true).append(true).open(self.log_path())?;
        if tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await.is_ok() {
            bail!("port {} is in use: choose another with --port", self.port);
        }
        let begin = Instant::now();
        let child = Command::new(&self.program)
            .arg("serve")
            .args(["--listen", &format!("127.0.0.1:{}", self.port), "--data-dir"])
            .arg(self.dir.path().join("data"))
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.program.display()))?;
        let child = self.child.insert(child);
        let client = gururmm_sim::http_client()?;
        let ready = format!("http://127.0.0.1:{}/health/ready", self.port);
        loop {
            if client.get(&ready).send().await.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(begin.elapsed());
            }
            if let Some(status) = child.try_wait()? {
                bail!("the server ended by itself: {status}");
            }
            if begin.elapsed() > START_LIMIT {
                bail!("the server is not ready after {} s", START_LIMIT.as_secs());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Resident memory of the server's own process (its Postgres not counted), in bytes.
    pub fn resident_bytes(&self) -> anyhow::Result<u64> {
        process::memory(self.child.as_ref().and_then(Child::id).context("the server does not run")?, "VmRSS")
    }

    /// Ends it properly, which also ends its Postgres.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        if let Some(pid) = child.id() {
            kill(Pid::from_raw(i32::try_from(pid)?), Signal::SIGTERM)?;
            if tokio::time::timeout(STOP_LIMIT, child.wait()).await.is_err() {
                self.kill();
                bail!("the server did not stop within {} s and was killed", STOP_LIMIT.as_secs());
            }
        }
        self.child = None;
        Ok(())
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself, which is as good.
            let _ = child.start_kill();
            stop_postgres_below(self.dir.path());
        }
    }

    pub fn last_log_lines(&self) -> String {
        let log = std::fs::read_to_string(self.log_path()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn log_path(&self) -> PathBuf {
        self.dir.path().join("server.log")
    }
}

/// Only when the measurement broke off without [`Server::stop`].
impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A killed server leaves its Postgres running: stop the one whose data lies in our own directory.
fn stop_postgres_below(dir: &Path) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.file_name().is_some_and(|name| name == "postmaster.pid") {
            let text = std::fs::read_to_string(&path).unwrap_or_default();
            if let Some(pid) = text.lines().next().and_then(|line| line.trim().parse().ok()) {
                // Gone already is as good.
                let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
            }
        } else if path.is_dir() && !path.is_symlink() {
            stop_postgres_below(&path);
        }
    }
}
