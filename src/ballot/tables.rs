//! The box's tables and all of its SQL on reviews and keys.
//!
//! What a newcomer would get wrong: every lookup goes by a primary key. A second index, a sequence or a time would make
//! it easier, and each would keep the order in which reviews arrived.

use diesel::prelude::*;
use zeroize::Zeroizing;

use crate::credential::bundle::Superseded;
use crate::credential::encoding::{Bytes, Digest, Ref};
use crate::credential::envelope::{Body, Credential, Envelope, Verified};
use crate::credential::frozen::Frozen;
use crate::credential::receipt::Receipt;
use crate::credential::rules::BallotRules;
use crate::credential::signing::PublicKey;
use crate::db::Conn;
use crate::error::{Code, Error, Result};
use crate::on;

use schema::{box_key, closed_round, complaint, deleted_round, review, superseded};

mod schema {
    diesel::table! {
        review (epk) {
            epk -> Binary,
            cycle_ref -> Binary,
            round -> Integer,
            subject_ref -> Binary,
            seq -> Integer,
            body -> Binary,
            sig -> Binary,
            credentials -> Binary,
            leaf -> Binary,
        }
    }

    diesel::table! {
        superseded (leaf) {
            leaf -> Binary,
            epk -> Binary,
        }
    }

    diesel::table! {
        box_key (purpose) {
            purpose -> Text,
            private_key -> Binary,
        }
    }

    diesel::table! {
        closed_round (cycle_ref, round) {
            cycle_ref -> Binary,
            round -> Integer,
            act -> Text,
            note -> Text,
        }
    }

    diesel::table! {
        complaint (cycle_ref, round, leaf) {
            cycle_ref -> Binary,
            round -> Integer,
            leaf -> Binary,
            rsig -> Binary,
        }
    }

    diesel::table! {
        deleted_round (cycle_ref, round) {
            cycle_ref -> Binary,
            round -> Integer,
            note -> Text,
        }
    }

    diesel::allow_tables_to_appear_in_same_query!(review, superseded);
}

/// The act of a round that was sealed, as its row says it.
pub const SEAL: &str = "seal";

/// The bytes of one stored credential: `key_id ‖ prefix ‖ sig`.
const CREDENTIAL_SIZE: usize = 32 + 32 + 384;

/// A review as it is stored. It can be made of a verified envelope alone.
pub struct Review {
    epk: PublicKey,
    round: RoundKey,
    subject_ref: Ref,
    seq: i32,
    prev: Vec<Digest>,
    body: Zeroizing<Vec<u8>>,
    sig: [u8; 64],
    credentials: Vec<u8>,
    leaf: Digest,
}

/// A round as the tables name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct RoundKey {
    /// The box's name of the cycle.
    pub cycle_ref: Ref,
    /// The round, which the tables keep as a signed number.
    pub round: i32,
}

/// How a round ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Closed {
    /// `seal` or `destroy`.
    pub act: String,
    /// The note that the box signed then.
    pub note: String,
}

impl Closed {
    /// Whether it was sealed; else its reviews were destroyed.
    pub fn is_sealed(&self) -> bool {
        self.act == SEAL
    }
}

impl RoundKey {
    /// `None` for a round beyond what any cycle can have.
    pub fn new(cycle_ref: Ref, round: u32) -> Option<Self> {
        // Out of range means that there is no such round, which is an answer and no failure.
        i32::try_from(round).ok().map(|round| RoundKey { cycle_ref, round })
    }
}

impl Review {
    /// The row of a verified review; credentials in the manifest's order, so that the client's own order is not kept.
    pub fn of(verified: &Verified<'_>, rules: &BallotRules) -> Result<Self> {
        let envelope = verified.envelope();
        let mut credentials = Vec::new();
        for issuer in &rules.current().manifest().issuers {
            let his = envelope.credentials.iter().find(|credential| credential.issuer_id == issuer.issuer_id);
            let his = his.ok_or(Code::CredentialInvalid)?;
            credentials.extend([his.key_id.0.as_slice(), &his.prefix.0, &his.sig.0].concat());
        }
        let body = &envelope.body;
        Ok(Review {
            epk: envelope.epk,
            round: RoundKey::new(body.cycle_ref, body.round).ok_or(Code::UnknownCycle)?,
            subject_ref: body.subject_ref,
            seq: i32::try_from(body.seq).map_err(|_| Error::from(Code::InvalidReview))?,
            prev: body.prev.clone(),
            body: Zeroizing::new(verified.body().to_vec()),
            sig: envelope.sig.0,
            credentials,
            leaf: verified.leaf(),
        })
    }
}

/// Puts a review into the box, unless it is there already.
///
/// `window_closed` once the round has ended; `seq_conflict` unless it is the first version of its key, a version known
/// already, or the next one that names all the earlier ones. The body of a version that is replaced is erased.
pub fn put(conn: &mut Conn, new: &Review) -> Result<()> {
    if find_closed(conn, new.round)?.is_some() {
        return Err(Code::WindowClosed.into());
    }
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("submit_looked_up");
    let Some(stored) = find_version(conn, &new.epk)? else {
        if new.seq != 1 {
            return Err(Code::SeqConflict.into());
        }
        return insert(conn, new);
    };
    if stored.leaf == new.leaf.0 || is_superseded_by(conn, &new.leaf, &new.epk)? {
        return Ok(());
    }
    if !continues(conn, &stored, new)? {
        return Err(Code::SeqConflict.into());
    }
    on!(conn, |c| {
        diesel::insert_into(superseded::table)
            .values((superseded::leaf.eq(&stored.leaf), superseded::epk.eq(&new.epk.0[..])))
            .execute(c)
    })?;
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("submit_superseded");
    on!(conn, |c| {
        diesel::update(review::table.find(&new.epk.0[..]))
            .set((
                review::seq.eq(new.seq),
                review::body.eq(new.body.as_slice()),
                review::sig.eq(&new.sig[..]),
                review::credentials.eq(&new.credentials),
                review::leaf.eq(&new.leaf.0[..]),
            ))
            .execute(c)
    })?;
    #[cfg(feature = "leaks")]
    super::leaks::failpoint("submit_updated");
    Ok(())
}

struct Version {
    place: (Vec<u8>, i32, Vec<u8>),
    seq: i32,
    leaf: Vec<u8>,
}

fn find_version(conn: &mut Conn, epk: &PublicKey) -> Result<Option<Version>> {
    type Columns = (Vec<u8>, i32, Vec<u8>, i32, Vec<u8>);
    let found: Option<Columns> = on!(conn, |c| {
        review::table
            .find(&epk.0[..])
            .select((review::cycle_ref, review::round, review::subject_ref, review::seq, review::leaf))
            .first(c)
            .optional()
    })?;
    Ok(found.map(|(cycle_ref, round, subject_ref, seq, leaf)| Version {
        place: (cycle_ref, round, subject_ref),
        seq,
        leaf,
    }))
}

/// Whether a version follows the stored one, for the same subject, and retires every earlier version.
///
/// A key has as many superseded leaves as its stored version has predecessors, and the verified list is sorted and
/// distinct; so it is complete once each of its leaves is found to be one of this key's.
fn continues(conn: &mut Conn, stored: &Version, new: &Review) -> Result<bool> {
    let place = (new.round.cycle_ref.0.to_vec(), new.round.round, new.subject_ref.0.to_vec());
    if stored.place != place || stored.seq.checked_add(1) != Some(new.seq) {
        return Ok(false);
    }
    for leaf in &new.prev {
        if stored.leaf != leaf.0 && !is_superseded_by(conn, leaf, &new.epk)? {
            return Ok(false);
        }
    }
    Ok(i32::try_from(new.prev.len()) == Ok(stored.seq))
}

fn is_superseded_by(conn: &mut Conn, leaf: &Digest, epk: &PublicKey) -> Result<bool> {
    let by: Option<Vec<u8>> =
        on!(conn, |c| { superseded::table.find(&leaf.0[..]).select(superseded::epk).first(c).optional() })?;
    Ok(by.is_some_and(|by| by == epk.0))
}

fn insert(conn: &mut Conn, new: &Review) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(review::table)
            .values((
                review::epk.eq(&new.epk.0[..]),
                review::cycle_ref.eq(&new.round.cycle_ref.0[..]),
                review::round.eq(new.round.round),
                review::subject_ref.eq(&new.subject_ref.0[..]),
                review::seq.eq(new.seq),
                review::body.eq(new.body.as_slice()),
                review::sig.eq(&new.sig[..]),
                review::credentials.eq(&new.credentials),
                review::leaf.eq(&new.leaf.0[..]),
            ))
            .execute(c)
    })?;
    #[cfg(feature = "leaks")]
    {
        super::leaks::stored(conn, &new.epk, &new.subject_ref)?;
        super::leaks::failpoint("submit_inserted");
    }
    Ok(())
}

/// All reviews of a round, in their last versions, ascending by key.
pub fn list_envelopes(conn: &mut Conn, round: RoundKey, manifest: &Frozen) -> Result<Vec<Envelope>> {
    type Columns = (Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>);
    let rows: Vec<Columns> = on!(conn, |c| {
        review::table
            .filter(review::cycle_ref.eq(&round.cycle_ref.0[..]).and(review::round.eq(round.round)))
            .order(review::epk)
            .select((review::epk, review::body, review::sig, review::credentials))
            .load(c)
    })?;
    let envelope = |(epk, body, sig, credentials): Columns| {
        Ok(Envelope {
            epk: Bytes::from_slice(&epk)?,
            credentials: read_credentials(&credentials, manifest)?,
            body: Body::parse(&Zeroizing::new(body))?,
            sig: Bytes::from_slice(&sig)?,
        })
    };
    rows.into_iter().map(envelope).collect()
}

fn read_credentials(stored: &[u8], manifest: &Frozen) -> Result<Vec<Credential>> {
    let (credentials, rest) = stored.as_chunks::<CREDENTIAL_SIZE>();
    let issuers = &manifest.manifest().issuers;
    if !rest.is_empty() || credentials.len() != issuers.len() {
        return Err(Error::internal("a stored review has other issuers than its manifest"));
    }
    let read = |(issuer, bytes): (&crate::credential::manifest::Issuer, &[u8; CREDENTIAL_SIZE])| {
        let (key_id, rest) = bytes.split_at(32);
        let (prefix, sig) = rest.split_at(32);
        Ok(Credential {
            issuer_id: issuer.issuer_id.clone(),
            key_id: Bytes::from_slice(key_id)?,
            prefix: Bytes::from_slice(prefix)?,
            sig: Bytes::from_slice(sig)?,
        })
    };
    issuers.iter().zip(credentials).map(read).collect()
}

/// The replaced versions of a round's reviews, ascending by leaf.
pub fn list_superseded(conn: &mut Conn, round: RoundKey) -> Result<Vec<Superseded>> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = on!(conn, |c| {
        let of_round = review::cycle_ref.eq(&round.cycle_ref.0[..]).and(review::round.eq(round.round));
        superseded::table
            .filter(superseded::epk.eq_any(review::table.filter(of_round).select(review::epk)))
            .order(superseded::leaf)
            .select((superseded::leaf, superseded::epk))
            .load(c)
    })?;
    rows.into_iter()
        .map(|(leaf, epk)| Ok(Superseded { leaf: Bytes::from_slice(&leaf)?, epk: Bytes::from_slice(&epk)? }))
        .collect()
}

/// Deletes all reviews of a round, and what is kept of their earlier versions.
pub fn delete_reviews(conn: &mut Conn, round: RoundKey) -> Result<()> {
    on!(conn, |c| {
        let of_round = review::cycle_ref.eq(&round.cycle_ref.0[..]).and(review::round.eq(round.round));
        let keys = review::table.filter(of_round).select(review::epk);
        diesel::delete(superseded::table.filter(superseded::epk.eq_any(keys))).execute(c)
    })?;
    on!(conn, |c| {
        let of_round = review::cycle_ref.eq(&round.cycle_ref.0[..]).and(review::round.eq(round.round));
        diesel::delete(review::table.filter(of_round)).execute(c)
    })?;
    Ok(())
}

/// The private key of a purpose.
pub fn find_key(conn: &mut Conn, purpose: &str) -> Result<Option<Zeroizing<[u8; 32]>>> {
    let found: Option<Vec<u8>> =
        on!(conn, |c| { box_key::table.find(purpose).select(box_key::private_key).first(c).optional() })?;
    let Some(found) = found.map(Zeroizing::new) else { return Ok(None) };
    let key: [u8; 32] =
        found.as_slice().try_into().map_err(|_| Error::internal("a stored key does not have 32 bytes"))?;
    Ok(Some(Zeroizing::new(key)))
}

/// Keeps a private key under its purpose.
pub fn insert_key(conn: &mut Conn, purpose: &str, private_key: &[u8; 32]) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(box_key::table)
            .values((box_key::purpose.eq(purpose), box_key::private_key.eq(&private_key[..])))
            .execute(c)
    })?;
    Ok(())
}

/// Deletes the private key of a purpose, if there is one.
pub fn delete_key(conn: &mut Conn, purpose: &str) -> Result<()> {
    on!(conn, |c| { diesel::delete(box_key::table.find(purpose)).execute(c) })?;
    Ok(())
}

/// How a round ended; `None` while it has not.
pub fn find_closed(conn: &mut Conn, round: RoundKey) -> Result<Option<Closed>> {
    let found: Option<(String, String)> = on!(conn, |c| {
        closed_round::table
            .find((&round.cycle_ref.0[..], round.round))
            .select((closed_round::act, closed_round::note))
            .first(c)
            .optional()
    })?;
    Ok(found.map(|(act, note)| Closed { act, note }))
}

/// Ends a round for good.
pub fn insert_closed(conn: &mut Conn, round: RoundKey, closed: &Closed) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(closed_round::table)
            .values((
                closed_round::cycle_ref.eq(&round.cycle_ref.0[..]),
                closed_round::round.eq(round.round),
                closed_round::act.eq(&closed.act),
                closed_round::note.eq(&closed.note),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// The note with which a sealed round's reviews were deleted; `None` while they are there.
pub fn find_deleted(conn: &mut Conn, round: RoundKey) -> Result<Option<String>> {
    let place = (&round.cycle_ref.0[..], round.round);
    Ok(on!(conn, |c| { deleted_round::table.find(place).select(deleted_round::note).first(c).optional() })?)
}

/// Records that a sealed round's reviews are deleted, once.
pub fn insert_deleted(conn: &mut Conn, round: RoundKey, note: &str) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(deleted_round::table)
            .values((
                deleted_round::cycle_ref.eq(&round.cycle_ref.0[..]),
                deleted_round::round.eq(round.round),
                deleted_round::note.eq(note),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// Records that a promised leaf was not sealed; once, however often it is told.
pub fn put_complaint(conn: &mut Conn, round: RoundKey, receipt: &Receipt) -> Result<()> {
    let place = (&round.cycle_ref.0[..], round.round, &receipt.leaf.0[..]);
    let is_known: Option<i32> =
        on!(conn, |c| { complaint::table.find(place).select(complaint::round).first(c).optional() })?;
    if is_known.is_some() {
        return Ok(());
    }
    on!(conn, |c| {
        diesel::insert_into(complaint::table)
            .values((
                complaint::cycle_ref.eq(&round.cycle_ref.0[..]),
                complaint::round.eq(round.round),
                complaint::leaf.eq(&receipt.leaf.0[..]),
                complaint::rsig.eq(&receipt.rsig.0[..]),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// The broken promises of a round, ascending by leaf.
pub fn list_complaints(conn: &mut Conn, round: RoundKey) -> Result<Vec<Receipt>> {
    let rows: Vec<(Vec<u8>, Vec<u8>)> = on!(conn, |c| {
        complaint::table
            .filter(complaint::cycle_ref.eq(&round.cycle_ref.0[..]).and(complaint::round.eq(round.round)))
            .order(complaint::leaf)
            .select((complaint::leaf, complaint::rsig))
            .load(c)
    })?;
    let number = u32::try_from(round.round).map_err(Error::internal)?;
    let receipt = |(leaf, rsig): (Vec<u8>, Vec<u8>)| {
        let (leaf, rsig) = (Bytes::from_slice(&leaf)?, Bytes::from_slice(&rsig)?);
        Ok(Receipt { v: 1, cycle_ref: round.cycle_ref, round: number, leaf, rsig })
    };
    rows.into_iter().map(receipt).collect()
}
