//! Checks a value against a schema, for the part of JSON Schema that the document uses. A newcomer's usual mistake is to
//! take an unknown keyword for a satisfied one: it is a complaint here, so that the checker grows with the document.

use serde_json::Value;

use crate::requests::resolve;

/// Keywords that say nothing about a value, or that belong to one that is checked.
const SILENT: &[&str] = &[
    "title",
    "description",
    "example",
    "examples",
    "default",
    "deprecated",
    "discriminator",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
    "propertyNames",
    "xml",
];

/// What is wrong with `value`; each complaint begins with its pointer.
pub fn complaints(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    check(document, schema, value, "", &mut found);
    found
}

fn check(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let schema = resolve(document, schema);
    let Some(keywords) = schema.as_object() else {
        if *schema == Value::Bool(false) {
            found.push(format!("{at}: nothing may stand here"));
        }
        return;
    };
    for (keyword, rule) in keywords {
        let complaint = match keyword.as_str() {
            "type" => (!has_type(rule, value)).then(|| format!("is no {rule}")),
            "enum" => (!rule.as_array().unwrap().contains(value)).then(|| format!("is none of {rule}")),
            "const" => (rule != value).then(|| format!("is not {rule}")),
            "minimum" => number(value).is_some_and(|n| n < number(rule).unwrap()).then(|| format!("is below {rule}")),
            "maximum" => number(value).is_some_and(|n| n > number(rule).unwrap()).then(|| format!("is above {rule}")),
            "minLength" => length(value).is_some_and(|n| n < size(rule)).then(|| format!("is shorter than {rule}")),
            "maxLength" => length(value).is_some_and(|n| n > size(rule)).then(|| format!("is longer than {rule}")),
            "minItems" => items(value).is_some_and(|n| n < size(rule)).then(|| format!("has fewer than {rule}")),
            "maxItems" => items(value).is_some_and(|n| n > size(rule)).then(|| format!("has more than {rule}")),
            "minProperties" => members(value).is_some_and(|n| n < size(rule)).then(|| format!("has fewer than {rule}")),
            "maxProperties" => members(value).is_some_and(|n| n > size(rule)).then(|| format!("has more than {rule}")),
            "uniqueItems" => has_twins(value).then(|| "holds a value twice".to_owned()),
            "pattern" => (!fits(rule.as_str().unwrap(), value)).then(|| format!("does not match {rule}")),
            "format" => (!has_format(rule.as_str().unwrap(), value)).then(|| format!("is no {rule}")),
            "required"
            | "properties"
            | "additionalProperties"
            | "items"
            | "prefixItems"
            | "oneOf"
            | "anyOf"
            | "allOf" => None,
            known if SILENT.contains(&known) => None,
            unknown => Some(format!("the checker of examples does not know {unknown}; teach it")),
        };
        found.extend(complaint.map(|complaint| format!("{at}: {complaint}")));
    }
    check_object(document, schema, value, at, found);
    check_array(document, schema, value, at, found);
    check_choices(document, schema, value, at, found);
}

fn check_object(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(object) = value.as_object() else { return };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !object.contains_key(name) {
            found.push(format!("{at}/{name}: is required"));
        }
    }
    for (name, member) in object {
        let at = format!("{at}/{name}");
        match (schema["properties"].get(name), schema.get("additionalProperties")) {
            (Some(property), _) => check(document, property, member, &at, found),
            (None, Some(Value::Bool(false))) => found.push(format!("{at}: no such property")),
            (None, Some(other)) => check(document, other, member, &at, found),
            // A view may hold more tomorrow, but its own example must not tell of what the schema does not.
            (None, None) if schema.get("properties").is_some() && schema.get("allOf").is_none() => {
                found.push(format!("{at}: no such property"));
            }
            (None, None) => {}
        }
    }
}

fn check_array(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    let Some(array) = value.as_array() else { return };
    for (index, item) in array.iter().enumerate() {
        let of_place = schema["prefixItems"].get(index);
        if let Some(rule) = of_place.or_else(|| schema.get("items")) {
            check(document, rule, item, &format!("{at}/{index}"), found);
        }
    }
}

fn check_choices(document: &Value, schema: &Value, value: &Value, at: &str, found: &mut Vec<String>) {
    for part in schema["allOf"].as_array().into_iter().flatten() {
        check(document, part, value, at, found);
    }
    for (keyword, is_exclusive) in [("oneOf", true), ("anyOf", false)] {
        let Some(choices) = schema[keyword].as_array() else { continue };
        let refusals: Vec<Vec<String>> = choices.iter().map(|choice| complaints(document, choice, value)).collect();
        let fitting = refusals.iter().filter(|refusal| refusal.is_empty()).count();
        if fitting == 0 {
            found.push(format!("{at}: fits no choice of {keyword}: {refusals:?}"));
        } else if is_exclusive && fitting > 1 {
            found.push(format!("{at}: fits {fitting} choices of oneOf"));
        }
    }
}

fn has_type(rule: &Value, value: &Value) -> bool {
    if let Some(rules) = rule.as_array() {
        return rules.iter().any(|rule| has_type(rule, value));
    }
    match rule.as_str().unwrap() {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("no such type: {other}"),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64()
}

fn size(rule: &Value) -> usize {
    usize::try_from(rule.as_u64().unwrap()).unwrap()
}

fn length(value: &Value) -> Option<usize> {
    value.as_str().map(|text| text.chars().count())
}

fn items(value: &Value) -> Option<usize> {
    value.as_array().map(Vec::len)
}

fn members(value: &Value) -> Option<usize> {
    value.as_object().map(serde_json::Map::len)
}

fn has_twins(value: &Value) -> bool {
    let items = value.as_array().map_or(&[][..], Vec::as_slice);
    items.iter().enumerate().any(|(at, item)| items[..at].contains(item))
}

fn has_format(format: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return true };
    match format {
        "uuid" => uuid::Uuid::parse_str(text).is_ok() && text.len() == 36,
        "date" => text.parse::<chrono::NaiveDate>().is_ok() && text.len() == 10,
        "date-time" => chrono::DateTime::parse_from_rfc3339(text).is_ok(),
        "password" | "binary" => true,
        // A hint for code generators; the bounds beside it are what is checked.
        "int32" | "int64" | "uint32" | "uint64" | "uint16" | "uint8" => true,
        _ => false,
    }
}

fn fits(pattern: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else { return true };
    regex_lite::Regex::new(pattern).expect("a pattern of the document").is_match(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn complain(schema: Value, value: Value) -> Vec<String> {
        complaints(&json!({}), &schema, &value)
    }

    #[test]
    fn each_keyword_can_fail() {
        for (schema, good, bad) in [
            (json!({"type": "string"}), json!("a"), json!(1)),
            (json!({"type": ["string", "null"]}), json!(null), json!(1)),
            (json!({"enum": ["a"]}), json!("a"), json!("b")),
            (json!({"const": 1}), json!(1), json!(2)),
            (json!({"minimum": 1}), json!(1), json!(0)),
            (json!({"maximum": 1}), json!(1), json!(2)),
            (json!({"minLength": 2}), json!("әә"), json!("ә")),
            (json!({"maxLength": 1}), json!("ә"), json!("әә")),
            (json!({"minItems": 1}), json!([1]), json!([])),
            (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
            (json!({"maxProperties": 1}), json!({"a": 1}), json!({"a": 1, "b": 2})),
            (json!({"uniqueItems": true}), json!([1, 2]), json!([1, 1])),
            (json!({"pattern": "^[a-z]+$"}), json!("a"), json!("A")),
            (json!({"format": "date"}), json!("2027-01-11"), json!("11.01.2027")),
            (json!({"format": "uuid"}), json!("019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11"), json!("019477a2")),
            (json!({"required": ["a"]}), json!({"a": 1}), json!({})),
            (json!({"properties": {"a": {"type": "null"}}}), json!({"a": null}), json!({"a": 1})),
            (json!({"properties": {}}), json!({}), json!({"a": 1})),
            (json!({"additionalProperties": {"type": "null"}}), json!({"a": null}), json!({"a": 1})),
            (json!({"items": {"type": "null"}}), json!([null]), json!([1])),
            (json!({"oneOf": [{"type": "null"}, {"const": 1}]}), json!(1), json!(2)),
            (json!({"oneOf": [{"minimum": 1}, {"minimum": 2}]}), json!(1), json!(2)),
            (json!({"anyOf": [{"minimum": 1}, {"minimum": 2}]}), json!(2), json!(0)),
            (json!({"allOf": [{"minimum": 1}, {"minimum": 2}]}), json!(2), json!(1)),
        ] {
            assert_eq!(complain(schema.clone(), good.clone()), [""; 0], "{schema} for {good}");
            assert_eq!(complain(schema.clone(), bad.clone()).len(), 1, "{schema} for {bad}");
        }
        assert_eq!(complain(json!({"multipleOf": 2}), json!(2)).len(), 1);
    }
}
