//! The box's private keys: one log key for years, one receipt key for each round, one more for the round to come.
//!
//! What a newcomer would get wrong: a receipt key belongs to the first manifest that names it. A second round with the
//! same key is refused, else a receipt of one round could be shown for another.

use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::tables::{self, RoundKey};
use super::{Ballot, blocking};
use crate::credential::encoding::random;
use crate::credential::seal_order::BoxKeys;
use crate::credential::signing::{PublicKey, public_key};
use crate::db::{BallotBox, Conn};
use crate::error::{Code, Error, Result};

const LOG: &str = "log";
const NEXT_RECEIPT: &str = "receipt/next";

/// The log key, made at the box's first start together with the first receipt key.
pub(super) async fn log_key(ballot_box: &BallotBox) -> Result<SigningKey> {
    let (log, receipt) = (fresh()?, fresh()?);
    let key = ballot_box
        .0
        .write(move |conn| {
            get_or_insert(conn, NEXT_RECEIPT, &receipt)?;
            get_or_insert(conn, LOG, &log)
        })
        .await?;
    Ok(SigningKey::from_bytes(&key))
}

/// The receipt key of a round, which is bound to it now if its manifest names the key that is free.
///
/// `manifest_mismatch` if the manifest names another key than the round's.
pub(super) fn bind_receipt_key(
    conn: &mut Conn,
    round: RoundKey,
    named: &PublicKey,
    fresh: &[u8; 32],
) -> Result<Zeroizing<[u8; 32]>> {
    let purpose = purpose_of(round);
    if let Some(bound) = tables::find_key(conn, &purpose)? {
        return if is_named(&bound, named) { Ok(bound) } else { Err(Code::ManifestMismatch.into()) };
    }
    let free = tables::find_key(conn, NEXT_RECEIPT)?.ok_or_else(|| Error::internal("there is no free receipt key"))?;
    if !is_named(&free, named) {
        return Err(Code::ManifestMismatch.into());
    }
    tables::insert_key(conn, &purpose, &free)?;
    tables::delete_key(conn, NEXT_RECEIPT)?;
    tables::insert_key(conn, NEXT_RECEIPT, fresh)?;
    Ok(free)
}

/// Deletes the receipt key of a round that has ended.
pub(super) fn delete_receipt_key(conn: &mut Conn, round: RoundKey) -> Result<()> {
    tables::delete_key(conn, &purpose_of(round))
}

/// A fresh private key.
pub(super) fn fresh() -> Result<Zeroizing<[u8; 32]>> {
    random().map(Zeroizing::new)
}

impl Ballot {
    /// Publishes `box.json`, unless it lies there already.
    pub(super) async fn publish_keys(&self) -> Result<()> {
        let free = self.read(|conn| tables::find_key(conn, NEXT_RECEIPT)).await?;
        let free = free.ok_or_else(|| Error::internal("there is no free receipt key"))?;
        let receipt_key = public_key(&SigningKey::from_bytes(&free));
        let bytes = BoxKeys::sign(&self.log_name, receipt_key, &self.log_key)?.to_bytes()?;
        let folder = self.folder().clone();
        blocking(move || {
            if folder.box_keys()?.as_ref() == Some(&bytes) {
                return Ok(());
            }
            folder.put_box_keys(&bytes)
        })
        .await
    }
}

fn purpose_of(round: RoundKey) -> String {
    format!("receipt/{}/{}", round.cycle_ref, round.round)
}

fn is_named(private_key: &[u8; 32], named: &PublicKey) -> bool {
    public_key(&SigningKey::from_bytes(private_key)) == *named
}

fn get_or_insert(conn: &mut Conn, purpose: &str, fresh: &[u8; 32]) -> Result<Zeroizing<[u8; 32]>> {
    if let Some(found) = tables::find_key(conn, purpose)? {
        return Ok(found);
    }
    tables::insert_key(conn, purpose, fresh)?;
    Ok(Zeroizing::new(*fresh))
}
