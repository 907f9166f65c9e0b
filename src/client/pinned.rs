//! The public documents of a round, fetched and checked: what the client may act on. Design, section 4 (a) to (d).
//!
//! What a newcomer would get wrong: the checks have their order. Both listeners must say the same before anything is
//! read; what is read must be sound before its digest is compared; and only the digest from the printed order, never
//! one from a server, makes a manifest the pinned one.

use chrono::{DateTime, Utc};

use super::card::Card;
use super::failure::{Alarm, Failure, Result};
use super::generation::expect_pinned;
use super::line::Line;
use crate::credential::encoding::Ref;
use crate::credential::frozen::Frozen;
use crate::credential::jcs;
use crate::credential::ledger::Ledger;
use crate::credential::manifest::{Manifest, Window, matches_words};
use crate::credential::rules::BallotRules;
use crate::error::{Code, Error};

/// Where the two listeners are; the registry knows who asks, the box must not.
#[derive(Debug, Clone)]
pub struct Places {
    /// The registry, such as `https://registry.sjc.example`.
    pub registry: String,
    /// The ballot box, such as `https://box.sjc.example`.
    pub ballot_box: String,
}

/// Fetches the manifest of a round from both listeners and checks all but the digest: (a), (c) and (d).
pub async fn fetch_manifest(places: &Places, cycle_ref: &Ref, round: u32) -> Result<Frozen> {
    let absent = || Failure::Refused(Code::NotFound);
    let bytes = fetch_both(places, cycle_ref, round, "manifest").await?.ok_or_else(absent)?;
    let manifest = freeze(&bytes, cycle_ref, round)?;
    // The box comes first here as well: it signs a manifest that it has not seen before, and the registry serves that.
    let note = fetch_both(places, cycle_ref, round, "manifest.note").await?.ok_or_else(absent)?;
    check_note(&manifest, &note)?;
    Ok(manifest)
}

/// (b): the manifest is the one whose digest is printed in the order.
pub fn check_words(manifest: &Frozen, words: &str) -> Result<()> {
    if matches_words(&manifest.digest(), words) { Ok(()) } else { Err(Alarm::DigestDiffers.into()) }
}

/// What a review will be judged by, from the box alone: the card's manifest again, and every issuer's ledger.
///
/// `too_early` or `window_closed` outside the days of submission; within them a ledger that is not published keeps every
/// gate closed, whatever the server says of it. `new_generation` where the card's manifest is no longer in force.
pub async fn fetch_rules(ballot_box: &str, card: &Card, now: DateTime<Utc>) -> Result<BallotRules> {
    let base = round_path(&card.cycle_ref, card.round);
    let line = Line::to(ballot_box)?;
    let manifest = freeze(&line.get(&format!("{base}/manifest")).await?, &card.cycle_ref, card.round)?;
    expect_pinned(card, &manifest)?;
    check_note(&manifest, &line.get(&format!("{base}/manifest.note")).await?)?;
    match manifest.manifest().submit_window(manifest.manifest().date_at(now)) {
        Window::TooEarly => return Err(Failure::Refused(Code::TooEarly)),
        Window::Open => {}
        Window::Closed => return Err(Failure::Refused(Code::WindowClosed)),
    }
    let mut ledgers = Vec::new();
    for issuer in &manifest.manifest().issuers {
        let bytes = match line.get(&format!("{base}/ledger/{}", issuer.issuer_id)).await {
            Err(Failure::Refused(Code::NotFound)) => return Err(Alarm::GateClosed.into()),
            other => other?,
        };
        // In its one writing, as the manifest is: another one would have another digest.
        let ledger: Ledger = jcs::read_canonical(&bytes).map_err(|_| Alarm::LedgerInvalid)?;
        if ledger.issuer_id != issuer.issuer_id {
            return Err(Alarm::LedgerInvalid.into());
        }
        ledgers.push(ledger);
    }
    BallotRules::pinned(manifest, card.earlier()?, ledgers).map_err(|_| Alarm::LedgerInvalid.into())
}

/// The same bytes from both listeners, the box first; `None` where either has none yet.
pub(super) async fn fetch_both(
    places: &Places,
    cycle_ref: &Ref,
    round: u32,
    document: &str,
) -> Result<Option<Vec<u8>>> {
    let path = format!("{}/{document}", round_path(cycle_ref, round));
    let mut copies = Vec::new();
    for base in [&places.ballot_box, &places.registry] {
        match Line::to(base)?.get(&path).await {
            Ok(bytes) => copies.push(bytes),
            Err(Failure::Refused(Code::NotFound)) => return Ok(None),
            Err(other) => return Err(other),
        }
    }
    if copies.windows(2).any(|pair| pair.first() != pair.last()) {
        return Err(Alarm::SplitView.into());
    }
    Ok(copies.pop())
}

fn round_path(cycle_ref: &Ref, round: u32) -> String {
    format!("/v1/public/cycles/{cycle_ref}/rounds/{round}")
}

/// (c) and (d), and that the bytes are the one writing of this round's manifest.
fn freeze(bytes: &[u8], cycle_ref: &Ref, round: u32) -> Result<Frozen> {
    let manifest = Manifest::parse(bytes).map_err(|_| Alarm::ManifestUnreadable)?;
    if let Some(alarm) = manifest.alarms().first() {
        return Err(Alarm::from(alarm).into());
    }
    if (manifest.cycle_ref, manifest.round) != (*cycle_ref, round) {
        return Err(Alarm::OtherRound.into());
    }
    let manifest = Frozen::new(manifest)?;
    // White space would change no digest, and could mark each reader's copy.
    if manifest.bytes() != bytes {
        return Err(Alarm::ManifestUnreadable.into());
    }
    Ok(manifest)
}

fn check_note(manifest: &Frozen, note: &[u8]) -> Result<()> {
    let note = std::str::from_utf8(note).map_err(|_| Alarm::NoteInvalid)?;
    manifest.verify_note(note).map_err(|_| Failure::from(Alarm::NoteInvalid))
}

/// A refusal of our own shared rules, told as what it means to a reviewer.
pub(super) fn told(error: Error) -> Failure {
    match error.code() {
        Code::Internal => Failure::Internal(error),
        Code::GateClosed => Alarm::GateClosed.into(),
        code => Failure::Refused(code),
    }
}
