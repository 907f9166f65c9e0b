//! What reviews without marks come to: the statements that enough of them chose, and no score. A newcomer would count how many
//! chose each, and have a number again; and would take a review that chose nothing for one that was given.

use super::Status;
use super::document::SubjectResult;

/// The version of the rules by which statements are told; changes whenever any result could.
pub const ALGORITHM: &str = "statements-1";

/// The status that a number of reviews gives, each of which chose at least one statement. There is no word for few: nothing
/// short of a statement that enough reviews chose could be told.
pub fn status_of(reviews: usize, decision_min: usize) -> Status {
    if reviews < decision_min { Status::Insufficient } else { Status::Developmental }
}

/// The result of one subject by [`status_of`], as it is sealed; the number of reviews stands in it for whoever recounts.
pub fn subject_result(subject_ref: String, reviews: usize, status: Status, statements: Vec<String>) -> SubjectResult {
    SubjectResult {
        subject_ref,
        status,
        n: (status != Status::Insufficient).then_some(reviews as i64),
        overall: None,
        criteria: Vec::new(),
        statements,
        held_back: None,
    }
}
