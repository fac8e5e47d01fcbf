//! Installed programs.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use gururmm_protocol::inventory::{Software, SoftwareSource};
use gururmm_protocol::limits::MAX_LONG_LIST;
use winreg::RegKey;
use winreg::enums::{HKEY_LOCAL_MACHINE, HKEY_USERS, KEY_READ, KEY_WOW64_32KEY, KEY_WOW64_64KEY};

use crate::core::inventory::{Look, Looked};
use crate::core::windows::problems::grouped;
use crate::core::windows::software::{Entry, Profiles, bounded, is_persons_hive, program, sorted};
use crate::core::windows::users::{account, computer_name};
use crate::platform::windows::identity::hostname;
use crate::platform::windows::registry::{found, machine, number, text};
use crate::platform::windows::sys;

pub(super) const UNINSTALL: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
const PROFILES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";

/// Most entries of one user that are read: they can make as many as they like.
const MOST_OF_A_USER: usize = 500;

/// Kept between two looks.
static SEEN: Mutex<Profiles> = Mutex::new(Profiles::new());

/// Programs for all users in both views of the registry, and those of single users as of when their part of the registry
/// was loaded last, which is while they are logged in. (To load it oneself would keep them from logging in meanwhile.)
///
/// # Errors
/// When the list of programs for all users cannot be read.
pub fn software() -> Look<Vec<Software>> {
    let mut unread = Unread::default();
    let mut all = Vec::new();
    for (view, source) in [(KEY_WOW64_64KEY, SoftwareSource::Machine), (KEY_WOW64_32KEY, SoftwareSource::Machine32)] {
        let key = RegKey::predef(HKEY_LOCAL_MACHINE).open_subkey_with_flags(UNINSTALL, KEY_READ | view);
        if let Some(key) = found(key).context(UNINSTALL)? {
            all.extend(programs(&key, source, None, &mut unread));
        }
    }
    let loaded = loaded(&mut unread);
    let existing = existing(&mut unread);
    let (of_users, never_seen) = SEEN.lock().unwrap_or_else(PoisonError::into_inner).update(loaded, existing);
    let (all, left_out) = bounded(all, of_users, MAX_LONG_LIST);
    unread.other.extend(left_out);
    let waiting = never_seen.iter().map(|sid| (user(sid), "not known before the next login".to_owned())).collect();
    let mut problems = grouped("entry", unread.entries);
    problems.extend(grouped("programs", waiting));
    problems.append(&mut unread.other);
    problems.sort_unstable();
    Ok(Looked { content: sorted(all), problems })
}

/// What could not be read.
#[derive(Default)]
struct Unread {
    /// Entries that cannot be opened, and why.
    entries: Vec<(String, String)>,
    other: Vec<String>,
}

impl Unread {
    fn unless<T>(&mut self, what: &str, result: io::Result<T>) -> Option<T> {
        result.map_err(|error| self.other.push(format!("{what}: {error}"))).ok()
    }
}

fn programs(key: &RegKey, source: SoftwareSource, user: Option<&str>, unread: &mut Unread) -> Vec<Software> {
    let mut programs = Vec::new();
    for (number, name) in key.enum_keys().enumerate() {
        if let Some(user) = user
            && number == MOST_OF_A_USER
        {
            unread.other.push(format!("programs of {user}: more than {MOST_OF_A_USER}; the others are left out"));
            break;
        }
        let Some(name) = unread.unless("list of programs", name) else { break };
        match found(key.open_subkey_with_flags(&name, KEY_READ)) {
            Ok(Some(key)) => programs.extend(program(entry(&key), source, user)),
            Ok(None) => {}
            Err(error) => unread.entries.push((name, error.to_string())),
        }
    }
    programs
}

/// Programs of the users whose part of the registry is loaded.
fn loaded(unread: &mut Unread) -> BTreeMap<String, Vec<Software>> {
    let users = RegKey::predef(HKEY_USERS);
    let mut loaded = BTreeMap::new();
    for sid in users.enum_keys() {
        let Some(sid) = unread.unless("list of loaded profiles", sid) else { break };
        if !is_persons_hive(&sid) {
            continue;
        }
        let key = users.open_subkey_with_flags(format!(r"{sid}\{UNINSTALL}"), KEY_READ);
        let name = user(&sid);
        let Some(key) = unread.unless(&format!("programs of {name}"), found(key)) else { continue };
        let programs = key.map(|key| programs(&key, SoftwareSource::User, Some(&name), unread));
        loaded.insert(sid, programs.unwrap_or_default());
    }
    loaded
}

/// The SIDs of all persons who have a profile here; none when that cannot be read.
fn existing(unread: &mut Unread) -> Option<Vec<String>> {
    let profiles = unread.unless("list of profiles", machine(PROFILES))??;
    let mut sids = Vec::new();
    for sid in profiles.enum_keys() {
        let sid = unread.unless("list of profiles", sid)?;
        if let Some(sid) = sid.strip_suffix(".bak") {
            unread.other.push(format!("the profile of {} is damaged: Windows has put it aside", user(sid)));
        } else if is_persons_hive(&sid) {
            sids.push(sid);
        }
    }
    Some(sids)
}

/// The account's name, or its SID where nobody knows a name for it.
fn user(sid: &str) -> String {
    let name = sys::access::account_name(sid);
    match name.split_once('\\') {
        Some((domain, name)) => account(domain, name, &computer_name(&hostname())),
        None => name,
    }
}

fn entry(key: &RegKey) -> Entry {
    Entry {
        display_name: text(key, "DisplayName"),
        display_version: text(key, "DisplayVersion"),
        version_numbers: number(key, "VersionMajor").zip(number(key, "VersionMinor")),
        publisher: text(key, "Publisher"),
        install_date: text(key, "InstallDate"),
        system_component: number(key, "SystemComponent"),
        parent_key_name: text(key, "ParentKeyName"),
        release_type: text(key, "ReleaseType"),
    }
}

#[cfg(test)]
mod tests {
    use winreg::enums::HKEY_CURRENT_USER;

    use super::*;

    #[test]
    fn a_user_cannot_make_the_list_as_long_as_they_like() {
        let user = RegKey::predef(HKEY_CURRENT_USER);
        let path = format!(r"Software\gururmm-test-software-{}", std::process::id());
        let (key, _) = user.create_subkey(&path).unwrap();
        for number in 0..=MOST_OF_A_USER {
            let name = format!("!{number:04}");
            key.create_subkey(&name).unwrap().0.set_value("DisplayName", &name).unwrap();
        }
        let (mut of_user, mut of_machine) = (Unread::default(), Unread::default());
        let few = programs(&key, SoftwareSource::User, Some("ann"), &mut of_user);
        let all = programs(&key, SoftwareSource::Machine, None, &mut of_machine);
        user.delete_subkey_all(&path).unwrap();
        assert_eq!((few.len(), of_user.other.len()), (MOST_OF_A_USER, 1));
        assert_eq!((all.len(), of_machine.other.len()), (MOST_OF_A_USER + 1, 0));
    }
}
