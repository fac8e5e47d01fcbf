//! Until when a certificate is valid: the one thing that is read of it here. Whether it is believed is for the system's
//! verifier to say.

use chrono::{DateTime, NaiveDate, Utc};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
/// The version of the certificate, which the first one does not tell.
const VERSION: u8 = 0xA0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The end of the validity of a certificate in DER (RFC 5280, 4.1.2.5); `None` when it cannot be read.
#[must_use]
pub fn not_after(certificate: &[u8]) -> Option<DateTime<Utc>> {
    let (certificate, _) = expect(certificate, SEQUENCE)?;
    let (mut content, _) = expect(certificate, SEQUENCE)?;
    if let Some((_, rest)) = expect(content, VERSION) {
        content = rest;
    }
    // Serial number, signature algorithm, issuer.
    for tag in [INTEGER, SEQUENCE, SEQUENCE] {
        content = expect(content, tag)?.1;
    }
    let (validity, _) = expect(content, SEQUENCE)?;
    let (_, _, rest) = element(validity)?;
    let (tag, time, _) = element(rest)?;
    instant(tag, time)
}

/// The content of an element that must have this tag, and what follows it.
fn expect(input: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    element(input).filter(|(tag, ..)| *tag == wanted).map(|(_, content, rest)| (content, rest))
}

/// Tag, content and what follows (X.690, 8.1).
fn element(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, input) = input.split_first()?;
    let (&first, input) = input.split_first()?;
    let (length, input) = if first < 0x80 {
        (usize::from(first), input)
    } else {
        // Up to three bytes: more than any certificate has.
        let (bytes, rest) = input.split_at_checked(usize::from(first & 0x7F)).filter(|(bytes, _)| bytes.len() <= 3)?;
        (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
    };
    let (content, rest) = input.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn instant(tag: u8, text: &[u8]) -> Option<DateTime<Utc>> {
    let digits = text.strip_suffix(b"Z").filter(|digits| digits.iter().all(u8::is_ascii_digit))?;
    let number = |digits: &[u8]| digits.iter().fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'));
    let (year, rest) = match (tag, digits.len()) {
        (UTC_TIME, 12) => {
            let (year, rest) = digits.split_at(2);
            let year = number(year);
            (if year >= 50 { 1900 + year } else { 2000 + year }, rest)
        }
        (GENERALIZED_TIME, 14) => {
            let (year, rest) = digits.split_at(4);
            (number(year), rest)
        }
        _ => return None,
    };
    let part = |at: usize| number(&rest[at..at + 2]);
    let day = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, part(0), part(2))?;
    Some(day.and_hms_opt(part(4), part(6), part(8))?.and_utc())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn certificate(year: i32) -> Vec<u8> {
        let mut parameters = CertificateParams::new(["rmm.example.com".to_owned()]).unwrap();
        parameters.not_after = date_time_ymd(year, 2, 28);
        parameters.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn the_end_is_read_in_both_forms() {
        // Years from 2050 on are written in the longer form.
        for year in [2027, 2049, 2050, 2999] {
            let end = not_after(&certificate(year)).unwrap();
            assert_eq!(end.to_rfc3339(), format!("{year}-02-28T00:00:00+00:00"));
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_end() {
        let whole = certificate(2027);
        for cut in 0..150 {
            assert_eq!(not_after(&whole[..cut]), None, "{cut}");
        }
        for text in ["", "0", "not a certificate", "\u{30}\u{7f}"] {
            assert_eq!(not_after(text.as_bytes()), None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..400, byte: u8) {
            let _ = not_after(&bytes);
            let _ = instant(UTC_TIME, &bytes);
            bytes.clear();
            bytes.extend(certificate_once());
            let index = at % bytes.len();
            bytes[index] = byte;
            let _ = not_after(&bytes);
        }
    }

    fn certificate_once() -> &'static [u8] {
        static MADE: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
        MADE.get_or_init(|| certificate(2027))
    }
}
