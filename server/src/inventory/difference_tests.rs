use gururmm_protocol::inventory::{
    Hardware, HotFix, LocalGroup, LoggedInUser, MachineRole, OsFamily, OsIdentity, Software, SoftwareSource,
};
use proptest::prelude::*;

use super::*;

/// Does to `items` what a list of changes says, as somebody who follows the history would.
fn apply(mut items: Vec<Item>, changes: &[Change]) -> Vec<Item> {
    for change in changes {
        if let Some(before) = &change.before {
            let at = items.iter().position(|item| item.key == change.key && item.value == *before);
            items.remove(at.expect("what is said to have been there was"));
        }
        if let Some(after) = &change.after {
            items.push(Item { key: change.key.clone(), value: after.clone() });
        }
    }
    items.sort();
    items
}

fn whole(content: &Section) -> Sight<'_> {
    Sight { content, problems: &[] }
}

fn software(name: &str, version: &str) -> Software {
    Software {
        name: name.into(),
        version: Some(version.into()),
        publisher: None,
        source: SoftwareSource::Dpkg,
        user: None,
        architecture: None,
        installed_on: None,
    }
}

fn service(name: &str, state: ServiceState, start: ServiceStart) -> Service {
    Service { name: name.into(), display_name: None, state, start, account: None }
}

fn any_section() -> impl Strategy<Value = Section> {
    // Few names and few values: so they collide, and there are several of a name.
    let packages = proptest::collection::vec(("[a-d]", "[1-3]"), 0..12)
        .prop_map(|list| Section::Software(list.iter().map(|(name, version)| software(name, version)).collect()));
    let groups = proptest::collection::vec(("[ab]", proptest::collection::vec("[a-c]", 0..4)), 0..4).prop_map(|list| {
        let group = |(name, members)| LocalGroup { name, id: None, members };
        Section::Groups(list.into_iter().map(group).collect())
    });
    let hardware = (proptest::option::of("[ab]"), proptest::option::of(1..3_u32)).prop_map(|(model, cores)| {
        Section::Hardware(Hardware {
            manufacturer: None,
            model,
            serial: None,
            cpu: None,
            cores,
            threads: None,
            memory_bytes: None,
            uuid: None,
            bios_vendor: None,
            bios_version: None,
            bios_date: None,
            virtualization: None,
        })
    });
    prop_oneof![packages, groups, hardware]
}

proptest! {
    #[test]
    fn applied_to_the_old_the_changes_give_the_new(old in any_section(), new in any_section()) {
        let (before, mut after) = (items(&old).unwrap(), items(&new).unwrap());
        let found = changes(&whole(&old), &whole(&new)).unwrap();
        after.sort();
        prop_assert_eq!(apply(before, &found), after);
    }

    #[test]
    fn no_change_is_told_that_is_none(section in any_section(), old in any_section()) {
        prop_assert_eq!(changes(&whole(&section), &whole(&section)).unwrap(), vec![]);
        for change in changes(&whole(&old), &whole(&section)).unwrap() {
            prop_assert_ne!(change.before, change.after);
        }
    }

    #[test]
    fn of_one_name_nothing_is_told_as_both_gone_and_new(old in any_section(), new in any_section()) {
        let found = changes(&whole(&old), &whole(&new)).unwrap();
        let of = |kind| found.iter().filter(move |change| change.kind == kind).map(|change| &change.key);
        for gone in of(ChangeKind::Removed) {
            prop_assert!(!of(ChangeKind::Added).any(|key| key == gone), "{}", gone);
        }
    }

    #[test]
    fn beyond_the_bound_numbers_say_what_is_left_out(old in any_section(), new in any_section(), most in 0..6_usize) {
        let found = changes(&whole(&old), &whole(&new)).unwrap();
        let all = found.len();
        let kept = bounded(found.clone(), most);
        prop_assert!(kept.len() <= most + 1);
        if all <= most {
            prop_assert_eq!(kept, found);
        } else {
            let numbers: std::collections::BTreeMap<String, usize> =
                serde_json::from_str(kept[most].after.as_ref().unwrap()).unwrap();
            prop_assert_eq!(most + numbers.values().sum::<usize>(), all);
        }
    }
}

#[test]
fn an_update_is_a_change_and_not_a_removal_with_an_addition() {
    let old = Section::Software(vec![software("bash", "5.1"), software("kernel", "1"), software("kernel", "2")]);
    let new = Section::Software(vec![software("kernel", "3"), software("kernel", "2"), software("bash", "5.2")]);
    let found = changes(&whole(&old), &whole(&new)).unwrap();
    let told: Vec<_> = found.iter().map(|change| (change.kind, change.key.as_str())).collect();
    assert_eq!(told, [(ChangeKind::Changed, "bash"), (ChangeKind::Changed, "kernel")]);
    assert!(found[1].before.as_ref().unwrap().contains(r#""version":"1""#), "the kernel that stayed is left out");
}

#[test]
fn services_on_demand_may_come_and_go_but_a_failure_is_told() {
    use {ServiceStart as Start, ServiceState as State};
    let list = |demand, always, failing| {
        Section::Services(vec![
            service("on_demand", demand, Start::Manual),
            service("delayed", demand, Start::AutomaticDelayed),
            service("always", always, Start::Automatic),
            service("failing", failing, Start::Manual),
        ])
    };
    let old = list(State::Running, State::Running, State::Running);
    let quiet = list(State::Stopped, State::Running, State::Stopped);
    assert_eq!(changes(&whole(&old), &whole(&quiet)).unwrap(), vec![]);
    let loud = list(State::Running, State::Stopped, State::Failed);
    let found = changes(&whole(&old), &whole(&loud)).unwrap();
    assert_eq!(found.iter().map(|change| change.key.as_str()).collect::<Vec<_>>(), ["always", "failing"]);
}

#[test]
fn a_start_that_wavers_is_no_restart() {
    let os = |seconds| {
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
            booted_at: DateTime::from_timestamp(seconds, 0),
        })
    };
    assert_eq!(changes(&whole(&os(1_000)), &whole(&os(1_002))).unwrap(), vec![]);
    let restarted = changes(&whole(&os(1_000)), &whole(&os(9_000))).unwrap();
    assert_eq!((restarted.len(), restarted[0].key.as_str()), (1, "booted_at"));
}

#[test]
fn what_could_not_be_read_is_neither_gone_nor_new() {
    let fixes = |ids: &[&str]| {
        let fix = |id: &&str| HotFix { id: (*id).into(), description: None, installed_on: None };
        Section::HotFixes(ids.iter().map(fix).collect())
    };
    let problems = ["the hive of bob".to_owned()];
    let (all, some) = (fixes(&["a", "b"]), fixes(&["a"]));
    let partly = Sight { content: &some, problems: &problems };
    let unsure = |numbers: &str| {
        vec![Change { kind: ChangeKind::Unsure, key: String::new(), before: None, after: Some(numbers.to_owned()) }]
    };
    assert_eq!(changes(&whole(&all), &partly).unwrap(), unsure(r#"{"added":0,"changed":0,"removed":1}"#));
    assert_eq!(changes(&partly, &whole(&all)).unwrap(), unsure(r#"{"added":1,"changed":0,"removed":0}"#));
    let as_before = Sight { content: &all, problems: &problems };
    assert_eq!(changes(&as_before, &partly).unwrap().len(), 1, "the same part was unread both times");
}

#[test]
fn what_could_not_be_read_of_some_software_leaves_the_rest_of_it_told_by_name() {
    use SoftwareSource as Source;
    let of = |name: &str, source| Software { source, ..software(name, "1") };
    let all = Section::Software(vec![
        of("of bob", Source::User),
        of("of all", Source::Machine),
        of("deb", Source::Dpkg),
        of("rpm", Source::Rpm),
    ]);
    let none = Section::Software(vec![]);
    // As agents write them.
    for (problem, unsure) in [
        ("programs of HQ\\bob, eve and 2 more: not known before the next login", Some("of bob")),
        ("programs of bob: more than 500; the others are left out", Some("of bob")),
        ("list of loaded profiles: access denied", Some("of bob")),
        ("the profile of bob is damaged: Windows has put it aside", Some("of bob")),
        ("RPM's packages: rpm -qa: the database is locked", Some("rpm")),
        ("the package deb is half-installed", Some("deb")),
        ("the package other is half-installed", Some("")),
        ("entry of {1234}: access denied", None),
        ("more than 5000 programs; the others are left out", None),
        ("something of tomorrow", None),
    ] {
        let problems = [problem.to_owned()];
        let partly = Sight { content: &none, problems: &problems };
        for (found, kind) in [
            (changes(&whole(&all), &partly).unwrap(), ChangeKind::Removed),
            (changes(&partly, &whole(&all)).unwrap(), ChangeKind::Added),
        ] {
            let told = found.iter().filter(|change| change.kind == kind);
            let told: Vec<_> = told.map(|change| change.key.as_str()).collect();
            let sure = ["deb", "of all", "of bob", "rpm"].into_iter();
            let expected: Vec<_> = sure.filter(|name| unsure.is_some_and(|unsure| unsure != *name)).collect();
            assert_eq!(told, expected, "{problem}");
            let numbers = found.iter().filter(|change| change.kind == ChangeKind::Unsure).count();
            assert_eq!(numbers, usize::from(expected.len() < 4), "{problem}");
        }
    }
}

#[test]
fn a_full_list_of_problems_may_be_about_anything() {
    let all = Section::Software(vec![software("named", "1"), software("cut off", "1")]);
    let none = Section::Software(vec![]);
    let mut problems: Vec<_> =
        (1..limits::MAX_PROBLEMS).map(|n| format!("the package p{n} is half-installed")).collect();
    for (more, unsure) in [("the package last is half-installed", true), ("", false)] {
        if !more.is_empty() {
            problems.push(more.to_owned());
        } else {
            problems.pop();
        }
        let partly = Sight { content: &none, problems: &problems };
        for found in [changes(&whole(&all), &partly).unwrap(), changes(&partly, &whole(&all)).unwrap()] {
            assert_eq!(found.len(), if unsure { 1 } else { 2 }, "{more}");
            assert_eq!(found[0].kind == ChangeKind::Unsure, unsure, "{more}");
        }
    }
}

#[test]
fn who_joined_a_group_and_who_logged_in_are_told_one_by_one() {
    let group = |members: &[&str]| {
        let members = members.iter().map(ToString::to_string).collect();
        Section::Groups(vec![LocalGroup { name: "Administrators".into(), id: None, members }])
    };
    let found = changes(&whole(&group(&["a"])), &whole(&group(&["a", "b"]))).unwrap();
    assert_eq!((found.len(), found[0].kind), (1, ChangeKind::Added));
    assert!(found[0].after.as_ref().unwrap().contains(r#""member":"b""#));
    let user = |name: &str| LoggedInUser { name: name.into(), session: None, host: None, since: None };
    let (old, new) = (Section::Users(vec![user("a")]), Section::Users(vec![user("b")]));
    let kinds: Vec<_> = changes(&whole(&old), &whole(&new)).unwrap().into_iter().map(|change| change.kind).collect();
    assert_eq!(kinds, [ChangeKind::Removed, ChangeKind::Added]);
}

#[test]
fn of_a_value_that_is_too_long_only_its_length_is_kept() {
    let long = serde_json::json!("x".repeat(5_000)).to_string();
    let change = Change { kind: ChangeKind::Changed, key: "k".into(), before: Some("1".into()), after: Some(long) };
    let kept = bounded(vec![change], 10);
    assert_eq!(kept[0].before.as_deref(), Some("1"));
    assert_eq!(kept[0].after.as_deref(), Some(r#""5002 bytes, too long to be kept""#));
}
