//! The yearly plan: drawn up by the rules, changed with reasons, approved by two persons, turned into a cycle. A newcomer's
//! usual mistake is to believe the day that an entry was made with: absences, retirements and other cycles move what is due,
//! so how an entry stands is found anew.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Datelike, NaiveDate, Utc};

use super::cycles::Mover;
use super::new_cycles::{self, MadeCycle, NewCycle, Subject};
use super::notices;
use crate::coded;
use crate::db::Conn;
use crate::domain::calendar::date_at;
use crate::domain::cycle::EvaluationKind;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids;
use crate::domain::ids::{EvaluationPlanId, JudgeId, MethodologyId, PlanEntryId};
use crate::domain::methodology::Methodology;
use crate::domain::pauses::Deadline;
use crate::domain::planning::{Career, Obstacle, Standing, Trigger, Upcoming, obstacles, upcoming};
use crate::domain::policy::Actor;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::judges::Judge;
use crate::store::plans::{EntryChange, EntryOrigin, Plan, PlanChange, PlanEntry, PlanState};

/// So many judges are looked at in one question to the database.
pub const JUDGES_AT_ONCE: usize = 500;
/// A plan is made for this year or one of the next so many.
const YEARS_AHEAD_MAX: i32 = 2;

coded! {
    /// How an entry of a plan stands.
    EntryStanding {
        /// It was taken out.
        Removed = "removed",
        /// Its day is not in the plan's year yet.
        Upcoming = "upcoming",
        /// It is to be evaluated this year.
        Due = "due",
        /// Its day is past.
        Late = "late",
        /// Something stands in its way.
        Blocked = "blocked",
        /// Its evaluation is in a cycle.
        UnderWay = "under_way",
        /// Its evaluation has a result.
        Done = "done",
    }
}

impl From<Standing> for EntryStanding {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Upcoming => EntryStanding::Upcoming,
            Standing::Due => EntryStanding::Due,
            Standing::Late => EntryStanding::Late,
            Standing::Blocked => EntryStanding::Blocked,
        }
    }
}

/// An entry with how it stands.
#[derive(Debug, Clone)]
pub struct StandingEntry {
    /// The row.
    pub entry: PlanEntry,
    /// How it stands.
    pub standing: EntryStanding,
    /// When it is due as things are now.
    pub deadline: Deadline,
    /// What stands in its way.
    pub obstacles: Vec<Obstacle>,
}

/// What a plan is drawn up for.
#[derive(Debug, Clone)]
pub struct NewPlan {
    /// The year.
    pub year: i32,
    /// The body that evaluates, by its code.
    pub evaluating_body: String,
    /// The methodology whose rules say who is due.
    pub methodology_id: MethodologyId,
}

/// The last day of a year.
pub fn year_end(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 12, 31).unwrap_or(NaiveDate::MAX)
}

/// Calls `each` for every judge's career as it stands today, by the judge's id.
pub fn each_career(conn: &mut Conn, today: NaiveDate, mut each: impl FnMut(&Career)) -> Result<()> {
    let mut after = None;
    loop {
        let judges = store::judges::list(conn, after, JUDGES_AT_ONCE as i64)?;
        let Some(last) = judges.last() else { return Ok(()) };
        after = Some(last.id);
        store::careers::of(conn, &judges, today)?.iter().for_each(&mut each);
    }
}

/// Draws up the plan of a year: whoever is due by its end by the rules, and whoever something holds up for the moment.
///
/// # Errors
/// 422 for a year that is past or too far, or a methodology that is missing or not published; 409 `already_exists` where
/// the body has a plan for the year.
pub fn draw_up(conn: &mut Conn, actor: &Actor, new: &NewPlan, now: DateTime<Utc>) -> Result<Plan> {
    let missing = || Error::invalid("/methodology_id", Rule::Missing);
    let row = store::methodologies::find(conn, new.methodology_id)?.ok_or_else(missing)?;
    row.published_at.ok_or_else(missing)?;
    let methodology = super::methodologies::document(&row)?;
    let limits = &methodology.time_limits;
    let today = date_at(now, limits.utc_offset_minutes);
    let this_year = today.year();
    if !(this_year..=this_year + YEARS_AHEAD_MAX).contains(&new.year) {
        let (min, max) = (i64::from(this_year), i64::from(this_year + YEARS_AHEAD_MAX));
        return Err(Error::invalid("/year", Rule::Range { min, max }));
    }
    let plan = Plan {
        id: EvaluationPlanId(ids::new_at(now)),
        year: new.year,
        evaluating_body: new.evaluating_body.clone(),
        methodology_id: new.methodology_id,
        state: PlanState::Draft,
        created_by: actor.account_id,
        created_at: now.naive_utc(),
        approved_at: None,
        version: 1,
    };
    let mut entries = Vec::new();
    let last = year_end(new.year);
    each_career(conn, today, |career| {
        let due = upcoming(career, limits, today).into_iter().filter(|one| is_planned(one, last));
        entries.extend(due.map(|one| PlanEntry {
            id: PlanEntryId(ids::new_at(now)),
            plan_id: plan.id,
            judge_id: career.judge_id,
            kind: one.kind,
            origin: EntryOrigin::Rule,
            request_id: one.request_id,
            due_on: one.deadline.due_on,
            is_removed: false,
            evaluation_id: None,
        }));
    })?;
    store::plans::insert(conn, &plan)?;
    store::plans::insert_entries(conn, &entries)?;
    record(conn, actor, "create_evaluation_plan", &plan, now)?;
    Ok(plan)
}

/// Whether the rules put an evaluation into the plan of a year: it falls due by its end, and nothing stands in its way that
/// will not pass by itself.
fn is_planned(one: &Upcoming, last: NaiveDate) -> bool {
    let passes = |obstacle: &Obstacle| match obstacle {
        Obstacle::ExemptByService | Obstacle::ExemptBeforeLeaving | Obstacle::ValidResult | Obstacle::NoPost => false,
        Obstacle::NoAccount | Obstacle::Paused | Obstacle::ActiveEvaluation => true,
    };
    one.deadline.due_on.is_some_and(|due_on| due_on <= last) && one.obstacles.iter().all(passes)
}

/// Adds a judge whom the rules did not put in, for a reason; an exemption does not stand in the way of it.
///
/// # Errors
/// 404; 422 where there is no such judge; 409 `already_exists` where the judge stands in the plan for that kind.
pub fn add(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationPlanId,
    (judge_id, kind): (JudgeId, EvaluationKind),
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(Plan, PlanEntry)> {
    let mut plan = store::plans::find(conn, id)?.ok_or(Code::NotFound)?;
    let judges = store::careers::judges(conn, &[judge_id])?;
    if judges.is_empty() {
        return Err(Error::invalid("/judge_id", Rule::Missing));
    }
    let (methodology, today) = rules(conn, &plan, now)?;
    let found = found(conn, &judges, &methodology, today)?;
    let found = found.get(&judge_id).and_then(|(_, all)| all.iter().find(|one| one.kind == kind));
    let entry = PlanEntry {
        id: PlanEntryId(ids::new_at(now)),
        plan_id: id,
        judge_id,
        kind,
        origin: EntryOrigin::Added,
        request_id: found.and_then(|one| one.request_id),
        due_on: found.and_then(|one| one.deadline.due_on),
        is_removed: false,
        evaluation_id: None,
    };
    store::plans::insert_entries(conn, std::slice::from_ref(&entry))?;
    changed(conn, actor, &mut plan, &entry, EntryChange::Added, reason, now)?;
    if plan.state == PlanState::Approved {
        notices::evaluation_planned(conn, &[judge_id], plan.year, now)?;
    }
    Ok((plan, entry))
}

/// Takes an entry out, for a reason.
///
/// # Errors
/// 404; 409 `wrong_phase` where it was taken out already or its evaluation is in a cycle.
pub fn remove(
    conn: &mut Conn,
    actor: &Actor,
    id: PlanEntryId,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<(Plan, PlanEntry)> {
    let mut entry = store::plans::find_entry(conn, id)?.ok_or(Code::NotFound)?;
    let mut plan = store::plans::find(conn, entry.plan_id)?.ok_or(Code::NotFound)?;
    if entry.is_removed {
        return Err(Error::hinted(Code::WrongPhase, Hint::new("entry_is_removed")));
    }
    if let Some(evaluation_id) = entry.evaluation_id {
        let evaluation = store::evaluations::find(conn, evaluation_id)?;
        if evaluation.is_some_and(|evaluation| evaluation.state != EvaluationState::Cancelled) {
            return Err(Error::hinted(
                Code::WrongPhase,
                Hint::new("entry_is_under_way").text("evaluation", evaluation_id),
            ));
        }
    }
    entry.is_removed = true;
    store::plans::remove_entry(conn, id)?;
    changed(conn, actor, &mut plan, &entry, EntryChange::Removed, reason, now)?;
    Ok((plan, entry))
}

/// Writes a change with its reason; the plan's version grows, so that nobody approves a plan that is another by now.
fn changed(
    conn: &mut Conn,
    actor: &Actor,
    plan: &mut Plan,
    entry: &PlanEntry,
    change: EntryChange,
    reason: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = PlanChange {
        id: ids::new_at(now).to_string(),
        entry_id: entry.id,
        change,
        is_after_approval: plan.state == PlanState::Approved,
        reason: reason.to_owned(),
        account_id: actor.account_id,
        changed_at: now.naive_utc(),
    };
    store::plans::insert_change(conn, &row)?;
    store::plans::update(conn, plan)?;
    let act = match change {
        EntryChange::Added => "add_plan_entry",
        EntryChange::Removed => "remove_plan_entry",
    };
    let told = store::audit::NewEntry::new(Some(actor.account_id), act, "evaluation_plan_entry", entry.id);
    store::audit::record(conn, told.of_judge(entry.judge_id), now)
}

/// The state that an approval of a plan covers; the version counts changes of its entries, too.
pub fn state(conn: &mut Conn, id: EvaluationPlanId) -> Result<String> {
    let plan = store::plans::find(conn, id)?.ok_or(Code::NotFound)?;
    Ok(format!("{} version {}", plan.state, plan.version))
}

/// Whether a plan can be approved now.
///
/// # Errors
/// 404; 409 `wrong_phase` where it is approved already; 409 `guard_not_met` where nobody stands in it, or the working days
/// of its year are not on record.
pub fn check_approve(conn: &mut Conn, id: EvaluationPlanId) -> Result<Plan> {
    let plan = store::plans::find(conn, id)?.ok_or(Code::NotFound)?;
    if plan.state == PlanState::Approved {
        return Err(Error::hinted(Code::WrongPhase, Hint::new("plan_is_approved")));
    }
    let mut unmet = Vec::new();
    if store::plans::standing_entries(conn, id)?.is_empty() {
        unmet.push(Hint::new("plan_is_empty"));
    }
    if store::work_calendars::newest(conn, plan.year)?.is_none() {
        unmet.push(Hint::new("calendar_missing").text("year", plan.year));
    }
    if unmet.is_empty() { Ok(plan) } else { Err(Error::hints(Code::GuardNotMet, unmet)) }
}

/// Approves a plan and tells everybody who stands in it.
///
/// # Errors
/// As [`check_approve`].
pub fn approve(conn: &mut Conn, id: EvaluationPlanId, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let mut plan = check_approve(conn, id)?;
    plan.state = PlanState::Approved;
    plan.approved_at = Some(now.naive_utc());
    store::plans::update(conn, &mut plan)?;
    let entry = store::audit::NewEntry::new(Some(mover.account_id), "approve_evaluation_plan", "evaluation_plan", id);
    store::audit::record(conn, entry, now)?;
    let judges: Vec<JudgeId> = store::plans::standing_entries(conn, id)?.iter().map(|entry| entry.judge_id).collect();
    notices::evaluation_planned(conn, &judges, plan.year, now)
}

/// The rules of a plan and the day on which they are applied.
fn rules(conn: &mut Conn, plan: &Plan, now: DateTime<Utc>) -> Result<(Methodology, NaiveDate)> {
    let row = store::methodologies::find(conn, plan.methodology_id)?;
    let row = row.ok_or_else(|| Error::internal("a plan's methodology is missing"))?;
    let methodology = super::methodologies::document(&row)?;
    let today = date_at(now, methodology.time_limits.utc_offset_minutes);
    Ok((methodology, today))
}

type Found = BTreeMap<JudgeId, (Career, Vec<Upcoming>)>;

fn found(conn: &mut Conn, judges: &[Judge], methodology: &Methodology, today: NaiveDate) -> Result<Found> {
    let limits = &methodology.time_limits;
    let careers = store::careers::of(conn, judges, today)?;
    let with_upcoming = |career: Career| {
        let all = upcoming(&career, limits, today);
        (career.judge_id, (career, all))
    };
    Ok(careers.into_iter().map(with_upcoming).collect())
}

/// How entries of a plan stand today, in their order.
pub fn standings(
    conn: &mut Conn,
    plan: &Plan,
    entries: Vec<PlanEntry>,
    now: DateTime<Utc>,
) -> Result<Vec<StandingEntry>> {
    let (methodology, today) = rules(conn, plan, now)?;
    let states: BTreeMap<PlanEntryId, EvaluationState> =
        store::plans::evaluation_states(conn, plan.id)?.into_iter().collect();
    let judges: Vec<JudgeId> = entries.iter().map(|entry| entry.judge_id).collect();
    let mut all = Found::new();
    for some in judges.chunks(JUDGES_AT_ONCE) {
        let some = store::careers::judges(conn, some)?;
        all.extend(found(conn, &some, &methodology, today)?);
    }
    let last = year_end(plan.year);
    let standing = |entry: PlanEntry| {
        let nothing = || Deadline { due_on: entry.due_on, pauses: Vec::new() };
        let settled = match states.get(&entry.id) {
            _ if entry.is_removed => Some(EntryStanding::Removed),
            Some(EvaluationState::Final) => Some(EntryStanding::Done),
            Some(EvaluationState::Cancelled) | None => None,
            Some(
                EvaluationState::Planned
                | EvaluationState::Notified
                | EvaluationState::FileReview
                | EvaluationState::PoolReview
                | EvaluationState::Collecting
                | EvaluationState::Counted
                | EvaluationState::Drafting
                | EvaluationState::Responding
                | EvaluationState::Hearing
                | EvaluationState::Decided
                | EvaluationState::Served
                | EvaluationState::Appealed
                | EvaluationState::Suspended,
            ) => Some(EntryStanding::UnderWay),
        };
        if let Some(standing) = settled {
            return StandingEntry { standing, deadline: nothing(), obstacles: Vec::new(), entry };
        }
        let Some((career, upcoming)) = all.get(&entry.judge_id) else {
            let (standing, obstacles) = (EntryStanding::Blocked, vec![Obstacle::NoPost]);
            return StandingEntry { standing, deadline: nothing(), obstacles, entry };
        };
        let by_rule = upcoming.iter().find(|one| one.kind == entry.kind && one.request_id == entry.request_id);
        let now_due = match (by_rule, entry.origin) {
            (Some(one), EntryOrigin::Rule) => one.clone(),
            // A person had a reason, so no exemption stands in the way; the judge must be there all the same.
            (found, EntryOrigin::Added) | (found, EntryOrigin::Rule) => Upcoming {
                kind: entry.kind,
                trigger: found.map_or(Trigger::Request, |one| one.trigger),
                runs_from: found.map_or(today, |one| one.runs_from),
                deadline: found.map_or_else(
                    || Deadline { due_on: Some(entry.due_on.unwrap_or(last)), pauses: Vec::new() },
                    |one| one.deadline.clone(),
                ),
                request_id: entry.request_id,
                obstacles: obstacles(career, &methodology.time_limits, today),
            },
        };
        let standing = now_due.standing(today, last).into();
        StandingEntry { standing, deadline: now_due.deadline, obstacles: now_due.obstacles, entry }
    };
    Ok(entries.into_iter().map(standing).collect())
}

/// What of a plan a cycle is made of.
#[derive(Debug, Clone)]
pub struct PlannedCycle {
    /// Its title in Kazakh.
    pub title_kk: String,
    /// Its title in Russian.
    pub title_ru: String,
    /// Its title in English.
    pub title_en: Option<String>,
    /// Its first day, not past.
    pub starts_on: NaiveDate,
    /// Whoever is due by this day comes in.
    pub due_until: NaiveDate,
}

/// Makes one cycle in draft of all entries of an approved plan that are due by a day and that nothing stands in the way of.
///
/// # Errors
/// 404; 409 `guard_not_met` where the plan is not approved or nobody can come in; else as [`new_cycles::create`].
pub fn make_cycle(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationPlanId,
    new: &PlannedCycle,
    now: DateTime<Utc>,
) -> Result<(MadeCycle, Vec<StandingEntry>)> {
    let plan = store::plans::find(conn, id)?.ok_or(Code::NotFound)?;
    if plan.state != PlanState::Approved {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("plan_not_approved")));
    }
    let entries = store::plans::standing_entries(conn, id)?;
    let mut taken: Vec<StandingEntry> = Vec::new();
    let mut left: Vec<StandingEntry> = Vec::new();
    // A cycle has one evaluation of a judge, whatever there are reasons for.
    let mut judges = HashSet::new();
    for one in standings(conn, &plan, entries, now)? {
        let is_open = matches!(one.standing, EntryStanding::Due | EntryStanding::Late | EntryStanding::Upcoming);
        let is_in_time = one.deadline.due_on.is_some_and(|due_on| due_on <= new.due_until);
        if is_open && is_in_time && taken.len() < new_cycles::SUBJECTS_MAX && judges.insert(one.entry.judge_id) {
            taken.push(one);
        } else if one.standing == EntryStanding::Blocked || (is_open && is_in_time) {
            left.push(one);
        }
    }
    if taken.is_empty() {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("nobody_to_evaluate").text("day", new.due_until)));
    }
    let subjects =
        taken.iter().map(|one| Subject { judge_id: one.entry.judge_id, kind: one.entry.kind, instrument_id: None });
    let cycle = NewCycle {
        methodology_id: plan.methodology_id,
        evaluating_body: plan.evaluating_body.clone(),
        title_kk: new.title_kk.clone(),
        title_ru: new.title_ru.clone(),
        title_en: new.title_en.clone(),
        starts_on: new.starts_on,
        subjects: subjects.collect(),
    };
    let made = new_cycles::create(conn, actor, &cycle, now)?;
    for (one, evaluation) in taken.iter().zip(&made.evaluations) {
        store::plans::set_evaluation(conn, one.entry.id, evaluation.id)?;
        if let Some(request) = one.entry.request_id {
            store::evaluation_requests::end(conn, request, now.naive_utc(), None)?;
        }
    }
    record(conn, actor, "create_cycle_of_plan", &plan, now)?;
    Ok((made, left))
}

fn record(conn: &mut Conn, actor: &Actor, act: &str, plan: &Plan, now: DateTime<Utc>) -> Result<()> {
    let entry = store::audit::NewEntry::new(Some(actor.account_id), act, "evaluation_plan", plan.id);
    store::audit::record(conn, entry, now)
}
