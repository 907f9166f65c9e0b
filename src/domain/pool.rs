//! Who may review whom: the eligible pool of a subject, by rule, before any draw. A newcomer's usual mistake is to look
//! for who knows the subject best; the rule is wide on purpose, since a small pool names its reviewers.

use crate::coded;
use crate::domain::ids::{CourtId, JudgeId};
use crate::domain::judge_file::{CourtLevel, PositionKind};
use crate::error::hint::Hint;

coded! {
    /// How a reviewer's court stands to the subject's (`domain.md` 6.6); serves the pool alone, never a review.
    CourtGroup {
        /// The same court.
        SameCourt = "same_court",
        /// A court of the region that hears appeals from the subject's.
        Appellate = "appellate",
        /// A court of the region whose acts the subject's court reviews.
        LowerCourt = "lower_court",
        /// Another court of the region and level.
        SameRegion = "same_region",
        /// A court of another region.
        OtherRegion = "other_region",
    }
}

coded! {
    /// Why a person of the pool cannot be drawn.
    Exclusion {
        /// A declared conflict between the two.
        Conflict = "conflict",
        /// A member of the commission or its appeal panel.
        Commission = "commission",
        /// The chair of the subject's court.
        CourtChair = "court_chair",
        /// Was reviewed by the subject within the last months.
        Reciprocal = "reciprocal",
        /// The subject's challenge was accepted.
        Challenge = "challenge",
    }
}

/// What the rule knows of a judge.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The judge.
    pub judge_id: JudgeId,
    /// The court.
    pub court_id: CourtId,
    /// Its level.
    pub level: CourtLevel,
    /// Its region.
    pub region: &'a str,
    /// The post.
    pub post: PositionKind,
}

/// How `reviewer` stands to `subject`; `None` for the subject itself and for colleagues of a court that has fewer than
/// `same_court_size` judges, where nobody could be anonymous.
pub fn group(
    subject: &Place<'_>,
    reviewer: &Place<'_>,
    court_judges: usize,
    same_court_size: usize,
) -> Option<CourtGroup> {
    if reviewer.judge_id == subject.judge_id {
        return None;
    }
    if reviewer.court_id == subject.court_id {
        return (court_judges >= same_court_size).then_some(CourtGroup::SameCourt);
    }
    if reviewer.region != subject.region {
        return Some(CourtGroup::OtherRegion);
    }
    Some(match reviewer.level.cmp(&subject.level) {
        std::cmp::Ordering::Greater => CourtGroup::Appellate,
        std::cmp::Ordering::Less => CourtGroup::LowerCourt,
        std::cmp::Ordering::Equal => CourtGroup::SameRegion,
    })
}

/// What helps where a subject holds no post, from whose court the rule would start.
pub fn judge_without_post(judge: JudgeId) -> Hint {
    Hint::new("judge_without_post").text("judge", judge)
}

/// Whether a group belongs to the pool before it is widened: everything but other regions.
pub fn is_near(group: CourtGroup) -> bool {
    match group {
        CourtGroup::SameCourt | CourtGroup::Appellate | CourtGroup::LowerCourt | CourtGroup::SameRegion => true,
        CourtGroup::OtherRegion => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(judge: u128, court: u128, level: CourtLevel, region: &str) -> Place<'_> {
        let (judge_id, court_id) = (JudgeId(uuid::Uuid::from_u128(judge)), CourtId(uuid::Uuid::from_u128(court)));
        Place { judge_id, court_id, level, region, post: PositionKind::Judge }
    }

    #[test]
    fn courts_stand_to_one_another_by_region_and_level() {
        let subject = place(1, 1, CourtLevel::District, "almaty");
        let group_of = |reviewer: Place<'_>, judges| group(&subject, &reviewer, judges, 8);
        assert_eq!(group_of(subject, 20), None);
        assert_eq!(group_of(place(2, 1, CourtLevel::District, "almaty"), 8), Some(CourtGroup::SameCourt));
        assert_eq!(group_of(place(2, 1, CourtLevel::District, "almaty"), 7), None);
        assert_eq!(group_of(place(2, 2, CourtLevel::District, "almaty"), 1), Some(CourtGroup::SameRegion));
        assert_eq!(group_of(place(2, 2, CourtLevel::Regional, "almaty"), 1), Some(CourtGroup::Appellate));
        assert_eq!(group_of(place(2, 2, CourtLevel::District, "abai"), 1), Some(CourtGroup::OtherRegion));
        let regional = place(3, 3, CourtLevel::Regional, "almaty");
        assert_eq!(group(&regional, &subject, 1, 8), Some(CourtGroup::LowerCourt));
    }
}
