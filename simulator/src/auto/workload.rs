//! What a command would plausibly say. Nothing is ever executed: the script's text is only looked at.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{Outcome, OutputStream, Program, REDACTED, RunCommand};
use gururmm_protocol::limits::MAX_OUTPUT_CHUNK;

use super::selftest;
use crate::Machine;

/// The course of one pretended process.
pub struct Course {
    /// Pause before each chunk, and the chunk.
    pub chunks: VecDeque<(Duration, OutputStream, String)>,
    /// Pause before the end.
    pub tail: Duration,
    /// How it ends.
    pub outcome: Outcome,
    /// With which exit code.
    pub exit_code: Option<i32>,
    /// Bytes over the output limit.
    pub dropped: u64,
}

/// Works out what `run` says on `machine`: `echo`, `sleep`, `exit`, `false` and some well-known commands by their
/// meaning, anything else as one line that says it is simulated. Each statement takes up to `statement_takes`. Output
/// limit and timeout hold.
pub fn course(
    run: &RunCommand,
    machine: &Machine,
    now: DateTime<Utc>,
    statement_takes: Duration,
    rng: &mut fastrand::Rng,
) -> Course {
    let effects = match &run.program {
        Program::Shell { script, .. } => effects(script, run, machine),
        Program::Exec { argv } => effects(&argv.join(" "), run, machine),
        Program::Selftest => {
            let report = selftest::report(machine, now, statement_takes, rng);
            // It has no map with keys that are not text.
            let text = serde_json::to_string_pretty(&report).unwrap_or_default();
            vec![Effect::Say(OutputStream::Stdout, text)]
        }
    };
    let limit = Duration::from_secs(run.timeout_seconds.into());
    let mut spent = Duration::ZERO;
    let mut pause = Duration::ZERO;
    let mut left = run.output_limit_bytes as usize;
    let mut course = Course {
        chunks: VecDeque::new(),
        tail: Duration::ZERO,
        outcome: Outcome::Succeeded,
        exit_code: Some(0),
        dropped: 0,
    };
    for effect in effects {
        pause += statement_takes.mul_f64(rng.f64());
        match effect {
            Effect::Say(stream, mut line) => {
                line.push('\n');
                let kept = line.floor_char_boundary(left.min(MAX_OUTPUT_CHUNK));
                course.dropped += (line.len() - kept) as u64;
                left -= kept;
                line.truncate(kept);
                if !line.is_empty() && spent + pause < limit {
                    spent += pause;
                    course.chunks.push_back((std::mem::take(&mut pause), stream, line));
                }
            }
            Effect::Sleep(time) => pause += time,
            Effect::Exit(code) => {
                course.exit_code = Some(code);
                break;
            }
            Effect::Code(code) => course.exit_code = Some(code),
        }
    }
    course.tail = pause;
    if spent + pause >= limit {
        course.tail = limit.saturating_sub(spent);
        course.outcome = Outcome::TimedOut;
        course.exit_code = None;
    } else if course.exit_code != Some(0) {
        course.outcome = Outcome::Failed;
    }
    course
}

/// What a script's statements do, one after the other.
fn effects(script: &str, run: &RunCommand, machine: &Machine) -> Vec<Effect> {
    let statements = script.split(['\n', ';']).map(str::trim).filter(|s| !s.is_empty() && !s.starts_with('#'));
    statements.map(|statement| look_at(&expand(statement, run), machine)).collect()
}

enum Effect {
    Say(OutputStream, String),
    Sleep(Duration),
    /// Ends the script.
    Exit(i32),
    /// The exit code if nothing else follows.
    Code(i32),
}

/// Puts environment variables in; secrets as a real agent would let them out: redacted.
fn expand(statement: &str, run: &RunCommand) -> String {
    let mut text = statement.to_owned();
    for (name, value) in &run.environment {
        text = text.replace(&format!("${name}"), value);
    }
    for name in run.secrets.keys() {
        text = text.replace(&format!("${name}"), REDACTED);
    }
    text
}

fn look_at(statement: &str, machine: &Machine) -> Effect {
    let say = |text: String| Effect::Say(OutputStream::Stdout, text);
    let (program, rest) = statement.split_once(char::is_whitespace).unwrap_or((statement, ""));
    let rest = rest.trim();
    let unquoted = rest.trim_matches(['"', '\'']).to_owned();
    let host = &machine.identity.hostname;
    match program.to_ascii_lowercase().as_str() {
        "echo" if rest.ends_with(">&2") => {
            let text = rest.trim_end_matches(">&2").trim().trim_matches(['"', '\'']);
            Effect::Say(OutputStream::Stderr, text.to_owned())
        }
        "echo" | "printf" | "write-output" | "write-host" => say(unquoted),
        "sleep" | "start-sleep" => {
            let seconds = rest.rsplit(' ').next().and_then(|seconds| seconds.parse::<f64>().ok()).unwrap_or(1.0);
            Effect::Sleep(Duration::try_from_secs_f64(seconds).unwrap_or_default())
        }
        "exit" => Effect::Exit(rest.parse().unwrap_or_default()),
        "true" | "cd" | "set" => Effect::Code(0),
        "false" => Effect::Code(1),
        "hostname" => say(host.clone()),
        "whoami" | "id" => say(if machine.is_windows() { r"nt authority\system" } else { "root" }.to_owned()),
        "uname" => say(format!("Linux {host} {} x86_64 GNU/Linux", machine.os.build.as_deref().unwrap_or_default())),
        "ver" => say(format!("Microsoft Windows [Version {}]", machine.os.version.as_deref().unwrap_or_default())),
        "df" | "get-volume" => say(volumes(machine)),
        "ip" | "ipconfig" | "ifconfig" => say(addresses(machine)),
        _ => say(format!("[simulated] {statement}")),
    }
}

fn volumes(machine: &Machine) -> String {
    let line = |volume: &gururmm_protocol::inventory::Volume| {
        format!("{:<12}{:>8} GiB", volume.mount, volume.total_bytes >> 30)
    };
    machine.volumes.iter().map(line).collect::<Vec<_>>().join("\n")
}

fn addresses(machine: &Machine) -> String {
    let line = |interface: &gururmm_protocol::inventory::NetworkInterface| {
        format!("{}: {}", interface.name, interface.addresses.join(", "))
    };
    machine.network.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gururmm_protocol::command::Interpreter;
    use gururmm_protocol::selftest::SelftestReport;
    use std::collections::BTreeMap;

    fn shell(script: &str) -> RunCommand {
        RunCommand {
            program: Program::Shell { interpreter: Interpreter::Sh, script: script.into() },
            timeout_seconds: 10,
            output_limit_bytes: 1_000,
            working_directory: None,
            environment: BTreeMap::from([("NAME".into(), "Zoë".into())]),
            secrets: BTreeMap::from([("TOKEN".into(), "s3cret".into())]),
        }
    }

    fn play(run: &RunCommand) -> (Course, String) {
        let pace = Duration::from_millis(40);
        let now = DateTime::UNIX_EPOCH;
        let course = course(run, &Machine::from_seed(1), now, pace, &mut fastrand::Rng::with_seed(1));
        let text = course.chunks.iter().map(|(_, _, text)| text.as_str()).collect();
        (course, text)
    }

    #[test]
    fn scripts_end_as_they_say() {
        let (course, text) = play(&shell("echo \"hello $NAME\"\necho $TOKEN\nexit 3\necho never"));
        assert_eq!(text, "hello Zoë\n[redacted]\n");
        assert_eq!((course.outcome, course.exit_code), (Outcome::Failed, Some(3)));
        let (course, _) = play(&shell("echo a; sleep 1; echo b"));
        assert_eq!((course.outcome, course.exit_code), (Outcome::Succeeded, Some(0)));
        assert!(course.chunks[1].0 >= Duration::from_secs(1));
        assert_eq!(play(&shell("false")).0.outcome, Outcome::Failed);
    }

    #[test]
    fn a_selftest_is_one_document() {
        let run = RunCommand { program: Program::Selftest, output_limit_bytes: 100_000, ..shell("") };
        let (course, text) = play(&run);
        assert_eq!((course.outcome, course.exit_code, course.dropped), (Outcome::Succeeded, Some(0), 0));
        let mut report: SelftestReport = serde_json::from_str(&text).unwrap();
        let whole = report.clone();
        report.bound();
        assert_eq!(report, whole);
        assert!(report.checks.len() > 10);
    }

    #[test]
    fn timeout_and_output_limit_hold() {
        let (course, text) = play(&shell("echo early\nsleep 60\necho late"));
        assert_eq!((course.outcome, course.exit_code, text.as_str()), (Outcome::TimedOut, None, "early\n"));
        let whole: Duration = course.chunks.iter().map(|(pause, ..)| *pause).sum::<Duration>() + course.tail;
        assert_eq!(whole, Duration::from_secs(10));
        let (course, text) = play(&RunCommand { output_limit_bytes: 3, ..shell("echo ëë") });
        assert_eq!((text.as_str(), course.dropped), ("ë", 3));
    }
}
