//! Sorting, setting aside and adding up: the arithmetic that level, profile and comparison share, on whole numbers
//! over a common denominator. A newcomer would look for a tie-break: only values enter, so equal ones are
//! interchangeable and nobody is "the one who was set aside".

use super::fraction::{Fraction, Variance};

/// Below this, the square of a sum over the largest panel is within 63 bits.
const NARROW: u64 = 1 << 23;

/// How many values the sorting network takes.
pub(super) const SIXTEEN: usize = 16;

/// The exact sums of one sorted sample of which `set_aside` values a side do not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Trimmed {
    /// How many values there are.
    pub n: usize,
    /// How many are set aside on each side.
    pub set_aside: usize,
    /// The sum of those kept.
    pub kept_sum: i64,
    /// n times the winsorised sum of squares about the winsorised mean.
    pub squares: i128,
}

impl Trimmed {
    /// Sorts the values and sets `set_aside` aside on each side; `None` where none would be left.
    ///
    /// Winsorising puts the nearest kept value in place of each value set aside.
    pub fn of(values: &mut [i64], set_aside: usize) -> Option<Trimmed> {
        sort(values);
        let n = values.len();
        let kept = values.get(set_aside..n.checked_sub(set_aside)?)?;
        let (first, last) = (*kept.first()?, *kept.last()?);
        let kept_sum: i64 = kept.iter().sum();
        let aside = set_aside as i64;
        let winsorised_sum = kept_sum + aside * (first + last);
        let squares = if first.unsigned_abs().max(last.unsigned_abs()) < NARROW {
            let kept_squares: i64 = kept.iter().map(|value| value * value).sum();
            let winsorised_squares = kept_squares + aside * (first * first + last * last);
            i128::from(n as i64 * winsorised_squares - winsorised_sum * winsorised_sum)
        } else {
            let square = |value: i64| i128::from(value) * i128::from(value);
            let kept_squares: i128 = kept.iter().map(|&value| square(value)).sum();
            let winsorised_squares = kept_squares + i128::from(aside) * (square(first) + square(last));
            n as i128 * winsorised_squares - square(winsorised_sum)
        };
        Some(Trimmed { n, set_aside, kept_sum, squares })
    }

    /// The sums of sorted values without the `set_aside` highest, and without the lowest.
    pub fn one_sided(&self, sorted: &[i64]) -> (i64, i64) {
        let below: i64 = sorted.iter().take(self.set_aside).sum();
        let above: i64 = sorted.iter().rev().take(self.set_aside).sum();
        (self.kept_sum + below, self.kept_sum + above)
    }

    /// How many values are kept.
    pub fn kept(&self) -> usize {
        self.n - 2 * self.set_aside
    }

    /// The mean of the kept values, which are over the denominator `unit`.
    pub fn mean(&self, unit: i64) -> Fraction {
        Fraction::new(self.kept_sum, self.kept() as i64 * unit)
    }

    /// The winsorised sum of squares over one less than the number kept, so that Yuen's squared standard error of
    /// the trimmed mean is this over the number kept; the values are over the denominator `unit`.
    pub fn variance(&self, unit: i64) -> Variance {
        let times = (self.n * (self.kept() - 1).max(1)) as i64;
        // Fewer than 2^14 times a square below 2^46; wide products are slow.
        let den = match unit.unsigned_abs() < NARROW {
            true => i128::from(times * unit * unit),
            false => i128::from(times) * i128::from(unit) * i128::from(unit),
        };
        Variance { num: self.squares, den }
    }
}

/// How many reviews of n are set aside on each side: one for every full four.
///
/// The smallest simple rule that is never below a fifth of the reviews for n of 5 or more.
pub fn set_aside(n: usize) -> usize {
    n / 4
}

/// Sorts a sample; the usual panel has at most sixteen reviews and goes through a network without branches, so
/// that the processor has nothing to guess wrong.
fn sort(values: &mut [i64]) {
    let mut padded = [i64::MAX; SIXTEEN];
    match padded.get_mut(..values.len()) {
        Some(place) => place.copy_from_slice(values),
        None => return values.sort_unstable(),
    }
    sort_sixteen(&mut padded, |a, b| (a.min(b), a.max(b)));
    values.iter_mut().zip(padded).for_each(|(value, sorted)| *value = sorted);
}

/// Batcher's odd-even merge network for sixteen values, layer by layer; `exchange` gives the lower and the higher of two.
pub(super) fn sort_sixteen<T: Copy>(values: &mut [T; SIXTEEN], exchange: impl Fn(T, T) -> (T, T)) {
    macro_rules! layers {
        ($(($a:literal $b:literal))*) => {$(
            (values[$a], values[$b]) = exchange(values[$a], values[$b]);
        )*};
    }
    layers! {
        (0 1) (2 3) (4 5) (6 7) (8 9) (10 11) (12 13) (14 15)
        (0 2) (1 3) (4 6) (5 7) (8 10) (9 11) (12 14) (13 15)
        (1 2) (5 6) (9 10) (13 14)
        (0 4) (1 5) (2 6) (3 7) (8 12) (9 13) (10 14) (11 15)
        (2 4) (3 5) (10 12) (11 13)
        (1 2) (3 4) (5 6) (9 10) (11 12) (13 14)
        (0 8) (1 9) (2 10) (3 11) (4 12) (5 13) (6 14) (7 15)
        (4 8) (5 9) (6 10) (7 11)
        (2 4) (3 5) (6 8) (7 9) (10 12) (11 13)
        (1 2) (3 4) (5 6) (7 8) (9 10) (11 12) (13 14)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_sorts_every_pattern_of_zeros_and_ones_and_so_everything() {
        for pattern in 0..1_u32 << 16 {
            let mut values: [i64; 16] = std::array::from_fn(|place| i64::from(pattern >> place & 1));

            sort_sixteen(&mut values, |a, b| (a.min(b), a.max(b)));

            assert!(values.is_sorted(), "{pattern:016b}");
        }
    }

    #[test]
    fn samples_of_every_size_are_sorted() {
        for size in 0..40_i64 {
            let mut values: Vec<i64> = (0..size).map(|place| (place * 7919) % 31 - 15).collect();
            let mut expected = values.clone();
            expected.sort_unstable();

            sort(&mut values);

            assert_eq!(values, expected);
        }
    }
}
