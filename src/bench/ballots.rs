//! A round of the ballot box for the measurement: the command plays the registry, which writes signed documents into the
//! publication folder, and the reviewers, who hold credentials. A newcomer would drive a whole cycle over HTTP; the box
//! cannot tell the difference, and a cycle of thousands of reviews takes longer than all that is measured.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::wire::{Extras, request};
use crate::credential::blind_rsa::{IssuerKey, Pending, credential_message};
use crate::credential::encoding::{Blob, Bytes, Digest, Ref, sha256};
use crate::credential::envelope::{Body, Credential, Envelope};
use crate::credential::frozen::Frozen;
use crate::credential::ledger::Ledger;
use crate::credential::manifest::{Dates, Instrument, Issuer, Item, Log, Manifest, Name, Purpose, Subject, SubjectKey};
use crate::credential::rules::BallotRules;
use crate::credential::seal_order::BoxKeys;
use crate::credential::signing::{PublicKey, generate, public_key};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::methodology::Methodology;
use crate::error::{Error, Result};
use crate::publication::{Document, Folder};

/// The only issuer.
pub(super) const ISSUER_ID: &str = "council";
/// The form of all reviews, with 15 items.
pub(super) const INSTRUMENT_ID: &str = "judge-1";

/// A round that takes reviews today, of one subject.
pub(super) struct Round {
    rules: BallotRules,
    subject_ref: Ref,
    issuer_key: IssuerKey,
    /// The day on which its reviews are verified.
    pub today: NaiveDate,
}

/// A signed review, and the request that submits it.
pub(super) struct Review {
    /// As the reviewer signed it.
    pub envelope: Envelope,
    /// The whole request.
    pub request: Vec<u8>,
}

impl Round {
    /// Writes the round's manifest, methodology and ledger into the folder of a box that runs.
    pub fn publish(folder: &Folder, now: DateTime<Utc>) -> Result<Round> {
        let keys = folder.box_keys()?.ok_or_else(|| Error::internal("the box has not published its keys"))?;
        let keys = BoxKeys::parse(&keys)?;
        let issuer_key = IssuerKey::generate()?;
        let doc_key = generate()?;
        let today = date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES);
        let cycle_ref = Ref::random()?;
        let public = issuer_key.public();
        let key = subject_key(public.key_id(), public.spki_der().to_vec());
        let subject = Subject { keys: vec![key], ..subject(Ref::random()?) };
        let subject_ref = subject.subject_ref;
        let methodology = serde_json::to_vec(&Methodology::standard()?).map_err(Error::internal)?;
        let manifest = Manifest {
            receipt_key: keys.receipt_key,
            log: Log::new(&keys.log_name, &cycle_ref, 1, &keys.log_key)?,
            methodology_digest: sha256(&[&methodology]),
            ..manifest(cycle_ref, public_key(&doc_key), vec![subject], today)?
        };
        let manifest = Frozen::new(manifest)?;
        let issued_min = u8::try_from(manifest.manifest().issued_min).map_err(Error::internal)?;
        let issued: Vec<(Ref, Digest)> = (0..issued_min).map(|number| (subject_ref, Bytes([number; 32]))).collect();
        let ledger = Ledger::build(&manifest, ISSUER_ID, &issued, &doc_key)?;
        let round = folder.round(&cycle_ref, 1);
        let ledger_file = Document::Ledger { issuer_id: ISSUER_ID.to_owned(), generation: 0 };
        round.write(&Document::Methodology, &methodology)?;
        round.write(&ledger_file, &ledger.to_bytes()?)?;
        round.write(&Document::Manifest(0), manifest.bytes())?;
        let rules = BallotRules::new(vec![manifest], vec![ledger])?;
        Ok(Round { rules, subject_ref, issuer_key, today })
    }

    /// What the box judges reviews by.
    pub fn rules(&self) -> &BallotRules {
        &self.rules
    }

    /// The key that signs blinded messages.
    pub fn issuer_key(&self) -> &IssuerKey {
        &self.issuer_key
    }

    /// So many signed reviews, each with a credential of its own, made on all cores.
    pub fn reviews(&self, count: usize) -> Result<Vec<Review>> {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let shares = (0..threads).map(|place| count / threads + usize::from(place < count % threads));
        std::thread::scope(|scope| {
            let workers: Vec<_> = shares
                .map(|share| scope.spawn(move || (0..share).map(|_| self.review()).collect::<Result<Vec<_>>>()))
                .collect();
            let died = |_| Err(Error::internal("a maker of reviews died"));
            let made = workers.into_iter().map(|worker| worker.join().unwrap_or_else(died));
            Ok(made.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
        })
    }

    fn review(&self) -> Result<Review> {
        let (manifest, public) = (self.rules.current(), self.issuer_key.public());
        let esk = generate()?;
        let key_id = public.key_id();
        let msg = credential_message(&manifest.manifest().cycle_ref, &self.subject_ref, &key_id, &public_key(&esk));
        let pending = Pending::blind(public, &msg)?;
        let blind_sig = self.issuer_key.blind_sign(&pending.blinded_msg.0)?;
        let sig = Bytes::from_slice(&pending.finalize(public, &msg, &blind_sig)?)?;
        let credential = Credential { issuer_id: ISSUER_ID.to_owned(), key_id, prefix: pending.prefix, sig };
        let instrument = manifest.manifest().instruments.first();
        let instrument = instrument.ok_or_else(|| Error::internal("the manifest has no form"))?;
        let marks: BTreeMap<String, Option<i64>> =
            instrument.items.iter().zip((1..=5).cycle()).map(|(item, mark)| (item.code.clone(), Some(mark))).collect();
        let statements: Vec<String> = instrument.statements.iter().take(3).cloned().collect();
        let body = Body::new(manifest, self.subject_ref, &[], marks, &statements)?;
        let envelope = Envelope::sign(body, vec![credential], &esk)?;
        let submission = envelope.to_submission()?;
        let request = request("POST", "/v1/anon/reviews", Extras { body: &submission, ..Extras::default() });
        Ok(Review { envelope, request })
    }
}

/// A manifest whose reviews are taken today; its log and receipt key have yet to be filled in.
pub(super) fn manifest(
    cycle_ref: Ref,
    doc_key: PublicKey,
    subjects: Vec<Subject>,
    today: NaiveDate,
) -> Result<Manifest> {
    let methodology = Methodology::standard()?;
    let counts = &methodology.counts;
    Ok(Manifest {
        v: 1,
        cycle_ref,
        round: 1,
        generation: 0,
        prev_manifest_digest: None,
        methodology_digest: Bytes([0; 32]),
        utc_offset_minutes: KAZAKHSTAN_UTC_OFFSET_MINUTES,
        dates: dates(today),
        issued_min: counts.issued_min,
        display_min: counts.display_min,
        decision_min: counts.decision_min,
        body_size: 8192,
        max_seq: methodology.max_seq,
        issuers: vec![Issuer {
            issuer_id: ISSUER_ID.to_owned(),
            name: Name { kk: "Кеңес".to_owned(), ru: "Совет".to_owned(), en: "Council".to_owned() },
            doc_key,
        }],
        receipt_key: Bytes([0; 32]),
        log: Log { origin: String::new(), vkey: String::new() },
        witnesses: Vec::new(),
        witness_quorum: 0,
        client_hashes: Vec::new(),
        instruments: vec![instrument(&methodology)?],
        subjects,
    })
}

/// A subject with the panel of the default methodology, without a key.
pub(super) fn subject(subject_ref: Ref) -> Subject {
    Subject { subject_ref, instrument_id: INSTRUMENT_ID.to_owned(), panel_size: 14, keys: Vec::new() }
}

/// A key of the only issuer.
pub(super) fn subject_key(key_id: Digest, spki: Vec<u8>) -> SubjectKey {
    SubjectKey { issuer_id: ISSUER_ID.to_owned(), purpose: Purpose::Marks, key_id, spki: Blob(spki) }
}

fn instrument(methodology: &Methodology) -> Result<Instrument> {
    let items = methodology.items_of(INSTRUMENT_ID);
    let items = items.ok_or_else(|| Error::internal("the default methodology has no form for judges"))?;
    let scale = methodology.scale.ok_or_else(|| Error::internal("the default methodology has no scale"))?;
    let (min, max) = (i64::from(scale.min), i64::from(scale.max));
    Ok(Instrument {
        instrument_id: INSTRUMENT_ID.to_owned(),
        items: items.into_iter().map(|item| Item { code: item.code.clone(), min, max }).collect(),
        statements: methodology.statements.iter().map(|statement| statement.code.clone()).collect(),
        max_statements: methodology.counts.statements_per_review_max,
    })
}

/// A calendar whose window of submission has been open since yesterday.
fn dates(today: NaiveDate) -> Dates {
    let before = |days| today.checked_sub_days(Days::new(days)).unwrap_or(today);
    let after = |days| today.checked_add_days(Days::new(days)).unwrap_or(today);
    Dates {
        issue_open: before(10),
        issue_close: before(4),
        submit_open: before(1),
        submit_close: after(20),
        seal_by: after(24),
        challenge_close: after(60),
    }
}
