//! What options do, and what does not change a byte. A newcomer would compare parsed numbers; bytes are compared.

use std::io::Read;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{HEADER, leadership, marks_of, parse, rows, score};

const WORKED: &str = "4434 4544 3443 5555 4344 1111 4454 3344 5555 4445";

fn worked() -> String {
    format!("{HEADER}{}", marks_of("judge", WORKED))
}

/// The lines behind the header in another order, the same for the same stride.
fn shuffled(marks: &str, stride: usize) -> String {
    let (header, body) = marks.split_at(HEADER.len());
    let lines: Vec<&str> = body.lines().collect();
    let places = (0..lines.len()).map(|place| (place * stride + 7) % lines.len());
    let lines: Vec<&str> = places.map(|place| lines[place]).collect();
    format!("{header}{}\n", lines.join("\n"))
}

#[test]
fn the_order_of_lines_and_of_columns_changes_no_byte() {
    let marks = leadership("lq2002_lead_small.csv");
    let lines = marks.lines().count() - 1;
    let plain = score(&[], &marks).stdout;
    for stride in [2_501, 7_919, 104_729] {
        assert!(!lines.is_multiple_of(stride) && stride % 11 != 0);
        assert!(score(&[], &shuffled(&marks, stride)).stdout == plain, "stride {stride}");
    }
    let turned: String =
        marks.lines().map(|line| format!("{}\n", line.split(',').rev().collect::<Vec<_>>().join(","))).collect();
    assert!(score(&[], &turned).stdout == plain, "another order of columns");
}

#[test]
fn json_says_the_same_as_csv() {
    let marks = format!("{}{}", worked(), marks_of("few", "44 45 34"));
    let csv = rows(&[], &marks);

    let json: Vec<Value> = serde_json::from_slice(&score(&["--format", "json"], &marks).stdout).unwrap();

    assert_eq!(json.len(), csv.len());
    for (object, row) in json.iter().zip(&csv) {
        let object = object.as_object().unwrap();
        assert_eq!(object.len(), row.len());
        for (name, text) in row {
            match &object[name] {
                Value::Null => assert_eq!(text, "", "{name}"),
                Value::String(value) => assert_eq!(text, value, "{name}"),
                // The reader of the tests rounds doubles loosely.
                number => assert!((number.as_f64().unwrap() - text.parse::<f64>().unwrap()).abs() < 1e-12, "{name}"),
            }
        }
    }
}

#[test]
fn rows_are_sorted_and_a_subject_with_too_few_reviews_shows_its_status_alone() {
    let marks = format!("{HEADER}{}{}", marks_of("b", "44 45 34 55 43 4-"), marks_of("a", "44 45 34 55"));

    let output = String::from_utf8(score(&[], &marks).stdout).unwrap();

    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(
        lines[0],
        "subject,criterion,n,g,h,score_num,score_den,score,sigma2,sigma2_mod,df,lo,hi,aware_lo,aware_hi,band_lo,band_hi,res_lo,res_hi,status"
    );
    let nothing = ",".repeat(17);
    assert_eq!(lines[1..4], ["", "A", "B"].map(|criterion| format!("a,{criterion}{nothing},insufficient")));
    let rows = parse(output.as_bytes());
    let counts: Vec<(&str, &str)> = rows[3..].iter().map(|row| (row["n"].as_str(), row["status"].as_str())).collect();
    assert_eq!(counts, [("6", "indicative"), ("6", "indicative"), ("5", "indicative")]);
}

#[test]
fn weights_pull_the_score_and_only_their_ratio_counts() {
    let folder = tempfile::tempdir().unwrap();
    let marks = format!("{HEADER}{}", marks_of("s", "52 52 52 52 52"));
    let scored = |weights: &str| {
        let file = folder.path().join("weights.csv");
        std::fs::write(&file, weights).unwrap();
        let row = rows(&["--weights", file.to_str().unwrap()], &marks).remove(0);
        (row["score_num"].clone(), row["score_den"].clone())
    };

    assert_eq!(scored("criterion,weight\nA,2\nB,1\nC,9\n"), ("4".to_owned(), "1".to_owned()));
    assert_eq!(scored("criterion,weight\nB,20\nA,40\n"), ("4".to_owned(), "1".to_owned()));
}

#[test]
fn another_estimator_gives_its_score_and_its_interval_where_it_has_one() {
    let mean = rows(&["--estimator", "mean"], &worked()).remove(0);
    let huber = rows(&["--estimator", "huber"], &worked()).remove(0);

    assert_eq!(mean["score"].parse::<f64>().unwrap(), 3.825);
    assert!(!mean["lo"].is_empty() && mean["aware_lo"].is_empty() && mean["score_num"].is_empty());
    assert!(!huber["score"].is_empty() && huber["lo"].is_empty());
}

#[test]
fn a_lower_confidence_narrows_every_interval_about_the_same_score() {
    let usual = rows(&[], &worked());
    let lower = rows(&["--confidence", "0.8"], &worked());
    for (usual, lower) in usual.iter().zip(&lower) {
        let width = |row: &crate::common::Row, lo: &str, hi: &str| {
            row[hi].parse::<f64>().unwrap() - row[lo].parse::<f64>().unwrap()
        };
        assert_eq!(usual["score"], lower["score"]);
        for (lo, hi) in [("lo", "hi"), ("aware_lo", "aware_hi")] {
            assert!(width(lower, lo, hi) < width(usual, lo, hi));
        }
    }
    // t at 0.8 and 0.95 with 9 degrees of freedom: 1.383 and 2.262.
    let half = |row: &crate::common::Row| row["hi"].parse::<f64>().unwrap() - row["score"].parse::<f64>().unwrap();
    assert!((half(&lower[0]) / half(&usual[0]) - 1.383 / 2.262).abs() < 5e-4);
}

#[test]
fn a_standard_adds_the_verdict_and_whether_it_depends_on_no_few_reviews() {
    let verdicts = |reviews: &str| {
        let row = rows(&["--expected", "3"], &format!("{HEADER}{}", marks_of("s", reviews))).remove(0);
        (row["verdict"].clone(), row["resilient"].clone())
    };

    let ten_fours = "4444 ".repeat(10);
    assert_eq!(verdicts(&ten_fours), ("above".to_owned(), "true".to_owned()));
    // Without the two lowest the mean would be above the standard, without the two highest below it.
    let torn = format!("{}1111 1111 5555 5555", "4343 ".repeat(6));
    assert_eq!(verdicts(&torn), ("above".to_owned(), "false".to_owned()));
}

#[test]
fn what_may_be_published_is_words_or_a_coarse_grid_and_nothing_else() {
    let marks = format!("{}{}{}", worked(), marks_of("few", "44 45 34"), marks_of("some", "5555 5555 5555 5555 5555"));

    let rows = rows(&["--publish"], &marks);

    let empty = [
        "g",
        "h",
        "score_num",
        "score_den",
        "sigma2",
        "sigma2_mod",
        "df",
        "lo",
        "hi",
        "band_lo",
        "band_hi",
        "res_lo",
        "res_hi",
    ];
    for row in &rows {
        assert!(empty.iter().all(|column| row[*column].is_empty()), "{row:?}");
        assert!(!row.contains_key("resilient"));
        let figures = ["score", "aware_lo", "aware_hi"].map(|column| row[column].as_str());
        assert!(
            figures.iter().filter(|text| !text.is_empty()).all(|text| text.parse::<f64>().unwrap() * 4.0 % 1.0 == 0.0)
        );
        assert_eq!(figures[0].is_empty(), row["status"] != "ok", "{row:?}");
    }
    let of = |subject: &str| rows.iter().filter(|row| row["subject"] == subject).collect::<Vec<_>>();
    assert_eq!((of("few").len(), of("few")[0]["verdict"].as_str()), (1, ""));
    assert_eq!((of("some").len(), of("some")[0]["verdict"].as_str(), of("some")[0]["n"].as_str()), (1, "above", ""));
    assert_eq!((of("judge").len(), of("judge")[0]["score"].as_str()), (5, "4"));
}

#[test]
fn a_reader_who_has_seen_enough_is_no_fault() {
    let marks = leadership("lq2002_lead.csv");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("marks.csv");
    std::fs::write(&file, marks).unwrap();
    for format in ["csv", "json"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ejf"));
        command.args(["score", "--format", format]).arg(&file).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        drop(child.stdout.take());

        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();

        assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""));
    }
}

#[test]
fn no_marks_give_no_rows() {
    assert_eq!(rows(&[], HEADER).len(), 0);
    assert_eq!(score(&["--format", "json"], HEADER).stdout, b"[\n]\n");
}
