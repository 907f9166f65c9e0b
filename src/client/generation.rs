//! A later generation of the manifest: when a card may go by it, and what of the card it makes void. Design, section 4.
//!
//! What a newcomer would get wrong: a new generation is what a hostile operator would use to give one reviewer a key of
//! her own. So it must follow from the pinned one, be pinned by its own printed digest (the caller's part, or a later
//! generation's that leads back to it), and change no key once reviews are being sent.

use chrono::{DateTime, Utc};

use super::card::{Card, CardSubject, Held};
use super::failure::{Alarm, CardFailure, Idle, Result};
use super::pinned::{Places, check_words, fetch_manifest};
use crate::credential::encoding::Ref;
use crate::credential::frozen::Frozen;
use crate::credential::manifest::{Dates, Manifest, Window};

/// What a new generation changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number, from 1.
    pub generation: u32,
    /// The subjects whose reviewers collect anew, or that are new or gone.
    pub subjects: Vec<Ref>,
    /// Those of them whose credentials this card held, by name; they are void.
    pub own: Vec<String>,
    /// What it moves besides. All else that a reviewer was promised, no generation may change.
    pub moved: Vec<Moved>,
}

/// One thing that is not what it was before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// The code by which its name is found.
    pub what: &'static str,
    /// What it was.
    pub before: String,
    /// What it is.
    pub after: String,
}

/// How a manifest that a server shows stands to the one that a card is bound to.
pub(super) enum Standing {
    /// It is that one.
    Pinned,
    /// It claims to be a later generation.
    Later,
}

/// `second_digest` for another manifest of the same or an earlier generation.
pub(super) fn compare(card: &Card, shown: &Frozen) -> Result<Standing> {
    if shown.digest() == card.manifest_digest {
        return Ok(Standing::Pinned);
    }
    let generation = card.manifests.last().map_or(0, |manifest| manifest.generation);
    if shown.manifest().generation > generation { Ok(Standing::Later) } else { Err(Alarm::SecondDigest.into()) }
}

/// Binds a card to the next generation, which the caller has pinned; `None` if the card is bound to it already.
pub(super) fn accept(card: &mut Card, next: &Frozen, now: DateTime<Utc>) -> Result<Option<Change>> {
    if matches!(compare(card, next)?, Standing::Pinned) {
        return Ok(None);
    }
    let pinned = card.pinned()?;
    if pinned.manifest().generation.checked_add(1) != Some(next.manifest().generation) {
        return Err(Idle::GenerationsMissed.into());
    }
    next.succeeds(&pinned).map_err(|_| Alarm::ChainBroken)?;
    let subjects = next.changed_subjects(&pinned);
    let is_changed = |subject_ref: &Ref| subjects.contains(subject_ref);
    let (before, today) = (pinned.manifest(), pinned.manifest().date_at(now));
    let is_sent = card.credentials.iter().any(|held| is_changed(&held.subject_ref) && !held.versions.is_empty());
    if is_sent || (!subjects.is_empty() && before.submit_window(today) != Window::TooEarly) {
        return Err(Alarm::ChangedTooLate.into());
    }
    let (void, kept): (Vec<CardSubject>, Vec<CardSubject>) =
        std::mem::take(&mut card.credentials).into_iter().partition(|held| is_changed(&held.subject_ref));
    card.credentials = kept;
    card.manifests.push(next.manifest().clone());
    card.manifest_digest = next.digest();
    // The days may have moved, so a moment drawn within the old ones may lie outside.
    card.credentials.iter_mut().for_each(|held| held.send_at = None);
    let own = void.into_iter().map(|held| held.subject_name).collect();
    let moved = moved(before, next.manifest());
    Ok(Some(Change { generation: next.manifest().generation, subjects, own, moved }))
}

fn moved(before: &Manifest, after: &Manifest) -> Vec<Moved> {
    let days = |manifest: &Manifest| {
        let Dates { issue_open, issue_close, submit_open, submit_close, seal_by, challenge_close } = manifest.dates;
        [issue_open, issue_close, submit_open, submit_close, seal_by, challenge_close].map(|day| day.to_string())
    };
    let pages = |manifest: &Manifest| {
        let hashes: Vec<String> = manifest.client_hashes.iter().map(ToString::to_string).collect();
        if hashes.is_empty() { "-".to_owned() } else { hashes.join(" ") }
    };
    let offset = |manifest: &Manifest| manifest.utc_offset_minutes.to_string();
    let all = |manifest| days(manifest).into_iter().chain([offset(manifest), pages(manifest)]);
    let names = [
        "issue_open",
        "issue_close",
        "submit_open",
        "submit_close",
        "seal_by",
        "challenge_close",
        "utc_offset",
        "client_hashes",
    ];
    let pairs = names.into_iter().zip(all(before).zip(all(after)));
    pairs.filter(|(_, (old, new))| old != new).map(|(what, (before, after))| Moved { what, before, after }).collect()
}

/// Pins the manifest in force by its printed digest, without any login; `None` if the card is bound to it already.
///
/// `between` are the generations in between, oldest first, where the card has missed some: the digest of the last one
/// leads back to them, so they need no digest of their own. On any failure the card stays as it is.
pub async fn renew(
    places: &Places,
    words: &str,
    between: &[Vec<u8>],
    held: &mut Held,
    now: DateTime<Utc>,
) -> Result<Option<Change>> {
    let card = held.card().ok_or(CardFailure::Missing)?;
    let first = card.pinned()?;
    let manifest = fetch_manifest(places, &card.cycle_ref, card.round).await?;
    check_words(&manifest, words)?;
    let mut renewed = card.clone();
    let mut changes = Vec::new();
    for text in between {
        let earlier = Frozen::parse(text).map_err(|_| Alarm::ManifestUnreadable)?;
        changes.extend(accept(&mut renewed, &earlier, now)?);
    }
    changes.extend(accept(&mut renewed, &manifest, now)?);
    let Some(last) = changes.pop() else {
        return Ok(None);
    };
    let mut whole = changes.into_iter().rev().fold(last, |sum, change| sum.with(change));
    whole.subjects.sort_unstable();
    whole.subjects.dedup();
    whole.moved = moved(first.manifest(), manifest.manifest());
    if let Some(card) = held.card_mut() {
        *card = renewed;
    }
    held.save()?;
    Ok(Some(whole))
}

impl Change {
    fn with(mut self, earlier: Change) -> Self {
        self.subjects.extend(earlier.subjects);
        self.own.extend(earlier.own);
        self
    }
}

/// What to say of a manifest that a server shows while reviews are sent: a later one is not for the box to pin.
pub(super) fn expect_pinned(card: &Card, shown: &Frozen) -> Result<()> {
    match compare(card, shown)? {
        Standing::Pinned => Ok(()),
        Standing::Later => Err(Idle::NewGeneration.into()),
    }
}
