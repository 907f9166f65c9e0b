//! What came in with one import, taken back as one act. A newcomer's usual mistake is to delete: records of files stay, and
//! what a batch restated is restated back by a record of its own. Courts and judges, which have no such history, go while
//! nothing refers to them.

pub mod persons;
pub mod undoing;

use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::result::DatabaseErrorKind::ForeignKeyViolation;
use diesel::result::Error as SqlError;

use super::schema::{
    act_attributions, acts, correction_requests, courts, cycle_dates, evaluations, external_ids, file_records,
    observations, positions,
};
use crate::coded;
use crate::db::Conn;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{ImportId, JudgeId};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};
use crate::on;

coded! {
    /// What may rest on a record.
    Dependant {
        /// Records that take the place of some of the batch.
        Restatements = "restatements",
        /// Requests to correct a record of the batch, or one that it restated.
        CorrectionRequests = "correction_requests",
        /// Evaluations of judges of the batch, past the day on which their file was open to them.
        Evaluations = "evaluations",
        /// Posts of the judges, or at the courts.
        Positions = "positions",
        /// Values of the judges.
        Observations = "observations",
        /// Accounts of the judges.
        Accounts = "accounts",
        /// What the judges say about records of the batch.
        Statements = "statements",
        /// Findings of members on reviews of acts of the batch.
        Attributions = "attributions",
        /// Records of other sections of the judges' files.
        Records = "records",
        /// Reviews of acts of the judges.
        Acts = "acts",
        /// Conflicts that the judges are part of.
        Conflicts = "conflicts",
        /// Extracts of the judges' files.
        Extracts = "extracts",
        /// Leaves of the judges.
        Leaves = "leaves",
        /// Requests to evaluate the judges.
        EvaluationRequests = "evaluation_requests",
    }
}

/// How much of one kind rests on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dependants {
    /// What.
    pub what: Dependant,
    /// How many.
    pub count: i64,
}

/// What taking a batch back would do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Records that would be withdrawn, or deleted where they have no history.
    pub withdraws: i64,
    /// Records that would say again what the batch had restated.
    pub restores: i64,
}

/// What became of the records of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Undone {
    /// Records withdrawn, or deleted where they have no history.
    pub withdrawn: i64,
    /// Records that say again what the batch had restated.
    pub restored: i64,
    /// Whose files are other than before.
    pub judges: Vec<JudgeId>,
}

/// Evaluations whose file the judge has not had before him.
const UNOPENED: [EvaluationState; 3] =
    [EvaluationState::Planned, EvaluationState::Notified, EvaluationState::Cancelled];

fn found(counted: impl IntoIterator<Item = (Dependant, i64)>) -> Vec<Dependants> {
    counted.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| Dependants { what, count }).collect()
}

/// What rests on records of a batch that came in on the day `since`, whatever their table: all have the same columns.
macro_rules! resting_on {
    ($conn:expr, $table:ident, $batch:expr, $since:expr) => {{
        let of_batch = diesel::alias!($table as of_batch);
        let ids = || of_batch.filter(of_batch.field($table::batch_id).eq($batch));
        let others = $table::batch_id.is_null().or($table::batch_id.ne($batch));
        on!($conn, |c| {
            let restated: i64 = $table::table
                .filter($table::supersedes_id.eq_any(ids().select(of_batch.field($table::id).nullable())))
                .filter(others)
                .count()
                .get_result(c)?;
            let own = correction_requests::record_id.eq_any(ids().select(of_batch.field($table::id)));
            let own: i64 = correction_requests::table.filter(own).count().get_result(c)?;
            let asked_about = correction_requests::record_id.nullable();
            let old = asked_about.eq_any(ids().select(of_batch.field($table::supersedes_id)));
            let old: i64 = correction_requests::table.filter(old).count().get_result(c)?;
            let evaluated: i64 = evaluations::table
                .inner_join(cycle_dates::table.on(cycle_dates::cycle_id.eq(evaluations::cycle_id)))
                .filter(evaluations::judge_id.eq_any(ids().select(of_batch.field($table::judge_id))))
                .filter(evaluations::state.ne_all(UNOPENED))
                .filter(cycle_dates::file_review_close.ge($since))
                .count()
                .get_result(c)?;
            Ok::<_, SqlError>([
                (Dependant::Restatements, restated),
                (Dependant::CorrectionRequests, own + old),
                (Dependant::Evaluations, evaluated),
            ])
        })?
    }};
}

/// What rests on values of a batch.
pub fn dependants_of_observations(conn: &mut Conn, batch: ImportId, since: NaiveDate) -> Result<Vec<Dependants>> {
    Ok(found(resting_on!(conn, observations, batch, since)))
}

/// What rests on posts of a batch.
pub fn dependants_of_positions(conn: &mut Conn, batch: ImportId, since: NaiveDate) -> Result<Vec<Dependants>> {
    Ok(found(resting_on!(conn, positions, batch, since)))
}

/// What rests on records of the other sections of a batch.
pub fn dependants_of_records(conn: &mut Conn, batch: ImportId, since: NaiveDate) -> Result<Vec<Dependants>> {
    let resting = resting_on!(conn, file_records, batch, since);
    let of_batch = diesel::alias!(file_records as of_batch);
    let ids = of_batch.filter(of_batch.field(file_records::batch_id).eq(batch));
    let ids = ids.select(of_batch.field(file_records::id).nullable());
    let stated = file_records::table.filter(file_records::about_id.eq_any(ids));
    let stated = on!(conn, |c| { stated.count().get_result(c) })?;
    Ok(found(resting.into_iter().chain([(Dependant::Statements, stated)])))
}

/// What rests on reviews of acts of a batch.
pub fn dependants_of_acts(conn: &mut Conn, batch: ImportId, since: NaiveDate) -> Result<Vec<Dependants>> {
    let resting = resting_on!(conn, acts, batch, since);
    let ids = acts::table.filter(acts::batch_id.eq(batch)).select(acts::id);
    let attributed = act_attributions::table.filter(act_attributions::act_id.eq_any(ids));
    let attributed = on!(conn, |c| { attributed.count().get_result(c) })?;
    Ok(found(resting.into_iter().chain([(Dependant::Attributions, attributed)])))
}

/// What rests on courts of a batch.
pub fn dependants_of_courts(conn: &mut Conn, batch: ImportId) -> Result<Vec<Dependants>> {
    let ids = courts::table.filter(courts::batch_id.eq(batch)).select(courts::id);
    let held = on!(conn, |c| { positions::table.filter(positions::court_id.eq_any(ids)).count().get_result(c) })?;
    Ok(found([(Dependant::Positions, held)]))
}

/// How many courts of a batch would be deleted.
pub fn extent_of_courts(conn: &mut Conn, batch: ImportId) -> Result<Extent> {
    let of_batch = courts::table.filter(courts::batch_id.eq(batch));
    Ok(Extent { withdraws: on!(conn, |c| { of_batch.count().get_result(c) })?, restores: 0 })
}

/// Deletes courts with their names in other systems; refused where anything refers to one.
pub fn undo_courts(conn: &mut Conn, batch: ImportId) -> Result<Undone> {
    let ids = courts::table.filter(courts::batch_id.eq(batch)).select(courts::id);
    let deleted = on!(conn, |c| {
        diesel::delete(external_ids::table.filter(external_ids::object_id.eq_any(ids))).execute(c)?;
        diesel::delete(courts::table.filter(courts::batch_id.eq(batch))).execute(c)
    });
    Ok(Undone { withdrawn: gone(deleted)?, ..Undone::default() })
}

/// How many rows were deleted, or a refusal where one is referred to.
fn gone(deleted: QueryResult<usize>) -> Result<i64> {
    match deleted {
        Ok(count) => i64::try_from(count).map_err(Error::internal),
        Err(SqlError::DatabaseError(ForeignKeyViolation, _)) => {
            Err(Error::hinted(Code::GuardNotMet, Hint::new("batch_is_referred_to")))
        }
        Err(cause) => Err(Error::Sql(cause)),
    }
}
