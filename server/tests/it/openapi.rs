//! The API document: committed, so that a change of the API shows as a change of it, and the dashboard's client with it.

use std::collections::BTreeSet;

use gururmm_server::http::router::api_document;
use serde_json::Value;

fn document() -> Value {
    serde_json::to_value(api_document()).unwrap()
}

fn operations(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    document["paths"].as_object().unwrap().iter().flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| (format!("{method} {path}"), operation))
    })
}

#[test]
fn the_committed_document_is_that_of_the_router() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&document()).unwrap());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == text,
        "docs/openapi.json is not what the router serves; write it anew: UPDATE_OPENAPI=1 cargo nextest run -p \
         gururmm-server the_committed_document"
    );
}

#[test]
fn every_operation_is_named_once_described_and_says_how_it_fails() {
    let document = document();
    let mut names = BTreeSet::new();
    for (operation, body) in operations(&document) {
        let name = body["operationId"].as_str().unwrap_or_else(|| panic!("{operation} has no operationId"));
        assert!(names.insert(name.to_owned()), "operationId {name} stands twice, the second time at {operation}");
        assert!(body["summary"].is_string() || body["description"].is_string(), "{operation} is not described");
        let problem = &body["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
        assert_eq!(problem, "#/components/schemas/Problem", "{operation}");
    }
    assert!(names.len() > 20);
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, document: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
                }
                fields.values().for_each(|value| walk(value, document));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, document)),
            _ => {}
        }
    }
    let document = document();
    walk(&document, &document);
}
