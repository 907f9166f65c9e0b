//! How many acts of a subject reviewers are given to read. What a newcomer would get wrong: there is no weight for what became
//! of an act, and there must not be one; an act counts by its category alone.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The reading pack of a subject. A value that is left out is the one of the example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"acts_per_category": 2, "acts_max": 6, "acts_min": 2, "window_months": 12}))]
pub struct ReadingPackRules {
    /// Acts drawn of each category that the judge decided cases of; 1 to 8.
    #[serde(default = "acts_per_category")]
    #[schema(minimum = 1, maximum = 8, example = 2)]
    pub acts_per_category: u32,
    /// Acts in all; the categories with most acts come first. From `acts_per_category` to 8, as they are read in one sitting.
    #[serde(default = "acts_max")]
    #[schema(minimum = 1, maximum = 8, example = 6)]
    pub acts_max: u32,
    /// Acts below which a pack is frozen with reasons alone; 1 to `acts_max`.
    #[serde(default = "acts_min")]
    #[schema(minimum = 1, maximum = 8, example = 2)]
    pub acts_min: u32,
    /// Months before the start of the cycle of whose acts is drawn; 3 to 60.
    #[serde(default = "window_months")]
    #[schema(minimum = 3, maximum = 60, example = 12)]
    pub window_months: u32,
}

fn acts_per_category() -> u32 {
    2
}

fn acts_max() -> u32 {
    6
}

fn acts_min() -> u32 {
    2
}

fn window_months() -> u32 {
    12
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_said_by_the_example() {
        let rules: ReadingPackRules = serde_json::from_str("{}").unwrap();
        let expected = ReadingPackRules { acts_per_category: 2, acts_max: 6, acts_min: 2, window_months: 12 };
        assert_eq!(rules, expected);
    }
}
