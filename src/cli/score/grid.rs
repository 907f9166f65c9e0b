//! The scale as a user writes it, `0..10` in steps of `0.25`, and marks on it as the whole numbers that the engine
//! scores. A newcomer would read marks as doubles; 7.1 is none, so texts are read as thousandths.

use crate::domain::analysis::report;
use crate::domain::scoring::fraction::Fraction;
use crate::domain::scoring::rules::{NO_BASIS, Scale};

/// What a mark is counted in before the engine's unit is known: thousandths of a point.
const THOUSANDTHS: i64 = 1000;

/// A number of a scale, in thousandths of a point; from 0 up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Points(i64);

/// The ends of a scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ends {
    /// The lowest mark.
    pub min: Points,
    /// The highest mark.
    pub max: Points,
}

/// A scale, and how its points lie on the whole numbers of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    ends: Ends,
    step: Points,
    /// How many thousandths of a point one whole number of the engine is: 1000 where the scale has whole marks.
    unit: i64,
    /// The scale as the engine has it.
    pub scale: Scale,
}

impl std::str::FromStr for Points {
    type Err = String;

    fn from_str(text: &str) -> Result<Points, String> {
        let form = || format!("{text:?} is no number from 0 with at most three decimals");
        Points::read(text.as_bytes()).ok_or_else(form)
    }
}

impl std::str::FromStr for Ends {
    type Err = String;

    fn from_str(text: &str) -> Result<Ends, String> {
        let (min, max) = text.split_once("..").ok_or("expected two numbers such as 1..5")?;
        let ends = Ends { min: min.parse()?, max: max.parse()? };
        if ends.min < ends.max { Ok(ends) } else { Err("the lower end comes first".to_owned()) }
    }
}

impl Points {
    /// One point.
    pub const ONE: Points = Points(THOUSANDTHS);

    /// Reads digits with at most three decimals; nothing else is a number here.
    fn read(text: &[u8]) -> Option<Points> {
        let mut parts = text.splitn(2, |byte| *byte == b'.');
        let (whole, decimals) = (parts.next()?, parts.next());
        if whole.is_empty() || whole.len() > 6 || decimals.is_some_and(|decimals| !(1..=3).contains(&decimals.len())) {
            return None;
        }
        let mut value = 0;
        let places = decimals.unwrap_or_default().iter().chain(b"000").take(3);
        for byte in whole.iter().chain(places) {
            value = value * 10 + i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        Some(Points(value))
    }
}

impl std::fmt::Display for Points {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let decimals = format!("{:03}", self.0 % THOUSANDTHS);
        match decimals.trim_end_matches('0') {
            "" => write!(f, "{}", self.0 / THOUSANDTHS),
            decimals => write!(f, "{}.{decimals}", self.0 / THOUSANDTHS),
        }
    }
}

impl Grid {
    /// The grid of a scale; the fault in words where the engine has no such one.
    ///
    /// Whole marks stay what they are. Others are counted in the largest unit that goes into the lower end and the step.
    pub fn new(ends: Ends, step: Points) -> Result<Grid, String> {
        let Ends { min: Points(min), max: Points(max) } = ends;
        let Points(distance) = step;
        if distance == 0 || (max - min) % distance != 0 {
            return Err(format!("{}..{} is not a whole number of steps of {step}", ends.min, ends.max));
        }
        let is_whole = [min, max, distance].iter().all(|value| value % THOUSANDTHS == 0);
        let is_small = max / THOUSANDTHS < i64::from(NO_BASIS);
        let unit = if is_whole && is_small { THOUSANDTHS } else { divisor(min, distance) };
        let whole = |value: i64| u8::try_from(value / unit).ok().filter(|&value| value != NO_BASIS);
        let scale = whole(min).zip(whole(max)).zip(whole(distance));
        let Some(((min, max), step_of_engine)) = scale else {
            let most = i64::from(NO_BASIS) - 1;
            return Err(format!("{}..{} in steps of {step} goes beyond {most} of its units", ends.min, ends.max));
        };
        Ok(Grid { ends, step, unit, scale: Scale { min, max, step: step_of_engine } })
    }

    /// The mark that a text is, as the engine has it; `None` where the text is no mark of this scale.
    pub fn mark(&self, text: &[u8]) -> Option<u8> {
        let Points(value) = Points::read(text)?;
        let Ends { min: Points(min), max: Points(max) } = self.ends;
        let is_mark = (min..=max).contains(&value) && (value - min) % self.step.0 == 0;
        u8::try_from(value / self.unit).ok().filter(|_| is_mark)
    }

    /// Whether the engine counts in points.
    pub fn is_whole(&self) -> bool {
        self.unit == THOUSANDTHS
    }

    /// The distance of neighbouring marks, in points.
    pub fn step(&self) -> f64 {
        Fraction::new(self.step.0, THOUSANDTHS).value()
    }

    /// The scale as analysis has it, in points.
    pub fn marks(&self) -> report::Marks {
        let points = |points: Points| Fraction::new(points.0, THOUSANDTHS).value();
        report::Marks { min: points(self.ends.min), max: points(self.ends.max), step: self.step() }
    }

    /// A number of the engine in points.
    pub fn points(&self, value: f64) -> f64 {
        value * Fraction::new(self.unit, THOUSANDTHS).value()
    }

    /// A variance of the engine in points.
    pub fn points_squared(&self, variance: f64) -> f64 {
        self.points(self.points(variance))
    }

    /// A fraction of the engine in points, exact.
    pub fn fraction(&self, fraction: Fraction) -> Fraction {
        if self.is_whole() {
            return fraction;
        }
        Fraction::new(fraction.num() * self.unit, fraction.den() * THOUSANDTHS)
    }

    /// The middle of the scale.
    pub fn middle(&self) -> Points {
        Points((self.ends.min.0 + self.ends.max.0) / 2)
    }

    /// A point of the scale in hundredths of the engine's numbers; `None` where it lies outside or between those.
    pub fn hundredths(&self, point: Points) -> Option<i64> {
        let is_within = (self.ends.min..=self.ends.max).contains(&point);
        (is_within && point.0 * 100 % self.unit == 0).then(|| point.0 * 100 / self.unit)
    }
}

impl std::fmt::Display for Grid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}..{}", self.ends.min, self.ends.max)?;
        if self.step == Points::ONE { Ok(()) } else { write!(f, " in steps of {}", self.step) }
    }
}

fn divisor(a: i64, b: i64) -> i64 {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid(ends: &str, step: &str) -> Result<Grid, String> {
        Grid::new(ends.parse()?, step.parse()?)
    }

    #[test]
    fn whole_marks_stay_what_they_are_and_quarters_are_counted() {
        let whole = grid("1..5", "1").unwrap();
        assert_eq!((whole.mark(b"4"), whole.mark(b"4.0"), whole.is_whole()), (Some(4), Some(4), true));
        let quarters = grid("0..10", "0.25").unwrap();
        assert_eq!((quarters.mark(b"7.75"), quarters.scale.max), (Some(31), 40));
        assert_eq!(quarters.fraction(Fraction::new(57, 2)), Fraction::new(57, 8));
        assert_eq!(grid("0..1000", "10").unwrap().mark(b"990"), Some(99));
    }

    #[test]
    fn what_is_no_mark_of_the_scale_is_none() {
        let grid = grid("1..5", "1").unwrap();
        for text in ["0", "6", "4.5", "", "four", "-1", "+4", " 4", "4.", ".4", "4.0000", "1e0", "1234567"] {
            assert_eq!(grid.mark(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn a_scale_that_cannot_be_is_refused() {
        for (ends, step) in
            [("5..1", "1"), ("1..5", "3"), ("1..5", "0"), ("1-5", "1"), ("0..1", "0.001"), ("a..b", "1")]
        {
            assert!(grid(ends, step).is_err(), "{ends} {step}");
        }
    }

    #[test]
    fn a_standard_lies_on_the_scale() {
        let grid = grid("1..5", "1").unwrap();
        assert_eq!((grid.hundredths(grid.middle()), grid.hundredths("3.25".parse().unwrap())), (Some(300), Some(325)));
        assert_eq!((grid.hundredths("5.5".parse().unwrap()), grid.hundredths("3.333".parse().unwrap())), (None, None));
    }
}
