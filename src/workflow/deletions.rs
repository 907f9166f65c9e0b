//! The end of reviews: thirty days after a cycle was closed, or as its methodology says, by date and by nobody's word. A
//! newcomer's usual mistake is to delete and then to write down what was deleted; the order, which names all of it, comes
//! first, is signed, and stands in the audit log before a byte is gone.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::cycles::{self, Loaded};
use super::issuance::{CHECKPOINT_FILE, first_document_key, manifest_file};
use crate::cipher::Cipher;
use crate::credential::bundle::ENVELOPES;
use crate::credential::deletion_order::{DeletionOrder, verify_deleted};
use crate::credential::encoding::{Digest, sha256};
use crate::credential::frozen::Frozen;
use crate::credential::note::Checkpoint;
use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::cycle::Phase;
use crate::domain::cycle::retention::reviews_end_on;
use crate::domain::ids::CycleId;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::audit::NewEntry;
use crate::store::cycles::Cycle;

/// The order to the box, once there is one.
pub const DELETION_ORDER_FILE: &str = "deletion-order.json";
/// The box's note that it has obeyed, as the registry took it in.
pub const DELETED_FILE: &str = "deleted";

/// A round whose reviews are to go, or are going.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// The round.
    pub round: i32,
    /// Whether the order is given.
    pub is_ordered: bool,
}

/// A sealed round, as the registry published it and took it in.
struct Sealed {
    manifest: Frozen,
    checkpoint: Vec<u8>,
}

/// The rounds of a cycle whose reviews are due today, or ordered to go and not yet told to be gone by the box. None of a
/// cycle that is not closed.
pub fn endings(conn: &mut Conn, cycle: &Cycle, now: DateTime<Utc>) -> Result<Vec<Ending>> {
    if cycle.phase != Phase::Closed {
        return Ok(Vec::new());
    }
    let mut endings = Vec::new();
    for (round, _) in rounds(conn, cycle)? {
        if store::cycles::document(conn, cycle.id, round, DELETED_FILE)?.is_none() {
            let order = store::cycles::document(conn, cycle.id, round, DELETION_ORDER_FILE)?;
            endings.push(Ending { round, is_ordered: order.is_some() });
        }
    }
    if endings.iter().any(|ending| !ending.is_ordered) && !is_due(conn, cycle.id, now)? {
        endings.retain(|ending| ending.is_ordered);
    }
    Ok(endings)
}

/// Signs the order to delete a round's reviews and stores it with its trail; once. `files` is what goes of the bundle, as
/// its table of contents names it.
///
/// # Errors
/// 404; 409 `too_early` before the day; 409 `guard_not_met` while a complaint is proven, which keeps the reviews for whoever
/// has to say what became of them.
pub fn order(
    conn: &mut Conn,
    cipher: &Cipher,
    id: CycleId,
    round: i32,
    files: &BTreeMap<String, Digest>,
    now: DateTime<Utc>,
) -> Result<()> {
    let loaded = cycles::load(conn, id)?;
    if store::cycles::document(conn, id, round, DELETION_ORDER_FILE)?.is_some() {
        return Ok(());
    }
    if loaded.cycle.phase != Phase::Closed {
        let hint = Hint::new("act_in_phase").phase("needed", Phase::Closed).phase("phase", loaded.cycle.phase);
        return Err(Error::hinted(Code::TooEarly, hint));
    }
    let day = due_on(conn, &loaded)?.ok_or_else(|| Error::internal("a closed cycle was never closed"))?;
    if loaded.today(now) < day {
        return Err(Error::hinted(Code::TooEarly, Hint::new("wait_until").text("day", day)));
    }
    for (round, _) in rounds(conn, &loaded.cycle)? {
        let proven = store::recounts::find_round(conn, id, round)?.map_or(0, |round| round.complaint_count);
        if proven > 0 {
            return Err(Error::hinted(Code::GuardNotMet, Hint::new("complaints_proven").text("count", proven)));
        }
    }
    let Sealed { manifest, checkpoint } = sealed(conn, &loaded.cycle, round)?;
    let key = first_document_key(conn, cipher, id, &manifest)?;
    let order = DeletionOrder::sign(&manifest, &checkpoint, files.clone(), loaded.today(now), &key)?.to_bytes()?;
    store::cycles::put_document(conn, id, round, DELETION_ORDER_FILE, &order)?;
    let mut record = |act: &str, digest: Digest| {
        let entry = NewEntry { digest: Some(digest.to_string()), ..NewEntry::new(None, act, "cycle", id) };
        store::audit::record(conn, entry, now)
    };
    record("order_review_deletion", sha256(&[&order]))?;
    for (name, digest) in files {
        record(if name == ENVELOPES { "delete_envelopes" } else { "delete_superseded" }, *digest)?;
    }
    Ok(())
}

/// Stores the box's note that a round's reviews are gone, once.
///
/// # Errors
/// 409 `box_not_ready` where the box's key did not sign it for the tree that was sealed.
pub fn put_deleted(conn: &mut Conn, cycle: &Cycle, round: i32, note: &str, now: DateTime<Utc>) -> Result<()> {
    if store::cycles::document(conn, cycle.id, round, DELETED_FILE)?.is_some() {
        return Ok(());
    }
    let Sealed { manifest, checkpoint } = sealed(conn, cycle, round)?;
    let checkpoint = String::from_utf8(checkpoint).map_err(Error::internal)?;
    let checkpoint = Checkpoint::verify(&checkpoint, manifest.log_key())?;
    verify_deleted(note, &manifest, &checkpoint)
        .map_err(|_| Error::hinted(Code::BoxNotReady, Hint::new("box_document_unsigned").text("name", DELETED_FILE)))?;
    store::cycles::put_document(conn, cycle.id, round, DELETED_FILE, note.as_bytes())?;
    let entry = NewEntry {
        digest: Some(sha256(&[note.as_bytes()]).to_string()),
        ..NewEntry::new(None, "take_in_box_document", "cycle", cycle.id)
    };
    store::audit::record(conn, entry, now)
}

/// 410 `reviews_deleted` where the deletion of a round's reviews was ordered; the hint says since when.
pub fn check_kept(conn: &mut Conn, id: CycleId, round: i32) -> Result<()> {
    let Some(order) = store::cycles::document(conn, id, round, DELETION_ORDER_FILE)? else { return Ok(()) };
    let since = DeletionOrder::parse(&order)?.ordered_on;
    Err(Error::hinted(Code::ReviewsDeleted, Hint::new("reviews_deleted_since").text("day", since)))
}

/// Deletes the keys of a cycle's documents once there is nothing left for them to sign, and notes it in the trail; whether
/// there were any.
///
/// That is when the deletion of the reviews of every round is ordered, or the cycle was cancelled: whoever came by the keys
/// later could only sign what nobody should believe.
pub fn delete_document_keys(conn: &mut Conn, id: CycleId, now: DateTime<Utc>) -> Result<bool> {
    let cycle = store::cycles::find(conn, id)?.ok_or(Code::NotFound)?;
    if !has_last_order(conn, &cycle)? {
        return Ok(false);
    }
    let keys = store::issuance::document_keys(conn, id)?;
    if keys.is_empty() {
        return Ok(false);
    }
    store::issuance::delete_document_keys(conn, id)?;
    let public_keys: Vec<&[u8]> = keys.iter().map(|key| key.public_key.as_slice()).collect();
    let entry = NewEntry {
        digest: Some(sha256(&public_keys).to_string()),
        ..NewEntry::new(None, "destroy_document_keys", "cycle", id)
    };
    store::audit::record(conn, entry, now)?;
    Ok(true)
}

fn has_last_order(conn: &mut Conn, cycle: &Cycle) -> Result<bool> {
    if cycle.phase == Phase::Cancelled {
        // The box's order to destroy, where it is given one, is of the same write as the phase. What was sealed before stays
        // as evidence, and the order to delete it is still to be signed.
        return Ok(cycle.sealed_on.is_none());
    }
    if cycle.phase != Phase::Closed {
        return Ok(false);
    }
    for (round, _) in rounds(conn, cycle)? {
        if store::cycles::document(conn, cycle.id, round, DELETION_ORDER_FILE)?.is_none() {
            return Ok(false);
        }
    }
    Ok(true)
}

fn is_due(conn: &mut Conn, id: CycleId, now: DateTime<Utc>) -> Result<bool> {
    let loaded = cycles::load(conn, id)?;
    Ok(due_on(conn, &loaded)?.is_some_and(|day| loaded.today(now) >= day))
}

/// The first day on which the reviews of a cycle are deleted; none before it is closed.
fn due_on(conn: &mut Conn, loaded: &Loaded) -> Result<Option<NaiveDate>> {
    let offset = loaded.methodology.time_limits.utc_offset_minutes;
    let closed_on: Option<NaiveDate> =
        store::cycles::entered_at(conn, loaded.cycle.id, Phase::Closed)?.map(|at| date_at(at.and_utc(), offset));
    let limits = &loaded.methodology.time_limits;
    Ok(closed_on.map(|day| reviews_end_on(day, limits)))
}

/// The rounds of a cycle, each with the last generation of its manifest.
fn rounds(conn: &mut Conn, cycle: &Cycle) -> Result<Vec<(i32, i32)>> {
    let earlier = store::cycles::earlier(conn, cycle.id)?;
    let present = (cycle.round, cycle.generation);
    Ok(earlier.into_iter().map(|earlier| (earlier.round, earlier.generation)).chain([present]).collect())
}

fn sealed(conn: &mut Conn, cycle: &Cycle, round: i32) -> Result<Sealed> {
    let known = rounds(conn, cycle)?.into_iter().find(|(known, _)| *known == round);
    let (_, generation) = known.ok_or(Code::NotFound)?;
    let mut document = |name: &str| {
        let found = store::cycles::document(conn, cycle.id, round, name)?;
        found.ok_or_else(|| Error::internal("a closed cycle lacks a document of its seal"))
    };
    let manifest = Frozen::parse(&document(&manifest_file(generation))?)?;
    Ok(Sealed { manifest, checkpoint: document(CHECKPOINT_FILE)? })
}
