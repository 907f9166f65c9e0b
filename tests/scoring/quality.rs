//! How reviewers used the form: each count on a cycle small enough to count by hand. A newcomer would look for the
//! subject behind a flag; there is none to find.

use crate::common::{leadership_reviews, near, read, rows};
use ejf::domain::analysis::quality::{
    Flagged, ceiling, flagged, halo, identical, levels, pressure, straight_lines, straight_lines_at_the_top,
};
use ejf::domain::analysis::report::{Marks, Report};
use ejf::domain::analysis::{Figure, Panel, Sheet, Unknown, key};
use serde_json::{Value, json};

const SCALE: Marks = Marks { min: 1.0, max: 5.0, step: 1.0 };

/// Reviews written as digits, one a word, `-` for "no basis".
fn sheets(digits: &str) -> Panel {
    let mark = |mark: &u8| (*mark != crate::common::NO).then(|| f64::from(*mark));
    rows(digits).iter().map(|row| row.iter().map(mark).collect::<Sheet>()).collect()
}

fn cycle(panels: &[&str]) -> Vec<Panel> {
    panels.iter().map(|digits| sheets(digits)).collect()
}

fn keys(panels: &[Panel]) -> Vec<Vec<f64>> {
    panels.iter().map(|panel| panel.iter().filter_map(key).collect()).collect()
}

#[test]
fn the_ceiling_is_the_share_of_highest_marks_among_those_given() {
    assert_eq!(ceiling(&cycle(&["55 5-", "41"]), 5.0), Ok(0.6));
    assert_eq!(ceiling(&cycle(&["--"]), 5.0), Err(Unknown::TooFew { what: "marks", needed: 1, found: 0 }));
}

#[test]
fn a_straight_line_takes_two_answers_and_no_difference() {
    let panels = cycle(&["444 4-4 4-- 445", "555 333 5-5 -5-"]);

    let (all, top) = (straight_lines(&panels).unwrap(), straight_lines_at_the_top(&panels, 5.0).unwrap());

    assert_eq!((all.reviews, all.share), (6, 5.0 / 6.0));
    assert_eq!((top.reviews, top.share), (6, 2.0 / 6.0));
    assert_eq!(
        straight_lines(&cycle(&["4- -5"])).unwrap_err().to_string(),
        "needs at least 1 reviews of two answers, found 0"
    );
}

#[test]
fn a_panel_with_far_more_straight_lines_than_the_cycle_is_counted() {
    let ordinary = "44 45 34 54 43 12 45 32 54 45";
    let strange = "44 44 44 55 33 44 44 55 45 33";
    let mut panels = vec![ordinary; 19];
    panels.push(strange);
    panels.push("55 55 55 55");

    let excess = straight_lines(&cycle(&panels)).unwrap();

    // 19 + 9 + 4 of 204; nine of ten is far beyond that rate, and four reviews are too few to be tested alone.
    assert_eq!((excess.reviews, excess.share), (204, 32.0 / 204.0));
    assert_eq!((excess.panels_tested, excess.panels_flagged), (20, 1));
    near(excess.by_chance_at_most, 0.2, 1e-12, "by chance");
}

#[test]
fn identical_reviews_are_twins_in_one_panel_and_no_straight_lines() {
    let panels = cycle(&["435 435 444 444 345", "435 43- 43-"]);

    let twins = identical(&panels).unwrap();

    assert_eq!((twins.reviews, twins.share), (8, 4.0 / 8.0));
}

#[test]
fn the_halo_index_is_the_spread_within_reviews_against_the_cycles() {
    // Variances within reviews: 2 and 2; 0.5 and 0.5. Their mean is 1.25, and one review of two answers is too few.
    let indices = halo(&cycle(&["35 35", "45 34", "5- 44"])).unwrap();

    assert_eq!(indices, [0.5 / 1.25, 2.0 / 1.25]);
    assert_eq!(halo(&cycle(&["44 55"])), Err(Unknown::NoVariation));
}

#[test]
fn the_direction_of_pressure_is_counted_by_subject() {
    let retaliated = "44 44 44 44 44 44 44 44 11 11";
    let befriended = "33 33 33 33 33 33 33 33 55 55";
    let quiet = "33 33 44 44 55 55 44 44";
    let panels = cycle(&[retaliated, retaliated, retaliated, befriended, quiet, "11 55 44 33"]);

    let pressure = pressure(&keys(&panels)).unwrap();

    // Four reviews have no score; 3 3 4 4 4 4 5 5 has the mean 4 in its middle and in all.
    assert_eq!((pressure.above, pressure.below, pressure.equal), (3, 1, 1));
    near(pressure.p, 0.625, 1e-12, "two-sided sign test of 3 in 4");
}

#[test]
fn levels_in_floats_agree_with_the_exact_ones() {
    let reviews = leadership_reviews("lq2002_lead_small.csv");
    let mean = |row: &Vec<u8>| row.iter().map(|mark| f64::from(*mark)).sum::<f64>() / 11.0;
    let keys: Vec<Vec<f64>> = reviews.values().map(|rows| rows.iter().map(mean).collect()).collect();

    let levels = levels(&keys, 0.0);

    for (level, theirs) in levels.iter().zip(read("ref_sheets_lq2002_lead_small.csv")) {
        let column = |name: &str| theirs[name].parse::<f64>().unwrap();
        near(level.unwrap().score, column("T_num") / column("T_den"), 1e-9, "score");
        near(level.unwrap().deviation.powi(2), column("sigma2_mod"), 1e-9, "variance");
    }
}

#[test]
fn a_review_far_from_the_level_is_counted_and_changes_nothing() {
    let panels = cycle(&["4434 4544 3443 4444 4344 1111 4454 3344 5444 4445"; 3]);
    let keys = keys(&panels);

    assert_eq!(flagged(&keys, 0.0), Ok(Flagged { reviews: 30, flagged: 3 }));
    assert_eq!(
        flagged(&[vec![1.0; 4]], 0.1).unwrap_err().to_string(),
        "needs at least 1 reviews of subjects with five, found 0"
    );
    // All equal, so that only the floor of rounding is left to compare with: nothing is far.
    assert_eq!(flagged(&[vec![3.0; 6]], 1.0 / 12.0), Ok(Flagged { reviews: 6, flagged: 0 }));
}

#[test]
fn the_report_gives_every_figure_or_its_reason() {
    let panels = cycle(&["445 454 344 555 434 --- 44-", "333 323 433 334 324", "545 554 455"]);

    let report = serde_json::to_value(Report::of(panels, SCALE)).unwrap();

    let counts = ["subjects", "reviews", "complete_reviews", "marks"].map(|name| report[name].as_u64().unwrap());
    assert_eq!(counts, [3, 14, 13, 41]);
    for part in ["agreement", "spread", "quality"] {
        for (name, figure) in report[part].as_object().unwrap() {
            assert!(!figure.is_null(), "{part}.{name}");
        }
    }
    assert_eq!(report["agreement"]["alpha_criteria"].as_array().unwrap().len(), 3);
    assert!(report["agreement"]["icc_1"].as_f64().unwrap() > 0.5);
    assert_eq!(report["quality"]["straight_lines"]["share"], json!(3.0 / 14.0));
    assert_eq!(report["outlook"]["panels"].as_array().unwrap().len(), 7);
}

#[test]
fn a_report_on_nothing_says_so_in_every_place() {
    let report = serde_json::to_value(Report::of(cycle(&["--- ---"]), SCALE)).unwrap();

    assert_eq!(report["subjects"], 0);
    assert_eq!(
        report["agreement"]["icc_1"],
        json!({"unknown": "too_few", "what": "subjects", "needed": 2, "found": 0})
    );
    assert_eq!(report["outlook"]["unknown"], "too_few");
    assert_eq!(report["quality"]["pressure"]["unknown"], "too_few");
    assert_no_number(&report["agreement"]);
    assert_no_number(&report["spread"]);
}

/// Every figure is an object that says why it is none.
fn assert_no_number(part: &Value) {
    for (name, figure) in part.as_object().unwrap() {
        assert!(figure["unknown"].is_string() || figure == &json!([]), "{name}: {figure}");
    }
}

#[test]
fn one_criterion_has_its_outlook_from_keys() {
    let report = Report::of(cycle(&["4 4 5 4 4", "2 3 2 2 3", "3 3 4 3 3"]), SCALE);

    let Figure::Known(outlook) = report.outlook else { panic!("no outlook") };

    assert_eq!(outlook.from, "keys");
    assert_eq!(outlook.reviews_mean, 5.0);
    assert!(matches!(report.variance, Figure::Unknown(Unknown::TooFew { what: "criteria", .. })));
}
