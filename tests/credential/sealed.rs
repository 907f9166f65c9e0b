//! The sealed bundle: whole as built, and every touch of it found.

use std::sync::OnceLock;

use ejf::credential::audit::{Check, check};
use ejf::credential::bundle::{self, ENVELOPES, Files, INDEX, SUPERSEDED, Superseded, add_result, build};
use ejf::credential::encoding::sha256;
use ejf::credential::envelope::Envelope;
use ejf::credential::jcs;
use ejf::credential::rules::BallotRules;
use ejf::error::Code;

use crate::round::{ALMA, METHODOLOGY, Reviewer, doc_key, log_key, marks, rules};

/// Twelve reviewers: one revised once, one twice, one withdrew.
fn reviews(rules: &BallotRules) -> (Vec<Envelope>, Vec<Superseded>) {
    let mut envelopes = Vec::new();
    let mut superseded = Vec::new();
    for seed in 41..53 {
        let reviewer = Reviewer::new(seed, ALMA);
        let mut earlier = Vec::new();
        let mut last = reviewer.review(rules.current(), &earlier);
        let revisions = match seed {
            42 | 44 => 1,
            43 => 2,
            _ => 0,
        };
        for _ in 0..revisions {
            earlier.push(last.leaf().unwrap());
            superseded.push(Superseded { leaf: last.leaf().unwrap(), epk: last.epk });
            let mut body = reviewer.body(rules.current(), &earlier);
            if seed == 44 {
                body.marks = marks(None, None);
                body.statements.clear();
            }
            last = reviewer.seal(body);
        }
        envelopes.push(last);
    }
    (envelopes, superseded)
}

/// A good bundle without results, made once.
pub fn sealed() -> Files {
    static SEALED: OnceLock<Files> = OnceLock::new();
    SEALED
        .get_or_init(|| {
            let rules = rules();
            let (envelopes, superseded) = reviews(&rules);
            let note = rules.current().sign_note(&log_key()).unwrap();
            build(&rules, &note, METHODOLOGY, &envelopes, &superseded, &log_key()).unwrap()
        })
        .clone()
}

/// What a bundle is made of, as an insider takes it apart.
struct Parts {
    note: String,
    methodology: Vec<u8>,
    envelopes: Vec<Envelope>,
    superseded: Vec<Superseded>,
}

fn parts(files: &Files) -> Parts {
    Parts {
        note: String::from_utf8(files[bundle::NOTE].clone()).unwrap(),
        methodology: files[bundle::METHODOLOGY].clone(),
        envelopes: lines(files, ENVELOPES).iter().map(|line| Envelope::parse(line.as_bytes()).unwrap()).collect(),
        superseded: lines(files, SUPERSEDED).iter().map(|line| jcs::read(line.as_bytes()).unwrap()).collect(),
    }
}

/// The bundle as a cunning insider leaves it: the index is made anew over what was changed.
fn reindexed(mut files: Files) -> Files {
    let mut index: bundle::Index = jcs::read(&files[INDEX]).unwrap();
    files.remove(INDEX);
    index.files = files.iter().map(|(name, bytes)| (name.clone(), sha256(&[bytes]))).collect();
    files.insert(INDEX.to_owned(), jcs::canonical(&index).unwrap());
    files
}

fn checks(files: &Files) -> Vec<Check> {
    let mut checks: Vec<_> = check(files).into_iter().map(|finding| finding.check).collect();
    checks.sort_unstable();
    checks.dedup();
    checks
}

fn lines(files: &Files, name: &str) -> Vec<String> {
    String::from_utf8(files[name].clone()).unwrap().lines().map(|line| format!("{line}\n")).collect()
}

#[test]
fn a_bundle_is_whole_before_and_after_its_result() {
    let mut files = sealed();
    assert_eq!(check(&files), []);
    let before = files.clone();
    add_result(&mut files, b"{\"v\":1}").unwrap();
    assert_eq!(check(&files), []);
    let changed: Vec<_> = files.keys().filter(|name| files.get(*name) != before.get(*name)).collect();
    assert_eq!(changed, [INDEX, "result.json"]);
}

#[test]
fn a_bundle_reads_back_as_it_was_built() {
    let bundle = parts(&sealed());
    let counts = jcs::read::<bundle::Index>(&sealed()[INDEX]).unwrap().counts;
    assert_eq!((counts.leaves, counts.tallied, counts.superseded, counts.withdrawn), (16, 11, 4, 1));
    assert_eq!((bundle.envelopes.len(), bundle.superseded.len(), sealed()[bundle::LEAVES].len()), (12, 4, 16 * 32));
    let again = build(&rules(), &bundle.note, &bundle.methodology, &bundle.envelopes, &bundle.superseded, &log_key());
    assert_eq!(again.unwrap(), sealed());
}

#[test]
fn a_bundle_does_not_show_the_order_in_which_reviews_came() {
    let rules = rules();
    let bundle = parts(&sealed());
    let (mut envelopes, mut superseded) = (bundle.envelopes, bundle.superseded);
    envelopes.reverse();
    superseded.rotate_left(1);
    let again = build(&rules, &bundle.note, METHODOLOGY, &envelopes, &superseded, &log_key()).unwrap();
    assert_eq!(again, sealed());
}

#[test]
fn a_doubled_leaf_or_a_strange_key_cannot_be_sealed() {
    let rules = rules();
    let bundle = parts(&sealed());
    let doubled = [bundle.envelopes.as_slice(), &bundle.envelopes[..1]].concat();
    let code = |envelopes: &[Envelope], superseded: &[Superseded], key| {
        build(&rules, &bundle.note, METHODOLOGY, envelopes, superseded, &key).unwrap_err().code()
    };
    assert_eq!(code(&doubled, &bundle.superseded, log_key()), Code::AlreadyExists);
    let both = [Superseded { leaf: bundle.envelopes[0].leaf().unwrap(), epk: bundle.envelopes[0].epk }];
    assert_eq!(code(&bundle.envelopes, &both, log_key()), Code::AlreadyExists);
    assert_eq!(code(&bundle.envelopes, &bundle.superseded, doc_key()), Code::Internal);
}

#[test]
fn the_index_finds_what_was_changed_after_it() {
    for name in sealed().into_keys().filter(|name| name != INDEX) {
        let mut changed = sealed();
        changed.get_mut(&name).unwrap().push(b' ');
        assert!(checks(&changed).contains(&Check::C1), "{name}");
        changed.remove(&name);
        assert!(checks(&changed).contains(&Check::C1), "{name}");
    }
    let mut added = sealed();
    added.insert("notes.txt".to_owned(), Vec::new());
    assert_eq!(checks(&added), [Check::C1]);
    assert_eq!(checks(&reindexed(added)), [Check::C1]);
    assert!(checks(&Files::new()).contains(&Check::C1));
}

#[test]
fn reviews_dropped_doubled_or_swapped_are_found_even_under_a_new_index() {
    let with = |name: &str, lines: Vec<String>| {
        let mut files = sealed();
        files.insert(name.to_owned(), lines.concat().into_bytes());
        checks(&reindexed(files))
    };
    let envelopes = lines(&sealed(), "envelopes.ndjson");
    assert!(with("envelopes.ndjson", envelopes[1..].to_vec()).contains(&Check::C7));
    let doubled = [&envelopes[..1], &envelopes].concat();
    assert!(with("envelopes.ndjson", doubled).contains(&Check::C6));
    let mut swapped = envelopes.clone();
    swapped.swap(2, 3);
    assert_eq!(with("envelopes.ndjson", swapped), [Check::C5]);
    let mut marked = envelopes;
    let at = marked.iter().position(|line| line.contains("\"k1\":4")).unwrap();
    marked[at] = marked[at].replace("\"k1\":4", "\"k1\":5");
    assert!(with("envelopes.ndjson", marked).contains(&Check::C5));
    let superseded = lines(&sealed(), "superseded.ndjson");
    assert!(with("superseded.ndjson", superseded[1..].to_vec()).contains(&Check::C7));
    assert!(with("superseded.ndjson", Vec::new()).contains(&Check::C8));
}

#[test]
fn a_leaf_retired_without_its_author_is_found() {
    // The insider drops the review itself and claims that its author had replaced it.
    let rules = rules();
    let bundle = parts(&sealed());
    let (dropped, kept) = bundle.envelopes.split_first().unwrap();
    let mut superseded = bundle.superseded;
    superseded.push(Superseded { leaf: dropped.leaf().unwrap(), epk: kept[0].epk });
    let forged = build(&rules, &bundle.note, METHODOLOGY, kept, &superseded, &log_key()).unwrap();
    assert!(checks(&forged).contains(&Check::C7));
}

#[test]
fn more_reviews_than_credentials_and_a_closed_gate_are_found() {
    let rules = rules();
    let (mut envelopes, superseded) = reviews(&rules);
    envelopes.push(Reviewer::new(60, ALMA).review(rules.current(), &[]));
    let note = rules.current().sign_note(&log_key()).unwrap();
    let stuffed = build(&rules, &note, METHODOLOGY, &envelopes, &superseded, &log_key()).unwrap();
    assert_eq!(checks(&stuffed), [Check::C6]);
    let ungated = vec![Reviewer::new(61, crate::round::BOLAT).review(rules.current(), &[])];
    let ungated = build(&rules, &note, METHODOLOGY, &ungated, &[], &log_key()).unwrap();
    assert_eq!(checks(&ungated), [Check::C6]);
}

#[test]
fn five_hundred_flipped_bits_are_all_found_even_under_a_new_index() {
    let files = sealed();
    let names: Vec<_> = files.keys().filter(|name| *name != INDEX).collect();
    for n in 0..504_usize {
        let name = names[n % names.len()];
        let mut changed = files.clone();
        let bytes = changed.get_mut(name).unwrap();
        let place = n.wrapping_mul(0x9e37_79b1) % bytes.len();
        bytes[place] ^= 1 << (n / names.len() % 8);
        assert!(!check(&reindexed(changed)).is_empty(), "{name}, byte {place}");
    }
}
