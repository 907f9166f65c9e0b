//! Ed25519 against RFC 8032, and against signatures on which implementations differ.
//!
//! What a newcomer would get wrong: the second file is not about cryptography but about agreement. A recount in another
//! language must never take what this crate refuses, so all three languages read the same cases.

use ed25519_dalek::SigningKey;
use ejf::credential::encoding::Bytes;
use ejf::credential::signing::{public_key, sign, verify};
use serde_json::Value;

fn unhex(case: &Value, name: &str) -> Vec<u8> {
    let text = case[name].as_str().unwrap();
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn fixed<const N: usize>(case: &Value, name: &str) -> Bytes<N> {
    Bytes::from_slice(&unhex(case, name)).unwrap()
}

fn is_taken(case: &Value) -> bool {
    verify(&fixed(case, "key"), &[&unhex(case, "message")], &fixed(case, "signature"))
}

#[test]
fn the_five_vectors_of_rfc_8032_hold() {
    let file: Value = serde_json::from_str(include_str!("../data/rfc8032_vectors.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 5);
    for vector in vectors {
        let key = SigningKey::from_bytes(&fixed::<32>(vector, "seed").0);
        assert_eq!(public_key(&key), fixed(vector, "key"), "{}", vector["name"]);
        assert_eq!(sign(&key, &[&unhex(vector, "message")]), fixed(vector, "signature"), "{}", vector["name"]);
        assert!(is_taken(vector), "{}", vector["name"]);
    }
}

#[test]
fn verification_is_strict_where_implementations_differ() {
    let file: Value = serde_json::from_str(include_str!("../data/ed25519_edges.json")).unwrap();
    for (kind, is_right, count) in [("accepted", true, 2), ("refused", false, 53)] {
        let cases = file[kind].as_array().unwrap();
        assert_eq!(cases.len(), count, "{kind}");
        for case in cases {
            assert_eq!(is_taken(case), is_right, "{}", case["what"]);
        }
    }
}
