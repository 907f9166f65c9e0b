//! Windows, dates, chains, notes and gates.

use chrono::{TimeZone as _, Utc};
use ejf::credential::encoding::Bytes;
use ejf::credential::frozen::Frozen;
use ejf::credential::ledger::Ledger;
use ejf::credential::manifest::{Manifest, Window};
use ejf::credential::rules::BallotRules;
use ejf::credential::seal_order::{Act, SealOrder};
use ejf::error::{Code, Error, Place};

use crate::round::{ALMA, BOLAT, date, doc_key, ledger, log_key, manifest, next, receipt_key};

/// The pointers at fault after a change to a good manifest.
fn faults(change: impl FnOnce(&mut Manifest)) -> Vec<String> {
    let mut changed = manifest();
    change(&mut changed);
    match changed.validate() {
        Ok(()) => Vec::new(),
        Err(Error::Refused(refusal)) => refusal
            .faults
            .into_iter()
            .map(|fault| match fault.place {
                Place::Pointer(pointer) => pointer,
                Place::Parameter(name) => panic!("{name} is no pointer"),
            })
            .collect(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn windows_are_whole_days_where_the_round_takes_place() {
    let manifest = manifest();
    assert_eq!(manifest.submit_window(date("2027-02-11")), Window::TooEarly);
    assert_eq!(manifest.submit_window(date("2027-02-12")), Window::Open);
    assert_eq!(manifest.submit_window(date("2027-03-04")), Window::Open);
    assert_eq!(manifest.submit_window(date("2027-03-05")), Window::Closed);
    assert_eq!(manifest.issue_window(date("2027-01-31")), Window::TooEarly);
    assert_eq!(manifest.issue_window(date("2027-02-10")), Window::Open);
    assert_eq!(manifest.issue_window(date("2027-02-11")), Window::Closed);
    // At +05:00 the day begins at 19:00 UTC of the day before.
    let at = |h, m, s| manifest.date_at(Utc.with_ymd_and_hms(2027, 2, 11, h, m, s).unwrap());
    assert_eq!((at(18, 59, 59), at(19, 0, 0)), (date("2027-02-11"), date("2027-02-12")));
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused_at_the_field() {
    assert!(faults(|_| ()).is_empty());
    assert_eq!(faults(|m| m.dates.submit_open = date("2027-02-11")), ["/dates/submit_open"]);
    assert_eq!(faults(|m| m.dates.submit_close = date("2027-02-11")), ["/dates/submit_close"]);
    assert_eq!(faults(|m| m.dates.challenge_close = date("2027-03-14")), ["/dates/challenge_close"]);
    assert_eq!(faults(|m| m.subjects.swap(0, 1)), ["/subjects"]);
    assert_eq!(faults(|m| m.subjects[1].subject_ref = ALMA), ["/subjects"]);
    assert_eq!(faults(|m| m.subjects[1].instrument_id = "x".to_owned()), ["/subjects/1/instrument_id"]);
    assert_eq!(faults(|m| m.generation = 1), ["/prev_manifest_digest"]);
    assert_eq!(faults(|m| m.decision_min = 4), ["/decision_min"]);
    assert_eq!(faults(|m| m.body_size = 4096), ["/body_size"]);
    assert_eq!(faults(|m| m.utc_offset_minutes = 841), ["/utc_offset_minutes"]);
    assert_eq!(faults(|m| m.utc_offset_minutes = i32::MIN), ["/utc_offset_minutes"]);
    assert_eq!(faults(|m| m.issuers[0].issuer_id = "../x".to_owned()), ["/issuers/0/issuer_id"]);
    assert_eq!(faults(|m| m.log.origin.push('x')), ["/log/vkey", "/log/origin"]);
    assert_eq!(faults(|m| m.instruments[0].items[0].min = 6), ["/instruments/0/items"]);
}

#[test]
fn a_manifest_is_read_only_in_its_full_form() {
    let text = String::from_utf8(manifest().to_bytes().unwrap()).unwrap();
    assert_eq!(Manifest::parse(text.as_bytes()).unwrap(), manifest());
    for (from, to) in [
        ("\"prev_manifest_digest\":null,", ""),
        ("2027-02-01", "2027-2-01"),
        ("\"v\":1", "\"v\":1,\"w\":1"),
        ("\"marks\"", "\"comment\""),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text);
        assert_eq!(Manifest::parse(changed.as_bytes()).unwrap_err().code(), Code::Malformed, "{to}");
    }
}

#[test]
fn a_note_is_of_one_generation_and_one_key() {
    let first = Frozen::new(manifest()).unwrap();
    let note = first.sign_note(&log_key()).unwrap();
    first.verify_note(&note).unwrap();
    let second = next(&first, |manifest| manifest.dates.submit_close = date("2027-03-06"));
    assert_eq!(second.verify_note(&note).unwrap_err().code(), Code::ManifestMismatch);
    assert_eq!(first.sign_note(&receipt_key()).unwrap_err().code(), Code::Internal);
}

#[test]
fn generations_must_be_a_chain() {
    let first = || Frozen::new(manifest()).unwrap();
    let second = || next(&first(), |manifest| manifest.dates.submit_close = date("2027-03-06"));
    let third = next(&second(), |_| ());
    assert!(BallotRules::new(vec![second(), first()], Vec::new()).is_ok());
    let code = |generations| BallotRules::new(generations, Vec::new()).unwrap_err().code();
    assert_eq!(code(Vec::new()), Code::ManifestMismatch);
    assert_eq!(code(vec![second()]), Code::ManifestMismatch);
    assert_eq!(code(vec![first(), third]), Code::ManifestMismatch);
    let forked = next(&first(), |manifest| manifest.prev_manifest_digest = Some(Bytes([1; 32])));
    assert_eq!(code(vec![first(), forked]), Code::ManifestMismatch);
    let moved = next(&first(), |manifest| manifest.receipt_key = Bytes([1; 32]));
    assert_eq!(code(vec![first(), moved]), Code::ManifestMismatch);
}

#[test]
fn what_reviewers_were_promised_stays_in_every_generation() {
    let first = Frozen::new(manifest()).unwrap();
    type Change = (&'static str, fn(&mut Manifest));
    let changes: [Change; 7] = [
        ("issued_min", |manifest| manifest.issued_min = 13),
        ("display_min", |manifest| manifest.display_min = 6),
        ("decision_min", |manifest| manifest.decision_min = 9),
        ("max_seq", |manifest| manifest.max_seq += 1),
        ("doc_key", |manifest| manifest.issuers[0].doc_key = ejf::credential::signing::public_key(&log_key())),
        ("panel_size", |manifest| manifest.subjects[0].panel_size += 1),
        ("name", |manifest| manifest.issuers[0].name.en.push('x')),
    ];
    for (what, change) in changes {
        let refused = next(&first, change).succeeds(&first);
        assert_eq!(refused.unwrap_err().code(), Code::ManifestMismatch, "{what}");
    }
}

#[test]
fn the_gate_opens_at_issued_min_and_not_without_a_ledger() {
    let manifest = || Frozen::new(manifest()).unwrap();
    let gate = |ledgers| {
        let rules = BallotRules::new(vec![manifest()], ledgers).unwrap();
        [ALMA, BOLAT, Bytes([9; 16])].map(|subject| rules.check_gate(&subject).map_err(|error| error.code()))
    };
    let (closed, unknown) = (Err(Code::GateClosed), Err(Code::UnknownSubject));
    assert_eq!(gate(vec![ledger(&manifest(), 12, 11)]), [Ok(()), closed, unknown]);
    assert_eq!(gate(vec![ledger(&manifest(), 14, 0)]), [Ok(()), closed, unknown]);
    assert_eq!(gate(Vec::new()), [closed, closed, unknown]);
}

#[test]
fn a_ledger_that_was_touched_is_refused() {
    let manifest = Frozen::new(manifest()).unwrap();
    let good = ledger(&manifest, 12, 3);
    good.verify(&manifest).unwrap();
    let mut short = good.clone();
    short.subjects[0].entries.pop();
    assert_eq!(short.verify(&manifest).unwrap_err().code(), Code::SignatureInvalid);
    let entries: Vec<_> = (0..15).map(|n| (ALMA, Bytes([n; 32]))).collect();
    let overfull = Ledger::build(&manifest, "council", &entries, &doc_key()).unwrap_err();
    assert_eq!(overfull.code(), Code::Internal);
    let twice = [(ALMA, Bytes([1; 32])), (ALMA, Bytes([1; 32]))];
    assert!(Ledger::build(&manifest, "council", &twice, &doc_key()).is_err());
    assert!(Ledger::build(&manifest, "other", &[], &doc_key()).is_err());
    assert!(Ledger::build(&manifest, "council", &[], &log_key()).is_err());
    assert_eq!(BallotRules::new(vec![manifest], vec![good.clone(), good]).unwrap_err().code(), Code::AlreadyExists);
}

#[test]
fn a_seal_order_is_for_one_manifest_and_one_act() {
    let first = Frozen::new(manifest()).unwrap();
    let order = SealOrder::sign(&first, Act::Seal, None, &doc_key()).unwrap();
    order.verify(&first).unwrap();
    let destroyed = SealOrder { act: Act::Destroy, ..order.clone() };
    assert_eq!(destroyed.verify(&first).unwrap_err().code(), Code::SignatureInvalid);
    let second = next(&first, |_| ());
    assert_eq!(order.verify(&second).unwrap_err().code(), Code::ManifestMismatch);
    assert!(SealOrder::sign(&first, Act::Seal, None, &log_key()).is_err());
}
