//! Rules and panels as the tests of scoring write them. A newcomer would write `0` for "no basis" here; it is `NO`.

use ejf::domain::scoring::rules::{Criterion, NO_BASIS, Panel, PublishStep, RuleValues, Rules, Scale};
use ejf::domain::scoring::{CycleScores, PanelScore, score_cycle};
use std::collections::BTreeMap;

/// "No basis to judge".
pub const NO: u8 = NO_BASIS;

/// What a methodology says with the default counts: criteria given as (weight, items), named `c1`, `c2` …
pub fn values(scale: (u8, u8), criteria: &[(u32, usize)]) -> RuleValues {
    let numbered = criteria.iter().zip(1..);
    RuleValues {
        scale: Scale { min: scale.0, max: scale.1, step: 1 },
        criteria: numbered
            .map(|(&(weight, items), number)| Criterion { code: format!("c{number}"), weight, items })
            .collect(),
        display_min: 5,
        decision_min: 10,
        kept_min: 6,
        publish_step: PublishStep::Quarter,
        expected_hundredths: (i64::from(scale.0) + i64::from(scale.1)) * 50,
    }
}

/// The checked rules of [`values`].
pub fn rules(scale: (u8, u8), criteria: &[(u32, usize)]) -> Rules {
    Rules::new(values(scale, criteria)).unwrap()
}

/// Rules with so many criteria of one item and weight 1.
pub fn plain(scale: (u8, u8), criteria: usize) -> Rules {
    rules(scale, &vec![(1, 1); criteria])
}

/// A panel of these rows.
pub fn panel(rules: &Rules, rows: &[Vec<u8>]) -> Panel {
    Panel::new(rules, rows.concat()).unwrap()
}

/// The scores of a cycle whose subjects have these rows.
pub fn score(rules: &Rules, subjects: &[Vec<Vec<u8>>]) -> CycleScores {
    let panels: Vec<Panel> = subjects.iter().map(|rows| panel(rules, rows)).collect();
    score_cycle(rules, &panels).unwrap()
}

/// The score of a cycle of one subject.
pub fn score_one(rules: &Rules, rows: &[Vec<u8>]) -> PanelScore {
    score(rules, &[rows.to_vec()]).panels.remove(0)
}

/// Rows written as digits, one review a word, `-` for "no basis".
pub fn rows(digits: &str) -> Vec<Vec<u8>> {
    let mark = |byte: u8| if byte == b'-' { NO } else { byte - b'0' };
    digits.split_whitespace().map(|review| review.bytes().map(mark).collect()).collect()
}

/// The rows of a file of reference data, each a value by column.
pub fn read(file: &str) -> Vec<BTreeMap<String, String>> {
    let path = format!("{}/tests/data/scoring/{file}", env!("CARGO_MANIFEST_DIR"));
    csv::Reader::from_path(path).unwrap().deserialize().map(Result::unwrap).collect()
}

/// The leadership file's complete reviews by target.
pub fn leadership_reviews(file: &str) -> BTreeMap<u32, Vec<Vec<u8>>> {
    let mut subjects: BTreeMap<u32, Vec<Vec<u8>>> = BTreeMap::new();
    for row in read(file) {
        let marks = (1..=11).map(|number| row[&format!("LEAD{number:02}")].parse().unwrap()).collect();
        subjects.entry(row["target"].parse().unwrap()).or_default().push(marks);
    }
    subjects
}

/// The same numbers, but off by no more than `tolerance`.
pub fn near(ours: f64, theirs: f64, tolerance: f64, what: &str) {
    assert!((ours - theirs).abs() <= tolerance, "{what}: {ours} is not {theirs}");
}
