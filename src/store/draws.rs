//! The draws of a cycle, one for each round. A newcomer's usual mistake is to load the record with everything else: it
//! holds all pools of a cycle, so it is asked for by itself.

use diesel::prelude::*;

use super::schema::draws;
use crate::db::Conn;
use crate::domain::ids::CycleId;
use crate::error::{Error, Result};
use crate::on;

/// A draw without its record.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = draws)]
pub struct Draw {
    /// The round that it is for.
    pub round: i32,
    /// SHA-256 of the tagged seed, in hex; public from before the pool is shown.
    pub seed_commitment: String,
    /// The seed, encrypted until auditors open it.
    pub sealed_seed: Vec<u8>,
    /// SHA-256 of the record, in hex; public, and none before the draw.
    pub record_digest: Option<String>,
}

/// Adds a draw that is committed to and not made yet.
pub fn insert(conn: &mut Conn, cycle: CycleId, round: i32, seed_commitment: &str, sealed_seed: &[u8]) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(draws::table)
            .values((
                draws::cycle_id.eq(cycle),
                draws::round.eq(round),
                draws::seed_commitment.eq(seed_commitment),
                draws::sealed_seed.eq(sealed_seed),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// The draws of a cycle, by round.
pub fn of_cycle(conn: &mut Conn, cycle: CycleId) -> Result<Vec<Draw>> {
    Ok(on!(conn, |c| {
        draws::table.filter(draws::cycle_id.eq(cycle)).select(Draw::as_select()).order(draws::round).load(c)
    })?)
}

/// The draw of a round; none before the cycle is open.
pub fn find(conn: &mut Conn, cycle: CycleId, round: i32) -> Result<Option<Draw>> {
    Ok(on!(conn, |c| { draws::table.find((cycle, round)).select(Draw::as_select()).first(c).optional() })?)
}

/// The record of a round's draw as JSON, for auditors alone; none before the draw.
pub fn record(conn: &mut Conn, cycle: CycleId, round: i32) -> Result<Option<String>> {
    let record: Option<Option<String>> =
        on!(conn, |c| { draws::table.find((cycle, round)).select(draws::record).first(c).optional() })?;
    Ok(record.flatten())
}

/// Keeps the record of a round's draw with its digest.
pub fn put_record(conn: &mut Conn, cycle: CycleId, round: i32, record: &str, digest: &str) -> Result<()> {
    let changed = on!(conn, |c| {
        diesel::update(draws::table.find((cycle, round)))
            .set((draws::record.eq(record), draws::record_digest.eq(digest)))
            .execute(c)
    })?;
    if changed == 1 { Ok(()) } else { Err(Error::internal("a draw that was never committed to")) }
}
