//! What lies beneath a published image must not move a pixel. A newcomer would trust the types alone; here panels are scored
//! that differ in their marks and are published alike, and their figures are compared byte for byte.

use std::collections::BTreeMap;

use ejf::credential::tally::scoring_rules;
use ejf::domain::methodology::Methodology;
use ejf::domain::scoring::document::document;
use ejf::domain::scoring::gate::release;
use ejf::domain::scoring::publication::publish;
use ejf::domain::scoring::rules::{NO_BASIS, Panel, Rules};
use ejf::domain::scoring::score_cycle;
use ejf::figures::result_figure::{Shown, draw};
use ejf::figures::svg;
use ejf::texts::Language;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::reading::Figure;
use crate::results::written;

/// What is published of a panel, and its figure in each language.
fn published(rules: &Rules, methodology: &Methodology, rows: &[Vec<u8>]) -> (String, Vec<String>) {
    let panel = Panel::new(rules, rows.concat()).unwrap();
    let scores = score_cycle(rules, &[panel]).unwrap();
    let sealed = document(rules, &["s".to_owned()], &scores).unwrap();
    let released = release(publish(rules, &sealed.subjects[0]).unwrap(), "digest", &[]).unwrap();
    let figures =
        Language::ALL.map(|language| svg::write(&draw(methodology, Shown::Release(&released), language).unwrap()));
    (released.text().unwrap(), figures.to_vec())
}

/// Reviews as people write them: a mark for the judge, and items that seldom differ from it by one or have none.
fn reviews() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let item = |level: u8| prop_oneof![8 => Just(level), 1 => Just((level + 1).min(5)), 1 => Just((level - 1).max(1)), 1 => Just(NO_BASIS)];
    let review = (2..=5u8).prop_flat_map(move |level| proptest::collection::vec(item(level), 15));
    proptest::collection::vec(review, 3..=14)
}

#[test]
fn panels_that_are_published_alike_are_drawn_alike_and_others_are_not() {
    let methodology = Methodology::standard().unwrap();
    let rules = scoring_rules(&methodology, "judge-1").unwrap();
    let mut runner = TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mut seen: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut alike = 0;
    for _ in 0..300 {
        let rows = reviews().new_tree(&mut runner).unwrap().current();
        let mut changed = rows.clone();
        // One reviewer's one mark is another, and the reviews lie in another order.
        changed[0][0] = if changed[0][0] == 3 { 4 } else { 3 };
        changed.reverse();
        for rows in [rows, changed] {
            let (image, figures) = published(&rules, &methodology, &rows);
            match seen.get(&image) {
                Some(before) => {
                    alike += usize::from(image.contains("\"status\":\"ok\""));
                    assert_eq!(*before, figures, "{image}");
                }
                None => drop(seen.insert(image, figures)),
            }
        }
    }
    assert!(alike > 20, "only {alike} panels with figures were published alike");
    let images = seen.len();
    let mut figures: Vec<&String> = seen.values().map(|figures| &figures[0]).collect();
    figures.sort_unstable();
    figures.dedup();
    assert_eq!(figures.len(), images, "two images with one figure: it does not show all that was published");
}

#[test]
fn a_figure_says_no_number_that_its_release_does_not() {
    let methodology = Methodology::standard().unwrap();
    let rules = scoring_rules(&methodology, "judge-1").unwrap();
    let config = Config { cases: 64, failure_persistence: None, ..Config::default() };
    TestRunner::new(config)
        .run(&reviews(), |rows| {
            let (image, figures) = published(&rules, &methodology, &rows);
            let mut numbers: Vec<i64> = Vec::new();
            collect(&serde_json::from_str(&image).unwrap(), &mut numbers);
            for (language, svg) in Language::ALL.into_iter().zip(&figures) {
                let read = Figure::read(svg);
                read.inspect(language);
                let is_released = |text: &String| {
                    let whole = |number: &i64| *text == number.to_string() || *text == written(*number, language);
                    numbers.iter().any(whole)
                        || (!numbers.is_empty() && (1..=5).any(|mark: i64| *text == mark.to_string()))
                };
                prop_assert!(read.numbers().iter().all(is_released), "{:?} of {image}", read.numbers());
            }
            Ok(())
        })
        .unwrap();
}

/// All numbers anywhere in a value.
fn collect(value: &serde_json::Value, numbers: &mut Vec<i64>) {
    match value {
        serde_json::Value::Number(number) => numbers.extend(number.as_i64()),
        serde_json::Value::Array(parts) => parts.iter().for_each(|part| collect(part, numbers)),
        serde_json::Value::Object(parts) => parts.values().for_each(|part| collect(part, numbers)),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::String(_) => {}
    }
}
