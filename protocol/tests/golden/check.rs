//! What is checked of one golden file.

use std::path::PathBuf;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Fields whose object is a map from names to values: an unknown entry there is data, not an unknown field.
const MAPS: [&str; 3] = ["environment", "secrets", "inventory"];

/// Reads a text as the golden's type, compares, and gives back what it encodes to; or what is wrong.
type Decode = dyn Fn(&str) -> Result<Value, String>;

/// One golden file and what it must decode to.
pub struct Golden {
    pub name: String,
    expected: Value,
    decode: Box<Decode>,
}

impl Golden {
    pub fn new<T>(name: impl Into<String>, value: T) -> Self
    where
        T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + 'static,
    {
        Self {
            name: name.into(),
            expected: serde_json::to_value(&value).unwrap(),
            decode: Box::new(move |text| {
                let decoded: T = serde_json::from_str(text).map_err(|error| error.to_string())?;
                if decoded != value {
                    return Err(format!("decodes to {decoded:?}\ninstead of {value:?}"));
                }
                Ok(serde_json::to_value(decoded).unwrap())
            }),
        }
    }

    pub fn text(&self) -> String {
        let path = folder().join(format!("{}.json", self.name));
        if !path.exists() && std::env::var_os("GURURMM_BLESS").is_some() {
            std::fs::write(&path, serde_json::to_string_pretty(&self.expected).unwrap() + "\n").unwrap();
        }
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn round_trip(&self) {
        let text = self.text();
        let encoded = (self.decode)(&text).unwrap_or_else(|problem| panic!("{}: {problem}", self.name));
        assert_eq!(encoded, serde_json::from_str::<Value>(&text).unwrap(), "{}", self.name);
    }

    pub fn with_unknown_fields(&self) {
        let mut value: Value = serde_json::from_str(&self.text()).unwrap();
        add_unknown_fields(&mut value);
        (self.decode)(&value.to_string()).unwrap_or_else(|problem| panic!("{} with {value}: {problem}", self.name));
    }
}

pub fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn add_unknown_fields(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields.iter_mut() {
                if !(inner.is_object() && MAPS.contains(&name.as_str())) {
                    add_unknown_fields(inner);
                }
            }
            fields.insert("from_the_future".into(), serde_json::json!({"nested": [1, null, "x"]}));
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown_fields),
        _ => {}
    }
}

/// Names the golden file of each variant of an enum. The match is exhaustive: a new variant does not compile without
/// a line here, and a line here wants a file.
macro_rules! variants {
    ($function:ident, $type:ty, { $($pattern:pat => $name:literal),+ $(,)? }) => {
        pub const fn $function(value: Option<&$type>) -> &'static [&'static str] {
            match value {
                None => &[$($name),+],
                $(Some($pattern) => &[$name],)+
            }
        }
    };
}

/// All values of an enum without content; the match is exhaustive, so a new one does not compile without a line here.
macro_rules! all_words {
    ($type:ident: $($variant:ident),+ $(,)?) => {{
        const fn known(value: &$type) -> bool {
            match value {
                $($type::$variant)|+ => true,
            }
        }
        let all = vec![$($type::$variant),+];
        assert!(all.iter().all(known));
        all
    }};
}

pub(crate) use {all_words, variants};
