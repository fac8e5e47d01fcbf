//! Asking other programs: bounded in time and in what they may say.

use std::io::Read;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Most bytes that are kept of what a program complains about.
const MAX_COMPLAINT: usize = 4 * 1024;
/// How long a program may take to vanish after it was killed, or after it closed its output.
const VANISH: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Programs that did not even die when they were killed (they wait for a dead disk), by what they were asked. Each holds
/// two threads and two pipes: without this list, every look at the disk would leave another one behind.
static UNDYING: Mutex<Vec<(String, Child)>> = Mutex::new(Vec::new());

/// What a program said.
#[derive(Debug)]
pub(super) struct Said {
    /// Standard output; what is not UTF-8 is replaced.
    pub text: String,
    /// Begin of standard error, on one line.
    pub complaint: String,
    /// How it ended.
    pub status: ExitStatus,
}

/// Whether this program is installed.
pub(super) fn exists(program: &str) -> bool {
    PATH.split(':').any(|dir| Path::new(dir).join(program).is_file())
}

/// Runs a program with nothing of the agent's environment, in English, and reads what it says.
///
/// # Errors
/// When it cannot be started, does not end within `deadline`, or says more than `max` bytes. It is then killed, and
/// whatever it has started in its process group with it. Also while an earlier call with the same words does not die.
pub(super) fn ask(program: &str, arguments: &[&str], deadline: Duration, max: usize) -> anyhow::Result<Said> {
    let until = Instant::now() + deadline;
    let call = format!("{program} {}", arguments.join(" "));
    if is_undying(&call) {
        bail!("{program} hangs since an earlier call and cannot be killed");
    }
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("{program} cannot be started"))?;
    let heard = listen(&mut child, until, max);
    let (output, complaint) = match heard {
        Ok(heard) => heard,
        Err(problem) => {
            end(call, child);
            bail!("{program} {}", problem.text(deadline, max));
        }
    };
    // It has closed its output, so it ends now; unless it only pretends to.
    let patience = until.max(Instant::now() + VANISH);
    let Some(status) = wait(&mut child, patience)? else {
        end(call, child);
        bail!("{program} {}", Problem::Late.text(deadline, max));
    };
    let one_line = |bytes: &[u8]| String::from_utf8_lossy(bytes).split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Said { text: String::from_utf8_lossy(&output).into_owned(), complaint: one_line(&complaint), status })
}

/// Why a program was not heard to its end.
enum Problem {
    Late,
    TooMuch,
}

impl Problem {
    fn text(&self, deadline: Duration, max: usize) -> String {
        match self {
            Self::Late => format!("did not answer within {} s", deadline.as_secs()),
            Self::TooMuch => format!("says more than {max} bytes"),
        }
    }
}

fn listen(child: &mut Child, until: Instant, max: usize) -> Result<(Vec<u8>, Vec<u8>), Problem> {
    let output = child.stdout.take().map(|pipe| drain(pipe, max));
    let complaint = child.stderr.take().map(|pipe| drain(pipe, MAX_COMPLAINT));
    let hear = |pipe: Option<Receiver<Vec<u8>>>| {
        let Some(pipe) = pipe else { return Ok(Vec::new()) };
        match pipe.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(bytes) => Ok(bytes),
            Err(RecvTimeoutError::Timeout) => Err(Problem::Late),
            Err(RecvTimeoutError::Disconnected) => Ok(Vec::new()),
        }
    };
    let output = hear(output)?;
    if output.len() > max {
        return Err(Problem::TooMuch);
    }
    Ok((output, hear(complaint)?))
}

/// Reads a pipe on a thread of its own, because reading cannot be given a deadline: keeps at most one byte more than `max`
/// and forgets the rest. The thread ends when the pipe does, at the latest when the program is killed.
fn drain(mut pipe: impl Read + Send + 'static, max: usize) -> Receiver<Vec<u8>> {
    let (done, heard) = channel();
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error counts.
        let _ = pipe.by_ref().take(max as u64 + 1).read_to_end(&mut bytes);
        let _ = done.send(bytes);
        let _ = std::io::copy(&mut pipe, &mut std::io::sink());
    });
    heard
}

fn wait(child: &mut Child, until: Instant) -> std::io::Result<Option<ExitStatus>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// Whether a program that was asked this before still does not die. Those that have died meanwhile are forgotten.
fn is_undying(call: &str) -> bool {
    let mut undying = UNDYING.lock().unwrap_or_else(PoisonError::into_inner);
    undying.retain_mut(|(_, child)| matches!(child.try_wait(), Ok(None)));
    undying.iter().any(|(earlier, _)| earlier == call)
}

/// Kills the program and its process group.
fn end(call: String, mut child: Child) {
    if let Ok(pid) = i32::try_from(child.id()) {
        // An error means that it is gone.
        let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
    }
    if matches!(wait(&mut child, Instant::now() + VANISH), Ok(None)) {
        UNDYING.lock().unwrap_or_else(PoisonError::into_inner).push((call, child));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str, deadline: Duration, max: usize) -> anyhow::Result<Said> {
        ask("/bin/sh", &["-c", script], deadline, max)
    }

    #[test]
    fn what_a_program_says_is_read_with_how_it_ended() {
        let said = sh("echo one; echo two >&2; exit 3", Duration::from_secs(60), 100).unwrap();
        assert_eq!((said.text.as_str(), said.complaint.as_str(), said.status.code()), ("one\n", "two", Some(3)));
        let error = ask("/nonexistent", &[], Duration::from_secs(60), 100).unwrap_err();
        assert!(format!("{error:#}").contains("/nonexistent cannot be started"), "{error:#}");
    }

    #[test]
    fn one_that_hangs_or_talks_without_end_is_killed_with_what_it_started() {
        let error = sh("sleep 1000 & sleep 1000", Duration::from_millis(200), 100).unwrap_err();
        assert!(error.to_string().contains("did not answer"), "{error}");
        let error = sh("while :; do echo yes; done", Duration::from_secs(60), 100).unwrap_err();
        assert!(error.to_string().contains("more than 100 bytes"), "{error}");
        let said = sh(
            "i=0; while [ $i -lt 5000 ]; do echo many complaints >&2; i=$((i+1)); done; echo done",
            Duration::from_secs(60),
            10,
        );
        assert_eq!(said.unwrap().text, "done\n", "complaining is no fault");
        let error = sh("exec >&- 2>&-; sleep 1000", Duration::from_millis(200), 100).unwrap_err();
        assert!(error.to_string().contains("did not answer"), "{error}");
    }

    #[test]
    fn what_does_not_die_is_not_started_again_before_it_has() {
        let child = Command::new("/bin/sh").args(["-c", "sleep 600"]).process_group(0).spawn().unwrap();
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap());
        UNDYING.lock().unwrap().push(("/bin/sh -c echo here".into(), child));
        let error = sh("echo here", Duration::from_secs(30), 1_000).unwrap_err().to_string();
        assert!(error.contains("hangs since an earlier call"), "{error}");
        assert_eq!(sh("echo there", Duration::from_secs(30), 1_000).unwrap().text, "there\n");
        killpg(pid, Signal::SIGKILL).unwrap();
        while is_undying("/bin/sh -c echo here") {
            std::thread::sleep(LOOK_AGAIN);
        }
        assert_eq!(sh("echo here", Duration::from_secs(30), 1_000).unwrap().text, "here\n");
    }
}
