//! Bounding of instants that came from the other side.

use chrono::{DateTime, Utc};

/// 9999-12-31 23:59:59 UTC: beyond it, dates stop having four-digit years, which browsers and databases trip over.
const LATEST: i64 = 253_402_300_799;

/// Moves an instant into 1970 to 9999. A parser accepts years that Postgres (from 4713 BC) and JavaScript do not.
pub fn clamp_instant(at: &mut DateTime<Utc>) {
    if let Some(inside) = DateTime::from_timestamp(at.timestamp().clamp(0, LATEST), 0)
        && inside.timestamp() != at.timestamp()
    {
        *at = inside;
    }
}

/// Drops an instant outside 1970 to 9999.
pub fn clean_instant(at: &mut Option<DateTime<Utc>>) {
    if at.is_some_and(|at| !(0..=LATEST).contains(&at.timestamp())) {
        *at = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absurd_years_are_moved_or_dropped_and_others_kept_to_the_nanosecond() {
        let parse = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let good = parse("2026-11-23T12:00:00.123456789Z");
        let mut at = good;
        clamp_instant(&mut at);
        assert_eq!(at, good);
        for (absurd, nearest) in
            [("+262142-01-01T00:00:00Z", "9999-12-31T23:59:59Z"), ("-200000-01-01T00:00:00Z", "1970-01-01T00:00:00Z")]
        {
            let mut at = parse(absurd);
            clamp_instant(&mut at);
            assert_eq!(at, parse(nearest));
            let mut optional = Some(parse(absurd));
            clean_instant(&mut optional);
            assert_eq!(optional, None);
        }
        let mut kept = Some(good);
        clean_instant(&mut kept);
        assert_eq!(kept, Some(good));
    }
}
