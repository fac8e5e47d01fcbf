//! What changed between two readings of a section: pure rules.

use std::cmp::Ordering;

use chrono::{DateTime, TimeDelta, Utc};
use gururmm_protocol::inventory::{Section, Service, ServiceStart, ServiceState, Software, SoftwareSource};
use gururmm_protocol::limits;
use serde::Serialize;
use serde_json::Value;

use super::ChangeKind;

/// A machine's start is computed from two clocks and wavers by seconds; within this it is the same start.
const SAME_START: TimeDelta = TimeDelta::minutes(2);

/// One thing that a section tells of: a package, an interface, or a property of the machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Item {
    /// What it is called. Several may have the same name.
    pub key: String,
    /// What is said of it, as JSON.
    pub value: String,
}

/// Longest value that a change keeps, in bytes of JSON: the history is kept for long, and what an agent sends may be long
/// in order to fill the disk.
const MAX_VALUE: usize = 2 * 1024;

/// Something that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What happened.
    pub kind: ChangeKind,
    /// The item's name.
    pub key: String,
    /// What was said of it, as JSON.
    pub before: Option<String>,
    /// What is said of it now, as JSON.
    pub after: Option<String>,
}

/// A reading of a section.
#[derive(Debug)]
pub struct Sight<'a> {
    /// What it says.
    pub content: &'a Section,
    /// Parts that could not be read.
    pub problems: &'a [String],
}

/// What changed from one reading to the next. Where parts could not be read only this time, what is missing of them does not
/// count as gone, and where they could not be read only the last time, what is there of them does not count as new: as some
/// of it may have happened all the same, numbers say how much that was. Where it cannot be told to which parts a problem
/// belongs, they are all that the section has.
///
/// # Errors
/// Only if an item cannot be written as JSON, which no section causes.
pub fn changes(before: &Sight<'_>, after: &Sight<'_>) -> serde_json::Result<Vec<Change>> {
    let mut old = items(before.content)?;
    let new = items(after.content)?;
    steady_start(&mut old, &new);
    let mut found = difference(old, new);
    let only_in = |one: &Sight<'_>, other: &Sight<'_>| -> Vec<Part> {
        // A full list of problems may have been cut off: what is no longer named may be any part.
        if one.problems.len() >= limits::MAX_PROBLEMS {
            return vec![Part::Any];
        }
        let only = one.problems.iter().filter(|problem| !other.problems.contains(problem));
        only.map(|problem| Part::of(one.content, problem)).collect()
    };
    let (lost, regained) = (only_in(after, before), only_in(before, after));
    let is_unsure = |change: &mut Change| match change.kind {
        ChangeKind::Removed => lost.iter().any(|part| part.has(change.before.as_deref())),
        ChangeKind::Added => regained.iter().any(|part| part.has(change.after.as_deref())),
        ChangeKind::Changed | ChangeKind::More | ChangeKind::Unsure => false,
    };
    let unsure: Vec<_> = found.extract_if(.., is_unsure).collect();
    if !unsure.is_empty() {
        // The first, so that no bound cuts it off.
        found.insert(0, numbers(ChangeKind::Unsure, &unsure));
    }
    Ok(found)
}

/// The part of a section that could not be read.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    /// It cannot be told which.
    Any,
    /// What one keeps track of.
    Source(SoftwareSource),
    /// One package.
    Package(String),
}

impl Part {
    /// Which part a problem is about: agents begin their sentences so. Any other sentence may be about anything.
    fn of(section: &Section, problem: &str) -> Self {
        if !matches!(section, Section::Software(_)) {
            return Self::Any;
        }
        let of_users = ["programs of ", "list of profiles: ", "list of loaded profiles: ", "the profile of "];
        if of_users.iter().any(|beginning| problem.starts_with(beginning)) {
            return Self::Source(SoftwareSource::User);
        }
        if problem.starts_with("RPM's packages: ") {
            return Self::Source(SoftwareSource::Rpm);
        }
        match problem.strip_prefix("the package ").and_then(|rest| rest.split_once(" is ")) {
            Some((name, _)) => Self::Package(name.to_owned()),
            None => Self::Any,
        }
    }

    /// Whether this item may belong to it.
    fn has(&self, item: Option<&str>) -> bool {
        let software = || item.and_then(|item| serde_json::from_str::<Software>(item).ok());
        match self {
            Self::Any => true,
            Self::Source(source) => software().is_none_or(|software| software.source == *source),
            Self::Package(name) => {
                software().is_none_or(|software| software.source == SoftwareSource::Dpkg && software.name == *name)
            }
        }
    }
}

/// The items of a section, whatever their order on the machine.
///
/// # Errors
/// Only if an item cannot be written as JSON, which no section causes.
pub fn items(section: &Section) -> serde_json::Result<Vec<Item>> {
    match section {
        Section::Os(os) => properties(os),
        Section::Hardware(hardware) => properties(hardware),
        Section::Reboot(reboot) => properties(reboot),
        Section::Volumes(list) => each(list, |volume| volume.mount.clone()),
        Section::Disks(list) => each(list, |disk| disk.serial.clone().unwrap_or_else(|| disk.name.clone())),
        Section::Network(list) => each(list, |interface| interface.name.clone()),
        Section::Users(list) => each(list, |user| user.name.clone()),
        Section::Services(list) => {
            each(&list.iter().map(without_comings_and_goings).collect::<Vec<_>>(), |service| service.name.clone())
        }
        Section::Software(list) => each(list, |software| software.name.clone()),
        Section::HotFixes(list) => each(list, |fix| fix.id.clone()),
        Section::Groups(list) => {
            let mut items = Vec::new();
            for group in list {
                let value = serde_json::to_string(&serde_json::json!({"name": group.name, "id": group.id}))?;
                items.push(Item { key: group.name.clone(), value });
                for member in &group.members {
                    let value = serde_json::to_string(&serde_json::json!({"name": group.name, "member": member}))?;
                    items.push(Item { key: format!("{} / {member}", group.name), value });
                }
            }
            Ok(items)
        }
    }
}

fn each<T: Serialize>(list: &[T], key: impl Fn(&T) -> String) -> serde_json::Result<Vec<Item>> {
    list.iter().map(|item| Ok(Item { key: key(item), value: serde_json::to_string(item)? })).collect()
}

/// Each property is an item of its own; those that are not known are none.
fn properties(of: &impl Serialize) -> serde_json::Result<Vec<Item>> {
    let Value::Object(properties) = serde_json::to_value(of)? else { return Ok(Vec::new()) };
    let known = properties.into_iter().filter(|(_, value)| !value.is_null());
    Ok(known.map(|(key, value)| Item { key, value: value.to_string() }).collect())
}

/// Services that are started on demand come and go dozens of times an hour: only whether one that starts with the system
/// runs, and whether any has failed, is worth remembering.
fn without_comings_and_goings(service: &Service) -> Service {
    let told = service.start == ServiceStart::Automatic || service.state == ServiceState::Failed;
    let state = if told { service.state } else { ServiceState::Unknown };
    Service { state, ..service.clone() }
}

fn steady_start(old: &mut [Item], new: &[Item]) {
    let start = |item: &Item| serde_json::from_str::<DateTime<Utc>>(&item.value).ok();
    let is_start = |item: &&Item| item.key == "booted_at";
    if let Some(now) = new.iter().find(is_start)
        && let Some(known) = old.iter_mut().find(|item| item.key == "booted_at")
        && let (Some(then), Some(at)) = (start(known), start(now))
        && (then - at).abs() <= SAME_START
    {
        known.value.clone_from(&now.value);
    }
}

/// Items that are equal cancel each other out; of what is left, items of the same name are the same thing changed.
fn difference(mut old: Vec<Item>, mut new: Vec<Item>) -> Vec<Change> {
    old.sort_unstable();
    new.sort_unstable();
    let (mut gone, mut come) = (Vec::new(), Vec::new());
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    loop {
        match (old.peek(), new.peek()) {
            (Some(a), Some(b)) => match a.cmp(b) {
                Ordering::Less => gone.extend(old.next()),
                Ordering::Greater => come.extend(new.next()),
                Ordering::Equal => {
                    old.next();
                    new.next();
                }
            },
            (Some(_), None) => gone.extend(old.next()),
            (None, Some(_)) => come.extend(new.next()),
            (None, None) => break,
        }
    }
    let mut changes = Vec::new();
    let (mut gone, mut come) = (gone.into_iter().peekable(), come.into_iter().peekable());
    loop {
        let order = match (gone.peek(), come.peek()) {
            (Some(a), Some(b)) => a.key.cmp(&b.key),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return changes,
        };
        let before = if order.is_le() { gone.next() } else { None };
        let after = if order.is_ge() { come.next() } else { None };
        let kind = match order {
            Ordering::Less => ChangeKind::Removed,
            Ordering::Equal => ChangeKind::Changed,
            Ordering::Greater => ChangeKind::Added,
        };
        let key = before.as_ref().or(after.as_ref()).map(|item| item.key.clone()).unwrap_or_default();
        changes.push(Change { kind, key, before: before.map(|item| item.value), after: after.map(|item| item.value) });
    }
}

/// At most `most` changes; what is beyond stands as numbers in one more. Of a value that is too long only its length is
/// kept.
#[must_use]
pub fn bounded(mut changes: Vec<Change>, most: usize) -> Vec<Change> {
    for value in changes.iter_mut().flat_map(|change| [&mut change.before, &mut change.after]).flatten() {
        if value.len() > MAX_VALUE {
            *value = serde_json::json!(format!("{} bytes, too long to be kept", value.len())).to_string();
        }
    }
    if changes.len() <= most {
        return changes;
    }
    let rest = changes.split_off(most);
    changes.push(numbers(ChangeKind::More, &rest));
    changes
}

/// Changes as numbers.
fn numbers(kind: ChangeKind, of: &[Change]) -> Change {
    let count = |kind| of.iter().filter(|change| change.kind == kind).count();
    let numbers = serde_json::json!({
        "added": count(ChangeKind::Added),
        "removed": count(ChangeKind::Removed),
        "changed": count(ChangeKind::Changed),
    });
    Change { kind, key: String::new(), before: None, after: Some(numbers.to_string()) }
}

#[cfg(test)]
#[path = "difference_tests.rs"]
mod tests;
