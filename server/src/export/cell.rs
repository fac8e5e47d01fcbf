//! Values as cells: what a program can read again.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

/// An instant as RFC 3339 in UTC; nothing where there is none.
#[must_use]
pub fn instant(at: Option<DateTime<Utc>>) -> String {
    at.map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true)).unwrap_or_default()
}

/// A number, an id or a text as it is; nothing where there is none.
#[must_use]
pub fn plain(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

/// One of several words, as the API writes it; nothing where there is none.
#[must_use]
pub fn word(value: Option<impl Serialize>) -> String {
    let text = value.and_then(|value| serde_json::to_value(value).ok());
    text.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}
