//! What the staff looks at in the morning: due, late, blocked, and by what. A newcomer's usual mistake is to put a number of
//! reviews here; before the seal nobody has one.

use actix_web::{HttpResponse, get, web};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::clock::Clock;
use crate::db::Registry;
use crate::domain::cycle::Phase;
use crate::domain::cycle::clocks::ClockKind;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{CycleId, EvaluationId};
use crate::domain::notices::{Channel, DeliveryState};
use crate::domain::policy;
use crate::domain::policy::Actor;
use crate::error::Result;
use crate::problem::responses::ReadProblems;
use crate::workflow::clocks::Late;
use crate::workflow::dashboard::{Coming, CycleFigures, Figures, figures};

/// How often one thing stands in the way.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"code": "paused", "count": 3}))]
pub struct CodeCountView {
    /// What.
    #[schema(max_length = 64)]
    code: String,
    /// How often.
    #[schema(minimum = 1)]
    count: u32,
}

/// How many evaluations that are to come stand in which way.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"due": 31, "late": 4, "blocked": 3, "obstacles": [{"code": "paused", "count": 3}]}))]
pub struct ComingView {
    /// Due by the end of the year, or asked for.
    #[schema(minimum = 0)]
    due: u32,
    /// Past their day.
    #[schema(minimum = 0)]
    late: u32,
    /// With something in their way.
    #[schema(minimum = 0)]
    blocked: u32,
    /// How often each obstacle stands in the way; an evaluation may have several.
    #[schema(max_items = 20)]
    obstacles: Vec<CodeCountView>,
}

impl From<Coming> for ComingView {
    fn from(coming: Coming) -> Self {
        let obstacles = coming.obstacles.into_iter();
        ComingView {
            due: coming.due,
            late: coming.late,
            blocked: coming.blocked,
            obstacles: obstacles.map(|(code, count)| CodeCountView { code: code.to_owned(), count }).collect(),
        }
    }
}

/// A cycle that is under way.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"cycle_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "phase": "pool_review", "due_on": "2027-03-17", "is_late": false, "blocked_by": ["challenges_open"]}))]
pub struct CycleFiguresView {
    /// The cycle.
    cycle_id: CycleId,
    /// Where it stands.
    phase: Phase,
    /// The last day to leave the phase, or null.
    due_on: Option<NaiveDate>,
    /// Whether that day is past.
    is_late: bool,
    /// What has to be done before it can move on, by code; asking for the move says each in words.
    #[schema(max_items = 30)]
    blocked_by: Vec<String>,
}

impl From<CycleFigures> for CycleFiguresView {
    fn from(one: CycleFigures) -> Self {
        CycleFiguresView {
            cycle_id: one.cycle_id,
            phase: one.phase,
            due_on: one.due_on,
            is_late: one.is_late,
            blocked_by: one.blocked_by.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// How many evaluations stand in one state of their own course.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"state": "responding", "count": 7}))]
pub struct OnOwnCourseView {
    /// Where they stand.
    state: EvaluationState,
    /// How many.
    #[schema(minimum = 1)]
    count: i64,
}

/// So many evaluations are named that are late; the rest are counted.
const LATE_NAMED: usize = 100;

/// An evaluation that is past the day that its state had.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "state": "responding", "clock": "decision", "due_on": "2027-02-26"}))]
pub struct LateEvaluationView {
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// Where it stands.
    state: EvaluationState,
    /// What was to be done in that time; the clocks of the evaluation say from when and what stopped it.
    clock: ClockKind,
    /// The last day for it, which is past.
    due_on: NaiveDate,
}

/// Evaluations after the count that are past the day that their state had.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"count": 1, "longest": [{"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "state": "responding", "clock": "decision", "due_on": "2027-02-26"}]}))]
pub struct LateOnOwnCourseView {
    /// How many there are.
    #[schema(minimum = 0)]
    count: usize,
    /// Those that have waited longest, in that order.
    #[schema(max_items = 100)]
    longest: Vec<LateEvaluationView>,
}

impl From<Vec<Late>> for LateOnOwnCourseView {
    fn from(all: Vec<Late>) -> Self {
        let view = |one: &Late| LateEvaluationView {
            evaluation_id: one.evaluation_id,
            state: one.state,
            clock: one.clock,
            due_on: one.due_on,
        };
        LateOnOwnCourseView { count: all.len(), longest: all.iter().take(LATE_NAMED).map(view).collect() }
    }
}

/// Deliveries of notices that are not done.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"channel": "by_hand", "state": "pending", "count": 12}))]
pub struct UnfinishedDeliveriesView {
    /// By which way.
    channel: Channel,
    /// How they stand.
    state: DeliveryState,
    /// How many.
    #[schema(minimum = 1)]
    count: i64,
}

/// The figures of today.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"today": "2027-03-04", "calendar_years_missing": [2028], "evaluations": {"due": 31, "late": 4, "blocked": 3, "obstacles": [{"code": "paused", "count": 3}]}, "cycles": [], "on_own_course": [{"state": "responding", "count": 7}], "late_on_own_course": {"count": 1, "longest": [{"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "state": "responding", "clock": "decision", "due_on": "2027-02-26"}]}, "votes_open": 2, "recusals_open": 1, "recounts_awaited": 0, "corrections_open": 5, "corrections_late": 1, "deliveries": [], "webhook_deliveries_given_up": 0, "withdrawals_unacknowledged": 1}))]
pub struct DashboardView {
    /// The day on which they were taken.
    today: NaiveDate,
    /// Of this year and the next, those whose working-day calendar is to be entered.
    #[schema(max_items = 2)]
    calendar_years_missing: Vec<i32>,
    /// Evaluations that are to come, by the methodology in force; null where none is.
    evaluations: Option<ComingView>,
    /// Cycles that are under way, oldest first.
    #[schema(max_items = 1000)]
    cycles: Vec<CycleFiguresView>,
    /// Evaluations after the count and before their end, by state.
    #[schema(max_items = 8)]
    on_own_course: Vec<OnOwnCourseView>,
    /// Those of them that are past the day that their state had, by the clocks of the evaluation with all that stops them.
    late_on_own_course: LateOnOwnCourseView,
    /// Decisions of which the vote has not ended.
    #[schema(minimum = 0)]
    votes_open: i64,
    /// Requests of judges that a member step back which nobody has decided: a vote waits for them.
    #[schema(minimum = 0)]
    recusals_open: i64,
    /// Appeals that wait for a recount which no auditor has stated.
    #[schema(minimum = 0)]
    recounts_awaited: i64,
    /// Requests for correction that wait for a decision.
    #[schema(minimum = 0)]
    corrections_open: i64,
    /// Those of them that are past their day.
    #[schema(minimum = 0)]
    corrections_late: i64,
    /// Deliveries of notices that wait or were given up.
    #[schema(max_items = 6)]
    deliveries: Vec<UnfinishedDeliveriesView>,
    /// Deliveries to webhooks that were given up; `GET /v1/webhook-deliveries?state=given_up` lists them.
    #[schema(minimum = 0)]
    webhook_deliveries_given_up: i64,
    /// Withdrawals of which a system has not said that it knows; `GET /v1/unacknowledged-events` lists them.
    #[schema(minimum = 0)]
    withdrawals_unacknowledged: i64,
}

impl From<Figures> for DashboardView {
    fn from(found: Figures) -> Self {
        let unfinished =
            |(channel, state, count): (Channel, DeliveryState, i64)| UnfinishedDeliveriesView { channel, state, count };
        let on_own_course = |(state, count): (EvaluationState, i64)| OnOwnCourseView { state, count };
        DashboardView {
            today: found.today,
            calendar_years_missing: found.calendar_years_missing,
            evaluations: found.coming.map(ComingView::from),
            cycles: found.cycles.into_iter().map(CycleFiguresView::from).collect(),
            on_own_course: found.on_own_course.into_iter().map(on_own_course).collect(),
            late_on_own_course: found.late_on_own_course.into(),
            votes_open: found.votes_open,
            recusals_open: found.recusals_open,
            recounts_awaited: found.recounts_awaited,
            corrections_open: found.corrections_open,
            corrections_late: found.corrections_late,
            deliveries: found.deliveries.into_iter().map(unfinished).collect(),
            webhook_deliveries_given_up: found.webhook_deliveries_given_up,
            withdrawals_unacknowledged: found.withdrawals_unacknowledged,
        }
    }
}

/// Get the figures of today.
///
/// For secretaries and auditors: what is due, late and blocked, and by what; what waits for the staff. Of reviews there is
/// no figure before the seal.
#[utoipa::path(tag = "planning", responses((status = 200, body = DashboardView), ReadProblems))]
#[get("/dashboard")]
pub async fn get_dashboard(
    actor: Actor,
    registry: web::Data<Registry>,
    clock: web::Data<Clock>,
) -> Result<HttpResponse> {
    policy::planning::may_read_plans(&actor)?;
    let now = clock.now();
    let found = registry.0.read(move |conn| figures(conn, now)).await?;
    Ok(HttpResponse::Ok().json(DashboardView::from(found)))
}
