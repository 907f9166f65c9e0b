//! Who is to be evaluated, and when: after the first year, at the regular interval, on application. Every number comes from
//! the methodology. What a newcomer would get wrong: a judge who is exempt, away or without a post is not left out in
//! silence. The evaluation is named with what stands in its way, so that somebody can look at it.

use chrono::NaiveDate;

use crate::coded;
use crate::domain::calendar::{WorkCalendar, months_after, months_before};
use crate::domain::cycle::EvaluationKind;
use crate::domain::ids::{CycleId, EvaluationRequestId, JudgeId};
use crate::domain::methodology::limits::TimeLimits;
use crate::domain::pauses::{Deadline, Limit, Pause, PauseGround, deadline};
use crate::domain::service::service_years_hundredths;
use crate::domain::spans::Span;

coded! {
    /// What an evaluation is asked for by, outside of the regular order.
    RequestKind {
        /// The judge applies for the personnel reserve.
        Reserve = "reserve",
        /// The judge applies for a higher post.
        Promotion = "promotion",
        /// The judge applies to be a chair.
        Chair = "chair",
        /// An earlier decision asks for it, after training.
        Repeat = "repeat",
        /// The judge wishes it.
        OnRequest = "on_request",
    }
}

impl RequestKind {
    /// The kind of evaluation that it leads to.
    pub fn evaluation(self) -> EvaluationKind {
        match self {
            RequestKind::Reserve => EvaluationKind::Reserve,
            RequestKind::Promotion => EvaluationKind::Promotion,
            RequestKind::Chair => EvaluationKind::Chair,
            RequestKind::Repeat => EvaluationKind::Repeat,
            RequestKind::OnRequest => EvaluationKind::OnRequest,
        }
    }
}

coded! {
    /// From what an evaluation's clock runs.
    Trigger {
        /// From the first appointment.
        Appointment = "appointment",
        /// From the evaluation before.
        EarlierEvaluation = "earlier_evaluation",
        /// From the day of the request.
        Request = "request",
    }
}

coded! {
    /// What stands in the way of an evaluation.
    Obstacle {
        /// The methodology exempts judges of so long a service.
        ExemptByService = "exempt_by_service",
        /// The methodology exempts judges who soon leave office.
        ExemptBeforeLeaving = "exempt_before_leaving",
        /// An earlier evaluation is still valid and serves the request.
        ValidResult = "valid_result",
        /// The judge holds no post.
        NoPost = "no_post",
        /// The judge has no account to be told by.
        NoAccount = "no_account",
        /// The judge is suspended or on leave, and the clock stands still.
        Paused = "paused",
        /// The judge is being evaluated already.
        ActiveEvaluation = "active_evaluation",
    }
}

coded! {
    /// How an evaluation that is to come stands on a day.
    Standing {
        /// Its day is not in this year yet.
        Upcoming = "upcoming",
        /// Its day is in this year, or it was asked for.
        Due = "due",
        /// Its day is past.
        Late = "late",
        /// Something stands in its way.
        Blocked = "blocked",
    }
}

/// What is known of one judge.
#[derive(Debug, Clone)]
pub struct Career {
    /// The judge.
    pub judge_id: JudgeId,
    /// The first appointment.
    pub first_appointed_on: NaiveDate,
    /// The posts, those of the past and those to come included.
    pub posts: Vec<Span>,
    /// Whether the judge holds a post.
    pub is_in_office: bool,
    /// The last day in office, where it is known.
    pub leaves_on: Option<NaiveDate>,
    /// Whether the judge can be told.
    pub has_account: bool,
    /// When the judge is away.
    pub pauses: Vec<Pause>,
    /// When evaluations ended with a result, whatever their kind.
    pub evaluated_on: Vec<NaiveDate>,
    /// The cycle in which the judge is being evaluated.
    pub active: Option<CycleId>,
    /// What was asked for and is open.
    pub requests: Vec<Request>,
}

/// A request for an evaluation.
#[derive(Debug, Clone, Copy)]
pub struct Request {
    /// Its id.
    pub id: EvaluationRequestId,
    /// What for.
    pub kind: RequestKind,
    /// The day on which it was filed.
    pub filed_on: NaiveDate,
    /// From which day on it is to be planned.
    pub due_on: NaiveDate,
}

/// An evaluation that is to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upcoming {
    /// Why the judge is evaluated.
    pub kind: EvaluationKind,
    /// From what its clock runs.
    pub trigger: Trigger,
    /// From which day.
    pub runs_from: NaiveDate,
    /// When it is due, and what stops its clock.
    pub deadline: Deadline,
    /// The request, where there is one.
    pub request_id: Option<EvaluationRequestId>,
    /// What stands in its way.
    pub obstacles: Vec<Obstacle>,
}

impl Upcoming {
    /// How it stands on a day; `year_end` is the last day of the year that is planned for.
    pub fn standing(&self, today: NaiveDate, year_end: NaiveDate) -> Standing {
        match self.deadline.due_on {
            _ if !self.obstacles.is_empty() => Standing::Blocked,
            None => Standing::Blocked,
            // What was asked for waits for the next plan, however long ago that was.
            Some(due_on) if self.trigger == Trigger::Request && due_on <= year_end => Standing::Due,
            Some(due_on) if due_on < today => Standing::Late,
            Some(due_on) if due_on <= year_end => Standing::Due,
            Some(_) => Standing::Upcoming,
        }
    }
}

/// Which pauses stop the clocks of a judge under these limits: each suspension, and leaves that are long enough.
pub fn stopping(pauses: &[Pause], limits: &TimeLimits) -> Vec<Pause> {
    let over = i64::from(limits.leave_pause_over_days.unwrap_or(0));
    let stops = |pause: &&Pause| match pause.ground {
        PauseGround::Suspension => true,
        PauseGround::Leave => pause.days().is_none_or(|days| days > over),
    };
    pauses.iter().filter(stops).copied().collect()
}

/// The evaluations that are to come for a judge: the regular one first, then those that were asked for.
pub fn upcoming(career: &Career, limits: &TimeLimits, today: NaiveDate) -> Vec<Upcoming> {
    let mut all = vec![regular(career, limits, today)];
    let latest = career.evaluated_on.iter().max();
    for request in &career.requests {
        let mut obstacles = obstacles(career, limits, today);
        let is_valid = latest.is_some_and(|day| months_after(*day, limits.validity_months) >= today);
        // Whoever is to be selected is served by an evaluation that is still valid.
        if request.kind.evaluation().is_for_selection() && is_valid {
            obstacles.insert(0, Obstacle::ValidResult);
        }
        all.push(Upcoming {
            kind: request.kind.evaluation(),
            trigger: Trigger::Request,
            runs_from: request.filed_on,
            deadline: Deadline { due_on: Some(request.due_on), pauses: Vec::new() },
            request_id: Some(request.id),
            obstacles,
        });
    }
    all
}

/// The evaluation that is due by the clock alone.
fn regular(career: &Career, limits: &TimeLimits, today: NaiveDate) -> Upcoming {
    let pauses = stopping(&career.pauses, limits);
    // Months know no working days, so the calendar has no say.
    let calendar = WorkCalendar::default();
    let after = |from: NaiveDate, months: u32| deadline(from, Limit::Months(months), &pauses, &calendar);
    let periodic = |trigger: Trigger, runs_from: NaiveDate| {
        let deadline = after(runs_from, limits.periodic_months);
        (EvaluationKind::Periodic, trigger, runs_from, deadline)
    };
    let (kind, trigger, runs_from, deadline) = match career.evaluated_on.iter().max() {
        Some(last) => periodic(Trigger::EarlierEvaluation, *last),
        None => {
            let first = after(career.first_appointed_on, limits.first_year_months);
            // Of whoever has been in office for longer than an interval beyond the first year, no first year is looked at.
            let next = first.due_on.map(|due_on| periodic(Trigger::Appointment, due_on));
            match next {
                Some(next) if next.3.due_on.is_some_and(|due_on| due_on <= today) => next,
                Some(_) | None => (EvaluationKind::FirstYear, Trigger::Appointment, career.first_appointed_on, first),
            }
        }
    };
    let mut obstacles = obstacles(career, limits, today);
    if kind == EvaluationKind::Periodic {
        let due_on = deadline.due_on.unwrap_or(today).max(today);
        if limits
            .exempt_before_leaving_months
            .is_some_and(|months| career.leaves_on.is_some_and(|leaves_on| due_on >= months_before(leaves_on, months)))
        {
            obstacles.insert(0, Obstacle::ExemptBeforeLeaving);
        }
        if limits.exempt_after_service_years.is_some_and(|years| serves_for(career, years, due_on)) {
            obstacles.insert(0, Obstacle::ExemptByService);
        }
    }
    Upcoming { kind, trigger, runs_from, deadline, request_id: None, obstacles }
}

/// Whether a judge has served for so many years on a day: days with a post, of which days of suspension are none.
fn serves_for(career: &Career, years: u32, day: NaiveDate) -> bool {
    let suspended = career.pauses.iter().filter(|pause| pause.ground == PauseGround::Suspension);
    let suspended: Vec<Span> = suspended.map(|pause| (pause.from, pause.to)).collect();
    service_years_hundredths(&career.posts, &suspended, day) >= i64::from(years) * 100
}

/// What stands in the way of any evaluation of a judge today.
pub fn obstacles(career: &Career, limits: &TimeLimits, today: NaiveDate) -> Vec<Obstacle> {
    let is_away = stopping(&career.pauses, limits).iter().any(|pause| pause.holds(today));
    let found = [
        (!career.is_in_office, Obstacle::NoPost),
        (!career.has_account, Obstacle::NoAccount),
        (is_away, Obstacle::Paused),
        (career.active.is_some(), Obstacle::ActiveEvaluation),
    ];
    found.into_iter().filter(|(is_so, _)| *is_so).map(|(_, obstacle)| obstacle).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::methodology::Methodology;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn limits() -> TimeLimits {
        Methodology::standard().unwrap().time_limits
    }

    fn appointed(on: &str) -> Career {
        Career {
            judge_id: JudgeId(uuid::Uuid::nil()),
            first_appointed_on: day(on),
            posts: vec![(day(on), None)],
            is_in_office: true,
            leaves_on: None,
            has_account: true,
            pauses: Vec::new(),
            evaluated_on: Vec::new(),
            active: None,
            requests: Vec::new(),
        }
    }

    fn regular_of(career: &Career) -> (EvaluationKind, Option<String>, Standing) {
        let found = upcoming(career, &limits(), day("2027-01-11")).remove(0);
        let standing = found.standing(day("2027-01-11"), day("2027-12-31"));
        (found.kind, found.deadline.due_on.map(|day| day.to_string()), standing)
    }

    #[test]
    fn the_first_year_then_every_five_years() {
        use EvaluationKind::{FirstYear, Periodic};
        let of = |career: &Career| {
            let (kind, due_on, standing) = regular_of(career);
            (kind, due_on.unwrap(), standing)
        };
        assert_eq!(of(&appointed("2026-06-01")), (FirstYear, "2027-06-01".to_owned(), Standing::Due));
        assert_eq!(of(&appointed("2027-01-05")), (FirstYear, "2028-01-05".to_owned(), Standing::Upcoming));
        assert_eq!(of(&appointed("2025-06-01")), (FirstYear, "2026-06-01".to_owned(), Standing::Late));
        assert_eq!(of(&appointed("2015-03-02")), (Periodic, "2021-03-02".to_owned(), Standing::Late));
        let evaluated = Career { evaluated_on: vec![day("2018-02-01"), day("2022-05-10")], ..appointed("2015-03-02") };
        assert_eq!(of(&evaluated), (Periodic, "2027-05-10".to_owned(), Standing::Due));
    }

    #[test]
    fn long_service_exempts_from_the_periodic_one_as_the_methodology_says_and_suspension_is_no_service() {
        let career = Career { evaluated_on: vec![day("2022-05-10")], ..appointed("2006-01-10") };
        let obstacles =
            |career: &Career, limits: &TimeLimits| upcoming(career, limits, day("2027-01-11")).remove(0).obstacles;
        assert_eq!(obstacles(&career, &limits()), [Obstacle::ExemptByService]);
        let none = TimeLimits { exempt_after_service_years: None, ..limits() };
        assert_eq!(obstacles(&career, &none), []);
        let suspended = Pause { ground: PauseGround::Suspension, from: day("2010-01-01"), to: Some(day("2012-12-31")) };
        assert_eq!(obstacles(&Career { pauses: vec![suspended], ..career.clone() }, &limits()), []);
        // Two years without a post between two posts are no service, whenever the first appointment was.
        let gap = vec![(day("2006-01-10"), Some(day("2012-06-30"))), (day("2014-07-01"), None)];
        assert_eq!(obstacles(&Career { posts: gap, ..career.clone() }, &limits()), []);
        let second = vec![(day("2006-01-10"), Some(day("2012-06-30"))), (day("2012-07-01"), None)];
        assert_eq!(obstacles(&Career { posts: second, ..career.clone() }, &limits()), [Obstacle::ExemptByService]);
        let leaving = Career { leaves_on: Some(day("2027-08-31")), ..appointed("2015-03-02") };
        assert_eq!(obstacles(&leaving, &limits()), []);
        let known = TimeLimits { exempt_before_leaving_months: Some(9), ..limits() };
        assert_eq!(obstacles(&leaving, &known), [Obstacle::ExemptBeforeLeaving]);
    }

    #[test]
    fn a_suspension_and_a_long_leave_stop_the_clock_and_a_short_leave_does_not() {
        let away = |ground, from: &str, to: &str| Pause { ground, from: day(from), to: Some(day(to)) };
        let of = |pause: Pause| regular_of(&Career { pauses: vec![pause], ..appointed("2026-06-01") }).1.unwrap();
        assert_eq!(of(away(PauseGround::Suspension, "2026-08-01", "2026-08-10")), "2027-06-11");
        assert_eq!(of(away(PauseGround::Leave, "2026-08-01", "2026-09-29")), "2027-06-01");
        assert_eq!(of(away(PauseGround::Leave, "2026-08-01", "2026-09-30")), "2027-08-01");
    }

    #[test]
    fn whoever_is_away_without_an_end_is_blocked_and_named() {
        let pause = Pause { ground: PauseGround::Leave, from: day("2026-12-01"), to: None };
        let career = Career { pauses: vec![pause], ..appointed("2026-06-01") };
        assert_eq!(regular_of(&career), (EvaluationKind::FirstYear, None, Standing::Blocked));
        assert_eq!(upcoming(&career, &limits(), day("2027-01-11"))[0].obstacles, [Obstacle::Paused]);
    }

    #[test]
    fn a_valid_result_serves_an_application_and_a_wish_of_the_judge_is_met_anyway() {
        let (filed_on, id) = (day("2027-01-05"), EvaluationRequestId(uuid::Uuid::nil()));
        let request = |kind| Request { id, kind, filed_on, due_on: filed_on };
        let requests = vec![request(RequestKind::Promotion), request(RequestKind::OnRequest)];
        let of = |evaluated_on: &str| {
            let evaluated_on = vec![day(evaluated_on)];
            let career = Career { requests: requests.clone(), evaluated_on, ..appointed("2015-03-02") };
            let found = upcoming(&career, &limits(), day("2027-01-11"));
            found[1..].iter().map(|one| one.standing(day("2027-01-11"), day("2027-12-31"))).collect::<Vec<_>>()
        };
        assert_eq!(of("2025-01-11"), [Standing::Blocked, Standing::Due], "through its last day");
        assert_eq!(of("2025-01-10"), [Standing::Due, Standing::Due]);
    }

    #[test]
    fn a_repeat_after_training_is_planned_for_the_year_in_which_it_is_due() {
        let (filed_on, kind, id) = (day("2027-01-05"), RequestKind::Repeat, EvaluationRequestId(uuid::Uuid::nil()));
        let career = Career {
            requests: vec![Request { id, kind, filed_on, due_on: day("2028-01-05") }],
            ..appointed("2015-03-02")
        };
        let found = upcoming(&career, &limits(), filed_on).remove(1);
        assert_eq!(found.standing(filed_on, day("2027-12-31")), Standing::Upcoming);
        assert_eq!(found.standing(filed_on, day("2028-12-31")), Standing::Due);
        assert_eq!(found.standing(day("2029-02-01"), day("2029-12-31")), Standing::Due);
    }

    #[test]
    fn what_stands_in_the_way_is_all_told() {
        let career = Career { is_in_office: false, has_account: false, ..appointed("2015-03-02") };
        let active = Career { active: Some(CycleId(uuid::Uuid::nil())), ..career };
        let found = upcoming(&active, &limits(), day("2027-01-11")).remove(0);
        assert_eq!(found.obstacles, [Obstacle::NoPost, Obstacle::NoAccount, Obstacle::ActiveEvaluation]);
    }
}
