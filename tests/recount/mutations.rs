//! Whatever is touched after the seal, both verifiers find.

use std::collections::BTreeSet;

use ejf::client::recount::recount;
use ejf::credential::audit::Check;
use ejf::credential::bundle::{self, Files};
use ejf::credential::manifest::digest_words;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::edits::{Chance, Cover, Edit, canonical};
use crate::world::{world, world_agreeing, world_keeping, world_of_two_issuers};
use crate::{documents, python, results, reviews};

/// Enough of them; each costs both verifiers some fifty milliseconds in a debug build.
const CASES_MAX: usize = 620;

/// A touched bundle and the words by which a failure names it.
struct Case {
    name: String,
    files: Files,
}

/// Every way to touch a bundle under every cover, by two chances each; without those that a cover undoes, and each
/// touched bundle once.
fn cases(edits: impl Iterator<Item = &'static (&'static str, Edit)> + Clone) -> Vec<Case> {
    let world = world();
    let (mut cases, mut seen) = (Vec::new(), BTreeSet::from([world.files.clone()]));
    for (round, edits) in [edits.clone(), edits].into_iter().enumerate() {
        for (number, (what, edit)) in edits.enumerate() {
            for (at, cover) in Cover::ALL.into_iter().enumerate() {
                let seed = (1000 * round + 5 * number + at) as u64;
                let mut chance = Chance(ChaCha8Rng::seed_from_u64(seed));
                let mut files = world.files.clone();
                edit(&mut files, world, &mut chance);
                cover.traces(&mut files);
                if cases.len() < CASES_MAX && seen.insert(files.clone()) {
                    cases.push(Case { name: format!("{what}, covered: {cover:?}, seed {seed}"), files });
                }
            }
        }
    }
    cases
}

#[test]
fn both_verifiers_pass_the_bundle_as_it_was_sealed() {
    let two_issuers = world_of_two_issuers();
    for files in [&world().files, &two_issuers.files] {
        let outcome = recount(files, &[], &|| {});
        assert_eq!(outcome.findings, []);
        let counts = outcome.index.unwrap().counts;
        assert_eq!((counts.leaves, counts.tallied, counts.superseded, counts.withdrawn), (32, 19, 12, 1));

        let (code, told) = python::recount(files);

        assert_eq!(code, 0, "{told}");
        let digest: String = outcome.result_digest.unwrap().0.iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<&str> = told.lines().collect();
        let (manifest, root) = (outcome.manifest_digest.unwrap(), outcome.root.unwrap());
        assert_eq!(
            lines,
            [
                "equal",
                &format!("manifest, as ordered: {}", digest_words(&manifest)),
                &format!("root, as reviewers read it: {}", digest_words(&root)),
                &format!("digest of the results: {digest}"),
            ]
        );
    }
}

#[test]
fn both_verifiers_count_statements_of_the_last_versions_of_reviews_that_count() {
    let result: serde_json::Value = serde_json::from_slice(&world().files["result.json"]).unwrap();

    let told = |subject: usize| &result["subjects"][subject]["statements"];
    assert_eq!(told(0), &serde_json::json!(["s01", "s05"]));
    assert!(told(1).is_null() && told(2).is_null());
    assert!(recount(&world().files, &[], &|| {}).is_equal());
    let (code, output) = python::recount(&world().files);
    assert_eq!(code, 0, "{output}");
}

#[test]
fn both_verifiers_hold_a_result_to_the_number_of_reviews_kept() {
    // Ten valid reviews keep six, which is one too few here.
    let files = world_keeping(7).files;

    let result: serde_json::Value = serde_json::from_slice(&files["result.json"]).unwrap();
    assert_eq!((&result["subjects"][0]["status"], &result["subjects"][0]["n"]), (&"indicative".into(), &10.into()));
    assert!(result["subjects"][0].get("statements").is_none(), "no figure, no statement");
    assert!(recount(&files, &[], &|| {}).is_equal());
    let (code, told) = python::recount(&files);
    assert_eq!(code, 0, "{told}");
}

#[test]
fn both_verifiers_count_whether_reviewers_agree_so_much_that_criteria_are_held_back() {
    let files = world_agreeing().files;

    let mut result: serde_json::Value = serde_json::from_slice(&files["result.json"]).unwrap();
    assert_eq!(
        (&result["subjects"][0]["status"], &result["subjects"][0]["held_back"]),
        (&"ok".into(), &"criteria".into())
    );
    assert!(result["subjects"][1].get("held_back").is_none(), "one word has no criteria");
    assert!(recount(&files, &[], &|| {}).is_equal());
    let (code, told) = python::recount(&files);
    assert_eq!(code, 0, "{told}");

    drop(result["subjects"][0].as_object_mut().unwrap().remove("held_back"));
    let mut shown = files;
    shown.remove("result.json");
    bundle::add_result(&mut shown, canonical(&result).as_bytes()).unwrap();
    assert!(!recount(&shown, &[], &|| {}).is_equal());
    assert_eq!(python::recount(&shown).0, 1);
}

#[test]
fn both_verifiers_find_every_touch_of_a_bundle() {
    let edits = reviews::EDITS.iter().chain(documents::EDITS).chain(results::EDITS);
    let cases = cases(edits);
    assert!(cases.len() >= 500, "{} mutations only", cases.len());

    let bundles: Vec<Files> = cases.iter().map(|case| case.files.clone()).collect();
    let verdicts = python::recount_all(&bundles);

    let mut missed = Vec::new();
    for (case, (code, finding)) in cases.iter().zip(&verdicts) {
        let is_found = *code == 1 && finding.starts_with('c');
        if !is_found {
            missed.push(format!("by Python: {}: {code} {finding}", case.name));
        }
        if recount(&case.files, &[], &|| {}).is_equal() {
            missed.push(format!("by ejf recount: {}", case.name));
        }
    }
    assert!(missed.is_empty(), "{} of {} missed:\n{}", missed.len(), cases.len(), missed.join("\n"));
}

#[test]
fn a_bundle_with_two_issuers_needs_both() {
    let sealed = world_of_two_issuers().files;
    let mut bundles = Vec::new();
    for edit in [
        (|files| drop(files.remove("ledger-union.json"))) as fn(&mut Files),
        |files| {
            crate::edits::edit_line(files, "envelopes.ndjson", 4, |line| {
                drop(line["credentials"].as_array_mut().unwrap().pop());
            });
        },
        |files| {
            crate::edits::edit_line(files, "envelopes.ndjson", 4, |line| {
                let first = line["credentials"][0].clone();
                line["credentials"][1] = first;
            });
        },
        |files| {
            let other = files["ledger-council.json"].clone();
            files.insert("ledger-union.json".to_owned(), other);
        },
    ] {
        let mut files = sealed.clone();
        edit(&mut files);
        Cover::Hashes.traces(&mut files);
        assert!(!recount(&files, &[], &|| {}).is_equal());
        bundles.push(files);
    }
    assert!(python::recount_all(&bundles).iter().all(|(code, _)| *code == 1));
}

#[test]
fn interval_ends_and_variances_are_recounted_bit_for_bit() {
    for case in cases(results::INTERVALS.iter()).iter().filter(|case| case.name.contains("Hashes")) {
        let findings = recount(&case.files, &[], &|| {}).findings;
        let checks: Vec<Check> = findings.iter().map(|finding| finding.check).collect();
        assert_eq!(checks, [Check::C9], "{}: {findings:?}", case.name);
    }
}
