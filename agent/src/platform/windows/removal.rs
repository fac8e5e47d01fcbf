//! Removing the installed program, which may be the one that runs.

use std::fs;
use std::io;
use std::os::windows::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use windows_sys::Win32::System::Threading::CREATE_NO_WINDOW;

use super::sys::files;
use crate::store::{self, patiently};

/// How long the start of the process that removes the program may take.
const PATIENCE: Duration = Duration::from_secs(15);

/// Removes a program and its directory, if that is empty then. Windows lets nobody remove a program that runs, but it can
/// be renamed: when this is the running one, it is out of its place when this returns (so that another one can be
/// installed there), and gone some seconds after this process has ended.
///
/// # Errors
/// When it stays.
pub fn remove_program(program: &Path) -> io::Result<()> {
    let directory = program.parent().unwrap_or(program);
    let running = std::env::current_exe().and_then(fs::canonicalize);
    if !matches!((running, fs::canonicalize(program)), (Ok(running), Ok(program)) if running == program) {
        // A process that has just ended still holds its program for a moment.
        patiently(|| store::files::remove(program)).map_err(io::Error::other)?;
        // Something else may live there, or have been put there.
        let _ = fs::remove_dir(directory);
        return Ok(());
    }
    let aside = program.with_extension(format!("{}.removed", std::process::id()));
    fs::rename(program, &aside)?;
    remove_after_end(&aside, directory).or_else(|error| {
        tracing::warn!(%error, "the program is removed when this computer starts next");
        files::remove_at_restart(&aside).and_then(|()| files::remove_at_restart(directory))
    })
}

/// Leaves the rest to `cmd.exe`, which outlives this process: once a second, for two minutes, it tries to remove the
/// file, and when that is gone the directory.
fn remove_after_end(file: &Path, directory: &Path) -> io::Result<()> {
    let system = files::system_directory();
    let (file, directory) = (file.display(), directory.display());
    let ping = system.join("ping.exe");
    let pause = ping.display();
    let line = format!(
        "/d /q /e:on /v:off /s /c \"for /l %i in (1,1,120) do (del /f /q \"{file}\" >nul 2>nul & if exist \"{file}\" \
         (\"{pause}\" -n 2 127.0.0.1 >nul) else (rmdir \"{directory}\" >nul 2>nul & exit))\""
    );
    let mut command = Command::new(system.join("cmd.exe"));
    command
        .raw_arg(line)
        // Not below the directory that is to go.
        .current_dir(&system)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .creation_flags(CREATE_NO_WINDOW);
    // The library makes one process at a time: one that hangs while it is made, on a disk that does not answer, holds up
    // all others.
    let (done, started) = mpsc::channel();
    std::thread::spawn(move || done.send(command.spawn().map(drop)));
    started.recv_timeout(PATIENCE).map_err(io::Error::other)?
}
