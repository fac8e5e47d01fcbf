//! Which sections of the inventory the server still needs.

use std::collections::BTreeMap;

use gururmm_protocol::inventory::{InventoryReport, InventorySection, PackedSection, Section, UnreadSection};
use gururmm_protocol::limits;

/// Sections go together in one report up to this many bytes; a larger one goes alone.
const BATCH: usize = 96 * 1024;

/// What a look at one section gave.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// It was read.
    Read {
        /// The section.
        content: Section,
        /// Parts of it that could not be read, in words.
        problems: Vec<String>,
    },
    /// It could not be read at all.
    Unread {
        /// The section's name.
        section: &'static str,
        /// Why, in words.
        error: String,
    },
}

/// What a platform's collector read of one section. A section that cannot be read at all is its error instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Looked<T> {
    /// The section's content.
    pub content: T,
    /// Parts of it that could not be read, in words.
    pub problems: Vec<String>,
}

impl<T> From<T> for Looked<T> {
    fn from(content: T) -> Self {
        Self { content, problems: Vec::new() }
    }
}

impl From<Section> for Finding {
    fn from(content: Section) -> Self {
        Self::Read { content, problems: Vec::new() }
    }
}

/// A section as it travels.
#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Plain(InventorySection),
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
        let (mut content, problems) = match finding {
            Finding::Read { content, problems } => (content, problems),
            Finding::Unread { section, error } => return unread(section, error),
        };
        content.bound();
        let name = content.name();
        let mut section = InventorySection::new(content, problems)?;
        section.bound();
        let bytes = serde_json::to_vec(&section)?.len();
        if bytes <= limits::MAX_PLAIN_SECTION {
            return Ok((Self::Plain(section), bytes));
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
}

impl Inventory {
    /// Takes in a section as it is now.
    ///
    /// # Errors
    /// Only if it cannot be written as JSON, which no section causes; the earlier one stays.
    pub fn update(&mut self, finding: Finding) -> Result<(), serde_json::Error> {
        let name = match &finding {
            Finding::Read { content, .. } => content.name(),
            Finding::Unread { section, .. } => section,
        };
        let (piece, bytes) = Piece::new(finding)?;
        self.current.insert(name, Current { piece, bytes });
        Ok(())
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
            if !batch.digests.is_empty() && total + current.bytes > BATCH {
                break;
            }
            total += current.bytes;
            self.under_way.insert(name, digest.to_owned());
            batch.digests.push((name, digest.to_owned()));
            match current.piece.clone() {
                Piece::Plain(section) => batch.report.sections.push(section),
                Piece::Packed(section) => batch.report.packed.push(section),
                Piece::Unread(section) => batch.report.unread.push(section),
            }
        }
        (!batch.digests.is_empty()).then_some(batch)
    }

    /// Whether [`Self::take`] would give something.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.current.iter().any(|(name, current)| {
            self.held.get(*name).is_none_or(|held| held != current.piece.digest())
                && !self.under_way.contains_key(name)
        })
    }

    /// The server has stored (or refused for good) these sections.
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
    use gururmm_protocol::inventory::{PendingReboot, Software, SoftwareSource};

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
        let failed = || Finding::Unread { section: "software", error: "dpkg's database is locked".into() };
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
    fn a_long_list_travels_packed_and_one_too_long_is_told() {
        let mut inventory = Inventory::default();
        inventory.update(software(1_000).into()).unwrap();
        let batch = inventory.take().unwrap();
        let unpacked = batch.report.packed[0].unpack().unwrap();
        assert_eq!(unpacked.content, software(1_000));
        assert_eq!(unpacked.digest, batch.report.packed[0].digest);

        let Section::Software(mut huge) = software(limits::MAX_LONG_LIST) else { unreachable!() };
        huge.iter_mut().for_each(|item| item.publisher = Some("x".repeat(limits::MAX_NAME)));
        inventory.update(Section::Software(huge).into()).unwrap();
        inventory.connected(BTreeMap::new());
        let batch = inventory.take().unwrap();
        assert!(batch.report.unread[0].error.contains("over 1048576 bytes"), "{:?}", batch.report.unread);
    }
}
