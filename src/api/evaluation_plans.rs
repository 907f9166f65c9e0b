//! Yearly plans of evaluations. A newcomer's usual mistake is to edit an approved plan in silence: whoever is added or taken
//! out afterwards has a reason that says so, and the plan as approved stays in the approval's digest.

use actix_web::{HttpResponse, get, post, web};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use validator::Validate;

use super::extract::{Deed, IdempotencyKey, IdempotencyKeyHeader, PageOf, PageQuery, Reply, Valid, act_once};
use super::jobs::Start;
use super::lists::Answering;
use super::plan_entries::PlanEntryView;
use super::two_persons::{ApprovalView, ask};
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::ids::{CycleId, EvaluationPlanId, MethodologyId};
use crate::domain::judge_file::{Check, NAME_LENGTH_MAX};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::problem::responses::{CreateProblems, ReadProblems};
use crate::store;
use crate::store::plans::{Plan, PlanState};
use crate::workflow::approvals::{Act, Request};
use crate::workflow::lists::List;
use crate::workflow::planning::{self, EntryStanding, NewPlan, PlannedCycle};

/// The most entries that one answer names as left out; the list of entries has them all.
const LEFT_OUT_MAX: usize = 100;

/// The plan of a year.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"year": 2027, "evaluating_body": "quality_commission", "methodology_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11"}))]
pub struct NewEvaluationPlan {
    /// This year, or one of the next two.
    #[schema(minimum = 2000, maximum = 2999)]
    year: i32,
    /// The body that evaluates, by its code.
    #[schema(min_length = 1, max_length = 64, pattern = "^[a-z][a-z0-9_]{0,63}$")]
    evaluating_body: String,
    /// A published methodology: its limits and exemptions say who is due.
    methodology_id: MethodologyId,
}

/// What of a plan a cycle is made of.
#[derive(Deserialize, Validate, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title_kk": "2027 жылғы бағалау", "title_ru": "Оценка 2027 года", "starts_on": "2027-02-01", "due_until": "2027-06-30"}))]
pub struct NewPlannedCycle {
    /// Its title in Kazakh.
    #[schema(min_length = 1, max_length = 200)]
    title_kk: String,
    /// Its title in Russian.
    #[schema(min_length = 1, max_length = 200)]
    title_ru: String,
    /// Its title in English.
    #[schema(min_length = 1, max_length = 200)]
    title_en: Option<String>,
    /// Its first day, not past.
    starts_on: NaiveDate,
    /// Whoever is due by this day comes in, the late ones included.
    due_until: NaiveDate,
}

/// How many entries of a plan stand in which way.
#[derive(Default, Serialize, ToSchema)]
#[schema(example = json!({"upcoming": 0, "due": 31, "late": 4, "blocked": 3, "under_way": 0, "done": 0, "removed": 1}))]
pub struct EntryCounts {
    /// Their day is not in the plan's year yet.
    #[schema(minimum = 0)]
    upcoming: u32,
    /// To be evaluated this year.
    #[schema(minimum = 0)]
    due: u32,
    /// Their day is past.
    #[schema(minimum = 0)]
    late: u32,
    /// Something stands in their way.
    #[schema(minimum = 0)]
    blocked: u32,
    /// In a cycle.
    #[schema(minimum = 0)]
    under_way: u32,
    /// With a result.
    #[schema(minimum = 0)]
    done: u32,
    /// Taken out.
    #[schema(minimum = 0)]
    removed: u32,
}

impl EntryCounts {
    fn count(&mut self, standing: EntryStanding) {
        let one = match standing {
            EntryStanding::Upcoming => &mut self.upcoming,
            EntryStanding::Due => &mut self.due,
            EntryStanding::Late => &mut self.late,
            EntryStanding::Blocked => &mut self.blocked,
            EntryStanding::UnderWay => &mut self.under_way,
            EntryStanding::Done => &mut self.done,
            EntryStanding::Removed => &mut self.removed,
        };
        *one += 1;
    }
}

/// A plan.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "year": 2027, "evaluating_body": "quality_commission", "methodology_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "state": "draft", "approved_at": null, "version": 1}))]
pub struct EvaluationPlanView {
    /// Its id.
    id: EvaluationPlanId,
    /// The year.
    #[schema(minimum = 2000, maximum = 2999)]
    year: i32,
    /// The body that evaluates.
    #[schema(max_length = 64)]
    evaluating_body: String,
    /// The methodology whose rules made it.
    methodology_id: MethodologyId,
    /// Where it stands.
    state: PlanState,
    /// When two persons approved it, or null.
    approved_at: Option<DateTime<Utc>>,
    /// Grows by one with each change, those of its entries included; the `ETag`.
    #[schema(minimum = 1)]
    version: i64,
}

impl From<Plan> for EvaluationPlanView {
    fn from(row: Plan) -> Self {
        EvaluationPlanView {
            id: row.id,
            year: row.year,
            evaluating_body: row.evaluating_body,
            methodology_id: row.methodology_id,
            state: row.state,
            approved_at: row.approved_at.map(|at| at.and_utc()),
            version: row.version,
        }
    }
}

/// A plan with how its entries stand today.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"plan": {"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "year": 2027, "evaluating_body": "quality_commission", "methodology_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "state": "approved", "approved_at": "2027-01-11T04:30:00Z", "version": 5}, "entries": {"upcoming": 0, "due": 31, "late": 4, "blocked": 3, "under_way": 0, "done": 0, "removed": 1}}))]
pub struct CountedPlanView {
    /// The plan.
    plan: EvaluationPlanView,
    /// How many entries stand in which way.
    entries: EntryCounts,
}

/// A cycle made of a plan.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"cycle_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_count": 12, "left_out": []}))]
pub struct CycleOfPlanView {
    /// The cycle, in `draft`.
    cycle_id: CycleId,
    /// How many evaluations it has.
    #[schema(minimum = 1)]
    evaluation_count: usize,
    /// Entries that could not come in, each with what stands in its way; the first hundred.
    #[schema(max_items = 100)]
    left_out: Vec<PlanEntryView>,
}

/// Draw up the plan of a year.
///
/// For secretaries. Whoever is due by the end of the year by the limits and exemptions of the methodology stands in it, and
/// whoever asked for an evaluation. 409 `already_exists` where the body has a plan for the year.
#[utoipa::path(tag = "planning", params(IdempotencyKeyHeader), request_body = NewEvaluationPlan,
    responses((status = 201, body = EvaluationPlanView), CreateProblems))]
#[post("/evaluation-plans")]
pub async fn create_evaluation_plan(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    key: IdempotencyKey,
    new: Valid<NewEvaluationPlan>,
) -> Result<HttpResponse> {
    policy::planning::may_write_plans(&actor)?;
    let now = clock.now();
    let Valid { body: new, digest } = new;
    let mut check = Check::default();
    check.body("/evaluating_body", &new.evaluating_body);
    check.done()?;
    let new = NewPlan { year: new.year, evaluating_body: new.evaluating_body, methodology_id: new.methodology_id };
    let deed = Deed { by: actor.id(), operation: "create_evaluation_plan", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let plan = planning::draw_up(conn, &actor, &new, now)?;
        let location = format!("/v1/evaluation-plans/{}", plan.id);
        Reply::created(location, Some(plan.version), &EvaluationPlanView::from(plan))
    })
    .await
}

/// List plans.
///
/// For secretaries and auditors, oldest first.
#[utoipa::path(tag = "planning", params(PageQuery),
    responses((status = 200, body = PageOf<EvaluationPlanView>), ReadProblems))]
#[get("/evaluation-plans")]
pub async fn list_evaluation_plans(
    actor: Actor,
    query: web::Query<PageQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let list = list(&actor)?;
    answering.list(actor, list, query.into_inner()).await
}

/// All plans, for whoever may read them.
pub fn list(actor: &Actor) -> Result<List> {
    policy::planning::may_read_plans(actor)?;
    let find = store::plans::list;
    Ok(List::new("list_evaluation_plans", "evaluation-plans", find, |row: &Plan| row.id, EvaluationPlanView::from))
}

fn counted(conn: &mut Conn, id: EvaluationPlanId, now: DateTime<Utc>) -> Result<(Plan, EntryCounts)> {
    let plan = store::plans::find(conn, id)?.ok_or(Code::NotFound)?;
    let mut counts = EntryCounts::default();
    let mut after = None;
    loop {
        let entries = store::plans::list_entries(conn, id, after, planning::JUDGES_AT_ONCE as i64)?;
        let Some(last) = entries.last() else { return Ok((plan, counts)) };
        after = Some(last.id);
        planning::standings(conn, &plan, entries, now)?.iter().for_each(|one| counts.count(one.standing));
    }
}

/// Get a plan.
///
/// For secretaries and auditors, with how its entries stand today.
#[utoipa::path(tag = "planning", responses((status = 200, body = CountedPlanView), ReadProblems))]
#[get("/evaluation-plans/{evaluation_plan_id}")]
pub async fn get_evaluation_plan(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_plan_id: web::Path<EvaluationPlanId>,
) -> Result<HttpResponse> {
    policy::planning::may_read_plans(&actor)?;
    let now = clock.now();
    let id = evaluation_plan_id.into_inner();
    let (plan, entries) = registry.0.read(move |conn| counted(conn, id, now)).await?;
    Ok(HttpResponse::Ok().json(CountedPlanView { plan: plan.into(), entries }))
}

/// Ask to approve a plan.
///
/// For secretaries; another secretary confirms. Everybody in it is told. Afterwards it is frozen: entries are added and
/// taken out with reasons that say so. 409 `guard_not_met` where nobody stands in it, or the working-day calendar of its year
/// is not on record.
#[utoipa::path(tag = "planning", params(IdempotencyKeyHeader), request_body = Start,
    responses((status = 202, body = ApprovalView), CreateProblems))]
#[post("/evaluation-plans/{evaluation_plan_id}/approve")]
pub async fn approve_evaluation_plan(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_plan_id: web::Path<EvaluationPlanId>,
    key: IdempotencyKey,
    start: Valid<Start>,
) -> Result<HttpResponse> {
    policy::planning::may_write_plans(&actor)?;
    let deed = Deed { by: actor.id(), operation: "approve_evaluation_plan", key, digest: start.digest };
    let object_id = evaluation_plan_id.into_inner().0;
    let request = Request { act: Act::ApproveEvaluationPlan, object_id, parameters: "{}".to_owned(), reason: None };
    ask(&registry, actor, deed, request, clock.now()).await
}

/// Make a cycle of a plan.
///
/// For secretaries. One cycle in `draft` with an evaluation for each entry that is due by the day and that nothing stands in
/// the way of; those left out are named with why. 409 `guard_not_met` where the plan is not approved or nobody can come in.
#[utoipa::path(tag = "planning", params(IdempotencyKeyHeader), request_body = NewPlannedCycle,
    responses((status = 201, body = CycleOfPlanView), CreateProblems))]
#[post("/evaluation-plans/{evaluation_plan_id}/cycles")]
pub async fn create_cycle_of_plan(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_plan_id: web::Path<EvaluationPlanId>,
    key: IdempotencyKey,
    new: Valid<NewPlannedCycle>,
) -> Result<HttpResponse> {
    policy::planning::may_write_plans(&actor)?;
    let now = clock.now();
    let id = evaluation_plan_id.into_inner();
    let Valid { body: new, digest } = new;
    let mut check = Check::default();
    check.text("/title_kk", &new.title_kk, NAME_LENGTH_MAX);
    check.text("/title_ru", &new.title_ru, NAME_LENGTH_MAX);
    check.optional_text("/title_en", new.title_en.as_deref(), NAME_LENGTH_MAX);
    check.date("/starts_on", new.starts_on);
    check.date("/due_until", new.due_until);
    check.done()?;
    let new = PlannedCycle {
        title_kk: new.title_kk,
        title_ru: new.title_ru,
        title_en: new.title_en,
        starts_on: new.starts_on,
        due_until: new.due_until,
    };
    let deed = Deed { by: actor.id(), operation: "create_cycle_of_plan", key, digest };
    act_once(&registry, deed, now, move |conn| {
        let (made, left) = planning::make_cycle(conn, &actor, id, &new, now)?;
        let view = CycleOfPlanView {
            cycle_id: made.cycle.id,
            evaluation_count: made.evaluations.len(),
            left_out: left.into_iter().take(LEFT_OUT_MAX).map(PlanEntryView::from).collect(),
        };
        Reply::created(format!("/v1/cycles/{}", made.cycle.id), None, &view)
    })
    .await
}
