//! Instants as Windows counts them.

use chrono::{DateTime, TimeDelta, Utc};

/// Seconds from 1601-01-01 to 1970-01-01.
const TO_UNIX: i64 = 11_644_473_600;
/// `FILETIME` counts tenths of a microsecond.
const PER_SECOND: i64 = 10_000_000;

/// The instant of a `FILETIME`, to the second; `None` for 0 ("never", "unknown") and for what is before 1970.
#[must_use]
pub fn instant(filetime: i64) -> Option<DateTime<Utc>> {
    let seconds = filetime / PER_SECOND - TO_UNIX;
    (seconds >= 0).then(|| DateTime::UNIX_EPOCH.checked_add_signed(TimeDelta::seconds(seconds))).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filetime_is_an_instant() {
        assert_eq!(instant(133_480_224_000_000_000).unwrap().to_string(), "2023-12-26 00:00:00 UTC");
        assert_eq!(instant(116_444_736_000_000_000), Some(DateTime::UNIX_EPOCH));
        assert_eq!(instant(0), None);
        assert_eq!(instant(-1), None);
        assert!(instant(i64::MAX).is_some(), "absurd, and dropped where texts and dates are bounded");
    }
}
