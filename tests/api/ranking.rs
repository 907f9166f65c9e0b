//! No ranking of judges and no one number for all of them, anywhere: not in an answer, an event, an export, a page or a printed
//! text (`domain.md` R-26). What a newcomer would get wrong: a place in a list is enough; whoever knows it has a rank.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::requests::document;

/// Parts of names that would stand for a rank, or for one number over unlike things.
const FORBIDDEN: [&str; 14] = [
    "rank",
    "percentile",
    "league",
    "leader_",
    "composite",
    "rating",
    "overall_score",
    "total_score",
    "score",
    "place",
    "best",
    "worst",
    "top_",
    "bottom_",
];

/// What has such a name and is neither: where it stands, and what it is.
const ALLOWED: [(&str, &str); 2] = [
    // Of an act of the judge among the acts drawn.
    ("ReadingActView", "place"),
    // Of an examination after training, told by its provider.
    ("TrainingFields", "score"),
];

/// Every name that a document tells: members, words of closed lists, parameters, paths and events, each with its schema.
fn names(node: &Value, schema: &str, found: &mut BTreeSet<(String, String)>) {
    let mut tell = |name: &str| {
        found.insert((schema.to_owned(), name.to_owned()));
    };
    match node {
        Value::Object(members) => {
            for (key, value) in members {
                match (key.as_str(), value) {
                    ("properties" | "paths" | "webhooks", Value::Object(named)) => {
                        named.keys().for_each(|name| tell(name));
                    }
                    ("enum", Value::Array(words)) => words.iter().filter_map(Value::as_str).for_each(&mut tell),
                    ("name" | "operationId", Value::String(name)) => tell(name),
                    _ => {}
                }
            }
            for (key, value) in members {
                // Examples are values; what they may hold is said by the schemas.
                if key != "example" && key != "examples" {
                    names(value, schema, found);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, schema, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The names of a document that stand for a rank, each with its schema.
fn ranks(document: &Value) -> Vec<String> {
    let mut found = BTreeSet::new();
    let (mut schemas, mut rest) = (Value::Null, document.clone());
    if let Some(components) = rest.pointer_mut("/components/schemas") {
        schemas = components.take();
    }
    for (schema, node) in schemas.as_object().into_iter().flatten() {
        names(node, schema, &mut found);
    }
    names(&rest, "", &mut found);
    // What replaces something has no place by that.
    let is_rank = |name: &str| FORBIDDEN.iter().any(|part| name.replace("replace", "").contains(part));
    let is_allowed = |schema: &str, name: &str| ALLOWED.contains(&(schema, name));
    let found = found.into_iter().filter(|(schema, name)| is_rank(name) && !is_allowed(schema, name));
    found.map(|(schema, name)| format!("{schema}.{name}")).collect()
}

#[test]
fn nothing_that_the_document_tells_is_a_rank_or_one_number_for_all() {
    let document = document();
    assert_eq!(ranks(&document), [""; 0]);
    let mut ranked = document;
    ranked["components"]["schemas"]["ResultView"]["properties"]["rank"] = Value::Null;
    ranked["webhooks"]["evaluation.ranked"] = Value::Null;
    let told = ranks(&ranked);
    assert_eq!(told, [".evaluation.ranked", "ResultView.rank"], "the search finds one where there is one");
}

#[test]
fn no_text_of_a_page_a_notice_a_figure_or_a_printed_file_speaks_of_a_rank_but_to_say_that_there_is_none() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (language, stems) in [
        ("en", &["rank", "percentile", "league table", "best judge"][..]),
        ("ru", &["рейтинг", "ранжир", "перцентил", "место среди"]),
        ("kk", &["рейтинг", "ранг", "перцентиль"]),
    ] {
        let texts = fs::read_to_string(top.join(format!("texts/{language}.ftl"))).unwrap();
        let speaks = |line: &&str| stems.iter().any(|stem| line.to_lowercase().contains(stem));
        let spoken: Vec<&str> = texts.lines().filter(speaks).map(|line| line.split(' ').next().unwrap()).collect();
        assert_eq!(spoken, ["file-note-derived"], "{language}");
    }
}
