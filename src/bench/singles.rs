//! What is measured by itself: checking and making credentials. A newcomer would check one credential again and again;
//! each review has one of its own here, as in a bundle.

use std::time::Instant;

use super::ballots::{Review, Round};
use super::cores;
use super::report::Single;
use crate::credential::blind_rsa::{IssuerKey, SIGNATURE_SIZE};
use crate::credential::encoding::fill_random;
use crate::credential::envelope;
use crate::error::{Error, Result};

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
