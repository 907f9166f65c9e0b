//! What is sealed, what is published and what is refused. A newcomer would add a figure to an expectation here; first
//! read rules P-1 and P-2.

use crate::common::{NO, panel, plain, rows, rules, score, values};
use ejf::domain::scoring::document::{ResultDocument, document};
use ejf::domain::scoring::publication::{Band, Published, publish};
use ejf::domain::scoring::rules::{Panel, PublishStep, REVIEWS_MAX, Rules};
use ejf::error::{Code, Error};
use serde_json::{Value, json};

const WORKED: &str = "4434 4544 3443 5555 4344 1111 4454 3344 5555 4445";

fn sealed(rules: &Rules, subjects: &[&str]) -> ResultDocument {
    let names: Vec<String> = (1..=subjects.len()).map(|number| format!("s{number}")).collect();
    document(rules, &names, &score(rules, &subjects.iter().map(|text| rows(text)).collect::<Vec<_>>())).unwrap()
}

fn published(rules: &Rules, text: &str) -> Value {
    serde_json::to_value(publish(rules, &sealed(rules, &[text]).subjects[0]).unwrap().published()).unwrap()
}

fn assert_whole_and_shallow(value: &Value, depth: usize) {
    let is_container = value.is_array() || value.is_object();
    assert!(depth <= if is_container { 5 } else { 6 }, "nested too deeply");
    match value {
        Value::Number(number) => assert!(number.as_i64().unwrap().abs() < 1 << 53, "{number}"),
        Value::Array(members) => members.iter().for_each(|member| assert_whole_and_shallow(member, depth + 1)),
        Value::Object(members) => members.values().for_each(|member| assert_whole_and_shallow(member, depth + 1)),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

#[test]
fn the_sealed_document_holds_whole_numbers_and_reads_back() {
    let sealed = sealed(&plain((1, 5), 4), &[WORKED, "4444 3333 4343", "4434 4544 3443 5555 4344"]);

    let value = serde_json::to_value(&sealed).unwrap();

    assert_whole_and_shallow(&value, 0);
    assert_eq!(value["algorithm"], "level-profile-1");
    assert_eq!(value["subjects"][0]["overall"]["score"], json!([95, 24]));
    assert_eq!(value["subjects"][0]["overall"]["text"], "3.96");
    assert_eq!(value["subjects"][0]["criteria"][0]["difference"], json!([-1, 8]));
    assert_eq!(value["subjects"][1], json!({"subject_ref": "s2", "status": "insufficient", "criteria": []}));
    assert_eq!(serde_json::from_value::<ResultDocument>(value).unwrap(), sealed);
}

#[test]
fn the_finest_rules_allowed_still_seal_numbers_below_two_to_the_53() {
    let rules = rules((0, 78), &[(1, 5); 20]);
    let mark = |review: usize, item: usize| ((review * 31 + item * item) % 79) as u8;
    let answer = |review: usize, item: usize| if (review + item).is_multiple_of(3) { NO } else { mark(review, item) };
    let review = |review: usize| (0..100).map(|item| answer(review, item)).collect::<Vec<u8>>();
    let reviews: Vec<Vec<u8>> = (0..127).map(review).collect();

    let sealed = document(&rules, &["s".to_owned()], &score(&rules, &[reviews])).unwrap();

    assert_whole_and_shallow(&serde_json::to_value(sealed).unwrap(), 0);
}

#[test]
fn sealed_intervals_are_rounded_outward_to_millionths() {
    let rules = plain((1, 5), 4);
    let scores = score(&rules, &[rows(WORKED)]);

    let sealed = document(&rules, &["s".to_owned()], &scores).unwrap();

    let exact = scores.panels[0].overall.unwrap().certainty.aware;
    let [lo, hi] = sealed.subjects[0].overall.as_ref().unwrap().aware;
    assert!((0.0..1.0).contains(&(exact.lo * 1e6 - lo as f64)));
    assert!((0.0..1.0).contains(&(hi as f64 - exact.hi * 1e6)));
}

#[test]
fn a_criterion_without_figures_reads_back_as_one() {
    let sealed = sealed(&plain((1, 5), 2), &["44 45 34 55 4- 4-"]);

    let value = serde_json::to_value(&sealed).unwrap();

    assert_eq!(value["subjects"][0]["criteria"][1], json!({"code": "c2", "n": 4}));
    assert_eq!(serde_json::from_value::<ResultDocument>(value).unwrap(), sealed);
}

#[test]
fn subjects_are_sealed_in_the_order_of_their_names() {
    let rules = plain((1, 5), 4);
    let scores = score(&rules, &[rows(WORKED), rows("1111 2222"), rows("3333 4444 5555 4444 3333")]);
    let names = ["b", "c", "a"].map(str::to_owned);

    let sealed = document(&rules, &names, &scores).unwrap();

    let order: Vec<&str> = sealed.subjects.iter().map(|subject| subject.subject_ref.as_str()).collect();
    assert_eq!(order, ["a", "b", "c"]);
    let twice = ["a", "b", "a"].map(str::to_owned);
    assert!(matches!(document(&rules, &twice, &scores), Err(Error::Internal(_))));
    assert!(matches!(document(&rules, &names[..2], &scores), Err(Error::Internal(_))));
}

#[test]
fn below_five_reviews_not_even_their_number_is_published() {
    assert_eq!(published(&plain((1, 5), 4), "5555 5555 5555 5555"), json!({"status": "insufficient"}));
}

#[test]
fn from_five_to_nine_reviews_one_word_is_published() {
    let rules = plain((1, 5), 4);
    let high = "5555 5555 5555 5555 5555 5555 5555 5555 5555";
    let low = "1111 1111 1111 1111 1111";
    let middling = "3333 2222 4444 3333 3333";

    assert_eq!(published(&rules, high), json!({"status": "indicative", "band": "above"}));
    assert_eq!(published(&rules, low), json!({"status": "indicative", "band": "below"}));
    assert_eq!(published(&rules, middling), json!({"status": "indicative", "band": "not_distinguishable"}));
}

#[test]
fn from_ten_reviews_figures_are_published_on_the_grid() {
    let value = published(&plain((1, 5), 4), WORKED);

    // T = 95/24 = 3.958. Alone in its cycle the subject is moderated towards itself: 3.958 -+ 1.1173 x sqrt(0.22625).
    let overall = json!({"n": 10, "point": 400, "lo": 325, "hi": 450, "band": "above"});
    assert_eq!(value["status"], "ok");
    assert_eq!(value["overall"], overall);
    assert_eq!(value["criteria"].as_array().unwrap().len(), 4);
    assert_eq!(value.as_object().unwrap().keys().collect::<Vec<_>>(), ["criteria", "overall", "status"]);
}

#[test]
fn one_mark_from_nine_reviewers_of_ten_on_a_criterion_takes_all_criteria_with_it() {
    let rules = plain((1, 5), 4);
    for (text, is_held_back) in [
        (WORKED, false),
        ("4434 4544 3444 5554 4344 1114 4454 3344 5553 4445", false),
        ("4434 4544 3444 5554 4344 1114 4454 3344 5554 4445", true),
        ("4435 4545 3445 5555 4345 1115 4455 3345 5555 4445", true),
    ] {
        let sealed = serde_json::to_value(&sealed(&rules, &[text]).subjects[0]).unwrap();

        assert_eq!(sealed.get("held_back"), is_held_back.then_some(&json!("criteria")), "{text}");
        let value = published(&rules, text);
        assert_eq!(codes(&value).len(), if is_held_back { 0 } else { 4 }, "{text}");
        assert!(value["overall"]["point"].is_i64(), "the overall score stays");
    }
}

#[test]
fn of_several_questions_the_extreme_marks_alone_hold_criteria_back_and_seven_of_ten_suffice() {
    let rules = rules((1, 5), &[(1, 3), (1, 1)]);
    let reviews = |agreeing: &str, count: usize| {
        let row = |place: usize| format!("{}{}", if place < count { agreeing } else { "345" }, 2 + place % 3);
        (0..10).map(row).collect::<Vec<_>>().join(" ")
    };
    for (agreeing, count, shown) in
        [("555", 6, 2), ("555", 7, 0), ("55-", 7, 0), ("111", 7, 0), ("444", 10, 2), ("554", 10, 2)]
    {
        assert_eq!(codes(&published(&rules, &reviews(agreeing, count))).len(), shown, "{agreeing} from {count}");
    }
}

#[test]
fn agreement_on_a_criterion_that_too_few_answered_to_show_it_holds_nothing_back() {
    let value = published(&plain((1, 5), 4), "4434 4544 344- 555- 4344 1114 445- 3344 5554 4444");

    assert_eq!(codes(&value), ["c1", "c2"]);
}

#[test]
fn where_one_criterion_weighs_more_than_half_of_all_none_is_published() {
    let two = "44 45 34 55 43 11 44 33 55 44";
    let three = "443 454 344 555 434 111 445 334 555 444";

    for (weights, text, shown) in [
        (&[(1, 1)][..], "4 4 3 5 4 1 4 3 5 4", 0),
        (&[(1, 1), (1, 1)], two, 2),
        (&[(3, 1), (2, 1)], two, 0),
        (&[(2, 1), (1, 1), (1, 1)], three, 3),
        (&[(3, 1), (1, 1), (1, 1)], three, 0),
    ] {
        assert_eq!(codes(&published(&rules((1, 5), weights), text)).len(), shown, "{weights:?}");
    }
}

#[test]
fn figures_are_published_only_where_as_many_reviews_are_kept_as_the_methodology_asks_for() {
    let mut stricter = values((1, 5), &[(1, 1); 4]);
    stricter.kept_min = 7;
    let rules = Rules::new(stricter).unwrap();
    let reviews = |count: usize| vec!["4444"; count].join(" ");

    // 10 and 12 reviews keep 6, 11 and 13 keep 7.
    let statuses = [10, 11, 12, 13].map(|count| published(&rules, &reviews(count))["status"].clone());

    assert_eq!(statuses, ["indicative", "ok", "indicative", "ok"]);
}

#[test]
fn figures_are_published_only_where_as_many_reviews_are_given_as_the_methodology_asks_for() {
    let mut stricter = values((1, 5), &[(1, 1); 4]);
    stricter.decision_min = 14;
    let rules = Rules::new(stricter).unwrap();
    let reviews = |count: usize| vec!["4444"; count].join(" ");

    // With the least numbers allowed, keeping six already takes ten; with a higher one the two differ.
    let statuses = [13, 14].map(|count| published(&rules, &reviews(count))["status"].clone());

    assert_eq!(statuses, ["indicative", "ok"]);
}

#[test]
fn a_criterion_that_fewer_than_ten_answered_is_not_published() {
    let value = published(&plain((1, 5), 2), "44 45 34 55 43 11 44 33 55 4- 44");

    let criteria = value["criteria"].as_array().unwrap();
    assert_eq!((criteria[0]["figure"]["n"].as_i64(), criteria[1]["figure"]["n"].as_i64()), (Some(11), Some(10)));

    let value = published(&plain((1, 5), 4), "4444 4545 3434 5555 4343 1111 4444 3333 5555 4--4 4--4");
    assert_eq!(codes(&value), ["c1", "c4"]);
}

fn codes(value: &Value) -> Vec<String> {
    let criteria = value["criteria"].as_array().unwrap();
    criteria.iter().map(|criterion| criterion["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_criterion_that_the_others_would_give_away_takes_one_more_with_it() {
    // The second is held back alone: with the overall score and the two others it could be computed.
    let value = published(&plain((1, 5), 3), "444 454 344 555 434 111 444 334 555 4-4 4-4");
    assert_eq!(codes(&value), ["c1"], "of those with as many answers the last goes");

    let fewer = "444 454 344 555 434 111 444 334 555 4-4 --4";
    assert_eq!(codes(&published(&plain((1, 5), 3), fewer)), ["c3"], "the one that fewest answered goes");

    assert_eq!(codes(&published(&plain((1, 5), 2), "44 45 34 55 43 11 44 33 55 4- 4-")), [""; 0]);
}

#[test]
fn a_criterion_that_nobody_answered_gives_nothing_away() {
    let value = published(&plain((1, 5), 3), "44- 45- 34- 55- 43- 11- 44- 33- 55- 44-");

    assert_eq!(codes(&value), ["c1", "c2"]);
}

#[test]
fn at_most_five_criteria_are_published_with_figures() {
    let reviews = "444444 454444 344344 555555 434444 111111 444544 334444 555555 444544";

    let value = published(&plain((1, 5), 6), reviews);

    assert_eq!(value["criteria"].as_array().unwrap().len(), 5);
}

#[test]
fn a_coarser_step_rounds_the_point_half_up_and_the_interval_outward() {
    let mut coarse = values((1, 5), &[(1, 1); 4]);
    coarse.publish_step = PublishStep::Half;

    let value = published(&Rules::new(coarse).unwrap(), WORKED);

    assert_eq!(
        (&value["overall"]["point"], &value["overall"]["lo"], &value["overall"]["hi"]),
        (&json!(400), &json!(300), &json!(450))
    );
}

#[test]
fn published_intervals_stay_on_the_scale() {
    let ten_fives = "5555 ".repeat(10);

    let value = published(&plain((1, 5), 4), &ten_fives);

    assert_eq!((&value["overall"]["point"], &value["overall"]["hi"]), (&json!(500), &json!(500)));
    assert!(value["overall"]["lo"].as_i64().unwrap() < 500, "agreement never makes an interval of no width");
}

#[test]
fn what_is_published_reads_back() {
    let word = Published::Indicative { band: Band::NotDistinguishable };

    let text = serde_json::to_string(&word).unwrap();

    assert_eq!(text, r#"{"status":"indicative","band":"not_distinguishable"}"#);
    assert_eq!(serde_json::from_str::<Published>(&text).unwrap(), word);
}

#[test]
fn rules_below_the_floors_are_refused_with_every_fault() {
    let mut lax = values((1, 5), &[(0, 1), (1, 0)]);
    lax.display_min = 4;
    lax.decision_min = 9;
    lax.kept_min = 5;
    lax.expected_hundredths = 501;
    lax.criteria[1].code = "c1".to_owned();

    let Err(Error::Refused(refusal)) = Rules::new(lax) else { panic!("lax rules were accepted") };

    assert_eq!((refusal.code, refusal.faults.len()), (Code::Invalid, 7));
}

#[test]
fn weights_that_would_overflow_are_refused_when_the_rules_are_made() {
    let primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];
    let odd: Vec<(u32, usize)> = primes.iter().map(|&weight| (weight, 3)).collect();

    let Err(Error::Refused(refusal)) = Rules::new(values((1, 5), &odd)) else { panic!("odd weights were accepted") };

    assert_eq!(refusal.code, Code::Invalid);
    assert!(Rules::new(values((1, 5), &[(25, 3), (25, 3), (20, 3), (15, 3), (15, 3)])).is_ok());
    assert!(Rules::new(values((0, 10), &[(1, 3); 20])).is_ok());
}

#[test]
fn a_panel_off_the_scale_or_out_of_shape_is_refused() {
    let rules = plain((1, 5), 2);

    assert!(matches!(Panel::new(&rules, vec![4, 6]), Err(Error::Internal(_))));
    assert!(matches!(Panel::new(&rules, vec![4, 0]), Err(Error::Internal(_))));
    assert!(matches!(Panel::new(&rules, vec![4, 4, 4]), Err(Error::Internal(_))));
    assert!(matches!(Panel::new(&rules, vec![4; 2 * (REVIEWS_MAX + 1)]), Err(Error::Internal(_))));
    let _largest = panel(&rules, &vec![vec![4, 4]; REVIEWS_MAX]);
}
