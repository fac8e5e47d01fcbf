//! Large sections, deflated: a list of thousands of packages would not fit into a message otherwise.

use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use serde::{Deserialize, Serialize};

use super::InventorySection;
use crate::limits;

/// An [`InventorySection`] as deflated JSON (RFC 1951).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedSection {
    /// The section's digest.
    pub digest: String,
    /// Base64 of the deflated JSON.
    pub deflated: String,
}

/// A section cannot be packed or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Unpackable {
    /// Its JSON is larger than the protocol allows.
    #[error("is over {} bytes", limits::MAX_SECTION)]
    TooLarge,
    /// Even deflated it is larger than fits into a message.
    #[error("is over {} bytes when deflated", limits::MAX_PACKED)]
    TooLargePacked,
    /// It is not base64, not deflated, or not a section.
    #[error("cannot be unpacked: {0}")]
    Unreadable(String),
}

impl PackedSection {
    /// Packs a section.
    ///
    /// # Errors
    /// [`Unpackable`] when it is too large.
    pub fn pack(section: &InventorySection) -> Result<Self, Unpackable> {
        let unreadable = |error: &dyn std::fmt::Display| Unpackable::Unreadable(error.to_string());
        let json = serde_json::to_vec(section).map_err(|error| unreadable(&error))?;
        if json.len() > limits::MAX_SECTION {
            return Err(Unpackable::TooLarge);
        }
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&json).map_err(|error| unreadable(&error))?;
        let deflated = STANDARD.encode(encoder.finish().map_err(|error| unreadable(&error))?);
        if deflated.len() > limits::MAX_PACKED {
            return Err(Unpackable::TooLargePacked);
        }
        Ok(Self { digest: section.digest.clone(), deflated })
    }

    /// Unpacks a section. Nothing is bounded or cleaned yet.
    ///
    /// # Errors
    /// [`Unpackable`] when it is too large or is not what it should be.
    pub fn unpack(&self) -> Result<InventorySection, Unpackable> {
        serde_json::from_slice(&self.inflate()?).map_err(|error| Unpackable::Unreadable(error.to_string()))
    }

    /// The section's JSON: never more than [`limits::MAX_SECTION`] bytes are inflated, whatever was packed.
    ///
    /// # Errors
    /// [`Unpackable`] when it is too large or is not what it should be.
    pub fn inflate(&self) -> Result<Vec<u8>, Unpackable> {
        let unreadable = |error: &dyn std::fmt::Display| Unpackable::Unreadable(error.to_string());
        if self.deflated.len() > limits::MAX_PACKED {
            return Err(Unpackable::TooLargePacked);
        }
        let deflated = STANDARD.decode(&self.deflated).map_err(|error| unreadable(&error))?;
        let mut json = Vec::new();
        DeflateDecoder::new(deflated.as_slice())
            .take(limits::MAX_SECTION as u64 + 1)
            .read_to_end(&mut json)
            .map_err(|error| unreadable(&error))?;
        if json.len() > limits::MAX_SECTION {
            return Err(Unpackable::TooLarge);
        }
        Ok(json)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::{Section, Software, SoftwareSource};

    fn software(n: usize) -> InventorySection {
        let item = |i| Software {
            name: format!("package-{i}"),
            version: Some(format!("1.{i}-1")),
            publisher: Some("Somebody <somebody@example.com>".into()),
            source: SoftwareSource::Dpkg,
            user: None,
            architecture: Some("amd64".into()),
            installed_on: None,
        };
        InventorySection::new(Section::Software((0..n).map(item).collect()), vec!["one is missing".into()]).unwrap()
    }

    #[test]
    fn a_long_list_is_packed_and_comes_back() {
        let section = software(3_000);
        let packed = PackedSection::pack(&section).unwrap();
        assert!(packed.deflated.len() * 5 < serde_json::to_vec(&section).unwrap().len());
        assert_eq!(packed.unpack().unwrap(), section);
    }

    #[test]
    fn a_bomb_is_refused_before_it_unfolds() {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        for _ in 0..100 {
            encoder.write_all(&vec![b' '; limits::MAX_SECTION]).unwrap();
        }
        let packed = PackedSection { digest: "d".into(), deflated: STANDARD.encode(encoder.finish().unwrap()) };
        assert!(packed.deflated.len() < limits::MAX_PACKED, "it fits into a message");
        assert!(matches!(packed.unpack(), Err(Unpackable::TooLarge)));
    }

    #[test]
    fn nonsense_is_told_apart_from_size() {
        let packed = |deflated: &str| PackedSection { digest: "d".into(), deflated: deflated.into() };
        assert!(matches!(packed("%%%").unpack(), Err(Unpackable::Unreadable(_))));
        assert!(matches!(packed("AAAA").unpack(), Err(Unpackable::Unreadable(_))));
        assert!(matches!(packed(&"A".repeat(limits::MAX_PACKED + 4)).unpack(), Err(Unpackable::TooLargePacked)));
        assert!(matches!(PackedSection::pack(&software(20_000)), Err(Unpackable::TooLarge)));
    }
}
