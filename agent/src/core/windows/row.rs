//! Rows of WMI.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// One object of an answer: its properties by name. Older systems lack properties that newer ones have.
pub type Row = serde_json::Map<String, Value>;

/// Reads rows into a type; the number of those that do not fit comes with the others.
#[must_use]
pub fn typed<T: DeserializeOwned>(rows: Vec<Row>) -> (Vec<T>, usize) {
    let count = rows.len();
    let typed: Vec<T> = rows.into_iter().filter_map(|row| serde_json::from_value(Value::Object(row)).ok()).collect();
    let unfit = count - typed.len();
    (typed, unfit)
}

/// A number. 64-bit ones come as text, because that is how COM's automation types carry them.
///
/// # Errors
/// Never: what is no number is none.
pub fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    })
}

/// A text without surrounding space; an empty one is none.
///
/// # Errors
/// Never: what is no text is none.
pub fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        _ => None,
    })
}

#[cfg(test)]
pub(crate) fn rows(json: serde_json::Value) -> Vec<Row> {
    serde_json::from_value(json).unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[derive(Deserialize)]
    struct Disk {
        #[serde(default, deserialize_with = "number")]
        size: Option<u64>,
        #[serde(default, deserialize_with = "text")]
        model: Option<String>,
    }

    #[test]
    fn numbers_come_in_two_forms_and_anything_may_be_missing() {
        let answer = json!([
            {"size": "512110190592", "model": " Samsung "}, {"size": 5}, {"size": null, "model": ""}, {"size": [1]}
        ]);
        let (disks, unfit) = typed::<Disk>(rows(answer));
        assert_eq!(unfit, 0);
        let sizes: Vec<_> = disks.iter().map(|disk| disk.size).collect();
        assert_eq!(sizes, [Some(512_110_190_592), Some(5), None, None]);
        assert_eq!(disks[0].model.as_deref(), Some("Samsung"));
        assert_eq!(disks[2].model, None);
    }
}
