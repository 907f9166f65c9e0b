//! The moves and guards of a cycle, each legal one and each illegal one.

use super::*;
use crate::domain::calendar::WorkCalendar;
use crate::domain::methodology::limits::SupplementaryRound;
use crate::domain::reading::Gaps;

type Spoiling = (&'static str, fn(&mut Facts));

fn setting() -> (Methodology, CycleDates) {
    let methodology = Methodology::standard().unwrap();
    let dates = CycleDates::derive(&methodology, "2026-12-07".parse().unwrap(), &WorkCalendar::default());
    (methodology, dates)
}

/// Facts under which every guard is met on a given day.
fn settled(today: chrono::NaiveDate) -> Facts {
    Facts {
        today,
        round: 1,
        subjects_count: 10,
        packs_undrawn: 0,
        packs_unfrozen: Vec::new(),
        is_methodology_in_force: true,
        last_notice_on: None,
        challenges_open: 0,
        pools_too_small: 0,
        subjects_without_post: Vec::new(),
        is_draw_replayed: true,
        is_manifest_published: true,
        ledgers_missing: 0,
        gates_undecided: 0,
        is_checkpoint_published: true,
        is_result_stored: true,
        subjects_short: 1,
        recounts_equal: 2,
        complaints_proven: 0,
        sealed_on: None,
        evaluations_open: 0,
    }
}

fn first_day_to_leave(phase: Phase, dates: &CycleDates) -> chrono::NaiveDate {
    match phase {
        Phase::Draft | Phase::Closed | Phase::Cancelled => dates.starts_on,
        Phase::Announced => dates.file_review_open,
        Phase::FileReview => days_after(dates.file_review_close, 1),
        Phase::PoolReview => days_after(dates.pool_challenge_close, 1),
        Phase::Drawn => dates.issue_open,
        Phase::Issuance => dates.submit_open,
        Phase::Submission => days_after(dates.submit_close, 1),
        Phase::Sealed | Phase::Reporting => days_after(dates.challenge_close, 1),
    }
}

/// The one hint of a refusal: its key with its facts.
fn hint(error: Error) -> String {
    match error {
        Error::Refused(refusal) => {
            assert_eq!(refusal.hints.len(), 1, "{:?}", refusal.hints);
            refusal.hints[0].to_string()
        }
        other => panic!("{other}"),
    }
}

#[test]
fn phases_have_the_names_of_the_design() {
    let names: Vec<&str> = Phase::ALL.iter().map(|phase| phase.as_str()).collect();
    let expected =
        "draft announced file_review pool_review drawn issuance submission sealed reporting closed cancelled";
    assert_eq!(names, expected.split(' ').collect::<Vec<_>>());
    for phase in Phase::ALL {
        assert_eq!(serde_json::to_value(phase).unwrap(), phase.as_str());
        assert_eq!(phase.as_str().parse(), Ok(*phase));
    }
    assert!("open".parse::<Phase>().is_err());
}

#[test]
fn evaluation_kinds_have_the_names_of_the_design() {
    let names: Vec<&str> = EvaluationKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names, ["first_year", "periodic", "reserve", "promotion", "chair", "repeat", "on_request"]);
    for kind in EvaluationKind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert_eq!(kind.as_str().parse(), Ok(*kind));
    }
}

#[test]
fn of_all_pairs_of_phases_only_the_listed_moves_are_legal() {
    let legal: Vec<(Phase, Phase)> = (Phase::ALL.iter())
        .flat_map(|from| Phase::ALL.iter().map(move |to| (*from, *to)))
        .filter(|(from, to)| may_move(*from, *to).is_ok())
        .collect();
    let mut expected: Vec<(Phase, Phase)> = (0..9).map(|n| (Phase::ALL[n], Phase::ALL[n + 1])).collect();
    expected.extend((0..8).map(|n| (Phase::ALL[n], Phase::Cancelled)));
    expected.sort_unstable();
    assert_eq!(legal, expected);
}

#[test]
fn every_refusal_names_a_move_that_would_help_or_says_that_none_does() {
    for from in Phase::ALL {
        for to in Phase::ALL {
            let Err(error) = may_move(*from, *to) else { continue };
            assert_eq!(error.code(), Code::WrongPhase);
            let hint = hint(error);
            let helps = from.next().map_or("phase_is_last".to_owned(), |next| format!("next={next}"));
            assert!(hint.contains(&helps) || from == to, "{from:?} to {to:?}: {hint}");
            assert!(hint.contains(&format!("phase={from}")), "{hint}");
        }
    }
}

#[test]
fn opening_drawing_sealing_closing_and_cancelling_need_two_persons() {
    let two: Vec<(&str, &str)> = (MOVES.iter())
        .filter(|step| step.needs_two_persons() && step.course != Course::Cancelling)
        .map(|step| (step.from.as_str(), step.to.as_str()))
        .collect();
    let others = [("draft", "announced"), ("pool_review", "drawn"), ("submission", "sealed"), ("reporting", "closed")];
    assert_eq!(two, others);
    assert!(MOVES.iter().filter(|step| step.course == Course::Cancelling).all(Move::needs_two_persons));
}

#[test]
fn a_settled_cycle_goes_through_all_its_phases_by_date_and_no_day_sooner() {
    let (methodology, dates) = setting();
    let mut phase = Phase::Draft;
    while let Some(next) = phase.next() {
        let step = may_move(phase, next).unwrap();
        let today = first_day_to_leave(phase, &dates);
        assert_eq!(unmet_guards(step, &settled(today), &dates, &methodology), Vec::<Hint>::new(), "{phase:?}");
        let yesterday = settled(today.pred_opt().unwrap());
        let is_dated = !matches!(phase, Phase::Draft | Phase::Reporting);
        let unmet = unmet_guards(step, &yesterday, &dates, &methodology);
        assert_eq!(unmet.len(), usize::from(is_dated), "{phase:?}: {unmet:?}");
        phase = next;
    }
    assert_eq!(phase, Phase::Closed);
}

#[test]
fn each_guard_alone_stops_its_move_and_says_what_to_do() {
    let (methodology, dates) = setting();
    let spoilings: &[(Phase, &[Spoiling])] = &[
        (
            Phase::Draft,
            &[
                ("methodology_not_in_force", |facts| facts.is_methodology_in_force = false),
                ("subjects_too_few count=9 least=10", |facts| facts.subjects_count = 9),
                ("start_is_past day=2026-12-07", |facts| facts.today = "2026-12-08".parse().unwrap()),
            ],
        ),
        (
            Phase::Announced,
            &[("notices_late day=2027-01-02", |facts| facts.last_notice_on = "2027-01-03".parse().ok())],
        ),
        (Phase::FileReview, &[("reading_acts_undrawn count=2", |facts| facts.packs_undrawn = 2)]),
        (
            Phase::PoolReview,
            &[
                ("challenges_open count=1", |facts| facts.challenges_open = 1),
                ("pools_too_small count=1", |facts| facts.pools_too_small = 1),
            ],
        ),
        (
            Phase::Drawn,
            &[
                ("draw_not_replayed", |facts| facts.is_draw_replayed = false),
                (
                    "reading_pack_unfrozen judge=00000000-0000-0000-0000-000000000000 texts=2 checks=1 objections=0",
                    |facts| {
                        let gaps = Gaps { texts_missing: 2, texts_unchecked: 1, objections_open: 0 };
                        facts.packs_unfrozen = vec![PackGap { judge: JudgeId(uuid::Uuid::nil()), gaps }];
                    },
                ),
                ("manifest_not_published", |facts| facts.is_manifest_published = false),
            ],
        ),
        (
            Phase::Issuance,
            &[
                ("ledgers_missing count=1", |facts| facts.ledgers_missing = 1),
                ("gates_undecided count=1", |facts| facts.gates_undecided = 1),
            ],
        ),
        (
            Phase::Submission,
            &[
                ("manifest_not_published", |facts| facts.is_manifest_published = false),
                ("ledgers_missing count=1", |facts| facts.ledgers_missing = 1),
            ],
        ),
        (
            Phase::Sealed,
            &[
                ("checkpoint_not_published", |facts| facts.is_checkpoint_published = false),
                ("results_not_stored", |facts| facts.is_result_stored = false),
                ("recounts_missing count=1", |facts| facts.recounts_equal = 1),
                ("recounts_missing count=2", |facts| facts.recounts_equal = 0),
                ("complaints_proven count=1", |facts| facts.complaints_proven = 1),
            ],
        ),
        (
            Phase::Reporting,
            &[
                ("evaluations_open count=1", |facts| facts.evaluations_open = 1),
                ("complaints_proven count=1", |facts| facts.complaints_proven = 1),
            ],
        ),
    ];
    for (phase, spoilings) in spoilings {
        let step = may_move(*phase, phase.next().unwrap()).unwrap();
        for (told, spoil) in *spoilings {
            let mut facts = settled(first_day_to_leave(*phase, &dates));
            spoil(&mut facts);
            let error = check_guards(step, &facts, &dates, &methodology).unwrap_err();
            assert_eq!(error.code(), Code::GuardNotMet);
            assert_eq!(hint(error), *told, "{phase:?}");
        }
    }
}

#[test]
fn a_late_seal_does_not_shorten_the_days_for_complaints() {
    let (methodology, dates) = setting();
    let mut facts = settled(days_after(dates.challenge_close, 1));
    let step = may_move(Phase::Sealed, Phase::Reporting).unwrap();
    facts.sealed_on = Some(dates.seal_by);
    assert!(check_guards(step, &facts, &dates, &methodology).is_ok());
    facts.sealed_on = Some(days_after(dates.seal_by, 1));
    assert!(check_guards(step, &facts, &dates, &methodology).is_err());
    facts.today = days_after(facts.today, 1);
    assert!(check_guards(step, &facts, &dates, &methodology).is_ok());
}

#[test]
fn all_unmet_guards_are_told_at_once() {
    let (methodology, dates) = setting();
    let mut facts = settled(dates.starts_on);
    (facts.subjects_count, facts.is_methodology_in_force) = (0, false);
    let step = may_move(Phase::Draft, Phase::Announced).unwrap();
    let keys: Vec<&str> = unmet_guards(step, &facts, &dates, &methodology).into_iter().map(|hint| hint.key).collect();
    assert_eq!(keys, ["methodology_not_in_force", "subjects_too_few"]);
}

#[test]
fn a_sealed_cycle_is_cancelled_only_over_a_broken_promise_and_a_closed_one_stays_closed() {
    for from in [Phase::Reporting, Phase::Closed] {
        assert_eq!(may_move(from, Phase::Cancelled).unwrap_err().code(), Code::WrongPhase, "{from}");
    }
    let (methodology, dates) = setting();
    let step = may_move(Phase::Sealed, Phase::Cancelled).unwrap();
    for round in [1, 2] {
        let mut facts = settled(dates.seal_by);
        facts.round = round;
        let unmet = unmet_guards(step, &facts, &dates, &methodology);
        assert_eq!(unmet.iter().map(|hint| hint.key).collect::<Vec<_>>(), ["sealed_stands"]);
        facts.complaints_proven = 1;
        assert_eq!(unmet_guards(step, &facts, &dates, &methodology), []);
    }
    assert!(may_move(Phase::Closed, Phase::Reporting).is_err());
}

#[test]
fn cancelling_waits_for_no_fact() {
    let (methodology, dates) = setting();
    let mut facts = settled(dates.starts_on);
    facts.challenges_open = 5;
    let step = may_move(Phase::FileReview, Phase::Cancelled).unwrap();
    assert!(check_guards(step, &facts, &dates, &methodology).is_ok());
}

#[test]
fn a_supplementary_round_begins_once_where_it_is_provided_and_somebody_is_short() {
    let (mut methodology, dates) = setting();
    methodology.supplementary = Some(SupplementaryRound { panel_size: 8, reserve_size: 8, issued_min: 6 });
    let day = days_after(dates.challenge_close, 1);
    check_guards(SUPPLEMENT, &settled(day), &dates, &methodology).unwrap();
    let spoilings: &[Spoiling] = &[
        ("supplement_only_once", |facts| facts.round = 2),
        ("results_not_stored", |facts| facts.is_result_stored = false),
        ("nobody_is_short", |facts| facts.subjects_short = 0),
        ("complaints_proven", |facts| facts.complaints_proven = 1),
        ("wait_until_over", |facts| facts.today = days_before(facts.today, 1)),
        ("wait_until_over", |facts| facts.sealed_on = Some(facts.today)),
    ];
    for (expected, spoil) in spoilings {
        let mut facts = settled(day);
        spoil(&mut facts);
        let told = hint(check_guards(SUPPLEMENT, &facts, &dates, &methodology).unwrap_err());
        assert!(told.starts_with(expected), "{told} for {expected}");
    }
    methodology.supplementary = None;
    let told = hint(check_guards(SUPPLEMENT, &settled(day), &dates, &methodology).unwrap_err());
    assert!(told.starts_with("supplement_not_provided"), "{told}");
    assert!(may_move(Phase::Sealed, Phase::Drawn).is_err(), "it is no move that a draw could make");
}

#[test]
fn a_cycle_whose_first_round_is_sealed_is_not_cancelled() {
    let (methodology, dates) = setting();
    let unsealed = MOVES.iter().filter(|step| step.course == Course::Cancelling && step.from != Phase::Sealed);
    for step in unsealed {
        let mut facts = settled(dates.starts_on);
        check_guards(step, &facts, &dates, &methodology).unwrap();
        facts.round = 2;
        let told = hint(check_guards(step, &facts, &dates, &methodology).unwrap_err());
        assert!(told.starts_with("sealed_round_stands"), "{told}");
    }
}
