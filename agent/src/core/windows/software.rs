//! Installed programs, as the `Uninstall` keys of the registry list them
//! (<https://learn.microsoft.com/windows/win32/msi/uninstall-registry-key>).

use std::collections::BTreeMap;

use chrono::NaiveDate;
use gururmm_protocol::inventory::{Software, SoftwareSource};

/// The values of one subkey. Numbers may stand as text and the other way round; both are taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// `DisplayName`.
    pub display_name: Option<String>,
    /// `DisplayVersion`.
    pub display_version: Option<String>,
    /// `VersionMajor` and `VersionMinor`.
    pub version_numbers: Option<(u32, u32)>,
    /// `Publisher`.
    pub publisher: Option<String>,
    /// `InstallDate`.
    pub install_date: Option<String>,
    /// `SystemComponent`.
    pub system_component: Option<u32>,
    /// `ParentKeyName`.
    pub parent_key_name: Option<String>,
    /// `ReleaseType`.
    pub release_type: Option<String>,
}

/// The program of an entry; none for what the control panel does not list as a program either: nameless entries, parts of
/// the system, updates of another entry.
#[must_use]
pub fn program(entry: Entry, source: SoftwareSource, user: Option<&str>) -> Option<Software> {
    let text = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let is_update =
        text(entry.parent_key_name).is_some() || text(entry.release_type).is_some_and(|kind| is_update(&kind));
    if entry.system_component == Some(1) || is_update {
        return None;
    }
    Some(Software {
        name: text(entry.display_name)?,
        version: text(entry.display_version)
            .or_else(|| entry.version_numbers.map(|(major, minor)| format!("{major}.{minor}"))),
        publisher: text(entry.publisher),
        source,
        user: user.map(str::to_owned),
        architecture: match source {
            SoftwareSource::Machine if cfg!(target_arch = "x86_64") => Some("x64".to_owned()),
            SoftwareSource::Machine if cfg!(target_arch = "aarch64") => Some("arm64".to_owned()),
            SoftwareSource::Machine32 => Some("x86".to_owned()),
            _ => None,
        },
        installed_on: entry.install_date.as_deref().and_then(date),
    })
}

/// Kinds of entries that the control panel shows as updates. A service pack is one too: it is part of its program.
fn is_update(release_type: &str) -> bool {
    ["hotfix", "security update", "update rollup", "update", "critical update", "service pack", "servicepack"]
        .contains(&release_type.to_ascii_lowercase().as_str())
}

/// `yyyymmdd` is the rule. Some installers write hyphens, or Unix seconds; anything else could be read in two ways.
fn date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    let digits = |length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits(8) {
        return NaiveDate::parse_from_str(text, "%Y%m%d").ok();
    }
    if digits(10) {
        return chrono::DateTime::from_timestamp(text.parse().ok()?, 0).map(|at| at.date_naive());
    }
    let date = text.get(..10)?;
    NaiveDate::parse_from_str(date, "%Y-%m-%d").or_else(|_| NaiveDate::parse_from_str(date, "%Y/%m/%d")).ok()
}

/// Sorts, and drops what is there twice to the letter: some installers register under two keys.
#[must_use]
pub fn sorted(mut software: Vec<Software>) -> Vec<Software> {
    let key = |item: &Software| {
        let name = item.name.to_lowercase();
        (name, item.name.clone(), item.version.clone(), item.source, item.user.clone(), item.installed_on)
    };
    software.sort_by_cached_key(key);
    software.dedup();
    software
}

/// All programs, at most so many. Where there are more, those for all users come first: no user can push them out. The text
/// says what was left out.
#[must_use]
pub fn bounded(machine: Vec<Software>, of_users: Vec<Software>, most: usize) -> (Vec<Software>, Option<String>) {
    let mut all = machine;
    all.extend(of_users);
    let left_out = (all.len() > most).then(|| format!("more than {most} programs; the others are left out"));
    all.truncate(most);
    (all, left_out)
}

/// Whether a subkey of `HKEY_USERS` is a person's: `S-1-5-21-…` accounts of this machine or of a domain, `S-1-12-1-…`
/// accounts of Entra ID. The others belong to services, or hold the classes of the same person.
#[must_use]
pub fn is_persons_hive(sid: &str) -> bool {
    (sid.starts_with("S-1-5-21-") || sid.starts_with("S-1-12-1-")) && !sid.ends_with("_Classes")
}

/// Programs of single users by their SID, as they were when their part of the registry was loaded last: nobody installs
/// anything there while it is not. Without this, the programs of whoever logs off would be told as removed.
#[derive(Debug, Default)]
pub struct Profiles(BTreeMap<String, Vec<Software>>);

impl Profiles {
    /// An empty memory.
    #[must_use]
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes in the loaded profiles and forgets those that exist no longer, where it is known which do. Gives the programs
    /// of all that are known, and the SIDs of those that were never seen loaded.
    pub fn update(
        &mut self,
        loaded: BTreeMap<String, Vec<Software>>,
        existing: Option<Vec<String>>,
    ) -> (Vec<Software>, Vec<String>) {
        if let Some(existing) = &existing {
            self.0.retain(|sid, _| existing.contains(sid));
        }
        self.0.extend(loaded);
        let never_seen = existing.into_iter().flatten().filter(|sid| !self.0.contains_key(sid)).collect();
        (self.0.values().flatten().cloned().collect(), never_seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_of_who_logs_off_stay_until_the_profile_is_removed() {
        let zoom = program(entry("Zoom"), SoftwareSource::User, Some("ann")).unwrap();
        let loaded = BTreeMap::from([("ann".to_owned(), vec![zoom.clone()])]);
        let existing = ["ann".to_owned(), "bob".to_owned()];
        let mut profiles = Profiles::new();
        assert_eq!(profiles.update(loaded, Some(existing.to_vec())), (vec![zoom.clone()], vec!["bob".to_owned()]));
        assert_eq!(profiles.update(BTreeMap::new(), Some(existing.to_vec())), (vec![zoom], vec!["bob".to_owned()]));
        assert_eq!(profiles.update(BTreeMap::new(), None).0.len(), 1, "nor when the list of profiles cannot be read");
        let without = BTreeMap::from([("ann".to_owned(), vec![])]);
        assert_eq!(profiles.update(without, Some(existing.to_vec())).0, vec![], "removed while loaded");
        assert_eq!(profiles.update(BTreeMap::new(), Some(vec!["bob".to_owned()])).1, ["bob"]);
        assert_eq!(profiles.update(BTreeMap::new(), Some(existing.to_vec())).1, existing, "forgotten with the profile");
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    fn entry(name: &str) -> Entry {
        Entry { display_name: some(name), ..Entry::default() }
    }

    #[test]
    fn a_program_is_read() {
        let chrome = Entry {
            display_version: some("120.0.6099.130"),
            publisher: some("Google LLC "),
            install_date: some("20231222"),
            ..entry(" Google Chrome")
        };
        let chrome = program(chrome, SoftwareSource::Machine32, None).unwrap();
        assert_eq!((chrome.name.as_str(), chrome.version.as_deref()), ("Google Chrome", Some("120.0.6099.130")));
        assert_eq!((chrome.publisher.as_deref(), chrome.architecture.as_deref()), (Some("Google LLC"), Some("x86")));
        assert_eq!(chrome.installed_on, NaiveDate::from_ymd_opt(2023, 12, 22));
        let old = Entry { version_numbers: Some((6, 2)), ..entry("Old") };
        let old = program(old, SoftwareSource::User, Some(r"PC\ann")).unwrap();
        assert_eq!((old.version.as_deref(), old.user.as_deref()), (Some("6.2"), Some(r"PC\ann")));
    }

    #[test]
    fn what_the_control_panel_hides_is_no_program() {
        let hidden = [
            Entry::default(),
            entry("  "),
            Entry { system_component: Some(1), ..entry("Microsoft Visual C++ 2022 X64 Minimum Runtime") },
            Entry { parent_key_name: some("{90160000-008C-0000-1000-0000000FF1CE}"), ..entry("Update for Office") },
            Entry { release_type: some("Security Update"), ..entry("Security Update for Microsoft .NET") },
        ];
        for hidden in hidden {
            assert_eq!(program(hidden.clone(), SoftwareSource::Machine, None), None, "{hidden:?}");
        }
        let shown = [
            Entry { system_component: Some(0), ..entry("7-Zip 23.01 (x64)") },
            Entry { parent_key_name: some(""), ..entry("7-Zip") },
            Entry { release_type: some("Product"), ..entry("7-Zip") },
        ];
        for shown in shown {
            assert!(program(shown.clone(), SoftwareSource::Machine, None).is_some(), "{shown:?}");
        }
    }

    #[test]
    fn nonsense_is_no_date() {
        assert_eq!(date("20240131"), NaiveDate::from_ymd_opt(2024, 1, 31));
        assert_eq!(date("2024-01-31"), NaiveDate::from_ymd_opt(2024, 1, 31));
        assert_eq!(date("1706659200"), NaiveDate::from_ymd_opt(2024, 1, 31));
        for nonsense in ["", "20241301", "1/2/2024", "Wed Jan 31", "№ 10 größte", "99999999"] {
            assert_eq!(date(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn doubles_are_dropped_and_the_order_is_that_of_names() {
        let item = |name: &str, source| program(entry(name), source, None).unwrap();
        let list = vec![
            item("zlib", SoftwareSource::Machine),
            item("Adobe", SoftwareSource::Machine),
            item("adobe", SoftwareSource::Machine32),
            item("Adobe", SoftwareSource::Machine),
        ];
        let names: Vec<_> = sorted(list).into_iter().map(|item| (item.name, item.source)).collect();
        let expected = [
            ("Adobe".to_owned(), SoftwareSource::Machine),
            ("adobe".to_owned(), SoftwareSource::Machine32),
            ("zlib".to_owned(), SoftwareSource::Machine),
        ];
        assert_eq!(names, expected);
    }

    #[test]
    fn a_users_programs_push_out_none_of_the_machines() {
        let zlib = program(entry("zlib"), SoftwareSource::Machine, None).unwrap();
        let planted = vec![program(entry("!0001"), SoftwareSource::User, Some("ann")).unwrap(); 3];
        let (all, left_out) = bounded(vec![zlib.clone()], planted.clone(), 2);
        assert_eq!((all, left_out.is_some()), (vec![zlib.clone(), planted[0].clone()], true));
        assert_eq!(bounded(vec![zlib], planted, 4).1, None);
    }

    #[test]
    fn hives_of_persons_are_told_from_those_of_services() {
        assert!(is_persons_hive("S-1-5-21-1004336348-1177238915-682003330-1001"));
        assert!(is_persons_hive("S-1-12-1-1234-5678-90-1"));
        for other in [".DEFAULT", "S-1-5-18", "S-1-5-19", "S-1-5-80-1-2-3-4-5", "S-1-5-21-1-2-3-1001_Classes"] {
            assert!(!is_persons_hive(other), "{other}");
        }
    }
}
