//! What derived indicators are made of: a judge's own values and reviewed acts, and those of comparable judges. What a
//! newcomer would get wrong: to compare with all judges there are. Five queries read a judge and the group, by their ids;
//! however large a region is, at most [`JUDGE_QUARTERS_MAX`] quarters of judges are read.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::db::Conn;
use crate::domain::acts::{Review, count_reviews};
use crate::domain::calendar::Period;
use crate::domain::derived::counts::Count;
use crate::domain::derived::span::Span;
use crate::domain::derived::{Derived, Group, Work, derive};
use crate::domain::ids::JudgeId;
use crate::domain::judge_file::RecordStatus;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::comparisons::Standing;

/// The most quarters of judges that a comparison reads: a thousand judges over a year, two hundred over five. Of a larger
/// group every second, third … judge by id is taken, the same ones for everybody.
pub const JUDGE_QUARTERS_MAX: usize = 4_000;

/// A judge's derived indicators and with whom they are compared.
pub struct Found {
    /// The figures.
    pub derived: Derived,
    /// With whom: judges of this standing; none where the judge held no post.
    pub compared: Option<Compared>,
}

/// The group that a judge is compared with.
pub struct Compared {
    /// The level and region.
    pub standing: Standing,
    /// The day on which its judges held their posts.
    pub on: NaiveDate,
    /// Whether only some of them were read.
    pub is_sample: bool,
}

/// Derives the indicators of a judge over a period.
///
/// # Errors
/// 404 where there is no such judge.
pub fn find(conn: &mut Conn, judge: JudgeId, span: &Span, today: NaiveDate) -> Result<Found> {
    store::judges::find(conn, judge)?.ok_or(Code::NotFound)?;
    let (first, last) = span.days_between().ok_or_else(|| Error::internal("a period has no quarter"))?;
    // Who is comparable is asked for the end of the period, or for today where that is still to come.
    let on = last.min(today);
    let standing = store::comparisons::standing(conn, judge, on)?;
    let posts = match &standing {
        Some(standing) => store::comparisons::posts_of(conn, standing, on)?,
        None => Vec::new(),
    };
    let mut judges: Vec<JudgeId> = posts.into_iter().map(|(judge, _)| judge).collect();
    judges.dedup();
    let is_sample = thin_out(&mut judges, JUDGE_QUARTERS_MAX / span.quarters().len().max(1));
    let is_of_group = judges.contains(&judge);
    if !is_of_group {
        judges.push(judge);
    }
    let mut works = load(conn, &judges, first, last)?;
    let own = works.remove(&judge).unwrap_or_default();
    let others: Vec<Work> = works.into_values().collect();
    let group = Group { others: &others, own: is_of_group.then_some(&own) };
    let derived = derive(&own, standing.as_ref().map(|_| group), span);
    Ok(Found { derived, compared: standing.map(|standing| Compared { standing, on, is_sample }) })
}

/// Leaves evenly spaced judges where there are more than `most`; whether any was left out.
fn thin_out(judges: &mut Vec<JudgeId>, most: usize) -> bool {
    let step = judges.len().div_ceil(most.max(1)).max(1);
    let mut place = 0;
    judges.retain(|_| {
        place += 1;
        (place - 1_usize).is_multiple_of(step)
    });
    step > 1
}

/// The work of some judges in a period, by judge; one of whom nothing is on record is left out.
pub fn load(conn: &mut Conn, judges: &[JudgeId], first: NaiveDate, last: NaiveDate) -> Result<BTreeMap<JudgeId, Work>> {
    let mut works: BTreeMap<JudgeId, Work> = BTreeMap::new();
    for value in store::comparisons::values(conn, judges, first, last)? {
        let Some(quarter) = Period::containing(value.period_start) else { continue };
        let count = Count { value: value.numerator, is_disputed: value.status == RecordStatus::Disputed };
        works.entry(value.judge_id).or_default().counts.add(&value.category, value.indicator_code, quarter, count);
    }
    let mut reviews: BTreeMap<JudgeId, Vec<Review>> = BTreeMap::new();
    for (judge, review) in store::comparisons::reviews(conn, judges, first, last)? {
        reviews.entry(judge).or_default().push(review);
    }
    for (judge, reviews) in reviews {
        works.entry(judge).or_default().reviews = count_reviews(&reviews);
    }
    Ok(works)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_group_is_thinned_out_evenly_and_alike_for_everybody() {
        let all: Vec<JudgeId> = (0..2_500).map(|number| JudgeId(uuid::Uuid::from_u128(number))).collect();
        let mut some = all.clone();
        assert!(thin_out(&mut some, 1_000));
        assert_eq!(some.len(), 834);
        assert!(some.iter().eq(all.iter().step_by(3)));
        let mut few = all[..1_000].to_vec();
        assert!(!thin_out(&mut few, 1_000));
        assert_eq!(few.len(), 1_000);
        assert!(!thin_out(&mut Vec::new(), 1_000));
    }
}
