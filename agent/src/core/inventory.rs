//! Which sections of the inventory the server still needs.

use std::collections::BTreeMap;

use gururmm_protocol::inventory::Section;
use gururmm_protocol::limits;
use gururmm_protocol::message::InventorySection;

/// Sections go together in one report up to this many bytes of JSON; a larger one goes alone.
const BATCH: usize = 96 * 1024;

/// A section cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum BadSection {
    /// It is larger than the protocol allows.
    #[error("the section {name} has {bytes} bytes; at most {} are sent", limits::MAX_SECTION)]
    TooLarge {
        /// The section's name.
        name: &'static str,
        /// Its size as JSON.
        bytes: usize,
    },
    /// It cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

#[derive(Debug)]
struct Current {
    section: InventorySection,
    bytes: usize,
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
    /// [`BadSection`] when it cannot be sent; the earlier one stays.
    pub fn update(&mut self, mut content: Section) -> Result<(), BadSection> {
        content.bound();
        let (name, bytes) = (content.name(), serde_json::to_vec(&content)?.len());
        if bytes > limits::MAX_SECTION {
            return Err(BadSection::TooLarge { name, bytes });
        }
        let digest = content.digest()?;
        self.current.insert(name, Current { section: InventorySection { digest, content }, bytes });
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

    /// The next sections to send, marked as under way; empty when the server has all of them.
    pub fn take(&mut self) -> Vec<InventorySection> {
        let mut taken = Vec::new();
        let mut total = 0;
        for (name, current) in &self.current {
            let digest = &current.section.digest;
            if self.held.get(*name) == Some(digest) || self.under_way.contains_key(name) {
                continue;
            }
            if !taken.is_empty() && total + current.bytes > BATCH {
                break;
            }
            total += current.bytes;
            self.under_way.insert(name, digest.clone());
            taken.push(current.section.clone());
        }
        taken
    }

    /// Whether [`Self::take`] would give something.
    #[must_use]
    pub fn has_news(&self) -> bool {
        self.current.iter().any(|(name, current)| {
            self.held.get(*name) != Some(&current.section.digest) && !self.under_way.contains_key(name)
        })
    }

    /// The server has stored (or refused for good) these sections.
    pub fn settled(&mut self, sections: &[InventorySection]) {
        for section in sections {
            let name = section.content.name();
            self.held.insert(name.to_owned(), section.digest.clone());
            self.under_way.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gururmm_protocol::inventory::PendingReboot;

    fn reboot(pending: bool) -> Section {
        Section::Reboot(PendingReboot { pending: Some(pending), sources: vec![] })
    }

    #[test]
    fn only_what_differs_is_sent_and_only_once() {
        let mut inventory = Inventory::default();
        inventory.update(reboot(false)).unwrap();
        inventory.update(Section::Users(vec![])).unwrap();
        let held = BTreeMap::from([("users".to_owned(), Section::Users(vec![]).digest().unwrap())]);
        inventory.connected(held);
        let sent = inventory.take();
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].content.name(), "reboot");
        assert!(inventory.take().is_empty(), "under way");
        inventory.settled(&sent);
        inventory.update(reboot(false)).unwrap();
        assert!(!inventory.has_news(), "unchanged");
        inventory.update(reboot(true)).unwrap();
        assert_eq!(inventory.take().len(), 1);
    }

    #[test]
    fn a_change_while_the_old_one_is_under_way_is_sent_afterwards() {
        let mut inventory = Inventory::default();
        inventory.connected(BTreeMap::new());
        inventory.update(reboot(false)).unwrap();
        let first = inventory.take();
        inventory.update(reboot(true)).unwrap();
        assert!(inventory.take().is_empty());
        inventory.settled(&first);
        assert_eq!(inventory.take()[0].content, reboot(true));
    }
}
