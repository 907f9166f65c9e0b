//! Every figure against the one that another program computed or a sports federation published. A newcomer would
//! loosen a tolerance; fractions must be equal, and the rest within 1e-9.

use crate::common::{NO, leadership_reviews, panel, plain, read, rows, rules, score, score_one};
use ejf::domain::scoring::comparison::compare;
use ejf::domain::scoring::constants::{dishonesty_allowance, student_t};
use ejf::domain::scoring::fraction::Fraction;
use ejf::domain::scoring::rules::{Panel, answered_min};
use ejf::domain::scoring::{CycleScores, Status, score_cycle};
use serde_json::Value;
use std::collections::BTreeMap;

const TOLERANCE: f64 = 1e-9;

fn close(ours: f64, row: &BTreeMap<String, String>, column: &str) {
    let theirs: f64 = row[column].parse().unwrap();
    assert!((ours - theirs).abs() <= TOLERANCE, "{column}: {ours} is not {theirs} in {row:?}");
}

fn fraction(row: &BTreeMap<String, String>, name: &str) -> (i64, i64) {
    (row[&format!("{name}_num")].parse().unwrap(), row[&format!("{name}_den")].parse().unwrap())
}

fn pair(fraction: Fraction) -> (i64, i64) {
    (fraction.num(), fraction.den())
}

/// The scores of a leadership file by target, and its criteria's names.
fn leadership(file: &str) -> (CycleScores, Vec<String>) {
    let criteria: Vec<String> = (1..=11).map(|number| format!("LEAD{number:02}")).collect();
    (score(&plain((1, 5), 11), &leadership_reviews(file).into_values().collect::<Vec<_>>()), criteria)
}

fn assert_levels_agree(marks: &str, reference: &str) {
    let (scores, _) = leadership(marks);
    let references = read(reference);
    assert_eq!(references.len(), 49);
    for (ours, theirs) in scores.panels.iter().zip(&references) {
        let overall = ours.overall.unwrap();
        assert_eq!(ours.n.to_string(), theirs["n"]);
        assert_eq!(overall.level.set_aside.to_string(), theirs["g"]);
        assert_eq!(overall.level.kept.to_string(), theirs["h"]);
        assert_eq!(pair(overall.level.score), fraction(theirs, "T"));
        assert_eq!(overall.level.score.text(), theirs["T_2dp"]);
        assert_eq!(overall.certainty.freedom.to_string(), theirs["df"]);
        close(overall.level.variance.value(), theirs, "sigma2");
        close(overall.certainty.moderated_variance, theirs, "sigma2_mod");
        close(overall.certainty.ordinary.lo, theirs, "lo");
        close(overall.certainty.ordinary.hi, theirs, "hi");
        close(overall.certainty.aware.lo, theirs, "aware_lo");
        close(overall.certainty.aware.hi, theirs, "aware_hi");
        close(overall.level.resilience_lo.value(), theirs, "band_lo");
        close(overall.level.resilience_hi.value(), theirs, "band_hi");
        close(overall.resilience.lo, theirs, "res_lo");
        close(overall.resilience.hi, theirs, "res_hi");
        let reach = (ours.n - overall.level.set_aside) as f64;
        let quantile = student_t(overall.certainty.freedom).unwrap();
        close(dishonesty_allowance(ours.n).unwrap() + quantile / reach.sqrt(), theirs, "K");
    }
}

fn assert_criteria_agree(marks: &str, reference: &str) {
    let (scores, criteria) = leadership(marks);
    let references = read(reference);
    assert_eq!(references.len(), 49 * 11);
    for (place, theirs) in references.iter().enumerate() {
        let ours = scores.panels[place / 11].criteria[place % 11];
        let (profile, certainty) = ours.figures.unwrap();
        assert_eq!(criteria[place % 11], theirs["criterion"]);
        assert_eq!(ours.n.to_string(), theirs["n"]);
        assert_eq!(pair(profile.difference()), fraction(theirs, "P"));
        assert_eq!(pair(profile.score), fraction(theirs, "score"));
        assert_eq!(profile.score.text(), theirs["score_2dp"]);
        assert_eq!(certainty.freedom.to_string(), theirs["df"]);
        close(profile.variance.value(), theirs, "rho2");
        close(certainty.moderated_variance, theirs, "rho2_mod");
        close(certainty.ordinary.lo, theirs, "lo");
        close(certainty.ordinary.hi, theirs, "hi");
        close(certainty.aware.lo, theirs, "aware_lo");
        close(certainty.aware.hi, theirs, "aware_hi");
    }
}

#[test]
fn levels_of_large_panels_agree_with_python_and_r() {
    assert_levels_agree("lq2002_lead.csv", "ref_sheets_lq2002_lead.csv");
}

#[test]
fn levels_of_small_panels_agree_with_python_and_r() {
    assert_levels_agree("lq2002_lead_small.csv", "ref_sheets_lq2002_lead_small.csv");
}

#[test]
fn criteria_of_large_panels_agree_with_python_and_r() {
    assert_criteria_agree("lq2002_lead.csv", "ref_criteria_lq2002_lead.csv");
}

#[test]
fn criteria_of_small_panels_agree_with_python_and_r() {
    assert_criteria_agree("lq2002_lead_small.csv", "ref_criteria_lq2002_lead_small.csv");
}

#[test]
fn every_edge_case_has_its_exact_fractions() {
    let path = format!("{}/tests/data/scoring/edge_cases.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let cases: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(cases.len(), 83);
    for case in &cases {
        assert_edge_case(case);
    }
}

fn assert_edge_case(case: &Value) {
    let id = &case["id"];
    let scale = (case["scale"][0].as_u64().unwrap() as u8, case["scale"][1].as_u64().unwrap() as u8);
    let sheets = case["sheets"].as_array().unwrap();
    let number = |code: &String| code.trim_start_matches('c').parse::<usize>().unwrap();
    let criteria = sheets.iter().flat_map(|sheet| sheet.as_object().unwrap().keys().map(number)).max().unwrap_or(1);
    let mark = |sheet: &Value, number: usize| sheet[format!("c{number}")].as_u64().map_or(NO, |mark| mark as u8);
    let row = |sheet: &Value| (1..=criteria).map(|number| mark(sheet, number)).collect::<Vec<u8>>();

    let ours = score_one(&plain(scale, criteria), &sheets.iter().map(row).collect::<Vec<_>>());

    let expect = &case["expect"];
    assert_eq!(ours.n as u64, expect["n"].as_u64().unwrap(), "{id}");
    if expect["status"] == "INSUFFICIENT" {
        assert_eq!((ours.status, ours.overall, ours.criteria.len()), (Status::Insufficient, None, 0), "{id}");
        return;
    }
    let level = ours.overall.unwrap().level;
    assert_eq!(ours.status, if ours.n < 10 { Status::Indicative } else { Status::Ok }, "{id}");
    assert_eq!(level.set_aside as u64, expect["g"].as_u64().unwrap(), "{id}");
    assert_eq!(level.kept as u64, expect["h"].as_u64().unwrap(), "{id}");
    assert_eq!(pair(level.score), as_pair(&expect["T"]), "{id}");
    assert_eq!(level.score.text(), expect["text"].as_str().unwrap(), "{id}");
    assert_eq!(level.variance.lowest_terms(), as_wide_pair(&expect["sigma2"]), "{id}");
    assert_eq!(pair(level.resilience_lo), as_pair(&expect["band"][0]), "{id}");
    assert_eq!(pair(level.resilience_hi), as_pair(&expect["band"][1]), "{id}");
    assert_eq!(ours.criteria.len(), expect["criteria"].as_object().unwrap().len(), "{id}");
    for (code, expect) in expect["criteria"].as_object().unwrap() {
        let ours = &ours.criteria[number(code) - 1];
        assert_eq!(ours.n as u64, expect["n"].as_u64().unwrap(), "{id} {code}");
        let Some((profile, _)) = ours.figures else {
            assert!(expect["score"].is_null(), "{id} {code}");
            continue;
        };
        assert_eq!(pair(profile.difference()), as_pair(&expect["P"]), "{id} {code}");
        assert_eq!(pair(profile.score), as_pair(&expect["score"]), "{id} {code}");
        assert_eq!(profile.score.text(), expect["text"].as_str().unwrap(), "{id} {code}");
        assert_eq!(profile.variance.lowest_terms(), as_wide_pair(&expect["rho2"]), "{id} {code}");
    }
}

fn as_pair(value: &Value) -> (i64, i64) {
    (value[0].as_i64().unwrap(), value[1].as_i64().unwrap())
}

fn as_wide_pair(value: &Value) -> (i128, i128) {
    let (num, den) = as_pair(value);
    (num.into(), den.into())
}

#[test]
fn the_worked_example_comes_out_as_by_hand() {
    let ours = score_one(&plain((1, 5), 4), &rows("4434 4544 3443 5555 4344 1111 4454 3344 5555 4445"));

    let level = ours.overall.unwrap().level;
    assert_eq!((pair(level.score), level.score.text().as_str()), ((95, 24), "3.96"));
    assert_eq!((level.set_aside, level.kept), (2, 6));
    assert_eq!(level.variance.lowest_terms(), (181, 800));
    assert_eq!((level.resilience_lo.text().as_str(), level.resilience_hi.text().as_str()), ("3.53", "4.22"));
    let scores: Vec<_> = ours.criteria.iter().map(|criterion| pair(criterion.figures.unwrap().0.score)).collect();
    assert_eq!(scores, [(23, 6), (47, 12), (97, 24), (4, 1)]);
    assert_eq!(pair(ours.criteria[0].figures.unwrap().0.difference()), (-1, 8));
}

#[test]
fn the_worked_example_has_its_plain_mean_inside_only() {
    let rules = plain((1, 5), 4);
    let panel = panel(&rules, &rows("4434 4544 3443 5555 4344 1111 4454 3344 5555 4445"));

    let comparison = compare(&rules, &panel).unwrap().unwrap();

    assert_eq!(pair(comparison.mean), (153, 40));
}

#[test]
fn every_skating_component_has_its_official_score() {
    let rules = plain((0, 40), 1);
    let components = read("isu_components.csv");
    assert_eq!(components.len(), 2_840);
    for row in components {
        let quarters = |judge: usize| (row[&format!("J{judge}")].parse::<f64>().unwrap() * 4.0) as u8;
        let marks = (1..=9).map(quarters).map(|mark| if mark == 0 { NO } else { mark }).collect();

        let comparison = compare(&rules, &Panel::new(&rules, marks).unwrap()).unwrap().unwrap();

        let quarters = comparison.criteria[0].unwrap();
        let official: f64 = row["official"].parse().unwrap();
        assert_eq!(Fraction::new(quarters.num(), quarters.den() * 4).text(), format!("{official:.2}"), "{row:?}");
    }
}

#[test]
fn the_trimmed_means_for_comparison_agree_with_scipy() {
    let rules = plain((1, 5), 11);
    let subjects = leadership_reviews("lq2002_lead.csv");
    let references = read("ref_panels_lq2002_lead.csv");
    assert_eq!(references.len(), 49 * 11);
    for (subject, theirs) in subjects.into_values().zip(references.chunks_exact(11)) {
        let comparison = compare(&rules, &panel(&rules, &subject)).unwrap().unwrap();

        let mean = theirs.iter().map(|row| row["mean"].parse::<f64>().unwrap()).sum::<f64>() / 11.0;
        assert!((comparison.mean.value() - mean).abs() <= TOLERANCE);
        for (ours, theirs) in comparison.criteria.iter().zip(theirs) {
            close(ours.unwrap().value(), theirs, "tmean20");
        }
    }
}

#[test]
fn a_criterion_of_three_items_counts_from_two_answers() {
    let rules = rules((1, 5), &[(1, 3), (1, 3)]);
    let reviews = rows("445 3-4 4-- 555 1-1 --2 444 333 --- --- 5-5 4-4 234 ---");
    let reviews: Vec<Vec<u8>> = reviews.chunks_exact(2).map(<[_]>::concat).collect();

    let ours = score_one(&rules, &reviews);

    // Keys: (13/3 + 7/2) / 2 = 47/12; 5 alone; 1 alone; (4 + 3) / 2 = 7/2; none; (5 + 4) / 2 = 9/2; 3 alone.
    assert_eq!((ours.n, ours.status), (6, Status::Indicative));
    assert_eq!(pair(ours.overall.unwrap().level.score), (179, 48));
    assert_eq!((ours.criteria[0].n, ours.criteria[1].n), (5, 4));
    // Differences of the first: 5/12, 0, 1/2, 1/2, 0; one a side set aside.
    assert_eq!(pair(ours.criteria[0].figures.unwrap().0.difference()), (11, 36));
    assert_eq!(ours.criteria[1].figures, None);
}

#[test]
fn exactly_half_of_the_items_is_enough() {
    assert_eq!([1, 2, 3, 4, 5, 6].map(answered_min), [1, 1, 2, 2, 3, 3]);

    let ours = score_one(&rules((1, 5), &[(1, 4)]), &rows("44-- 3-3- --55 4--- 4444 3333"));

    assert_eq!(ours.n, 5);
}

#[test]
fn weights_pull_the_key_and_only_their_ratio_counts() {
    let reviews = rows("52 52 52 52 52");
    let weighted = score_one(&rules((1, 5), &[(2, 1), (1, 1)]), &reviews);
    let scaled = score_one(&rules((1, 5), &[(40, 1), (20, 1)]), &reviews);

    assert_eq!(pair(weighted.overall.unwrap().level.score), (4, 1));
    assert_eq!(scaled, weighted);
}

#[test]
fn a_cycle_without_a_scored_panel_scores_nothing() {
    let rules = plain((1, 5), 2);

    let scores = score_cycle(&rules, &[panel(&rules, &rows("44 -- 55"))]).unwrap();

    assert_eq!((scores.panels[0].status, scores.panels[0].n), (Status::Insufficient, 2));
    assert_eq!(scores.panels[0].overall, None);
}
