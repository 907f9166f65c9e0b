//! What the box takes and what it refuses, check by check and bit by bit.

use ed25519_dalek::SigningKey;
use ejf::credential::blind_rsa::{self, credential_message};
use ejf::credential::encoding::Bytes;
use ejf::credential::envelope::{self, Envelope};
use ejf::credential::frozen::Frozen;
use ejf::credential::manifest::BODY_SIZE;
use ejf::credential::receipt::Receipt;
use ejf::credential::rules::BallotRules;
use ejf::credential::signing::public_key;
use ejf::error::{Code, Error, Result};
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Padding;
use openssl::sign::{RsaPssSaltlen, Signer, Verifier};

use crate::round::{
    ALMA, BOLAT, CYCLE, Reviewer, date, issuer_key, ledger, manifest, marks, next, receipt_key, rules, subject_key,
    today,
};

/// What the box does with the bytes of a submission, up to its database.
fn submit(rules: &BallotRules, submission: &[u8]) -> Result<()> {
    let envelope = Envelope::parse_submission(submission)?;
    envelope::verify(rules, &envelope, today()).map(|_| ())
}

fn refusal(rules: &BallotRules, envelope: &Envelope) -> Code {
    envelope::verify(rules, envelope, today()).unwrap_err().code()
}

#[test]
fn a_review_and_its_revision_are_taken() {
    let rules = rules();
    let reviewer = Reviewer::new(21, ALMA);
    let first = reviewer.review(rules.current(), &[]);
    let submission = first.to_submission().unwrap();
    assert_eq!(submission.len(), BODY_SIZE);
    assert_eq!(Envelope::parse_submission(&submission).unwrap(), first);
    let leaf = envelope::verify(&rules, &first, today()).unwrap().leaf();
    assert_eq!(leaf, first.leaf().unwrap());

    let second = reviewer.review(rules.current(), &[leaf]);
    assert_eq!((second.body.seq, second.body.prev.as_slice()), (2, [leaf].as_slice()));
    submit(&rules, &second.to_submission().unwrap()).unwrap();
}

#[test]
fn a_withdrawal_is_a_revision_without_marks_and_statements() {
    let rules = rules();
    let reviewer = Reviewer::new(22, ALMA);
    let mut body = reviewer.body(rules.current(), &[Bytes([1; 32])]);
    assert!(!body.is_withdrawn());
    body.marks = marks(None, None);
    body.statements.clear();
    assert!(body.is_withdrawn());
    envelope::verify(&rules, &reviewer.seal(body), today()).unwrap();
}

#[test]
fn each_check_has_its_code_and_the_earlier_check_wins() {
    let rules = rules();
    let reviewer = Reviewer::new(23, ALMA);
    let altered = |change: &dyn Fn(&mut Envelope)| {
        // Signed before the change, so that check 9 fails too: the code shows that the earlier check came first.
        let mut envelope = reviewer.review(rules.current(), &[]);
        change(&mut envelope);
        refusal(&rules, &envelope)
    };
    assert_eq!(altered(&|e| e.body.v = 2), Code::Malformed);
    assert_eq!(altered(&|e| e.body.cycle_ref = Bytes([9; 16])), Code::UnknownCycle);
    assert_eq!(altered(&|e| e.body.round = 2), Code::UnknownCycle);
    assert_eq!(altered(&|e| e.body.manifest_digest = Bytes([9; 32])), Code::ManifestMismatch);
    assert_eq!(altered(&|e| e.body.subject_ref = Bytes([9; 16])), Code::UnknownSubject);
    assert_eq!(altered(&|e| e.body.subject_ref = BOLAT), Code::GateClosed);
    assert_eq!(altered(&|e| e.body.purpose = "comment".to_owned()), Code::InvalidReview);
    assert_eq!(altered(&|e| e.credentials.clear()), Code::CredentialInvalid);
    assert_eq!(altered(&|e| e.credentials.push(e.credentials[0].clone())), Code::CredentialInvalid);
    assert_eq!(altered(&|e| e.credentials[0].issuer_id = "other".to_owned()), Code::CredentialInvalid);
    assert_eq!(altered(&|e| e.credentials[0].key_id = Bytes([9; 32])), Code::CredentialInvalid);
    assert_eq!(altered(&|e| e.credentials[0].prefix = Bytes([9; 32])), Code::CredentialInvalid);
    assert_eq!(altered(&|e| e.epk = public_key(&SigningKey::from_bytes(&[99; 32]))), Code::CredentialInvalid);
    assert_eq!(altered(&|e| e.body.nonce = Bytes([9; 32])), Code::SignatureInvalid);
    assert_eq!(altered(&|e| e.body.marks = marks(Some(5), None)), Code::SignatureInvalid);

    let review = reviewer.review(rules.current(), &[]);
    let on = |day| envelope::verify(&rules, &review, date(day)).map(|_| ()).map_err(|error| error.code());
    assert_eq!(on("2027-02-11"), Err(Code::TooEarly));
    assert_eq!((on("2027-02-12"), on("2027-03-04")), (Ok(()), Ok(())));
    assert_eq!(on("2027-03-05"), Err(Code::WindowClosed));
}

#[test]
fn a_review_that_breaks_the_form_is_invalid() {
    let rules = rules();
    let reviewer = Reviewer::new(24, ALMA);
    let code = |change: &dyn Fn(&mut envelope::Body)| {
        let mut body = reviewer.body(rules.current(), &[]);
        change(&mut body);
        envelope::verify(&rules, &reviewer.seal(body), today()).map(|_| ()).map_err(|error| error.code())
    };
    let invalid = Err(Code::InvalidReview);
    assert_eq!(code(&|body| body.marks = marks(Some(1), Some(5))), Ok(()));
    assert_eq!(code(&|body| body.marks = marks(Some(0), None)), invalid);
    assert_eq!(code(&|body| body.marks = marks(Some(6), None)), invalid);
    assert_eq!(code(&|body| body.marks.retain(|code, _| code != "k2")), invalid);
    assert_eq!(code(&|body| body.marks.extend([("k3".to_owned(), None)])), invalid);
    assert_eq!(code(&|body| body.statements = vec!["s03".to_owned()]), invalid);
    assert_eq!(code(&|body| body.statements = vec!["s01".to_owned(), "s02".to_owned()]), invalid);
    assert_eq!(code(&|body| body.seq = 0), invalid);
    assert_eq!(code(&|body| body.seq = 2), invalid);
    let leaves = |numbers: &[u8]| numbers.iter().map(|n| Bytes([*n; 32])).collect::<Vec<_>>();
    assert_eq!(code(&|body| (body.seq, body.prev) = (3, leaves(&[1, 2]))), Ok(()));
    assert_eq!(code(&|body| (body.seq, body.prev) = (3, leaves(&[2, 1]))), invalid);
    assert_eq!(code(&|body| (body.seq, body.prev) = (3, leaves(&[1, 1]))), invalid);
    assert_eq!(code(&|body| (body.seq, body.prev) = (4, leaves(&[1, 2, 3]))), invalid);
}

#[test]
fn statements_stand_in_order_and_once() {
    let mut manifest = manifest();
    manifest.instruments[0].max_statements = 2;
    let manifest = Frozen::new(manifest).unwrap();
    let ledger = ledger(&manifest, 12, 11);
    let rules = BallotRules::new(vec![manifest], vec![ledger]).unwrap();
    let reviewer = Reviewer::new(24, ALMA);
    let code = |statements: &[&str]| {
        let mut body = reviewer.body(rules.current(), &[]);
        body.statements = statements.iter().map(ToString::to_string).collect();
        envelope::verify(&rules, &reviewer.seal(body), today()).map(|_| ()).map_err(|error| error.code())
    };
    assert_eq!(code(&["s01", "s02"]), Ok(()));
    // The order in which somebody clicked would be a mark of that person.
    assert_eq!(code(&["s02", "s01"]), Err(Code::InvalidReview));
    assert_eq!(code(&["s01", "s01"]), Err(Code::InvalidReview));
}

#[test]
fn a_bit_flipped_anywhere_in_a_submission_is_refused_as_the_callers_fault() {
    let rules = rules();
    let reviewer = Reviewer::new(25, ALMA);
    let submission = reviewer.review(rules.current(), &[Bytes([7; 32])]).to_submission().unwrap();
    let pad = submission.windows(7).position(|window| window == b"\"pad\":\"").unwrap();
    let pad_end = submission[pad + 7..].iter().position(|byte| *byte == b'"').unwrap() + pad + 7;
    let places = (0..pad + 10).chain(pad_end - 2..submission.len());
    let mut flipped = submission.clone();
    for place in places {
        for bit in 0..8 {
            flipped[place] ^= 1 << bit;
            match submit(&rules, &flipped).unwrap_err() {
                Error::Refused(refusal) => assert_ne!(refusal.code, Code::Internal),
                other => panic!("byte {place}, bit {bit}: {other}"),
            }
            flipped[place] ^= 1 << bit;
        }
    }
    submit(&rules, &submission).unwrap();
}

#[test]
fn what_is_no_submission_is_refused_by_its_form() {
    let rules = rules();
    let submission = Reviewer::new(26, ALMA).review(rules.current(), &[]).to_submission().unwrap();
    let code = |bytes: &[u8]| Envelope::parse_submission(bytes).unwrap_err().code();
    assert_eq!(code(&submission[1..]), Code::WrongSize);
    assert_eq!(code(&[submission.as_slice(), b" "].concat()), Code::WrongSize);
    let text = String::from_utf8(submission).unwrap();
    let with = |from: &str, to: &str| {
        let longer = text.replacen(from, to, 1);
        assert_ne!(longer, text);
        let surplus = "0".repeat(to.len() - from.len());
        longer.replacen(&format!("\"pad\":\"{surplus}"), "\"pad\":\"", 1).into_bytes()
    };
    assert_eq!(code(&with("{\"body\"", "{\"time\":1,\"body\"")), Code::Malformed);
    assert_eq!(code(&with("\"k1\":4", "\"k1\":1,\"k1\":4")), Code::Malformed);
    assert_eq!(code(&with("\"k1\":4", "\"k1\":4.0")), Code::Malformed);
    assert_eq!(code(&with("\"k2\":null", "\"k2\":[[[[]]]]")), Code::Malformed);
    assert_eq!(code(&[b'['; BODY_SIZE]), Code::Malformed);
    assert_eq!(code(&[0xff; BODY_SIZE]), Code::Malformed);
}

#[test]
fn a_signature_whose_scalar_is_not_canonical_is_refused() {
    let rules = rules();
    let reviewer = Reviewer::new(27, ALMA);
    let mut envelope = reviewer.review(rules.current(), &[]);
    // The group order, little-endian: S + order is the same scalar in a second writing.
    let order: [u8; 32] = std::array::from_fn(|at| {
        let low = [0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14];
        low.get(at).copied().unwrap_or(if at == 31 { 0x10 } else { 0 })
    });
    let mut carry = 0;
    for (byte, addend) in envelope.sig.0[32..].iter_mut().zip(order) {
        let sum = u16::from(*byte) + u16::from(addend) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    assert_eq!(refusal(&rules, &envelope), Code::SignatureInvalid);
}

#[test]
fn blinded_messages_outside_the_modulus_are_refused() {
    let issuer = issuer_key(ALMA);
    let n = PKey::public_key_from_der(issuer.public().spki_der()).unwrap().rsa().unwrap().n().to_vec();
    let code = |z: &[u8]| issuer.blind_sign(z).unwrap_err().code();
    assert_eq!(code(&n), Code::BadBlindedMsg);
    assert_eq!(code(&[0xff; 384]), Code::BadBlindedMsg);
    assert_eq!(code(&[0; 384]), Code::BadBlindedMsg);
    assert_eq!(code(&[1; 383]), Code::BadBlindedMsg);
    assert_eq!(code(&[1; 385]), Code::BadBlindedMsg);
    assert_eq!(code(&[]), Code::BadBlindedMsg);
    assert!(!blind_rsa::verify(issuer.public(), &Bytes([0; 32]), b"msg", &n));
    assert!(!blind_rsa::verify(issuer.public(), &Bytes([0; 32]), b"msg", &[0xff; 384]));
    assert!(!blind_rsa::verify(issuer.public(), &Bytes([0; 32]), b"msg", &[]));
}

#[test]
fn only_signatures_with_a_salt_of_48_bytes_are_valid() {
    let issuer = issuer_key(ALMA);
    let key = PKey::private_key_from_pkcs8(&issuer.to_pkcs8_der().unwrap()).unwrap();
    let prefix = Bytes([3; 32]);
    let sign = |salt_size| {
        let mut signer = Signer::new(MessageDigest::sha384(), &key).unwrap();
        signer.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
        signer.set_rsa_pss_saltlen(RsaPssSaltlen::custom(salt_size)).unwrap();
        signer.sign_oneshot_to_vec(&[prefix.0.as_slice(), b"msg"].concat()).unwrap()
    };
    assert!(blind_rsa::verify(issuer.public(), &prefix, b"msg", &sign(48)));
    for salt_size in [0, 32, 47, 49] {
        assert!(!blind_rsa::verify(issuer.public(), &prefix, b"msg", &sign(salt_size)), "{salt_size}");
    }
}

#[test]
fn openssl_takes_the_credentials_that_we_finalize() {
    let reviewer = Reviewer::new(28, ALMA);
    let issuer = issuer_key(ALMA).public();
    let key = PKey::public_key_from_der(issuer.spki_der()).unwrap();
    let mut verifier = Verifier::new(MessageDigest::sha384(), &key).unwrap();
    verifier.set_rsa_padding(Padding::PKCS1_PSS).unwrap();
    verifier.set_rsa_pss_saltlen(RsaPssSaltlen::custom(48)).unwrap();
    let msg = credential_message(&CYCLE, &ALMA, &issuer.key_id(), &public_key(&reviewer.esk));
    let input = [reviewer.credential.prefix.0.as_slice(), &msg].concat();
    assert!(verifier.verify_oneshot(&reviewer.credential.sig.0, &input).unwrap());
}

#[test]
fn an_extension_keeps_what_was_signed_before_and_a_new_key_does_not() {
    let first = rules();
    let reviewer = Reviewer::new(29, ALMA);
    let review = reviewer.review(first.current(), &[]);
    let generation_0 = || Frozen::new(first.current().manifest().clone()).unwrap();

    let extended = next(&generation_0(), |manifest| manifest.dates.submit_close = date("2027-03-06"));
    assert!(extended.changed_subjects(&generation_0()).is_empty());
    // The ledger of the earlier generation still opens the gate, for it counted the same key.
    let extended = BallotRules::new(vec![extended, generation_0()], vec![ledger(&generation_0(), 12, 0)]).unwrap();
    envelope::verify(&extended, &review, date("2027-03-06")).unwrap();

    let bumped = next(&generation_0(), |manifest| {
        // Alma's panel collects anew; two generated keys are enough, so Bolat leaves the round.
        manifest.subjects.pop();
        manifest.subjects[0].keys = vec![subject_key(issuer_key(BOLAT).public())];
    });
    assert_eq!(bumped.changed_subjects(&generation_0()), [ALMA, BOLAT]);
    let new_ledger = ledger(&bumped, 12, 0);
    let digest = bumped.digest();
    let closed = BallotRules::new(vec![generation_0(), bumped], vec![ledger(&generation_0(), 12, 0)]).unwrap();
    assert_eq!(closed.check_gate(&ALMA).unwrap_err().code(), Code::GateClosed);
    let bumped = closed.generations().map(|m| Frozen::new(m.manifest().clone()).unwrap()).collect();
    let bumped = BallotRules::new(bumped, vec![new_ledger]).unwrap();
    assert_eq!(refusal(&bumped, &review), Code::ManifestMismatch);
    let mut body = reviewer.body(bumped.current(), &[]);
    body.manifest_digest = digest;
    assert_eq!(refusal(&bumped, &reviewer.seal(body)), Code::CredentialInvalid);
}

#[test]
fn a_receipt_holds_for_its_leaf_and_round_only() {
    let leaf = Bytes([8; 32]);
    let receipt = Receipt::sign(&receipt_key(), &CYCLE, 1, &leaf);
    let public = public_key(&receipt_key());
    assert!(receipt.verify(&public));
    assert_eq!(receipt, Receipt::sign(&receipt_key(), &CYCLE, 1, &leaf));
    assert!(!Receipt { round: 2, ..receipt.clone() }.verify(&public));
    assert!(!Receipt { leaf: Bytes([9; 32]), ..receipt.clone() }.verify(&public));
    assert!(!Receipt { v: 2, ..receipt }.verify(&public));
}
