//! Versions in the order in which dpkg puts them (deb-version(7)), as bytes that sort so. `^`, which only RPM has, sorts as
//! RPM sorts it: after the end, before everything else.

/// Ends a run of characters that are no digits, and the whole: after `~`, before everything else.
const END: u8 = 2;
/// `~` sorts before the end.
const TILDE: u8 = 1;
/// `^` sorts after the end, before everything else.
const CARET: u8 = 3;
/// Comes before a character that is no letter: those sort after all letters.
const OTHER: u8 = 0x7f;
/// Longest key: with the version itself it fits into an entry of an index (a third of a page). A version that needs more is
/// told apart by its beginning only.
const MAX_KEY: usize = 1_000;

/// The key of a version: keys compare byte by byte as the versions do. Equal versions (`1.0` and `1.00`) have equal keys.
/// A `v` before the first digit, which versions of dpkg never have, does not count.
#[must_use]
pub fn sort_key(version: &str) -> Vec<u8> {
    let version = without_v(version.trim());
    let (epoch, rest) = match version.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => (epoch, rest),
        _ => ("", version),
    };
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    let mut key = Vec::with_capacity(version.len() * 2 + 8);
    number(&mut key, epoch.as_bytes());
    part(&mut key, upstream.as_bytes());
    part(&mut key, revision.as_bytes());
    key.truncate(MAX_KEY);
    key
}

fn without_v(version: &str) -> &str {
    version.strip_prefix(['v', 'V']).filter(|rest| rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(version)
}

/// Runs of other characters and of digits in turn, beginning with other characters. Nothing is as much as `0`.
fn part(key: &mut Vec<u8>, mut rest: &[u8]) {
    loop {
        let (text, from_digits) = rest.split_at(rest.iter().position(u8::is_ascii_digit).unwrap_or(rest.len()));
        for byte in text {
            match byte {
                b'~' => key.push(TILDE),
                b'^' => key.push(CARET),
                letter if letter.is_ascii_alphabetic() => key.push(*letter),
                other => key.extend([OTHER, *other]),
            }
        }
        key.push(END);
        let end = from_digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(from_digits.len());
        let (digits, after) = from_digits.split_at(end);
        number(key, digits);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    key.push(END);
}

/// A number as its length and its digits, without leading zeros; no digits are 0. Longer than 255 digits is cut: what
/// agents report is not so long.
fn number(key: &mut Vec<u8>, digits: &[u8]) {
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    let digits = &digits[zeros..];
    let digits = &digits[..digits.len().min(usize::from(u8::MAX))];
    key.push(u8::try_from(digits.len()).unwrap_or(u8::MAX));
    key.extend(digits);
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    /// The comparison as deb-version(7) words it, step by step.
    fn compare(a: &str, b: &str) -> Ordering {
        fn split(version: &str) -> (u64, &str, &str) {
            let (epoch, rest) = version
                .split_once(':')
                .filter(|(epoch, _)| epoch.bytes().all(|byte| byte.is_ascii_digit()))
                .and_then(|(epoch, rest)| Some((epoch.parse().ok()?, rest)))
                .unwrap_or((0, version));
            let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
            (epoch, upstream, revision)
        }
        let (a, b) = (split(without_v(a)), split(without_v(b)));
        a.0.cmp(&b.0).then_with(|| compare_parts(a.1, b.1)).then_with(|| compare_parts(a.2, b.2))
    }

    fn compare_parts(mut a: &str, mut b: &str) -> Ordering {
        let weight = |c: Option<char>| match c {
            Some('~') => -1,
            None => 0,
            Some(c) if c.is_ascii_alphabetic() => i64::from(u32::from(c)),
            Some(c) => i64::from(u32::from(c)) + 256,
        };
        let take = |text: &mut &str, digits: bool| {
            let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
            let (taken, rest) = text.split_at(end);
            *text = rest;
            taken.to_owned()
        };
        while !a.is_empty() || !b.is_empty() {
            // "First the initial part of each string consisting entirely of non-digit characters is determined. These
            // two parts are compared lexically. [...] all the letters sort earlier than all the non-letters and [...] a
            // tilde sorts before anything, even the end of a part."
            let (left, right) = (take(&mut a, false), take(&mut b, false));
            for index in 0..left.len().max(right.len()) {
                let order = weight(left.chars().nth(index)).cmp(&weight(right.chars().nth(index)));
                if order.is_ne() {
                    return order;
                }
            }
            // "Then the initial part of the remainder of each string which consists entirely of digit characters is
            // determined. The numerical values of these two parts are compared [...] an empty string [...] counts as zero."
            let value = |digits: String| digits.parse::<u128>().unwrap_or(0);
            let order = value(take(&mut a, true)).cmp(&value(take(&mut b, true)));
            if order.is_ne() {
                return order;
            }
        }
        Ordering::Equal
    }

    fn any_version() -> impl Strategy<Value = String> {
        prop_oneof!["[0-2a.~+-]{0,8}", "([0-9]{1,2}:)?[0-9a-zA-Z.+~-]{0,12}", "[0-9]{1,4}(\\.[0-9]{1,5}){1,3}"]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn keys_sort_as_the_definition_compares(a in any_version(), b in any_version()) {
            prop_assert_eq!(sort_key(&a).cmp(&sort_key(&b)), compare(&a, &b), "{} and {}", a, b);
        }

        #[test]
        fn a_small_change_sorts_as_the_definition_compares(a in any_version(), at in any::<prop::sample::Index>(), with in "[0-2a~.+-]{0,2}") {
            let mut b = a.clone();
            b.insert_str(at.index(a.len() + 1), &with);
            prop_assert_eq!(sort_key(&a).cmp(&sort_key(&b)), compare(&a, &b), "{} and {}", a, b);
        }

        #[test]
        fn any_text_has_a_key_that_an_index_takes(text in "\\PC{0,255}") {
            prop_assert!(sort_key(&text).len() <= MAX_KEY);
        }
    }

    #[test]
    fn examples_from_lowest_to_highest() {
        let sorted = [
            "~~",
            "~~a",
            "~",
            "",
            "1.0~beta1~svn1245",
            "1.0~beta1",
            "1.0",
            "1.0-1",
            "1.0-1+b1",
            "1.0^20240101git1",
            "1.0^20240101git1-1",
            "1.0a",
            "1.0+dfsg",
            "1.0.1",
            "1.2",
            "1.10",
            "10.0.19041.1",
            "10.0.19041.3636",
            "10.0.22621.1",
            "119.0.6045.200",
            "120.0",
            "120.0.6099.71",
            "a",
            "unknown",
            "1:0.1",
            "2:0",
        ];
        for pair in sorted.windows(2) {
            assert!(sort_key(pair[0]) < sort_key(pair[1]), "{} before {}", pair[0], pair[1]);
        }
        for (a, b) in [("1.0", "1.00"), ("1.0", "0:1.0"), ("1.0", "1.0-0"), ("", "0"), ("1.", "1.0"), ("v1.2", "1.2")] {
            assert_eq!(sort_key(a), sort_key(b), "{a} and {b}");
        }
    }
}
