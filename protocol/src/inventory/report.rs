//! What an agent sends of its inventory.

use serde::{Deserialize, Serialize};

use super::{PackedSection, Section, each};
use crate::limits;
use crate::text::clean_line;

/// Sections of the inventory that changed, each whole.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct InventoryReport {
    /// Sections as they are.
    pub sections: Vec<InventorySection>,
    /// Sections that are large.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub packed: Vec<PackedSection>,
    /// Sections that could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<UnreadSection>,
}

/// A section with its digest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InventorySection {
    /// Made by the agent: equal content and problems, equal digest. Opaque to the server, which only hands it back.
    pub digest: String,
    /// Parts that could not be read, in words: the section is true without them, but not whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<String>,
    /// The content.
    #[serde(flatten)]
    pub content: Section,
}

/// A section that could not be read at all. What the server holds of it stays, marked as old.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadSection {
    /// The section's name, one of [`SECTION_NAMES`].
    pub section: String,
    /// As in [`InventorySection::digest`], of the error.
    pub digest: String,
    /// Why, in words.
    pub error: String,
}

impl InventorySection {
    /// A section with the digest of its content and problems.
    ///
    /// # Errors
    /// Only if the section cannot be written as JSON, which no value of these types causes.
    pub fn new(content: Section, problems: Vec<String>) -> Result<Self, serde_json::Error> {
        let digest = if problems.is_empty() { digest(&content)? } else { digest(&(&content, &problems))? };
        Ok(Self { digest, problems, content })
    }

    /// Bounds and cleans everything that came from the agent.
    pub fn bound(&mut self) {
        self.digest = clean_line(&self.digest, limits::MAX_NAME);
        each(&mut self.problems, limits::MAX_PROBLEMS, |problem| *problem = clean_line(problem, limits::MAX_TEXT));
        self.content.bound();
    }
}

impl UnreadSection {
    /// A section that could not be read, with the digest of the error.
    ///
    /// # Errors
    /// Only if the error cannot be written as JSON, which no text causes.
    pub fn new(section: &'static str, error: String) -> Result<Self, serde_json::Error> {
        let digest = digest(&("unread", &error))?;
        Ok(Self { section: section.to_owned(), digest, error })
    }

    /// Bounds and cleans everything that came from the agent.
    pub fn bound(&mut self) {
        self.section = clean_line(&self.section, limits::MAX_NAME);
        self.digest = clean_line(&self.digest, limits::MAX_NAME);
        self.error = clean_line(&self.error, limits::MAX_TEXT);
    }
}

fn digest(value: &impl Serialize) -> Result<String, serde_json::Error> {
    Ok(hex::encode(&crate::crypto::sha256(&serde_json::to_vec(value)?)[..16]))
}

impl From<Vec<InventorySection>> for InventoryReport {
    fn from(sections: Vec<InventorySection>) -> Self {
        Self { sections, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_read_is_part_of_the_digest() {
        let whole = InventorySection::new(Section::Groups(vec![]), vec![]).unwrap();
        let partly = InventorySection::new(Section::Groups(vec![]), vec!["members of Users: access denied".into()]);
        assert_ne!(whole.digest, partly.unwrap().digest);
        assert_ne!(whole.digest, UnreadSection::new("groups", String::new()).unwrap().digest);
    }
}
