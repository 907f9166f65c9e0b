//! `ejf score reliability`: the cycle's figures about itself. A newcomer would test the formulas here; they are held
//! against others' numbers in `scoring`, and these tests are about what reaches the reader.

use std::process::Command;

use serde_json::Value;

use crate::common::{HEADER, Row, leadership, marks_of, reference, score};

fn figures(marks: &str) -> Value {
    // `reliability` comes before the options and the file.
    let output = score(&["reliability"], marks);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn the_leadership_data_has_the_figures_that_r_prints() {
    let figures = figures(&leadership("lq2002_lead.csv"));

    assert_eq!((&figures["subjects"], &figures["reviews"]), (&49.into(), &2042.into()));
    assert_eq!(figures["criteria"].as_array().unwrap().len(), 11);
    let agreement = |name: &str| figures["agreement"][name].as_f64().unwrap();
    assert!((agreement("icc_1") - 0.08796).abs() < 1e-3, "{figures}");
    assert!((agreement("cronbach_alpha") - 0.9022).abs() < 5e-5, "{figures}");
}

#[test]
fn marks_of_named_raters_have_the_textbooks_two_way_correlations_under_any_names() {
    let rows = reference("shrout_fleiss_1979.csv");
    let marks = |rater: fn(usize) -> usize| {
        let line =
            |row: &Row, judge: usize| format!("{},r{},A,{}\n", row["target"], rater(judge), row[&format!("J{judge}")]);
        let lines = rows.iter().flat_map(|row| (1..=4).map(move |judge| line(row, judge)));
        std::iter::once(HEADER.to_owned()).chain(lines).collect::<String>()
    };
    let linked = |marks: &str| {
        let output = score(&["reliability", "--scale", "1..10"], marks);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["linked"].clone()
    };

    let figures = linked(&marks(|judge| judge));

    let printed = |name: &str| format!("{:.2}", figures[name].as_f64().unwrap());
    assert_eq!((printed("icc_2"), printed("icc_2_k")), ("0.29".to_owned(), "0.62".to_owned()));
    assert_eq!((&figures["needs_named_raters"], &figures["raters"]), (&true.into(), &4.into()));
    assert_eq!(linked(&marks(|judge| 9 - judge)), figures);
}

#[test]
fn severity_is_that_of_the_authors_of_p_913_and_names_nobody() {
    let path = format!("{}/tests/data/scoring/p913_sample_data.csv", env!("CARGO_MANIFEST_DIR"));
    let mut marks = HEADER.to_owned();
    for (subject, line) in std::fs::read_to_string(path).unwrap().lines().enumerate() {
        for (rater, mark) in line.split(',').enumerate() {
            let mark = mark.strip_suffix(".0").unwrap_or("");
            marks.push_str(&format!("{subject:02},{rater},A,{mark}\n"));
        }
    }
    let mut severity: Vec<f64> = Vec::new();
    for row in reference("p913_expected.csv").iter().filter(|row| row["what"] == "bias_i") {
        severity.push(row["value"].parse().unwrap());
    }
    severity.sort_unstable_by(f64::total_cmp);

    let linked = &figures(&marks)["linked"];

    for (place, quarter) in [0, 6, 12, 18, 25].into_iter().enumerate() {
        let ours = linked["severity"][place].as_f64().unwrap();
        assert!((ours - severity[quarter]).abs() < 1e-9, "{linked}");
    }
    assert_eq!(linked["icc_2"]["unknown"], "too_few", "a mark is missing: {linked}");
}

#[test]
fn raters_who_share_no_subject_have_no_linked_figures() {
    let linked = &figures(&leadership("lq2002_lead.csv"))["linked"];

    for name in ["icc_2", "icc_2_k", "severity", "inconsistency", "standard_error"] {
        assert_eq!(linked[name]["unknown"], "too_few", "{linked}");
    }
}

#[test]
fn a_figure_that_cannot_be_had_says_why() {
    let figures = figures(&format!("{HEADER}{}", marks_of("s", "44 45")));

    assert_eq!(figures["agreement"]["icc_1"]["unknown"], "too_few", "{figures}");
}

#[test]
fn nobody_is_named_and_the_order_of_lines_counts_for_nothing() {
    let marks = leadership("lq2002_lead_small.csv");
    let mut lines: Vec<&str> = marks.lines().skip(1).collect();
    lines.reverse();

    let forth = score(&["reliability"], &marks).stdout;
    let back = score(&["reliability"], &format!("{HEADER}{}\n", lines.join("\n"))).stdout;

    assert_eq!(forth, back);
    let text = String::from_utf8(forth).unwrap();
    assert!(!text.contains("\"r12\"") && !text.contains("subject_"), "{text}");
}

#[test]
fn an_option_of_the_filter_is_none_of_the_figures() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_ejf")).args(["score", "reliability", "-", "--publish"]).output().unwrap();

    assert_eq!(output.status.code(), Some(2));
}
