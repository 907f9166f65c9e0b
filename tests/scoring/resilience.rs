//! The statement that no few reviews made an outcome, held against what those reviews could have done. A newcomer would
//! test it on the score alone; it is about the word.

use crate::common::{plain, rows, score_one};
use ejf::domain::scoring::publication::Band;
use ejf::domain::scoring::resilience::{is_resilient, verdict};

fn outcome(reviews: &str) -> (Band, bool) {
    let rules = plain((1, 5), 4);
    let overall = score_one(&rules, &rows(reviews)).overall.unwrap();
    (verdict(&rules, overall.certainty.aware), is_resilient(&rules, &overall))
}

#[test]
fn a_clear_outcome_depends_on_no_few_reviews() {
    assert_eq!(outcome(&"4444 ".repeat(10)), (Band::Above, true));
    assert_eq!(outcome(&"2222 ".repeat(10)), (Band::Below, true));
    assert_eq!(outcome("3333 3434 3232 3333 3434 3232 3333 3434 3232 3333"), (Band::NotDistinguishable, true));
}

#[test]
fn an_outcome_that_the_highest_or_lowest_could_have_made_is_said_to_depend_on_them() {
    // Above the standard; but were the two highest dishonest, the rest alone would not be.
    assert_eq!(outcome(&format!("{}1111 1111 5555 5555", "4343 ".repeat(6))), (Band::Above, false));
    // Not distinguishable; but were the lowest two dishonest, the rest alone would be above.
    let torn = "1111 1111 3333 3333 3333 3444 4444 4444 5555 5555";
    assert_eq!(outcome(torn), (Band::NotDistinguishable, false));
}
