use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use gururmm_protocol::command::{Outcome, RunCommand};
use serde_json::json;
use tokio::io::AsyncReadExt as _;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;
use uuid::Uuid;

use super::job::{Job, attend};
use super::{Context, Order, Stop, start};
use crate::core::clock::{SystemClock, Time};
use crate::platform::Prepared;
use crate::store::DataDir;
use crate::store::journal_file::JournalFile;
use crate::store::ledger::{Ledger, SharedLedger};

fn context(dir: &DataDir) -> Context {
    let time = Arc::new(Time::new(Arc::new(SystemClock), TimeDelta::zero()));
    JournalFile::create(dir, false).unwrap();
    let ledger = SharedLedger::new(Ledger::open(dir, time.now()).unwrap());
    let (events, _) = mpsc::unbounded_channel();
    let (slots, starts) = (Arc::new(Semaphore::new(super::SLOTS)), Arc::new(Semaphore::new(start::MOST_HANGING)));
    Context { ledger, time, events, slots, starts, scratch: dir.join("scripts"), data_dir: dir.path().to_owned() }
}

/// A program that would leave a file; on Linux, where it runs as soon as it is there, one that does not end by itself.
fn command(directory: &Path) -> RunCommand {
    let argv = if cfg!(windows) { json!(["cmd.exe", "/d", "/c", "echo x>ran"]) } else { json!(["sleep", "600"]) };
    serde_json::from_value(json!({
        "program": { "kind": "exec", "argv": argv },
        "working_directory": directory,
        "timeout_seconds": 600,
        "output_limit_bytes": 1_000,
    }))
    .unwrap()
}

#[tokio::test]
async fn a_command_that_was_cancelled_while_it_was_made_is_only_ended() {
    let (data, work) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let dir = DataDir::open(data.path()).unwrap();
    let context = context(&dir);
    let job = Job { id: Uuid::nil(), expires_at: context.time.now(), command: command(work.path()) };
    let order = Order { id: job.id, command: &job.command, scratch: &context.scratch, data_dir: &context.data_dir };
    let mut process = Prepared::new(&order).unwrap().spawn().unwrap();
    let [mut output, _] = process.output().map(Option::unwrap);
    let (_cancelled, stop) = watch::channel(Some(Stop::Cancelled));
    let result = attend(&context, &job, process, stop).await;
    assert_eq!(result.outcome, Outcome::Cancelled);
    let reason = result.reason.unwrap();
    assert!(reason.starts_with("cancelled while it was being started"), "{reason}");
    assert!(!reason.contains("does not end"), "{reason}");
    // Nobody holds the other end any more. An error is the end as well: on Windows the pipe is broken.
    let read = timeout(Duration::from_secs(60), output.read(&mut [0; 1])).await;
    assert_eq!(read.map(Result::unwrap_or_default), Ok(0));
    assert!(!work.path().join("ran").exists());
}
