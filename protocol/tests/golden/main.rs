//! Golden messages: one JSON file per message in `protocol/golden/`.
//!
//! Once a version of the protocol is released its files are frozen: they prove that old messages still decode. A new
//! message or variant gets a new file; run the test once with `GURURMM_BLESS=1`, which writes files that are missing
//! and never changes one that exists.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail by panicking")]

mod check;
mod history;
mod link;
mod machine;
mod signatures;

use check::Golden;

/// Keys, ids and instants that the files were made with.
mod fixed {
    use chrono::{DateTime, TimeDelta, Utc};
    use ed25519_dalek::SigningKey;
    use gururmm_protocol::crypto::Fingerprint;
    use gururmm_protocol::enroll::{EnrollmentToken, MachineIdentity};
    use uuid::Uuid;

    pub fn server_key() -> SigningKey {
        SigningKey::from_bytes(&[1; 32])
    }

    pub fn agent_key() -> SigningKey {
        SigningKey::from_bytes(&[2; 32])
    }

    pub fn earlier_agent_key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    pub fn server() -> Fingerprint {
        gururmm_protocol::crypto::PublicKey::of(&server_key()).fingerprint()
    }

    pub fn token() -> EnrollmentToken {
        EnrollmentToken::new(server(), [4; 32])
    }

    pub const fn nonce(n: u8) -> Fingerprint {
        Fingerprint::from_bytes([n; 32])
    }

    pub const fn id(n: u128) -> Uuid {
        Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + n)
    }

    pub fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_793_534_400, 0).unwrap() + TimeDelta::seconds(seconds)
    }

    pub fn machine() -> MachineIdentity {
        MachineIdentity {
            machine_id: "5f1c0a9e6b7d4c3e8f2a1b0c9d8e7f6a".into(),
            boot_id: "0c9d8e7f6a5f1c0a".into(),
            hostname: "ACME-DC01".into(),
        }
    }
}

fn goldens() -> Vec<Golden> {
    [link::enrollment(), link::to_agent(), link::from_agent(), machine::reports(), machine::words()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn every_file_decodes_to_its_value_and_encodes_to_itself() {
    for golden in goldens() {
        golden.round_trip();
    }
}

#[test]
fn unknown_fields_are_ignored_at_every_level() {
    for golden in goldens() {
        golden.with_unknown_fields();
    }
}

#[test]
fn files_and_messages_are_the_same_list() {
    let mut names: Vec<String> = goldens().into_iter().map(|golden| format!("{}.json", golden.name)).collect();
    names.sort();
    let mut files: Vec<String> = std::fs::read_dir(check::folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, names);
}

#[test]
fn every_variant_of_every_message_has_a_file() {
    let names: Vec<String> = goldens().into_iter().map(|golden| golden.name).collect();
    let wanted = [link::variants(), machine::variants()].concat();
    for wanted in wanted {
        assert!(
            names.iter().any(|name| name == wanted || name.starts_with(&format!("{wanted}."))),
            "protocol/golden/{wanted}.json is missing"
        );
    }
}
