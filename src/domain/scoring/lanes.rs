//! Complete panels of the usual size, eight values side by side: what makes a national cycle a matter of a tenth of a
//! second. A newcomer would sort one criterion after the other; here all of them go through one network at once.
//!
//! Nothing is computed here that the slower way would not compute: the same whole numbers over a denominator that is
//! enough for reviews without a gap, and then multiplied up to the common one.

use super::rules::{NO_BASIS, Rules};
use super::trim::{SIXTEEN, Trimmed, sort_sixteen};

/// Values side by side.
const WIDTH: usize = 8;

/// Blocks of [`WIDTH`] that hold the most criteria.
const BLOCKS: usize = 3;

/// The bound on values: sixteen of their squares are within 31 bits.
const VALUE_MAX: i64 = 8191;

/// One value of each of eight criteria.
type Side = [i16; WIDTH];

/// How complete panels are read under some rules.
#[derive(Debug)]
pub(super) struct Lanes {
    criteria: usize,
    item_count: usize,
    /// By criterion: the number of items, and what makes their sum a mark over the common denominator of marks.
    items: Vec<(usize, i16)>,
    /// Whether every criterion has one item, so that a row is the marks as they are.
    is_plain: bool,
    /// The weights, and zeros behind them.
    weights: [Side; BLOCKS],
    /// The sum of the weights, by which marks are multiplied to have the denominator of keys.
    weight_sum: i16,
    /// What makes a value one over the common denominator of the rules.
    scale_up: i64,
    /// The same for squares.
    squares_up: i64,
    /// By block: the sorted values of a panel, a review each.
    blocks: [[Side; SIXTEEN]; BLOCKS],
}

impl Lanes {
    /// The reading of complete panels; `None` where the rules' numbers are too large for it.
    pub fn new(rules: &Rules) -> Option<Lanes> {
        let criteria: Vec<(usize, i64)> = rules.weighted_criteria().map(|(c, weight)| (c.items, weight)).collect();
        let mark_unit = criteria.iter().try_fold(1, |multiple, &(items, _)| {
            let items = i64::try_from(items).ok()?;
            (1..=VALUE_MAX).map(|times| times * multiple).find(|multiple| multiple % items == 0)
        })?;
        let weight_sum: i64 = criteria.iter().map(|&(_, weight)| weight).sum();
        let unit = mark_unit.checked_mul(weight_sum)?;
        let value_max = unit.checked_mul(i64::from(rules.values().scale.max))?;
        if value_max > VALUE_MAX || criteria.len() > BLOCKS * WIDTH || rules.unit() % unit != 0 {
            return None;
        }
        let mut weights = [[0; WIDTH]; BLOCKS];
        let mut items = Vec::with_capacity(criteria.len());
        for (place, &(count, weight)) in weights.iter_mut().flatten().zip(&criteria) {
            *place = i16::try_from(weight).ok()?;
            items.push((count, i16::try_from(mark_unit / i64::try_from(count).ok()?).ok()?));
        }
        Some(Lanes {
            criteria: criteria.len(),
            item_count: rules.item_count(),
            is_plain: items.iter().all(|item| *item == (1, 1)),
            items,
            weights,
            weight_sum: i16::try_from(weight_sum).ok()?,
            scale_up: rules.unit() / unit,
            squares_up: (rules.unit() / unit).checked_mul(rules.unit() / unit)?,
            blocks: [[[i16::MAX; WIDTH]; SIXTEEN]; BLOCKS],
        })
    }

    /// The trimmed keys of a panel with their one-sided sums, and by criterion its trimmed differences.
    ///
    /// `None` where it has to be read the slower way: with a gap, of more than sixteen reviews, or where setting
    /// `set_aside` aside on each side leaves none.
    pub fn read(
        &mut self,
        marks: &[u8],
        set_aside: usize,
        differences: &mut Vec<(usize, Option<Trimmed>)>,
    ) -> Option<(Trimmed, (i64, i64))> {
        let n = marks.len() / self.item_count.max(1);
        if n > SIXTEEN || n <= 2 * set_aside || marks.contains(&NO_BASIS) {
            return None;
        }
        let mut keys = [0; SIXTEEN];
        for ((place, row), key) in marks.chunks_exact(self.item_count.max(1)).enumerate().zip(&mut keys) {
            *key = i64::from(self.read_row(row, place)) * self.scale_up;
        }
        differences.clear();
        for (block, values) in self.blocks.iter_mut().take(self.criteria.div_ceil(WIDTH)).enumerate() {
            // Behind the reviews of this panel lie those of an earlier, larger one.
            values.iter_mut().skip(n).for_each(|side| *side = [i16::MAX; WIDTH]);
            sort_sixteen(values, exchange);
            let sums = Sums::of(values.get(..n)?, set_aside)?;
            let lanes = WIDTH.min(self.criteria - block * WIDTH);
            differences
                .extend((0..lanes).map(|lane| (n, sums.lane(lane, n, set_aside, (self.scale_up, self.squares_up)))));
        }
        let keys = keys.get_mut(..n)?;
        let trimmed = Trimmed::of(keys, set_aside)?;
        Some((trimmed, trimmed.one_sided(keys)))
    }

    /// Puts the differences of a review in their place and gives its key.
    fn read_row(&mut self, row: &[u8], place: usize) -> i16 {
        let mut marks = [[0_i16; WIDTH]; BLOCKS];
        if self.is_plain {
            let (whole, rest) = row.as_chunks::<WIDTH>();
            for (side, row) in marks.iter_mut().zip(whole) {
                *side = row.map(i16::from);
            }
            let last = marks.iter_mut().skip(whole.len()).flatten();
            last.zip(rest).for_each(|(mark, byte)| *mark = i16::from(*byte));
        } else {
            let mut rest = row;
            for (mark, &(count, factor)) in marks.iter_mut().flatten().zip(&self.items) {
                let (items, behind) = rest.split_at_checked(count).unwrap_or((rest, &[]));
                rest = behind;
                *mark = items.iter().map(|item| i16::from(*item)).sum::<i16>() * factor;
            }
        }
        let used = self.criteria.div_ceil(WIDTH);
        let mut sums = [0_i16; WIDTH];
        for (side, weights) in marks.iter().zip(&self.weights).take(used) {
            // Lane by lane, so that eight are added at once.
            sums.iter_mut().zip(side).zip(weights).for_each(|((sum, mark), weight)| *sum += mark * weight);
        }
        let key: i16 = sums.iter().sum();
        for (values, marks) in self.blocks.iter_mut().zip(&marks).take(used) {
            let Some(side) = values.get_mut(place) else { continue };
            side.iter_mut().zip(marks).for_each(|(value, mark)| *value = mark * self.weight_sum - key);
        }
        key
    }
}

/// What the sorted values of a block add up to.
struct Sums {
    kept: [i32; WIDTH],
    squares: [i32; WIDTH],
    first: Side,
    last: Side,
}

impl Sums {
    /// The sums of sorted values of which `set_aside` on each side do not count; `None` where none would be left.
    fn of(sorted: &[Side], set_aside: usize) -> Option<Sums> {
        let kept = sorted.get(set_aside..sorted.len().checked_sub(set_aside)?)?;
        let (mut sums, mut squares) = ([0; WIDTH], [0; WIDTH]);
        for side in kept {
            sums.iter_mut().zip(side).for_each(|(sum, value)| *sum += i32::from(*value));
            squares.iter_mut().zip(side).for_each(|(sum, value)| *sum += i32::from(*value) * i32::from(*value));
        }
        Some(Sums { kept: sums, squares, first: *kept.first()?, last: *kept.last()? })
    }

    /// The sums of one lane, multiplied up to the common denominator.
    fn lane(&self, lane: usize, n: usize, set_aside: usize, (scale_up, squares_up): (i64, i64)) -> Option<Trimmed> {
        let of = |sums: &[i32; WIDTH]| sums.get(lane).map(|sum| i64::from(*sum));
        let (kept, first, last) =
            (of(&self.kept)?, i64::from(*self.first.get(lane)?), i64::from(*self.last.get(lane)?));
        let aside = set_aside as i64;
        let winsorised_sum = kept + aside * (first + last);
        let winsorised_squares = of(&self.squares)? + aside * (first * first + last * last);
        let squares = n as i64 * winsorised_squares - winsorised_sum * winsorised_sum;
        Some(Trimmed { n, set_aside, kept_sum: kept * scale_up, squares: i128::from(squares) * i128::from(squares_up) })
    }
}

/// The lower and the higher of each lane.
fn exchange(a: Side, b: Side) -> (Side, Side) {
    let (mut low, mut high) = (a, a);
    low.iter_mut().zip(b).for_each(|(low, b)| *low = (*low).min(b));
    high.iter_mut().zip(b).for_each(|(high, b)| *high = (*high).max(b));
    (low, high)
}
