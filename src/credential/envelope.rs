//! The review in its envelope: built and signed by the client, read strictly, judged by one function for everybody.
//!
//! What a newcomer would get wrong: the order of the checks is part of the protocol. The cheapest comes first, and each
//! failure has one code, so that the box, a client in another language and an auditor never differ on a review.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use ed25519_dalek::SigningKey;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::credential::blind_rsa::{self, SIGNATURE_SIZE, credential_message};
use crate::credential::encoding::{Bytes, Digest, Ref, lp, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::manifest::{BODY_SIZE, Instrument, Purpose};
use crate::credential::rules::BallotRules;
use crate::credential::signing::{self, PublicKey, Sig, public_key};
use crate::credential::tree::leaf_hash;
use crate::error::{Code, Error, Result};

const REVIEW_TAG: &[u8] = b"EJF-REVIEW-v1\0";
const LEAF_TAG: &[u8] = b"EJF-LEAF-v1\0";

/// A signed review with its credentials: one line of `envelopes.ndjson`, and with `pad` a submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Envelope {
    /// The reviewer's one-time key for this subject.
    pub epk: PublicKey,
    /// One credential of each issuer.
    pub credentials: Vec<Credential>,
    /// The review itself.
    pub body: Body,
    /// Ed25519 by `epk` over the body.
    pub sig: Sig,
}

/// An issuer's blind signature over `epk`, unblinded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    /// Whose signature it is.
    pub issuer_id: String,
    /// The issuer's key for the subject.
    pub key_id: Digest,
    /// The random prefix of the signed message.
    pub prefix: Bytes<32>,
    /// The signature, as long as the 3072-bit modulus.
    pub sig: Bytes<SIGNATURE_SIZE>,
}

/// What the reviewer says; wiped when it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// The version of this format: 1.
    pub v: u32,
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round.
    pub round: u32,
    /// The box's name of the subject.
    pub subject_ref: Ref,
    /// The manifest that the reviewer had pinned.
    pub manifest_digest: Digest,
    /// 1 for the first version of this review, one more for each revision.
    pub seq: u32,
    /// The leaves of all earlier versions, ascending by their bytes: the reviewer's consent to retire them.
    pub prev: Vec<Digest>,
    /// Random, so that the leaf hides the marks.
    pub nonce: Bytes<32>,
    /// Always `marks` in version 1.
    pub purpose: String,
    /// Every item of the form: a mark, or null for "no basis".
    pub marks: BTreeMap<String, Option<i64>>,
    /// The codes of the statements chosen, ascending by their bytes.
    pub statements: Vec<String>,
}

/// An envelope that passed every check, with what the checks computed. Holding one is the right to store it.
#[derive(Debug)]
pub struct Verified<'a> {
    envelope: &'a Envelope,
    body: Zeroizing<Vec<u8>>,
    leaf: Digest,
}

/// The wire form: an envelope and what fills it up to [`BODY_SIZE`].
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Submission {
    epk: PublicKey,
    credentials: Vec<Credential>,
    body: Body,
    sig: Sig,
    pad: String,
}

/// Checks 3 (form) to 9 of the design's section 6, in that order and with those codes: for box and client.
pub fn verify<'a>(rules: &BallotRules, envelope: &'a Envelope, today: NaiveDate) -> Result<Verified<'a>> {
    check_place(rules, envelope)?;
    rules.check_submit_window(today)?;
    rules.check_gate(&envelope.body.subject_ref)?;
    check_review(rules, &envelope.body)?;
    check_credentials(rules, envelope)?;
    check_signature(envelope)
}

/// The same checks without window and gate, for a sealed envelope: the auditor checks the gate once for each subject.
pub fn verify_sealed<'a>(rules: &BallotRules, envelope: &'a Envelope) -> Result<Verified<'a>> {
    check_place(rules, envelope)?;
    check_review(rules, &envelope.body)?;
    check_credentials(rules, envelope)?;
    check_signature(envelope)
}

/// `"EJF-LEAF-v1\0" ‖ cycle_ref ‖ H(lp(JCS(body)) ‖ lp(sig_review) ‖ epk)`.
pub fn leaf_data(cycle_ref: &Ref, body: &[u8], sig: &Sig, epk: &PublicKey) -> Vec<u8> {
    let mut opened = Zeroizing::new(Vec::with_capacity(body.len() + 128));
    lp(&mut opened, body);
    lp(&mut opened, &sig.0);
    opened.extend_from_slice(&epk.0);
    [LEAF_TAG, &cycle_ref.0, &sha256(&[&opened]).0].concat()
}

/// Checks 3 and 4: version; cycle and round; the manifest the reviewer pinned.
fn check_place(rules: &BallotRules, envelope: &Envelope) -> Result<()> {
    let body = &envelope.body;
    if body.v != 1 {
        return Err(Code::Malformed.into());
    }
    let text = rules.current().manifest();
    if (body.cycle_ref, body.round) != (text.cycle_ref, text.round) {
        return Err(Code::UnknownCycle.into());
    }
    rules.check_digest(&body.manifest_digest, &body.subject_ref)
}

/// Check 7: items, ranges, statements, purpose, sequence.
///
/// Statements must stand in order: the order in which somebody clicked would be a mark of that person.
fn check_review(rules: &BallotRules, body: &Body) -> Result<()> {
    let current = rules.current();
    let subject = current.subject(&body.subject_ref).ok_or_else(|| Error::from(Code::UnknownSubject))?;
    let instrument = current.instrument(subject).ok_or_else(|| Error::from(Code::UnknownSubject))?;
    let is_sequence = (1..=current.manifest().max_seq).contains(&body.seq)
        && u32::try_from(body.prev.len()).is_ok_and(|count| count == body.seq - 1)
        && body.prev.is_sorted_by(|left, right| left < right);
    if body.purpose == Purpose::Marks.as_str() && is_sequence && body.fits(instrument) {
        Ok(())
    } else {
        Err(Code::InvalidReview.into())
    }
}

/// Check 8: exactly one credential per issuer, under the manifest's key, over this `epk`.
fn check_credentials(rules: &BallotRules, envelope: &Envelope) -> Result<()> {
    let refused = || Error::from(Code::CredentialInvalid);
    let (current, body) = (rules.current(), &envelope.body);
    let issuers = &current.manifest().issuers;
    if envelope.credentials.len() != issuers.len() {
        return Err(refused());
    }
    let mut pairs = Vec::new();
    for issuer in issuers {
        let key_id = current.key_id(&body.subject_ref, &issuer.issuer_id).ok_or_else(refused)?;
        let is_his = |credential: &&Credential| credential.issuer_id == issuer.issuer_id && credential.key_id == key_id;
        pairs.push((key_id, envelope.credentials.iter().find(is_his).ok_or_else(refused)?));
    }
    for (key_id, credential) in pairs {
        let key = current.key(&key_id).ok_or_else(refused)?;
        let msg = credential_message(&body.cycle_ref, &body.subject_ref, &key_id, &envelope.epk);
        if !blind_rsa::verify(key, &credential.prefix, &msg, &credential.sig.0) {
            return Err(refused());
        }
    }
    Ok(())
}

/// Check 9: the reviewer's signature, strict.
fn check_signature(envelope: &Envelope) -> Result<Verified<'_>> {
    let body = Zeroizing::new(envelope.body.to_bytes()?);
    if !signing::verify(&envelope.epk, &[REVIEW_TAG, &body], &envelope.sig) {
        return Err(Code::SignatureInvalid.into());
    }
    let leaf = leaf_hash(&leaf_data(&envelope.body.cycle_ref, &body, &envelope.sig, &envelope.epk));
    Ok(Verified { envelope, body, leaf })
}

impl Envelope {
    /// Signs a review with its one-time key.
    pub fn sign(body: Body, credentials: Vec<Credential>, esk: &SigningKey) -> Result<Self> {
        let sig = signing::sign(esk, &[REVIEW_TAG, &Zeroizing::new(body.to_bytes()?)]);
        Ok(Envelope { epk: public_key(esk), credentials, body, sig })
    }

    /// Check 3 on a submission: `wrong_size` unless 8192 bytes, else `malformed`.
    pub fn parse_submission(text: &[u8]) -> Result<Self> {
        if text.len() != BODY_SIZE {
            return Err(Code::WrongSize.into());
        }
        let Submission { epk, credentials, body, sig, pad } = jcs::read(text)?;
        // Anything but zeros in the padding could carry something about its sender.
        if pad.bytes().any(|byte| byte != b'0') || body.v != 1 {
            return Err(Code::Malformed.into());
        }
        Ok(Envelope { epk, credentials, body, sig })
    }

    /// The submission of exactly 8192 bytes; `wrong_size` if the review is too long for it.
    pub fn to_submission(&self) -> Result<Vec<u8>> {
        let Envelope { epk, credentials, body, sig } = self.clone();
        let mut submission = Submission { epk, credentials, body, sig, pad: String::new() };
        let size = jcs::canonical(&submission)?.len();
        let missing = BODY_SIZE.checked_sub(size).ok_or_else(|| Error::from(Code::WrongSize))?;
        submission.pad = "0".repeat(missing);
        jcs::canonical(&submission)
    }

    /// Reads one line of a sealed bundle; `malformed` if it is no envelope.
    pub fn parse(line: &[u8]) -> Result<Self> {
        jcs::read(line)
    }

    /// The canonical line of a sealed bundle, without line feed.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        jcs::canonical(self)
    }

    /// The leaf that stands for this envelope in the tree; it is computed, not checked.
    pub fn leaf(&self) -> Result<Digest> {
        let body = Zeroizing::new(self.body.to_bytes()?);
        Ok(leaf_hash(&leaf_data(&self.body.cycle_ref, &body, &self.sig, &self.epk)))
    }
}

impl<'a> Verified<'a> {
    /// The envelope itself.
    pub fn envelope(&self) -> &'a Envelope {
        self.envelope
    }

    /// The canonical bytes of the body, as they are signed and stored.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// The leaf that the receipt promises.
    pub fn leaf(&self) -> Digest {
        self.leaf
    }
}

impl Body {
    /// A review of a subject, the next version after those whose leaves are given; lists are put into their order.
    ///
    /// Statements are sorted, so that the order in which a reviewer clicked is not kept.
    pub fn new(
        manifest: &Frozen,
        subject_ref: Ref,
        earlier: &[Digest],
        marks: BTreeMap<String, Option<i64>>,
        statements: &[String],
    ) -> Result<Self> {
        let mut prev = earlier.to_vec();
        prev.sort_unstable();
        let mut statements = statements.to_vec();
        statements.sort_unstable();
        Ok(Body {
            v: 1,
            cycle_ref: manifest.manifest().cycle_ref,
            round: manifest.manifest().round,
            subject_ref,
            manifest_digest: manifest.digest(),
            seq: u32::try_from(prev.len()).unwrap_or(u32::MAX).saturating_add(1),
            prev,
            nonce: Bytes::random()?,
            purpose: Purpose::Marks.as_str().to_owned(),
            marks,
            statements,
        })
    }

    /// Reads a stored body; `malformed` if it is none.
    pub fn parse(text: &[u8]) -> Result<Self> {
        jcs::read(text)
    }

    /// The canonical bytes, which are signed.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        jcs::canonical(self)
    }

    /// A withdrawal: no mark and no statement.
    pub fn is_withdrawn(&self) -> bool {
        self.statements.is_empty() && self.marks.values().all(Option::is_none)
    }

    /// Overwrites marks, statements and whatever else tells this review from others. The items' codes stay: they are the
    /// form's, and the same in every review.
    fn wipe(&mut self) {
        self.marks.values_mut().for_each(Zeroize::zeroize);
        self.statements.zeroize();
        self.nonce.0.zeroize();
        self.subject_ref.0.zeroize();
        for leaf in &mut self.prev {
            leaf.0.zeroize();
        }
        self.seq.zeroize();
    }

    /// Every item of the form and no other, marks in range, statements of the form, in order and not too many.
    fn fits(&self, instrument: &Instrument) -> bool {
        let are_items = self.marks.len() == instrument.items.len()
            && instrument.items.iter().all(|item| {
                let mark = self.marks.get(&item.code);
                mark.is_some_and(|mark| mark.is_none_or(|mark| (item.min..=item.max).contains(&mark)))
            });
        are_items
            && self.statements.is_sorted_by(|left, right| left < right)
            && u32::try_from(self.statements.len()).is_ok_and(|count| count <= instrument.max_statements)
            && self.statements.iter().all(|statement| instrument.statements.contains(statement))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wiped_review_tells_neither_marks_nor_statements_nor_whom_it_is_about() {
        let mut body = Body {
            v: 1,
            cycle_ref: Bytes([1; 16]),
            round: 1,
            subject_ref: Bytes([2; 16]),
            manifest_digest: Bytes([3; 32]),
            seq: 2,
            prev: vec![Bytes([4; 32])],
            nonce: Bytes([5; 32]),
            purpose: Purpose::Marks.as_str().to_owned(),
            marks: (1..=40).map(|item| (format!("k{item}"), Some(4))).collect(),
            statements: vec!["s02".to_owned()],
        };
        body.wipe();
        assert!(body.marks.len() == 40 && body.marks.values().all(Option::is_none));
        assert!(body.statements.is_empty());
        assert_eq!((body.nonce, body.subject_ref, body.seq), (Bytes([0; 32]), Bytes([0; 16]), 0));
        assert_eq!(body.prev, [Bytes([0; 32])]);
    }
}
