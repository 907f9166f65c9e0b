//! The demonstration, as its users run it. Panels differ between two runs, as the service draws them by a seed of its
//! own; every figure must be the same all the same.
#![allow(clippy::indexing_slicing, clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

#[path = "api/harness/key_pool.rs"]
mod key_pool;

use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use ejf::credential::key_source::KeySource;
use ejf::demo::trace::Trace;
use ejf::demo::{Demo, JUDGES_MIN, Options};
use serde_json::Value;

const SEED: u64 = 7;

fn demo(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_ejf")).arg("demo").args(arguments).output().unwrap()
}

/// The server of the suite's run on PostgreSQL; the demonstration makes and drops schemas of its own there.
#[allow(clippy::disallowed_methods, reason = "the tests' own variable, which the product never reads")]
fn server_url() -> Option<String> {
    std::env::var("EJF_TEST_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

/// Run in this process, with keys made before.
async fn played_here() -> Value {
    let keys = key_pool::deal(usize::from(JUDGES_MIN));
    let options = Options { seed: SEED, judges: JUDGES_MIN, database_url: server_url(), trace: Trace::Off };
    let demo = Demo::play(&options, KeySource::Dealt(Arc::new(Mutex::new(keys)))).await.unwrap();
    assert!(demo.surprises().is_empty(), "{:?}", demo.surprises());
    let table = demo.table();
    assert!(table.contains("S010") && table.contains("insufficient data"), "{table}");
    assert!(table.contains("found \"fit\"") && table.contains("5 votes of 5, 4 of them judges"), "{table}");
    let played = demo.json();
    demo.close().await;
    played
}

/// Run as a command, which makes its keys.
fn played_as_command() -> (Value, String) {
    let output = demo(&["--judges", "10", "--seed", "7", "--json", "--trace"]);
    let remarks = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{remarks}");
    (serde_json::from_slice(&output.stdout).unwrap(), remarks)
}

fn statuses(played: &Value) -> Vec<&str> {
    let results = played["results"].as_array().unwrap();
    results.iter().map(|line| line["result"]["status"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_seed_gives_the_same_figures_and_every_call_can_be_repeated() {
    let first = played_here().await;
    let (second, calls) = tokio::task::spawn_blocking(played_as_command).await.unwrap();
    assert_eq!(first["results"], second["results"]);
    assert_eq!(first["decision"], second["decision"]);
    assert_eq!(first["decision"]["outcome"], "fit");
    assert_eq!(first["decision"]["extract"], "valid", "what is final can be proved to others");
    let days = ["served_on", "appeal_until", "in_force_on", "valid_until"].map(|day| first["decision"][day].as_str());
    assert!(days.is_sorted() && days[0].is_some(), "{days:?}");
    assert_eq!(statuses(&first), ["ok", "ok", "ok", "insufficient", "ok", "ok", "indicative", "ok", "ok", "ok"]);
    for part in ["making_keys_seconds", "submitting_blind_reviews_seconds", "altogether_seconds"] {
        assert!(first["timings"][part].is_number(), "{part} in {}", first["timings"]);
    }
    for part in [
        "log_in() { TOKEN=$(curl",
        "/v1/courts\"",
        "/draw\"",
        "/confirm\"",
        "/results\"",
        "/report-service\"",
        "/responses\"",
        "/votes\"",
        "/finalise\"",
        "-H \"Authorization: Bearer $TOKEN\"",
    ] {
        assert!(calls.contains(part), "{part} in the calls");
    }
}

#[test]
fn a_number_of_judges_or_a_database_that_cannot_be_is_refused() {
    for arguments in [["--judges", "9"], ["--judges", "501"], ["--database-url", "sqlite:///tmp/demo.db"]] {
        assert_eq!(demo(&arguments).status.code(), Some(2), "{arguments:?}");
    }
}
