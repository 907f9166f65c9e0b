//! The clocks of one evaluation, and those that run for one judge, from what is on record. A newcomer's usual mistake is to
//! keep a due day in a row: an absence that is recorded later moves it, so it is counted anew whenever somebody asks.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};

use super::{course, cycles, methodologies};
use crate::db::Conn;
use crate::domain::calendar::{WorkCalendar, date_at};
use crate::domain::cycle::Phase;
use crate::domain::cycle::clocks::{ClockKind, Course, CourseStep, EvaluationClock, running, windows};
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{CycleId, EvaluationId, JudgeId, MethodologyId};
use crate::domain::methodology::limits::TimeLimits;
use crate::domain::planning::{Upcoming, stopping, upcoming};
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::evaluations::Evaluation;

/// The clocks of an evaluation with the day on which they are looked at, and the years whose calendar is missing.
#[derive(Debug)]
pub struct Clocks {
    /// The clocks, in their order.
    pub clocks: Vec<EvaluationClock>,
    /// The calendar day of the request where the cycle takes place.
    pub today: NaiveDate,
    /// The years through which days were counted by weekends alone.
    pub years_missing: Vec<i32>,
}

/// An evaluation whose running clock has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Late {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// Where it stands.
    pub state: EvaluationState,
    /// The clock.
    pub clock: ClockKind,
    /// The last day that it had.
    pub due_on: NaiveDate,
}

/// What is the same for all evaluations of a cycle.
struct Rules {
    limits: TimeLimits,
    reporting_since: Option<NaiveDate>,
}

impl Rules {
    fn new(limits: TimeLimits, reporting_since: Option<NaiveDateTime>) -> Rules {
        let reporting_since = reporting_since.map(|at| date_at(at.and_utc(), limits.utc_offset_minutes));
        Rules { limits, reporting_since }
    }
}

/// So many evaluations are looked at in one question to the database.
const EVALUATIONS_AT_ONCE: i64 = 500;

/// The clocks of an evaluation.
pub fn of_evaluation(conn: &mut Conn, evaluation: &Evaluation, now: DateTime<Utc>) -> Result<Clocks> {
    let loaded = cycles::load(conn, evaluation.cycle_id)?;
    let calendar = store::work_calendars::load(conn)?;
    let reporting_since = store::cycles::entered_at(conn, evaluation.cycle_id, Phase::Reporting)?;
    let rules = Rules::new(loaded.methodology.time_limits, reporting_since);
    let rules = HashMap::from([(evaluation.cycle_id, rules)]);
    let own = own_clocks(conn, std::slice::from_ref(evaluation), &rules, &calendar, now)?;
    let clocks: Vec<EvaluationClock> = windows(&loaded.dates).into_iter().chain(own.into_iter().flatten()).collect();
    let last = clocks.iter().filter_map(|clock| clock.deadline.due_on).max().unwrap_or(loaded.dates.recount_by);
    let years_missing = calendar.years_missing(loaded.dates.starts_on, last);
    Ok(Clocks { clocks, today: loaded.today(now), years_missing })
}

/// The evaluations on their own course whose running clock has ended, those that have waited longest first.
pub fn late_on_own_course(conn: &mut Conn, calendar: &WorkCalendar, now: DateTime<Utc>) -> Result<Vec<Late>> {
    let mut all = Vec::new();
    let mut rules = HashMap::new();
    let mut after = None;
    loop {
        let some = store::own_course::list(conn, after, EVALUATIONS_AT_ONCE)?;
        let Some(last) = some.last() else { break };
        after = Some(last.id);
        add_rules(conn, &some, &mut rules)?;
        let own = own_clocks(conn, &some, &rules, calendar, now)?;
        for (one, clocks) in some.iter().zip(&own) {
            let today = date_at(now, rules_of(&rules, one)?.limits.utc_offset_minutes);
            let Some(clock) = running(one.state, clocks) else { continue };
            if let Some(due_on) = clock.deadline.due_on.filter(|due_on| *due_on < today) {
                all.push(Late { evaluation_id: one.id, state: one.state, clock: clock.kind, due_on });
            }
        }
    }
    all.sort_by_key(|one| (one.due_on, one.evaluation_id));
    Ok(all)
}

fn rules_of<'a>(rules: &'a HashMap<CycleId, Rules>, evaluation: &Evaluation) -> Result<&'a Rules> {
    rules.get(&evaluation.cycle_id).ok_or_else(|| Error::internal("an evaluation without the rules of its cycle"))
}

/// Adds the rules of the cycles of these evaluations that are not there yet.
fn add_rules(conn: &mut Conn, evaluations: &[Evaluation], rules: &mut HashMap<CycleId, Rules>) -> Result<()> {
    let cycles: BTreeSet<CycleId> = evaluations.iter().map(|one| one.cycle_id).collect();
    let cycles: Vec<CycleId> = cycles.into_iter().filter(|id| !rules.contains_key(id)).collect();
    if cycles.is_empty() {
        return Ok(());
    }
    let methodology_of = store::own_course::methodologies_of(conn, &cycles)?;
    let ids: BTreeSet<MethodologyId> = methodology_of.iter().map(|(_, id)| *id).collect();
    let mut limits = HashMap::new();
    for row in store::own_course::methodologies(conn, &ids.into_iter().collect::<Vec<_>>())? {
        limits.insert(row.id, methodologies::document(&row)?.time_limits);
    }
    let since: HashMap<CycleId, NaiveDateTime> =
        store::own_course::reporting_since(conn, &cycles)?.into_iter().collect();
    for (cycle, methodology) in methodology_of {
        let limits = limits.get(&methodology).ok_or_else(|| Error::internal("a cycle's methodology is missing"))?;
        rules.insert(cycle, Rules::new(*limits, since.get(&cycle).copied()));
    }
    Ok(())
}

/// The clocks of the own course of each of these evaluations, as far as they have begun, in the evaluations' order.
fn own_clocks(
    conn: &mut Conn,
    evaluations: &[Evaluation],
    rules: &HashMap<CycleId, Rules>,
    calendar: &WorkCalendar,
    now: DateTime<Utc>,
) -> Result<Vec<Vec<EvaluationClock>>> {
    let ids: Vec<EvaluationId> = evaluations.iter().map(|one| one.id).collect();
    let judges: Vec<JudgeId> = evaluations.iter().map(|one| one.judge_id).collect();
    let away = grouped(store::leaves::pauses_of(conn, &judges)?);
    let moves = grouped(store::own_course::moves(conn, &ids)?.into_iter().map(|one| (one.evaluation_id, one)));
    // Of several the last one counts.
    let wants_hearing: HashMap<_, _> = store::own_course::hearings_wanted(conn, &ids)?.into_iter().collect();
    let served_on: HashMap<_, _> = store::own_course::served_on(conn, &ids)?.into_iter().collect();
    let of_one = |one: &Evaluation| {
        if !EvaluationState::OWN_COURSE.contains(&one.state) && one.state != EvaluationState::Final {
            return Ok(Vec::new());
        }
        let Rules { limits, reporting_since } = rules_of(rules, one)?;
        let moves = moves.get(&one.id).map_or(&[][..], Vec::as_slice);
        let away = stopping(away.get(&one.judge_id).map_or(&[][..], Vec::as_slice), limits);
        let suspended = course::suspensions(moves, limits.utc_offset_minutes);
        let day = |at: NaiveDateTime| date_at(at.and_utc(), limits.utc_offset_minutes);
        let steps = moves.iter().map(|one| CourseStep { act: one.act, on: day(one.moved_at) });
        let wants_hearing = wants_hearing.get(&one.id).copied().unwrap_or(false);
        let course = Course::of(*reporting_since, steps, wants_hearing, served_on.get(&one.id).copied());
        let today = date_at(now, limits.utc_offset_minutes);
        Ok(course.clocks(limits, (&away, &suspended), calendar, today))
    };
    evaluations.iter().map(of_one).collect()
}

fn grouped<K: Eq + Hash, T>(pairs: impl IntoIterator<Item = (K, T)>) -> HashMap<K, Vec<T>> {
    let mut groups: HashMap<K, Vec<T>> = HashMap::new();
    for (key, one) in pairs {
        groups.entry(key).or_default().push(one);
    }
    groups
}

/// The evaluations that are to come for a judge, by the methodology in force, and the day on which they are looked at.
///
/// # Errors
/// 404 where there is no such judge; 409 `methodology_not_in_force` where none is published and in force.
pub fn of_judge(conn: &mut Conn, judge: JudgeId, now: DateTime<Utc>) -> Result<(Vec<Upcoming>, NaiveDate)> {
    let judges = store::careers::judges(conn, &[judge])?;
    if judges.is_empty() {
        return Err(Code::NotFound.into());
    }
    let (_, methodology) = methodologies::in_force(conn, now)?;
    let limits = &methodology.time_limits;
    let today = date_at(now, limits.utc_offset_minutes);
    let careers = store::careers::of(conn, &judges, today)?;
    let career = careers.first().ok_or_else(|| Error::internal("a judge without a career"))?;
    Ok((upcoming(career, limits, today), today))
}
