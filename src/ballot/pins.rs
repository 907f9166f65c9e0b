//! What a round is bound to for ever: the manifest of each generation and the ledgers closed under it, by digest.
//!
//! What a newcomer would get wrong: the folder is the registry's, and a document there can be taken away as well as
//! changed. So what was pinned must still be there, and nothing else may stand in its place.

use diesel::prelude::*;

use super::tables::RoundKey;
use crate::credential::encoding::Digest;
use crate::db::Conn;
use crate::error::{Code, Result};
use crate::on;

use schema::{signed_ledger, signed_manifest};

mod schema {
    diesel::table! {
        signed_ledger (cycle_ref, round, issuer_id, generation) {
            cycle_ref -> Binary,
            round -> Integer,
            issuer_id -> Text,
            generation -> Integer,
            digest -> Binary,
        }
    }

    diesel::table! {
        signed_manifest (cycle_ref, round, generation) {
            cycle_ref -> Binary,
            round -> Integer,
            generation -> Integer,
            digest -> Binary,
        }
    }
}

/// An issuer's ledger as it is pinned.
#[derive(Debug, Clone)]
pub struct LedgerPin {
    /// Whose it is.
    pub issuer_id: String,
    /// Under which generation it was closed.
    pub generation: i32,
    /// SHA-256 of its canonical bytes.
    pub digest: Digest,
}

/// Compares the generations of a round, ascending and from 0, with those that the box signed, and records new ones.
///
/// `manifest_mismatch` if a generation was signed with another digest, if one that was signed is gone, or if one is new
/// although the round has ended.
pub fn pin_manifests(conn: &mut Conn, round: RoundKey, digests: &[Digest], is_closed: bool) -> Result<()> {
    let signed: Vec<Vec<u8>> = on!(conn, |c| {
        let of_round =
            signed_manifest::cycle_ref.eq(&round.cycle_ref.0[..]).and(signed_manifest::round.eq(round.round));
        signed_manifest::table
            .filter(of_round)
            .order(signed_manifest::generation)
            .select(signed_manifest::digest)
            .load(c)
    })?;
    let is_kept = signed.len() <= digests.len() && signed.iter().zip(digests).all(|(old, new)| *old == new.0);
    let fresh = digests.iter().enumerate().skip(signed.len());
    if !is_kept || (is_closed && fresh.len() > 0) {
        return Err(Code::ManifestMismatch.into());
    }
    for (generation, digest) in fresh {
        let generation = i32::try_from(generation).map_err(crate::error::Error::internal)?;
        on!(conn, |c| {
            diesel::insert_into(signed_manifest::table)
                .values((
                    signed_manifest::cycle_ref.eq(&round.cycle_ref.0[..]),
                    signed_manifest::round.eq(round.round),
                    signed_manifest::generation.eq(generation),
                    signed_manifest::digest.eq(&digest.0[..]),
                ))
                .execute(c)
        })?;
    }
    Ok(())
}

/// Pins each ledger at first sight; `manifest_mismatch` for a second one of the same issuer and generation.
pub fn pin_ledgers(conn: &mut Conn, round: RoundKey, ledgers: &[LedgerPin]) -> Result<()> {
    for ledger in ledgers {
        let place = (&round.cycle_ref.0[..], round.round, ledger.issuer_id.as_str(), ledger.generation);
        let pinned: Option<Vec<u8>> =
            on!(conn, |c| { signed_ledger::table.find(place).select(signed_ledger::digest).first(c).optional() })?;
        match pinned {
            Some(pinned) if pinned == ledger.digest.0 => {}
            Some(_) => return Err(Code::ManifestMismatch.into()),
            None => insert_ledger(conn, round, ledger)?,
        }
    }
    Ok(())
}

fn insert_ledger(conn: &mut Conn, round: RoundKey, ledger: &LedgerPin) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(signed_ledger::table)
            .values((
                signed_ledger::cycle_ref.eq(&round.cycle_ref.0[..]),
                signed_ledger::round.eq(round.round),
                signed_ledger::issuer_id.eq(&ledger.issuer_id),
                signed_ledger::generation.eq(ledger.generation),
                signed_ledger::digest.eq(&ledger.digest.0[..]),
            ))
            .execute(c)
    })?;
    Ok(())
}
