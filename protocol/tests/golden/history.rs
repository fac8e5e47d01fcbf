//! The protocol's version has a dated history.

use chrono::NaiveDate;
use gururmm_protocol::{OLDEST_SUPPORTED_PROTOCOL, PROTOCOL_VERSION};

#[test]
fn every_version_has_a_dated_line() {
    let history: Vec<(u32, NaiveDate)> = include_str!("../../src/lib.rs")
        .lines()
        .filter_map(|line| {
            let (version, rest) = line.strip_prefix("/// - ")?.split_once(" (")?;
            let (date, _) = rest.split_once("): ")?;
            Some((version.parse().ok()?, date.parse().ok()?))
        })
        .collect();
    let versions: Vec<u32> = history.iter().map(|(version, _)| *version).collect();
    assert_eq!(versions, (1..=PROTOCOL_VERSION).collect::<Vec<_>>());
    assert!(history.windows(2).all(|pair| pair[0].1 <= pair[1].1), "dates go backwards");
    assert!((1..=PROTOCOL_VERSION).contains(&OLDEST_SUPPORTED_PROTOCOL));
}
