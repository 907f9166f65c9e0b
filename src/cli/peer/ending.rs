//! After the seal: looking for the own reviews in the signed list, complaining, and destroying the card.
//!
//! What a newcomer would get wrong: destroying the card first. Until every receipt is found, the card alone proves that the
//! box took a review.

use std::path::{Path, PathBuf};

use super::arguments::{CheckArguments, ComplainArguments, DestroyArguments};
use super::asking::{open, read, shown};
use super::voice::Voice;
use super::{Outcome, Stop};
use crate::cli::{DONE, WRONG, complain};
use crate::client::failure::{Alarm, Failure, Idle, Moment};
use crate::client::packs;
use crate::client::sealed::{self, Verdict};
use crate::client::sealed_file;
use crate::credential::jcs;
use crate::credential::manifest::digest_words;
use crate::credential::receipt::Receipt;

pub(super) async fn run_check(arguments: &CheckArguments, voice: Voice) -> Outcome<u8> {
    let mut held = open(&arguments.card, voice)?;
    let checked = sealed::check(&arguments.places.places(), &mut held).await;
    let checked = checked.map_err(|failure| Stop::Client(failure, Moment::Sealed))?;
    let (leaves, found) = (checked.leaf_count.to_string(), checked.found_count.to_string());
    voice.say("peer-checked", &[("leaves", &leaves), ("found", &found)]);
    voice.say("peer-checked-root", &[("root", &digest_words(&checked.root))]);
    for (name, is_present) in &checked.unreceipted {
        let key = if *is_present { "peer-checked-unreceipted" } else { "peer-checked-lost" };
        voice.say(key, &[("name", name)]);
    }
    if checked.missing.is_empty() {
        voice.say("peer-offer-destroy", &[("file", &shown(&arguments.card.path))]);
        return Ok(DONE);
    }
    complain(&voice.alarm(Alarm::LeafMissing, Moment::Sealed));
    let folder = arguments.proofs.clone().or_else(|| arguments.card.path.parent().map(Path::to_owned));
    for receipt in &checked.missing {
        let file = save_proof(folder.as_deref().unwrap_or(Path::new("")), receipt)?;
        voice.remark("peer-proof-saved", &[("file", &shown(&file))]);
    }
    Ok(WRONG)
}

/// Writes a receipt into a file of its own: two of them together would join two reviews of one person.
fn save_proof(folder: &Path, receipt: &Receipt) -> Outcome<PathBuf> {
    let file = folder.join(format!("receipt-{}.json", receipt.leaf));
    let text = jcs::canonical(receipt).map_err(Failure::Internal)?;
    // It names nobody, but it lies where somebody's card lies.
    sealed_file::put(&file, &text).map_err(|_| Stop::File(file.clone()))?;
    Ok(file)
}

pub(super) async fn run_complain(arguments: &ComplainArguments, voice: Voice) -> Outcome<u8> {
    let unreadable = || Stop::File(arguments.receipt.clone());
    let receipt: Receipt = jcs::read(read(&arguments.receipt)?.trim_ascii()).map_err(|_| unreadable())?;
    match sealed::complain(&arguments.ballot_box, &receipt).await? {
        Verdict::Recorded => {
            voice.say("peer-complaint-recorded", &[]);
            Ok(DONE)
        }
        Verdict::LeafPresent => {
            voice.say("peer-complaint-present", &[]);
            Ok(WRONG)
        }
        Verdict::NoProof => {
            voice.say("peer-complaint-no_proof", &[]);
            Ok(WRONG)
        }
    }
}

pub(super) fn run_destroy(arguments: &DestroyArguments, voice: Voice) -> Outcome<u8> {
    if arguments.force {
        // The passphrase may be what was lost.
        voice.remark("peer-destroy-forced", &[]);
    } else {
        let held = open(&arguments.card, voice)?;
        if held.card().is_none_or(|card| card.checked_root.is_none()) {
            return Err(Failure::Idle(Idle::NotChecked).into());
        }
    }
    sealed_file::destroy(&arguments.card.path)?;
    packs::destroy(&arguments.card.path)?;
    voice.say("peer-destroyed", &[]);
    Ok(DONE)
}
