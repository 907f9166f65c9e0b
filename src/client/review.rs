//! Phase 2, never logged in: signing a review, sending it to the box, and believing nothing but its receipt.
//!
//! What a newcomer would get wrong: making a new review when no answer came. The box may have stored the first one; so
//! what was signed is kept in the card and sent again, byte for byte, until a receipt verifies. Only then can another
//! version follow. Design, sections 5 (gate) and 6.

use chrono::{DateTime, Utc};
use reqwest::StatusCode;
use serde::Deserialize;

use super::card::{CardSubject, Held, Version};
use super::draft::Draft;
use super::failure::{Alarm, CardFailure, Idle, Result};
use super::line::Line;
use super::pinned::{fetch_rules, told};
use crate::credential::encoding::Ref;
use crate::credential::envelope::{self, Body, Envelope};
use crate::credential::frozen::Frozen;
use crate::credential::receipt::Receipt;
use crate::credential::rules::BallotRules;

/// The member that matters; the padding is only there to hide it.
#[derive(Deserialize)]
struct Answer {
    receipt: Receipt,
}

/// Keeps what a reviewer has filled in; [`send`] sends it, now or on another day.
pub fn keep(held: &mut Held, draft: Draft) -> Result<()> {
    let card = held.card_mut().ok_or(CardFailure::Missing)?;
    let subject_ref = draft.subject_ref();
    let subject = card.subject_mut(&subject_ref).filter(|subject| subject.is_ready()).ok_or(Idle::NoCredential)?;
    subject.draft = Some(draft);
    held.save()
}

/// Sends what waits for a subject to the box and returns the verified receipt of its last version; the card keeps both.
///
/// What was signed earlier and has no receipt goes first, in the same bytes. A draft that says what the last version
/// says sends nothing more; any other becomes the next version, which replaces those before.
pub async fn send(ballot_box: &str, held: &mut Held, subject_ref: &Ref, now: DateTime<Utc>) -> Result<Receipt> {
    let rules = fetch_rules(ballot_box, held.card().ok_or(CardFailure::Missing)?, now).await?;
    let receipt = match subject(held, subject_ref)?.draft.clone() {
        Some(draft) => submit_under(ballot_box, &rules, held, &draft, now).await?,
        None => send_last(ballot_box, &rules, held, subject_ref, now).await?,
    };
    if let Some(subject) = held.card_mut().and_then(|card| card.subject_mut(subject_ref)) {
        (subject.draft, subject.send_at) = (None, None);
    }
    held.save()?;
    Ok(receipt)
}

/// [`send`] for a caller that has the rules already and keeps no draft, such as one who plays many reviewers.
pub async fn submit_under(
    ballot_box: &str,
    rules: &BallotRules,
    held: &mut Held,
    draft: &Draft,
    now: DateTime<Utc>,
) -> Result<Receipt> {
    let subject_ref = draft.subject_ref();
    check_open(rules, subject(held, &subject_ref)?, now)?;
    meet_ledgers(rules, held)?;
    if last(held, &subject_ref)?.is_some_and(|version| version.receipt.is_none()) {
        send_last(ballot_box, rules, held, &subject_ref, now).await?;
    }
    if let Some(Version { review, receipt: Some(receipt) }) = last(held, &subject_ref)?
        && draft.is_said_by(&review.body)
    {
        return Ok(receipt.clone());
    }
    sign_next(held, rules.current(), draft)?;
    send_last(ballot_box, rules, held, &subject_ref, now).await
}

/// Signs the next version of a review and saves it in the card, before anything is sent.
fn sign_next(held: &mut Held, manifest: &Frozen, draft: &Draft) -> Result<()> {
    let card = held.card_mut().ok_or(CardFailure::Missing)?;
    let subject =
        card.subject_mut(&draft.subject_ref()).filter(|subject| subject.is_ready()).ok_or(Idle::NoCredential)?;
    if u32::try_from(subject.versions.len()).is_ok_and(|count| count >= manifest.manifest().max_seq) {
        return Err(Idle::VersionsUsedUp.into());
    }
    let mut earlier = Vec::new();
    for version in &subject.versions {
        earlier.push(version.review.leaf()?);
    }
    let body = Body::new(manifest, draft.subject_ref(), &earlier, draft.marks().clone(), draft.statements())?;
    let review = Envelope::sign(body, subject.public_credentials(), &subject.signing_key()?)?;
    // A review too long for the wire is not kept.
    review.to_submission()?;
    subject.versions.push(Version { review, receipt: None });
    held.save()
}

/// Sends the last version of a review, as often as needed: the bytes are the same, and so is the receipt.
async fn send_last(
    ballot_box: &str,
    rules: &BallotRules,
    held: &mut Held,
    subject_ref: &Ref,
    now: DateTime<Utc>,
) -> Result<Receipt> {
    check_open(rules, subject(held, subject_ref)?, now)?;
    meet_ledgers(rules, held)?;
    let review = &last(held, subject_ref)?.ok_or(Idle::NoCredential)?.review;
    let today = rules.current().manifest().date_at(now);
    // The box would say the same; asking the shared rules first keeps a review at home that cannot be taken.
    let leaf = envelope::verify(rules, review, today).map_err(told)?.leaf();
    let bytes = review.to_submission()?;
    let Answer { receipt } = Line::to(ballot_box)?.post("/v1/anon/reviews", None, bytes, StatusCode::ACCEPTED).await?;
    let manifest = rules.current().manifest();
    let is_promised = (receipt.cycle_ref, receipt.round, receipt.leaf) == (manifest.cycle_ref, manifest.round, leaf)
        && receipt.verify(&manifest.receipt_key);
    if !is_promised {
        return Err(Alarm::ReceiptInvalid.into());
    }
    if let Some(version) =
        held.card_mut().and_then(|card| card.subject_mut(subject_ref)).and_then(|subject| subject.versions.last_mut())
    {
        version.receipt = Some(receipt.clone());
    }
    held.save()?;
    Ok(receipt)
}

/// The window, the reviewer's own ledger entries, and the gate, in this order.
fn check_open(rules: &BallotRules, subject: &CardSubject, now: DateTime<Utc>) -> Result<()> {
    rules.check_submit_window(rules.current().manifest().date_at(now)).map_err(told)?;
    for credential in &subject.credentials {
        let ledger = rules.ledgers().iter().find(|ledger| ledger.issuer_id == credential.issuer_id);
        if !ledger.ok_or(Alarm::GateClosed)?.holds(&subject.subject_ref, &credential.entry) {
            return Err(Alarm::EntryMissing.into());
        }
    }
    rules.check_gate(&subject.subject_ref).map_err(told)
}

/// Keeps the ledgers in the card before anything is signed or sent by them, or finds that others were met before.
fn meet_ledgers(rules: &BallotRules, held: &mut Held) -> Result<()> {
    let card = held.card_mut().ok_or(CardFailure::Missing)?;
    if card.meet(rules.ledgers())? { held.save() } else { Ok(()) }
}

fn subject<'a>(held: &'a Held, subject_ref: &Ref) -> Result<&'a CardSubject> {
    let card = held.card().ok_or(CardFailure::Missing)?;
    card.subject(subject_ref).filter(|subject| subject.is_ready()).ok_or(Idle::NoCredential.into())
}

fn last<'a>(held: &'a Held, subject_ref: &Ref) -> Result<Option<&'a Version>> {
    Ok(subject(held, subject_ref)?.versions.last())
}
