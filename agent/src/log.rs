//! Where the agent's log goes: to the console, or, as a service of a system that keeps no console, to a file of its own.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Write};
use std::panic::{self, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::platform;
use crate::store::DataDir;

/// The directory of log files in the data directory.
pub const DIRECTORY: &str = "logs";
const NAME: &str = "agent.log";
const EARLIER: &str = "agent.log.1";
/// A file that has reached this size is put aside, over the one that was put aside before.
const LARGEST: u64 = 4 * 1024 * 1024;

/// The file that is written to. The log is one for the whole process, and so is this.
static FILE: Mutex<Option<Rotating>> = Mutex::new(None);

fn filter() -> EnvFilter {
    EnvFilter::try_from_env("GURURMM_LOG").unwrap_or_else(|_| EnvFilter::new("info"))
}

/// Logs to standard error.
pub fn to_console() {
    tracing_subscriber::fmt()
        .with_env_filter(filter())
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .init();
}

/// Logs to a file in the data directory, and what an administrator should see also to `log_of_system`.
pub fn to_file(data_dir: &Path, log_of_system: impl Layer<Registry> + Send + Sync) {
    let opened = open_in(data_dir);
    let file = tracing_subscriber::fmt::layer().with_writer(|| Shared).with_ansi(false).with_target(false);
    tracing_subscriber::registry().with(log_of_system).with(file.with_filter(filter())).init();
    // Nobody sees the standard error of a service.
    panic::set_hook(Box::new(log_panic));
    match opened {
        Ok(file) => *FILE.lock().unwrap_or_else(PoisonError::into_inner) = file,
        Err(error) => tracing::error!(%error, "there is no log file: it cannot be opened"),
    }
}

fn log_panic(info: &PanicHookInfo<'_>) {
    let place = info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
    tracing::error!("fault of the agent at {place}: {}", info.payload_as_str().unwrap_or("it says nothing"));
}

/// Closes the file, so that it can be removed; what is logged from now on is not kept.
pub fn close() {
    *FILE.lock().unwrap_or_else(PoisonError::into_inner) = None;
}

/// Only in a directory that is an agent's and that nobody else can write to: otherwise the log would be written wherever
/// somebody else had put a link to.
fn open_in(data_dir: &Path) -> io::Result<Option<Rotating>> {
    if !DataDir::exists(data_dir) {
        return Ok(None);
    }
    let directory = data_dir.join(DIRECTORY);
    platform::create_private_dir(data_dir)?;
    platform::create_private_dir(&directory)?;
    Rotating::open(directory, LARGEST).map(Some)
}

/// A file that does not grow for ever.
struct Rotating {
    directory: PathBuf,
    largest: u64,
    file: Option<File>,
    length: u64,
}

impl Rotating {
    fn open(directory: PathBuf, largest: u64) -> io::Result<Self> {
        let mut rotating = Self { directory, largest, file: None, length: 0 };
        rotating.reopen()?;
        Ok(rotating)
    }

    fn reopen(&mut self) -> io::Result<()> {
        let file = platform::private(File::options().create(true).append(true)).open(self.directory.join(NAME))?;
        self.length = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        if self.length > 0 && self.length + line.len() as u64 > self.largest {
            self.file = None;
            if fs::rename(self.directory.join(NAME), self.directory.join(EARLIER)).is_err() {
                // Somebody holds one of them: better to lose the earlier part than to grow or to fall silent.
                fs::write(self.directory.join(NAME), "")?;
            }
        }
        if self.file.is_none() {
            self.reopen()?;
        }
        if let Some(file) = &mut self.file {
            file.write_all(line)?;
            self.length += line.len() as u64;
        }
        Ok(())
    }
}

/// The file as the log's writer sees it. A full disk must not disturb the agent: what cannot be written is lost.
struct Shared;

impl Write for Shared {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if let Some(file) = FILE.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            let _ = file.write_line(line);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_files_of_bounded_size_hold_the_latest() {
        let temp = tempfile::tempdir().unwrap();
        let mut file = Rotating::open(temp.path().to_owned(), 100).unwrap();
        for number in 0..40 {
            file.write_line(format!("line {number:03}\n").as_bytes()).unwrap();
        }
        let read = |name: &str| fs::read_to_string(temp.path().join(name)).unwrap();
        let (earlier, now) = (read(EARLIER), read(NAME));
        assert!(earlier.len() <= 100 && now.len() <= 100);
        assert!(now.ends_with("line 039\n") && earlier.ends_with("line 032\n"), "{earlier}{now}");
        drop(file);
        let mut file = Rotating::open(temp.path().to_owned(), 100).unwrap();
        file.write_line(b"after a restart\n").unwrap();
        assert!(read(NAME).ends_with("line 039\nafter a restart\n"));
    }

    #[test]
    fn a_panic_is_logged_with_its_place() {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("log");
        let file = Mutex::new(File::create(&path).unwrap());
        let subscriber = tracing_subscriber::fmt().with_writer(file).with_ansi(false).finish();
        let earlier = panic::take_hook();
        panic::set_hook(Box::new(log_panic));
        let ended = tracing::subscriber::with_default(subscriber, || panic::catch_unwind(|| panic!("for a test")));
        panic::set_hook(earlier);
        assert!(ended.is_err());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("ERROR") && text.contains("for a test") && text.contains("log.rs"), "{text}");
    }

    #[test]
    fn nothing_is_written_where_no_agent_lives() {
        let temp = tempfile::tempdir().unwrap();
        assert!(open_in(temp.path()).unwrap().is_none());
        assert!(open_in(&temp.path().join("missing")).unwrap().is_none());
        drop(DataDir::open(temp.path()).unwrap());
        assert!(open_in(temp.path()).unwrap().is_some());
    }
}
