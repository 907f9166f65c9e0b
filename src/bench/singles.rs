//! What is measured by itself: checking and making credentials, and the aggregation of a national cycle. A newcomer would
//! build the bundle through the box; what aggregation reads does not depend on who signed it, so the bundle is written
//! with random bytes where signatures and keys would be, of their length.

use std::path::Path;
use std::time::Instant;

use super::ballots::{self, INSTRUMENT_ID, ISSUER_ID, Review, Round};
use super::cores;
use super::report::Single;
use crate::credential::blind_rsa::{IssuerKey, SIGNATURE_SIZE};
use crate::credential::bundle::{ENVELOPES, Files, INDEX, LEAVES, MANIFESTS, METHODOLOGY, SUPERSEDED};
use crate::credential::encoding::{Bytes, Ref, fill_random, sha256};
use crate::credential::envelope::{self, Body, Credential, Envelope};
use crate::credential::manifest::{Purpose, Subject};
use crate::credential::tally::score_bundle;
use crate::domain::methodology::Methodology;
use crate::domain::scoring::gate;
use crate::error::{Error, Result};
use crate::publication::{Folder, RoundFolder};

/// Reviews of each subject in the aggregated bundle.
const PANEL_SIZE: usize = 14;
/// Bytes of a 3072-bit public key in DER.
const SPKI_SIZE: usize = 422;
/// How often the aggregation is run; the best run is told.
const AGGREGATIONS: usize = 3;

/// How long the box's whole check of a review takes on one core: RSA, Ed25519, form, window and gate.
pub(super) fn verification(round: &Round, reviews: &[Review]) -> Result<Single> {
    let started = Instant::now();
    for review in reviews {
        envelope::verify(round.rules(), &review.envelope, round.today)?;
    }
    let micros = started.elapsed().as_secs_f64() * 1e6 / reviews.len().max(1) as f64;
    Ok(Single {
        key: "verification_micros",
        name: "checking a review",
        value: micros,
        unit: "µs",
        note: "one core; all checks of envelope::verify, parsing apart",
    })
}

/// How many reviews all cores check in a second, as an auditor does with a whole bundle.
pub(super) fn verification_over_cores(round: &Round, reviews: &[Review]) -> Result<Single> {
    let share = reviews.len().div_ceil(cores()).max(1);
    let check = |share: &[Review]| {
        share.iter().try_for_each(|review| envelope::verify_sealed(round.rules(), &review.envelope).map(drop))
    };
    let started = Instant::now();
    std::thread::scope(|scope| {
        let workers: Vec<_> = reviews.chunks(share).map(|share| scope.spawn(move || check(share))).collect();
        let died = |_| Err(Error::internal("a checker of reviews died"));
        workers.into_iter().try_for_each(|worker| worker.join().unwrap_or_else(died))
    })?;
    Ok(Single {
        key: "verifications_per_second",
        name: "checking all reviews",
        value: reviews.len() as f64 / started.elapsed().as_secs_f64(),
        unit: "/s",
        note: "all cores; every review of this measurement, each with a credential of its own, as a recount checks them",
    })
}

/// How many blinded messages one core signs in a second.
pub(super) fn blind_signing(round: &Round, count: usize) -> Result<Single> {
    let key = round.issuer_key();
    let mut blinded = vec![0u8; SIGNATURE_SIZE];
    let mut seconds = 0.0;
    for _ in 0..count {
        fill_random(&mut blinded)?;
        // Below every modulus of this length, whose first bit is set.
        if let Some(first) = blinded.first_mut() {
            *first &= 0x7f;
        }
        let started = Instant::now();
        key.blind_sign(&blinded)?;
        seconds += started.elapsed().as_secs_f64();
    }
    Ok(Single {
        key: "blind_signatures_per_core_second",
        name: "blind signatures",
        value: count as f64 / seconds,
        unit: "/s",
        note: "one core; RSA-3072 with the fault check",
    })
}

/// How many issuer keys one core makes in a second. Few are made, and their times differ widely by chance.
pub(super) fn key_making(count: usize) -> Result<Single> {
    let started = Instant::now();
    for _ in 0..count {
        IssuerKey::generate()?;
    }
    Ok(Single {
        key: "issuer_keys_per_core_second",
        name: "issuer keys made",
        value: count as f64 / started.elapsed().as_secs_f64(),
        unit: "/s",
        note: "one core; RSA-3072, a mean over few keys",
    })
}

/// How long the way from a sealed bundle on disk to results ready to be stored takes, by [`score_bundle`] as the registry
/// does it, and that beside the reading alone; checking the bundle's signatures is another step and apart.
pub(super) fn aggregation(folder: &Path, subject_count: usize) -> Result<[Single; 2]> {
    let methodology = Methodology::standard()?;
    let cycle_ref = Ref::random()?;
    let round = Folder::new(folder).round(&cycle_ref, 1);
    round.write_bundle(&bundle(cycle_ref, subject_count, &methodology)?)?;
    let (mut best, mut reading) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..AGGREGATIONS {
        let started = Instant::now();
        let read = read(&round)?;
        reading = reading.min(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let stored = results(&round, &methodology)?;
        best = best.min(started.elapsed().as_secs_f64());
        if (read, stored) != (subject_count * PANEL_SIZE, subject_count) {
            return Err(Error::internal("the aggregation lost a review or a subject"));
        }
    }
    Ok([
        Single {
            key: "aggregation_seconds",
            name: "aggregation of a cycle",
            value: best,
            unit: "s",
            note: "all subjects × 14 reviews × 15 items: reading the bundle's files (from the page cache), scoring, result.json \
                   and the row of each result, not yet in the store",
        },
        Single {
            key: "aggregation_against_reading",
            name: "aggregation against reading",
            value: best / reading,
            unit: "×",
            note: "the same against reading the files and every envelope in them strictly, on as many cores",
        },
    ])
}

/// Reads a bundle and every envelope in it, and nothing else; how many there are.
fn read(round: &RoundFolder) -> Result<usize> {
    let files = bundle_of(round)?;
    let envelopes = files.get(ENVELOPES).map(Vec::as_slice).unwrap_or_default();
    let lines: Vec<&[u8]> = envelopes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let share = lines.len().div_ceil(cores()).max(1);
    let read_share = |lines: &[&[u8]]| {
        let mut envelopes = lines.iter().map(|line| serde_json::from_slice::<Envelope>(line).map_err(Error::internal));
        envelopes
            .try_fold(0_usize, |count, envelope| envelope.map(|envelope| std::hint::black_box((count + 1, envelope)).0))
    };
    let counts = std::thread::scope(|scope| {
        let workers: Vec<_> = lines.chunks(share).map(|lines| scope.spawn(move || read_share(lines))).collect();
        let died = |_| Err(Error::internal("a reader of envelopes died"));
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(died)).collect::<Result<Vec<_>>>()
    })?;
    Ok(counts.into_iter().sum())
}

/// From the bundle to the texts that are stored; how many results there are.
fn results(round: &RoundFolder, methodology: &Methodology) -> Result<usize> {
    let files = bundle_of(round)?;
    let scored = score_bundle(&files, methodology)?;
    let texts =
        scored.images()?.into_iter().map(|(_, image)| gate::release(image, "", &[]).map_err(Error::internal)?.text());
    let texts = texts.collect::<Result<Vec<_>>>()?;
    std::hint::black_box(scored.to_bytes()?);
    Ok(std::hint::black_box(texts).len())
}

fn bundle_of(round: &RoundFolder) -> Result<Files> {
    round.bundle()?.ok_or_else(|| Error::internal("the bundle is not whole"))
}

/// A bundle of so many subjects with a full panel each; every file has the size of a real one.
fn bundle(cycle_ref: Ref, subject_count: usize, methodology: &Methodology) -> Result<Files> {
    let mut subjects = (0..subject_count)
        .map(|_| {
            let mut spki = vec![0; SPKI_SIZE];
            fill_random(&mut spki)?;
            let key = ballots::subject_key(sha256(&[&spki]), spki);
            Ok(Subject { keys: vec![key], ..ballots::subject(Ref::random()?) })
        })
        .collect::<Result<Vec<_>>>()?;
    subjects.sort_unstable_by_key(|subject| subject.subject_ref);
    let codes: Vec<String> =
        methodology.items_of(INSTRUMENT_ID).unwrap_or_default().into_iter().map(|item| item.code.clone()).collect();
    let (mut envelopes, mut leaves) = (Vec::new(), Vec::new());
    for subject in &subjects {
        for _ in 0..PANEL_SIZE {
            envelopes.extend(dummy(cycle_ref, subject, &codes)?.to_bytes()?);
            envelopes.push(b'\n');
            leaves.extend(Bytes::<32>::random()?.0);
        }
    }
    let today = chrono::NaiveDate::default();
    let manifest = ballots::manifest(cycle_ref, Bytes::random()?, subjects, today)?;
    let json = |manifests: &[_]| serde_json::to_vec(manifests).map_err(Error::internal);
    let files = [
        (MANIFESTS, json(&[manifest])?),
        (METHODOLOGY, serde_json::to_vec(methodology).map_err(Error::internal)?),
        (LEAVES, leaves),
        (ENVELOPES, envelopes),
        (SUPERSEDED, Vec::new()),
        (INDEX, b"{}".to_vec()),
    ];
    Ok(files.into_iter().map(|(name, bytes)| (name.to_owned(), bytes)).collect())
}

/// An envelope with marks drawn at random and nothing that anybody signed.
fn dummy(cycle_ref: Ref, subject: &Subject, codes: &[String]) -> Result<Envelope> {
    let mut random = vec![0u8; codes.len()];
    fill_random(&mut random)?;
    let marks = codes.iter().zip(random).map(|(code, byte)| (code.clone(), Some(i64::from(byte % 5) + 1)));
    let body = Body {
        v: 1,
        cycle_ref,
        round: 1,
        subject_ref: subject.subject_ref,
        manifest_digest: Bytes::random()?,
        seq: 1,
        prev: Vec::new(),
        nonce: Bytes::random()?,
        purpose: Purpose::Marks.as_str().to_owned(),
        marks: marks.collect(),
        statements: vec!["s01".to_owned(), "s05".to_owned()],
    };
    let credential = Credential {
        issuer_id: ISSUER_ID.to_owned(),
        key_id: Bytes::random()?,
        prefix: Bytes::random()?,
        sig: Bytes::random()?,
    };
    Ok(Envelope { epk: Bytes::random()?, credentials: vec![credential], body, sig: Bytes::random()? })
}
