//! How long the reviews of a cycle are kept after it was closed. What a newcomer would get wrong: the day is a day where the
//! cycle takes place, and it is counted from the close, by which two persons say that every appeal is over.

use chrono::NaiveDate;

use crate::domain::calendar::days_after;
use crate::domain::methodology::limits::TimeLimits;

/// The first day on which reviews are deleted: as many days after the close as the methodology keeps them.
pub fn reviews_end_on(closed_on: NaiveDate, limits: &TimeLimits) -> NaiveDate {
    days_after(closed_on, limits.review_deletion_days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::methodology::Methodology;

    #[test]
    fn reviews_end_thirty_days_after_the_close_by_default() {
        let mut limits = Methodology::standard().unwrap().time_limits;
        let closed_on = "2027-06-01".parse().unwrap();
        assert_eq!(reviews_end_on(closed_on, &limits).to_string(), "2027-07-01");
        limits.review_deletion_days = 90;
        assert_eq!(reviews_end_on(closed_on, &limits).to_string(), "2027-08-30");
    }
}
