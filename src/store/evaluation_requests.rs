//! Requests for evaluations outside of the regular order. One of a kind is open for a judge at a time; what was withdrawn
//! or served stays on record.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use super::schema::evaluation_requests;
use crate::db::Conn;
use crate::domain::ids::{AccountId, ClientId, EvaluationRequestId, JudgeId};
use crate::domain::planning::RequestKind;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A request.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = evaluation_requests, treat_none_as_default_value = false)]
pub struct EvaluationRequest {
    /// Its id.
    pub id: EvaluationRequestId,
    /// Who is to be evaluated.
    pub judge_id: JudgeId,
    /// What for.
    pub kind: RequestKind,
    /// The day on which it was filed.
    pub filed_on: NaiveDate,
    /// The application, vacancy or decision that it belongs to, if any.
    pub reference: Option<String>,
    /// The system of record.
    pub source_system: String,
    /// When it was recorded here.
    pub received_at: NaiveDateTime,
    /// By which account; none where a machine client recorded it.
    pub recorded_by: Option<AccountId>,
    /// By which machine client; none where a person recorded it.
    pub recorded_by_client: Option<ClientId>,
    /// Whether it waits for an evaluation.
    pub is_open: bool,
    /// When it was withdrawn or served.
    pub ended_at: Option<NaiveDateTime>,
    /// Why it was withdrawn.
    pub end_reason: Option<String>,
    /// From which day on it is to be planned; none where that is at once.
    pub due_on: Option<NaiveDate>,
}

/// Adds a request; 409 `already_exists` where one of the kind is open.
pub fn insert(conn: &mut Conn, request: &EvaluationRequest) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(evaluation_requests::table).values(request).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The request with this id.
pub fn find(conn: &mut Conn, id: EvaluationRequestId) -> Result<Option<EvaluationRequest>> {
    Ok(on!(conn, |c| {
        evaluation_requests::table.find(id).select(EvaluationRequest::as_select()).first(c).optional()
    })?)
}

/// Whether a request of a kind waits for an evaluation of a judge.
pub fn is_open(conn: &mut Conn, judge: JudgeId, kind: RequestKind) -> Result<bool> {
    Ok(on!(conn, |c| {
        let open = evaluation_requests::table
            .filter(evaluation_requests::judge_id.eq(judge).and(evaluation_requests::kind.eq(kind)))
            .filter(evaluation_requests::is_open)
            .select(evaluation_requests::id);
        diesel::select(diesel::dsl::exists(open)).get_result(c)
    })?)
}

/// Ends an open request: withdrawn for a reason, or served by an evaluation.
pub fn end(conn: &mut Conn, id: EvaluationRequestId, at: NaiveDateTime, reason: Option<&str>) -> Result<()> {
    on!(conn, |c| {
        diesel::update(
            evaluation_requests::table.filter(evaluation_requests::id.eq(id).and(evaluation_requests::is_open)),
        )
        .set((
            evaluation_requests::is_open.eq(false),
            evaluation_requests::ended_at.eq(at),
            evaluation_requests::end_reason.eq(reason),
        ))
        .execute(c)
    })?;
    Ok(())
}

/// The open request of a kind that a judge has by a reference.
pub fn open_of_reference(
    conn: &mut Conn,
    judge: JudgeId,
    kind: RequestKind,
    reference: &str,
) -> Result<Option<EvaluationRequestId>> {
    Ok(on!(conn, |c| {
        evaluation_requests::table
            .filter(evaluation_requests::judge_id.eq(judge).and(evaluation_requests::kind.eq(kind)))
            .filter(evaluation_requests::reference.eq(reference).and(evaluation_requests::is_open))
            .select(evaluation_requests::id)
            .first(c)
            .optional()
    })?)
}

/// A judge's requests by id, after `after`, at most `limit`: ended ones, too.
pub fn list(
    conn: &mut Conn,
    judge: JudgeId,
    after: Option<EvaluationRequestId>,
    limit: i64,
) -> Result<Vec<EvaluationRequest>> {
    Ok(on!(conn, |c| {
        let mut query = evaluation_requests::table
            .filter(evaluation_requests::judge_id.eq(judge))
            .select(EvaluationRequest::as_select())
            .order(evaluation_requests::id)
            .limit(limit)
            .into_boxed();
        if let Some(after) = after {
            query = query.filter(evaluation_requests::id.gt(after));
        }
        query.load(c)
    })?)
}
