//! The time zone by its IANA name.

use windows_timezones::WindowsTimezone;

/// The IANA zone of a Windows zone's key (`TimeZoneKeyName`), by Unicode's table; none for a zone that somebody made up.
#[must_use]
pub fn iana(key: &str) -> Option<&'static str> {
    // Some versions of Windows leave old text behind the end of this value.
    let key = key.split('\0').next().unwrap_or_default().trim();
    key.parse::<WindowsTimezone>().ok().map(|zone| zone.tzdb_id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_have_iana_names() {
        assert_eq!(iana("W. Europe Standard Time"), Some("Europe/Berlin"));
        assert_eq!(iana("US Mountain Standard Time\0garbage"), Some("America/Phoenix"));
        assert_eq!(iana("UTC"), Some("Etc/UTC"));
        assert_eq!(iana("Somebody's own"), None);
    }
}
