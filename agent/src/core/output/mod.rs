//! From a process's bytes to the text that leaves the machine: decoded, secrets replaced, limited, cut into chunks.

mod console;
mod redact;
mod utf8;

use gururmm_protocol::command::OutputStream;
use gururmm_protocol::limits::MAX_OUTPUT_CHUNK;
use gururmm_protocol::text::clean_block;

use redact::Redactor;

/// How programs write text.
#[derive(Debug, Clone, Copy)]
pub enum Encoding {
    /// As UTF-8.
    Utf8,
    /// As programs of Windows do: UTF-8, UTF-16, or the console's code page.
    Console {
        /// Decodes the code page.
        decode: fn(&[u8]) -> String,
        /// What a text becomes that a program wrote in yet another encoding, and that was taken for the code page.
        misread: fn(&str) -> Vec<String>,
    },
}

enum Decoder {
    Utf8(utf8::Decoder),
    Console(console::Decoder),
}

impl Decoder {
    fn new(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Utf8 => Self::Utf8(utf8::Decoder::default()),
            Encoding::Console { decode, .. } => Self::Console(console::Decoder::new(decode)),
        }
    }

    fn push(&mut self, bytes: &[u8]) -> String {
        match self {
            Self::Utf8(decoder) => decoder.push(bytes),
            Self::Console(decoder) => decoder.push(bytes),
        }
    }

    fn finish(&mut self) -> String {
        match self {
            Self::Utf8(decoder) => decoder.finish(),
            Self::Console(decoder) => decoder.finish(),
        }
    }
}

struct Stream {
    which: OutputStream,
    decoder: Decoder,
    redactor: Redactor,
    text: String,
}

/// Whether a misread secret can be recognized. A code page has question marks for what it lacks: of them alone nothing is;
/// those that the secret itself has were not put there.
fn is_telling(misread: &str, secret: &str) -> bool {
    let marks = |text: &str| text.chars().filter(|c| *c == '?').count();
    marks(misread) <= marks(secret) || misread.chars().count() - marks(misread) >= 4
}

/// The output of one command.
pub struct Output {
    streams: [Stream; 2],
    left: usize,
    dropped: u64,
}

impl Output {
    /// `limit` is in bytes of text over both streams; beyond it everything is dropped and counted.
    #[must_use]
    pub fn new<'a>(limit: u32, secrets: impl Iterator<Item = &'a str>, encoding: Encoding) -> Self {
        let mut secrets: Vec<String> = secrets.map(str::to_owned).collect();
        if let Encoding::Console { misread, .. } = encoding {
            let misread = secrets
                .iter()
                .filter(|secret| !secret.is_ascii())
                .flat_map(|secret| misread(secret).into_iter().filter(|text| is_telling(text, secret)));
            let misread: Vec<_> = misread.collect();
            secrets.extend(misread);
        }
        let redactor = Redactor::new(secrets.iter().map(String::as_str));
        let stream =
            |which| Stream { which, decoder: Decoder::new(encoding), redactor: redactor.clone(), text: String::new() };
        Self {
            streams: [stream(OutputStream::Stdout), stream(OutputStream::Stderr)],
            left: usize::try_from(limit).unwrap_or(usize::MAX),
            dropped: 0,
        }
    }

    /// Takes in what a stream gave.
    pub fn push(&mut self, which: OutputStream, bytes: &[u8]) {
        if self.left == 0 {
            self.dropped = self.dropped.saturating_add(bytes.len() as u64);
            return;
        }
        self.take_in(which, |stream| {
            let text = stream.decoder.push(bytes);
            stream.redactor.push(&text)
        });
    }

    /// A stream has ended: what was held back comes out.
    pub fn end(&mut self, which: OutputStream) {
        self.take_in(which, |stream| {
            let text = stream.decoder.finish();
            let mut out = stream.redactor.push(&text);
            out.push_str(&stream.redactor.finish());
            out
        });
    }

    fn take_in(&mut self, which: OutputStream, read: impl FnOnce(&mut Stream) -> String) {
        let Some(stream) = self.streams.iter_mut().find(|stream| stream.which == which) else { return };
        let text = clean_block(&read(stream));
        let end = text.floor_char_boundary(self.left);
        stream.text.push_str(&text[..end]);
        if end < text.len() {
            // Once something is dropped, nothing that comes later may be shown as if it followed.
            self.dropped = self.dropped.saturating_add((text.len() - end) as u64);
            self.left = 0;
        } else {
            self.left -= end;
        }
    }

    /// Whether a full chunk waits.
    #[must_use]
    pub fn has_full_chunk(&self) -> bool {
        self.streams.iter().any(|stream| stream.text.len() >= MAX_OUTPUT_CHUNK)
    }

    /// Whether any text waits.
    #[must_use]
    pub fn has_text(&self) -> bool {
        self.streams.iter().any(|stream| !stream.text.is_empty())
    }

    /// Takes out full chunks, and with `all` the remainders too.
    pub fn chunks(&mut self, all: bool) -> Vec<(OutputStream, String)> {
        let mut chunks = Vec::new();
        for stream in &mut self.streams {
            while stream.text.len() >= MAX_OUTPUT_CHUNK || (all && !stream.text.is_empty()) {
                let rest = stream.text.split_off(stream.text.floor_char_boundary(MAX_OUTPUT_CHUNK));
                chunks.push((stream.which, std::mem::replace(&mut stream.text, rest)));
            }
        }
        chunks
    }

    /// Bytes that were dropped over the limit.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn whole(output: &mut Output) -> String {
        output.end(OutputStream::Stdout);
        output.chunks(true).into_iter().map(|(_, text)| text).collect()
    }

    #[test]
    fn a_secret_split_over_reads_and_characters_is_replaced() {
        let secret = "p\u{e4}ss-w\u{f6}rd";
        let mut output = Output::new(1_000, [secret].into_iter(), Encoding::Utf8);
        for byte in format!("login {secret}!\n").bytes() {
            output.push(OutputStream::Stdout, &[byte]);
        }
        assert_eq!(whole(&mut output), "login [redacted]!\n");
    }

    #[test]
    fn a_secret_in_another_code_page_is_replaced_too() {
        fn latin1(bytes: &[u8]) -> String {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
        // Cyrillic, for example.
        fn misread(text: &str) -> Vec<String> {
            vec![text.replace('\u{e4}', "\u{444}"), latin1(text.as_bytes())]
        }
        let mut output =
            Output::new(1_000, ["p\u{e4}ss", "plain"].into_iter(), Encoding::Console { decode: latin1, misread });
        output.push(OutputStream::Stdout, b"1 p\xE4ss plain\n");
        output.push(OutputStream::Stdout, "2 p\u{444}ss\n".as_bytes());
        output.push(OutputStream::Stdout, b"3 p\xC3\xA4ss \xFF\n");
        assert_eq!(whole(&mut output), "1 [redacted] [redacted]\n2 [redacted]\n3 [redacted] \u{ff}\n");
    }

    #[test]
    fn question_marks_of_the_secret_itself_do_not_hide_it() {
        fn latin1(bytes: &[u8]) -> String {
            bytes.iter().map(|byte| char::from(*byte)).collect()
        }
        // Into a code page without the euro sign, and as UTF-8.
        fn misread(text: &str) -> Vec<String> {
            vec![text.replace('\u{20ac}', "?"), latin1(text.as_bytes())]
        }
        let redacted = |secret: &str, written: &[u8]| {
            let mut output = Output::new(1_000, [secret].into_iter(), Encoding::Console { decode: latin1, misread });
            output.push(OutputStream::Stdout, written);
            whole(&mut output)
        };
        assert_eq!(redacted("\u{e4}?", b"\xC3\xA4? \xFF"), "[redacted] \u{ff}");
        assert_eq!(redacted("a?b", b"a?b"), "[redacted]");
        assert_eq!(redacted("what?\u{20ac}", b"what??"), "[redacted]");
        assert_eq!(redacted("?\u{20ac}", b"so?? so??\n"), "so?? so??\n", "marks alone");
    }

    #[test]
    fn what_is_over_the_limit_is_dropped_and_counted() {
        let mut output = Output::new(5, std::iter::empty(), Encoding::Utf8);
        output.push(OutputStream::Stdout, "abcd\u{e4}".as_bytes());
        output.push(OutputStream::Stdout, b"more");
        assert_eq!(whole(&mut output), "abcd", "no half character");
        assert_eq!(output.dropped(), 2 + 4);
    }

    #[test]
    fn chunks_are_bounded_and_cut_between_characters() {
        let mut output = Output::new(1_000_000, std::iter::empty(), Encoding::Utf8);
        let text = "\u{20ac}".repeat(20_000);
        output.push(OutputStream::Stdout, text.as_bytes());
        let chunks = output.chunks(true);
        assert!(chunks.iter().all(|(_, chunk)| chunk.len() <= MAX_OUTPUT_CHUNK));
        assert_eq!(chunks.into_iter().map(|(_, chunk)| chunk).collect::<String>(), text);
    }

    proptest! {
        #[test]
        fn however_the_bytes_arrive_the_text_is_the_same(
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
            cuts in proptest::collection::vec(0_usize..200, 0..8),
        ) {
            let mut at_once = Output::new(10_000, ["ab"].into_iter(), Encoding::Utf8);
            at_once.push(OutputStream::Stdout, &bytes);
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let mut in_pieces = Output::new(10_000, ["ab"].into_iter(), Encoding::Utf8);
            for pair in cuts.windows(2) {
                in_pieces.push(OutputStream::Stdout, &bytes[pair[0]..pair[1]]);
            }
            let expected = clean_block(&String::from_utf8_lossy(&bytes).replace("ab", "[redacted]"));
            prop_assert_eq!(&whole(&mut in_pieces), &expected);
            prop_assert_eq!(&whole(&mut at_once), &expected);
        }

        #[test]
        fn no_secret_leaves(
            text in "[abc]{0,60}",
            secrets in proptest::collection::vec("[abc]{1,4}", 0..4),
            cut in 0_usize..60,
        ) {
            let mut output = Output::new(100_000, secrets.iter().map(String::as_str), Encoding::Utf8);
            let cut = cut.min(text.len());
            output.push(OutputStream::Stdout, &text.as_bytes()[..cut]);
            output.push(OutputStream::Stdout, &text.as_bytes()[cut..]);
            let out = whole(&mut output);
            for part in out.split("[redacted]") {
                for secret in &secrets {
                    prop_assert!(!part.contains(secret.as_str()), "{} in {}", secret, out);
                }
            }
        }
    }
}
