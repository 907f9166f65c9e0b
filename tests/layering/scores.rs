//! What may not enter a score: the review of a judge's acts by higher courts. A newcomer would let a rate of reversal in
//! as one more criterion; the content of decisions is never evaluated.

use super::paths::paths;
use super::source;

/// Where scores are made, recounted and stored.
const SCORING: &[&str] = &[
    "src/bench/scoring",
    "src/cli/score",
    "src/client/recount",
    "src/credential/",
    "src/domain/analysis/",
    "src/domain/scoring/",
    "src/jobs/results",
    "src/store/results",
    "src/workflow/results",
];

/// What holds the review of acts by higher courts, by the module around it and its own name.
const OF_CONTENT: &[[&str; 2]] = &[
    ["api", "acts"],
    ["domain", "acts"],
    ["domain", "derived"],
    ["store", "acts"],
    ["store", "comparisons"],
    ["workflow", "indicators"],
];

/// Uses of what higher courts did with acts, by a file in which scores are made, or names that hide one.
fn content_in_scores(file: &str, code: &str) -> Vec<String> {
    if !SCORING.iter().any(|start| file.starts_with(start)) {
        return Vec::new();
    }
    let hides = |path: &[String]| path.len() == 2 && path[0] == "crate" && path[1] == "domain";
    let is_content = |pair: &[String]| OF_CONTENT.iter().any(|of| pair[0] == of[0] && pair[1] == of[1]);
    let names = |path: &[String]| path.windows(2).any(is_content);
    let breaches = paths(file, code).into_iter().filter(|path| hides(path) || names(path));
    breaches.map(|path| format!("{file}: {}: the review of acts enters no score", path.join("::"))).collect()
}

#[test]
fn nothing_that_scores_knows_what_higher_courts_did_with_acts() {
    let files = source::rust_files("src");
    for start in SCORING {
        assert!(files.iter().any(|file| file.path.starts_with(start)), "{start} is gone");
    }
    let breaches: Vec<_> =
        files.iter().flat_map(|file| content_in_scores(&file.path, &source::code(&file.text))).collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn a_score_that_reaches_for_rates_of_reversal_is_caught() {
    let caught = |file: &str, text: &str| !content_in_scores(file, &source::code(text)).is_empty();
    let rate = "use crate::domain::derived::reviews::ReviewRate;";
    for file in ["src/domain/scoring/rules.rs", "src/workflow/results.rs", "src/cli/score.rs", "src/cli/score/grid.rs"]
    {
        assert!(caught(file, rate), "{file}");
    }
    assert!(caught("src/domain/scoring/mod.rs", "use crate::domain::{ids, acts::ReviewCounts};"));
    assert!(caught("src/domain/scoring/mod.rs", "use crate::domain;"));
    assert!(caught("src/jobs/results.rs", "use crate::store; fn f() { store::acts::list() }"));
    assert!(!caught("src/api/judge_indicators.rs", rate));
    assert!(!caught("src/domain/scoring/mod.rs", "use super::rules::Rules;"));
}
