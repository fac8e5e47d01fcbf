//! The file of signed heads outside Postgres: one JSON object a line, `{seq, hash, signed_at, signature}`.
//!
//! Whoever cuts off the end of the log in Postgres, with its heads, is found out by what stands here (or in a copy).

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Take, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use gururmm_protocol::crypto::SignatureBytes;
use serde::{Deserialize, Serialize};

use super::chain::Head;

/// Longest line, bytes; a head is far shorter.
const MAX_LINE: u64 = 1024;

/// Where an installation keeps it.
#[must_use]
pub fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("audit-heads.jsonl")
}

#[derive(Serialize, Deserialize)]
struct Line {
    seq: i64,
    hash: String,
    signed_at: DateTime<Utc>,
    signature: SignatureBytes,
}

fn parse(text: &str) -> Option<Head> {
    let line: Line = serde_json::from_str(text).ok()?;
    let hash = hex::decode(&line.hash).ok()?.try_into().ok()?;
    Some(Head { seq: line.seq, hash, signed_at: line.signed_at, signature: line.signature })
}

fn damaged(path: &Path) -> std::io::Error {
    std::io::Error::other(format!("{} is damaged: a line of it is no audit head", path.display()))
}

/// The place of the last head in the file; 0 without any. Removes a last line that a crash left unfinished.
///
/// # Errors
/// When the file cannot be read or its last line is no head.
pub fn last_seq(path: &Path) -> std::io::Result<i64> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error),
    };
    let length = file.metadata()?.len();
    // Two lines from the end are enough: a whole one and perhaps an unfinished one.
    let start = length.saturating_sub(2 * MAX_LINE);
    file.seek(SeekFrom::Start(start))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < tail.len() {
        file.set_len(start + whole as u64)?;
        file.sync_all()?;
        tail.truncate(whole);
    }
    let Some(line) = tail.trim_ascii_end().split(|byte| *byte == b'\n').next_back().filter(|line| !line.is_empty())
    else {
        return Ok(0);
    };
    std::str::from_utf8(line).ok().and_then(parse).map(|head| head.seq).ok_or_else(|| damaged(path))
}

/// Appends heads and waits until they are on the disk.
///
/// # Errors
/// When the file cannot be written.
pub fn append(path: &Path, heads: &[Head]) -> std::io::Result<()> {
    let mut text = String::new();
    for head in heads {
        let line =
            Line { seq: head.seq, hash: hex::encode(head.hash), signed_at: head.signed_at, signature: head.signature };
        text += &serde_json::to_string(&line)?;
        text.push('\n');
    }
    let is_new = !path.exists();
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if is_new { crate::keys::sync_parent(path) } else { Ok(()) }
}

/// The heads that were in the file when it was opened, one after the other.
pub struct Reader {
    path: PathBuf,
    lines: BufReader<Take<File>>,
}

impl Reader {
    /// Opens the file; none when there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> std::io::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => {
                let length = file.metadata()?.len();
                Ok(Some(Self { path: path.to_owned(), lines: BufReader::new(file.take(length)) }))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl Iterator for Reader {
    type Item = std::io::Result<Head>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = String::new();
        match self.lines.by_ref().take(MAX_LINE).read_line(&mut line) {
            Ok(0) => None,
            // What a crash left unfinished at the end stands for nothing yet.
            Ok(read) if !line.ends_with('\n') && (read as u64) < MAX_LINE => None,
            Ok(_) => Some(parse(&line).ok_or_else(|| damaged(&self.path))),
            Err(error) => Some(Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    fn head(seq: i64) -> Head {
        Head::sign(&SigningKey::from_bytes(&[4; 32]), seq, [7; 32], DateTime::UNIX_EPOCH)
    }

    #[test]
    fn heads_come_back_as_they_were_written_and_a_torn_line_is_repaired() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path());
        assert_eq!(last_seq(&path).unwrap(), 0);
        append(&path, &[head(3), head(8)]).unwrap();
        assert_eq!(last_seq(&path).unwrap(), 8);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, [whole.as_slice(), b"{\"seq\":9,\"ha"].concat()).unwrap();
        let read: Vec<_> = Reader::open(&path).unwrap().unwrap().map(Result::unwrap).collect();
        assert_eq!(read, [head(3), head(8)]);
        assert_eq!(last_seq(&path).unwrap(), 8);
        assert_eq!(std::fs::read(&path).unwrap(), whole);
    }

    #[test]
    fn a_line_that_is_no_head_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let path = path(dir.path());
        std::fs::write(&path, "hello\n").unwrap();
        assert!(last_seq(&path).unwrap_err().to_string().contains("damaged"));
        assert!(Reader::open(&path).unwrap().unwrap().next().unwrap().is_err());
    }
}
