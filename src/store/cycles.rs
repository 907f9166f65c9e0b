//! Cycles, their dates, their moves and their published documents. A newcomer's usual mistake is to write a phase alone:
//! each move is a row of its own, written with it.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::{cycle_dates, cycle_documents, cycle_moves, cycles, earlier_rounds};
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::ids::{AccountId, CycleId, MethodologyId};
use crate::error::{Code, Error, Result};
use crate::on;

/// A cycle.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset, Identifiable)]
#[diesel(table_name = cycles, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct Cycle {
    /// Its id.
    pub id: CycleId,
    /// The methodology that it follows to its end.
    pub methodology_id: MethodologyId,
    /// The body that evaluates, by its code.
    pub evaluating_body: String,
    /// Its title in Kazakh.
    pub title_kk: String,
    /// Its title in Russian.
    pub title_ru: String,
    /// Its title in English, if any.
    pub title_en: Option<String>,
    /// Where it stands.
    pub phase: Phase,
    /// The box's name for it, 16 random bytes, made with the manifest.
    pub cycle_ref: Option<Vec<u8>>,
    /// The round of collection, from 1.
    pub round: i32,
    /// The generation of the manifest in force, or of the one that is being made.
    pub generation: i32,
    /// The digest of the manifest in force, base64url; public. None while a generation is being made.
    pub manifest_digest: Option<String>,
    /// The box's receipt key that the manifest names: one round each.
    pub receipt_key: Option<Vec<u8>>,
    /// The day on which the box was sealed.
    pub sealed_on: Option<NaiveDate>,
    /// SHA-256 of the sealed bundle's index, in hex.
    pub bundle_digest: Option<String>,
    /// Why it was cancelled.
    pub cancel_reason: Option<String>,
    /// When it was added.
    pub created_at: NaiveDateTime,
    /// Grows by one with each change.
    pub version: i64,
}

/// The days of a cycle as a row.
#[derive(Debug, Clone, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = cycle_dates, primary_key(cycle_id))]
struct DatesRow {
    cycle_id: CycleId,
    starts_on: NaiveDate,
    file_review_open: NaiveDate,
    file_review_close: NaiveDate,
    pool_review_open: NaiveDate,
    pool_challenge_close: NaiveDate,
    pool_review_close: NaiveDate,
    draw_by: NaiveDate,
    issue_open: NaiveDate,
    issue_close: NaiveDate,
    submit_open: NaiveDate,
    submit_close: NaiveDate,
    seal_by: NaiveDate,
    challenge_close: NaiveDate,
    recount_by: NaiveDate,
}

impl DatesRow {
    fn new(cycle_id: CycleId, dates: &CycleDates) -> Self {
        DatesRow {
            cycle_id,
            starts_on: dates.starts_on,
            file_review_open: dates.file_review_open,
            file_review_close: dates.file_review_close,
            pool_review_open: dates.pool_review_open,
            pool_challenge_close: dates.pool_challenge_close,
            pool_review_close: dates.pool_review_close,
            draw_by: dates.draw_by,
            issue_open: dates.issue_open,
            issue_close: dates.issue_close,
            submit_open: dates.submit_open,
            submit_close: dates.submit_close,
            seal_by: dates.seal_by,
            challenge_close: dates.challenge_close,
            recount_by: dates.recount_by,
        }
    }
}

/// A move from one phase to another.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = cycle_moves, treat_none_as_default_value = false)]
pub struct CycleMove {
    /// Its id.
    pub id: String,
    /// The cycle.
    pub cycle_id: CycleId,
    /// The phase left.
    pub from_phase: Phase,
    /// The phase entered.
    pub to_phase: Phase,
    /// Who moved it; the first person of two.
    pub account_id: AccountId,
    /// The second person, where two are needed.
    pub second_account_id: Option<AccountId>,
    /// Why, where a reason is needed.
    pub reason: Option<String>,
    /// When.
    pub moved_at: NaiveDateTime,
}

/// What a cycle said of a round when the next one began.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = earlier_rounds, treat_none_as_default_value = false)]
pub struct EarlierRound {
    /// The cycle.
    pub cycle_id: CycleId,
    /// The round.
    pub round: i32,
    /// The last generation of its manifest.
    pub generation: i32,
    /// The digest of that manifest, base64url.
    pub manifest_digest: String,
    /// The box's receipt key that the manifest names.
    pub receipt_key: Vec<u8>,
    /// The day on which its seal was ordered.
    pub sealed_on: Option<NaiveDate>,
    /// SHA-256 of its sealed bundle's index, in hex, with the results that there were then.
    pub bundle_digest: String,
}

/// Adds a cycle with its days.
pub fn insert(conn: &mut Conn, cycle: &Cycle, dates: &CycleDates) -> Result<()> {
    let row = DatesRow::new(cycle.id, dates);
    on!(conn, |c| {
        diesel::insert_into(cycles::table).values(cycle).execute(c)?;
        diesel::insert_into(cycle_dates::table).values(&row).execute(c)
    })?;
    Ok(())
}

/// The cycle with this id.
pub fn find(conn: &mut Conn, id: CycleId) -> Result<Option<Cycle>> {
    Ok(on!(conn, |c| { cycles::table.find(id).select(Cycle::as_select()).first(c).optional() })?)
}

/// The cycle of which this is the box's name.
pub fn find_by_ref(conn: &mut Conn, cycle_ref: &[u8]) -> Result<Option<Cycle>> {
    Ok(on!(conn, |c| {
        cycles::table.filter(cycles::cycle_ref.eq(cycle_ref)).select(Cycle::as_select()).first(c).optional()
    })?)
}

/// Whether a round's manifest names this receipt key already.
pub fn is_receipt_key_used(conn: &mut Conn, receipt_key: &[u8]) -> Result<bool> {
    Ok(on!(conn, |c| {
        let now = cycles::table.filter(cycles::receipt_key.eq(receipt_key)).select(cycles::id);
        let before = earlier_rounds::table.filter(earlier_rounds::receipt_key.eq(receipt_key));
        diesel::select(diesel::dsl::exists(now)).get_result::<bool>(c)?
            || diesel::select(diesel::dsl::exists(before)).get_result::<bool>(c)?
    }))
}

/// Keeps what a cycle said of a round that is over.
pub fn insert_earlier(conn: &mut Conn, round: &EarlierRound) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(earlier_rounds::table).values(round).execute(c) })?;
    Ok(())
}

/// The rounds of a cycle that are over, by number.
pub fn earlier(conn: &mut Conn, id: CycleId) -> Result<Vec<EarlierRound>> {
    Ok(on!(conn, |c| {
        earlier_rounds::table
            .filter(earlier_rounds::cycle_id.eq(id))
            .order(earlier_rounds::round)
            .select(EarlierRound::as_select())
            .load(c)
    })?)
}

/// The days of a cycle; every cycle has them.
pub fn dates(conn: &mut Conn, id: CycleId) -> Result<CycleDates> {
    let row: DatesRow = on!(conn, |c| { cycle_dates::table.find(id).select(DatesRow::as_select()).first(c) })?;
    Ok(CycleDates {
        starts_on: row.starts_on,
        file_review_open: row.file_review_open,
        file_review_close: row.file_review_close,
        pool_review_open: row.pool_review_open,
        pool_challenge_close: row.pool_challenge_close,
        pool_review_close: row.pool_review_close,
        draw_by: row.draw_by,
        issue_open: row.issue_open,
        issue_close: row.issue_close,
        submit_open: row.submit_open,
        submit_close: row.submit_close,
        seal_by: row.seal_by,
        challenge_close: row.challenge_close,
        recount_by: row.recount_by,
    })
}

/// Changes the days of a cycle.
pub fn set_dates(conn: &mut Conn, id: CycleId, dates: &CycleDates) -> Result<()> {
    let row = DatesRow::new(id, dates);
    on!(conn, |c| { diesel::update(cycle_dates::table.find(id)).set(&row).execute(c) })?;
    Ok(())
}

/// Cycles by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<CycleId>, limit: i64) -> Result<Vec<Cycle>> {
    Ok(on!(conn, |c| {
        let mut query = cycles::table.select(Cycle::as_select()).order(cycles::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(cycles::id.gt(after));
        }
        query.load(c)
    })?)
}

/// The cycles in a phase, by id; of those that are not at their end there are a few.
pub fn in_phase(conn: &mut Conn, phase: Phase) -> Result<Vec<CycleId>> {
    Ok(on!(conn, |c| { cycles::table.filter(cycles::phase.eq(phase)).order(cycles::id).select(cycles::id).load(c) })?)
}

/// Writes a changed cycle whose row still has `cycle.version`, which grows by one, here and in the row.
///
/// # Errors
/// 412 `stale` where the row has moved on.
pub fn update(conn: &mut Conn, cycle: &mut Cycle) -> Result<()> {
    let seen = cycle.version;
    cycle.version += 1;
    let changed = on!(conn, |c| {
        diesel::update(cycles::table.filter(cycles::id.eq(cycle.id).and(cycles::version.eq(seen))))
            .set(&*cycle)
            .execute(c)
    })?;
    if changed == 1 { Ok(()) } else { Err(Code::Stale.into()) }
}

/// Adds a move.
pub fn insert_move(conn: &mut Conn, step: &CycleMove) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(cycle_moves::table).values(step).execute(c) })?;
    Ok(())
}

/// The instant (UTC) at which a cycle last entered a phase.
pub fn entered_at(conn: &mut Conn, id: CycleId, phase: Phase) -> Result<Option<NaiveDateTime>> {
    Ok(on!(conn, |c| {
        cycle_moves::table
            .filter(cycle_moves::cycle_id.eq(id).and(cycle_moves::to_phase.eq(phase)))
            .select(diesel::dsl::max(cycle_moves::moved_at))
            .get_result(c)
    })?)
}

/// Stores a signed document of a round under its file name; one that is there already must be the same.
///
/// # Errors
/// 500 where another content has that name: what is published never changes.
pub fn put_document(conn: &mut Conn, id: CycleId, round: i32, name: &str, content: &[u8]) -> Result<()> {
    if let Some(stored) = document(conn, id, round, name)? {
        return if stored == content { Ok(()) } else { Err(Error::internal("a published document would change")) };
    }
    on!(conn, |c| {
        diesel::insert_into(cycle_documents::table)
            .values((
                cycle_documents::cycle_id.eq(id),
                cycle_documents::round.eq(round),
                cycle_documents::name.eq(name),
                cycle_documents::content.eq(content),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// A signed document of a round by its file name.
pub fn document(conn: &mut Conn, id: CycleId, round: i32, name: &str) -> Result<Option<Vec<u8>>> {
    Ok(on!(conn, |c| {
        cycle_documents::table.find((id, round, name)).select(cycle_documents::content).first(c).optional()
    })?)
}

/// The document of this name of the youngest cycle and round that have one.
pub fn newest_document(conn: &mut Conn, name: &str) -> Result<Option<Vec<u8>>> {
    Ok(on!(conn, |c| {
        cycle_documents::table
            .filter(cycle_documents::name.eq(name))
            .order((cycle_documents::cycle_id.desc(), cycle_documents::round.desc()))
            .select(cycle_documents::content)
            .first(c)
            .optional()
    })?)
}

/// All signed documents of a cycle, each with its round, by round and name.
pub fn documents(conn: &mut Conn, id: CycleId) -> Result<Vec<(i32, String, Vec<u8>)>> {
    Ok(on!(conn, |c| {
        cycle_documents::table
            .filter(cycle_documents::cycle_id.eq(id))
            .order((cycle_documents::round, cycle_documents::name))
            .select((cycle_documents::round, cycle_documents::name, cycle_documents::content))
            .load(c)
    })?)
}
