//! `ejf score reliability`: the cycle's figures about itself. A newcomer would test the formulas here; they are held
//! against others' numbers in `scoring`, and these tests are about what reaches the reader.

use std::process::Command;

use serde_json::Value;

use crate::common::{HEADER, leadership, marks_of, score};

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
