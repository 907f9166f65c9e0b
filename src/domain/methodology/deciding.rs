//! How the commission and the appeal panel decide: how many must take part. What a newcomer would get wrong: judges are the
//! majority in every panel that votes, by no number of a methodology but by rule (Venice Commission on Armenia, 2024).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many take part in a decision. A methodology may be stricter than a floor, never laxer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deciding {
    /// Members who vote on a decision; floor 3.
    #[schema(minimum = 3, maximum = 30, example = 5)]
    pub quorum_min: u32,
    /// The share of the assigned members who vote at least: this many …
    #[schema(minimum = 1, maximum = 30, example = 2)]
    pub quorum_numerator: u32,
    /// … of so many; at least half.
    #[schema(minimum = 1, maximum = 30, example = 3)]
    pub quorum_denominator: u32,
    /// Members of the appeal panel who vote on an appeal; floor 3.
    #[schema(minimum = 3, maximum = 30, example = 3)]
    pub appeal_quorum_min: u32,
    /// The same where the outcome appealed against burdens the judge; from `appeal_quorum_min`.
    #[schema(minimum = 3, maximum = 30, example = 5)]
    pub appeal_quorum_grave_min: u32,
}

impl Deciding {
    /// What holds for a methodology that says nothing: our own design (`domain.md` 7.2), which a methodology replaces.
    pub const STANDARD: Deciding = Deciding {
        quorum_min: 5,
        quorum_numerator: 2,
        quorum_denominator: 3,
        appeal_quorum_min: 3,
        appeal_quorum_grave_min: 5,
    };

    /// How many of the commission must vote where so many are assigned.
    pub fn quorum(&self, assigned: u32) -> u32 {
        let share = (assigned * self.quorum_numerator).div_ceil(self.quorum_denominator.max(1));
        share.max(self.quorum_min)
    }

    /// How many of the appeal panel must vote.
    pub fn appeal_quorum(&self, is_grave: bool) -> u32 {
        if is_grave { self.appeal_quorum_grave_min.max(self.appeal_quorum_min) } else { self.appeal_quorum_min }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quorum_is_two_thirds_of_the_assigned_and_five_at_least() {
        let found: Vec<u32> = [0, 5, 6, 7, 8, 9, 15].into_iter().map(|of| Deciding::STANDARD.quorum(of)).collect();
        assert_eq!(found, [5, 5, 5, 5, 6, 6, 10]);
        assert_eq!((Deciding::STANDARD.appeal_quorum(false), Deciding::STANDARD.appeal_quorum(true)), (3, 5));
    }
}
