//! Clocks: when what is due, whether it stands still while the judge is away, and why. A newcomer's usual mistake is to give
//! a day alone; whoever reads it must be able to see from what it was counted.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{PageOf, PageQuery};
use super::lists::Answering;
use crate::clock::Clock;
use crate::db::{Conn, Registry};
use crate::domain::calendar::date_at;
use crate::domain::cycle::EvaluationKind;
use crate::domain::cycle::clocks::{ClockKind, EvaluationClock, PauseRule};
use crate::domain::ids::{CycleId, EvaluationId, EvaluationRequestId, JudgeId};
use crate::domain::pauses::{Deadline, Pause, PauseGround};
use crate::domain::planning::{Career, Obstacle, Standing, Trigger, Upcoming, upcoming};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::{Code, Result};
use crate::problem::responses::{PlanReadProblems, ReadProblems};
use crate::store;
use crate::workflow;
use crate::workflow::lists::List;
use crate::workflow::planning::year_end;

/// Days on which a clock stands still.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"ground": "leave", "from": "2027-02-01", "to": "2027-04-30"}))]
pub struct PauseView {
    /// Why.
    ground: PauseGround,
    /// The first day.
    from: NaiveDate,
    /// The last day, or null while no end is known.
    to: Option<NaiveDate>,
}

impl From<Pause> for PauseView {
    fn from(pause: Pause) -> Self {
        PauseView { ground: pause.ground, from: pause.from, to: pause.to }
    }
}

fn pause_views(deadline: Deadline) -> Vec<PauseView> {
    deadline.pauses.into_iter().map(PauseView::from).collect()
}

/// One clock of an evaluation.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"kind": "appeal", "starts_on": "2027-05-10", "due_on": "2027-05-31", "pause_rule": "personal", "is_paused": false, "pauses": [{"ground": "suspension", "from": "2027-05-12", "to": "2027-05-17"}]}))]
pub struct EvaluationClockView {
    /// What it measures.
    kind: ClockKind,
    /// When it begins.
    starts_on: NaiveDate,
    /// The last day; null while a pause lasts whose end is not known.
    due_on: Option<NaiveDate>,
    /// Whether it stands still while the judge is away: `personal` does; `whole_cycle` and `others` do not.
    pause_rule: PauseRule,
    /// Whether it stands still today.
    is_paused: bool,
    /// What made it stand still.
    #[schema(max_items = 100)]
    pauses: Vec<PauseView>,
}

/// The clocks of an evaluation.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"clocks": [{"kind": "file_review", "starts_on": "2027-02-15", "due_on": "2027-03-01", "pause_rule": "whole_cycle", "is_paused": false, "pauses": []}], "calendar_years_missing": [2027]}))]
pub struct EvaluationClocksView {
    /// The clocks, in their order.
    #[schema(max_items = 20)]
    clocks: Vec<EvaluationClockView>,
    /// The years whose working-day calendar is not on record: through them weekends alone were left out. Have it entered
    /// (`POST /v1/work-calendars`).
    #[schema(max_items = 10)]
    calendar_years_missing: Vec<i32>,
}

fn clock_view(clock: EvaluationClock, today: NaiveDate) -> EvaluationClockView {
    EvaluationClockView {
        kind: clock.kind,
        starts_on: clock.starts_on,
        due_on: clock.deadline.due_on,
        pause_rule: clock.rule,
        is_paused: clock.deadline.is_paused_on(today),
        pauses: pause_views(clock.deadline),
    }
}

/// An evaluation that is to come.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "kind": "periodic", "trigger": "earlier_evaluation", "runs_from": "2022-05-10", "due_on": "2027-05-10", "standing": "due", "obstacles": [], "request_id": null, "is_paused": false, "pauses": []}))]
pub struct UpcomingEvaluationView {
    /// The judge.
    judge_id: JudgeId,
    /// Why the judge is evaluated.
    kind: EvaluationKind,
    /// From what its clock runs.
    trigger: Trigger,
    /// From which day.
    runs_from: NaiveDate,
    /// When it is due; null while a pause lasts whose end is not known.
    due_on: Option<NaiveDate>,
    /// How it stands.
    standing: Standing,
    /// What stands in its way.
    #[schema(max_items = 10)]
    obstacles: Vec<Obstacle>,
    /// The request, or null.
    request_id: Option<EvaluationRequestId>,
    /// Whether its clock stands still today.
    is_paused: bool,
    /// What made it stand still.
    #[schema(max_items = 100)]
    pauses: Vec<PauseView>,
}

fn upcoming_view(judge_id: JudgeId, one: Upcoming, today: NaiveDate, until: NaiveDate) -> UpcomingEvaluationView {
    UpcomingEvaluationView {
        judge_id,
        kind: one.kind,
        trigger: one.trigger,
        runs_from: one.runs_from,
        due_on: one.deadline.due_on,
        standing: one.standing(today, until),
        is_paused: one.deadline.is_paused_on(today),
        obstacles: one.obstacles,
        request_id: one.request_id,
        pauses: pause_views(one.deadline),
    }
}

/// The evaluations that are to come for one judge.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"items": []}))]
pub struct JudgeClocksView {
    /// The regular one first, then those that were asked for.
    #[schema(max_items = 10)]
    items: Vec<UpcomingEvaluationView>,
}

/// List the clocks of an evaluation.
///
/// For secretaries, auditors and its subject: when each ends, whether it stands still while the judge is away, and why. The
/// windows of the cycle stand still for nobody, since a later end for one subject would point at its reviewers; the time to
/// appeal does. As the clocks tell of leaves, the judge sees that somebody else has read them, for an evaluation.
#[utoipa::path(tag = "planning", responses((status = 200, body = EvaluationClocksView), ReadProblems))]
#[get("/evaluations/{evaluation_id}/clocks")]
pub async fn get_evaluation_clocks(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    evaluation_id: web::Path<EvaluationId>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let id = evaluation_id.into_inner();
    let found = registry
        .0
        .write(move |conn| {
            // What is absent costs the same questions as what is hidden.
            let evaluation = store::evaluations::find(conn, id)?;
            let judge_id = evaluation.as_ref().map_or(JudgeId(uuid::Uuid::nil()), |one| one.judge_id);
            let cycle_id = evaluation.as_ref().map_or(CycleId(uuid::Uuid::nil()), |one| one.cycle_id);
            let is_there = store::cycles::find(conn, cycle_id)?.is_some();
            let purpose = policy::planning::may_read_clocks(&actor, judge_id)?;
            let evaluation = evaluation.filter(|_| is_there).ok_or(Code::NotFound)?;
            store::audit::record_reading(conn, actor.account_id, "get_evaluation_clocks", judge_id, purpose, now)?;
            workflow::clocks::of_evaluation(conn, &evaluation, now)
        })
        .await?;
    let clocks = found.clocks.into_iter().map(|clock| clock_view(clock, found.today)).collect();
    Ok(HttpResponse::Ok().json(EvaluationClocksView { clocks, calendar_years_missing: found.years_missing }))
}

/// List the evaluations that are to come for a judge.
///
/// For secretaries, auditors and the judge, by the methodology in force: the regular one and those that were asked for, each
/// with its due day, what stops its clock, and what stands in its way. As it tells of leaves, the judge sees that somebody
/// else has read it, for an evaluation. 409 `methodology_not_in_force` where none is published
/// and in force.
#[utoipa::path(tag = "planning", responses((status = 200, body = JudgeClocksView), PlanReadProblems))]
#[get("/judges/{judge_id}/evaluation-clocks")]
pub async fn get_judge_clocks(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
    judge_id: web::Path<JudgeId>,
) -> Result<HttpResponse> {
    let now = clock.now();
    let judge_id = judge_id.into_inner();
    let purpose = policy::planning::may_read_clocks(&actor, judge_id)?;
    let work = move |conn: &mut Conn| {
        let found = workflow::clocks::of_judge(conn, judge_id, now)?;
        store::audit::record_reading(conn, actor.account_id, "get_judge_clocks", judge_id, purpose, now)?;
        Ok(found)
    };
    let (all, today) = registry.0.write(work).await?;
    let until = year_end(today.year());
    let items = all.into_iter().map(|one| upcoming_view(judge_id, one, today, until)).collect();
    Ok(HttpResponse::Ok().json(JudgeClocksView { items }))
}

/// Until when, and how many.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct UpcomingQuery {
    /// Evaluations due by this day; the last day of this year where none is named.
    until: Option<NaiveDate>,
    /// How many judges at most are on a page: 1 to 100. A page holds what is due of them, and may hold nothing.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 512)]
    cursor: Option<String>,
}

/// What is to come of one judge.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"judge_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluations": []}))]
pub struct JudgeDueView {
    /// The judge.
    judge_id: JudgeId,
    /// What is due by the day, late, asked for, or blocked.
    #[schema(max_items = 10)]
    evaluations: Vec<UpcomingEvaluationView>,
}

/// List who is due.
///
/// For secretaries and auditors, by the methodology in force, in the order in which judges came into the registry: of each
/// judge what is due by the day, late, or blocked, and by what. It is no order of merit, and there is none. 409
/// `methodology_not_in_force` where none is published and in force.
#[utoipa::path(tag = "planning", params(UpcomingQuery),
    responses((status = 200, body = PageOf<JudgeDueView>), PlanReadProblems))]
#[get("/due-evaluations")]
pub async fn list_due_evaluations(
    actor: Actor,
    query: web::Query<UpcomingQuery>,
    answering: Answering,
) -> Result<HttpResponse> {
    let query = query.into_inner();
    let list = list_due(&actor, &query, answering.now())?;
    answering.list(actor, list, PageQuery { limit: query.limit, cursor: query.cursor }).await
}

/// Who is due by a day.
pub fn list_due(actor: &Actor, query: &UpcomingQuery, now: DateTime<Utc>) -> Result<List> {
    policy::planning::may_read_plans(actor)?;
    let until = query.until;
    let find = move |conn: &mut Conn, after, limit| {
        let (_, methodology) = workflow::methodologies::in_force(conn, now)?;
        let limits = &methodology.time_limits;
        let today = date_at(now, limits.utc_offset_minutes);
        let until = until.unwrap_or_else(|| year_end(today.year()));
        let judges = store::judges::list(conn, after, limit)?;
        let careers = store::careers::of(conn, &judges, today)?;
        let of_judge = |career: Career| {
            let all = upcoming(&career, limits, today).into_iter();
            let views = all.map(|one| upcoming_view(career.judge_id, one, today, until));
            let evaluations = views.filter(|view| view.standing != Standing::Upcoming).collect();
            JudgeDueView { judge_id: career.judge_id, evaluations }
        };
        Ok(careers.into_iter().map(of_judge).collect::<Vec<_>>())
    };
    let name = format!("due-evaluations {until:?}");
    Ok(List::of_names("list_due_evaluations", name, find, |row| row.judge_id, |row| row.judge_id, |row| row))
}
