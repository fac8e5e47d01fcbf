//! Which sections of the inventory the server still needs.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::inventory::{InventoryReport, InventorySection, PackedSection, Section, UnreadSection};
use gururmm_protocol::limits;

/// Sections go together in one report up to this many bytes; a larger one goes alone.
const BATCH: usize = 96 * 1024;
/// The machine's start is computed from two clocks and wavers by seconds; within this it is the same start.
const SAME_START: TimeDelta = TimeDelta::minutes(2);

/// What a look at one section gave.
#[derive(Debug, Clone, PartialEq)]
pub struct Finding {
    /// The section's name.
    pub section: &'static str,
    /// What was read, or in words why nothing could be.
    pub outcome: Result<Looked<Section>, String>,
}

/// What a platform's collector read of one section. A section that cannot be read at all is its error instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked<T> {
    /// The section's content.
    pub content: T,
    /// Parts of it that could not be read, in words.
    pub problems: Vec<String>,
}

/// What a platform's collector answers. Not to be confused: an empty content is what the machine has, an error is that
/// nothing is known.
pub type Look<T> = anyhow::Result<Looked<T>>;

impl<T> Looked<T> {
    /// The same with another content.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Looked<U> {
        Looked { content: change(self.content), problems: self.problems }
    }

    /// Whether all of it could be read.
    pub fn is_whole(&self) -> bool {
        self.problems.is_empty()
    }
}

impl<T> From<T> for Looked<T> {
    fn from(content: T) -> Self {
        Self { content, problems: Vec::new() }
    }
}

impl From<Section> for Finding {
    fn from(content: Section) -> Self {
        Self { section: content.name(), outcome: Ok(content.into()) }
    }
}

/// A section as it travels.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Plain(Box<InventorySection>),
    Packed(PackedSection),
    Unread(UnreadSection),
}

impl Piece {
    /// Bounds, cleans and packs a finding. One that is too large is not sent, and that is said instead.
    fn new(finding: Finding) -> Result<(Self, usize), serde_json::Error> {
        let unread = |section, error| {
            let mut unread = UnreadSection::new(section, error)?;
            unread.bound();
            Ok((Self::Unread(unread), 0))
        };
        let Finding { section: name, outcome } = finding;
        let Looked { mut content, mut problems } = match outcome {
            Ok(looked) => looked,
            Err(error) => return unread(name, error),
        };
        let all = content.items();
        content.bound();
        if let (Some(all), Some(told)) = (all, content.items())
            && told < all
        {
            problems.insert(0, format!("there are {all}, of which only the first {told} are told"));
        }
        let mut section = InventorySection::new(content, problems)?;
        section.bound();
        let bytes = serde_json::to_vec(&section)?.len();
        if bytes <= limits::MAX_PLAIN_SECTION {
            return Ok((Self::Plain(Box::new(section)), bytes));
        }
        match PackedSection::pack(&section) {
            Ok(packed) => {
                let bytes = packed.deflated.len();
                Ok((Self::Packed(packed), bytes))
            }
            Err(error) => unread(name, format!("the section {error}")),
        }
    }

    fn digest(&self) -> &str {
        match self {
            Self::Plain(section) => &section.digest,
            Self::Packed(section) => &section.digest,
            Self::Unread(section) => &section.digest,
        }
    }
}

#[derive(Debug)]
struct Current {
    piece: Piece,
    bytes: usize,
}

/// Sections taken to be sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// What is sent.
    pub report: InventoryReport,
    /// Names and digests of the sections in it.
    digests: Vec<(&'static str, String)>,
}

/// The machine's sections and what the server holds of them.
#[derive(Debug, Default)]
pub struct Inventory {
    current: BTreeMap<&'static str, Current>,
    held: BTreeMap<String, String>,
    under_way: BTreeMap<&'static str, String>,
    /// Sections that were in a refused report with others: each is sent alone, so that a bad one costs only itself.
    alone: BTreeSet<&'static str>,
    booted_at: Option<DateTime<Utc>>,
}

impl Inventory {
    /// Takes in a section as it is now.
    ///
    /// # Errors
    /// Only if it cannot be written as JSON, which no section causes; the earlier one stays.
    pub fn update(&mut self, mut finding: Finding) -> Result<(), serde_json::Error> {
        if let Ok(looked) = &mut finding.outcome {
            self.steady_start(&mut looked.content);
        }
        let name = finding.section;
        let (piece, bytes) = Piece::new(finding)?;
        self.current.insert(name, Current { piece, bytes });
        Ok(())
    }

    fn steady_start(&mut self, content: &mut Section) {
        let Section::Os(os) = content else { return };
        if let (Some(known), Some(now)) = (self.booted_at, os.booted_at)
            && (known - now).abs() <= SAME_START
        {
            os.booted_at = Some(known);
        }
        self.booted_at = os.booted_at;
    }

    /// A session has begun; the server holds sections with these digests.
    pub fn connected(&mut self, held: BTreeMap<String, String>) {
        self.held = held;
        self.under_way.clear();
    }

    /// The session is over: what was under way counts as not sent.
    pub fn disconnected(&mut self) {
        self.under_way.clear();
    }

    /// The next sections to send, marked as under way; none when the server has all of them.
    pub fn take(&mut self) -> Option<Batch> {
        let mut batch = Batch { report: InventoryReport::default(), digests: Vec::new() };
        let mut total = 0;
        for (name, current) in &self.current {
            let digest = current.piece.digest();
            if self.held.get(*name).is_some_and(|held| held == digest) || self.under_way.contains_key(name) {
                continue;
            }
            if !batch.digests.is_empty() && (total + current.bytes > BATCH || self.alone.contains(name)) {
                continue;
            }
            total += current.bytes;
            self.under_way.insert(name, digest.to_owned());
            batch.digests.push((name, digest.to_owned()));
            match current.piece.clone() {
                Piece::Plain(section) => batch.report.sections.push(*section),
                Piece::Packed(section) => batch.report.packed.push(section),
                Piece::Unread(section) => batch.report.unread.push(section),
            }
            if self.alone.contains(name) {
                break;
            }
        }
        (!batch.digests.is_empty()).then_some(batch)
    }

    /// Whether [`Self::take`] would give something.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.current.iter().any(|(name, current)| {
            self.held.get(*name).is_none_or(|held| held != current.piece.digest()) && !self.under_way.contains_key(name)
        })
    }

    /// The server does not take these sections together. One alone it will never take.
    pub fn refused(&mut self, batch: Batch) {
        if batch.digests.len() <= 1 {
            return self.settled(batch);
        }
        for (name, _) in batch.digests {
            self.under_way.remove(name);
            self.alone.insert(name);
        }
    }

    /// The server has stored these sections (or will never take them).
    pub fn settled(&mut self, batch: Batch) {
        for (name, digest) in batch.digests {
            self.under_way.remove(name);
            self.held.insert(name.to_owned(), digest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gururmm_protocol::inventory::{
        LoggedInUser, MachineRole, OsFamily, OsIdentity, PendingReboot, Software, SoftwareSource,
    };

    fn reboot(pending: bool) -> Section {
        Section::Reboot(PendingReboot { pending: Some(pending), sources: vec![] })
    }

    fn software(count: usize) -> Section {
        let item = |n| Software {
            name: format!("package {n}"),
            version: None,
            publisher: None,
            source: SoftwareSource::Dpkg,
            user: None,
            architecture: None,
            installed_on: None,
        };
        Section::Software((0..count).map(item).collect())
    }

    #[test]
    fn only_what_differs_is_sent_and_only_once() {
        let mut inventory = Inventory::default();
        inventory.update(reboot(false).into()).unwrap();
        inventory.update(Section::Users(vec![]).into()).unwrap();
        let users = InventorySection::new(Section::Users(vec![]), vec![]).unwrap();
        inventory.connected(BTreeMap::from([("users".to_owned(), users.digest)]));
        let sent = inventory.take().unwrap();
        assert_eq!(sent.report.sections.len(), 1);
        assert_eq!(sent.report.sections[0].content.name(), "reboot");
        assert!(inventory.take().is_none(), "under way");
        inventory.settled(sent);
        inventory.update(reboot(false).into()).unwrap();
        assert!(!inventory.has_news(), "unchanged");
        inventory.update(reboot(true).into()).unwrap();
        assert_eq!(inventory.take().unwrap().digests.len(), 1);
    }

    #[test]
    fn a_change_while_the_old_one_is_under_way_is_sent_afterwards() {
        let mut inventory = Inventory::default();
        inventory.connected(BTreeMap::new());
        inventory.update(reboot(false).into()).unwrap();
        let first = inventory.take().unwrap();
        inventory.update(reboot(true).into()).unwrap();
        assert!(inventory.take().is_none());
        inventory.settled(first);
        assert_eq!(inventory.take().unwrap().report.sections[0].content, reboot(true));
    }

    #[test]
    fn what_cannot_be_read_is_said_once_and_then_what_can_again() {
        let mut inventory = Inventory::default();
        let failed = || Finding { section: "software", outcome: Err("dpkg's database is locked".into()) };
        inventory.update(failed()).unwrap();
        let said = inventory.take().unwrap();
        assert_eq!(said.report.unread[0].error, "dpkg's database is locked");
        inventory.settled(said);
        inventory.update(failed()).unwrap();
        assert!(!inventory.has_news(), "the same error");
        inventory.update(software(1).into()).unwrap();
        assert_eq!(inventory.take().unwrap().report.sections.len(), 1);
    }

    #[test]
    fn after_a_refusal_each_section_goes_alone() {
        let mut inventory = Inventory::default();
        inventory.update(reboot(false).into()).unwrap();
        inventory.update(software(1).into()).unwrap();
        inventory.update(Section::Users(vec![]).into()).unwrap();
        let together = inventory.take().unwrap();
        assert_eq!(together.report.sections.len(), 3);
        inventory.refused(together);
        for name in ["reboot", "software", "users"] {
            let one = inventory.take().unwrap();
            assert_eq!(one.report.sections.iter().map(|s| s.content.name()).collect::<Vec<_>>(), [name]);
            inventory.refused(one);
        }
        assert!(!inventory.has_news(), "what was refused alone is not sent again");
    }

    #[test]
    fn a_start_time_that_wavers_is_no_news() {
        let os = |boot: i64| {
            Section::Os(OsIdentity {
                family: OsFamily::Linux,
                name: "Debian".into(),
                edition: None,
                version: None,
                build: None,
                release: None,
                installed_at: None,
                architecture: "x86_64".into(),
                role: MachineRole::Server,
                hostname: "web1".into(),
                domain: None,
                time_zone: None,
                booted_at: DateTime::from_timestamp(boot, 0),
            })
        };
        let mut inventory = Inventory::default();
        inventory.update(os(1_000).into()).unwrap();
        let sent = inventory.take().unwrap();
        inventory.settled(sent);
        inventory.update(os(1_003).into()).unwrap();
        assert!(!inventory.has_news());
        inventory.update(os(5_000).into()).unwrap();
        assert!(inventory.has_news(), "a restart");
    }

    #[test]
    fn a_long_list_travels_packed_and_one_too_long_is_told() {
        let mut inventory = Inventory::default();
        inventory.update(software(1_000).into()).unwrap();
        let batch = inventory.take().unwrap();
        let unpacked = batch.report.packed[0].unpack().unwrap();
        assert_eq!(unpacked.content, software(1_000));
        assert_eq!(unpacked.digest, batch.report.packed[0].digest);

        let user = LoggedInUser { name: "u".into(), session: None, host: None, since: None };
        inventory.update(Section::Users(vec![user; limits::MAX_ITEMS + 1]).into()).unwrap();
        let users = inventory.take().unwrap();
        let problems = users.report.packed[0].unpack().unwrap().problems;
        assert_eq!(problems, ["there are 513, of which only the first 512 are told"]);

        let Section::Software(mut huge) = software(limits::MAX_LONG_LIST) else { unreachable!() };
        huge.iter_mut().for_each(|item| item.publisher = Some("x".repeat(limits::MAX_NAME)));
        let mut inventory = Inventory::default();
        inventory.update(Section::Software(huge).into()).unwrap();
        let batch = inventory.take().unwrap();
        assert!(batch.report.unread[0].error.contains("over 1048576 bytes"), "{:?}", batch.report.unread);
    }
}
