//! The file of a program that is about to be started.

use std::env::consts::EXE_SUFFIX;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Reads a byte of the program that a command names. A disk that answers nobody hangs here, where nothing has been started
/// and nobody else waits, and not while the process is being made. What is wrong with the program, its start will tell.
/// `base` is where relative paths begin.
pub fn touch(command: &Command, base: &Path) {
    if let Some(file) = file_of(command, base) {
        let _ = File::open(file).and_then(|mut file| file.read(&mut [0]));
    }
}

/// The program's file, as far as the path of the command's own environment leads to it. Not a pipe: to open one waits for
/// who writes to it.
fn file_of(command: &Command, base: &Path) -> Option<PathBuf> {
    let program = Path::new(command.get_program());
    let places: Vec<PathBuf> = if program.components().nth(1).is_some() {
        vec![base.join(program)]
    } else {
        let path = command.get_envs().find(|(name, _)| name.eq_ignore_ascii_case("PATH"))?.1?;
        std::env::split_paths(path).map(|directory| directory.join(program)).collect()
    };
    let with_suffix = |place: PathBuf| {
        let mut longer = place.clone().into_os_string();
        longer.push(EXE_SUFFIX);
        [place, longer.into()]
    };
    places.into_iter().flat_map(with_suffix).find(|place| fs::metadata(place).is_ok_and(|meta| meta.is_file()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_where_its_start_finds_it() {
        let temp = tempfile::tempdir().unwrap();
        let (directory, file) = (temp.path(), temp.path().join(format!("tool{EXE_SUFFIX}")));
        fs::write(&file, "x").unwrap();
        let found = |program: &Path, path: &str, base: &str| {
            file_of(Command::new(program).env("PATH", directory.join(path)), &directory.join(base))
                .and_then(|found| fs::canonicalize(found).ok())
        };
        let there = Some(fs::canonicalize(&file).unwrap());
        assert_eq!(found(&directory.join("tool"), "none", "none"), there);
        assert_eq!(found(&file, "none", "none"), there);
        assert_eq!(found(Path::new("./tool"), "none", ""), there);
        assert_eq!(found(Path::new("tool"), "", "none"), there);
        assert_eq!(found(Path::new("tool"), "none", ""), None, "not in the directory that it runs in");
        assert_eq!(found(Path::new("other"), "", ""), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_is_not_waited_for() {
        let temp = tempfile::tempdir().unwrap();
        let pipe = temp.path().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).unwrap();
        touch(&Command::new(&pipe), Path::new("/"));
    }
}
