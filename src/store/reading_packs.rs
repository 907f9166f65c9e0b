//! Reading packs with their lists of acts and what was drawn. A newcomer's usual mistake is to load a pack with all that is
//! in it: the record has every act of the judge, the content megabytes, so each is asked for by itself.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::count_star;
use diesel::prelude::*;

use super::schema::{acts, evaluations, reading_acts, reading_candidates, reading_packs};
use crate::db::Conn;
use crate::domain::ids::{AccountId, EvaluationId, JudgeId, ReadingActId};
use crate::domain::judge_file::RecordStatus;
use crate::domain::reading::{Candidate, ReadingActState, ReplacementGround, Window};
use crate::error::{Code, Error, OnUnique, Result};
use crate::on;

/// Rows that are inserted by one statement.
const ROWS_AT_ONCE: usize = 200;

/// A pack without its record and content.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = reading_packs)]
pub struct Pack {
    /// Whose it is.
    pub evaluation_id: EvaluationId,
    /// SHA-256 of the tagged seed, in hex; shown before the first act is on the list.
    pub seed_commitment: String,
    /// The seed, encrypted until auditors open it.
    pub sealed_seed: Vec<u8>,
    /// SHA-256 of the record, in hex; none before the draw.
    pub record_digest: Option<String>,
    /// Bytes of the content; none before it is frozen.
    pub size: Option<i64>,
    /// SHA-256 of the content, base64url.
    pub digest: Option<String>,
    /// Why it was frozen with fewer acts than the methodology asks for.
    pub short_reason: Option<String>,
    /// When it was frozen.
    pub frozen_at: Option<NaiveDateTime>,
}

/// An act that was drawn.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = reading_acts, treat_none_as_default_value = false)]
pub struct ReadingAct {
    /// Its id.
    pub id: ReadingActId,
    /// Whose pack it is of.
    pub evaluation_id: EvaluationId,
    /// The kind of case.
    pub category: String,
    /// Its place in the drawn order of the category, from 0.
    pub place: i32,
    /// The number of the case.
    pub case_no: String,
    /// The day of the act.
    pub act_date: NaiveDate,
    /// Where it stands.
    pub state: ReadingActState,
    /// Why the next one took its place.
    pub replacement_ground: Option<ReplacementGround>,
    /// Why staff decided as they did.
    pub decision_reason: Option<String>,
    /// Who of the staff decided.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<NaiveDateTime>,
    /// What the judge objects.
    pub objection: Option<String>,
    /// When the judge objected.
    pub objected_at: Option<NaiveDateTime>,
    /// When staff decided on the objection.
    pub objection_decided_at: Option<NaiveDateTime>,
}

impl ReadingAct {
    /// Whether the judge waits for a decision.
    pub fn has_open_objection(&self) -> bool {
        self.objection.is_some() && self.objection_decided_at.is_none()
    }
}

/// Adds a pack whose seed is committed to.
pub fn insert(conn: &mut Conn, evaluation: EvaluationId, seed_commitment: &str, sealed_seed: &[u8]) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(reading_packs::table)
            .values((
                reading_packs::evaluation_id.eq(evaluation),
                reading_packs::seed_commitment.eq(seed_commitment),
                reading_packs::sealed_seed.eq(sealed_seed),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// The pack of an evaluation.
pub fn find(conn: &mut Conn, evaluation: EvaluationId) -> Result<Option<Pack>> {
    Ok(on!(conn, |c| { reading_packs::table.find(evaluation).select(Pack::as_select()).first(c).optional() })?)
}

/// The packs of these evaluations, by evaluation; of a thousand at most.
pub fn of_evaluations(conn: &mut Conn, of: &[EvaluationId]) -> Result<Vec<Pack>> {
    Ok(on!(conn, |c| {
        reading_packs::table
            .filter(reading_packs::evaluation_id.eq_any(of))
            .order(reading_packs::evaluation_id)
            .select(Pack::as_select())
            .load(c)
    })?)
}

/// The record of a draw as JSON, for auditors alone; none before the draw.
pub fn record(conn: &mut Conn, evaluation: EvaluationId) -> Result<Option<String>> {
    let record: Option<Option<String>> =
        on!(conn, |c| { reading_packs::table.find(evaluation).select(reading_packs::record).first(c).optional() })?;
    Ok(record.flatten())
}

/// Keeps the record of a draw with its digest.
pub fn put_record(conn: &mut Conn, evaluation: EvaluationId, record: &str, digest: &str) -> Result<()> {
    let changed = on!(conn, |c| {
        let undrawn = reading_packs::table.find(evaluation).filter(reading_packs::record.is_null());
        diesel::update(undrawn)
            .set((reading_packs::record.eq(record), reading_packs::record_digest.eq(digest)))
            .execute(c)
    })?;
    if changed == 1 { Ok(()) } else { Err(Error::internal("a pack that was never committed to, or is drawn")) }
}

/// What a pack is from now on.
#[derive(Debug, Clone)]
pub struct FrozenContent<'a> {
    /// The bytes that every reviewer is given.
    pub content: &'a [u8],
    /// SHA-256 of them, base64url.
    pub digest: &'a str,
    /// Why there are fewer acts than the methodology asks for.
    pub short_reason: Option<&'a str>,
    /// When.
    pub frozen_at: NaiveDateTime,
}

/// Freezes a pack, once.
pub fn freeze(conn: &mut Conn, evaluation: EvaluationId, frozen: &FrozenContent<'_>) -> Result<()> {
    let size = i64::try_from(frozen.content.len()).map_err(Error::internal)?;
    let changed = on!(conn, |c| {
        let open = reading_packs::table.find(evaluation).filter(reading_packs::content.is_null());
        diesel::update(open)
            .set((
                reading_packs::content.eq(frozen.content),
                reading_packs::size.eq(size),
                reading_packs::digest.eq(frozen.digest),
                reading_packs::short_reason.eq(frozen.short_reason),
                reading_packs::frozen_at.eq(frozen.frozen_at),
            ))
            .execute(c)
    })?;
    if changed == 1 { Ok(()) } else { Err(Error::internal("a pack that is frozen would change")) }
}

/// The frozen bytes of a pack.
pub fn content(conn: &mut Conn, evaluation: EvaluationId) -> Result<Option<Vec<u8>>> {
    let content: Option<Option<Vec<u8>>> =
        on!(conn, |c| { reading_packs::table.find(evaluation).select(reading_packs::content).first(c).optional() })?;
    Ok(content.flatten())
}

/// Puts acts on the list of a pack; those that are on it already stay as they are. How many are new.
pub fn add_candidates(conn: &mut Conn, evaluation: EvaluationId, new: &[Candidate]) -> Result<usize> {
    let rows: Vec<_> = new
        .iter()
        .map(|act| {
            (
                reading_candidates::evaluation_id.eq(evaluation),
                reading_candidates::case_no.eq(&act.case_no),
                reading_candidates::act_date.eq(act.act_date),
                reading_candidates::category.eq(&act.category),
            )
        })
        .collect();
    let mut added = 0;
    for some in rows.chunks(ROWS_AT_ONCE) {
        added += on!(conn, |c| {
            diesel::insert_into(reading_candidates::table).values(some.to_vec()).on_conflict_do_nothing().execute(c)
        })?;
    }
    Ok(added)
}

/// Takes every act off the list of a pack.
pub fn clear_candidates(conn: &mut Conn, evaluation: EvaluationId) -> Result<usize> {
    Ok(on!(conn, |c| {
        diesel::delete(reading_candidates::table.filter(reading_candidates::evaluation_id.eq(evaluation))).execute(c)
    })?)
}

/// The list of a pack, by number of the case and day.
pub fn candidates(conn: &mut Conn, evaluation: EvaluationId) -> Result<Vec<Candidate>> {
    let rows: Vec<(String, NaiveDate, String)> = on!(conn, |c| {
        reading_candidates::table
            .filter(reading_candidates::evaluation_id.eq(evaluation))
            .order((reading_candidates::case_no, reading_candidates::act_date))
            .select((reading_candidates::category, reading_candidates::act_date, reading_candidates::case_no))
            .load(c)
    })?;
    Ok(rows.into_iter().map(|(category, act_date, case_no)| Candidate { category, act_date, case_no }).collect())
}

/// The acts of a window that the file has in force, whatever became of them; one that two instances reviewed stands twice.
pub fn acts_of_file(conn: &mut Conn, judge: JudgeId, window: Window) -> Result<Vec<Candidate>> {
    let rows: Vec<(String, NaiveDate, String)> = on!(conn, |c| {
        acts::table
            .filter(acts::judge_id.eq(judge).and(acts::act_date.between(window.from, window.to)))
            .filter(acts::status.eq(RecordStatus::Active).or(acts::status.eq(RecordStatus::Disputed)))
            .order((acts::case_no, acts::act_date, acts::id))
            .select((acts::category, acts::act_date, acts::case_no))
            .load(c)
    })?;
    Ok(rows.into_iter().map(|(category, act_date, case_no)| Candidate { category, act_date, case_no }).collect())
}

/// Adds acts that were drawn; 409 `already_exists` where a place was given at the same time.
pub fn insert_acts(conn: &mut Conn, rows: &[ReadingAct]) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(reading_acts::table).values(rows).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The act with this id.
pub fn find_act(conn: &mut Conn, id: ReadingActId) -> Result<Option<ReadingAct>> {
    Ok(on!(conn, |c| { reading_acts::table.find(id).select(ReadingAct::as_select()).first(c).optional() })?)
}

/// Whose act it is; one statement, whether it is there or not, so that what is hidden costs no more than what is absent.
pub fn subject_of_act(conn: &mut Conn, id: ReadingActId) -> Result<Option<JudgeId>> {
    Ok(on!(conn, |c| {
        reading_acts::table
            .inner_join(evaluations::table.on(evaluations::id.eq(reading_acts::evaluation_id)))
            .filter(reading_acts::id.eq(id))
            .select(evaluations::judge_id)
            .first(c)
            .optional()
    })?)
}

/// The acts of some packs by category and place, replaced ones too; of a thousand packs at most.
pub fn acts_of(conn: &mut Conn, of: &[EvaluationId]) -> Result<Vec<ReadingAct>> {
    Ok(on!(conn, |c| {
        reading_acts::table
            .filter(reading_acts::evaluation_id.eq_any(of))
            .order((reading_acts::evaluation_id, reading_acts::category, reading_acts::place))
            .select(ReadingAct::as_select())
            .load(c)
    })?)
}

/// How many acts of a category were drawn or followed, which is the next place of its order.
pub fn next_place(conn: &mut Conn, evaluation: EvaluationId, category: &str) -> Result<i64> {
    Ok(on!(conn, |c| {
        reading_acts::table
            .filter(reading_acts::evaluation_id.eq(evaluation).and(reading_acts::category.eq(category)))
            .select(count_star())
            .first(c)
    })?)
}

/// Writes where an act stands, and what was said and decided of it.
pub fn update_act(conn: &mut Conn, act: &ReadingAct) -> Result<()> {
    on!(conn, |c| {
        diesel::update(reading_acts::table.find(act.id))
            .set((
                reading_acts::state.eq(act.state),
                reading_acts::replacement_ground.eq(act.replacement_ground),
                reading_acts::decision_reason.eq(&act.decision_reason),
                reading_acts::decided_by.eq(act.decided_by),
                reading_acts::decided_at.eq(act.decided_at),
                reading_acts::objection.eq(&act.objection),
                reading_acts::objected_at.eq(act.objected_at),
                reading_acts::objection_decided_at.eq(act.objection_decided_at),
            ))
            .execute(c)
    })?;
    Ok(())
}
