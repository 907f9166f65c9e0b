//! The entries of a plan: who stands in it, since when, and how each stands today. A newcomer's usual mistake is to show a day
//! that was kept: the due day of an entry is counted anew, with the absences that are known by now.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once, reasons};
use super::lists::Answering;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::cycle::EvaluationKind;
use crate::domain::ids::{AccountId, EvaluationId, EvaluationPlanId, EvaluationRequestId, JudgeId, PlanEntryId};
use crate::domain::planning::Obstacle;
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::plans::{EntryChange, EntryOrigin, Plan, PlanChange, PlanEntry};
use crate::workflow::lists::List;
use crate::workflow::planning::{self, EntryStanding, StandingEntry};

/// A judge whom the rules did not put into a plan.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "on_request", "reason": "The judge asked for it in writing on 8 January."}))]
pub struct NewPlanEntry {
    /// The judge.
    judge_id: JudgeId,
    /// Why the judge is evaluated.
    kind: EvaluationKind,
    /// Why the judge is added.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// Why a judge is taken out of a plan.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "The judge retires in March 2027."}))]
pub struct PlanEntryRemoval {
    /// The reason, which stays with the entry.
    #[validate(custom(function = "reasons"))]
    #[schema(min_length = 10, max_length = 2000)]
    reason: String,
}

/// A change of an entry.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"change": "removed", "is_after_approval": true, "reason": "The judge retires in March 2027.", "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "changed_at": "2027-01-11T04:30:00Z"}))]
pub struct PlanChangeView {
    /// What was done.
    change: EntryChange,
    /// Whether the plan was approved already.
    is_after_approval: bool,
    /// Why.
    #[schema(max_length = 2000)]
    reason: String,
    /// Who.
    account_id: AccountId,
    /// When.
    changed_at: DateTime<Utc>,
}

/// One judge's entry in a plan, as it stands today.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "periodic", "origin": "rule", "request_id": null, "standing": "blocked", "due_on": "2027-05-10", "obstacles": ["paused"], "evaluation_id": null, "changes": []}))]
pub struct PlanEntryView {
    /// Its id.
    id: PlanEntryId,
    /// The judge.
    judge_id: JudgeId,
    /// Why the judge is evaluated.
    kind: EvaluationKind,
    /// How the judge came in.
    origin: EntryOrigin,
    /// The request that it serves, or null.
    request_id: Option<EvaluationRequestId>,
    /// How it stands.
    standing: EntryStanding,
    /// When it is due as things are now; null while a pause lasts whose end is not known.
    due_on: Option<NaiveDate>,
    /// What stands in its way.
    #[schema(max_items = 10)]
    obstacles: Vec<Obstacle>,
    /// The evaluation that was made of it, or null.
    evaluation_id: Option<EvaluationId>,
    /// Who added it or took it out, with reasons, oldest first.
    #[schema(max_items = 10)]
    changes: Vec<PlanChangeView>,
}

impl From<StandingEntry> for PlanEntryView {
    fn from(one: StandingEntry) -> Self {
        PlanEntryView {
            id: one.entry.id,
            judge_id: one.entry.judge_id,
            kind: one.entry.kind,
            origin: one.entry.origin,
            request_id: one.entry.request_id,
            standing: one.standing,
            due_on: one.deadline.due_on,
            obstacles: one.obstacles,
            evaluation_id: one.entry.evaluation_id,
            changes: Vec::new(),
        }
    }
}

impl From<PlanChange> for PlanChangeView {
    fn from(row: PlanChange) -> Self {
        PlanChangeView {
            change: row.change,
            is_after_approval: row.is_after_approval,
            reason: row.reason,
            account_id: row.account_id,
            changed_at: row.changed_at.and_utc(),
        }
    }
}

/// Entries as they stand, with their changes.
fn views(conn: &mut Conn, plan: &Plan, entries: Vec<PlanEntry>, now: DateTime<Utc>) -> Result<Vec<PlanEntryView>> {
    let ids: Vec<PlanEntryId> = entries.iter().map(|entry| entry.id).collect();
    let changes = store::plans::changes(conn, &ids)?;
    let view = |one: StandingEntry| {
        let own = changes.iter().filter(|change| change.entry_id == one.entry.id).cloned();
        let changes = own.map(PlanChangeView::from).collect();
        PlanEntryView { changes, ..PlanEntryView::from(one) }
    };
    Ok(planning::standings(conn, plan, entries, now)?.into_iter().map(view).collect())
}

fn view(conn: &mut Conn, plan: &Plan, entry: PlanEntry, now: DateTime<Utc>) -> Result<PlanEntryView> {
    Ok(views(conn, plan, vec![entry], now)?.pop().ok_or(Code::NotFound)?)
}

/// List the entries of a plan.
///
/// For secretaries and auditors, in the order of their entry, those taken out included: each with its due day, whether it is
/// due, late or blocked, and by what.
#[utoipa::path(tag = "planning", params(PageQuery),
    responses((status = 200, body = PageOf<PlanEntryView>), ReadProblems))]
#[get("/evaluation-plans/{evaluation_plan_id}/entries")]
pub async fn list_plan_entries(
    actor: Actor,
    evaluation_plan_id: web::Path<EvaluationPlanId>,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor, evaluation_plan_id.into_inner(), answering.now())?;
    answering.list(actor, list, query.into_inner()).await
}

/// The entries of a plan as they stand at an instant.
pub fn list(actor: &Actor, id: EvaluationPlanId, now: DateTime<Utc>) -> Result<List> {
    policy::planning::may_read_plans(actor)?;
    let find = move |conn: &mut Conn, after, limit| {
        let plan = store::plans::find(conn, id)?.ok_or(Code::NotFound)?;
        let entries = store::plans::list_entries(conn, id, after, limit)?;
        views(conn, &plan, entries, now)
    };
    Ok(List::new("list_plan_entries", format!("plan-entries {id}"), find, |row| row.id, |row| row))
}

/// Add a judge to a plan.
///
/// For secretaries, with a reason; an exemption of the methodology does not stand in the way. After the approval the reason
/// says that it came later. 409 `already_exists` where the judge stands in the plan for that kind.
#[utoipa::path(tag = "planning", params(IdempotencyKeyHeader), request_body = NewPlanEntry,
    responses((status = 201, body = PlanEntryView), CreateProblems))]
#[post("/evaluation-plans/{evaluation_plan_id}/entries")]
pub async fn add_plan_entry(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_plan_id: web::Path<EvaluationPlanId>,
    key: IdempotencyKey,
    new: Valid<NewPlanEntry>,
) -> Result<HttpResponse> {
    policy::planning::may_write_plans(&actor)?;
    let now = clock.now();
    let id = evaluation_plan_id.into_inner();
    let Valid { body: new, digest } = new;
    let deed = Deed { by: actor.id(), operation: "add_plan_entry", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let (plan, entry) = planning::add(conn, &actor, id, (new.judge_id, new.kind), &new.reason, now)?;
        let location = format!("/v1/evaluation-plans/{id}/entries");
        Reply::created(location, None, &view(conn, &plan, entry, now)?)
    })
    .await
}

/// Take a judge out of a plan.
///
/// For secretaries, with a reason. 409 `wrong_phase` where the judge was taken out already, or is in a cycle: cancel that
/// evaluation first.
#[utoipa::path(tag = "planning", params(IdempotencyKeyHeader), request_body = PlanEntryRemoval,
    responses((status = 200, body = PlanEntryView), CreateProblems))]
#[post("/evaluation-plan-entries/{plan_entry_id}/remove")]
pub async fn remove_plan_entry(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    plan_entry_id: web::Path<PlanEntryId>,
    key: IdempotencyKey,
    removal: Valid<PlanEntryRemoval>,
) -> Result<HttpResponse> {
    policy::planning::may_write_plans(&actor)?;
    let now = clock.now();
    let id = plan_entry_id.into_inner();
    let Valid { body: removal, digest } = removal;
    let deed = Deed { by: actor.id(), operation: "remove_plan_entry", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let (plan, entry) = planning::remove(conn, &actor, id, &removal.reason, now)?;
        Reply::ok(None, &view(conn, &plan, entry, now)?)
    })
    .await
}
