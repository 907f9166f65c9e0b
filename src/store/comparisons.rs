//! What derived indicators read: the values and reviewed acts of a judge and of comparable judges, each kind in one query.
//! What a newcomer would get wrong: the group is read by its judges, whose rows an index finds, and never by period or
//! category, which would read those of the whole judiciary.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::positions::is_held_on;
use super::schema::{acts, courts, observations, positions};
use crate::db::Conn;
use crate::domain::acts::{ActInstance, ActOutcome, ActReason, Review};
use crate::domain::derived::counts::Input;
use crate::domain::ids::{CourtId, JudgeId};
use crate::domain::judge_file::{CourtLevel, RecordStatus};
use crate::error::Result;
use crate::on;

const IN_FORCE: [RecordStatus; 2] = [RecordStatus::Active, RecordStatus::Disputed];

/// What makes judges comparable, besides the category of cases.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = courts)]
pub struct Standing {
    /// The level of the court.
    pub level: CourtLevel,
    /// Its region.
    pub region: String,
}

/// One value in force.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = observations)]
pub struct Value {
    /// Whose work.
    pub judge_id: JudgeId,
    /// The indicator.
    pub indicator_code: Input,
    /// The kind of case.
    pub category: String,
    /// The first day of the quarter.
    pub period_start: NaiveDate,
    /// The value, in the indicator's scaled integers.
    pub numerator: i64,
    /// How the record stands.
    pub status: RecordStatus,
}

#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = acts)]
struct ReviewRow {
    case_no: String,
    category: String,
    act_date: NaiveDate,
    instance: ActInstance,
    outcome: ActOutcome,
    reason_code: Option<ActReason>,
    status: RecordStatus,
}

impl From<ReviewRow> for Review {
    fn from(row: ReviewRow) -> Review {
        let ReviewRow { case_no, category, act_date, instance, outcome, reason_code, status } = row;
        Review { case_no, category, act_date, instance, outcome, reason_code, status }
    }
}

/// Where a judge holds the earliest post held on a day, if any.
pub fn standing(conn: &mut Conn, judge: JudgeId, day: NaiveDate) -> Result<Option<Standing>> {
    Ok(on!(conn, |c| {
        positions::table
            .inner_join(courts::table.on(courts::id.eq(positions::court_id)))
            .filter(positions::judge_id.eq(judge).and(is_held_on!(day)))
            .order((positions::starts_on, positions::id))
            .select(Standing::as_select())
            .first(c)
            .optional()
    })?)
}

/// Who holds a post at which court of this level and region on a day, by judge, and of one judge the earliest post first.
pub fn posts_of(conn: &mut Conn, standing: &Standing, day: NaiveDate) -> Result<Vec<(JudgeId, CourtId)>> {
    Ok(on!(conn, |c| {
        courts::table
            .inner_join(positions::table.on(positions::court_id.eq(courts::id)))
            .filter(courts::region.eq(&standing.region).and(courts::level.eq(standing.level)))
            .filter(is_held_on!(day))
            .select((positions::judge_id, courts::id))
            .order((positions::judge_id, positions::starts_on, positions::id))
            .load(c)
    })?)
}

/// The values in force of some judges for quarters that begin from `first` to `last`, of what indicators derive from.
pub fn values(conn: &mut Conn, judges: &[JudgeId], first: NaiveDate, last: NaiveDate) -> Result<Vec<Value>> {
    Ok(on!(conn, |c| {
        observations::table
            .filter(observations::judge_id.eq_any(judges))
            .filter(observations::period_start.between(first, last))
            .filter(observations::indicator_code.eq_any(Input::ALL))
            .filter(observations::status.eq_any(IN_FORCE))
            .select(Value::as_select())
            .load(c)
    })?)
}

/// The reviews in force of acts that some judges made from `first` to `last`.
pub fn reviews(
    conn: &mut Conn,
    judges: &[JudgeId],
    first: NaiveDate,
    last: NaiveDate,
) -> Result<Vec<(JudgeId, Review)>> {
    let rows: Vec<(JudgeId, ReviewRow)> = on!(conn, |c| {
        acts::table
            .filter(acts::judge_id.eq_any(judges))
            .filter(acts::act_date.between(first, last))
            .filter(acts::status.eq_any(IN_FORCE))
            .select((acts::judge_id, ReviewRow::as_select()))
            .load(c)
    })?;
    Ok(rows.into_iter().map(|(judge, row)| (judge, row.into())).collect())
}
