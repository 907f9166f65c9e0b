//! The measurement, as its users run it, in its quick form. What a newcomer would get wrong: no figure is held to a bound
//! here, as the machine that runs the tests does other things besides.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::process::{Command, Output};

use serde_json::Value;

fn bench(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ejf")).arg("bench").args(arguments).output().unwrap()
}

#[test]
fn every_operation_stands_beside_its_limit() {
    let output = bench(&["--quick", "--json"]);
    let remarks = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{remarks}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let comparisons = report["comparisons"].as_array().unwrap();
    let operations: Vec<&str> = comparisons.iter().map(|row| row["operation"].as_str().unwrap()).collect();
    let expected = [
        "log-in",
        "file read, summary",
        "file read, full",
        "file read, printed",
        "observation write",
        "import, a value",
        "review submit",
        "list page, large",
    ];
    assert_eq!(operations, expected);
    for row in comparisons {
        for limit in row["limits"].as_array().unwrap() {
            assert!(limit["ratio"].as_f64().unwrap() > 0.0, "{row}");
        }
        assert!(row["service"]["best_per_second"].as_f64().unwrap() > 0.0, "{row}");
        assert!(!row["limits"].as_array().unwrap().is_empty(), "{row}");
    }
    for figure in [
        "verification_micros",
        "verifications_per_second",
        "blind_signatures_per_core_second",
        "issuer_keys_per_core_second",
        "aggregation_seconds",
        "aggregation_against_reading",
        "scoring_cpu_seconds",
        "scoring_cost_against_half",
        "scoring_all_cores_seconds",
    ] {
        assert!(report["singles"][figure].as_f64().unwrap() > 0.0, "{figure} in {}", report["singles"]);
    }
}

#[test]
fn what_the_box_would_refuse_is_not_measured() {
    for arguments in [["--connections", "65"], ["--requests", "0"], ["--database-url", "sqlite:///tmp/bench.db"]] {
        assert_eq!(bench(&arguments).status.code(), Some(2), "{arguments:?}");
    }
}
