//! Scripts as files, as the shells of Windows want them.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::run::Order;

/// What a result says when PowerShell ended with 0 and had not begun.
pub const NOT_BEGUN: &str = "powershell.exe ended with exit code 0 but never began the script";

/// A script in the agent's private directory; removed when this value is dropped.
#[derive(Debug)]
pub struct Script {
    path: PathBuf,
    /// Everything that is to be removed.
    all: Vec<PathBuf>,
    proof: Option<PathBuf>,
}

impl Script {
    /// Writes a batch file.
    pub fn batch(order: &Order<'_>, script: &str) -> io::Result<Self> {
        let mut files = Self::new(order)?;
        files.path = files.write(order, "cmd", batch(script).as_bytes())?;
        Ok(files)
    }

    /// Writes a script for PowerShell and what starts it.
    ///
    /// The starter makes output UTF-8 and leaves a proof that it ran: a PowerShell that ends with 0 without having done
    /// anything is not taken for success. It runs the script's text as a block, so that `exit` and `throw` in it give
    /// the exit code that `-File` gives, and a `param` at its beginning stays at the beginning.
    pub fn powershell(order: &Order<'_>, script: &str) -> io::Result<Self> {
        let mut files = Self::new(order)?;
        let text = files.write(order, "ps1", &with_mark(script))?;
        let proof = order.scratch.join(format!("{}.begun", order.id));
        files.all.push(proof.clone());
        files.path = files.write(order, "start.ps1", &with_mark(&starter(&text, &proof)))?;
        files.proof = Some(proof);
        Ok(files)
    }

    fn new(order: &Order<'_>) -> io::Result<Self> {
        super::create_private_subdir(order.scratch)?;
        Ok(Self { path: PathBuf::new(), all: Vec::new(), proof: None })
    }

    fn write(&mut self, order: &Order<'_>, ending: &str, content: &[u8]) -> io::Result<PathBuf> {
        let path = order.scratch.join(format!("{}.{ending}", order.id));
        self.all.push(path.clone());
        File::options().write(true).create_new(true).open(&path)?.write_all(content)?;
        Ok(path)
    }

    /// The file that the shell is to be given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the shell has begun with it, as far as that can be told.
    pub fn has_begun(&self) -> bool {
        self.proof.as_ref().is_none_or(|proof| proof.exists())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        for path in &self.all {
            // What a process still holds is removed when the agent starts next.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// The text of a batch file. `cmd.exe` finds labels only with line ends of two characters, and reads everything else than
/// ASCII in the console's code page.
fn batch(script: &str) -> String {
    let mut text = String::with_capacity(script.len() + 64);
    if !script.is_ascii() {
        text.push_str("@chcp 65001 >nul\r\n");
    }
    for line in script.lines() {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text
}

/// Windows PowerShell takes a file without this mark for one in the ANSI code page.
fn with_mark(script: &str) -> Vec<u8> {
    let mut bytes = "\u{feff}".as_bytes().to_vec();
    bytes.extend_from_slice(script.as_bytes());
    bytes
}

fn starter(script: &Path, proof: &Path) -> String {
    let (script, proof) = (literal(script), literal(proof));
    format!(
        "try {{ [Console]::OutputEncoding = $OutputEncoding = New-Object System.Text.UTF8Encoding $false }} catch {{ }}\r\n\
         try {{ [System.IO.File]::WriteAllText({proof}, '') }} catch {{ [Console]::Error.WriteLine($_); exit 1 }}\r\n\
         & ([ScriptBlock]::Create([System.IO.File]::ReadAllText({script})))\r\n"
    )
}

/// A path as a text in which PowerShell replaces nothing; it takes typographic quotes for quotes too.
fn literal(path: &Path) -> String {
    let mut text = String::from("'");
    for character in path.display().to_string().chars() {
        if matches!(character, '\'' | '\u{2018}'..='\u{201B}') {
            text.push(character);
        }
        text.push(character);
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_files_have_their_line_ends_and_code_page() {
        assert_eq!(batch("echo a\necho b"), "echo a\r\necho b\r\n");
        assert_eq!(batch("echo a\r\n:label\r\n"), "echo a\r\n:label\r\n");
        assert_eq!(batch("echo \u{e4}"), "@chcp 65001 >nul\r\necho \u{e4}\r\n");
    }

    #[test]
    fn powershell_does_not_begin_without_its_proof() {
        let starter = starter(Path::new("C:\\x.ps1"), Path::new("C:\\x.begun"));
        let lines: Vec<_> = starter.lines().collect();
        assert!(lines[1].starts_with("try {") && lines[1].ends_with("exit 1 }"), "an error there alone ends nothing");
        assert!(lines[1].contains("'C:\\x.begun'") && lines[2].contains("'C:\\x.ps1'"));
    }

    #[test]
    fn quotes_in_a_path_are_doubled() {
        assert_eq!(literal(Path::new("C:\\it's $x")), "'C:\\it''s $x'");
        assert_eq!(literal(Path::new("C:\\\u{2019}")), "'C:\\\u{2019}\u{2019}'");
    }
}
