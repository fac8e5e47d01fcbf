//! Whatever an agent says: reading never panics, and bounding leaves only bounded, harmless text.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

use chrono::{DateTime, Utc};
use gururmm_protocol::command::{CommandEvent, CommandResult, Outcome, OutputStream};
use gururmm_protocol::enroll::{EnrollmentToken, MachineIdentity};
use gururmm_protocol::inventory::{
    Disk, DiskHealth, DiskMedia, Hardware, HotFix, LocalGroup, LoggedInUser, MachineRole, NetworkInterface, OsFamily,
    OsIdentity, PendingReboot, Section, Service, ServiceStart, ServiceState, Software, SoftwareSource, Volume,
};
use gururmm_protocol::limits;
use gururmm_protocol::message::{FromAgent, ToAgent};
use gururmm_protocol::readings::{Reading, VolumeUse};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

fn hostile_char() -> impl Strategy<Value = char> {
    prop_oneof![
        4 => any::<char>(),
        2 => prop::sample::select(vec!['\0', '\n', '\r', '\t', '\u{1b}', '\u{7f}', '\u{85}', ' ']),
        2 => prop::sample::select(vec!['\u{200B}', '\u{202E}', '\u{2066}', '\u{FEFF}', '<', '"', '\\', 'ë']),
    ]
}

fn text() -> impl Strategy<Value = String> {
    (vec(hostile_char(), 0..40), 0usize..60).prop_map(|(chars, times)| String::from_iter(chars).repeat(times))
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(text())
}

/// Any instant that the parser can produce, absurd years too.
fn instant() -> impl Strategy<Value = DateTime<Utc>> {
    (DateTime::<Utc>::MIN_UTC.timestamp()..=DateTime::<Utc>::MAX_UTC.timestamp())
        .prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
}

fn section() -> impl Strategy<Value = Section> {
    let os = (text(), maybe(), text(), maybe(), instant()).prop_map(|(name, option, host, zone, at)| {
        Section::Os(OsIdentity {
            family: OsFamily::Other,
            edition: option.clone(),
            version: option.clone(),
            build: option.clone(),
            release: option.clone(),
            installed_at: Some(at),
            architecture: name.clone(),
            name,
            role: MachineRole::Unknown,
            hostname: host,
            domain: option,
            time_zone: zone,
            booted_at: Some(at),
        })
    });
    let hardware = (maybe(), maybe(), any::<Option<u64>>()).prop_map(|(a, b, memory_bytes)| {
        Section::Hardware(Hardware {
            manufacturer: a.clone(),
            model: b.clone(),
            serial: a.clone(),
            cpu: b,
            cores: None,
            threads: None,
            memory_bytes,
            uuid: a.clone(),
            bios_vendor: a.clone(),
            bios_version: a.clone(),
            bios_date: None,
            virtualization: a,
        })
    });
    let volume = (text(), maybe(), any::<u64>()).prop_map(|(mount, device, total_bytes)| Volume {
        mount,
        file_system: device.clone(),
        encryption: None,
        encryption_method: device.clone(),
        device,
        total_bytes,
        removable: false,
    });
    let interface = (text(), maybe(), vec(text(), 0..3), 1usize..100).prop_map(|(name, mac, addresses, times)| {
        let addresses: Vec<_> = addresses.iter().cycle().take(addresses.len() * times).cloned().collect();
        NetworkInterface {
            name,
            description: mac.clone(),
            mac,
            gateways: addresses.clone(),
            dns: addresses.clone(),
            addresses,
            dhcp: None,
        }
    });
    let user = (text(), maybe(), proptest::option::of(instant())).prop_map(|(name, session, since)| LoggedInUser {
        name,
        host: session.clone(),
        session,
        since,
    });
    let reboot = vec(text(), 0..4).prop_map(|sources| Section::Reboot(PendingReboot { pending: None, sources }));
    let disk = (text(), maybe(), any::<u64>()).prop_map(|(name, option, total_bytes)| Disk {
        name,
        model: option.clone(),
        serial: option.clone(),
        bus: option.clone(),
        media: DiskMedia::Unknown,
        total_bytes,
        health: DiskHealth::Unknown,
        health_detail: option,
    });
    let group = (text(), maybe(), vec(text(), 0..3), prop_oneof![3 => Just(1usize), 1 => Just(400)]).prop_map(
        |(name, id, members, times)| {
            let members = members.iter().cycle().take(members.len() * times).cloned().collect();
            LocalGroup { name, id, members }
        },
    );
    let service = (text(), maybe()).prop_map(|(name, option)| Service {
        name,
        display_name: option.clone(),
        state: ServiceState::Unknown,
        start: ServiceStart::Unknown,
        account: option,
    });
    let software = (text(), maybe()).prop_map(|(name, option)| Software {
        name,
        version: option.clone(),
        publisher: option.clone(),
        source: SoftwareSource::Other,
        user: option.clone(),
        architecture: option,
        installed_on: None,
    });
    let fix = (text(), maybe()).prop_map(|(id, description)| HotFix { id, description, installed_on: None });
    prop_oneof![
        os,
        hardware,
        long(disk).prop_map(Section::Disks),
        long(group).prop_map(Section::Groups),
        long(service).prop_map(Section::Services),
        long(software).prop_map(Section::Software),
        long(fix).prop_map(Section::HotFixes),
        long(volume).prop_map(Section::Volumes),
        long(interface).prop_map(Section::Network),
        long(user).prop_map(Section::Users),
        reboot,
    ]
}

/// Lists that are sometimes far longer than allowed.
fn long<T: Clone + std::fmt::Debug>(item: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    (vec(item, 0..3), prop_oneof![3 => Just(1usize), 1 => Just(400), 1 => Just(4_000)])
        .prop_map(|(items, times)| items.iter().cycle().take(items.len() * times).cloned().collect())
}

fn event() -> impl Strategy<Value = CommandEvent> {
    let output = (text(), 0usize..8, any::<u32>()).prop_map(|(text, times, index)| CommandEvent::Output {
        index,
        stream: OutputStream::Stdout,
        text: text.repeat(times),
    });
    let finished =
        (maybe(), instant(), proptest::option::of(instant())).prop_map(|(reason, finished_at, started_at)| {
            CommandEvent::Finished(CommandResult {
                outcome: Outcome::Failed,
                exit_code: None,
                signal: None,
                reason,
                started_at,
                finished_at,
                output_chunks: 0,
                output_dropped_bytes: 0,
            })
        });
    prop_oneof![output, finished, instant().prop_map(|started_at| CommandEvent::Started { started_at })]
}

fn reading() -> impl Strategy<Value = Reading> {
    let volume = (text(), any::<u64>(), any::<u64>()).prop_map(|(mount, used_bytes, total_bytes)| VolumeUse {
        mount,
        used_bytes,
        total_bytes,
    });
    (any::<f32>(), any::<u64>(), any::<u64>(), any::<u64>(), vec(volume, 0..90), instant()).prop_map(
        |(cpu_percent, memory_used_bytes, memory_total_bytes, uptime_seconds, volumes, at)| Reading {
            at,
            cpu_percent,
            memory_used_bytes,
            memory_total_bytes,
            uptime_seconds,
            volumes,
        },
    )
}

/// As [`check_lists`] with the bound of short lists.
fn check(value: &Value, longest: usize) -> Result<(), TestCaseError> {
    check_lists(value, longest, limits::MAX_ITEMS)
}

/// Every text inside is at most `longest` characters without control or hidden characters, and every list at most
/// `most` items.
fn check_lists(value: &Value, longest: usize, most: usize) -> Result<(), TestCaseError> {
    match value {
        Value::String(text) => {
            prop_assert!(text.chars().count() <= longest, "{} characters", text.chars().count());
            prop_assert!(!text.chars().any(char::is_control), "{text:?}");
            prop_assert!(!text.contains(['\u{200B}', '\u{202E}', '\u{2066}', '\u{FEFF}']), "{text:?}");
        }
        Value::Array(items) => {
            prop_assert!(items.len() <= most, "{} items", items.len());
            items.iter().try_for_each(|item| check_lists(item, longest, most))?;
        }
        Value::Object(fields) => fields.values().try_for_each(|field| check_lists(field, longest, most))?,
        Value::Number(number) => {
            prop_assert!(number.as_i64().is_some() || number.is_f64(), "{number} does not fit a bigint");
        }
        Value::Null | Value::Bool(_) => {}
    }
    Ok(())
}

fn four_digit_year(at: &DateTime<Utc>) -> bool {
    (0..=253_402_300_799).contains(&at.timestamp())
}

fn golden_texts() -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/golden");
    std::fs::read_dir(folder).unwrap().map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
}

fn read_as_anything(text: &str) {
    let _ = FromAgent::decode(text);
    let _ = ToAgent::decode(text).map(|message| match message {
        ToAgent::Envelope(envelope) => envelope.claimed_header().is_some(),
        _ => false,
    });
    let _ = text.parse::<EnrollmentToken>();
    let _ = serde_json::from_str::<gururmm_protocol::enroll::EnrollRequest>(text);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn reading_arbitrary_bytes_never_panics(bytes in vec(any::<u8>(), 0..400), text in ".{0,200}") {
        read_as_anything(&String::from_utf8_lossy(&bytes));
        read_as_anything(&text);
    }

    #[test]
    fn reading_damaged_messages_never_panics(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        junk in vec(any::<u8>(), 0..4),
        cut in 0usize..4,
    ) {
        let texts = golden_texts();
        let mut bytes = which.get(&texts).clone().into_bytes();
        let from = at.index(bytes.len());
        let to = (from + cut).min(bytes.len());
        bytes.splice(from..to, junk);
        read_as_anything(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_bounded_section_is_bounded_harmless_and_stays_so(mut section in section()) {
        section.bound();
        let most = match section {
            Section::Services(_) | Section::Software(_) | Section::HotFixes(_) => limits::MAX_LONG_LIST,
            _ => limits::MAX_ITEMS,
        };
        check_lists(&serde_json::to_value(&section).unwrap(), limits::MAX_TEXT, most)?;
        match &section {
            Section::Os(os) => {
                check(&serde_json::to_value(os).unwrap(), limits::MAX_NAME)?;
                prop_assert!(os.booted_at.iter().all(four_digit_year));
            }
            Section::Users(users) => prop_assert!(users.iter().flat_map(|user| &user.since).all(four_digit_year)),
            Section::Network(list) => prop_assert!(list.iter().all(|interface| interface.addresses.len() <= 64)),
            _ => {}
        }
        let mut again = section.clone();
        again.bound();
        prop_assert_eq!(again, section);
    }

    #[test]
    fn a_bounded_event_is_bounded_and_harmless(mut event in event()) {
        event.bound();
        match event {
            CommandEvent::Output { text, .. } => {
                prop_assert!(text.len() <= 3 * limits::MAX_OUTPUT_CHUNK);
                let harmless = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t' | '\u{1b}');
                prop_assert!(text.chars().all(harmless), "{text:?}");
            }
            CommandEvent::Finished(result) => {
                check(&serde_json::to_value(&result.reason).unwrap(), limits::MAX_TEXT)?;
                prop_assert!(four_digit_year(&result.finished_at) && result.started_at.iter().all(four_digit_year));
            }
            CommandEvent::Started { started_at } => prop_assert!(four_digit_year(&started_at)),
        }
    }

    #[test]
    fn a_bounded_reading_is_in_range(mut reading in reading()) {
        reading.bound();
        prop_assert!((0.0..=100.0).contains(&reading.cpu_percent));
        prop_assert!(reading.memory_used_bytes <= reading.memory_total_bytes);
        prop_assert!(four_digit_year(&reading.at));
        prop_assert!(reading.volumes.len() <= 64);
        prop_assert!(reading.volumes.iter().all(|volume| volume.used_bytes <= volume.total_bytes));
        check(&serde_json::to_value(&reading).unwrap(), limits::MAX_NAME)?;
    }

    #[test]
    fn a_bounded_machine_identity_is_harmless(machine_id in text(), boot_id in text(), hostname in text()) {
        let mut machine = MachineIdentity { machine_id, boot_id, hostname };
        machine.bound();
        check(&serde_json::to_value(&machine).unwrap(), limits::MAX_NAME)?;
    }
}
