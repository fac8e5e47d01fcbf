//! Text as programs of Windows write it, mixed as it comes: UTF-8, UTF-16, or the console's code page, in pieces.
//!
//! Nothing says which one it is, and one script's output may hold all three (`wsl --list` writes UTF-16 without a mark,
//! most others the code page of consoles, newer ones UTF-8). What is plain ASCII is the same in UTF-8 and in the code
//! pages and goes through at once. From the first other character on, what is left of the line is held: if it is valid
//! UTF-8 it is taken for that, otherwise for the code page. A NUL after a character is the other half of that character in
//! UTF-16.
//!
//! Every decision depends on the bytes alone and not on how they were cut.

/// Longest part of a line that is held until it is decided what it is.
const LONGEST_HELD: usize = 4_096;
const UTF8_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];
const UTF16_MARK: &[u8] = &[0xFF, 0xFE];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Nothing has been read: there may be a mark.
    Start,
    /// UTF-8 or the code page; whether a single-byte character has just been read, whose other half may follow.
    Bytes { after_single: bool },
    /// UTF-16, little-endian; whether a line begins.
    Wide { line_start: bool },
}

/// Decodes one stream.
pub struct Decoder {
    code_page: fn(&[u8]) -> String,
    mode: Mode,
    /// It began with the mark of UTF-16: all of it is.
    wide_throughout: bool,
    held: Vec<u8>,
}

impl Decoder {
    /// `code_page` decodes text of the console's code page, of which ASCII must be a part.
    pub const fn new(code_page: fn(&[u8]) -> String) -> Self {
        Self { code_page, mode: Mode::Start, wide_throughout: false, held: Vec::new() }
    }

    /// Takes in bytes and gives the text that is decided.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.held.extend_from_slice(bytes);
        self.read(false)
    }

    /// The end: the rest.
    pub fn finish(&mut self) -> String {
        self.read(true)
    }

    fn read(&mut self, end: bool) -> String {
        let held = std::mem::take(&mut self.held);
        let (mut text, mut rest) = (String::with_capacity(held.len()), held.as_slice());
        while !rest.is_empty() {
            let step = match self.mode {
                Mode::Start => self.mark(rest, end),
                Mode::Bytes { after_single } => self.bytes(rest, after_single, end, &mut text),
                Mode::Wide { line_start } => self.wide(rest, line_start, end, &mut text),
            };
            let Some(read) = step else { break };
            rest = &rest[read..];
        }
        self.held = rest.to_vec();
        text
    }

    /// Each of the following answers how many bytes it has used up, or nothing when it must see more.
    fn mark(&mut self, rest: &[u8], end: bool) -> Option<usize> {
        for mark in [UTF16_MARK, UTF8_MARK] {
            if rest.starts_with(mark) {
                self.wide_throughout = mark == UTF16_MARK;
                self.mode = if self.wide_throughout {
                    Mode::Wide { line_start: true }
                } else {
                    Mode::Bytes { after_single: false }
                };
                return Some(mark.len());
            }
            if !end && mark.starts_with(rest) {
                return None;
            }
        }
        self.mode = Mode::Bytes { after_single: false };
        Some(0)
    }

    fn bytes(&mut self, rest: &[u8], after_single: bool, end: bool, text: &mut String) -> Option<usize> {
        let plain = rest.iter().position(|byte| *byte == 0 || !byte.is_ascii()).unwrap_or(rest.len());
        if plain > 0 {
            text.extend(rest[..plain].iter().map(|byte| char::from(*byte)));
            self.mode = Mode::Bytes { after_single: true };
            return Some(plain);
        }
        if rest[0] == 0 {
            if rest.len() < 3 && !end {
                return None;
            }
            let wide = after_single && rest.get(1..3).is_none_or(is_wide);
            self.mode = if wide {
                Mode::Wide { line_start: text.ends_with('\n') }
            } else {
                Mode::Bytes { after_single: false }
            };
            return Some(1);
        }
        let window = &rest[..rest.len().min(LONGEST_HELD)];
        let cut = match window.iter().position(|byte| matches!(byte, 0 | b'\r' | b'\n')) {
            Some(line_end) => line_end,
            // No character of any code page ends with a byte below 0x40 unless that is one by itself.
            None if window.len() == LONGEST_HELD => {
                window.iter().rposition(|byte| *byte < 0x40).map_or(LONGEST_HELD, |last| last + 1)
            }
            None if end => window.len(),
            None => return None,
        };
        let part = &rest[..cut];
        match std::str::from_utf8(part) {
            Ok(valid) => text.push_str(valid),
            // A character of Latin-1 whose other half follows.
            Err(_) if cut == 1 && rest.get(1) == Some(&0) => text.push(char::from(part[0])),
            Err(_) => text.push_str(&(self.code_page)(part)),
        }
        self.mode = Mode::Bytes { after_single: cut == 1 || part[cut - 1].is_ascii() };
        Some(cut)
    }

    fn wide(&mut self, rest: &[u8], line_start: bool, end: bool, text: &mut String) -> Option<usize> {
        let Some((pair, after)) = rest.split_first_chunk::<2>() else {
            // Half a unit.
            return end.then(|| {
                text.push(char::REPLACEMENT_CHARACTER);
                1
            });
        };
        if line_start && !self.wide_throughout && !is_wide(pair) && !line_is_wide(rest, end)? {
            self.mode = Mode::Bytes { after_single: false };
            return Some(0);
        }
        let unit = u16::from_le_bytes(*pair);
        self.mode = Mode::Wide { line_start: unit == u16::from(b'\n') };
        let low = match after.first_chunk::<2>() {
            Some(low) => Some(u16::from_le_bytes(*low)),
            None if is_high_surrogate(unit) && !end => return None,
            None => None,
        };
        if let (true, Some(low)) = (is_high_surrogate(unit), low)
            && let Some(Ok(character)) = char::decode_utf16([unit, low]).next()
        {
            text.push(character);
            return Some(4);
        }
        // A mark in the middle is that of another program's output.
        if unit != 0xFEFF {
            text.push(char::from_u32(u32::from(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        Some(2)
    }
}

const fn is_high_surrogate(unit: u16) -> bool {
    unit & 0xFC00 == 0xD800
}

/// Whether two bytes are surely one unit of UTF-16: Latin, or a script whose second byte is a control character in any
/// other reading (Greek, Cyrillic, Hebrew, Arabic ...).
fn is_wide(pair: &[u8]) -> bool {
    pair.get(1).is_some_and(|high| *high < 0x20 && !matches!(high, b'\t' | b'\n' | b'\r'))
}

/// Whether a line after one in UTF-16 is in UTF-16 too, where its first two bytes do not tell: by how it ends.
fn line_is_wide(rest: &[u8], end: bool) -> Option<bool> {
    let window = &rest[..rest.len().min(LONGEST_HELD)];
    match window.iter().position(|byte| *byte == b'\n') {
        Some(at) => match rest.get(at + 1) {
            Some(next) => Some(at % 2 == 0 && *next == 0),
            None => end.then_some(false),
        },
        None if end || window.len() == LONGEST_HELD => {
            // Mostly letters and spaces of ASCII, or no text in UTF-8 at all.
            let plain = window.iter().filter(|byte| byte.is_ascii_alphanumeric() || **byte == b' ').count();
            Some(plain * 4 < window.len() * 3 && std::str::from_utf8(window).is_err())
        }
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Latin-1 stands for a code page.
    fn latin1(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| char::from(*byte)).collect()
    }

    fn decode_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> String {
        let mut decoder = Decoder::new(latin1);
        let mut text: String = pieces.into_iter().map(|piece| decoder.push(piece)).collect();
        text.push_str(&decoder.finish());
        text
    }

    fn decode(bytes: &[u8]) -> String {
        decode_pieces([bytes])
    }

    fn utf16(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn utf8_first_then_the_code_page() {
        assert_eq!(decode("gr\u{fc}n \u{20ac}\n".as_bytes()), "gr\u{fc}n \u{20ac}\n");
        assert_eq!(decode(b"gr\xfcn\r\n"), "gr\u{fc}n\r\n");
        let mut mixed = b"Gr\xf6\xdfe\r\n".to_vec();
        mixed.extend("Gr\u{f6}\u{df}e\r\n".as_bytes());
        assert_eq!(decode(&mixed), "Gr\u{f6}\u{df}e\r\nGr\u{f6}\u{df}e\r\n", "line by line");
        assert_eq!(decode(b"\xEF\xBB\xBFhello"), "hello");
    }

    #[test]
    fn utf16_with_and_without_a_mark() {
        let text = "Windows-Subsystem f\u{fc}r Linux\r\n\r\n\u{418}\u{43c}\u{44f}\r\n\u{4e2d}\u{6587}\r\n\u{1F600}\r\n";
        assert_eq!(decode(&utf16(text)), text);
        let mut marked = UTF16_MARK.to_vec();
        marked.extend(utf16("\u{4e2d}\u{6587} only\r\n\u{4e2d}"));
        assert_eq!(decode(&marked), "\u{4e2d}\u{6587} only\r\n\u{4e2d}");
    }

    #[test]
    fn a_line_of_utf16_between_others() {
        let mut bytes = b"before\r\n".to_vec();
        bytes.extend(utf16("Ubuntu (Standard)\r\n"));
        bytes.extend(b"after\r\nschlie\xdflich\r\n");
        assert_eq!(decode(&bytes), "before\r\nUbuntu (Standard)\r\nafter\r\nschlie\u{df}lich\r\n");
        let mut bytes = utf16("\u{dc}bersicht\r\n");
        bytes.extend(b"\xfcber");
        assert_eq!(decode(&bytes), "\u{dc}bersicht\r\n\u{fc}ber");
    }

    #[test]
    fn a_stray_nul_spoils_nothing() {
        assert_eq!(decode(b"one\0two\r\nthree\r\n"), "onetwo\r\nthree\r\n");
        assert_eq!(decode(b"\0\0x"), "x");
    }

    #[test]
    fn what_is_plain_is_not_held_back() {
        let mut decoder = Decoder::new(latin1);
        assert_eq!(decoder.push(b"C:\\>"), "C:\\>");
        assert_eq!(decoder.push(b" f\xfc"), " f");
        assert_eq!(decoder.push(b"r\n"), "\u{fc}r\n");
        assert_eq!(decoder.finish(), "");
    }

    #[test]
    fn a_line_without_end_is_cut_behind_a_whole_character() {
        let mut line = b"\xfc ".repeat(3_000);
        line.push(0xFC);
        let mut decoder = Decoder::new(latin1);
        let early = decoder.push(&line);
        assert!(early.len() > LONGEST_HELD / 2 && early.ends_with(' '));
        assert_eq!(early + &decoder.finish(), "\u{fc} ".repeat(3_000) + "\u{fc}");
        assert_eq!(decode(&[0xFC; 10_000]).chars().count(), 10_000);
    }

    #[test]
    fn half_units_at_the_end() {
        assert_eq!(decode(&utf16("ab\u{1F600}")[..6]), "ab\u{fffd}");
        assert_eq!(decode(&utf16("ab")[..3]), "a\u{fffd}");
    }

    proptest! {
        #[test]
        fn however_the_bytes_arrive_the_text_is_the_same(
            parts in proptest::collection::vec(prop_oneof![
                "[a-z\u{e4}\u{4e2d}\u{416} ]{0,12}\r?\n?".prop_map(|text| utf16(&text)),
                "[a-z\u{e4}\u{4e2d} ]{0,12}\r?\n?".prop_map(String::into_bytes),
                proptest::collection::vec(any::<u8>(), 0..12),
                proptest::collection::vec(prop_oneof![Just(0_u8), Just(b'\n'), Just(b'a'), Just(0xFE), Just(0xFF)], 0..12),
            ], 0..8),
            cuts in proptest::collection::vec(0_usize..200, 0..8),
        ) {
            let bytes = parts.concat();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            prop_assert_eq!(decode_pieces(pieces), decode(&bytes));
        }

        #[test]
        fn utf8_of_any_script_is_kept(text in "[^\u{0}\r]{0,40}") {
            prop_assert_eq!(decode(text.as_bytes()), text.strip_prefix('\u{feff}').unwrap_or(&text));
        }

        #[test]
        fn utf16_with_a_mark_is_kept(text in "[^\u{feff}]{0,40}") {
            let mut bytes = UTF16_MARK.to_vec();
            bytes.extend(utf16(&text));
            prop_assert_eq!(decode(&bytes), text);
        }
    }
}
