//! The rules that the document keeps, whatever it describes. What a newcomer would get wrong: a schema that only
//! answers use needs no bounds here, one that a request uses does, down to the last field.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::requests::{Operation, all_operations, body_schema, resolve};

/// Formats that bound a text by themselves.
const BOUNDED_FORMATS: &[&str] = &["uuid", "date", "date-time"];

/// A line for each breach.
pub fn breaches(document: &Value) -> Vec<String> {
    let mut breaches = Vec::new();
    let handlers = handlers();
    let mut ids = BTreeSet::new();
    for operation in all_operations(document) {
        if !ids.insert(operation.id.clone()) {
            breaches.push(format!("{}: two operations have this id", operation.id));
        }
        if !handlers.contains(&operation.id) {
            breaches.push(format!("{}: no handler has this name", operation.id));
        }
        let found = check_operation(document, &operation);
        breaches.extend(found.into_iter().map(|breach| format!("{}: {breach}", operation.id)));
    }
    find_dangling(document, document, &mut breaches);
    breaches
}

fn find_dangling(document: &Value, node: &Value, breaches: &mut Vec<String>) {
    if let Some(reference) = node["$ref"].as_str()
        && document.pointer(reference.trim_start_matches('#')).is_none()
    {
        breaches.push(format!("{reference} leads nowhere; name it in document() of src/app/document.rs"));
    }
    match node {
        Value::Array(items) => items.iter().for_each(|item| find_dangling(document, item, breaches)),
        Value::Object(members) => members.values().for_each(|member| find_dangling(document, member, breaches)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The names of all public functions of the listeners.
fn handlers() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            let heads = text.lines().filter_map(|line| line.strip_prefix("pub async fn "));
            names.extend(heads.map(|head| head.split(['(', '<']).next().unwrap().to_owned()));
        }
    }
    names
}

fn check_operation(document: &Value, operation: &Operation) -> Vec<String> {
    let item = &operation.item;
    let mut breaches = Vec::new();
    let words: Vec<&str> = operation.id.split('_').collect();
    let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    if words.len() < 2 || !words.iter().all(is_word) {
        breaches.push("is not verb_noun in snake_case".to_owned());
    }
    for part in ["summary", "description"] {
        if item[part].as_str().is_none_or(str::is_empty) {
            breaches.push(format!("has no {part}: write it as a doc comment (a line, a blank line, a paragraph)"));
        }
    }
    if item["summary"].as_str().is_some_and(|summary| summary.chars().count() > 120) {
        breaches.push("its summary is longer than a line".to_owned());
    }
    if item["tags"].as_array().is_none_or(|tags| tags.len() != 1) {
        breaches.push("needs exactly one tag".to_owned());
    }
    // Public ones say `security(())`; those that machine clients may call name the scope; the others say nothing and
    // inherit the document's.
    let is_for_machines = item["security"] == json!([{"bearer": []}, {"oauth2": item["security"][1]["oauth2"]}])
        && item["security"][1]["oauth2"].as_array().is_some_and(|scopes| !scopes.is_empty());
    if item.get("security").is_some_and(|security| *security != json!([{}])) && !is_for_machines {
        breaches
            .push(format!("its security is neither absent, nor (()), nor a person's or a scope: {}", item["security"]));
    }
    check_parameters(document, operation, &mut breaches);
    check_responses(document, operation, &mut breaches);
    if let Some(body) = body_schema(document, operation) {
        check_request_schema(document, body, "", &mut Vec::new(), &mut breaches);
    }
    breaches
}

fn check_parameters(document: &Value, operation: &Operation, breaches: &mut Vec<String>) {
    let parameters = operation.item["parameters"].as_array().cloned().unwrap_or_default();
    let mut in_path = BTreeSet::new();
    for parameter in &parameters {
        let parameter = resolve(document, parameter);
        let name = parameter["name"].as_str().unwrap();
        if parameter["in"] == "path" {
            in_path.insert(format!("{{{name}}}"));
        }
        if parameter["description"].as_str().is_none_or(str::is_empty) {
            breaches.push(format!("parameter {name}: has no description"));
        }
        let mut found = Vec::new();
        check_request_schema(document, &parameter["schema"], "", &mut Vec::new(), &mut found);
        breaches.extend(found.into_iter().map(|breach| format!("parameter {name}: {breach}")));
    }
    let wanted: BTreeSet<String> =
        operation.path.split('/').filter(|part| part.starts_with('{')).map(str::to_owned).collect();
    if in_path != wanted {
        breaches.push(format!("declares {in_path:?} of the path {}: use params((…))", operation.path));
    }
}

fn check_responses(document: &Value, operation: &Operation, breaches: &mut Vec<String>) {
    let item = &operation.item;
    for (status, response) in item["responses"].as_object().unwrap() {
        let response = resolve(document, response);
        if response["description"].as_str().is_none_or(str::is_empty) {
            breaches.push(format!("{status}: has no description"));
        }
        let is_problem = status.starts_with(['4', '5']);
        let schema = &response["content"]["application/problem+json"]["schema"]["$ref"];
        // The box's answers are of one size and in English: a type of their own.
        let is_of_box = item["tags"].as_array().is_some_and(|tags| tags.iter().any(|tag| tag == "ballot"));
        let problem = if is_of_box { "BallotProblem" } else { "Problem" };
        // The libraries of OAuth read answers of their own.
        let is_of_oauth = operation.path == "/oauth2/token"
            && response["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/TokenRefusalView";
        if is_problem
            && !is_of_oauth
            && (*schema != format!("#/components/schemas/{problem}")
                || response["content"].as_object().unwrap().len() != 1)
        {
            breaches.push(format!("{status}: is not a Problem; take it from src/problem/responses.rs"));
        }
    }
}

/// Every part of what a caller may send has its bound.
fn check_request_schema<'a>(
    document: &'a Value,
    schema: &'a Value,
    at: &str,
    entered: &mut Vec<&'a str>,
    breaches: &mut Vec<String>,
) {
    if let Some(reference) = schema["$ref"].as_str() {
        // A type that holds itself is checked once.
        if entered.contains(&reference) {
            return;
        }
        entered.push(reference);
        check_request_schema(document, resolve(document, schema), at, entered, breaches);
        entered.pop();
        return;
    }
    let mut complain = |what: &str| breaches.push(format!("{at}: {what}"));
    let is_closed = schema.get("enum").is_some() || schema.get("const").is_some();
    if is_a(schema, "string") && !is_closed {
        let has_format = schema["format"].as_str().is_some_and(|format| BOUNDED_FORMATS.contains(&format));
        if !has_format && schema.get("maxLength").is_none() {
            complain("a text without max_length");
        }
    }
    if (is_a(schema, "integer") || is_a(schema, "number")) && !is_closed {
        for bound in ["minimum", "maximum"].iter().filter(|bound| schema.get(**bound).is_none()) {
            complain(&format!("a number without {bound}"));
        }
    }
    if is_a(schema, "array") && schema.get("maxItems").is_none() {
        complain("a list without max_items");
    }
    let is_record = schema.get("properties").is_some();
    if is_record && schema["additionalProperties"] != false {
        complain("a type that takes unknown fields; add #[serde(deny_unknown_fields)]");
    }
    if is_a(schema, "object") && !is_record && schema["additionalProperties"].is_object() {
        if schema.get("maxProperties").is_none() {
            complain("a map without max_properties");
        }
    } else if is_a(schema, "object") && !is_record && schema["additionalProperties"] != false {
        complain("an object without properties: anything goes");
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        check_request_schema(document, property, &format!("{at}/{name}"), entered, breaches);
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(keyword).filter(|inner| inner.is_object()) {
            check_request_schema(document, inner, &format!("{at}/*"), entered, breaches);
        }
    }
    for keyword in ["oneOf", "anyOf", "allOf", "prefixItems"] {
        for inner in schema[keyword].as_array().into_iter().flatten() {
            check_request_schema(document, inner, at, entered, breaches);
        }
    }
}

fn is_a(schema: &Value, kind: &str) -> bool {
    match &schema["type"] {
        Value::String(only) => only == kind,
        Value::Array(kinds) => kinds.iter().any(|one| one == kind),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema_breaches(schema: Value) -> Vec<String> {
        let mut breaches = Vec::new();
        check_request_schema(&json!({}), &schema, "", &mut Vec::new(), &mut breaches);
        breaches
    }

    #[test]
    fn each_missing_bound_is_seen_and_a_bounded_schema_is_not() {
        for (schema, count) in [
            (json!({"type": "string"}), 1),
            (json!({"type": ["string", "null"]}), 1),
            (json!({"type": "string", "format": "date"}), 0),
            (json!({"type": "integer"}), 2),
            (json!({"type": "integer", "minimum": 0, "maximum": 9}), 0),
            (json!({"type": "array", "items": {"type": "string"}}), 2),
            (json!({"type": "object", "properties": {"a": {"type": "string"}}}), 2),
            (json!({"type": "object", "properties": {"a": {"enum": ["b"]}}, "additionalProperties": false}), 0),
            (json!({"type": "object", "additionalProperties": {"type": "boolean"}}), 1),
            (json!({"type": "object"}), 1),
            (json!({"oneOf": [{"type": "string"}, {"type": "null"}]}), 1),
        ] {
            assert_eq!(schema_breaches(schema.clone()).len(), count, "{schema}");
        }
    }

    #[test]
    fn an_operation_without_its_parts_is_seen() {
        let item =
            json!({"operationId": "Get", "security": [{"other": []}], "responses": {"400": {"description": "x"}}});
        let operation = Operation {
            id: "Get".to_owned(),
            method: reqwest::Method::GET,
            path: "/v1/things/{thing}".to_owned(),
            is_public: false,
            item,
        };
        assert_eq!(check_operation(&json!({}), &operation).len(), 7);
    }
}
