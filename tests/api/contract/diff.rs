//! What a client of the older document would miss in the newer one. What a newcomer would get wrong: the same change is
//! harmless in an answer and breaks in a request, or the reverse, so each schema is compared in its direction.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::requests::{Operation, all_operations, body_schema, resolve};

/// Bounds that a request may only widen: those that must not grow, and those that must not shrink.
const LOWER: &[&str] = &["minimum", "minLength", "minItems", "minProperties"];
const UPPER: &[&str] = &["maximum", "maxLength", "maxItems", "maxProperties"];

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Direction {
    /// Clients write it: nothing that was taken may be refused.
    Request,
    /// Clients read it: nothing that was told may be missing, nor of another type.
    Answer,
}

/// A line for each thing that was taken back.
pub fn breaches(old: &Value, new: &Value) -> Vec<String> {
    let (before, current) = (all_operations(old), all_operations(new));
    let mut comparison = Comparison { old, new, seen: BTreeSet::new(), breaches: Vec::new() };
    for was in &before {
        let same = |is: &&Operation| is.method == was.method && is.path == was.path;
        match current.iter().find(same) {
            None => comparison.breaches.push(format!("{} {}: the operation is gone", was.method, was.path)),
            Some(is) => comparison.compare_operations(was, is),
        }
    }
    comparison.breaches
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    seen: BTreeSet<(String, Direction)>,
    breaches: Vec<String>,
}

impl<'a> Comparison<'a> {
    fn compare_operations(&mut self, was: &'a Operation, is: &'a Operation) {
        let id = &was.id;
        if was.id != is.id {
            self.breaches.push(format!("{id}: is called {} now", is.id));
        }
        if was.is_public && !is.is_public {
            self.breaches.push(format!("{id}: needs a token now"));
        }
        self.compare_parameters(was, is);
        match (body_schema(self.old, was), body_schema(self.new, is)) {
            (Some(was), Some(is)) => self.compare(was, is, &format!("{id} body"), Direction::Request),
            (None, Some(_)) => self.breaches.push(format!("{id}: needs a body now")),
            (_, None) => {}
        }
        for (status, response) in was.item["responses"].as_object().unwrap() {
            let response = resolve(self.old, response);
            let current = is.item["responses"].get(status).map(|response| resolve(self.new, response));
            if status.starts_with('2') && current.is_none() {
                self.breaches.push(format!("{id}: no longer answers {status}"));
            }
            let Some(current) = current else { continue };
            for (kind, content) in response["content"].as_object().into_iter().flatten() {
                match current["content"].get(kind) {
                    None => self.breaches.push(format!("{id} {status}: no longer answers {kind}")),
                    Some(now) => {
                        let at = format!("{id} {status}");
                        self.compare(&content["schema"], &now["schema"], &at, Direction::Answer);
                    }
                }
            }
        }
    }

    fn compare_parameters(&mut self, was: &'a Operation, is: &'a Operation) {
        let list = |operation: &'a Operation| operation.item["parameters"].as_array().map_or(&[][..], Vec::as_slice);
        let (old, new) = (self.old, self.new);
        let key = |parameter: &Value| (parameter["in"].clone(), parameter["name"].clone());
        let current: Vec<&Value> = list(is).iter().map(|parameter| resolve(new, parameter)).collect();
        for before in list(was).iter().map(|parameter| resolve(old, parameter)) {
            let at = format!("{} parameter {}", was.id, before["name"]);
            match current.iter().find(|now| key(now) == key(before)) {
                None => self.breaches.push(format!("{at}: is gone")),
                Some(now) => {
                    if now["required"] == true && before["required"] != true {
                        self.breaches.push(format!("{at}: is required now"));
                    }
                    self.compare(&before["schema"], &now["schema"], &at, Direction::Request);
                }
            }
        }
        for now in current {
            let is_new = !list(was).iter().any(|before| key(resolve(old, before)) == key(now));
            if is_new && now["required"] == true {
                self.breaches.push(format!("{}: needs the new parameter {}", was.id, now["name"]));
            }
        }
    }

    fn compare(&mut self, was: &'a Value, is: &'a Value, at: &str, direction: Direction) {
        if let (Some(was), Some(is)) = (was["$ref"].as_str(), is["$ref"].as_str())
            && !self.seen.insert((format!("{was} {is}"), direction))
        {
            return;
        }
        let (was, is) = (resolve(self.old, was), resolve(self.new, is));
        self.compare_types(was, is, at, direction);
        self.compare_values(was, is, at, direction);
        if direction == Direction::Request {
            self.compare_bounds(was, is, at);
        }
        self.compare_fields(was, is, at, direction);
        for keyword in ["items", "additionalProperties"] {
            if let (Some(was), Some(is)) = (was.get(keyword), is.get(keyword)) {
                self.compare(was, is, &format!("{at}/*"), direction);
            }
        }
        for keyword in ["oneOf", "anyOf", "allOf"] {
            let (Some(was), Some(is)) = (was[keyword].as_array(), is[keyword].as_array()) else { continue };
            if is.len() < was.len() {
                self.breaches.push(format!("{at}: a choice is gone"));
            }
            // Choices are added at the end: their order is part of what is compared.
            for (was, is) in was.iter().zip(is) {
                self.compare(was, is, at, direction);
            }
        }
    }

    fn compare_types(&mut self, was: &Value, is: &Value, at: &str, direction: Direction) {
        let (before, now) = (kinds(was), kinds(is));
        let (Some(before), Some(now)) = (before, now) else { return };
        let is_kept = match direction {
            Direction::Request => before.is_subset(&now),
            Direction::Answer => now.is_subset(&before),
        };
        if !is_kept {
            self.breaches.push(format!("{at}: was {before:?}, is {now:?}"));
        }
        if was.get("format") != is.get("format") {
            self.breaches.push(format!("{at}: had the format {}, has {}", was["format"], is["format"]));
        }
    }

    /// Enums only grow: a client of the older one knows that more may come.
    fn compare_values(&mut self, was: &Value, is: &Value, at: &str, direction: Direction) {
        let now = is["enum"].as_array();
        match (was["enum"].as_array(), now) {
            (Some(before), Some(now)) => {
                for gone in before.iter().filter(|value| !now.contains(value)) {
                    self.breaches.push(format!("{at}: the value {gone} is gone"));
                }
            }
            (None, Some(_)) if direction == Direction::Request && was.is_object() => {
                self.breaches.push(format!("{at}: takes only listed values now"));
            }
            (None | Some(_), None | Some(_)) => {}
        }
    }

    fn compare_bounds(&mut self, was: &Value, is: &Value, at: &str) {
        let number = |schema: &Value, bound: &str| schema.get(bound).and_then(Value::as_f64);
        for bound in LOWER {
            let before = number(was, bound).unwrap_or(f64::NEG_INFINITY);
            if number(is, bound).is_some_and(|now| now > before && now > 0.0) {
                self.breaches.push(format!("{at}: {bound} grew to {}", is[bound]));
            }
        }
        for bound in UPPER {
            let before = number(was, bound).unwrap_or(f64::INFINITY);
            if number(is, bound).is_some_and(|now| now < before) {
                self.breaches.push(format!("{at}: {bound} shrank to {}", is[bound]));
            }
        }
        if is.get("pattern").is_some() && is.get("pattern") != was.get("pattern") {
            self.breaches.push(format!("{at}: has another pattern"));
        }
    }

    fn compare_fields(&mut self, was: &'a Value, is: &'a Value, at: &str, direction: Direction) {
        let names = |schema: &Value| -> BTreeSet<String> {
            let required = schema["required"].as_array().into_iter().flatten();
            required.filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let (before, now) = (names(was), names(is));
        for (name, property) in was["properties"].as_object().into_iter().flatten() {
            let at = format!("{at}/{name}");
            match is["properties"].get(name) {
                None => self.breaches.push(format!("{at}: is gone")),
                Some(current) => self.compare(property, current, &at, direction),
            }
        }
        let narrowed: Vec<&String> = match direction {
            Direction::Request => now.difference(&before).collect(),
            Direction::Answer => before.difference(&now).collect(),
        };
        for name in narrowed {
            let word = if direction == Direction::Request { "is required now" } else { "may be absent now" };
            self.breaches.push(format!("{at}/{name}: {word}"));
        }
    }
}

/// The types that a schema allows; an integer is a number too.
fn kinds(schema: &Value) -> Option<BTreeSet<String>> {
    match &schema["type"] {
        Value::String(kind) => Some(BTreeSet::from([kind.clone()])),
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn base() -> Value {
        json!({
            "paths": {"/v1/things/{thing_id}": {"put": {
                "operationId": "put_thing", "tags": ["things"],
                "parameters": [{"name": "limit", "in": "query", "required": false,
                    "schema": {"type": "integer", "minimum": 1, "maximum": 100}}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/New"}}}},
                "responses": {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/View"}}}}}
            }}},
            "components": {"schemas": {
                "Kind": {"type": "string", "enum": ["small", "large"]},
                "New": {"type": "object", "required": ["kind"], "additionalProperties": false, "properties": {
                    "kind": {"$ref": "#/components/schemas/Kind"}, "name": {"type": ["string", "null"], "maxLength": 9}}},
                "View": {"type": "object", "required": ["id"], "properties": {
                    "id": {"type": "string", "format": "uuid"}, "kind": {"$ref": "#/components/schemas/Kind"},
                    "inner": {"type": "array", "items": {"$ref": "#/components/schemas/View"}}}}
            }}
        })
    }

    /// The breaches after the value at `pointer` was set; null removes it.
    fn after(pointer: &str, value: Value) -> Vec<String> {
        let mut new = base();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        let parent = new.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}")).as_object_mut().unwrap();
        match value {
            Value::Null => drop(parent.remove(&name.replace("~1", "/"))),
            value => drop(parent.insert(name.replace("~1", "/"), value)),
        }
        breaches(&base(), &new)
    }

    #[test]
    fn the_same_document_and_one_that_grew_break_nobody() {
        assert_eq!(breaches(&base(), &base()), [""; 0]);
        let schemas = "/components/schemas";
        for (pointer, value) in [
            ("/paths/~1v1~1others".to_owned(), json!({})),
            (format!("{schemas}/Kind/enum"), json!(["small", "large", "huge"])),
            (format!("{schemas}/New/properties/colour"), json!({"type": "string"})),
            (format!("{schemas}/New/properties/name/maxLength"), json!(10)),
            (format!("{schemas}/New/required"), json!([])),
            (format!("{schemas}/View/properties/colour"), json!({"type": "string"})),
            (format!("{schemas}/View/required"), json!(["id", "kind"])),
        ] {
            assert_eq!(after(&pointer, value), [""; 0], "{pointer}");
        }
    }

    #[test]
    fn everything_that_breaks_a_client_is_seen() {
        let operation = "/paths/~1v1~1things~1{thing_id}/put";
        let schemas = "/components/schemas";
        for (pointer, value) in [
            ("/paths/~1v1~1things~1{thing_id}".to_owned(), Value::Null),
            (format!("{operation}/operationId"), json!("set_thing")),
            (format!("{operation}/responses"), json!({"204": {}})),
            (format!("{operation}/parameters"), json!([])),
            (format!("{schemas}/Kind/enum"), json!(["small"])),
            (format!("{schemas}/New/required"), json!(["kind", "name"])),
            (format!("{schemas}/New/properties/name"), Value::Null),
            (format!("{schemas}/New/properties/name/maxLength"), json!(8)),
            (format!("{schemas}/New/properties/name/minLength"), json!(1)),
            (format!("{schemas}/New/properties/name/type"), json!("string")),
            (format!("{schemas}/New/properties/name/pattern"), json!("^a")),
            (format!("{schemas}/View/required"), json!([])),
            (format!("{schemas}/View/properties/kind"), Value::Null),
            (format!("{schemas}/View/properties/id/type"), json!(["string", "null"])),
            (format!("{schemas}/View/properties/id/format"), Value::Null),
        ] {
            assert!(!after(&pointer, value).is_empty(), "{pointer}");
        }
        let narrower = json!([{"name": "limit", "in": "query", "required": true, "schema": {"type": "integer", "minimum": 1, "maximum": 50}}]);
        assert_eq!(after(&format!("{operation}/parameters"), narrower).len(), 2);
    }
}
