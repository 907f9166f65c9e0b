//! What the committed methodologies hold, and what forms and the engine get of one.

use super::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn the_default_has_the_instrument_of_the_design() {
    let methodology = Methodology::standard().unwrap();
    assert_eq!((methodology.criteria.len(), methodology.items.len(), methodology.statements.len()), (6, 18, 24));
    assert_eq!(methodology.items_of("judge-1").unwrap().len(), 15);
    assert_eq!(methodology.items_of("chair-1").unwrap().len(), 18);
    assert_eq!(methodology.items_of("other"), None);
    assert_eq!(methodology.scale.unwrap().marks(), [1, 2, 3, 4, 5]);
    let counts = methodology.counts;
    assert_eq!((counts.panel_size, counts.issued_min, counts.decision_min, counts.display_min), (14, 12, 10, 5));
}

#[test]
fn every_text_of_the_default_is_in_three_languages() {
    // Where English is missing the member is absent, so the number of each member tells.
    let count = |member: &str| DEFAULT_JSON.matches(member).count();
    assert_eq!(count("\"kk\": \""), count("\"en\": \""));
    assert_eq!(count("\"ru\": \""), count("\"en\": \""));
}

#[test]
fn items_keep_the_order_of_the_methodology() {
    let methodology = Methodology::standard().unwrap();
    let codes: Vec<&str> = methodology.items_of("chair-1").unwrap().iter().map(|item| item.code.as_str()).collect();
    let expected = "k1 k2 k3 o1 o2 o3 c1 c2 c3 i1 i2 i3 l1 l2 l3 h1 h2 h3";
    assert_eq!(codes, expected.split(' ').collect::<Vec<_>>());
}

#[test]
fn the_scoring_engine_gets_criteria_with_weights_and_items() {
    let methodology = Methodology::standard().unwrap();
    let criteria = methodology.criteria_of("judge-1").unwrap();
    assert_eq!(criteria.len(), 5);
    assert_eq!(criteria[0], CriterionItems { code: "reasoning", weight: 1, items: vec!["k1", "k2", "k3"] });
    assert!(criteria.iter().all(|criterion| criterion.items.len() == 3));
    assert_eq!(methodology.criteria_of("chair-1").unwrap()[5].code, "leadership");
}

#[test]
fn both_days_of_the_period_in_force_belong_to_it() {
    let mut methodology = Methodology::standard().unwrap();
    methodology.in_force_from = day("2027-01-01");
    assert!(!methodology.in_force_on(day("2026-12-31")));
    assert!(methodology.in_force_on(day("2027-01-01")) && methodology.in_force_on(day("2999-01-01")));
    methodology.in_force_to = Some(day("2027-12-31"));
    assert!(methodology.in_force_on(day("2027-12-31")) && !methodology.in_force_on(day("2028-01-01")));
}

#[test]
fn the_default_says_that_its_kazakh_and_russian_texts_are_drafts() {
    let mut methodology = Methodology::standard().unwrap();
    assert!(methodology.has_draft_texts());
    assert_eq!(methodology.draft_languages(), ["kk", "ru"]);
    methodology.text_states = TextStates { kk: TextState::Final, ru: TextState::Final, en: TextState::Final };
    assert!(!methodology.has_draft_texts());
}

#[test]
fn unknown_members_are_refused() {
    let broken = DEFAULT_JSON.replacen("\"version\": 1,", "\"version\": 1, \"colour\": \"red\",", 1);
    assert!(serde_json::from_str::<Methodology>(&broken).unwrap_err().to_string().contains("colour"));
}

#[test]
fn a_mark_lies_on_a_step_of_the_scale() {
    let scale = Scale { min: 0, max: 10, step: 2, expected: 4 };
    assert!(scale.contains(0) && scale.contains(10) && !scale.contains(3) && !scale.contains(12));
    assert_eq!(Scale { min: 1, max: 5, step: 0, expected: 3 }.marks(), Vec::<u8>::new());
}

#[test]
fn the_developmental_methodology_tells_the_statements_of_the_default_under_the_same_criteria() {
    let (standard, developmental) = (Methodology::standard().unwrap(), serde_json::from_str(DEVELOPMENTAL_JSON));
    let developmental: Methodology = developmental.unwrap();
    assert_eq!(developmental.statements, standard.statements);
    let named = |methodology: Methodology| methodology.criteria.into_iter().map(|one| (one.code, one.name));
    assert!(named(developmental).eq(named(standard)));
}
