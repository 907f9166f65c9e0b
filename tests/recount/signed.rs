//! What an insider with every key can sign: a bundle that is whole in itself, and against the protocol all the same.
//!
//! What a newcomer would get wrong: touching a bundle after its seal alone. A manifest that would name its authors, signed,
//! sealed and counted like any other, breaks no hash and no signature; both verifiers must know the protocol's limits.

use ejf::client::recount::recount;
use ejf::credential::bundle::{ENVELOPES, Files, LEAVES, MANIFESTS, NOTE, SUPERSEDED, leaves_to_bytes};
use ejf::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use ejf::credential::note::Checkpoint;
use ejf::credential::signing;
use ejf::credential::tree::{leaf_hash, root};
use serde_json::{Value, json};

use crate::edits::{Cover, canonical, edit_json, lines, put_lines};
use crate::python;
use crate::world::{doc_key, log_key, world};

use Place::{Body, Each, First, Last, Ledger};

/// What is changed before everything is signed anew.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Every generation of the manifest.
    Each,
    /// The first generation.
    First,
    /// The generation in force.
    Last,
    /// The issuer's ledger.
    Ledger,
    /// The body of every review.
    Body,
}

type Plot = (&'static str, Place, fn(&mut Value));

const PLOTS: &[Plot] = &[
    ("issued_min 1", Each, |manifest| manifest["issued_min"] = json!(1)),
    ("issued_min 5", Each, |manifest| manifest["issued_min"] = json!(5)),
    ("issued_min below decision_min", Each, |manifest| manifest["issued_min"] = json!(9)),
    ("issued_min above a panel", Each, |manifest| manifest["subjects"][2]["panel_size"] = json!(11)),
    ("issued_min 1 at first", First, |manifest| manifest["issued_min"] = json!(1)),
    ("a key of the first generation under another's name", First, |manifest| {
        manifest["subjects"][0]["keys"][0]["key_id"] = json!(sha256(&[b"another"]));
    }),
    ("a key of the first generation that is none", First, |manifest| {
        manifest["subjects"][2]["keys"][0]["key_id"] = json!(sha256(&[b"no key"]));
        manifest["subjects"][2]["keys"][0]["spki"] = json!(Blob(b"no key".to_vec()));
    }),
    ("a key of the first generation twice", First, |manifest| {
        manifest["subjects"][2]["keys"] = manifest["subjects"][1]["keys"].clone();
    }),
    ("a member more in the manifest", Each, |manifest| manifest["note"] = json!("x")),
    ("a member more in the dates", Each, |manifest| manifest["dates"]["hour"] = json!(9)),
    ("a member more in a subject", Each, |manifest| manifest["subjects"][0]["name"] = json!("x")),
    ("a member more in a key", Each, |manifest| manifest["subjects"][0]["keys"][0]["e"] = json!(3)),
    ("a member more in an issuer's name", Each, |manifest| manifest["issuers"][0]["name"]["de"] = json!("Rat")),
    ("a member more in an item", Each, |manifest| manifest["instruments"][0]["items"][0]["step"] = json!(1)),
    ("a purpose of another kind", Each, |manifest| {
        manifest["subjects"][0]["keys"][0]["purpose"] = json!("comment");
    }),
    ("subjects out of their order", Each, |manifest| manifest["subjects"].as_array_mut().unwrap().swap(0, 1)),
    ("another size of submissions", Each, |manifest| manifest["body_size"] = json!(4096)),
    ("true for the version of a manifest", Each, |manifest| one_is_true(&mut manifest["v"])),
    ("true for the round", Each, |manifest| one_is_true(&mut manifest["round"])),
    ("true for the generation", Last, |manifest| one_is_true(&mut manifest["generation"])),
    ("true for the version of the ledger", Ledger, |ledger| one_is_true(&mut ledger["v"])),
    ("true for the generation of the ledger", Ledger, |ledger| one_is_true(&mut ledger["generation"])),
    ("a member more in the ledger", Ledger, |ledger| ledger["at"] = json!(1)),
    ("true for the version of a review", Body, |body| one_is_true(&mut body["v"])),
    ("true for the round of a review", Body, |body| one_is_true(&mut body["round"])),
    ("true for the number of a version", Body, |body| one_is_true(&mut body["seq"])),
    ("true for a mark", Body, |body| body["marks"].as_object_mut().unwrap().values_mut().for_each(one_is_true)),
];

fn one_is_true(value: &mut Value) {
    if *value == json!(1) {
        *value = json!(true);
    }
}

/// The bundle as whoever holds the keys of issuer, log and reviewers makes it over what was changed.
fn signed(place: Place, change: fn(&mut Value)) -> Files {
    let mut files = world().files.clone();
    let mut digests: Vec<Digest> = Vec::new();
    edit_json(&mut files, MANIFESTS, |list| {
        for (at, manifest) in list.as_array_mut().unwrap().iter_mut().enumerate() {
            if place == Each || (place, at) == (First, 0) || (place, at) == (Last, 1) {
                change(manifest);
            }
            if let Some(before) = digests.last() {
                manifest["prev_manifest_digest"] = json!(before);
            }
            digests.push(sha256(&[canonical(manifest).as_bytes()]));
        }
    });
    let sign_note = |files: &mut Files, name: &str, size: usize, root: Digest| {
        let origin = std::str::from_utf8(&files[name]).unwrap().lines().next().unwrap().to_owned();
        let note = Checkpoint { origin, size: size as u64, root }.sign(&log_key()).unwrap();
        files.insert(name.to_owned(), note.into_bytes());
    };
    sign_note(&mut files, NOTE, 1, digests[1]);
    edit_json(&mut files, "ledger-council.json", |ledger| {
        ledger["manifest_digest"] = json!(digests[1]);
        if place == Ledger {
            change(ledger);
        }
        ledger.as_object_mut().unwrap().remove("sig");
        ledger["sig"] = json!(signing::sign(&doc_key(0), &[b"EJF-LEDGER-v1\0", canonical(ledger).as_bytes()]));
    });
    let mut opened: Vec<(Digest, String)> =
        lines(&files, ENVELOPES).iter().map(|line| sign_review(line, &digests, place, change)).collect();
    opened.sort_unstable();
    let retired = lines(&files, SUPERSEDED);
    let retired = retired.iter().map(|line| serde_json::from_str::<Value>(line).unwrap()["leaf"].clone());
    let mut leaves: Vec<Digest> = retired.map(|leaf| serde_json::from_value(leaf).unwrap()).collect();
    leaves.extend(opened.iter().map(|(leaf, _)| *leaf));
    leaves.sort_unstable();
    files.insert(LEAVES.to_owned(), leaves_to_bytes(&leaves));
    sign_note(&mut files, "checkpoint", leaves.len(), root(&leaves));
    put_lines(&mut files, ENVELOPES, &opened.into_iter().map(|(_, line)| line).collect::<Vec<_>>());
    Cover::Hashes.traces(&mut files);
    files
}

/// A review under the new manifests, with its new leaf.
fn sign_review(line: &str, digests: &[Digest], place: Place, change: fn(&mut Value)) -> (Digest, String) {
    let mut envelope: Value = serde_json::from_str(line).unwrap();
    let is_first = envelope["body"]["manifest_digest"] == json!(sha256(&[&world().manifests[0]]));
    envelope["body"]["manifest_digest"] = json!(digests[usize::from(!is_first)]);
    if place == Body {
        change(&mut envelope["body"]);
    }
    let epk: Bytes<32> = serde_json::from_value(envelope["epk"].clone()).unwrap();
    let esk = world().reviewers.iter().find(|esk| signing::public_key(esk) == epk).unwrap();
    let body = canonical(&envelope["body"]);
    let sig = signing::sign(esk, &[b"EJF-REVIEW-v1\0", body.as_bytes()]);
    envelope["sig"] = json!(sig);
    let cycle_ref: Ref = Bytes([1; 16]);
    let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap().to_be_bytes();
    let parts = [&size(body.as_bytes())[..], body.as_bytes(), &size(&sig.0), &sig.0, &epk.0].concat();
    let leaf = leaf_hash(&[b"EJF-LEAF-v1\0".as_slice(), &cycle_ref.0, &sha256(&[&parts]).0].concat());
    (leaf, canonical(&envelope))
}

#[test]
fn what_is_signed_anew_and_changes_nothing_is_equal_to_both() {
    let files = signed(Each, |_| {});
    assert_eq!(recount(&files, &[], &|| {}).findings, []);
    let (code, told) = python::recount(&files);
    assert_eq!(code, 0, "{told}");
}

#[test]
fn both_verifiers_find_what_no_key_can_make_right() {
    let bundles: Vec<Files> = PLOTS.iter().map(|(_, place, change)| signed(*place, *change)).collect();
    let mut missed = Vec::new();
    for ((what, ..), (files, (code, finding))) in PLOTS.iter().zip(bundles.iter().zip(python::recount_all(&bundles))) {
        if code != 1 {
            missed.push(format!("by Python: {what}: {code} {finding}"));
        }
        if recount(files, &[], &|| {}).is_equal() {
            missed.push(format!("by ejf recount: {what}"));
        }
    }
    assert!(missed.is_empty(), "{} of {} missed:\n{}", missed.len(), PLOTS.len(), missed.join("\n"));
}
