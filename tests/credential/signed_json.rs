//! Signed JSON against the texts that the other languages read too.
//!
//! What a newcomer would get wrong: a text with a second reading is refused even where both readings are equal here, for
//! another language may read it otherwise.

use ejf::credential::jcs;
use ejf::error::Code;
use serde_json::Value;

#[test]
fn canonical_texts_and_refused_ones_are_those_of_the_vectors() {
    let file: Value = serde_json::from_str(include_str!("../data/signed_json_vectors.json")).unwrap();
    let again = |text: &str| String::from_utf8(jcs::parse(text.as_bytes()).unwrap().to_bytes()).unwrap();
    let pairs = file["canonical"].as_array().unwrap();
    for pair in pairs {
        let (text, canonical) = (pair["text"].as_str().unwrap(), pair["canonical"].as_str().unwrap());
        assert_eq!(again(text), canonical, "{text}");
        assert_eq!(again(canonical), canonical, "{text}");
    }
    let refused = file["refused"].as_array().unwrap();
    for case in refused {
        let text = case["text"].as_str().unwrap();
        assert_eq!(jcs::parse(text.as_bytes()).unwrap_err().code(), Code::Malformed, "{}: {text}", case["what"]);
    }
    assert_eq!((pairs.len(), refused.len()), (11, 44));
}
