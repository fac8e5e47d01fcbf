//! Keyset pages: every list is bounded, and a page follows from the last row of the one before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Error, Result};

/// Rows of a page when the caller does not say.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most rows of a page.
pub const MAX_LIMIT: u32 = 200;

/// One page of a list.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Give it back as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// Where a page starts and how long it is. `K` is the sort key of the list's last row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRequest<K> {
    /// The last row of the page before.
    pub after: Option<K>,
    /// Rows of this page, 1 to [`MAX_LIMIT`].
    pub limit: u32,
}

impl<K: Serialize + DeserializeOwned> PageRequest<K> {
    /// Reads `limit` and `cursor` of a query.
    ///
    /// # Errors
    /// 422 naming the parameter when the limit is out of range or the cursor is not one of this list's.
    pub fn parse(limit: Option<u32>, cursor: Option<&str>) -> Result<Self> {
        let limit = limit.unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            return Err(Error::invalid("limit", format!("must be 1 to {MAX_LIMIT}")));
        }
        let after = cursor.map(decode).transpose()?;
        Ok(Self { after, limit })
    }

    /// Rows to ask the store for: one more than the page, to see whether there is another.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Makes the page of the rows that [`Self::fetch`] brought.
    #[must_use]
    pub fn page<T>(&self, mut rows: Vec<T>, key: impl Fn(&T) -> K) -> Page<T> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = if more { rows.last().map(|row| encode(&key(row))) } else { None };
        Page { items: rows, next_cursor }
    }
}

impl<T> Page<T> {
    /// The same page with other rows.
    #[must_use]
    pub fn map<U>(self, f: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(f).collect(), next_cursor: self.next_cursor }
    }
}

fn encode<K: Serialize>(key: &K) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

fn decode<K: DeserializeOwned>(cursor: &str) -> Result<K> {
    let bad = || Error::invalid("cursor", "is not a cursor of this list; start again without it");
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| bad())?;
    let value: Value = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    // Postgres takes no NUL in a text, so no row's key has one.
    if has_nul(&value) {
        return Err(bad());
    }
    serde_json::from_value(value).map_err(|_| bad())
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.values().any(has_nul),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_points_to_the_next_only_when_there_is_one() {
        let request = PageRequest::<u32>::parse(Some(2), None).unwrap();
        assert_eq!(request.fetch(), 3);
        let page = request.page(vec![1, 2, 3], |row| *row);
        assert_eq!(page.items, [1, 2]);
        let next = PageRequest::<u32>::parse(Some(2), page.next_cursor.as_deref()).unwrap();
        assert_eq!(next.after, Some(2));
        assert_eq!(next.page(vec![3], |row| *row).next_cursor, None);
    }

    #[test]
    fn bad_parameters_are_named() {
        assert!(PageRequest::<u32>::parse(Some(0), None).unwrap_err().to_string().starts_with("limit:"));
        assert!(PageRequest::<u32>::parse(Some(201), None).is_err());
        assert!(PageRequest::<u32>::parse(None, Some("!")).unwrap_err().to_string().starts_with("cursor:"));
        let nul = encode(&("a\0b", 1));
        assert!(PageRequest::<(String, u32)>::parse(None, Some(&nul)).unwrap_err().to_string().starts_with("cursor:"));
    }
}
