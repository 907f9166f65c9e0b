//! Every fault of an input is told with its line, and nothing is written then. A newcomer would skip a line that cannot be
//! read; a mark that is left out changes a judge's score.

use std::process::Command;

use crate::common::{HEADER, marks_of, refusal};

#[test]
fn each_fault_is_told_with_its_line() {
    let good = marks_of("s", "44 45 34 55 43");
    for (bad, told) in [
        ("s,r9,A,6", "\"6\" is no mark of the scale 1..5"),
        ("s,r9,A,4.5", "\"4.5\" is no mark"),
        ("s,r9,A,NA", "\"NA\" is no mark"),
        ("s,r0,A,4", "the rater marked \"s\" on \"A\" before, on line 2"),
        ("s,r0,A,", "the rater marked \"s\" on \"A\" before, on line 2"),
        (",r9,A,4", "the subject is empty"),
        ("s,,A,4", "the rater is empty"),
        ("s,r9,,4", "the criterion is empty"),
        ("s,r9,A", "3 fields where the header has 4"),
        ("s,r9,A,4,4", "5 fields where the header has 4"),
    ] {
        let marks = format!("{HEADER}{good}{bad}\n");

        let told_of = refusal(&[], &marks);

        let line = marks.lines().count();
        assert!(told_of.starts_with(&format!("ejf: -, line {line}: ")) && told_of.contains(told), "{bad}: {told_of}");
        assert_eq!(told_of.lines().count(), 1, "{told_of}");
    }
}

#[test]
fn the_header_names_four_columns_and_no_other() {
    for header in [
        "subject,rater,criterion",
        "subject,rater,criterion,mark,comment",
        "subject,rater,criterion,score",
        "subject;rater;criterion;mark",
        "subject,rater,criterion,criterion",
        "",
    ] {
        let told = refusal(&[], &format!("{header}\ns,r,A,4\n"));
        assert!(
            told.contains("line 1: the header must name the columns subject,rater,criterion,mark"),
            "{header}: {told}"
        );
    }
}

#[test]
fn all_faults_are_told_at_once_up_to_twenty() {
    let marks = format!("{HEADER}{}", "s,r,A,9\n".repeat(30));

    assert_eq!(refusal(&[], &marks).lines().count(), 20);
}

#[test]
fn options_that_contradict_each_other_or_the_disclosure_rules_are_refused() {
    for options in [
        &["--scale", "5..1"][..],
        &["--scale", "1..5", "--step", "3"],
        &["--min-show", "4"],
        &["--min-decide", "4"],
        &["--min-decide", "9", "--publish"],
        &["--publish", "--estimator", "mean"],
        &["--publish", "--confidence", "0.5"],
        &["--publish", "--step", "0.5"],
        &["--expected", "7"],
        &["--expected", "3", "--estimator", "mean"],
        &["--confidence", "1"],
        &["--estimator", "trimmed"],
        &["--estimator", "average"],
    ] {
        let _told = refusal(options, &format!("{HEADER}s,r,A,4\n"));
    }
}

#[test]
fn a_review_too_many_for_the_constants_and_a_criterion_too_many_are_refused() {
    let many = marks_of("s", &"4 ".repeat(129));
    assert!(refusal(&[], &format!("{HEADER}{many}")).contains("\"s\" has more than 128 reviews"));

    let wide = marks_of("s", &"4".repeat(21));
    assert!(refusal(&[], &format!("{HEADER}{wide}")).contains("line 22: one criterion more than the 20"));
}

#[test]
fn weights_that_lack_a_criterion_or_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("weights.csv");
    for (weights, told) in [
        ("criterion,weight\nA,1\n", "no weight for \"B\""),
        ("criterion,weight\nA,1\nB,0.5\n", "line 3: \"0.5\" is no whole number from 1 to 10000"),
        ("criterion,weight\nA,1\nA,2\n", "line 3: \"A\" has a weight already"),
        ("code,weight\nA,1\n", "line 1: the header must be criterion,weight"),
    ] {
        std::fs::write(&file, weights).unwrap();
        let told_of = refusal(&["--weights", file.to_str().unwrap()], &format!("{HEADER}{}", marks_of("s", "44")));
        assert!(told_of.contains(told), "{told_of}");
    }
}

#[test]
fn a_file_that_is_not_there_is_a_wrong_use() {
    let output = Command::new(env!("CARGO_BIN_EXE_ejf")).args(["score", "/nowhere/marks.csv"]).output().unwrap();

    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().starts_with("ejf: /nowhere/marks.csv cannot be read: "));
}
