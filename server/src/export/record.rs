//! Records of a CSV file, as RFC 4180 has them, for spreadsheets that are not to be tricked.

use crate::core::{Error, Result};

/// Tells spreadsheets that the text is UTF-8.
pub const BYTE_ORDER_MARK: &str = "\u{FEFF}";

/// What a spreadsheet takes for the beginning of a formula (OWASP, CSV Injection).
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

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
    if cell.starts_with(FORMULA) && cell.parse::<i64>().is_err() { format!("'{cell}") } else { cell }
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
        assert_eq!(record(&["-1073741510", "a=b", "'", "7"]), "-1073741510,a=b,',7\r\n");
    }
}
