//! The k-th smallest of a panel's pairwise means or differences. A newcomer would list them all: for ten thousand
//! reviews that is fifty million, so long lists are searched by halving the doubles and never written down.

/// Up to this many pairs are listed, which is faster.
const LISTED_MAX: usize = 2048;

/// The pairwise values of a sorted sample, each at least as large for a larger second member.
#[derive(Debug)]
pub(super) struct Pairs<'a> {
    sorted: &'a [f64],
    combine: fn(f64, f64) -> f64,
    with_itself: bool,
    listed: Option<Vec<f64>>,
}

impl<'a> Pairs<'a> {
    /// The means of all pairs, each value also paired with itself: Walsh averages.
    pub fn means(sorted: &'a [f64]) -> Pairs<'a> {
        Pairs::new(sorted, f64::midpoint, true)
    }

    /// The distances of all pairs of two different places.
    pub fn distances(sorted: &'a [f64]) -> Pairs<'a> {
        Pairs::new(sorted, |low, high| high - low, false)
    }

    fn new(sorted: &'a [f64], combine: fn(f64, f64) -> f64, with_itself: bool) -> Pairs<'a> {
        let mut pairs = Pairs { sorted, combine, with_itself, listed: None };
        if pairs.count() <= LISTED_MAX {
            let mut listed: Vec<f64> = Vec::with_capacity(pairs.count());
            pairs.each_first(|first, seconds| listed.extend(seconds.iter().map(|second| combine(first, *second))));
            listed.sort_unstable_by(f64::total_cmp);
            pairs.listed = Some(listed);
        }
        pairs
    }

    /// How many pairs there are.
    pub fn count(&self) -> usize {
        let n = self.sorted.len();
        let distinct = n * n.saturating_sub(1) / 2;
        if self.with_itself { distinct + n } else { distinct }
    }

    /// The `rank`-th smallest, from 1; `None` where there is none.
    pub fn smallest(&self, rank: usize) -> Option<f64> {
        if rank == 0 || rank > self.count() {
            return None;
        }
        if let Some(listed) = &self.listed {
            return listed.get(rank - 1).copied();
        }
        let (first, last) = (*self.sorted.first()?, *self.sorted.last()?);
        let highest = (self.combine)(first, last).max((self.combine)(last, last));
        let (mut low, mut high) = (place_of((self.combine)(first, first)), place_of(highest));
        while low < high {
            let middle = ((i128::from(low) + i128::from(high)) >> 1) as i64;
            if self.at_most(value_at(middle)) >= rank {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        // The negative zero comes before the other, and is the same value.
        Some(value_at(low) + 0.0)
    }

    /// The median: the middle value, or the mean of the two.
    pub fn median(&self) -> Option<f64> {
        let count = self.count();
        let (low, high) = (self.smallest(count.div_ceil(2))?, self.smallest(count / 2 + 1)?);
        Some(f64::midpoint(low, high))
    }

    fn at_most(&self, bound: f64) -> usize {
        let mut count = 0;
        self.each_first(|first, seconds| {
            count += seconds.partition_point(|second| (self.combine)(first, *second) <= bound);
        });
        count
    }

    /// Calls `visit` with each value and the sorted values that it is paired with.
    fn each_first(&self, mut visit: impl FnMut(f64, &[f64])) {
        let mut rest = self.sorted;
        while let [first, behind @ ..] = rest {
            visit(*first, if self.with_itself { rest } else { behind });
            rest = behind;
        }
    }
}

/// The place of a double among all of them, in their order.
fn place_of(value: f64) -> i64 {
    flip(value.to_bits() as i64)
}

fn value_at(place: i64) -> f64 {
    f64::from_bits(flip(place) as u64)
}

/// Turns the order of negative doubles' bits round, as in [`f64::total_cmp`]; it is its own inverse.
fn flip(bits: i64) -> i64 {
    if bits < 0 { bits ^ i64::MAX } else { bits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_finds_what_listing_finds() {
        let mut sorted: Vec<f64> = (0..40).map(|place| f64::from(place * place % 97) / 7.0 - 4.0).collect();
        sorted.sort_unstable_by(f64::total_cmp);
        for listed in [Pairs::means(&sorted), Pairs::distances(&sorted)] {
            let searched =
                Pairs { sorted: &sorted, combine: listed.combine, with_itself: listed.with_itself, listed: None };
            for rank in 0..=listed.count() + 1 {
                assert_eq!(searched.smallest(rank), listed.smallest(rank), "rank {rank}");
            }
            assert_eq!(searched.median(), listed.median());
        }
    }
}
