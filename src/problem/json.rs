//! Strict reading of JSON: what cannot be read is refused with a pointer to the place.
//! What a newcomer would get wrong: serde keeps the last of two equal keys in a map without a word. Two readers that
//! choose differently would see two different bodies, so every duplicate is refused before anything is built.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_path_to_error::Segment;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::error::{Code, Error, Fault, Result, Rule};

/// How deep arrays and objects may nest.
pub const DEPTH_MAX: usize = 32;

/// The longest pointer that is given back, in bytes; a longer one ends at the last parent that fits.
const POINTER_BYTES_MAX: usize = 256;

/// Reads a whole body as `T`.
///
/// # Errors
/// `malformed` with one fault at its RFC 6901 pointer: broken JSON, more than [`DEPTH_MAX`] levels, a key that stands
/// twice, an unknown or absent field, a wrong type, a value that is none of those allowed.
///
/// Texts are read in Unicode form NFC, whatever form they came in: a name that another keyboard made of other code points
/// is the same name, and what is signed later must be in that form.
pub fn parse_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    if scan(bytes)? {
        return read(bytes);
    }
    let value: Value = read(bytes)?;
    read(&serde_json::to_vec(&normalised(value)).map_err(Error::internal)?)
}

/// The same with every text but the names of members in Unicode form NFC.
fn normalised(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(text.nfc().collect()),
        Value::Array(items) => Value::Array(items.into_iter().map(normalised).collect()),
        Value::Object(members) => {
            Value::Object(members.into_iter().map(|(name, member)| (name, normalised(member))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let mut path: Vec<String> = error.path().iter().map_while(key_of).collect();
        let message = error.inner().to_string();
        let (name, rule) = read_message(&message);
        // serde notices an absent field only at the end of its object, so the path ends at the object.
        if rule == Rule::Required {
            path.extend(name.map(str::to_owned));
        }
        malformed(&path, rule)
    })
}

/// The field that a message of serde names, where it names one for sure, and the rule that is broken.
pub(super) fn read_message(message: &str) -> (Option<&str>, Rule) {
    let named = |start: &str| message.strip_prefix(start)?.split_once('`').map(|(name, _)| name);
    if let Some(name) = named("missing field `") {
        return (Some(name), Rule::Required);
    }
    if let Some(name) = named("unknown field `") {
        return (Some(name), Rule::Unknown);
    }
    if let Some(name) = named("duplicate field `") {
        return (Some(name), Rule::Duplicate);
    }
    if message.starts_with("invalid type: null,") {
        return (None, Rule::Required);
    }
    let allowed = message.starts_with("unknown variant `").then(|| message.rsplit_once(", expected ")).flatten();
    (None, allowed.and_then(|(_, list)| one_of(list)).unwrap_or(Rule::Type))
}

/// The allowed values out of serde's list, such as ``one of `a`, `b` at line 1 column 5``.
fn one_of(list: &str) -> Option<Rule> {
    let names: Vec<&str> = list.split('`').skip(1).step_by(2).collect();
    let allowed = names.join(", ");
    (!allowed.is_empty()).then(|| Rule::OneOf { allowed: allowed.into() })
}

fn key_of(segment: &Segment) -> Option<String> {
    match segment {
        Segment::Seq { index } => Some(index.to_string()),
        Segment::Map { key } | Segment::Enum { variant: key } => Some(key.clone()),
        Segment::Unknown => None,
    }
}

fn malformed(path: &[String], rule: Rule) -> Error {
    let mut pointer = String::new();
    for key in path {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        if pointer.len() + escaped.len() + 1 > POINTER_BYTES_MAX {
            break;
        }
        pointer.push('/');
        pointer.push_str(&escaped);
    }
    Error::faults(Code::Malformed, vec![Fault::at(pointer, rule)])
}

/// Walks the whole text without building anything: syntax, depth, duplicates; tells whether all texts are in Unicode form
/// NFC.
fn scan(bytes: &[u8]) -> Result<bool> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(malformed(&[], Rule::Required));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let mut walk = Walk { path: Vec::new(), broken: Rule::Format { expected: "JSON" }, is_nfc: true };
    let walked = Step { walk: &mut walk }.deserialize(&mut deserializer);
    walked.and_then(|()| deserializer.end()).map_err(|_| malformed(&walk.path, walk.broken.clone()))?;
    Ok(walk.is_nfc)
}

/// Where a walk stands and, once it has failed, why.
struct Walk {
    path: Vec<String>,
    broken: Rule,
    is_nfc: bool,
}

/// One value of a walk. On failure the path stays as it is: it is the place.
struct Step<'a> {
    walk: &'a mut Walk,
}

impl Step<'_> {
    /// Refuses a value that is itself an array or object at a level too deep.
    fn enter<E: serde::de::Error>(&mut self) -> std::result::Result<(), E> {
        if self.walk.path.len() < DEPTH_MAX {
            return Ok(());
        }
        self.walk.broken = Rule::Format { expected: "nesting" };
        Err(E::custom("too deep"))
    }
}

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> std::result::Result<(), E> {
        Ok(())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> std::result::Result<(), E> {
        // PostgreSQL keeps no NUL in a text: let in, it would come back as a failure of ours.
        if text.contains('\0') {
            self.walk.broken = Rule::Format { expected: "text without control characters" };
            return Err(E::custom("NUL"));
        }
        self.walk.is_nfc &= is_nfc(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> std::result::Result<(), A::Error> {
        self.enter()?;
        let mut index: usize = 0;
        self.walk.path.push(index.to_string());
        while items.next_element_seed(Step { walk: self.walk })?.is_some() {
            index += 1;
            self.walk.path.pop();
            self.walk.path.push(index.to_string());
        }
        self.walk.path.pop();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> std::result::Result<(), A::Error> {
        self.enter()?;
        let mut keys = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.walk.path.push(key.clone());
            if key.contains('\0') {
                self.walk.broken = Rule::Format { expected: "text without control characters" };
                return Err(A::Error::custom("a NUL in a key"));
            }
            if !keys.insert(key) {
                self.walk.broken = Rule::Duplicate;
                return Err(A::Error::custom("duplicate key"));
            }
            entries.next_value_seed(Step { walk: self.walk })?;
            self.walk.path.pop();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;
    use crate::error::Place;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "snake_case")]
    enum Kind {
        FirstYear,
        Periodic,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: u32,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        name: String,
        #[serde(default)]
        items: Vec<Inner>,
        #[serde(default)]
        marks: BTreeMap<String, Option<u8>>,
    }

    /// The pointer and rule with which a body is refused.
    fn refusal(body: &str) -> (String, Rule) {
        match parse_json::<Outer>(body.as_bytes()) {
            Err(Error::Refused(refusal)) => {
                assert_eq!(refusal.code, Code::Malformed);
                let fault = refusal.faults.into_iter().next().unwrap();
                match fault.place {
                    Place::Pointer(pointer) => (pointer, fault.rule),
                    Place::Parameter(name) => panic!("a parameter: {name}"),
                }
            }
            other => panic!("{body} gave {other:?}"),
        }
    }

    #[test]
    fn a_good_body_is_read() {
        let body = br#" {"name":"A","items":[{"count":1,"kind":"periodic"}],"marks":{"k1":4,"k2":null}} "#;
        let outer: Outer = parse_json(body).unwrap();
        assert_eq!(outer.items, [Inner { count: 1, kind: Some(Kind::Periodic) }]);
        assert_eq!(outer.marks, BTreeMap::from([("k1".to_owned(), Some(4)), ("k2".to_owned(), None)]));
    }

    #[test]
    fn a_refusal_points_at_the_field() {
        let json = Rule::Format { expected: "JSON" };
        let kinds = Rule::OneOf { allowed: "first_year, periodic".into() };
        for (body, pointer, rule) in [
            ("", "", Rule::Required),
            (" \n", "", Rule::Required),
            ("null", "", Rule::Required),
            ("{}", "/name", Rule::Required),
            (r#"{"name":null}"#, "/name", Rule::Required),
            (r#"{"name":7}"#, "/name", Rule::Type),
            (r#"{"name":"A","extra":1}"#, "/extra", Rule::Unknown),
            (r#"{"name":"A","a/b~c":1}"#, "/a~1b~0c", Rule::Unknown),
            (r#"{"name":"A","items":[{"count":1},{}]}"#, "/items/1/count", Rule::Required),
            (r#"{"name":"A","items":[{"count":-1}]}"#, "/items/0/count", Rule::Type),
            (r#"{"name":"A","items":[{"count":1.5}]}"#, "/items/0/count", Rule::Type),
            (r#"{"name":"A","items":[{"count":1,"kind":"none"}]}"#, "/items/0/kind", kinds),
            (r#"{"name":"A","items":[{"count":1,"x":1}]}"#, "/items/0/x", Rule::Unknown),
            (r#"{"name":"A","marks":{"k1":900}}"#, "/marks/k1", Rule::Type),
            (r#"{"name":"A","name":"B"}"#, "/name", Rule::Duplicate),
            (r#"{"name":"A","marks":{"k1":1,"k1":2}}"#, "/marks/k1", Rule::Duplicate),
            (r#"{"name":"A","marks":{"k1":1,"k\u0031":2}}"#, "/marks/k1", Rule::Duplicate),
            (r#"{"name":"A","#, "", json.clone()),
            (r#"{"name":tru}"#, "/name", json.clone()),
            (r#"{"name":"A","items":[1,]}"#, "/items/1", json.clone()),
            (r#"{"name":"A"} x"#, "", json.clone()),
            ("{\"name\":\"\u{1}\"}", "/name", json),
            (r#"{"name":"a\u0000b"}"#, "/name", Rule::Format { expected: "text without control characters" }),
            (
                r#"{"name":"A","marks":{"k\u0000":1}}"#,
                "/marks/k\0",
                Rule::Format { expected: "text without control characters" },
            ),
        ] {
            assert_eq!(refusal(body), (pointer.to_owned(), rule), "{body}");
        }
    }

    #[test]
    fn texts_are_read_in_one_form_whatever_form_they_came_in() {
        let body = "{\"name\":\"И\u{306}\",\"items\":[{\"count\":1}],\"marks\":{\"e\u{301}\":4}}";
        let outer: Outer = parse_json(body.as_bytes()).unwrap();
        assert_eq!((outer.name.as_str(), outer.items.len()), ("\u{419}", 1));
        assert_eq!(outer.marks, BTreeMap::from([("e\u{301}".to_owned(), Some(4))]));
        let escaped: Outer = parse_json(br#"{"name":"e\u0301"}"#).unwrap();
        assert_eq!(escaped.name, "\u{e9}");
        let bad = "{\"name\":\"e\u{301}\",\"items\":[{\"count\":-1}]}";
        assert_eq!(refusal(bad), ("/items/0/count".to_owned(), Rule::Type));
    }

    #[test]
    fn a_body_that_is_not_utf8_is_malformed() {
        assert!(matches!(parse_json::<Value>(b"\"\xff\""), Err(error) if error.code() == Code::Malformed));
    }

    #[test]
    fn thirty_two_levels_are_read_and_one_more_is_not() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse_json::<Value>(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert!(parse_json::<Value>(nested(DEPTH_MAX + 1).as_bytes()).is_err());
        assert_eq!(refusal(&nested(100_000)).1, Rule::Format { expected: "nesting" });
    }

    #[test]
    fn a_pointer_never_grows_with_what_was_sent() {
        let body = format!(r#"{{"name":"A","{}":1}}"#, "k".repeat(5000));
        assert_eq!(refusal(&body), (String::new(), Rule::Unknown));
    }

    #[test]
    fn a_variant_cannot_forge_the_list_of_those_allowed() {
        let body = r#"{"name":"A","items":[{"count":1,"kind":"x`, expected one of `evil`"}]}"#;
        assert_eq!(refusal(body).1, Rule::OneOf { allowed: "first_year, periodic".into() });
    }

    proptest! {
        #[test]
        fn what_serde_refuses_is_refused_here_as_well(body in ".{0,60}") {
            let strict = parse_json::<Value>(body.as_bytes());
            prop_assert!(strict.is_err() || serde_json::from_str::<Value>(&body).is_ok());
        }
    }
}
