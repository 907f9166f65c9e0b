//! The references that others computed, through the filter. A newcomer would loosen a tolerance; fractions must be equal,
//! and the rest within 1e-9.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::common::{HEADER, Row, leadership, marks_of, reference, rows};

const TOLERANCE: f64 = 1e-9;

fn assert_same(ours: &Row, theirs: &Row, exact: &[(&str, &str)], close: &[(&str, &str)]) {
    for (mine, other) in exact {
        assert_eq!(ours[*mine], theirs[*other], "{mine} in {ours:?} and {theirs:?}");
    }
    for (mine, other) in close {
        let [ours, theirs] = [&ours[*mine], &theirs[*other]].map(|text| text.parse::<f64>().unwrap());
        assert!((ours - theirs).abs() <= TOLERANCE, "{mine}: {ours} is not {theirs}");
    }
}

fn assert_leadership_agrees(marks: &str, sheets: &str, criteria: &str) {
    let ours: BTreeMap<(String, String), Row> = rows(&[], &leadership(marks))
        .into_iter()
        .map(|row| ((row["subject"].clone(), row["criterion"].clone()), row))
        .collect();
    assert_eq!(ours.len(), 49 * 12);
    for theirs in reference(sheets) {
        let ours = &ours[&(theirs["target"].clone(), String::new())];
        let exact = [("n", "n"), ("g", "g"), ("h", "h"), ("score_num", "T_num"), ("score_den", "T_den"), ("df", "df")];
        let close = [
            ("sigma2", "sigma2"),
            ("sigma2_mod", "sigma2_mod"),
            ("lo", "lo"),
            ("hi", "hi"),
            ("aware_lo", "aware_lo"),
            ("aware_hi", "aware_hi"),
            ("band_lo", "band_lo"),
            ("band_hi", "band_hi"),
            ("res_lo", "res_lo"),
            ("res_hi", "res_hi"),
        ];
        assert_same(ours, &theirs, &exact, &close);
        assert_is_fraction(ours);
    }
    for theirs in reference(criteria) {
        let ours = &ours[&(theirs["target"].clone(), theirs["criterion"].clone())];
        let exact = [("n", "n"), ("score_num", "score_num"), ("score_den", "score_den"), ("df", "df")];
        let close = [
            ("sigma2", "rho2"),
            ("sigma2_mod", "rho2_mod"),
            ("lo", "lo"),
            ("hi", "hi"),
            ("aware_lo", "aware_lo"),
            ("aware_hi", "aware_hi"),
        ];
        assert_same(ours, &theirs, &exact, &close);
        assert_is_fraction(ours);
        assert!(["band_lo", "band_hi", "res_lo", "res_hi"].iter().all(|column| ours[*column].is_empty()));
    }
}

/// The score is the nearest double of its fraction.
fn assert_is_fraction(row: &Row) {
    let [num, den, score] = ["score_num", "score_den", "score"].map(|column| row[column].parse::<f64>().unwrap());
    assert_eq!(score, num / den, "{row:?}");
}

#[test]
fn large_panels_come_out_as_python_and_r_computed_them() {
    assert_leadership_agrees("lq2002_lead.csv", "ref_sheets_lq2002_lead.csv", "ref_criteria_lq2002_lead.csv");
}

#[test]
fn small_panels_come_out_as_python_and_r_computed_them() {
    let [marks, sheets, criteria] =
        ["lq2002_lead_small.csv", "ref_sheets_lq2002_lead_small.csv", "ref_criteria_lq2002_lead_small.csv"];
    assert_leadership_agrees(marks, sheets, criteria);
}

#[test]
fn the_worked_example_comes_out_as_by_hand() {
    let marks = marks_of("judge", "4434 4544 3443 5555 4344 1111 4454 3344 5555 4445");

    let rows = rows(&[], &format!("{HEADER}{marks}"));

    let shown =
        |place: usize, columns: &[&str]| columns.iter().map(|name| rows[place][*name].as_str()).collect::<Vec<_>>();
    let overall = shown(0, &["subject", "criterion", "n", "g", "h", "score_num", "score_den", "score", "status"]);
    assert_eq!(overall, ["judge", "", "10", "2", "6", "95", "24", "3.9583333333333335", "ok"]);
    assert_eq!(shown(0, &["sigma2", "df"]), ["0.22625000000000001", "9"]);
    // B = [3.531, 4.219]: (1 + 3.5 + 3.5 + 3.75 + 3.75 + 4.25 x 3) / 8 and (3.5 + 3.75 x 2 + 4.25 x 3 + 5 x 2) / 8.
    assert_eq!(shown(0, &["band_lo", "band_hi"]), ["3.53125", "4.21875"]);
    let criteria: Vec<_> = (1..5).map(|place| shown(place, &["criterion", "score_num", "score_den"])).collect();
    assert_eq!(criteria, [["A", "23", "6"], ["B", "47", "12"], ["C", "97", "24"], ["D", "4", "1"]]);
}

#[test]
fn reviews_kept_whole_have_the_level_that_python_and_r_computed() {
    for (marks, sheets) in [
        ("lq2002_lead.csv", "ref_sheets_lq2002_lead.csv"),
        ("lq2002_lead_small.csv", "ref_sheets_lq2002_lead_small.csv"),
    ] {
        let ours = rows(&["--estimator", "kept-reviews"], &leadership(marks));
        let levels: BTreeMap<&str, &Row> =
            ours.iter().filter(|row| row["criterion"].is_empty()).map(|row| (row["subject"].as_str(), row)).collect();
        for theirs in reference(sheets) {
            let level = [&theirs["T_num"], &theirs["T_den"]].map(|text| text.parse::<f64>().unwrap());
            let score: f64 = levels[theirs["target"].as_str()]["score"].parse().unwrap();
            assert!((score - level[0] / level[1]).abs() <= TOLERANCE, "{theirs:?}");
        }
    }
}

#[test]
fn reviews_with_equal_keys_share_what_is_set_aside_of_them() {
    let marks = format!("{HEADER}{}", marks_of("judge", "4434 4544 3443 5555 4344 1111 4454 3344 5555 4445"));

    let rows = rows(&["--estimator", "kept-reviews"], &marks);

    // Set aside are 1111, both 5555, and one half each of 3443 and 3344, whose keys are equal: A is (4 x 5 + 3) / 6.
    let scores: Vec<&str> = rows.iter().map(|row| row["score"].as_str()).collect();
    assert_eq!(scores[..2], ["3.9583333333333335", "3.8333333333333335"]);
    assert!(rows.iter().all(|row| row["lo"].is_empty() && row["n"] == "10"));
}

#[test]
fn every_edge_case_has_its_exact_fractions() {
    let path = format!("{}/tests/data/scoring/edge_cases.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let mut by_scale: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        by_scale.entry(format!("{}..{}", case["scale"][0], case["scale"][1])).or_default().push(case);
    }
    let count: usize = by_scale.iter().map(|(scale, cases)| assert_edge_cases(scale, cases)).sum();
    assert!(count > 80, "{count} cases");
}

/// Scores the cases of one scale together: pooling moves no fraction.
fn assert_edge_cases(scale: &str, cases: &[Value]) -> usize {
    let mut marks = HEADER.to_owned();
    for case in cases {
        for (rater, sheet) in case["sheets"].as_array().unwrap().iter().enumerate() {
            for (criterion, mark) in sheet.as_object().unwrap() {
                let mark = mark.as_u64().map_or_else(String::new, |mark| mark.to_string());
                marks.push_str(&format!("{},r{rater},{criterion},{mark}\n", case["id"].as_str().unwrap()));
            }
        }
    }
    let ours = rows(&["--scale", scale], &marks);
    let row = |id: &str, criterion: &str| ours.iter().find(|row| row["subject"] == id && row["criterion"] == criterion);
    for case in cases {
        let (id, expect) = (case["id"].as_str().unwrap(), &case["expect"]);
        let Some(overall) = row(id, "") else {
            assert!(
                case["sheets"].as_array().unwrap().iter().all(|sheet| sheet.as_object().unwrap().is_empty()),
                "{id}"
            );
            continue;
        };
        if expect["status"] == "INSUFFICIENT" {
            let shown: Vec<_> = overall.values().filter(|value| !value.is_empty()).collect();
            assert_eq!(shown, ["insufficient", id], "not even n is shown");
            continue;
        }
        assert_fraction(overall, &expect["T"], id);
        let counts = ["n", "g", "h"].map(|key| (overall[key].clone(), expect[key].to_string()));
        assert!(counts.iter().all(|(ours, theirs)| ours == theirs), "{id}: {counts:?}");
        for (criterion, expect) in expect["criteria"].as_object().unwrap() {
            let ours = row(id, criterion).unwrap();
            if expect["score"].is_null() {
                assert_eq!((ours["status"].as_str(), ours["n"].as_str()), ("insufficient", ""), "{id} {criterion}");
            } else {
                assert_fraction(ours, &expect["score"], id);
            }
        }
    }
    cases.len()
}

fn assert_fraction(row: &Row, expect: &Value, id: &str) {
    assert_eq!(
        [row["score_num"].clone(), row["score_den"].clone()],
        [0, 1].map(|place| expect[place].to_string()),
        "{id}"
    );
}

#[test]
fn every_skating_component_has_its_official_score() {
    let components = reference("isu_components.csv");
    assert_eq!(components.len(), 2_840);
    let mut marks = HEADER.to_owned();
    for (number, row) in components.iter().enumerate() {
        for judge in 1..=9 {
            let mark = &row[&format!("J{judge}")];
            // A judge who left; the union writes 0.0.
            let mark = if mark == "0.0" { "" } else { mark };
            marks.push_str(&format!("{number:04},J{judge},component,{mark}\n"));
        }
    }

    let ours = rows(&["--scale", "0..10", "--step", "0.25", "--estimator", "trimmed:0.2"], &marks);

    let overall: Vec<&Row> = ours.iter().filter(|row| row["criterion"].is_empty()).collect();
    assert_eq!(overall.len(), components.len());
    for (ours, theirs) in overall.iter().zip(&components) {
        let (score, official): (f64, f64) = (ours["score"].parse().unwrap(), theirs["official"].parse().unwrap());
        // Half up; a half of a hundredth is a double exactly, as the denominators are 24 and 28.
        assert_eq!((score * 100.0 + 0.5).floor() as i64, (official * 100.0).round() as i64, "{ours:?} {theirs:?}");
    }
}
