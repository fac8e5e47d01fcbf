//! Records of a CSV file, as RFC 4180 has them, for spreadsheets that are not to be tricked.

use crate::core::{Error, Result};

/// Tells spreadsheets that the text is UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection); the last four are the full-width signs.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\u{FF1D}', '\u{FF0B}', '\u{FF0D}', '\u{FF20}'];

/// After these a cell of its own may begin, whatever stands in quotes: where the comma is the decimal sign, a spreadsheet
/// splits at semicolons, and a quote in the middle of what it takes for a cell is no quote to it.
const BREAK: [char; 4] = [';', '\t', '\r', '\n'];

/// Records, each ended by CR LF.
///
/// # Errors
/// Never for what is written into memory.
pub fn records(rows: impl Iterator<Item = Vec<String>>) -> Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    for row in rows {
        writer.write_record(row.into_iter().map(safe)).map_err(Error::internal)?;
    }
    writer.into_inner().map_err(Error::internal)
}

/// The cell, so that no spreadsheet computes it: names, outputs and the like are written by machines that may be hostile.
/// A whole number stays a number.
fn safe(cell: String) -> String {
    if cell.parse::<i64>().is_ok() {
        return cell;
    }
    let mut safe = String::with_capacity(cell.len() + 1);
    let mut begins = true;
    for letter in cell.chars() {
        if begins && FORMULA.contains(&letter) {
            safe.push('\'');
        }
        safe.push(letter);
        begins = BREAK.contains(&letter) || begins && (letter.is_whitespace() || letter == '"');
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(cells: &[&str]) -> String {
        let row = cells.iter().map(|cell| (*cell).to_owned()).collect();
        String::from_utf8(records(std::iter::once(row)).unwrap()).unwrap()
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        assert_eq!(
            record(&["a", "b,c", "say \"hi\"", "two\nlines", ""]),
            "a,\"b,c\",\"say \"\"hi\"\"\",\"two\nlines\",\r\n"
        );
        assert_eq!(record(&["Ärzte", "a;b"]), "Ärzte,a;b\r\n");
    }

    #[test]
    fn nothing_is_computed_by_a_spreadsheet() {
        for formula in ["=1+1", "+cmd|' /C calc'!A0", "-1+1", "@SUM(A1)", "\tx", "-", "=", "-inf"] {
            assert_eq!(record(&[formula]), format!("'{formula}\r\n"));
        }
        assert_eq!(record(&["\rx"]), "\"'\rx\"\r\n");
        for (cell, safe) in [
            ("x;=cmd|'/C calc'!A0;y", "x;'=cmd|'/C calc'!A0;y"),
            ("x; +1", "x; '+1"),
            (" =1", " '=1"),
            ("\u{FF1D}1+1", "'\u{FF1D}1+1"),
            ("x;\u{FF20}SUM(A1)", "x;'\u{FF20}SUM(A1)"),
        ] {
            assert_eq!(record(&[cell]), format!("{safe}\r\n"));
        }
        assert_eq!(record(&["x\n=1"]), "\"x\n'=1\"\r\n");
        assert_eq!(record(&["x;\"=1"]), "\"x;\"\"'=1\"\r\n");
        assert_eq!(record(&["-1073741510", "a=b", "'", "7"]), "-1073741510,a=b,',7\r\n");
    }
}
