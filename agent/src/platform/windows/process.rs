//! Commands as processes: how they are prepared, and how a whole tree of them is ended.

use std::fs::File;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use gururmm_protocol::command::{Interpreter, Program};
use tokio::io::AsyncRead;
use tokio::net::windows::named_pipe::{NamedPipeServer, ServerOptions};
use tokio::process::{Child, Command};
use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
use windows_sys::Win32::System::Threading::{CREATE_NO_WINDOW, CREATE_SUSPENDED};

use super::guard::pipe_list;
use super::script::{self, Script};
use super::sys::job::{Job, Suspended};
use super::sys::{access, environment, files, text};
use crate::core::output::Encoding;
use crate::core::random::{Random as _, SystemRandom};
use crate::platform::program_file;
use crate::run::{Exit, Order};

/// Variables of the agent itself begin so; no command sees them.
const OWN_VARIABLES: &str = "GURURMM_";
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// How often is looked whether what was killed is gone.
const LOOKS: u32 = 100;
const PIPE_BUFFER: u32 = 64 * 1024;

/// How programs here write text.
pub const OUTPUT_ENCODING: Encoding = Encoding::Console { decode: text::decode_oem, misread: text::misread };

/// What becomes of a start that was given up.
pub const STARTED_LATE: &str = "Should its start return after all, it is ended before it does anything";

/// A command that can be started.
pub struct Prepared {
    command: Command,
    script: Option<Script>,
}

/// The process of a command, in a job object with everything that it starts.
pub struct Process {
    child: Child,
    job: Arc<Job>,
    /// Until it may begin.
    suspended: Option<Suspended>,
    output: [Option<NamedPipeServer>; 2],
    /// Removed when the command is over.
    script: Option<Script>,
}

/// A command's tree, for ending it.
pub type Tree = Arc<Job>;

impl Prepared {
    /// Prepares a command: no window, in the environment that the system gives the account. Looks at what it needs, which
    /// may hang: here, because the library makes one process of the agent at a time, and the others would wait for it.
    ///
    /// # Errors
    /// In words, when it cannot be started.
    pub fn new(order: &Order<'_>) -> Result<Self, String> {
        let directory = match &order.command.working_directory {
            Some(directory) => Path::new(directory).to_owned(),
            // The root of the system's volume: what a script writes without a path should not lie in System32.
            None => files::system_directory().ancestors().last().map(Path::to_owned).unwrap_or_default(),
        };
        if !directory.is_dir() {
            return Err(format!("working_directory: {} is not a directory on this machine", directory.display()));
        }
        let (mut command, script) = program(order)?;
        command.current_dir(directory);
        // Except for the agent itself: the proxy, among other things, is set there.
        if order.command.program != Program::Selftest {
            let account =
                environment::of_account().map_err(|error| format!("the environment cannot be read: {error}"))?;
            let own =
                |name: &std::ffi::OsString| name.to_string_lossy().to_ascii_uppercase().starts_with(OWN_VARIABLES);
            command.env_clear().envs(account.into_iter().filter(|(name, _)| !own(name)));
        }
        command.envs(&order.command.environment).envs(&order.command.secrets);
        // The library takes relative paths for relative to the agent's own directory.
        program_file::touch(command.as_std(), Path::new(""));
        Ok(Self { command, script })
    }

    /// Makes its process, with no standard input and pipes for output; it does not run before it is told to.
    ///
    /// # Errors
    /// In words, when it cannot be started.
    pub fn spawn(self) -> Result<Process, String> {
        self.suspended().map_err(|error| format!("the program could not be started: {error}"))
    }

    fn suspended(self) -> io::Result<Process> {
        let Self { mut command, script } = self;
        let (stdout, stdout_end) = pipe()?;
        let (stderr, stderr_end) = pipe()?;
        let job = Job::new()?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::from(stdout_end))
            .stderr(Stdio::from(stderr_end))
            // Not before it is in the job may it run: it could start something outside.
            .creation_flags(CREATE_NO_WINDOW | CREATE_SUSPENDED)
            .kill_on_drop(true);
        let child = command.spawn()?;
        let suspended = Some(job.take_in(&child)?);
        Ok(Process { child, job: Arc::new(job), suspended, output: [Some(stdout), Some(stderr)], script })
    }
}

impl Process {
    /// Lets it run. Who drops it before has ended it before its first instruction.
    ///
    /// # Errors
    /// When the system refuses; it does not run then.
    pub fn begin(&mut self) -> io::Result<()> {
        self.suspended.take().map_or(Ok(()), Suspended::resume)
    }

    /// Standard output and standard error; only the first call gets them.
    pub fn output(&mut self) -> [Option<Box<dyn AsyncRead + Send + Unpin>>; 2] {
        let [stdout, stderr] = &mut self.output;
        [stdout, stderr].map(|pipe| pipe.take().map(|pipe| Box::new(pipe) as Box<dyn AsyncRead + Send + Unpin>))
    }

    /// What ends the command and everything that it has started.
    pub fn tree(&self) -> Tree {
        Arc::clone(&self.job)
    }

    /// Waits for its end. What it left running on purpose may go on then.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub async fn wait(&mut self) -> io::Result<Exit> {
        let status = self.child.wait().await?;
        if self.job.was_killed() {
            return Ok(Exit { success: false, code: None, signal: None, note: None });
        }
        if let Err(error) = self.job.let_go() {
            tracing::warn!(%error, "what a command left running will be ended");
        }
        let code = status.code().unwrap_or(-1);
        let unproven = status.success() && self.script.as_ref().is_some_and(|script| !script.has_begun());
        Ok(Exit {
            success: status.success() && !unproven,
            code: Some(code),
            signal: None,
            note: if unproven { Some(script::NOT_BEGUN.to_owned()) } else { exception(code).map(str::to_owned) },
        })
    }
}

/// The program and its arguments. The library quotes arguments as the C runtime reads them, and refuses arguments of batch
/// files that cannot be quoted safely.
fn program(order: &Order<'_>) -> Result<(Command, Option<Script>), String> {
    let written = |error: io::Error| format!("the script could not be written to {}: {error}", order.scratch.display());
    match &order.command.program {
        Program::Shell { interpreter: Interpreter::Sh, .. } => {
            Err("this machine runs Windows: it has no sh; use cmd or powershell".to_owned())
        }
        Program::Shell { interpreter: Interpreter::Cmd, script } => {
            let script = Script::batch(order, script).map_err(written)?;
            let mut command = Command::new(files::system_directory().join("cmd.exe"));
            // No AutoRun of the registry; echo off; the quotes around the whole are taken off, all others stay.
            command.raw_arg(format!("/d /q /e:on /v:off /s /c \"\"{}\"\"", script.path().display()));
            Ok((command, Some(script)))
        }
        Program::Shell { interpreter: Interpreter::Powershell, script } => {
            let shell = files::system_directory().join(r"WindowsPowerShell\v1.0\powershell.exe");
            if !shell.exists() {
                return Err("this machine has no Windows PowerShell".to_owned());
            }
            let script = Script::powershell(order, script).map_err(written)?;
            let mut command = Command::new(shell);
            command.args(["-NoLogo", "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-File"]);
            command.arg(script.path());
            Ok((command, Some(script)))
        }
        Program::Exec { argv } => {
            let mut argv = argv.iter();
            let mut command = Command::new(argv.next().ok_or("program.argv is empty")?);
            command.args(argv);
            Ok((command, None))
        }
        Program::Selftest => {
            let agent = std::env::current_exe().map_err(|error| format!("where the agent's program lies: {error}"))?;
            if !agent.exists() {
                return Err(format!("the agent's own program is not at {} any more", agent.display()));
            }
            let mut command = Command::new(agent);
            command.args(["selftest", "--json", "--data-dir"]).arg(order.data_dir);
            Ok((command, None))
        }
    }
}

/// A pipe whose reading end can be given up at any moment, and the end that a process writes to. Others can see its name,
/// but not connect to it.
fn pipe() -> io::Result<(NamedPipeServer, File)> {
    let name = format!(r"\\.\pipe\gururmm-agent-{}", hex::encode(SystemRandom.bytes()?));
    let mut options = ServerOptions::new();
    options
        .access_inbound(true)
        .access_outbound(false)
        .first_pipe_instance(true)
        .max_instances(1)
        .reject_remote_clients(true)
        .in_buffer_size(PIPE_BUFFER);
    let reader = access::create_pipe(&options, &name, &pipe_list(&access::me()?))?;
    let writer = File::options().write(true).open(&name)?;
    // Answers at once, since the writer is there.
    reader.connect().now_or_never().ok_or_else(|| io::Error::other("a pipe is not connected"))??;
    Ok((reader, writer))
}

/// What exit codes mean that Windows gives programs which it ended (ntstatus.h).
fn exception(code: i32) -> Option<&'static str> {
    Some(match code.cast_unsigned() {
        0xC000_0005 => "ended by Windows: access violation (0xC0000005)",
        0xC000_0017 => "ended by Windows: not enough memory (0xC0000017)",
        0xC000_001D => "ended by Windows: illegal instruction (0xC000001D)",
        0xC000_0094 => "ended by Windows: division by zero (0xC0000094)",
        0xC000_00FD => "ended by Windows: stack overflow (0xC00000FD)",
        0xC000_0135 => "a library that the program needs was not found (0xC0000135)",
        0xC000_013A => "ended by Ctrl+C or because its console was closed (0xC000013A)",
        0xC000_0142 => "a library that the program needs could not be initialized (0xC0000142)",
        0xC000_0374 => "ended by Windows: damaged heap (0xC0000374)",
        0xC000_0409 => "ended itself or was ended by Windows: fail fast (0xC0000409)",
        _ => return None,
    })
}

/// Ends a command's whole tree, and waits until it is gone.
pub async fn kill_tree(tree: Tree) {
    if let Err(error) = tree.kill() {
        tracing::error!(%error, "a command's processes cannot be ended");
        return;
    }
    for _ in 0..LOOKS {
        if tree.living().unwrap_or_default() == 0 {
            return;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Waits until somebody at the console asks the agent to stop, or the console or the machine goes away.
///
/// # Errors
/// When that cannot be listened for.
pub async fn termination() -> io::Result<()> {
    let (mut interrupt, mut stop) = (ctrl_c()?, ctrl_break()?);
    let (mut close, mut shutdown) = (ctrl_close()?, ctrl_shutdown()?);
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = stop.recv() => {}
        _ = close.recv() => {}
        _ = shutdown.recv() => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use gururmm_protocol::command::RunCommand;
    use uuid::Uuid;

    use super::*;
    use crate::platform::windows::guard::strangers;

    fn prepared(directory: &Path, line: &str) -> Prepared {
        let command: RunCommand = serde_json::from_value(serde_json::json!({
            "program": { "kind": "exec", "argv": ["cmd.exe", "/d", "/c", line] },
            "working_directory": directory,
            "timeout_seconds": 60,
            "output_limit_bytes": 1_000,
        }))
        .unwrap();
        let order = Order { id: Uuid::nil(), command: &command, scratch: directory, data_dir: directory };
        Prepared::new(&order).unwrap()
    }

    #[tokio::test]
    async fn nobody_else_may_connect_to_a_pipe() {
        let (_reader, writer) = pipe().unwrap();
        let access = access::look(&writer).unwrap();
        assert_eq!(strangers(&access, &access::me().unwrap()), Some(vec![]), "{access:?}");
    }

    #[tokio::test]
    async fn a_process_runs_only_when_it_was_told_to() {
        let temp = tempfile::tempdir().unwrap();
        let (given_up, begun) = (temp.path().join("given-up"), temp.path().join("begun"));
        let held = prepared(temp.path(), "echo x>given-up").spawn().unwrap();
        let mut process = prepared(temp.path(), "echo x>begun").spawn().unwrap();
        process.begin().unwrap();
        assert!(process.wait().await.unwrap().success && begun.exists());
        let tree = held.tree();
        assert_eq!(tree.living().unwrap(), 1);
        drop(held);
        kill_tree(tree).await;
        assert!(!given_up.exists());
    }
}
