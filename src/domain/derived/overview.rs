//! Sums over the judges of courts and of their region, with what would single somebody out held back (`privacy.md` P-4).
//! What a newcomer would get wrong: to hold back a small court and show the region's sum beside all other courts: the
//! difference is the small court. So what is held back is, taken together, as large a group as one that is shown.
//!
//! All figures of a cell are of the same judges, those with all three counts in the quarter, and there are quarters and no
//! longer periods: two figures, or two periods, of different judges would be a difference, too.

use serde::Serialize;
use utoipa::ToSchema;

use super::counts::Input;
use super::{Work, scaled};
use crate::coded;
use crate::domain::calendar::Period;

/// The fewest judges behind a sum.
pub const JUDGES_MIN: usize = 5;

/// The largest share of a sum that one judge may have, in per cent.
const SHARE_MAX: i64 = 30;

coded! {
    /// Why a sum is held back.
    Withheld {
        /// Fewer than 5 judges, or one who has more than 30 per cent of it.
        TooFewJudges = "too_few_judges",
        /// Shown beside the others it would tell a sum that is held back.
        Complementary = "complementary",
    }
}

/// What one judge adds to a sum; or the sum.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Flow {
    /// Cases that came in.
    pub incoming: i64,
    /// Cases resolved.
    pub resolved: i64,
    /// Cases pending at the end.
    pub pending_end: i64,
}

/// The judges of one court with the category, by what each adds.
pub type Cell = Vec<Flow>;

/// A sum over judges, or why it is held back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(example = json!({"withheld": null, "judge_count": 12, "incoming": 1180, "resolved": 1204, "pending_end": 402, "clearance_rate": 1020, "clearance_rate_scale": 1, "disposition_time_days": 31}))]
pub struct OverviewFigures {
    /// Why nothing is shown, or null.
    withheld: Option<Withheld>,
    /// Over how many judges, or null.
    #[schema(minimum = 5)]
    judge_count: Option<usize>,
    /// Cases that came in, or null.
    #[schema(minimum = 0)]
    incoming: Option<i64>,
    /// Cases resolved, or null.
    #[schema(minimum = 0)]
    resolved: Option<i64>,
    /// Cases pending at the end, or null.
    #[schema(minimum = 0)]
    pending_end: Option<i64>,
    /// Resolved ÷ incoming in tenths of a per cent, or null where nothing came in.
    #[schema(minimum = 0)]
    clearance_rate: Option<i64>,
    /// Decimals of `clearance_rate`.
    #[schema(minimum = 1, maximum = 1)]
    clearance_rate_scale: u8,
    /// Pending ÷ resolved × days of the quarter, or null where nothing was resolved.
    #[schema(minimum = 0)]
    disposition_time_days: Option<i64>,
}

/// What a judge adds in a category and quarter; `None` where a count is missing or disputed.
pub fn flow(work: &Work, category: &str, quarter: Period) -> Option<Flow> {
    let value = |input| {
        let count = work.counts.get(category, input, quarter)?;
        (!count.is_disputed).then_some(count.value)
    };
    Some(Flow {
        incoming: value(Input::Incoming)?,
        resolved: value(Input::Resolved)?,
        pending_end: value(Input::PendingEnd)?,
    })
}

/// The figures of the whole and of each cell, in their order.
pub fn overview(cells: &[Cell], quarter: Period) -> (OverviewFigures, Vec<OverviewFigures>) {
    let mut shown: Vec<Option<Withheld>> =
        cells.iter().map(|cell| (!is_safe(cell)).then_some(Withheld::TooFewJudges)).collect();
    // The smallest first, so that as few judges as possible are held back for others' sake.
    let mut by_size: Vec<usize> = (0..cells.len()).collect();
    by_size.sort_by_key(|place| cells.get(*place).map_or(0, Vec::len));
    for place in by_size {
        let held_back = held_back(cells, &shown);
        if held_back.is_empty() || is_safe(&held_back) {
            break;
        }
        if let Some(verdict) = shown.get_mut(place).filter(|verdict| verdict.is_none()) {
            *verdict = Some(Withheld::Complementary);
        }
    }
    let whole: Cell = cells.iter().flatten().copied().collect();
    let of_whole = (!is_safe(&whole)).then_some(Withheld::TooFewJudges);
    let of_cells = cells.iter().zip(shown).map(|(cell, withheld)| OverviewFigures::of(cell, withheld, quarter));
    (OverviewFigures::of(&whole, of_whole, quarter), of_cells.collect())
}

/// All judges whose cells are held back.
fn held_back(cells: &[Cell], shown: &[Option<Withheld>]) -> Cell {
    let hidden = cells.iter().zip(shown).filter(|(_, withheld)| withheld.is_some());
    hidden.flat_map(|(cell, _)| cell.iter().copied()).collect()
}

/// Whether a sum over these judges tells of none of them.
fn is_safe(cell: &[Flow]) -> bool {
    let parts: [fn(&Flow) -> i64; 3] = [|flow| flow.incoming, |flow| flow.resolved, |flow| flow.pending_end];
    let has_no_giant = |part: fn(&Flow) -> i64| {
        let sum: i64 = cell.iter().map(part).sum();
        cell.iter().all(|flow| part(flow) * 100 <= sum * SHARE_MAX)
    };
    cell.len() >= JUDGES_MIN && parts.into_iter().all(has_no_giant)
}

impl OverviewFigures {
    fn of(cell: &[Flow], withheld: Option<Withheld>, quarter: Period) -> OverviewFigures {
        let is_shown = withheld.is_none();
        let sum = cell.iter().fold(Flow::default(), |sum, flow| Flow {
            incoming: sum.incoming + flow.incoming,
            resolved: sum.resolved + flow.resolved,
            pending_end: sum.pending_end + flow.pending_end,
        });
        let Flow { incoming, resolved, pending_end } = sum;
        let clearance = (is_shown && incoming > 0).then(|| scaled(resolved, 1000, incoming));
        let time = (is_shown && resolved > 0).then(|| scaled(pending_end, quarter.days(), resolved));
        OverviewFigures {
            withheld,
            judge_count: is_shown.then_some(cell.len()),
            incoming: is_shown.then_some(incoming),
            resolved: is_shown.then_some(resolved),
            pending_end: is_shown.then_some(pending_end),
            clearance_rate: clearance,
            clearance_rate_scale: 1,
            disposition_time_days: time,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cells of so many judges, each with as much as the others.
    fn cells(sizes: &[usize]) -> Vec<Cell> {
        let judge = Flow { incoming: 100, resolved: 100, pending_end: 30 };
        sizes.iter().map(|size| vec![judge; *size]).collect()
    }

    fn verdicts(cells: &[Cell]) -> (Option<Withheld>, Vec<Option<Withheld>>) {
        let (whole, parts) = overview(cells, Period::parse("2026-Q3").unwrap());
        (whole.withheld, parts.into_iter().map(|part| part.withheld).collect())
    }

    #[test]
    fn fewer_than_five_judges_are_held_back_and_others_with_them_so_that_no_difference_tells() {
        use Withheld::{Complementary, TooFewJudges};
        assert_eq!(verdicts(&cells(&[5, 9])), (None, vec![None, None]));
        assert_eq!(verdicts(&cells(&[4, 6, 9])), (None, vec![Some(TooFewJudges), Some(Complementary), None]));
        assert_eq!(verdicts(&cells(&[2, 3, 9])), (None, vec![Some(TooFewJudges), Some(TooFewJudges), None]));
        assert_eq!(verdicts(&cells(&[2, 9])), (None, vec![Some(TooFewJudges), Some(Complementary)]));
        assert_eq!(verdicts(&cells(&[2, 2])), (Some(TooFewJudges), vec![Some(TooFewJudges); 2]));
        assert_eq!(verdicts(&[]), (Some(TooFewJudges), vec![]));
    }

    #[test]
    fn a_judge_with_most_of_a_sum_is_not_shown_by_it() {
        let mut cells = cells(&[6, 6, 8]);
        cells[0][0].pending_end = 1_000;
        let (whole, parts) = verdicts(&cells);
        assert_eq!(parts[0], Some(Withheld::TooFewJudges));
        assert_eq!(whole, Some(Withheld::TooFewJudges), "in the region, too, that judge has most of the pending");
        cells[0][0].pending_end = 100;
        let (whole, parts) = verdicts(&cells);
        assert_eq!((whole, parts), (None, vec![Some(Withheld::TooFewJudges), Some(Withheld::Complementary), None]));
    }

    #[test]
    fn sums_have_their_rates_and_what_is_held_back_says_nothing() {
        let (whole, parts) = overview(&cells(&[5, 4, 9]), Period::parse("2026-Q3").unwrap());
        let shown = serde_json::to_value(&whole).unwrap();
        assert_eq!(
            (&shown["judge_count"], &shown["resolved"], &shown["clearance_rate"]),
            (&18.into(), &1800.into(), &1000.into())
        );
        assert_eq!(shown["disposition_time_days"], 28);
        let hidden = serde_json::to_value(&parts[1]).unwrap();
        for name in ["judge_count", "incoming", "resolved", "pending_end", "clearance_rate", "disposition_time_days"] {
            assert!(hidden[name].is_null(), "{name}");
        }
    }

    /// Every sum that somebody can make of what is shown, by adding and taking away, is over no judge or over enough.
    #[test]
    fn no_sum_or_difference_of_what_is_shown_is_over_fewer_than_five_judges() {
        for mask in 0..4_096_usize {
            let sizes: Vec<usize> =
                [2, 3, 4, 5].map(|base| base + mask % 3).into_iter().chain([mask % 7, mask % 11]).collect();
            let cells = cells(&sizes);
            let (whole, parts) = verdicts(&cells);
            if whole.is_some() {
                continue;
            }
            let shown: usize =
                cells.iter().zip(&parts).filter(|(_, part)| part.is_none()).map(|(cell, _)| cell.len()).sum();
            let rest = sizes.iter().sum::<usize>() - shown;
            assert!(rest == 0 || rest >= JUDGES_MIN, "{sizes:?} {parts:?}");
        }
    }
}
