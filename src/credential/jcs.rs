//! Signed JSON: a strict reader, and the canonical text of RFC 8785 over which every signature and digest is made.
//!
//! What a newcomer would get wrong: `serde_json` lets the last of two equal members win, so two readers of one signed
//! text could see two values. This reader refuses such a text, and every other one with a second reading: floats,
//! integers from 2^53 up, nesting above [`DEPTH_MAX`], member names outside ASCII, strings not in NFC. With integers
//! only and ASCII names, RFC 8785 comes down to sorted members, no white space and the shortest escapes.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use unicode_normalization::is_nfc;
use zeroize::{Zeroize, Zeroizing};

use crate::error::{Code, Error, Result};

/// The deepest nesting of lists and objects in signed JSON; the outermost one is depth 1.
pub const DEPTH_MAX: usize = 6;

/// The largest integer in signed JSON, 2^53 − 1: above it JavaScript would round.
pub const INTEGER_MAX: i64 = (1 << 53) - 1;

/// Room for a signed text of the usual size: a text that grew out of its room would leave a copy behind, unwiped.
const ROOM: usize = 16 * 1024;

/// A JSON value without floats and with each member once; texts and numbers are wiped when it goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer whose absolute value is at most [`INTEGER_MAX`].
    Integer(i64),
    /// A string in NFC.
    Text(String),
    /// A list, its order kept.
    List(Vec<Value>),
    /// An object; ASCII names, so that the order of bytes is the order of RFC 8785.
    Object(BTreeMap<String, Value>),
}

/// Reads signed JSON strictly; `malformed` for every text with a second reading.
pub fn parse(text: &[u8]) -> Result<Value> {
    parse_to_depth(text, DEPTH_MAX)
}

/// Reads signed JSON strictly into a type, of which the text must be a complete writing.
///
/// A member that the type would fill in by itself (such as an absent `Option`) must stand in the text: else the digest
/// of the value would differ from the digest of the text. `malformed` otherwise.
pub fn read<T: DeserializeOwned + Serialize>(text: &[u8]) -> Result<T> {
    let strict = parse(text)?;
    let typed: T = serde_json::from_slice(text).map_err(|_| Error::from(Code::Malformed))?;
    if to_value(&typed, DEPTH_MAX)? != strict {
        return Err(Code::Malformed.into());
    }
    Ok(typed)
}

/// The same for a text that must be the canonical one, byte for byte: what auditors compare by hash has one writing.
pub fn read_canonical<T: DeserializeOwned + Serialize>(text: &[u8]) -> Result<T> {
    let typed = read(text)?;
    if canonical(&typed)? == text { Ok(typed) } else { Err(Code::Malformed.into()) }
}

/// The canonical text of a document; `malformed` where it holds what signed JSON may not.
pub fn canonical<T: Serialize>(document: &T) -> Result<Vec<u8>> {
    to_value(document, DEPTH_MAX).map(|value| value.to_bytes())
}

/// The canonical text of a document that nests up to `depth_max`, such as a methodology; it is digested, never signed.
pub fn canonical_to_depth<T: Serialize>(document: &T, depth_max: usize) -> Result<Vec<u8>> {
    to_value(document, depth_max).map(|value| value.to_bytes())
}

/// The canonical text of a document without its member `sig`: what that signature covers.
pub fn canonical_unsigned<T: Serialize>(document: &T) -> Result<Vec<u8>> {
    let mut value = to_value(document, DEPTH_MAX)?;
    if let Value::Object(members) = &mut value {
        members.remove("sig");
    }
    Ok(value.to_bytes())
}

/// Writing and reading again, so that what we write passes the very rules that readers apply.
fn to_value<T: Serialize>(document: &T, depth_max: usize) -> Result<Value> {
    let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
    serde_json::to_writer(&mut *text, document).map_err(Error::internal)?;
    parse_to_depth(&text, depth_max)
}

fn parse_to_depth(text: &[u8], depth_max: usize) -> Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth_left: depth_max }.deserialize(&mut reader).map_err(|_| Error::from(Code::Malformed))?;
    reader.end().map_err(|_| Error::from(Code::Malformed))?;
    Ok(value)
}

impl Value {
    /// The canonical text (RFC 8785), UTF-8.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Zeroizing::new(Vec::with_capacity(ROOM));
        self.write(&mut out);
        out.to_vec()
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Value::Null => out.extend_from_slice(b"null"),
            Value::Bool(true) => out.extend_from_slice(b"true"),
            Value::Bool(false) => out.extend_from_slice(b"false"),
            Value::Integer(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Value::Text(text) => write_text(text, out),
            Value::List(values) => {
                out.push(b'[');
                for (place, value) in values.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    value.write(out);
                }
                out.push(b']');
            }
            Value::Object(members) => {
                out.push(b'{');
                for (place, (name, value)) in members.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    write_text(name, out);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }
}

impl Drop for Value {
    fn drop(&mut self) {
        match self {
            Value::Integer(number) => number.zeroize(),
            Value::Text(text) => text.zeroize(),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Object(_) => {}
        }
    }
}

/// The escapes of RFC 8785 section 3.2.2.2: short forms where JSON has them, else `\u00xx` for control characters.
fn write_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for character in text.chars() {
        match character {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\u{8}' => out.extend_from_slice(b"\\b"),
            '\t' => out.extend_from_slice(b"\\t"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\u{c}' => out.extend_from_slice(b"\\f"),
            '\r' => out.extend_from_slice(b"\\r"),
            control if control < ' ' => {
                out.extend_from_slice(format!("\\u{:04x}", u32::from(control)).as_bytes());
            }
            other => out.extend_from_slice(other.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out.push(b'"');
}

/// The visitor that refuses; `depth_left` counts the containers that may still open.
struct Strict {
    depth_left: usize,
}

impl Strict {
    fn inner<E: de::Error>(&self) -> std::result::Result<usize, E> {
        self.depth_left.checked_sub(1).ok_or_else(|| E::custom("nested too deeply"))
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("signed JSON")
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: de::Error>(self, claim: bool) -> std::result::Result<Value, E> {
        Ok(Value::Bool(claim))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> std::result::Result<Value, E> {
        if !(-INTEGER_MAX..=INTEGER_MAX).contains(&number) {
            return Err(E::custom("integer out of range"));
        }
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> std::result::Result<Value, E> {
        let number = i64::try_from(number).map_err(|_| E::custom("integer out of range"))?;
        self.visit_i64(number)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> std::result::Result<Value, E> {
        if !is_nfc(text) {
            return Err(E::custom("string not in NFC"));
        }
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Value, A::Error> {
        let depth_left = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(Strict { depth_left })? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> std::result::Result<Value, A::Error> {
        let depth_left = self.inner()?;
        let mut members = BTreeMap::new();
        while let Some(name) = object.next_key::<String>()? {
            if !name.is_ascii() {
                return Err(de::Error::custom("member name outside ASCII"));
            }
            let value = object.next_value_seed(Strict { depth_left })?;
            if members.insert(name, value).is_some() {
                return Err(de::Error::custom("member stands twice"));
            }
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    fn again(text: &str) -> String {
        String::from_utf8(parse(text.as_bytes()).unwrap().to_bytes()).unwrap()
    }

    #[test]
    fn members_are_sorted_and_white_space_goes() {
        assert_eq!(
            again(" {\"b\" : [1, -2, 0],\n \"a\":{}, \"B\":null, \"aa\":true} "),
            r#"{"B":null,"a":{},"aa":true,"b":[1,-2,0]}"#
        );
    }

    #[test]
    fn escapes_are_the_shortest_as_in_rfc_8785_section_3_2_2() {
        // The string of the RFC's example, U+20AC $ U+000F LF A ' B " \ \ " /, in its escaped form.
        let text = "[\"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\"]";
        assert_eq!(again(text), "[\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"]");
        assert_eq!(again("[\"\\b\\t\\f\\r\\u007f\\u001f\"]"), "[\"\\b\\t\\f\\r\u{7f}\\u001f\"]");
        assert_eq!(again("[\"\\ud83d\\ude02\"]"), "[\"😂\"]");
    }

    #[test]
    fn a_text_with_a_second_reading_is_refused() {
        for text in [
            r#"{"a":1,"a":1}"#,
            r#"{"a":1,"\u0061":2}"#,
            "[1.0]",
            "[1e3]",
            "[-0]",
            "[9007199254740992]",
            "[-9007199254740992]",
            "[18446744073709551616]",
            "[[[[[[[]]]]]]]",
            r#"{"é":1}"#,
            "[\"e\u{301}\"]",
            "[\"\\ud800\"]",
            "[01]",
            "[1]x",
            "[1],",
            "",
            "\u{feff}[]",
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err().code(), Code::Malformed, "{text}");
        }
        assert!(parse(b"[\"\xff\"]").is_err());
    }

    #[test]
    fn the_limits_themselves_are_taken() {
        assert_eq!(again("[9007199254740991,-9007199254740991]"), "[9007199254740991,-9007199254740991]");
        assert_eq!(again("[[[[[[1]]]]]]"), "[[[[[[1]]]]]]");
    }

    #[derive(Debug, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Example {
        b: Option<u32>,
        sig: String,
    }

    #[test]
    fn a_typed_reading_wants_every_member_and_no_other() {
        assert_eq!(read::<Example>(br#"{"sig":"x","b":null}"#).unwrap().b, None);
        for text in
            [r#"{"sig":"x"}"#, r#"{"sig":"x","b":1,"c":2}"#, r#"{"sig":"x","b":1,"b":1}"#, r#"{"b":-1,"sig":""}"#]
        {
            assert!(read::<Example>(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_signature_does_not_cover_itself() {
        let document = Example { b: Some(7), sig: "x".to_owned() };
        assert_eq!(canonical_unsigned(&document).unwrap(), br#"{"b":7}"#);
        assert_eq!(canonical(&document).unwrap(), br#"{"b":7,"sig":"x"}"#);
    }

    #[test]
    fn floats_cannot_be_written() {
        assert_eq!(canonical(&0.5).unwrap_err().code(), Code::Malformed);
    }
}
