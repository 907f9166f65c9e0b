//! Invented cases by which reviewers practise before they mark anybody (`domain.md` R-24 and section on bias). What a newcomer
//! would get wrong: a reviewer's practice marks are nobody's business. They are compared on the reviewer's device, and no
//! operation takes them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Methodology, Text};

/// An invented case: what somebody could have seen of a judge who does not exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrationCase {
    /// Its name within the methodology.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,31}$", max_length = 32, example = "case_1")]
    pub code: String,
    /// What was seen.
    pub text: Text,
}

/// How an item is marked by what a case tells, and why: what the anchors mean is best seen by an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CalibrationMark {
    /// The case.
    #[schema(max_length = 32, example = "case_1")]
    pub case: String,
    /// The item.
    #[schema(max_length = 32, example = "k1")]
    pub item: String,
    /// The mark; null where the case gives no basis to judge.
    #[schema(minimum = 0, maximum = 100)]
    pub mark: Option<u8>,
    /// Why this one and not its neighbours.
    pub reason: Text,
}

impl Methodology {
    /// How the items of a case are marked, in the order in which they are asked.
    pub fn calibration_of<'a>(&'a self, case: &'a str) -> impl Iterator<Item = &'a CalibrationMark> {
        self.calibration_marks.iter().filter(move |one| one.case == case)
    }
}
