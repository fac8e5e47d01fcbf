//! Commands as processes: how they are prepared, and how a whole tree of them is ended.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use gururmm_protocol::command::{Interpreter, Program};
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, User, geteuid};
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System, UpdateKind};
use tokio::io::AsyncRead;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

use crate::core::output::Encoding;
use crate::platform::program_file;
use crate::run::{Exit, Order};

/// A variable in every command's environment: by it a process is recognized as the command's after it has left its
/// group, its session and its parent.
const MARK: &str = "GURURMM_COMMAND_ID";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// How long processes have between the request to end and the kill.
const GRACE: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
/// Rounds of killing what appears while others are killed (a process that keeps forking).
const KILL_ROUNDS: u32 = 20;

/// How programs here write text.
pub const OUTPUT_ENCODING: Encoding = Encoding::Utf8;

/// What becomes of a start that was given up.
pub const STARTED_LATE: &str = "Should its start return after all, it is ended at once, and may have run for a moment";

/// A command that can be started.
pub struct Prepared {
    command: Command,
    id: Uuid,
}

impl Prepared {
    /// Prepares a command and looks at what it needs, which may hang: then nothing was started.
    ///
    /// # Errors
    /// In words, when this system has no such interpreter, or the directory cannot be used.
    pub fn new(order: &Order<'_>) -> Result<Self, String> {
        let mut command = prepare(order)?;
        command.envs(&order.command.environment).envs(&order.command.secrets);
        // Last, so that nothing overwrites it.
        command.env(MARK, order.id.to_string());
        let std = command.as_std();
        program_file::touch(std, std.get_current_dir().unwrap_or(Path::new("/")));
        Ok(Self { command, id: order.id })
    }

    /// Starts it.
    ///
    /// # Errors
    /// In words, when the program cannot be started.
    pub fn spawn(mut self) -> Result<Process, String> {
        let child = self.command.spawn().map_err(|error| format!("the program could not be started: {error}"))?;
        let pid = child.id().ok_or("the program ended before it could be watched")?;
        Ok(Process { child, tree: Tree { command: self.id, pid } })
    }
}

/// The process of a command.
pub struct Process {
    child: Child,
    tree: Tree,
}

impl Process {
    /// It runs already.
    ///
    /// # Errors
    /// Never.
    pub const fn begin(&mut self) -> io::Result<()> {
        Ok(())
    }

    /// Standard output and standard error; only the first call gets them.
    pub fn output(&mut self) -> [Option<Box<dyn AsyncRead + Send + Unpin>>; 2] {
        fn boxed(pipe: impl AsyncRead + Send + Unpin + 'static) -> Box<dyn AsyncRead + Send + Unpin> {
            Box::new(pipe)
        }
        [self.child.stdout.take().map(boxed), self.child.stderr.take().map(boxed)]
    }

    /// What ends the command and everything that it has started.
    #[must_use]
    pub const fn tree(&self) -> Tree {
        self.tree
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When the process cannot be waited for.
    pub async fn wait(&mut self) -> io::Result<Exit> {
        let status = self.child.wait().await?;
        let signal = status.signal();
        Ok(Exit {
            success: status.success(),
            code: status.code(),
            signal,
            note: signal.map(|signal| format!("ended by signal {signal}")),
        })
    }
}

/// A command's tree, for ending it.
#[derive(Debug, Clone, Copy)]
pub struct Tree {
    /// The command.
    command: Uuid,
    /// Its process; also the number of its group.
    pid: u32,
}

/// This very program, also when its file was replaced or removed meanwhile (proc_pid_exe(5)).
const THIS_PROGRAM: &str = "/proc/self/exe";

/// Builds the process of a command: no standard input, pipes for output, a process group of its own, and nothing of
/// the agent's own environment.
fn prepare(order: &Order<'_>) -> Result<Command, String> {
    let mut command = match &order.command.program {
        Program::Shell { interpreter: Interpreter::Sh, script } => {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(script);
            command
        }
        Program::Shell { interpreter: Interpreter::Cmd | Interpreter::Powershell, .. } => {
            return Err("this machine runs Linux: it has no cmd.exe and no Windows PowerShell; use sh".to_owned());
        }
        Program::Exec { argv } => {
            let mut argv = argv.iter();
            let mut command = Command::new(argv.next().ok_or("program.argv is empty")?);
            command.args(argv);
            command
        }
        Program::Selftest => {
            let mut command = Command::new(THIS_PROGRAM);
            command.arg0("gururmm-agent").args(["selftest", "--json", "--data-dir"]).arg(order.data_dir);
            command
        }
    };
    if order.command.program != Program::Selftest {
        // Except for the agent itself: the proxy, among other things, is set there.
        command.env_clear();
    }
    let directory = order.command.working_directory.as_deref().unwrap_or("/");
    if !Path::new(directory).is_dir() {
        return Err(format!("working_directory: {directory} is not a directory on this machine"));
    }
    command
        .current_dir(directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .env("PATH", PATH)
        .env("LANG", "C.UTF-8")
        .env("SHELL", "/bin/sh");
    if let Ok(Some(user)) = User::from_uid(geteuid()) {
        command.env("HOME", user.dir).env("USER", &user.name).env("LOGNAME", &user.name);
    }
    Ok(command)
}

/// Ends a command's whole tree: its group, all descendants, and whatever carries its mark. First by request
/// (`SIGTERM`), after five seconds by force.
pub async fn kill_tree(tree: Tree) {
    let mut hunt = Hunt::new(tree);
    hunt.look().await;
    hunt.signal(Signal::SIGTERM);
    let deadline = tokio::time::Instant::now() + GRACE;
    while tokio::time::Instant::now() < deadline {
        tokio::time::sleep(LOOK_AGAIN).await;
        hunt.look().await;
        if !hunt.lives() {
            return;
        }
    }
    for _ in 0..KILL_ROUNDS {
        hunt.signal(Signal::SIGKILL);
        tokio::time::sleep(LOOK_AGAIN).await;
        hunt.look().await;
        if !hunt.lives() {
            return;
        }
    }
}

/// A process with its start time, so that a number that was given anew is not mistaken for it.
type Identity = (u32, u64);

struct Hunt {
    tree: Tree,
    mark: OsString,
    /// Everything that was ever seen to belong to the command.
    seen: HashSet<Identity>,
    alive: HashSet<Identity>,
}

impl Hunt {
    fn new(tree: Tree) -> Self {
        Self {
            tree,
            mark: OsString::from(format!("{MARK}={}", tree.command)),
            seen: HashSet::new(),
            alive: HashSet::new(),
        }
    }

    async fn look(&mut self) {
        let (root, mark, seen) = (self.tree.pid, self.mark.clone(), self.seen.clone());
        // Reading all of /proc takes some milliseconds: not on the thread that serves the connection.
        if let Ok(alive) = tokio::task::spawn_blocking(move || living(root, &mark, &seen)).await {
            self.seen.extend(&alive);
            self.alive = alive;
        }
    }

    fn lives(&self) -> bool {
        !self.alive.is_empty()
    }

    fn signal(&self, signal: Signal) {
        let pid = |number: u32| i32::try_from(number).ok().map(Pid::from_raw);
        // Errors mean that the process is gone, which is what is wanted.
        if self.alive.iter().any(|(number, _)| *number == self.tree.pid)
            && let Some(group) = pid(self.tree.pid)
        {
            let _ = killpg(group, signal);
        }
        for target in self.alive.iter().filter_map(|(number, _)| pid(*number)) {
            let _ = kill(target, signal);
        }
    }
}

/// All living processes that belong to the tree of `root`: marked ones, ones seen before, and descendants of any of
/// these. Ended ones that nobody has waited for do not count.
fn living(root: u32, mark: &OsString, seen: &HashSet<Identity>) -> HashSet<Identity> {
    let Ok(mut system) = System::new() else { return HashSet::new() };
    let what = ProcessRefreshKind::nothing().with_environ(UpdateKind::Always).without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::All, true, what);
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut queue = Vec::new();
    for (pid, process) in system.processes() {
        let number = pid.as_u32();
        if let Some(parent) = process.parent() {
            children.entry(parent.as_u32()).or_default().push(number);
        }
        let known = seen.contains(&(number, process.start_time()));
        let is_root = number == root && seen.is_empty();
        if is_root || known || process.environ().contains(mark) {
            queue.push(number);
        }
    }
    let mut tree = HashSet::new();
    let mut visited = HashSet::new();
    while let Some(number) = queue.pop() {
        if !visited.insert(number) {
            continue;
        }
        queue.extend(children.get(&number).into_iter().flatten());
        if let Some(process) = system.process(sysinfo::Pid::from_u32(number))
            && !matches!(process.status(), sysinfo::ProcessStatus::Zombie | sysinfo::ProcessStatus::Dead)
        {
            tree.insert((number, process.start_time()));
        }
    }
    tree
}

/// Waits until the system asks the agent to stop (`SIGTERM`, `SIGINT`).
///
/// # Errors
/// When the signals cannot be listened for.
pub async fn termination() -> std::io::Result<()> {
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    Ok(())
}
