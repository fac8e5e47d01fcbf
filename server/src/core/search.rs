//! What people type into search fields and name fields, made safe for SQL and for pages.

use super::{Error, FieldError, Result};

/// Longest search text, in characters.
const MAX_SEARCH: usize = 100;
/// Longest name of an organization, a site, an agent or a token, in characters.
const MAX_NAME: usize = 100;

/// The `LIKE` pattern that finds `text` anywhere; none for an empty search.
///
/// # Errors
/// 422 naming the parameter when the text is too long or holds control characters.
pub fn contains_pattern(field: &str, text: Option<&str>) -> Result<Option<String>> {
    Ok(checked(field, text)?.map(|text| format!("%{}%", escape(text))))
}

/// The `LIKE` pattern that finds what begins with `text`; none for an empty search.
///
/// # Errors
/// As [`contains_pattern`].
pub fn prefix_pattern(field: &str, text: Option<&str>) -> Result<Option<String>> {
    Ok(checked(field, text)?.map(|text| format!("{}%", escape(text))))
}

/// The `LIKE` patterns of one search, from the best match to the loosest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patterns {
    /// Only the text itself.
    pub exact: String,
    /// What begins with it.
    pub prefix: String,
    /// What holds it anywhere.
    pub contains: String,
}

/// The patterns of a search that cannot do without a text.
///
/// # Errors
/// 422 naming the parameter when the text is empty, too long or holds control characters.
pub fn patterns(field: &str, text: &str) -> Result<Patterns> {
    let text = checked(field, Some(text))?
        .ok_or_else(|| Error::invalid(field, format!("must be 1 to {MAX_SEARCH} characters")))?;
    let exact = escape(text);
    Ok(Patterns { prefix: format!("{exact}%"), contains: format!("%{exact}%"), exact })
}

/// Checks a name that a person gives: trimmed, 1 to 100 characters, no control characters.
///
/// # Errors
/// The field with what would be right.
pub fn name<'a>(field: &str, text: &'a str) -> Result<&'a str, FieldError> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > MAX_NAME || text.chars().any(char::is_control) {
        let message = format!("must be 1 to {MAX_NAME} characters, without line breaks or other control characters");
        return Err(FieldError { field: field.to_owned(), message });
    }
    Ok(text)
}

fn checked<'a>(field: &str, text: Option<&'a str>) -> Result<Option<&'a str>> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    if text.chars().count() > MAX_SEARCH || text.chars().any(char::is_control) {
        let message = format!("must be at most {MAX_SEARCH} characters, without control characters");
        return Err(Error::invalid(field, message));
    }
    Ok(Some(text))
}

fn escape(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_are_ordinary_characters_of_a_search() {
        assert_eq!(contains_pattern("q", Some(" 50%_\\ ")).unwrap().as_deref(), Some("%50\\%\\_\\\\%"));
        assert_eq!(prefix_pattern("q", Some("agent.")).unwrap().as_deref(), Some("agent.%"));
        assert_eq!(contains_pattern("q", Some("  ")).unwrap(), None);
        assert!(contains_pattern("q", Some("a\0b")).unwrap_err().to_string().starts_with("q:"));
        assert!(contains_pattern("q", Some(&"x".repeat(101))).is_err());
    }

    #[test]
    fn a_search_without_a_text_is_refused() {
        let found = patterns("q", " a_b ").unwrap();
        assert_eq!((&*found.exact, &*found.prefix, &*found.contains), ("a\\_b", "a\\_b%", "%a\\_b%"));
        assert!(patterns("q", "  ").unwrap_err().to_string().starts_with("q:"));
        assert!(patterns("q", &"x".repeat(101)).is_err());
    }

    #[test]
    fn names_are_trimmed_and_bounded() {
        assert_eq!(name("name", "  Ärzte & Söhne ").unwrap(), "Ärzte & Söhne");
        assert_eq!(name("name", &"ä".repeat(100)).unwrap().chars().count(), 100);
        for bad in ["", "  ", "a\nb", "a\0", &"x".repeat(101)] {
            assert_eq!(name("name", bad).unwrap_err().field, "name");
        }
    }
}
