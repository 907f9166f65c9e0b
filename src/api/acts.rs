//! What higher courts did with a judge's acts. A newcomer's usual mistake is to read a changed act as a fault: whether the
//! judge answers for it is found by members, with reasons, and until then it is undetermined and named in no report.

use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::act_views::ActView;
use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, Reply, Valid, act_once};
use super::lists::Answering;
use super::record_views::RecordsQuery;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::acts::{ActInstance, ActOutcome, ActReason, Attributable};
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids;
use crate::domain::ids::{ActId, JudgeId};
use crate::domain::judge_file::{Check, FilePurpose, RecordStatus};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result, Rule};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::acts::{Act, Attribution};
use crate::workflow::checks::{check_act, insert_act};
use crate::workflow::lists::List;

/// The longest reason of a finding, in characters.
const REASON_LENGTH_MAX: usize = 4000;

/// The review of an act by a higher court, as a source reports it.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"case_no": "7517-26-00-2/1042", "category": "civil", "act_date": "2026-05-04", "appealed_on": "2026-05-20", "instance": "appeal", "outcome": "cancelled_remitted", "reason_code": "procedural_error", "source_system": "toerelik", "source_record_id": "AC-2026-88120", "as_of": "2026-09-01"}))]
pub struct NewAct {
    /// The number of the case; never an IIN.
    #[schema(min_length = 1, max_length = 64)]
    case_no: String,
    /// The kind of case, as for observations.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    category: String,
    /// The day on which the judge made the act; its quarter is the one in which it counts.
    act_date: NaiveDate,
    /// The day of the appeal; not before the act.
    appealed_on: NaiveDate,
    /// Which instance reviewed it.
    instance: ActInstance,
    /// What became of it.
    outcome: ActOutcome,
    /// Why; must be there unless the act was upheld.
    reason_code: Option<ActReason>,
    /// The decision of the Judicial Jury on a gross breach, which is all that is kept of it.
    #[schema(min_length = 1, max_length = 200)]
    jury_decision_ref: Option<String>,
    /// The system of record.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    source_system: String,
    /// The record's name there.
    #[schema(min_length = 1, max_length = 100)]
    source_record_id: Option<String>,
    /// The day whose state the source told: not before the appeal, and not in the future.
    as_of: NaiveDate,
    /// The law by which it is kept.
    #[schema(min_length = 1, max_length = 200)]
    legal_basis: Option<String>,
    /// The record that this one replaces, of the same judge, case, day and instance.
    supersedes_id: Option<ActId>,
}

/// Record the review of an act by a higher court.
///
/// For secretaries, and machine clients with `file:write`, which tell of their own system and supersede its records
/// alone. With `supersedes_id` the old record becomes `corrected`, and what members found on it stays with it: the new one
/// begins undetermined. 409 `already_exists` where the instance's review of the act is on record, `already_superseded`
/// where the old record is not in force.
#[utoipa::path(tag = "judges", security(("bearer" = []), ("oauth2" = ["file:write"])), params(IdempotencyKeyHeader),
    request_body = NewAct,
    responses((status = 201, body = ActView), CreateProblems))]
#[post("/judges/{judge_id}/acts")]
pub async fn create_act(
    caller: Caller,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
    key: IdempotencyKey,
    new: Valid<NewAct>,
) -> Result<HttpResponse> {
    policy::may_write_files(&caller)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let act = Act {
        id: ActId(ids::new_at(now)),
        judge_id: judge_id.into_inner(),
        case_no: new.case_no,
        category: new.category,
        act_date: new.act_date,
        appealed_on: new.appealed_on,
        instance: new.instance,
        outcome: new.outcome,
        reason_code: new.reason_code,
        jury_decision_ref: new.jury_decision_ref,
        source_system: new.source_system,
        source_record_id: new.source_record_id,
        as_of: new.as_of,
        received_at: now.naive_utc(),
        recorded_by: caller.id().account(),
        recorded_by_client: caller.id().client(),
        status: RecordStatus::Active,
        supersedes_id: new.supersedes_id,
        legal_basis: new.legal_basis,
        batch_id: None,
    };
    check_act(&caller, &act, date_at(now, KAZAKHSTAN_UTC_OFFSET_MINUTES))?;
    let deed = Deed { by: caller.id(), operation: "create_act", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let act = insert_act(conn, &caller, act.clone())?;
        let entry = store::audit::NewEntry::by(caller.id(), "create_act", "act", act.id);
        store::audit::record(conn, entry.of_judge(act.judge_id), now)?;
        let location = format!("/v1/judges/{}/acts", act.judge_id);
        Reply::created(location, None, &ActView::new(act, Vec::new()))
    })
    .await
}

/// List the reviewed acts of a judge.
///
/// For secretaries, the judge, and members as for the file; in the order in which they were recorded, superseded records
/// included. The reading is recorded with its purpose.
#[utoipa::path(tag = "judges", params(RecordsQuery), responses((status = 200, body = PageOf<ActView>), ReadProblems))]
#[get("/judges/{judge_id}/acts")]
pub async fn list_acts(
    actor: Actor,
    judge_id: web::Path<JudgeId>,
    query: web::Query<RecordsQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(judge_id.into_inner(), query.purpose);
    answering.list(actor, list, query.page()).await
}

/// The reviewed acts of a judge, for whoever may read them.
pub fn list(judge_id: JudgeId, asked: Option<FilePurpose>) -> List {
    let find = move |conn: &mut Conn, after, limit| {
        let rows = store::acts::list(conn, judge_id, after, limit)?;
        let ids: Vec<ActId> = rows.iter().map(|row| row.id).collect();
        let found = store::acts::attributions(conn, &ids)?;
        let of = |id: ActId| found.iter().filter(|one| one.act_id == id).cloned().collect();
        Ok(rows.into_iter().map(|row| (row.id, row)).map(|(id, row)| ActView::new(row, of(id))).collect::<Vec<_>>())
    };
    let list = List::new("list_acts", format!("acts {judge_id}"), find, |view| view.id, |view| view);
    list.of_records(judge_id, asked)
}

/// A member's finding on the review of an act.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"attributable": "no", "reason": "The expert report was filed after the act."}))]
pub struct NewAttribution {
    /// Whether the judge answers for what was changed.
    attributable: Attributable,
    /// Why; the judge reads it.
    #[schema(min_length = 1, max_length = 4000)]
    reason: String,
}

/// State whether a judge answers for what a higher court changed.
///
/// For the members of the commission to whom an evaluation of the judge is assigned, with reasons; to others there is no
/// such act (404). Findings are added and none is overwritten; the last one stands, and only `yes` may be named in a
/// report. 409 `already_superseded` where the record is not in force; 422 for an act that was upheld.
#[utoipa::path(tag = "judges", params(IdempotencyKeyHeader), request_body = NewAttribution,
    responses((status = 200, body = ActView), CreateProblems))]
#[post("/acts/{act_id}/attribution")]
pub async fn attribute_act(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    act_id: web::Path<ActId>,
    key: IdempotencyKey,
    new: Valid<NewAttribution>,
) -> Result<HttpResponse> {
    policy::acts::may_attribute_acts(&actor)?;
    let now = clock.now();
    let act_id = act_id.into_inner();
    let Valid { body: NewAttribution { attributable, reason }, digest } = new;
    let mut check = Check::default();
    check.text("/reason", &reason, REASON_LENGTH_MAX);
    check.done()?;
    let found = Attribution {
        act_id,
        number: 1,
        attributable,
        reason,
        decided_by: actor.account_id,
        decided_at: now.naive_utc(),
    };
    let deed = Deed { by: actor.id(), operation: "attribute_act", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let act = store::acts::find(conn, act_id)?;
        // Asked for in any case, so that an act of somebody else costs what an absent one does.
        let judge = act.as_ref().map_or(JudgeId(uuid::Uuid::nil()), |act| act.judge_id);
        let is_assigned = store::members::is_under_way(conn, judge, actor.account_id)?;
        let act = act.filter(|_| is_assigned).ok_or(Code::NotFound)?;
        if !act.status.is_in_force() {
            return Err(Code::AlreadySuperseded.into());
        }
        if act.outcome == ActOutcome::Upheld {
            return Err(Error::invalid("/attributable", Rule::Fixed));
        }
        store::acts::attribute(conn, found.clone())?;
        let entry = store::audit::NewEntry::by(actor.id(), "attribute_act", "act", act_id);
        store::audit::record(conn, entry.of_judge(act.judge_id), now)?;
        let all = store::acts::attributions(conn, &[act_id])?;
        Reply::ok(None, &ActView::new(act, all))
    })
    .await
}
