//! The figures of a year, and the rows that they are made of. What a newcomer would get wrong: to make them at each reading.
//! They are made once and kept, as what is known of a group changes, and nothing of a year may be published twice.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::positions::is_held_on;
use super::results::ResultRow;
use super::schema::{
    courts, cycle_moves, cycles, decisions, evaluations, file_records, judge_particulars, positions, results,
    yearly_statistics,
};
use crate::db::Conn;
use crate::domain::cycle::{EvaluationKind, Phase};
use crate::domain::deciding::{AppealOutcome, DecisionStatus};
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{AccountId, CycleId, JudgeId};
use crate::domain::judge_file::{CourtLevel, RecordStatus};
use crate::domain::particulars::Sex;
use crate::domain::sections::Section;
use crate::domain::spans::Span;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// The figures of a year.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = yearly_statistics, treat_none_as_default_value = false)]
pub struct YearRow {
    /// The year.
    pub year: i32,
    /// The figures as JSON.
    pub document: String,
    /// Who had them made.
    pub made_by: AccountId,
    /// When.
    pub made_at: NaiveDateTime,
}

/// An evaluation of a closed cycle with its result.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = evaluations)]
pub struct Evaluated {
    /// Of whom.
    pub judge_id: JudgeId,
    /// Why.
    pub kind: EvaluationKind,
    /// What was published.
    #[diesel(embed)]
    pub result: ResultRow,
}

/// What is known of some judges, one entry each but for posts and suspensions.
#[derive(Debug, Default)]
pub struct Backgrounds {
    /// The sex.
    pub sexes: Vec<(JudgeId, Sex)>,
    /// The region and level of the court of a post held on the day; the earliest post first.
    pub courts: Vec<(JudgeId, String, CourtLevel)>,
    /// The posts, whenever they were held.
    pub posts: Vec<(JudgeId, Span)>,
    /// The suspensions.
    pub suspensions: Vec<(JudgeId, Span)>,
}

const IN_FORCE: [RecordStatus; 2] = [RecordStatus::Active, RecordStatus::Disputed];

/// Adds the figures of a year; 409 `already_exists` where the year has some.
pub fn insert(conn: &mut Conn, row: &YearRow) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(yearly_statistics::table).values(row).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The figures of a year.
pub fn find(conn: &mut Conn, year: i32) -> Result<Option<YearRow>> {
    Ok(on!(conn, |c| { yearly_statistics::table.find(year).select(YearRow::as_select()).first(c).optional() })?)
}

/// The cycles that were closed from one instant to before another, in the order of their closing.
pub fn closed(conn: &mut Conn, from: NaiveDateTime, before: NaiveDateTime) -> Result<Vec<CycleId>> {
    Ok(on!(conn, |c| {
        cycles::table
            .inner_join(cycle_moves::table.on(cycle_moves::cycle_id.eq(cycles::id)))
            .filter(cycles::phase.eq(Phase::Closed).and(cycle_moves::to_phase.eq(Phase::Closed)))
            .filter(cycle_moves::moved_at.ge(from).and(cycle_moves::moved_at.lt(before)))
            .order((cycle_moves::moved_at, cycles::id))
            .select(cycles::id)
            .load(c)
    })?)
}

/// The evaluations of a cycle that were not cancelled, each with its result, by id.
pub fn evaluated(conn: &mut Conn, cycle: CycleId) -> Result<Vec<Evaluated>> {
    Ok(on!(conn, |c| {
        // What the appeal panel took out as a whole is nobody's figure.
        let annulled = decisions::table
            .filter(decisions::evaluation_id.eq(evaluations::id).and(decisions::status.eq(DecisionStatus::Adopted)))
            .filter(decisions::appeal_outcome.eq(AppealOutcome::PeerPartAnnulled));
        evaluations::table
            .inner_join(results::table.on(results::evaluation_id.eq(evaluations::id)))
            .filter(evaluations::cycle_id.eq(cycle).and(evaluations::state.ne(EvaluationState::Cancelled)))
            .filter(diesel::dsl::not(diesel::dsl::exists(annulled)))
            .order(evaluations::id)
            .select(Evaluated::as_select())
            .load(c)
    })?)
}

/// What is known of these judges, of their posts on a day; of a thousand judges at most.
pub fn backgrounds(conn: &mut Conn, judges: &[JudgeId], day: NaiveDate) -> Result<Backgrounds> {
    on!(conn, |c| {
        let sexes = judge_particulars::table
            .filter(judge_particulars::judge_id.eq_any(judges).and(judge_particulars::sex.is_not_null()))
            .filter(judge_particulars::status.eq(RecordStatus::Active))
            .select((judge_particulars::judge_id, judge_particulars::sex.assume_not_null()))
            .load(c)?;
        let held = positions::table
            .inner_join(courts::table.on(courts::id.eq(positions::court_id)))
            .filter(positions::judge_id.eq_any(judges).and(is_held_on!(day)))
            .order((positions::judge_id, positions::starts_on, positions::id))
            .select((positions::judge_id, courts::region, courts::level))
            .load(c)?;
        let posts = positions::table
            .filter(positions::judge_id.eq_any(judges).and(positions::status.eq_any(IN_FORCE)))
            .select((positions::judge_id, (positions::starts_on, positions::ends_on)))
            .load(c)?;
        let suspensions = file_records::table
            .filter(file_records::judge_id.eq_any(judges).and(file_records::section.eq(Section::Suspension)))
            .filter(file_records::status.eq_any(IN_FORCE).and(file_records::effective_from.is_not_null()))
            .select((
                file_records::judge_id,
                (file_records::effective_from.assume_not_null(), file_records::effective_to),
            ))
            .load(c)?;
        Ok(Backgrounds { sexes, courts: held, posts, suspensions })
    })
}
