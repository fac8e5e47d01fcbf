//! A Windows of Wine's, and the agent for Windows in it.

use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

const WINE: &str = "/usr/lib/wine/wine64";
/// Makes and removes machines.
const PREFIX: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/wine-prefix");
/// How long a test waits for what must come; far more than it takes.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// Where the agent was put, as if somebody had downloaded it.
pub const DOWNLOADED: &str = r"C:\agent.exe";
/// Where it is installed.
pub const INSTALLED: &str = r"C:\Program Files\GuruRMM\gururmm-agent.exe";

/// A machine that is switched on; ended with everything in it and removed at the end of the test.
pub struct Wine {
    prefix: PathBuf,
    /// Somebody is logged in: without anybody Wine ends the services, too.
    session: Child,
}

impl Wine {
    /// A fresh machine, with the agent on its disk.
    pub fn new() -> Self {
        let agent = std::env::var_os("GURURMM_WINDOWS_AGENT").expect("run by scripts/test windows");
        let machines = std::env::var_os("GURURMM_WINE_MACHINES").expect("run by scripts/test windows");
        let prefix = Path::new(&machines).join(format!("{}-{}", std::process::id(), fastrand::u32(..)));
        let made = Command::new(PREFIX).arg("copy").arg(&prefix).status().unwrap();
        assert!(made.success());
        std::fs::copy(agent, prefix.join("drive_c/agent.exe")).unwrap();
        let session = command(&prefix, "cmd").arg("/q").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut wine = Self { prefix, session };
        // The machine is up when it greets.
        wine.session.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        wine
    }

    /// A file on its disk; the path begins below `C:\` and has slashes.
    pub fn path(&self, path: &str) -> PathBuf {
        self.prefix.join("drive_c").join(path)
    }

    /// One of its programs.
    pub fn program(&self, program: &str) -> Command {
        command(&self.prefix, program)
    }

    /// Runs a program to its end; a text of its standard output and error.
    pub fn run(&self, program: &str, arguments: &[&str]) -> (bool, String) {
        let Output { status, stdout, stderr } = self.program(program).args(arguments).output().unwrap();
        (status.success(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
    }

    /// Runs a program that must succeed.
    #[track_caller]
    pub fn succeed(&self, program: &str, arguments: &[&str]) -> String {
        let (success, text) = self.run(program, arguments);
        assert!(success, "{program} {arguments:?}: {text}");
        text
    }

    /// The numbers of its processes of this program, named without *.exe*.
    pub fn processes(&self, program: &str) -> Vec<u32> {
        let ours = format!("WINEPREFIX={}", self.prefix.display()).into_bytes();
        let belongs = |process: &Path| {
            let (Ok(line), Ok(environment)) =
                (std::fs::read(process.join("cmdline")), std::fs::read(process.join("environ")))
            else {
                return false;
            };
            // A path of Windows, or what somebody typed.
            let name = String::from_utf8_lossy(line.split(|byte| *byte == 0).next().unwrap_or_default()).to_lowercase();
            let name = name.rsplit(['\\', '/']).next().unwrap_or_default();
            name.strip_suffix(".exe").unwrap_or(name) == program
                && environment.split(|byte| *byte == 0).any(|v| v == ours)
        };
        let all = std::fs::read_dir("/proc").unwrap().flatten();
        all.filter(|entry| belongs(&entry.path()))
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .collect()
    }
}

/// Looks again and again until nothing is in the way any more.
#[track_caller]
pub fn until_nothing<T: std::fmt::Debug>(mut in_the_way: impl FnMut() -> Vec<T>) {
    let started = Instant::now();
    loop {
        let left = in_the_way();
        if left.is_empty() {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "{left:?}");
        std::thread::sleep(LOOK_AGAIN);
    }
}

fn command(prefix: &Path, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(WINE);
    command
        .arg(program)
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", prefix)
        .env("WINEPREFIX", prefix)
        .env("WINEDEBUG", "-all")
        // No dialog where there is no screen, no program that Wine would want to fetch.
        .env("WINEDLLOVERRIDES", "mscoree,mshtml,winedbg.exe=d")
        .stdin(Stdio::null());
    command
}

impl Drop for Wine {
    fn drop(&mut self) {
        let _ = Command::new(PREFIX).arg("end").arg(&self.prefix).status();
        let _ = self.session.kill();
        let _ = self.session.wait();
    }
}

/// The agent in the foreground; killed without warning when dropped.
pub struct Running(Child);

impl Running {
    pub fn start(wine: &Wine) -> Self {
        let log = std::fs::File::options().create(true).append(true).open(wine.path("run.log")).unwrap();
        let mut command = wine.program(DOWNLOADED);
        // What must not reach its commands.
        command.args(["run"]).env("GURURMM_LOG", "info").env("AGENTS_OWN", "x");
        Self(command.stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    /// As a power cut would.
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// The exit code, when it has ended by itself.
    pub fn end(mut self) -> Option<i32> {
        until_nothing(|| if self.0.try_wait().unwrap().is_none() { vec!["the agent goes on"] } else { vec![] });
        self.0.wait().unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
