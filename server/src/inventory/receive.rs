//! What an agent sends of its inventory, unpacked, bounded and ready to be stored: pure rules.

use std::collections::BTreeMap;

use gururmm_protocol::inventory::{
    InventoryReport, InventorySection, OsIdentity, PackedSection, SECTION_NAMES, Section, Software, UnreadSection,
};
use gururmm_protocol::limits;

/// Most sections in one report. An agent sends each once; a section that it tells twice counts as it was told last.
const MAX_SECTIONS: usize = 2 * SECTION_NAMES.len();
/// Most bytes of JSON that the sections of one report may unfold to. An agent puts no more than 96 KiB of packed ones
/// into a report with others.
const MAX_UNFOLDED: usize = 4 * limits::MAX_SECTION;

/// A report that was read.
#[derive(Debug, Default)]
pub struct Received {
    /// Sections by name.
    pub sections: BTreeMap<&'static str, ReceivedSection>,
    /// Sections that cannot be read by name, none of which is in `sections`.
    pub unread: BTreeMap<&'static str, UnreadSection>,
}

/// A section to be stored.
#[derive(Debug)]
pub struct ReceivedSection {
    /// Handed back to the agent.
    pub digest: String,
    /// Parts that could not be read.
    pub problems: Vec<String>,
    /// What it says.
    pub content: Section,
    /// The same as JSON.
    pub data: String,
}

/// What reading a report gave, and what it took.
#[derive(Debug)]
pub struct Reading {
    /// The report, or why it is refused.
    pub outcome: Result<Received, String>,
    /// Bytes that were unfolded beyond those of the message.
    pub unfolded: usize,
}

/// Unpacks and bounds a report. Takes time and memory in proportion to at most [`MAX_UNFOLDED`] whatever was packed.
#[must_use]
pub fn read(report: InventoryReport) -> Reading {
    let mut unfolded = 0;
    let outcome = unfold(report, &mut unfolded);
    Reading { outcome, unfolded }
}

fn unfold(report: InventoryReport, unfolded: &mut usize) -> Result<Received, String> {
    let InventoryReport { sections, packed, unread } = report;
    if sections.len() + packed.len() + unread.len() > MAX_SECTIONS {
        return Err(format!("more than {MAX_SECTIONS} sections in one report"));
    }
    let mut received = Received::default();
    for section in sections {
        received.take(section)?;
    }
    for packed in packed {
        received.take(unpack(&packed, unfolded)?)?;
    }
    for mut section in unread {
        section.bound();
        // A section that this server does not know is a newer agent's.
        if let Some(name) = SECTION_NAMES.into_iter().find(|name| *name == section.section)
            && !received.sections.contains_key(name)
        {
            received.unread.insert(name, section);
        }
    }
    Ok(received)
}

fn unpack(packed: &PackedSection, unfolded: &mut usize) -> Result<InventorySection, String> {
    let refused = |error: &dyn std::fmt::Display| format!("a packed section {error}");
    let json = match packed.inflate() {
        Ok(json) => json,
        Err(error) => {
            // However far it was unfolded: it was work.
            *unfolded += limits::MAX_SECTION;
            return Err(refused(&error));
        }
    };
    *unfolded += json.len();
    if *unfolded > MAX_UNFOLDED {
        return Err(format!("the sections unfold to over {MAX_UNFOLDED} bytes"));
    }
    serde_json::from_slice(&json).map_err(|error| refused(&format_args!("cannot be read: {error}")))
}

impl Received {
    fn take(&mut self, mut section: InventorySection) -> Result<(), String> {
        section.bound();
        let InventorySection { digest, problems, content } = section;
        let name = content.name();
        let data = data_of(&content).map_err(|error| format!("the section {name} cannot be stored: {error}"))?;
        // Cleaning may lengthen JSON (a character that must be escaped).
        if data.len() > limits::MAX_SECTION {
            return Err(format!("the section {name} is over {} bytes", limits::MAX_SECTION));
        }
        self.sections.insert(name, ReceivedSection { digest, problems, content, data });
        Ok(())
    }

    /// The operating system, if this report tells of it.
    #[must_use]
    pub fn os(&self) -> Option<&OsIdentity> {
        match &self.sections.get("os")?.content {
            Section::Os(os) => Some(os),
            _ => None,
        }
    }

    /// What is installed, if this report tells of it.
    #[must_use]
    pub fn software(&self) -> Option<&[Software]> {
        match &self.sections.get("software")?.content {
            Section::Software(list) => Some(list),
            _ => None,
        }
    }

    /// Whether a restart is pending, if this report tells of it.
    #[must_use]
    pub fn pending_reboot(&self) -> Option<Option<bool>> {
        match &self.sections.get("reboot")?.content {
            Section::Reboot(reboot) => Some(reboot.pending),
            _ => None,
        }
    }
}

/// The content without its name, as JSON.
fn data_of(section: &Section) -> serde_json::Result<String> {
    match section {
        Section::Os(content) => serde_json::to_string(content),
        Section::Hardware(content) => serde_json::to_string(content),
        Section::Volumes(content) => serde_json::to_string(content),
        Section::Disks(content) => serde_json::to_string(content),
        Section::Network(content) => serde_json::to_string(content),
        Section::Users(content) => serde_json::to_string(content),
        Section::Groups(content) => serde_json::to_string(content),
        Section::Services(content) => serde_json::to_string(content),
        Section::Software(content) => serde_json::to_string(content),
        Section::HotFixes(content) => serde_json::to_string(content),
        Section::Reboot(content) => serde_json::to_string(content),
    }
}

#[cfg(test)]
mod tests {
    use gururmm_protocol::inventory::{HotFix, PendingReboot};

    use super::*;

    fn fixes(count: usize, description: usize) -> InventorySection {
        let fix = |n| HotFix { id: format!("KB{n}"), description: Some("x".repeat(description)), installed_on: None };
        InventorySection::new(Section::HotFixes((0..count).map(fix).collect()), vec![]).unwrap()
    }

    fn packed(count: usize) -> InventoryReport {
        let packed = vec![PackedSection::pack(&fixes(4_000, 200)).unwrap(); count];
        InventoryReport { packed, ..InventoryReport::default() }
    }

    #[test]
    fn plain_packed_and_unread_sections_are_taken() {
        let reboot = Section::Reboot(PendingReboot { pending: Some(true), sources: vec![] });
        let mut report = packed(1);
        report.sections = vec![InventorySection::new(reboot, vec!["half".into()]).unwrap()];
        let unread = |name| UnreadSection::new(name, "locked".into()).unwrap();
        report.unread = vec![unread("software"), unread("reboot"), unread("of tomorrow")];
        let reading = read(report);
        let received = reading.outcome.unwrap();
        assert_eq!(received.sections.keys().copied().collect::<Vec<_>>(), ["hot_fixes", "reboot"]);
        assert_eq!(received.unread.keys().copied().collect::<Vec<_>>(), ["software"], "what was read is not unread");
        assert_eq!(received.sections["reboot"].data, r#"{"pending":true,"sources":[]}"#);
        assert_eq!(received.sections["reboot"].problems, ["half"]);
        assert_eq!(received.pending_reboot(), Some(Some(true)));
        assert!(received.sections["hot_fixes"].data.len() < reading.unfolded);
    }

    #[test]
    fn what_a_report_unfolds_to_is_bounded_and_counted() {
        let one = read(packed(1)).unfolded;
        assert!(one > 800_000 && one < limits::MAX_SECTION);
        let reading = read(packed(22));
        assert!(reading.outcome.unwrap_err().contains("unfold to over"));
        assert!(reading.unfolded <= MAX_UNFOLDED + limits::MAX_SECTION, "{}", reading.unfolded);
        assert!(read(packed(23)).outcome.unwrap_err().contains("more than 22 sections"));
    }

    #[test]
    fn what_cannot_be_unpacked_is_refused_with_a_reason_and_counts_as_the_largest() {
        let bad = PackedSection { digest: "d".into(), deflated: "%".into() };
        let reading = read(InventoryReport { packed: vec![bad], ..InventoryReport::default() });
        assert!(reading.outcome.unwrap_err().contains("cannot be unpacked"));
        assert_eq!(reading.unfolded, limits::MAX_SECTION);
    }

    #[test]
    fn the_data_is_what_stands_on_the_wire() {
        let section = fixes(2, 1).content;
        let wire = serde_json::to_value(&section).unwrap();
        let data: serde_json::Value = serde_json::from_str(&data_of(&section).unwrap()).unwrap();
        assert_eq!(data, wire["data"]);
    }
}
