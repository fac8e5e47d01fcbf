//! Bounding of text that came from the other side.

/// Cuts `s` to `max` characters and removes what must not reach a database, a log or a page: NUL and other control
/// characters (line feed and tab become spaces) and the characters that reorder or hide text (bidirectional controls,
/// zero-width ones).
#[must_use]
pub fn clean_line(s: &str, max: usize) -> String {
    s.chars()
        .filter_map(|c| match c {
            '\n' | '\t' => Some(' '),
            c if c.is_control() || is_deceptive(c) => None,
            c => Some(c),
        })
        .take(max)
        .collect::<String>()
        .trim()
        .to_owned()
}

/// Like [`clean_line`] for text of several lines (command output): line feeds, carriage returns, tabs, backspaces, escape
/// (ANSI colours) and bell (which ends a window's title) stay, NUL and other control characters become U+FFFD, and
/// nothing is cut.
#[must_use]
pub fn clean_block(s: &str) -> String {
    s.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' | '\x07' | '\x08' | '\x1b' => c,
            c if c.is_control() => '\u{FFFD}',
            c => c,
        })
        .collect()
}

/// Cleans in place; `None` when nothing is left.
pub fn clean_option(s: &mut Option<String>, max: usize) {
    if let Some(text) = s {
        let cleaned = clean_line(text, max);
        *s = (!cleaned.is_empty()).then_some(cleaned);
    }
}

/// Bidirectional controls and zero-width characters (Unicode TR 36, "bidirectional text spoofing").
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_loses_controls_and_spoofing_characters_and_is_cut() {
        assert_eq!(clean_line("a\0b\u{202E}c\nd\u{1b}[31m", 64), "abc d[31m");
        assert_eq!(clean_line(&"x".repeat(300), 255).chars().count(), 255);
        assert_eq!(clean_line("<script>alert(1)</script>", 64), "<script>alert(1)</script>");
    }

    #[test]
    fn a_block_keeps_lines_and_what_steers_a_terminal_but_no_nul() {
        assert_eq!(clean_block("a\r\n\u{1b}[1mb\0\u{1}"), "a\r\n\u{1b}[1mb\u{FFFD}\u{FFFD}");
        assert_eq!(clean_block("\u{1b}]0;title\u{7}b\u{8}"), "\u{1b}]0;title\u{7}b\u{8}");
    }
}
