//! K-1 to K-6 of the design's section 14: what a hostile issuer tries, and what the client says to it.

use ed25519_dalek::SigningKey;
use ejf::credential::alarms::Alarm;
use ejf::credential::blind_rsa::{IssuerKey, IssuerPublicKey, KeyFault, Pending, credential_message};
use ejf::credential::encoding::{Blob, Bytes, sha256};
use ejf::credential::frozen::Frozen;
use ejf::credential::manifest::{Manifest, digest_words, matches_words};
use ejf::credential::signing::public_key;
use ejf::error::{Code, Error};
use openssl::bn::BigNum;
use openssl::rsa::Rsa;

use crate::round::{ALMA, BOLAT, CYCLE, issuer_key, manifest, next};

/// The alarms after a change; a frozen manifest must be refused whenever there is one.
fn alarms(change: impl FnOnce(&mut Manifest)) -> Vec<Alarm> {
    let mut changed = manifest();
    change(&mut changed);
    let alarms = changed.alarms();
    assert_eq!(Frozen::new(changed).is_err(), !alarms.is_empty());
    alarms
}

/// Alarms after Alma's key is replaced by this one, its `key_id` honest.
fn alarm_of_key(n: BigNum, e: u32) -> Vec<Alarm> {
    let rsa = Rsa::from_public_components(n, BigNum::from_u32(e).unwrap()).unwrap();
    let spki = rsa.public_key_to_der().unwrap();
    alarms(|manifest| {
        manifest.subjects[0].keys[0].key_id = sha256(&[&spki]);
        manifest.subjects[0].keys[0].spki = Blob(spki);
    })
}

fn modulus() -> BigNum {
    Rsa::public_key_from_der(issuer_key(ALMA).public().spki_der()).unwrap().n().to_owned().unwrap()
}

fn faults(alarms: Vec<Alarm>) -> Vec<KeyFault> {
    alarms
        .into_iter()
        .map(|alarm| match alarm {
            Alarm::WeakKey(_, fault) => fault,
            other => panic!("{other}"),
        })
        .collect()
}

/// The client's side of an issuance under a pinned key, answered by whatever key the issuer takes.
fn collect(pinned: &IssuerPublicKey, issuer: &IssuerKey) -> Result<Vec<u8>, Error> {
    let epk = public_key(&SigningKey::from_bytes(&[31; 32]));
    let msg = credential_message(&CYCLE, &ALMA, &pinned.key_id(), &epk);
    let pending = Pending::blind(pinned, &msg)?;
    // A hostile issuer signs whatever fits its own modulus.
    let mut blinded = pending.blinded_msg.0.clone();
    blinded[0] &= 0x7f;
    let answer =
        issuer.blind_sign(if std::ptr::eq(pinned, issuer.public()) { &pending.blinded_msg.0 } else { &blinded })?;
    pending.finalize(pinned, &msg, &answer)
}

#[test]
fn an_honest_manifest_raises_no_alarm_and_its_credentials_finalize() {
    assert!(alarms(|_| ()).is_empty());
    let issuer = issuer_key(ALMA);
    assert_eq!(collect(issuer.public(), issuer).unwrap().len(), 384);
}

#[test]
fn k_1_and_k_5_a_signature_under_any_other_key_does_not_finalize() {
    // A key of one judge alone, and the valid key of another subject, look the same to the client: not the pinned one.
    let refused = collect(issuer_key(ALMA).public(), issuer_key(BOLAT)).unwrap_err();
    assert_eq!(refused.code(), Code::CredentialInvalid);
}

#[test]
fn k_2_a_second_manifest_has_another_digest_in_words() {
    let pinned = Frozen::new(manifest()).unwrap();
    let mut other = manifest();
    other.client_hashes.push(Bytes([1; 32]));
    let other = Frozen::new(other).unwrap();
    assert_ne!(pinned.digest(), other.digest());
    assert!(!matches_words(&other.digest(), &digest_words(&pinned.digest())));
    assert_eq!(other.succeeds(&pinned).unwrap_err().code(), Code::ManifestMismatch);
    assert!(next(&pinned, |_| ()).succeeds(&pinned).is_ok());
}

#[test]
fn k_3_keys_doubled_missing_or_misnamed_raise_an_alarm() {
    let alma = issuer_key(ALMA).public().key_id();
    let doubled = alarms(|manifest| manifest.subjects[1].keys = manifest.subjects[0].keys.clone());
    assert_eq!(doubled, [Alarm::DuplicateKey(alma)]);
    let missing = alarms(|manifest| manifest.subjects[0].keys.clear());
    assert_eq!(missing, [Alarm::KeyCount(ALMA)]);
    let second = alarms(|manifest| {
        let keys = manifest.subjects[1].keys.clone();
        manifest.subjects[0].keys.extend(keys);
        manifest.subjects.pop();
    });
    assert_eq!(second, [Alarm::KeyCount(ALMA)]);
    let stranger = alarms(|manifest| manifest.subjects[0].keys[0].issuer_id = "other".to_owned());
    assert_eq!(stranger, [Alarm::KeyCount(ALMA)]);
    let misnamed = alarms(|manifest| manifest.subjects[0].keys[0].key_id = Bytes([9; 32]));
    assert_eq!(misnamed, [Alarm::KeyIdMismatch(Bytes([9; 32]))]);
}

#[test]
fn k_4_unsound_keys_raise_an_alarm() {
    let number = |change: fn(&mut BigNum)| {
        let mut n = modulus();
        change(&mut n);
        n
    };
    assert_eq!(faults(alarm_of_key(modulus(), 3)), [KeyFault::Exponent]);
    assert_eq!(faults(alarm_of_key(modulus(), 65539)), [KeyFault::Exponent]);
    assert_eq!(faults(alarm_of_key(number(|n| n.sub_word(1).unwrap()), 65537)), [KeyFault::Even]);
    let short = Rsa::generate(2048).unwrap().n().to_owned().unwrap();
    assert_eq!(faults(alarm_of_key(short, 65537)), [KeyFault::Size(2048)]);
    let longer = number(|n| n.mul_word(3).unwrap());
    assert!(matches!(faults(alarm_of_key(longer, 65537))[..], [KeyFault::Size(3073 | 3074)]));
    let composite = number(|n| {
        // The next odd multiple of 1999 below n.
        let surplus = u32::try_from(n.mod_word(1999).unwrap()).unwrap();
        n.sub_word(surplus).unwrap();
        if !n.is_odd() {
            n.sub_word(1999).unwrap();
        }
    });
    assert!(matches!(faults(alarm_of_key(composite, 65537))[..], [KeyFault::SmallFactor(3..2000)]));
}

#[test]
fn k_4_keys_that_are_not_plain_rsa_raise_an_alarm() {
    let mut trailing = issuer_key(ALMA).public().spki_der().to_vec();
    trailing.push(0);
    let mut pss = issuer_key(ALMA).public().spki_der().to_vec();
    // The last byte of the identifier: 1.2.840.113549.1.1.1 is rsaEncryption, .10 is RSASSA-PSS.
    let at = pss.windows(9).position(|w| w == [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01]).unwrap();
    pss[at + 8] = 0x0a;
    for spki in [trailing, pss, b"no key".to_vec(), Vec::new()] {
        let key_id = sha256(&[&spki]);
        let raised = alarms(|manifest| {
            manifest.subjects[0].keys[0].key_id = key_id;
            manifest.subjects[0].keys[0].spki = Blob(spki);
        });
        assert_eq!(raised, [Alarm::UnreadableKey(key_id)]);
    }
}

#[test]
fn k_6_an_issued_min_out_of_bounds_raises_an_alarm() {
    let both = [Alarm::IssuedMin(ALMA), Alarm::IssuedMin(BOLAT)];
    for issued_min in [0, 1, 5, 9, 15] {
        assert_eq!(alarms(|manifest| manifest.issued_min = issued_min), both, "{issued_min}");
    }
    assert_eq!(alarms(|manifest| manifest.subjects[1].panel_size = 11), [Alarm::IssuedMin(BOLAT)]);
    let supplementary = |issued_min| {
        alarms(|manifest| {
            let log_key = public_key(&crate::round::log_key());
            manifest.round = 2;
            manifest.log = ejf::credential::manifest::Log::new("sjc.example/box", &CYCLE, 2, &log_key).unwrap();
            manifest.issued_min = issued_min;
        })
    };
    assert!(supplementary(6).is_empty());
    assert_eq!(supplementary(5), both);
}

#[test]
fn an_issuer_that_signs_nonsense_is_refused() {
    let issuer = issuer_key(ALMA);
    let pending = Pending::blind(issuer.public(), b"msg").unwrap();
    for answer in [vec![0; 384], vec![0xff; 384], vec![1; 383], Vec::new()] {
        let refused = pending.finalize(issuer.public(), b"msg", &answer).unwrap_err();
        assert_eq!(refused.code(), Code::CredentialInvalid);
    }
    let answer = issuer.blind_sign(&pending.blinded_msg.0).unwrap();
    assert!(pending.finalize(issuer.public(), b"other", &answer).is_err());
    assert!(pending.finalize(issuer.public(), b"msg", &answer).is_ok());
}

#[test]
fn a_pending_credential_survives_its_card() {
    let issuer = issuer_key(ALMA);
    let pending = Pending::blind(issuer.public(), b"msg").unwrap();
    let card = serde_json::to_string(&pending).unwrap();
    assert!(!format!("{pending:?}").contains(card.split("\"inv\":\"").nth(1).unwrap().trim_end_matches("\"}")));
    let restored: Pending = serde_json::from_str(&card).unwrap();
    assert_eq!(restored.blinded_msg, pending.blinded_msg);
    let answer = issuer.blind_sign(&restored.blinded_msg.0).unwrap();
    assert!(restored.finalize(issuer.public(), b"msg", &answer).is_ok());
}
