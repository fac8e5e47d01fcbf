//! What could not be read, in words.

use std::collections::BTreeMap;

/// Most names in one sentence.
const NAMED: usize = 3;

/// One sentence for each error rather than one for each thing: a rule that forbids something forbids it everywhere.
#[must_use]
pub fn grouped(what: &str, failures: Vec<(String, String)>) -> Vec<String> {
    let mut by_error: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, error) in failures {
        by_error.entry(error).or_default().push(name);
    }
    let sentence = |(error, mut names): (String, Vec<String>)| {
        names.sort_unstable();
        let more = names.len().saturating_sub(NAMED);
        names.truncate(NAMED);
        let names = names.join(", ");
        if more == 0 {
            format!("{what} of {names}: {error}")
        } else {
            format!("{what} of {names} and {more} more: {error}")
        }
    };
    by_error.into_iter().map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_errors_are_told_once() {
        let failures = ["d", "a", "c", "b", "e"].map(|name| (name.to_owned(), "access denied".to_owned()));
        let mut failures = failures.to_vec();
        failures.push(("x".to_owned(), "gone".to_owned()));
        assert_eq!(
            grouped("configuration", failures),
            ["configuration of a, b, c and 2 more: access denied", "configuration of x: gone"]
        );
    }
}
