//! Replacing the values of secrets in text that arrives in pieces.

use gururmm_protocol::command::REDACTED;

/// Holds back at most the longest secret less one byte, so that no secret leaves in two halves.
#[derive(Clone)]
pub struct Redactor {
    /// Longest first, so that at one place the longest match wins; none empty.
    secrets: Vec<String>,
    /// Whether any secret begins with this byte.
    first: [bool; 256],
    held: String,
}

impl Redactor {
    /// Empty values are ignored.
    pub fn new<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let mut secrets: Vec<String> = secrets.filter(|secret| !secret.is_empty()).map(str::to_owned).collect();
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        let mut first = [false; 256];
        for secret in &secrets {
            first[usize::from(secret.as_bytes()[0])] = true;
        }
        Self { secrets, first, held: String::new() }
    }

    /// Takes in text and gives what certainly holds no secret.
    pub fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        self.scan(false)
    }

    /// The end: the rest.
    pub fn finish(&mut self) -> String {
        self.scan(true)
    }

    fn scan(&mut self, end: bool) -> String {
        let held = std::mem::take(&mut self.held);
        if self.secrets.is_empty() {
            return held;
        }
        let bytes = held.as_bytes();
        let mut out = String::with_capacity(held.len());
        let (mut copied, mut at) = (0, 0);
        while at < bytes.len() {
            if !self.first[usize::from(bytes[at])] {
                at += 1;
                continue;
            }
            let rest = &bytes[at..];
            let could_grow = |secret: &&String| secret.len() > rest.len() && secret.as_bytes().starts_with(rest);
            if !end && self.secrets.iter().any(|secret| could_grow(&secret)) {
                break;
            }
            if let Some(secret) = self.secrets.iter().find(|secret| rest.starts_with(secret.as_bytes())) {
                out.push_str(&held[copied..at]);
                out.push_str(REDACTED);
                at += secret.len();
                copied = at;
            } else {
                at += 1;
            }
        }
        out.push_str(&held[copied..at]);
        held[at..].clone_into(&mut self.held);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redact(secrets: &[&str], pieces: &[&str]) -> String {
        let mut redactor = Redactor::new(secrets.iter().copied());
        let mut out: String = pieces.iter().map(|piece| redactor.push(piece)).collect();
        out.push_str(&redactor.finish());
        out
    }

    #[test]
    fn matches_across_pieces_and_prefers_the_longest() {
        assert_eq!(redact(&["hunter2"], &["x hun", "te", "r2 y"]), "x [redacted] y");
        assert_eq!(redact(&["abc", "abcdef"], &["abc", "def abc"]), "[redacted] [redacted]");
        assert_eq!(redact(&["abcdef"], &["abc", "xyz"]), "abcxyz");
        assert_eq!(redact(&[""], &["abc"]), "abc");
        assert_eq!(redact(&["aab"], &["aa", "ab"]), "a[redacted]");
    }

    #[test]
    fn text_that_cannot_become_a_secret_is_not_held_back() {
        let mut redactor = Redactor::new(["secret"].into_iter());
        assert_eq!(redactor.push("hello"), "hello");
        assert_eq!(redactor.push("se"), "");
        assert_eq!(redactor.push("t"), "set");
    }
}
