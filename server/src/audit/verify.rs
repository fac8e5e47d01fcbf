//! Verifying the audit log: every row, every link, every head, and the end against the file outside Postgres.

use std::fmt;
use std::iter::Peekable;
use std::path::Path;

use gururmm_protocol::crypto::PublicKey;
use sqlx::PgPool;

use super::chain::{self, Hash, Head};
use super::heads::Reader;
use super::store_chain::{self as store, Link, Outside};
use crate::core::{Error, Result};

/// Links read at once.
const BATCH: i64 = 1000;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Sealed rows that were checked.
    pub sealed: i64,
    /// Rows that wait for the sealer.
    pub unsealed: i64,
    /// Signed heads that were checked.
    pub heads: u64,
    /// Of these, in the file outside Postgres.
    pub exported_heads: u64,
    /// The first thing that is wrong; none: the log is whole.
    pub problem: Option<Problem>,
}

/// The first thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Place in the chain.
    pub seq: Option<i64>,
    /// Row of the audit log.
    pub audit_id: Option<i64>,
    /// What is wrong, in words.
    pub what: String,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sealed, unsealed, heads, exported_heads, .. } = self;
        write!(
            f,
            "{sealed} sealed rows and {heads} signed heads checked ({exported_heads} heads outside the database), \
             {unsealed} rows wait for the sealer: "
        )?;
        match &self.problem {
            None => write!(f, "the audit log is whole"),
            Some(problem) => {
                if let Some(seq) = problem.seq {
                    write!(f, "link {seq}, ")?;
                }
                if let Some(id) = problem.audit_id {
                    write!(f, "row {id}, ")?;
                }
                write!(f, "{}", problem.what)
            }
        }
    }
}

type Exported = Peekable<std::iter::Flatten<std::option::IntoIter<Reader>>>;

/// Checks the whole log against `key` and the heads in the file. Rows pass in batches: memory stays bounded.
///
/// # Errors
/// When the database or the file cannot be read. What is wrong with the log stands in the report.
pub async fn verify(db: &PgPool, key: &PublicKey, heads_file: &Path) -> Result<Report> {
    // A head reaches the file after it was committed: what is in the file now must be in the snapshot taken afterwards.
    let mut walk = Walk::new(*key, Reader::open(heads_file).map_err(unreadable)?);
    let mut tx = db.begin().await?;
    store::freeze(&mut tx).await?;
    'all: loop {
        let links = store::links_after(&mut tx, walk.seq, BATCH).await?;
        if links.is_empty() {
            break;
        }
        for link in &links {
            walk.report.problem = walk.step(link)?;
            if walk.report.problem.is_some() {
                break 'all;
            }
        }
    }
    let outside = store::outside(&mut tx, walk.seq).await?;
    tx.rollback().await?;
    walk.report.unsealed = outside.waiting;
    if walk.report.problem.is_none() {
        walk.report.problem = walk.end(&outside)?;
    }
    Ok(walk.report)
}

fn unreadable(error: std::io::Error) -> Error {
    Error::Internal(error.into())
}

/// Where the verification stands.
struct Walk {
    key: PublicKey,
    exported: Exported,
    file_is_missing: bool,
    /// The last link that was checked.
    seq: i64,
    hash: Hash,
    /// The last link that a genuine head covers.
    covered: i64,
    report: Report,
}

impl Walk {
    fn new(key: PublicKey, file: Option<Reader>) -> Self {
        Self {
            key,
            file_is_missing: file.is_none(),
            exported: file.into_iter().flatten().peekable(),
            seq: 0,
            hash: chain::START,
            covered: 0,
            report: Report { sealed: 0, unsealed: 0, heads: 0, exported_heads: 0, problem: None },
        }
    }

    /// Checks one link; the problem with it, if there is one.
    fn step(&mut self, link: &Link) -> Result<Option<Problem>> {
        let expected = self.seq + 1;
        if link.seq != expected {
            return Ok(problem(Some(expected), None, "was removed from the chain"));
        }
        let wrong = |what: &str| Ok(problem(Some(link.seq), Some(link.audit_id), what));
        let Some(row) = &link.row else { return wrong("was removed from the log") };
        if chain::row_hash(&self.hash, link.seq, row) != link.hash {
            return wrong("was changed after it was sealed");
        }
        if let Some(head) = &link.head {
            if !head.is_genuine(&self.key) {
                return wrong("the head signed here was changed or forged");
            }
            if head.hash != link.hash {
                return Ok(problem(
                    Some(self.covered + 1),
                    None,
                    &format!("from here to link {} the chain was rewritten: its signed head says otherwise", link.seq),
                ));
            }
            self.covered = link.seq;
            self.report.heads += 1;
        }
        while let Some(head) = self.exported_up_to(link.seq)? {
            if !head.is_genuine(&self.key) {
                return wrong("the head kept outside the database was changed or forged");
            }
            if head.seq == link.seq && head.hash != link.hash {
                return wrong("the chain was rewritten up to here: the head kept outside the database says otherwise");
            }
            self.report.exported_heads += 1;
        }
        (self.seq, self.hash) = (link.seq, link.hash);
        self.report.sealed += 1;
        Ok(None)
    }

    /// The next head of the file, unless it stands for a later link.
    fn exported_up_to(&mut self, seq: i64) -> Result<Option<Head>> {
        match self.exported.next_if(|head| head.as_ref().map_or(true, |head| head.seq <= seq)) {
            Some(head) => head.map(Some).map_err(unreadable),
            None => Ok(None),
        }
    }

    /// Checks what is beyond the last link.
    fn end(&mut self, outside: &Outside) -> Result<Option<Problem>> {
        if let Some(head) = self.exported_up_to(i64::MAX)? {
            let what = if head.is_genuine(&self.key) {
                format!(
                    "the end was cut off here: a head kept outside the database says that the log went on to link {}",
                    head.seq
                )
            } else {
                "the head kept outside the database was changed or forged".to_owned()
            };
            return Ok(problem(Some(self.seq + 1), None, &what));
        }
        if self.file_is_missing && self.seq > 0 {
            return Ok(problem(
                None,
                None,
                "the file of heads is missing: it cannot be told whether the end was cut off",
            ));
        }
        if self.covered < self.seq {
            return Ok(problem(Some(self.covered + 1), None, "no signed head covers the log from here on"));
        }
        if outside.beyond.is_some() {
            return Ok(problem(Some(self.seq + 1), None, "the end was cut off here: a signed head stands for more"));
        }
        if outside.gone.is_some() {
            return Ok(problem(None, outside.gone, "was removed before it was sealed"));
        }
        if outside.foreign.is_some() {
            return Ok(problem(None, outside.foreign, "was not written by the server"));
        }
        Ok(None)
    }
}

fn problem(seq: Option<i64>, audit_id: Option<i64>, what: &str) -> Option<Problem> {
    Some(Problem { seq, audit_id, what: what.to_owned() })
}
