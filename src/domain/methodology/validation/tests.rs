//! Each rule of a methodology broken once, found at its pointer.

use super::*;
use crate::domain::methodology::{Criterion, DEVELOPMENTAL_JSON, Item, Scale, TrimRule};
use crate::error::Place;

/// A change to the default methodology that breaks one rule, and where the fault is then expected.
type Breakage = (&'static str, &'static str, fn(&mut Methodology));

fn pointers(methodology: &Methodology) -> Vec<(String, &'static str)> {
    let pointer = |place: Place| match place {
        Place::Pointer(pointer) => pointer,
        Place::Parameter(name) => panic!("{name} is no pointer"),
    };
    methodology.validate().into_iter().map(|fault| (pointer(fault.place), fault.rule.code())).collect()
}

fn scale(methodology: &mut Methodology) -> &mut Scale {
    methodology.scale.as_mut().unwrap()
}

fn trim_rule(methodology: &mut Methodology) -> &mut TrimRule {
    methodology.trim_rule.as_mut().unwrap()
}

#[test]
fn the_default_methodology_has_no_fault() {
    assert_eq!(Methodology::standard().unwrap().validate(), []);
}

const HEAD: &[Breakage] = &[
    ("/code", "format", |m| m.code = "Default".into()),
    ("/code", "format", |m| m.code = String::new()),
    ("/version", "range", |m| m.version = 0),
    ("/title/kk", "required", |m| m.title.kk = " ".into()),
    ("/title/ru", "required", |m| m.title.ru = String::new()),
    ("/title/en", "required", |m| m.title.en = Some(String::new())),
    ("/title/kk", "length", |m| m.title.kk = "ә".repeat(201)),
    ("/title/ru", "format", |m| m.title.ru = "и\u{306}".into()),
    ("/legal_refs", "length", |m| {
        m.legal_refs.clear();
        m.criteria.iter_mut().for_each(|criterion| criterion.legal_refs.clear());
    }),
    ("/legal_refs/1/code", "duplicate", |m| {
        m.legal_refs[1].code = m.legal_refs[0].code.clone();
    }),
    ("/legal_refs/0/text/kk", "required", |m| m.legal_refs[0].text.kk.clear()),
    ("/in_force_to", "order", |m| m.in_force_to = m.in_force_from.pred_opt()),
    ("/lead/kk", "required", |m| m.lead.kk.clear()),
    ("/preparation/ru", "required", |m| m.preparation.ru.clear()),
    ("/promise/kk", "required", |m| m.promise.kk.clear()),
    ("/explanation/ru", "length", |m| m.explanation.ru = "я".repeat(4_001)),
];

const CONTENT: &[Breakage] = &[
    ("/scale/step", "range", |m| scale(m).step = 0),
    ("/scale/max", "range", |m| scale(m).max = 2),
    ("/scale/max", "mismatch", |m| {
        scale(m).step = 2;
        scale(m).max = 6;
    }),
    ("/scale/expected", "range", |m| scale(m).expected = 5),
    ("/scale/expected", "mismatch", |m| {
        scale(m).step = 2;
        scale(m).expected = 2;
    }),
    ("/anchors/4/mark", "range", |m| m.anchors[4].mark = Some(6)),
    ("/anchors/1/mark", "duplicate", |m| m.anchors[1].mark = Some(1)),
    ("/anchors", "length", |m| {
        m.anchors.pop();
    }),
    ("/anchors/5/text/ru", "required", |m| m.anchors[5].text.ru.clear()),
    ("/criteria", "length", |m| m.criteria.clear()),
    ("/criteria", "length", |m| {
        let many = 6..21;
        m.criteria
            .extend(many.map(|n| Criterion { code: format!("c{n}"), ..m.criteria[0].clone() }).collect::<Vec<_>>());
    }),
    ("/criteria/1/code", "duplicate", |m| m.criteria[1].code = "reasoning".into()),
    ("/criteria/0/name/kk", "required", |m| m.criteria[0].name.kk.clear()),
    ("/criteria/0/weight", "range", |m| m.criteria[0].weight = Some(0)),
    ("/criteria/0/legal_refs", "length", |m| m.criteria[0].legal_refs.clear()),
    ("/criteria/0/legal_refs/0", "missing", |m| m.criteria[0].legal_refs[0] = "nowhere".into()),
    ("/criteria/0/legal_refs/1", "duplicate", |m| {
        m.criteria[0].legal_refs = vec!["own_design".into(), "own_design".into()];
    }),
    ("/criteria/5", "mismatch", |m| m.items.retain(|item| item.criterion != "leadership")),
    ("/criteria/0", "mismatch", |m| {
        m.items.extend((4..8).map(|n| Item { code: format!("k{n}"), ..m.items[0].clone() }).collect::<Vec<_>>());
    }),
    ("/items/0/code", "format", |m| m.items[0].code = "k-1".into()),
    ("/items/1/code", "duplicate", |m| m.items[1].code = "k1".into()),
    ("/items/0/criterion", "missing", |m| m.items[0].criterion = "overall".into()),
    ("/items/17/text/kk", "required", |m| m.items[17].text.kk.clear()),
    ("/statements", "length", |m| {
        let extra = m.statements[0].clone();
        m.statements.extend((0..37).map(|n| {
            let code = format!("x{n}");
            crate::domain::methodology::Statement { code, opposite: None, ..extra.clone() }
        }));
    }),
    ("/statements/23/code", "duplicate", |m| m.statements[23].code = "s01".into()),
    ("/statements/0/opposite", "missing", |m| m.statements[0].opposite = Some("s99".into())),
    ("/statements/0/opposite", "mismatch", |m| m.statements[0].opposite = Some("s01".into())),
    ("/statements/0/opposite", "mismatch", |m| m.statements[0].opposite = Some("s04".into())),
    ("/statements/1/opposite", "mismatch", |m| m.statements[0].opposite = None),
    ("/statements/0/text/kk", "required", |m| m.statements[0].text.kk.clear()),
    ("/instruments", "length", |m| m.instruments.clear()),
    ("/instruments/1/instrument_id", "duplicate", |m| m.instruments[1].instrument_id = "judge-1".into()),
    ("/instruments/0/criteria", "length", |m| m.instruments[0].criteria.clear()),
    ("/instruments/0/criteria/0", "missing", |m| m.instruments[0].criteria[0] = "charm".into()),
    ("/instruments/0/criteria/1", "duplicate", |m| m.instruments[0].criteria[1] = "reasoning".into()),
    ("/outcomes", "one_of", |m| m.outcomes.retain(|outcome| outcome.code != "insufficient_data")),
    ("/outcomes/6/is_unfavourable", "fixed", |m| m.outcomes[6].is_unfavourable = true),
    ("/outcomes/1/code", "duplicate", |m| m.outcomes[1].code = "fit".into()),
    ("/outcomes/0/text/ru", "required", |m| m.outcomes[0].text.ru.clear()),
];

const CALIBRATION: &[Breakage] = &[
    ("/calibration_cases", "length", |m| m.calibration_cases = vec![m.calibration_cases.clone(); 3].concat()),
    ("/calibration_cases/1/code", "duplicate", |m| m.calibration_cases[1].code = "case_1".into()),
    ("/calibration_cases/0/text/kk", "required", |m| m.calibration_cases[0].text.kk.clear()),
    ("/calibration_cases/1", "mismatch", |m| m.calibration_marks.retain(|one| one.case == "case_1")),
    ("/calibration_marks/0/case", "missing", |m| m.calibration_cases.clear()),
    ("/calibration_marks/2/item", "missing", |m| m.calibration_marks[2].item = "k9".into()),
    ("/calibration_marks/1/item", "duplicate", |m| m.calibration_marks[1].item = "k1".into()),
    ("/calibration_marks/0/mark", "range", |m| m.calibration_marks[0].mark = Some(6)),
    ("/calibration_marks/3/reason/ru", "required", |m| m.calibration_marks[3].reason.ru.clear()),
    ("/calibration_marks", "length", |m| m.calibration_marks = vec![m.calibration_marks.clone(); 11].concat()),
];

fn rules(m: &mut Methodology) -> &mut ReadingPackRules {
    m.reading_pack.get_or_insert(ReadingPackRules { acts_per_category: 2, acts_max: 6, acts_min: 2, window_months: 12 })
}

const READING: &[Breakage] = &[
    ("/reading_pack/acts_per_category", "range", |m| rules(m).acts_per_category = 9),
    ("/reading_pack/acts_max", "range", |m| rules(m).acts_max = 1),
    ("/reading_pack/acts_max", "range", |m| rules(m).acts_max = 9),
    ("/reading_pack/acts_min", "range", |m| rules(m).acts_min = 7),
    ("/reading_pack/acts_min", "range", |m| rules(m).acts_min = 0),
    ("/reading_pack/window_months", "range", |m| rules(m).window_months = 2),
];

const NUMBERS: &[Breakage] = &[
    ("/trim_rule", "required", |m| m.trim_rule = None),
    ("/publish_step", "required", |m| m.publish_step = None),
    ("/criteria/1/weight", "required", |m| m.criteria[1].weight = None),
    ("/scale", "required", |m| m.scale = None),
    ("/trim_rule/name", "one_of", |m| trim_rule(m).name = "plain_mean".into()),
    ("/trim_rule/reviews_per_cut", "range", |m| trim_rule(m).reviews_per_cut = 5),
    ("/publish_step", "one_of", |m| m.publish_step = Some(10)),
    ("/max_seq", "range", |m| m.max_seq = 1),
    ("/counts/subjects_min", "floor", |m| m.counts.subjects_min = 9),
    ("/counts/panel_size", "range", |m| m.counts.panel_size = 21),
    ("/counts/panel_size", "range", |m| m.counts.panel_size = 11),
    ("/counts/reserve_size", "range", |m| m.counts.reserve_size = 61),
    ("/counts/issued_min", "floor", |m| m.counts.issued_min = 5),
    ("/counts/issued_min", "mismatch", |m| m.counts.issued_min = 15),
    ("/counts/display_min", "floor", |m| m.counts.display_min = 4),
    ("/counts/display_min", "mismatch", |m| m.counts.display_min = 11),
    ("/counts/decision_min", "floor", |m| m.counts.decision_min = 9),
    ("/counts/decision_min", "mismatch", |m| m.counts.decision_min = 13),
    ("/counts/kept_min", "floor", |m| m.counts.kept_min = 5),
    ("/counts/kept_min", "mismatch", |m| m.counts.kept_min = 9),
    ("/counts/statement_min", "floor", |m| m.counts.statement_min = 2),
    ("/counts/statements_per_review_max", "range", |m| m.counts.statements_per_review_max = 9),
    ("/counts/same_court_max", "range", |m| m.counts.same_court_max = 3),
    ("/counts/same_court_size", "floor", |m| m.counts.same_court_size = 7),
    ("/counts/load_cap", "range", |m| m.counts.load_cap = 10),
    ("/counts/challenged_names_max", "range", |m| m.counts.challenged_names_max = 0),
    ("/time_limits/utc_offset_minutes", "range", |m| m.time_limits.utc_offset_minutes = 841),
    ("/time_limits/issuance_to_submission_hours", "floor", |m| m.time_limits.issuance_to_submission_hours = 23),
    ("/time_limits/complaint_days", "floor", |m| m.time_limits.complaint_days = 6),
    ("/time_limits/review_deletion_days", "floor", |m| m.time_limits.review_deletion_days = 29),
    ("/time_limits/review_deletion_days", "range", |m| m.time_limits.review_deletion_days = 366),
    ("/time_limits/submission_days", "range", |m| m.time_limits.submission_days = 6),
    ("/time_limits/response_days", "range", |m| m.time_limits.response_days = 0),
    ("/time_limits/periodic_months", "range", |m| m.time_limits.periodic_months = 11),
    ("/time_limits/repeat_after_months", "range", |m| m.time_limits.repeat_after_months = Some(2)),
    ("/time_limits/age_limit_years", "range", |m| m.time_limits.age_limit_years = Some(24)),
    ("/time_limits/exempt_after_service_years", "range", |m| m.time_limits.exempt_after_service_years = Some(0)),
    ("/time_limits/exempt_before_leaving_months", "range", |m| m.time_limits.exempt_before_leaving_months = Some(61)),
    ("/time_limits/leave_pause_over_days", "range", |m| m.time_limits.leave_pause_over_days = Some(366)),
];

#[test]
fn each_broken_rule_is_found_at_its_pointer() {
    for (pointer, rule, break_it) in [HEAD, CONTENT, CALIBRATION, READING, NUMBERS].concat() {
        let mut methodology = Methodology::standard().unwrap();
        break_it(&mut methodology);
        let found = pointers(&methodology);
        assert!(found.contains(&(pointer.to_owned(), rule)), "{pointer} {rule}: found {found:?}");
    }
}

/// Changes to the developmental methodology that bring back a number, or what only numbers could ground.
const UNMARKED: &[Breakage] = &[
    ("/anchors", "mismatch", |m| m.anchors = Methodology::standard().unwrap().anchors),
    ("/calibration_cases", "mismatch", |m| m.calibration_cases = Methodology::standard().unwrap().calibration_cases),
    ("/trim_rule", "mismatch", |m| m.trim_rule = Methodology::standard().unwrap().trim_rule),
    ("/publish_step", "mismatch", |m| m.publish_step = Some(25)),
    ("/criteria/2/weight", "mismatch", |m| m.criteria[2].weight = Some(1)),
    ("/scale", "required", |m| m.items = Methodology::standard().unwrap().items),
    ("/statements", "length", |m| m.statements.clear()),
    ("/counts/statements_per_review_max", "range", |m| m.counts.statements_per_review_max = 0),
    ("/outcomes/0/is_unfavourable", "mismatch", |m| m.outcomes[0].is_unfavourable = true),
];

#[test]
fn a_methodology_without_a_scale_has_no_number_and_burdens_nobody() {
    let developmental: Methodology = serde_json::from_str(DEVELOPMENTAL_JSON).unwrap();
    assert!(developmental.is_developmental());
    assert_eq!(developmental.validate(), []);
    for (pointer, rule, break_it) in UNMARKED {
        let mut methodology = developmental.clone();
        break_it(&mut methodology);
        assert_eq!(pointers(&methodology).first(), Some(&((*pointer).to_owned(), *rule)));
    }
}

#[test]
fn a_stricter_methodology_is_accepted() {
    let mut methodology = Methodology::standard().unwrap();
    methodology.counts.panel_size = 20;
    methodology.counts.issued_min = 16;
    methodology.counts.decision_min = 14;
    methodology.counts.statement_min = 5;
    methodology.counts.same_court_max = 0;
    methodology.publish_step = Some(50);
    assert_eq!(methodology.validate(), []);
}

#[test]
fn a_methodology_without_invented_cases_is_accepted_and_has_the_digest_it_had_before_there_were_any() {
    let mut methodology = Methodology::standard().unwrap();
    methodology.calibration_cases.clear();
    methodology.calibration_marks.clear();
    assert_eq!(methodology.validate(), []);
    let json = serde_json::to_string(&methodology).unwrap();
    assert!(!json.contains("calibration"), "a member more would change the canonical JSON");
    assert_eq!(serde_json::from_str::<Methodology>(&json).unwrap(), methodology);
}

#[test]
fn a_methodology_with_a_reading_pack_is_accepted_and_one_without_has_no_member_of_it() {
    let mut methodology = Methodology::standard().unwrap();
    let json = serde_json::to_string(&methodology).unwrap();
    assert!(!json.contains("reading_pack"), "a member more would change the canonical JSON");
    rules(&mut methodology);
    assert_eq!(methodology.validate(), []);
}

#[test]
fn a_missing_kazakh_text_is_a_fault_of_that_field_and_not_of_the_document() {
    let text: Text = serde_json::from_str(r#"{"ru": "да"}"#).unwrap();
    let mut methodology = Methodology::standard().unwrap();
    methodology.lead = text;
    assert_eq!(pointers(&methodology), [("/lead/kk".to_owned(), "required")]);
}
