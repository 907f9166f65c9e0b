//! Holds: what may not be destroyed, however long it was kept. A newcomer's usual mistake is to delete a hold: it is lifted
//! with a reason, and stays on record, as whoever set it does.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once, reasons};
use super::lists::Answering;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::ids;
use crate::domain::ids::{AccountId, EvaluationId, HoldId, JudgeId, RecordId};
use crate::domain::judge_file::Check;
use crate::domain::policy::Actor;
use crate::domain::policy::retention::{may_keep_retention, may_read_retention};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::retention::Hold;
use crate::workflow::lists::List;

/// The longest legal basis of a hold, in characters.
const BASIS_LENGTH_MAX: usize = 1000;

/// What is to be held, and why: a judge's file, one record of it, or the file of whoever an evaluation is of.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "reason": "A claim against the Council is pending.", "legal_basis": "Civil Procedure Code, article 73"}))]
pub struct NewHold {
    /// Whose file; absent where an evaluation is named.
    judge_id: Option<JudgeId>,
    /// One record of that judge's file; the whole file where none is named.
    record_id: Option<RecordId>,
    /// An evaluation, instead of a judge: the file of its subject.
    evaluation_id: Option<EvaluationId>,
    /// Why.
    #[validate(custom(function = reasons))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
    /// By which law.
    #[schema(min_length = 1, max_length = 1000)]
    legal_basis: String,
}

/// Why a hold is lifted.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The claim was decided on 3 May 2028."}))]
pub struct HoldEnd {
    /// Why.
    #[validate(custom(function = reasons))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// A hold.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b12", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "record_id": null, "evaluation_id": null, "reason": "A claim against the Council is pending.", "legal_basis": "Civil Procedure Code, article 73", "set_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "set_at": "2027-01-11T04:30:00Z", "lifted_by": null, "lifted_at": null, "lift_reason": null}))]
pub struct HoldView {
    /// Its id.
    id: HoldId,
    /// Whose file.
    judge_id: JudgeId,
    /// The one record that it is on, or null for the whole file.
    record_id: Option<RecordId>,
    /// The evaluation for whose sake the file is held, or null.
    evaluation_id: Option<EvaluationId>,
    /// Why.
    #[schema(max_length = 2000)]
    reason: String,
    /// By which law.
    #[schema(max_length = 1000)]
    legal_basis: String,
    /// Who set it.
    set_by: AccountId,
    /// When.
    set_at: DateTime<Utc>,
    /// Who lifted it, or null while it holds.
    lifted_by: Option<AccountId>,
    /// When, or null.
    lifted_at: Option<DateTime<Utc>>,
    /// Why, or null.
    #[schema(max_length = 2000)]
    lift_reason: Option<String>,
}

impl From<Hold> for HoldView {
    fn from(row: Hold) -> Self {
        HoldView {
            id: row.id,
            judge_id: row.judge_id,
            record_id: row.record_id,
            evaluation_id: row.evaluation_id,
            reason: row.reason,
            legal_basis: row.legal_basis,
            set_by: row.set_by,
            set_at: row.set_at.and_utc(),
            lifted_by: row.lifted_by,
            lifted_at: row.lifted_at.map(|at| at.and_utc()),
            lift_reason: row.lift_reason,
        }
    }
}

/// Set a hold.
///
/// For secretaries, on a judge's file, on one record of it, or, for the sake of an evaluation, on the file of its subject.
/// From the commit on nothing of it is destroyed, not even by a run that is under way.
#[utoipa::path(tag = "retention", params(IdempotencyKeyHeader), request_body = NewHold,
    responses((status = 201, body = HoldView), CreateProblems))]
#[post("/retention/holds")]
pub async fn create_hold(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewHold>,
) -> Result<HttpResponse> {
    may_keep_retention(&actor)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let mut check = Check::default();
    check.text("/reason", &new.reason, 2000);
    check.text("/legal_basis", &new.legal_basis, BASIS_LENGTH_MAX);
    let other = Rule::Mismatch { other: "evaluation_id" };
    match (new.judge_id, new.evaluation_id) {
        (None, None) => check.rule(false, "/judge_id", Rule::Required),
        (Some(_), Some(_)) => check.rule(false, "/judge_id", other),
        (Some(_), None) => {}
        (None, Some(_)) => check.rule(new.record_id.is_none(), "/record_id", other),
    }
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "create_hold", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let judge_id = judge_of(conn, &new)?;
        let hold = Hold {
            id: HoldId(ids::new_at(now)),
            judge_id,
            record_id: new.record_id,
            evaluation_id: new.evaluation_id,
            reason: new.reason.clone(),
            legal_basis: new.legal_basis.clone(),
            set_by: actor.account_id,
            set_at: now.naive_utc(),
            lifted_by: None,
            lifted_at: None,
            lift_reason: None,
        };
        store::retention::insert_hold(conn, &hold)?;
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "create_hold", "retention_hold", hold.id);
        store::audit::record(conn, entry.of_judge(judge_id), now)?;
        Reply::created("/v1/retention/holds".to_owned(), None, &HoldView::from(hold))
    })
    .await
}

/// Whose file is to be held; 422 where what is named is not there.
fn judge_of(conn: &mut Conn, new: &NewHold) -> Result<JudgeId> {
    if let Some(evaluation_id) = new.evaluation_id {
        let found = store::evaluations::find(conn, evaluation_id)?;
        return found.map(|found| found.judge_id).ok_or_else(|| Error::invalid("/evaluation_id", Rule::Missing));
    }
    let judge_id = new.judge_id.ok_or_else(|| Error::invalid("/judge_id", Rule::Required))?;
    store::judges::find(conn, judge_id)?.ok_or_else(|| Error::invalid("/judge_id", Rule::Missing))?;
    match new.record_id {
        Some(record_id) if !store::retention_ends::is_of(conn, judge_id, record_id)? => {
            Err(Error::invalid("/record_id", Rule::Missing))
        }
        Some(_) | None => Ok(judge_id),
    }
}

/// List holds.
///
/// For secretaries and auditors, oldest first, lifted ones included.
#[utoipa::path(tag = "retention", params(PageQuery), responses((status = 200, body = PageOf<HoldView>), ReadProblems))]
#[get("/retention/holds")]
pub async fn list_holds(actor: Actor, query: web::Query<PageQuery>, answering: Answering) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All holds.
pub fn list(actor: &Actor) -> Result<List> {
    may_read_retention(actor)?;
    Ok(List::new("list_holds", "retention-holds", store::retention::list_holds, |row| row.id, HoldView::from))
}

/// Lift a hold.
///
/// For secretaries, with a reason. What it held goes with the next run, if its time is over. 409 `wrong_phase` where it was
/// lifted before.
#[utoipa::path(tag = "retention", params(IdempotencyKeyHeader), request_body = HoldEnd,
    responses((status = 200, body = HoldView), CreateProblems))]
#[post("/retention/holds/{hold_id}/lift")]
pub async fn lift_hold(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    hold_id: web::Path<HoldId>,
    key: IdempotencyKey,
    end: Valid<HoldEnd>,
) -> Result<HttpResponse> {
    may_keep_retention(&actor)?;
    let now = clock.now();
    let hold_id = hold_id.into_inner();
    let Valid { body: HoldEnd { reason }, digest } = end;
    let mut check = Check::default();
    check.text("/reason", &reason, 2000);
    check.done()?;
    let deed = Deed { by: actor.id(), operation: "lift_hold", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let hold = store::retention::find_hold(conn, hold_id)?.ok_or(Code::NotFound)?;
        if hold.lifted_at.is_some() {
            return Err(Error::hinted(Code::WrongPhase, Hint::new("hold_is_lifted")));
        }
        store::retention::lift_hold(conn, hold_id, actor.account_id, now.naive_utc(), &reason)?;
        let entry = store::audit::NewEntry::new(Some(actor.account_id), "lift_hold", "retention_hold", hold_id);
        store::audit::record(conn, entry.of_judge(hold.judge_id), now)?;
        let hold = store::retention::find_hold(conn, hold_id)?.ok_or(Code::NotFound)?;
        Reply::ok(None, &HoldView::from(hold))
    })
    .await
}
