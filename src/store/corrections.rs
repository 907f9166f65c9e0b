//! Requests of judges to correct a record of their file, of whatever kind. While one is open, its record is disputed; the
//! two are set in one transaction by those who call this.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::file_records::{is_in_force, is_shown_on};
use super::schema::{correction_requests, file_records};
use crate::db::Conn;
use crate::domain::ids::{AccountId, CorrectionRequestId, JudgeId, RecordId};
use crate::domain::judge_file::{CorrectionStatus, RecordStatus};
use crate::domain::sections::{RecordRef, RecordType, Shown};
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A request.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = correction_requests, treat_none_as_default_value = false)]
pub struct CorrectionRequest {
    /// Its id.
    pub id: CorrectionRequestId,
    /// Who asks.
    pub judge_id: JudgeId,
    /// The kind of the record in question.
    pub record_type: RecordType,
    /// The record in question.
    pub record_id: RecordId,
    /// What is wrong with it, in the judge's words.
    pub claim: String,
    /// What proves that, if anything.
    pub evidence: Option<String>,
    /// The documents that prove it: a JSON list of ids.
    pub document_ids: String,
    /// How it stands.
    pub status: CorrectionStatus,
    /// The reason of the decision.
    pub reason: Option<String>,
    /// The day until which it is to be decided.
    pub due_on: NaiveDate,
    /// When it was filed.
    pub filed_at: NaiveDateTime,
    /// Who decided.
    pub decided_by: Option<AccountId>,
    /// When.
    pub decided_at: Option<NaiveDateTime>,
    /// Grows by one with each change.
    pub version: i64,
}

/// A request with what its record tells of it.
#[derive(Debug, Clone)]
pub struct Requested {
    /// The request.
    pub request: CorrectionRequest,
    /// The first version of its record, where that is one of the sections.
    pub first_id: Option<RecordId>,
    /// Whether its record may be shown; what is none of the sections always may.
    pub is_record_shown: bool,
}

/// Which requests somebody sees. What a judge says about a penalty tells of the penalty, so it is shown no longer than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// All: the judge, who wrote them.
    Own,
    /// Those about what may be shown on a day, and not about the person: they would tell age and sex before an evaluation.
    Shown(NaiveDate),
    /// The same, and those that are still to be decided: whoever decides them.
    ShownOrOpen(NaiveDate),
}

impl Sight {
    /// Whether a request is seen, by whether its record may be shown on the day.
    pub fn shows(self, request: &CorrectionRequest, is_record_shown: bool) -> bool {
        match self {
            Sight::Own => true,
            Sight::Shown(_) => is_record_shown && request.record_type != RecordType::Particulars,
            Sight::ShownOrOpen(_) => is_record_shown || request.status == CorrectionStatus::Open,
        }
    }
}

impl CorrectionRequest {
    /// The record in question.
    pub fn record(&self) -> RecordRef {
        RecordRef { record_type: self.record_type, record_id: self.record_id }
    }

    /// Whether the day until which it is to be decided has passed without a decision.
    pub fn is_overdue(&self, today: NaiveDate) -> bool {
        self.status == CorrectionStatus::Open && self.due_on < today
    }

    /// Whether it was filed before an instant and not decided by then.
    pub fn was_open_before(&self, instant: NaiveDateTime) -> bool {
        self.filed_at < instant && self.decided_at.is_none_or(|decided_at| decided_at >= instant)
    }
}

/// Adds a request; 409 `already_exists` where one is open for the record.
pub fn insert(conn: &mut Conn, request: &CorrectionRequest) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(correction_requests::table).values(request).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The request with this id.
pub fn find(conn: &mut Conn, id: CorrectionRequestId) -> Result<Option<CorrectionRequest>> {
    Ok(on!(conn, |c| {
        correction_requests::table.find(id).select(CorrectionRequest::as_select()).first(c).optional()
    })?)
}

/// Sets the decision and the version as they are in `request`.
pub fn update(conn: &mut Conn, request: &CorrectionRequest) -> Result<()> {
    on!(conn, |c| {
        diesel::update(correction_requests::table.find(request.id))
            .set((
                correction_requests::status.eq(request.status),
                correction_requests::reason.eq(&request.reason),
                correction_requests::decided_by.eq(request.decided_by),
                correction_requests::decided_at.eq(request.decided_at),
                correction_requests::version.eq(request.version),
            ))
            .execute(c)
    })?;
    Ok(())
}

/// A judge's requests that somebody sees, by id, after `after`, at most `limit`.
pub fn list(
    conn: &mut Conn,
    judge: JudgeId,
    sight: Sight,
    after: Option<CorrectionRequestId>,
    limit: i64,
) -> Result<Vec<CorrectionRequest>> {
    Ok(on!(conn, |c| {
        let mut query = correction_requests::table
            .filter(correction_requests::judge_id.eq(judge))
            .select(CorrectionRequest::as_select())
            .order(correction_requests::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(correction_requests::id.gt(after));
        }
        if let Sight::Shown(day) | Sight::ShownOrOpen(day) = sight {
            let shown = file_records::table
                .filter(file_records::judge_id.eq(judge))
                .filter(is_shown_on!(day))
                .select(file_records::id);
            let is_shown = correction_requests::record_type
                .ne(RecordType::Record)
                .or(correction_requests::record_id.eq_any(shown));
            query = match sight {
                Sight::ShownOrOpen(_) => {
                    query.filter(is_shown.or(correction_requests::status.eq(CorrectionStatus::Open)))
                }
                Sight::Own | Sight::Shown(_) => {
                    query.filter(is_shown.and(correction_requests::record_type.ne(RecordType::Particulars)))
                }
            };
        }
        query.load(c)
    })?)
}

/// The requests of all judges that stand so, by the day on which they are due and their id, after `after`, at most `limit`;
/// those due by a day where one is given.
pub fn list_due(
    conn: &mut Conn,
    status: CorrectionStatus,
    due_by: Option<NaiveDate>,
    after: Option<(NaiveDate, CorrectionRequestId)>,
    limit: i64,
) -> Result<Vec<CorrectionRequest>> {
    use correction_requests::{due_on, id};
    Ok(on!(conn, |c| {
        let mut query = correction_requests::table
            .filter(correction_requests::status.eq(status))
            .select(CorrectionRequest::as_select())
            .order((due_on, id))
            .limit(limit)
            .into_boxed();
        if let Some(due_by) = due_by {
            query = query.filter(due_on.le(due_by));
        }
        if let Some((day, last)) = after {
            // The first part alone is what an index can begin at.
            query = query.filter(due_on.ge(day)).filter(due_on.gt(day).or(id.gt(last)));
        }
        query.load(c)
    })?)
}

/// The requests on a record of a judge's file, by id; at most 100.
pub fn of_record(conn: &mut Conn, judge: JudgeId, ids: &[RecordId]) -> Result<Vec<CorrectionRequest>> {
    Ok(on!(conn, |c| {
        correction_requests::table
            .filter(correction_requests::record_id.eq_any(ids).and(correction_requests::judge_id.eq(judge)))
            .select(CorrectionRequest::as_select())
            .order(correction_requests::id)
            .limit(100)
            .load(c)
    })?)
}

/// A judge's requests by id, at most `limit`, whoever may see them, each with what its record tells of it on a day.
pub fn with_first_versions(conn: &mut Conn, judge: JudgeId, day: NaiveDate, limit: i64) -> Result<Vec<Requested>> {
    let rows: Vec<(CorrectionRequest, Option<RecordId>, Option<bool>)> = on!(conn, |c| {
        correction_requests::table
            .left_join(file_records::table.on(file_records::id.eq(correction_requests::record_id)))
            .filter(correction_requests::judge_id.eq(judge))
            .select((CorrectionRequest::as_select(), file_records::first_id.nullable(), is_shown_on!(day).nullable()))
            .order(correction_requests::id)
            .limit(limit)
            .load(c)
    })?;
    let requested = |(request, first_id, is_shown): (CorrectionRequest, Option<RecordId>, Option<bool>)| {
        let is_record_shown = request.record_type != RecordType::Record || is_shown == Some(true);
        Requested { request, first_id, is_record_shown }
    };
    Ok(rows.into_iter().map(requested).collect())
}

/// The records of sections in a judge's file that a request was open for just before an instant, by their first versions.
pub fn disputed_before(conn: &mut Conn, judge: JudgeId, instant: NaiveDateTime) -> Result<Vec<RecordId>> {
    Ok(on!(conn, |c| {
        correction_requests::table
            .inner_join(file_records::table.on(file_records::id.eq(correction_requests::record_id)))
            .filter(correction_requests::judge_id.eq(judge).and(correction_requests::filed_at.lt(instant)))
            .filter(correction_requests::decided_at.is_null().or(correction_requests::decided_at.ge(instant)))
            .select(file_records::first_id)
            .load(c)
    })?)
}

/// Of some judges, whose requests are open; a judge with several stands there several times.
pub fn open_of(conn: &mut Conn, judges: &[JudgeId]) -> Result<Vec<JudgeId>> {
    Ok(on!(conn, |c| {
        correction_requests::table
            .filter(correction_requests::judge_id.eq_any(judges))
            .filter(correction_requests::status.eq(CorrectionStatus::Open))
            .select(correction_requests::judge_id)
            .load(c)
    })?)
}

/// The days on which a judge's open requests are due.
pub fn open_due_days(conn: &mut Conn, judge: JudgeId) -> Result<Vec<NaiveDate>> {
    Ok(on!(conn, |c| {
        correction_requests::table
            .filter(correction_requests::judge_id.eq(judge))
            .filter(correction_requests::status.eq(CorrectionStatus::Open))
            .select(correction_requests::due_on)
            .load(c)
    })?)
}

/// How many requests wait for a decision, and how many of them are past their day.
pub fn count_waiting(conn: &mut Conn, today: NaiveDate) -> Result<(i64, i64)> {
    on!(conn, |c| {
        let open = correction_requests::table.filter(correction_requests::status.eq(CorrectionStatus::Open));
        let count = open.count().get_result(c)?;
        let late = open.filter(correction_requests::due_on.lt(today)).count().get_result(c)?;
        Ok((count, late))
    })
}
