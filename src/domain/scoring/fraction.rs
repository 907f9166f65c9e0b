//! Exact fractions and their rounding, in integers throughout. A newcomer would round by floats or half to even:
//! 7.125 is printed 7.13, as the skating union prints it, and every reader's recount must agree.

use std::fmt;

/// Below this, two hundred times a number is still one.
const SMALL: u64 = 1 << 53;

/// The most denominators that have a table of divisors.
const TABLES_MAX: usize = 8;

/// A fraction in lowest terms; the denominator is positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fraction {
    num: i64,
    den: i64,
}

impl Fraction {
    /// The fraction `num / den` in lowest terms; `den` must be positive.
    pub fn new(num: i64, den: i64) -> Fraction {
        let divisor = gcd(num.unsigned_abs(), den.unsigned_abs()) as i64;
        Fraction { num: num / divisor, den: den / divisor }
    }

    /// The numerator.
    pub fn num(self) -> i64 {
        self.num
    }

    /// The denominator, positive.
    pub fn den(self) -> i64 {
        self.den
    }

    /// The nearest double.
    pub fn value(self) -> f64 {
        self.num as f64 / self.den as f64
    }

    /// The fraction within the whole numbers `min` and `max`.
    pub fn clamp(self, min: u8, max: u8) -> Fraction {
        let (min, max) = (i64::from(min), i64::from(max));
        let is_small = self.num.unsigned_abs() < SMALL && self.den.unsigned_abs() < SMALL;
        if is_small && min * self.den <= self.num && self.num <= max * self.den {
            return self;
        }
        if i128::from(self.num) < i128::from(min) * i128::from(self.den) {
            return Fraction { num: min, den: 1 };
        }
        if i128::from(self.num) > i128::from(max) * i128::from(self.den) {
            return Fraction { num: max, den: 1 };
        }
        self
    }

    /// Hundredths of a point on a grid of `step` hundredths, half up.
    pub fn hundredths(self, step: i64) -> i64 {
        // The fractions of scores are small, and wide division is slow.
        let is_small = self.num.unsigned_abs() < SMALL && self.den.unsigned_abs() < SMALL && (1..=100).contains(&step);
        if is_small {
            return (200 * self.num + self.den * step).div_euclid(2 * self.den * step) * step;
        }
        let (num, den, step) = (i128::from(self.num), i128::from(self.den), i128::from(step));
        ((200 * num + den * step).div_euclid(2 * den * step) * step) as i64
    }

    /// The two-decimal text, half up: 95/24 is `3.96`.
    pub fn text(self) -> String {
        let mut text = String::new();
        self.write_text(&mut text);
        text
    }

    /// Writes the two-decimal text behind what is there.
    pub fn write_text(self, out: &mut String) {
        let hundredths = self.hundredths(1);
        let digit = |value: u64| char::from(b'0' + (value % 10) as u8);
        if hundredths < 0 {
            out.push('-');
        }
        let hundredths = hundredths.unsigned_abs();
        let points = hundredths / 100;
        // Nearly every score has one digit before the point.
        if points < 10 {
            out.push(digit(points));
        } else {
            out.push_str(&points.to_string());
        }
        out.push('.');
        out.push(digit(hundredths / 10));
        out.push(digit(hundredths));
    }
}

/// The lowest terms of fractions over the few denominators that a cycle has, each worked out once.
///
/// A million scores of panels of one size are fractions of one denominator, and to find a divisor and divide by it is half
/// of their cost.
#[derive(Debug, Default)]
pub(super) struct Divisors {
    tables: Vec<Table>,
}

/// The fractions of one denominator in lowest terms, by numerator; a denominator of 0 is one that is not known yet.
#[derive(Debug)]
struct Table {
    den: u16,
    fractions: Vec<(u16, u16)>,
}

impl Divisors {
    /// The fraction `num / den` in lowest terms, as [`Fraction::new`] gives it; `den` must be positive.
    pub fn reduce(&mut self, num: i64, den: i64) -> Fraction {
        let (Ok(small_num), Ok(small_den)) = (u16::try_from(num), u16::try_from(den)) else {
            return Fraction::new(num, den);
        };
        let Some(known) = self.place(small_num, small_den) else { return Fraction::new(num, den) };
        if known.1 == 0 {
            let divisor = gcd(u64::from(small_num), u64::from(small_den)) as u16;
            *known = (small_num / divisor, small_den / divisor);
        }
        Fraction { num: i64::from(known.0), den: i64::from(known.1) }
    }

    /// The place of a fraction; `None` where there are more denominators than have a table.
    fn place(&mut self, num: u16, den: u16) -> Option<&mut (u16, u16)> {
        let place = match self.tables.iter().position(|table| table.den == den) {
            Some(place) => place,
            None if self.tables.len() == TABLES_MAX => return None,
            None => {
                self.tables.push(Table { den, fractions: vec![(0, 0); 1 << 16] });
                self.tables.len() - 1
            }
        };
        self.tables.get_mut(place)?.fractions.get_mut(usize::from(num))
    }
}

impl fmt::Display for Fraction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

/// A variance as an exact fraction that is wider than a score; not necessarily in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variance {
    /// The numerator, never negative.
    pub num: i128,
    /// The denominator, positive.
    pub den: i128,
}

impl Variance {
    /// The double that follows from the exact fraction, by two correct roundings and one division.
    pub fn value(self) -> f64 {
        // The same two roundings, without the slow conversion of wide numbers, which are rare.
        match (i64::try_from(self.num), i64::try_from(self.den)) {
            (Ok(num), Ok(den)) => num as f64 / den as f64,
            _ => self.num as f64 / self.den as f64,
        }
    }

    /// Numerator and denominator in lowest terms.
    pub fn lowest_terms(self) -> (i128, i128) {
        let (mut a, mut b) = (self.num, self.den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        (self.num / a, self.den / a)
    }
}

/// The greatest common divisor; `gcd(0, b)` is `b`.
pub(super) fn gcd(a: u64, b: u64) -> u64 {
    if a == 0 || b == 0 {
        return a | b;
    }
    let twos = (a | b).trailing_zeros();
    let (mut a, mut b) = (a >> a.trailing_zeros(), b);
    while b != 0 {
        b >>= b.trailing_zeros();
        (a, b) = (a.min(b), a.abs_diff(b));
    }
    a << twos
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_up_not_to_even() {
        assert_eq!(Fraction::new(57, 8).text(), "7.13");
        assert_eq!(Fraction::new(25, 8).text(), "3.13");
        assert_eq!(Fraction::new(-1, 8).text(), "-0.12");
        assert_eq!(Fraction::new(1, 200).text(), "0.01");
    }

    #[test]
    fn a_grid_of_quarters_is_met_half_up() {
        assert_eq!(Fraction::new(25, 8).hundredths(25), 325);
        assert_eq!(Fraction::new(249, 80).hundredths(25), 300);
        assert_eq!(Fraction::new(13, 4).hundredths(50), 350);
    }

    #[test]
    fn fractions_are_in_lowest_terms_with_their_sign_above() {
        let third = Fraction::new(-84, 252);
        assert_eq!((third.num(), third.den()), (-1, 3));
        assert_eq!((Fraction::new(0, 7).num(), Fraction::new(0, 7).den()), (0, 1));
    }

    #[test]
    fn fractions_by_table_are_the_same_as_without_one() {
        let mut divisors = Divisors::default();
        for den in [1, 6, 7560, 65_535, 65_536, 10, 11, 12, 13, 14, 15, 16] {
            for num in [-7, 0, 1, 6, 30_240, 37_799, 65_535, 65_536, 1 << 40] {
                for _ in 0..2 {
                    assert_eq!(divisors.reduce(num, den), Fraction::new(num, den), "{num}/{den}");
                }
            }
        }
    }

    #[test]
    fn the_binary_divisor_agrees_with_the_schoolbook_one() {
        for a in 0..60_u64 {
            for b in 0..60_u64 {
                let (mut x, mut y) = (a, b);
                while y != 0 {
                    (x, y) = (y, x % y);
                }
                assert_eq!(gcd(a, b), x, "gcd of {a} and {b}");
            }
        }
    }
}
