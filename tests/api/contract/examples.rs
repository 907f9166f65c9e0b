//! Every example in the document against its schema, and every example of a body against the type that reads it.

use ejf::domain::policy::StaffRole;
use serde_json::Value;

use super::schema;
use crate::harness::App;
use crate::requests::{World, document, operations, resolve};

/// The rules of a 422 that a body breaks by itself, whatever the service holds.
const OWN_RULES: &[&str] =
    &["required", "unknown", "type", "range", "length", "format", "one_of", "check_digit", "order"];

/// A line for each example that is not what its schema says.
pub fn breaches(document: &Value) -> Vec<String> {
    let mut breaches = Vec::new();
    walk(document, document, "", &mut breaches);
    breaches
}

fn walk(document: &Value, node: &Value, at: &str, breaches: &mut Vec<String>) {
    match node {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(document, item, &format!("{at}/{index}"), breaches);
            }
        }
        Value::Object(members) => {
            check_examples(document, node, at, breaches);
            // What lies inside an example is no schema, whatever it looks like.
            for (name, member) in members.iter().filter(|(name, _)| !matches!(name.as_str(), "example" | "examples")) {
                walk(document, member, &format!("{at}/{}", name.replace('/', "~1")), breaches);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn check_examples(document: &Value, node: &Value, at: &str, breaches: &mut Vec<String>) {
    // Of a parameter or a media type the schema lies below; a schema's example is beside its own keywords.
    let schema = node.get("schema").filter(|schema| schema.is_object()).unwrap_or(node);
    let is_property_list = at.ends_with("/properties");
    let of_list = node["examples"].as_array().into_iter().flatten();
    for example in node.get("example").into_iter().chain(of_list).filter(|_| !is_property_list) {
        let complaints = schema::complaints(document, resolve(document, schema), example);
        breaches.extend(complaints.iter().map(|complaint| format!("{at}: example{complaint}")));
    }
}

#[tokio::test]
async fn the_example_of_every_body_is_read_by_the_type_behind_it() {
    let app = App::start().await;
    let world = World::create(&app).await;
    let client = app.staff(StaffRole::Administrator).await;
    let document = document();
    let mut breaches = Vec::new();
    for operation in operations(&document) {
        let request = world.request(&document, &operation);
        let answer = request.send(&client).await;
        let breaks_own_rule = answer.faults().iter().any(|(_, rule)| OWN_RULES.contains(&rule.as_str()));
        let is_misread = matches!(answer.status, 400 | 413 | 415) || (answer.status == 422 && breaks_own_rule);
        if request.body.is_some() && is_misread {
            breaches.push(format!("{}: {}", operation.id, answer.text));
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}
