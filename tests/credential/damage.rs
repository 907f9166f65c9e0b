//! What a stranger could send where a document is expected: noise, JSON of any shape, and sound documents damaged in one to
//! four places. A newcomer's usual mistake is noise alone, which no reader looks at past its first byte.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};

/// One touch of a document.
#[derive(Debug, Clone)]
enum Touch {
    /// A byte is another one.
    Flip(usize, u8),
    /// It ends earlier.
    Cut(usize),
    /// Something stands in between.
    Insert(usize, Vec<u8>),
    /// A part of it stands twice.
    Double(usize, usize),
    /// A value of a JSON text is another one.
    Replace(usize, Value),
    /// A member is gone, or an element.
    Remove(usize),
    /// There is a member more, or an element.
    Add(usize, Value),
}

/// Bytes to be read by whoever expects this document.
pub fn damaged(sound: Vec<u8>) -> BoxedStrategy<Vec<u8>> {
    let touched = vec(touch(), 1..=4).prop_map(move |touches| {
        let mut bytes = sound.clone();
        for touch in touches {
            bytes = touch.apply(bytes);
        }
        bytes
    });
    prop_oneof![
        1 => vec(any::<u8>(), 0..400),
        1 => any_json().prop_map(|value| value.to_string().into_bytes()),
        8 => touched,
    ]
    .boxed()
}

/// So many inputs, or as many times as many as `EJF_FUZZ_TIMES` says: `scripts/fuzz` goes on for as long as it is asked to.
#[allow(clippy::disallowed_methods, reason = "the tests' own variable, which the product never reads")]
pub fn inputs(usual: u32) -> Config {
    let times = std::env::var("EJF_FUZZ_TIMES").ok().map(|times| times.parse().expect("a whole number"));
    Config::with_cases(usual * times.unwrap_or(1))
}

/// One such text, the same for the same seed; for tests that cannot be run by the library itself.
pub fn sample(sound: &[u8], seed: u64) -> Vec<u8> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_be_bytes());
    let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    damaged(sound.to_vec()).new_tree(&mut TestRunner::new_with_rng(Config::default(), random)).unwrap().current()
}

fn touch() -> impl Strategy<Value = Touch> {
    let at = any::<u16>().prop_map(usize::from);
    prop_oneof![
        2 => (at.clone(), any::<u8>()).prop_map(|(at, byte)| Touch::Flip(at, byte)),
        1 => at.clone().prop_map(Touch::Cut),
        1 => (at.clone(), vec(any::<u8>(), 1..9)).prop_map(|(at, bytes)| Touch::Insert(at, bytes)),
        1 => (at.clone(), at.clone()).prop_map(|(at, size)| Touch::Double(at, size)),
        6 => (at.clone(), odd()).prop_map(|(at, value)| Touch::Replace(at, value)),
        1 => at.clone().prop_map(Touch::Remove),
        1 => (at, odd()).prop_map(|(at, value)| Touch::Add(at, value)),
    ]
}

/// Values that readers have stumbled over.
fn odd() -> impl Strategy<Value = Value> {
    const NUMBERS: &[i64] = &[0, 1, -1, 5, 255, 1 << 31, (1 << 32) - 1, (1 << 53) - 1, 1 << 53, i64::MAX, i64::MIN];
    const TEXTS: &[&str] = &[
        "",
        "0",
        "council",
        "marks",
        "e\u{301}",
        "\u{0}",
        "\u{feff}",
        "../x",
        "0001-01-01",
        "2027-02-30",
        "2027-03-04",
        "9999-12-31",
        "+262142-12-31",
        "-262143-01-01",
        "AA",
        "AB",
        "AA==",
    ];
    prop_oneof![
        4 => prop::sample::select(NUMBERS).prop_map(|number| json!(number)),
        4 => prop::sample::select(TEXTS).prop_map(|text| json!(text)),
        2 => prop::sample::select(&[22, 43, 86, 512, 9000][..]).prop_map(|size| json!("A".repeat(size))),
        1 => Just(json!(u64::MAX)),
        1 => Just(json!(1e308)),
        1 => Just(json!(true)),
        2 => Just(Value::Null),
        1 => (0..80_usize).prop_map(|depth| (0..depth).fold(json!(1), |inner, _| json!([inner]))),
        2 => any_json(),
    ]
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::String),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let members = prop::collection::btree_map("[a-z_]{0,8}", inner.clone(), 0..4);
        prop_oneof![
            vec(inner, 0..4).prop_map(Value::Array),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

impl Touch {
    fn apply(self, mut bytes: Vec<u8>) -> Vec<u8> {
        let place = |at: usize| if bytes.is_empty() { 0 } else { at % bytes.len() };
        match self {
            Touch::Flip(at, byte) => {
                let at = place(at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
            Touch::Cut(at) => bytes.truncate(place(at)),
            Touch::Insert(at, more) => drop(bytes.splice(place(at)..place(at), more)),
            Touch::Double(at, size) => {
                let from = place(at);
                let part = bytes[from..(from + size % 64).min(bytes.len())].to_vec();
                drop(bytes.splice(from..from, part));
            }
            Touch::Replace(at, value) => return touch_json(&bytes, at, |old| *old = value),
            Touch::Remove(at) => return touch_json(&bytes, at, |old| drop(empty_one(old, at))),
            Touch::Add(at, value) => {
                return touch_json(&bytes, at, |old| match old {
                    Value::Array(list) => list.push(value),
                    Value::Object(members) => drop(members.insert("surplus".to_owned(), value)),
                    other => *other = value,
                });
            }
        }
        bytes
    }
}

/// Takes one member or element away.
fn empty_one(value: &mut Value, at: usize) -> Option<Value> {
    match value {
        Value::Array(list) if !list.is_empty() => Some(list.remove(at % list.len())),
        Value::Object(members) if !members.is_empty() => {
            let name = members.keys().nth(at % members.len())?.clone();
            members.remove(&name)
        }
        _ => None,
    }
}

/// Changes one value of a JSON text, each as likely as any other; other bytes stay as they are.
fn touch_json(bytes: &[u8], at: usize, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let Ok(mut value) = serde_json::from_slice::<Value>(bytes) else { return bytes.to_vec() };
    let mut pointers = Vec::new();
    collect(&value, String::new(), &mut pointers);
    change(value.pointer_mut(&pointers[at % pointers.len()]).unwrap());
    value.to_string().into_bytes()
}

fn collect(value: &Value, at: String, pointers: &mut Vec<String>) {
    match value {
        Value::Array(list) => {
            for (place, inner) in list.iter().enumerate() {
                collect(inner, format!("{at}/{place}"), pointers);
            }
        }
        Value::Object(members) => {
            for (name, inner) in members {
                collect(inner, format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), pointers);
            }
        }
        _ => {}
    }
    pointers.push(at);
}
