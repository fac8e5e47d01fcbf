//! The real programs as processes: server and agent.

use std::fs::Permissions;
use std::net::{TcpListener, UdpSocket};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use sqlx::{ConnectOptions as _, PgPool};

/// A server process in its own data directory; killed with its Postgres at the end of the test.
pub struct Server {
    pub dir: PathBuf,
    pub port: u16,
    child: Option<Child>,
    pub environment: Vec<(&'static str, String)>,
    /// Keeps other tests from the port.
    _reserved: UdpSocket,
}

/// A port for a server that is to come back at the same one: below those that the system gives out by itself (from 32768
/// on, `ip_local_port_range`). It is the test's own as long as the UDP port of the same number is held.
fn reserve_port() -> (u16, UdpSocket) {
    let port = |_| {
        let port = fastrand::u16(20_000..32_000);
        let reserved = UdpSocket::bind(("127.0.0.1", port)).ok()?;
        TcpListener::bind(("127.0.0.1", port)).ok()?;
        Some((port, reserved))
    };
    (0..1_000).find_map(port).expect("a free port")
}

impl Server {
    pub fn new() -> Self {
        // Reachable for the user that Postgres runs as when root starts it, as root's own TMPDIR may not be.
        let base = if nix::unistd::geteuid().is_root() { PathBuf::from("/tmp") } else { std::env::temp_dir() };
        let dir = base.join(format!("gururmm-it-{}-{}", std::process::id(), fastrand::u32(..)));
        std::fs::create_dir(&dir).unwrap();
        std::fs::set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        let (port, reserved) = reserve_port();
        Self { dir, port, child: None, environment: Vec::new(), _reserved: reserved }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gururmm-server"));
        command
            .args(arguments)
            .env_remove("DATABASE_URL")
            .env("GURURMM_LISTEN", format!("127.0.0.1:{}", self.port))
            .env("GURURMM_DATA_DIR", &self.dir)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Starts the server and waits until it is ready.
    pub async fn start(&mut self) {
        // What it said before a restart stays: a test may ask for it, and whoever looks for why one failed.
        let log = std::fs::File::options().create(true).append(true).open(self.dir.join("server.log")).unwrap();
        self.child = Some(self.command(&["serve"]).stderr(log).spawn().unwrap());
        let started = Instant::now();
        while !self.is_ready().await {
            // A new Postgres may be made, and several at the same time.
            assert!(started.elapsed() < Duration::from_secs(180), "not ready: {}", self.log());
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                panic!("the server ended with {status}: {}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("server.log")).unwrap_or_default()
    }

    async fn is_ready(&self) -> bool {
        let url = format!("{}/health/ready", self.url());
        self.http().get(url).send().await.is_ok_and(|answer| answer.status() == 200)
    }

    pub fn url(&self) -> String {
        let tls = self.environment.iter().any(|(name, _)| *name == "GURURMM_TLS_CERT");
        format!("{}://localhost:{}", if tls { "https" } else { "http" }, self.port)
    }

    pub fn http(&self) -> reqwest::Client {
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).tls_info(true).build().unwrap()
    }

    pub fn signal(&mut self, signal: Signal) -> ExitStatus {
        self.send(signal);
        self.child.take().unwrap().wait().unwrap()
    }

    /// Sends a signal without waiting for what it does.
    pub fn send(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.as_ref().unwrap().id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for the server to end; none when it goes on.
    pub async fn ended(&mut self, patience: Duration) -> Option<ExitStatus> {
        let started = Instant::now();
        while started.elapsed() < patience {
            if let Some(status) = self.child.as_mut().unwrap().try_wait().unwrap() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        None
    }

    /// A server that uses this database instead of a Postgres of its own; the address comes from a file.
    pub fn on(db: &PgPool) -> Self {
        let mut server = Self::new();
        let file = server.dir.join("database-url");
        std::fs::write(&file, format!("{}\n", db.connect_options().to_url_lossy())).unwrap();
        server.environment.push(("GURURMM_DATABASE_URL_FILE", file.display().to_string()));
        server
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
    }

    pub fn postgres_pid(&self) -> Option<i32> {
        let text = std::fs::read_to_string(self.dir.join("postgres/data/postmaster.pid")).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// Runs the program to its end; answers whether it succeeded and what it wrote to standard error.
    pub fn fails_with(&self, arguments: &[&str], change: impl FnOnce(&mut Command)) -> String {
        let mut command = self.command(arguments);
        change(&mut command);
        let output = command.stderr(Stdio::piped()).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if let Some(pid) = self.postgres_pid() {
            // SIGQUIT: immediate shutdown (PostgreSQL documentation, 19.5).
            let _ = kill(Pid::from_raw(pid), Signal::SIGQUIT);
            let started = Instant::now();
            while Path::new(&format!("/proc/{pid}")).exists() && started.elapsed() < Duration::from_secs(10) {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let _ = std::fs::remove_dir_all(&self.dir);
    }
}

/// A real agent in its own data directory; killed at the end of the test.
pub struct Agent {
    pub dir: PathBuf,
    child: Option<Child>,
}

impl Agent {
    /// Enrolls with the real program.
    pub fn enroll(server: &Server, token: &str) -> Self {
        let agent = Self { dir: server.dir.join(format!("agent-{}", fastrand::u32(..))), child: None };
        let output =
            agent.command(&["enroll", "--server", &server.url()]).env("GURURMM_TOKEN", token).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        agent
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let program = Path::new(env!("CARGO_BIN_EXE_gururmm-server")).with_file_name("gururmm-agent");
        assert!(program.exists(), "build the workspace first: {} is not there", program.display());
        let mut command = Command::new(program);
        command.args(arguments).arg("--data-dir").arg(&self.dir).stdin(Stdio::null());
        command
    }

    pub fn start(&mut self) {
        let log = std::fs::File::options().create(true).append(true).open(self.dir.join("test.log")).unwrap();
        self.child = Some(self.command(&["run"]).stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.join("test.log")).unwrap_or_default()
    }

    pub fn signal(&mut self, signal: Signal) -> ExitStatus {
        let mut child = self.child.take().unwrap();
        kill(Pid::from_raw(child.id().try_into().unwrap()), signal).unwrap();
        child.wait().unwrap()
    }

    /// Waits for the program to end by itself.
    pub fn wait(&mut self, patience: Duration) -> ExitStatus {
        let started = Instant::now();
        let mut child = self.child.take().unwrap();
        loop {
            if let Some(status) = child.try_wait().unwrap() {
                return status;
            }
            assert!(started.elapsed() < patience, "the agent goes on: {}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
