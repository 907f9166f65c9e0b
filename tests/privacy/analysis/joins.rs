//! L-2: do a record that names somebody and a record of a review share eight bytes? What a newcomer would get wrong: they
//! all share the protocol's words. What stands in the public manifest and methodology is left out; all else counts.

use std::collections::HashSet;

use ejf::credential::encoding::from_base64url;
use serde_json::Value as Json;

use super::attributes::Known;
use crate::caller::body;
use crate::evidence::{Evidence, Table, Value};
use crate::population::Truth;

const WINDOW: usize = 8;
/// Tables of the registry whose rows are public documents or rules, and name nobody.
const PUBLIC: &[&str] = &["methodologies", "cycle_documents", "indicators", "pg_stat", "__diesel_schema_migrations"];

/// Places in the registry and its transcripts that share eight bytes with a review; `public` are documents for everyone.
pub fn search(evidence: &Evidence, truth: &Truth, public: &[&[u8]]) -> Vec<String> {
    let mut constants = HashSet::new();
    for document in public {
        add(&mut constants, document);
        if let Ok(json) = serde_json::from_slice::<Json>(document) {
            leaves(&json, &mut |bytes| add(&mut constants, bytes));
        }
    }
    let known = Known::new(&truth.reviews);
    let mut of_reviews = HashSet::new();
    for table in &evidence.of_box {
        for row in table.rows.iter().filter(|row| known.of(&row.values).is_some()) {
            row.values.iter().for_each(|value| parts(value, &mut |bytes| add(&mut of_reviews, bytes)));
        }
    }
    of_reviews.retain(|window| !constants.contains(window));
    let is_shared = |bytes: &[u8]| bytes.windows(WINDOW).any(|window| of_reviews.contains(&key(window)));
    let mut hits = Vec::new();
    for table in evidence.of_registry.iter().filter(|table| !PUBLIC.contains(&table.name.as_str())) {
        hits.extend(shared_columns(table, &is_shared));
    }
    // A proxy knows who calls.
    let of_proxy = evidence.files.iter().filter(|file| file.is_of_proxy() && is_shared(&file.bytes));
    hits.extend(of_proxy.map(|file| format!("file {}", file.name)));
    for passed in &evidence.transcript {
        for json in [&passed.request, &passed.answer].into_iter().filter_map(|message| body(message)) {
            leaves(&json, &mut |bytes| {
                if is_shared(bytes) {
                    hits.push("transcript".to_owned());
                }
            });
        }
    }
    hits.sort_unstable();
    hits.dedup();
    hits
}

fn shared_columns(table: &Table, is_shared: &dyn Fn(&[u8]) -> bool) -> Vec<String> {
    let mut hits = Vec::new();
    for row in &table.rows {
        for (column, value) in table.columns.iter().zip(&row.values) {
            parts(value, &mut |bytes| {
                if is_shared(bytes) {
                    hits.push(format!("registry {}.{}", table.name, column.name));
                }
            });
        }
    }
    hits
}

fn key(window: &[u8]) -> u64 {
    u64::from_be_bytes(window.try_into().unwrap())
}

fn add(windows: &mut HashSet<u64>, bytes: &[u8]) {
    windows.extend(bytes.windows(WINDOW).map(key));
}

/// What a value holds: as it is, and as what it encodes.
fn parts(value: &Value, visit: &mut dyn FnMut(&[u8])) {
    match value {
        Value::Null | Value::Int(_) | Value::Real(_) => {}
        Value::Text(_) | Value::Blob(_) => match serde_json::from_slice::<Json>(value.bytes()) {
            Ok(json) if json.is_object() || json.is_array() => leaves(&json, visit),
            _ => text_or_bytes(value.bytes(), visit),
        },
    }
}

fn leaves(json: &Json, visit: &mut dyn FnMut(&[u8])) {
    match json {
        Json::Object(members) => members.values().for_each(|member| leaves(member, visit)),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, visit)),
        Json::String(text) => text_or_bytes(text.as_bytes(), visit),
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn text_or_bytes(bytes: &[u8], visit: &mut dyn FnMut(&[u8])) {
    visit(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    // What is no base64 has been visited as it is.
    if let Ok(decoded) = from_base64url(text) {
        visit(&decoded);
    }
    if let Ok(uuid) = uuid::Uuid::parse_str(text) {
        visit(uuid.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use ejf::credential::encoding::to_base64url;

    use super::*;
    use crate::analysis::attributes::tests::reviews;
    use crate::evidence::{Column, RawFile, Row};

    fn table(name: &str, values: Vec<Value>) -> Table {
        let columns = (0..values.len()).map(|at| Column { name: format!("c{at}"), kind: String::new() }).collect();
        Table { name: name.to_owned(), columns, rows: vec![Row { values, places: Vec::new() }], sql: String::new() }
    }

    #[test]
    fn shared_bytes_are_found_however_they_are_written_unless_they_are_public() {
        let truth = Truth { reviews: reviews(3, 2), ..Truth::default() };
        let session = [0xa7, 3, 91, 17, 200, 201, 7, 9];
        let body = format!("{{\"note\":\"{}\",\"who\":\"judge of the north\"}}", to_base64url(&session));
        let review = table("review", vec![Value::Blob(truth.reviews[0].epk.to_vec()), Value::Blob(body.into_bytes())]);
        let hits = |of_registry: Table, public: &[&[u8]]| {
            let evidence =
                Evidence { of_box: vec![review.clone()], of_registry: vec![of_registry], ..Evidence::default() };
            search(&evidence, &truth, public)
        };
        let log = RawFile { name: "nginx/log".to_owned(), bytes: session.to_vec(), modified: 0, changed: 0 };
        let evidence = Evidence { of_box: vec![review.clone()], files: vec![log], ..Evidence::default() };
        assert_eq!(search(&evidence, &truth, &[]), ["file nginx/log"]);
        let padded = [&[1, 2, 3], &session[..], &[4]].concat();
        assert_eq!(hits(table("sessions", vec![Value::Null, Value::Blob(padded)]), &[]), ["registry sessions.c1"]);
        let name = || table("judges", vec![Value::Text("a judge of the north, invented".to_owned())]);
        assert_eq!(hits(name(), &[]).len(), 1);
        assert_eq!(hits(name(), &[b"{\"title\":\"a judge of the north\"}"]), [""; 0]);
        assert_eq!(hits(table("judges", vec![Value::Text("judge of".to_owned())]), &[]).len(), 1);
        assert_eq!(hits(table("judges", vec![Value::Text("judge o".to_owned())]), &[]), [""; 0]);
    }
}
