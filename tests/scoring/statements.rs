//! Coded statements: told from the threshold on, never by how many. A newcomer would show the number; the last tests here
//! show what it gives away.

use ejf::domain::methodology::{Methodology, Statement};
use ejf::domain::scoring::Status;
use ejf::domain::scoring::statements::{Choices, StatementRules};
use ejf::error::{Code, Error};

fn statements() -> Vec<Statement> {
    Methodology::standard().unwrap().statements
}

/// What is told where each of these reviews chose these codes.
fn told(status: Status, reviews: &[&[&str]]) -> Vec<String> {
    let statements = statements();
    let rules = StatementRules::new(&statements, 3).unwrap();
    let mut choices = Choices::default();
    reviews.iter().for_each(|chosen| rules.count(&mut choices, chosen).unwrap());
    rules.told(status, &choices)
}

#[test]
fn what_two_chose_is_hidden_and_what_three_chose_is_told() {
    assert_eq!(told(Status::Ok, &[&["s06"], &["s06"]]), [""; 0]);
    assert_eq!(told(Status::Ok, &[&["s06"], &["s06"], &["s06"]]), ["s06"]);
}

#[test]
fn a_subject_without_a_figure_has_no_statement_however_many_chose_it() {
    let nine = vec![&["s01"][..]; 9];

    assert_eq!(told(Status::Indicative, &nine), [""; 0]);
    assert_eq!(told(Status::Insufficient, &nine[..4]), [""; 0]);
}

#[test]
fn one_review_counts_once_for_a_code_and_for_neither_of_a_pair() {
    assert_eq!(told(Status::Ok, &[&["s03", "s03"], &["s03"]]), [""; 0]);
    let contrary = vec![&["s07", "s08"][..]; 5];
    assert_eq!(told(Status::Ok, &contrary), [""; 0]);
    let two_more = [contrary, vec![&["s07"][..]; 2]].concat();
    assert_eq!(told(Status::Ok, &two_more), [""; 0], "the contrary ones are no third voice");
}

#[test]
fn codes_stand_in_the_order_of_the_methodology_whoever_chose_them() {
    let few: &[&str] = &["s02", "s24"];
    let all: &[&str] = &["s02", "s10", "s24"];

    assert_eq!(told(Status::Ok, &[all, all, all, few, few]), ["s02", "s10", "s24"]);
    assert_eq!(told(Status::Ok, &[few, few, all, all, all]), ["s02", "s10", "s24"]);
}

#[test]
fn choices_add_up_in_any_order() {
    let statements = statements();
    let rules = StatementRules::new(&statements, 3).unwrap();
    let choices = |reviews: &[&[&str]]| {
        let mut choices = Choices::default();
        reviews.iter().for_each(|chosen| rules.count(&mut choices, chosen).unwrap());
        choices
    };
    let (mut one, mut other) = (choices(&[&["s01"], &["s01", "s05"]]), choices(&[&["s01"]]));
    let (first, second) = (one.clone(), other.clone());

    one.merge(&second);
    other.merge(&first);

    assert_eq!((&one, rules.told(Status::Ok, &one)), (&other, vec!["s01".to_owned()]));
}

#[test]
fn a_threshold_below_three_and_a_code_that_nobody_wrote_are_refused() {
    let statements = statements();
    assert!(matches!(StatementRules::new(&statements, 2), Err(Error::Internal(_))));

    let rules = StatementRules::new(&statements, 3).unwrap();
    assert_eq!(rules.count(&mut Choices::default(), &["s99"]).unwrap_err().code(), Code::Malformed);
}

/// The greatest probability, over all that can be told, that another reviewer chose a statement; `n` reviews, `known` of
/// them the reader's own, each of the others choosing it with `prior`. `tell` says what is told of the number.
fn worst(n: usize, known: usize, prior: f64, tell: impl Fn(usize) -> usize) -> f64 {
    let others = n - known;
    let mut worst: f64 = 0.0;
    for own in 0..=known {
        let mut seen = vec![(0.0, 0.0); n + 1];
        for chose in 0..=others {
            let ways: f64 = (0..chose).map(|at| (others - at) as f64 / (at + 1) as f64).product();
            let chance = ways * prior.powi(chose as i32) * (1.0 - prior).powi((others - chose) as i32);
            let (all, expected) = &mut seen[tell(own + chose)];
            *all += chance;
            *expected += chance * chose as f64 / others as f64;
        }
        worst = seen.iter().filter(|(all, _)| *all > 0.0).map(|(all, sum)| sum / all).fold(worst, f64::max);
    }
    worst
}

#[test]
fn that_a_statement_is_told_makes_nobodys_choice_known() {
    for n in [10, 12, 14] {
        for known in 0..=2 {
            for prior in [0.02, 0.1, 0.3, 0.5] {
                let likeliest = worst(n, known, prior, |count| usize::from(count >= 3));
                assert!(likeliest < 0.55, "{n} reviews, {known} known, {prior}: {likeliest}");
            }
        }
    }
}

#[test]
fn the_number_of_those_who_chose_a_statement_would_tell_who() {
    for known in 0..=2 {
        assert!(worst(10, known, 0.1, |count| count) > 0.99, "as many as there are reviews: each of them");
    }
}
