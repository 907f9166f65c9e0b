//! What a methodology says about scoring, checked once, and the marks of one subject, checked against it. A newcomer
//! would let odd weights overflow at the seal; here they are refused when the methodology is made, never later.

use super::fraction::gcd;
use super::trim::set_aside;
use crate::error::{Code, Error, Fault, Result, Rule};

/// The most reviews of one subject: the frozen tables of [`super::constants`] end here.
pub const REVIEWS_MAX: usize = 128;

/// The most criteria of one instrument.
pub const CRITERIA_MAX: usize = 20;

/// The most items of one criterion.
pub const ITEMS_MAX: usize = 20;

/// The mark that means "no basis to judge": it is never averaged and is not a zero.
pub const NO_BASIS: u8 = 255;

/// The floor of `display_min` (rule P-1): below five reviews nothing is shown.
pub const DISPLAY_MIN_FLOOR: usize = 5;

/// The floor of `decision_min` (rule P-1): below ten reviews no figure is shown.
pub const DECISION_MIN_FLOOR: usize = 10;

/// The floor of `kept_min` (rule P-1): what the fewest reviews that may ground a decision keep.
pub const KEPT_MIN_FLOOR: usize = 6;

/// The bound on the common denominator times the largest mark.
///
/// With at most 65 reviews kept a side of the product, every numerator and denominator of a score then stays below
/// 2^53, the largest integer of strict JSON; sums of squares over a million subjects stay below 2^125.
const RESOLUTION_MAX: i64 = 1 << 40;

/// The bound on the sum of the weights after division by their greatest common divisor.
const WEIGHT_SUM_MAX: u64 = 10_000;

/// An ordered scale of whole marks: `min`, `min + step`, … `max`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// The lowest mark.
    pub min: u8,
    /// The highest mark, at most 254.
    pub max: u8,
    /// The distance of neighbouring marks, at least 1.
    pub step: u8,
}

/// One criterion of the instrument; its items stand side by side in a review's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Criterion {
    /// The methodology's code, such as `reasoning`; unique in the instrument.
    pub code: String,
    /// The published whole-number weight in a review's key, at least 1.
    pub weight: u32,
    /// The number of items, 1 to [`ITEMS_MAX`].
    pub items: usize,
}

/// The grid that published figures are rounded to; finer grids would disclose marks (rule P-2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublishStep {
    /// A quarter of a point.
    Quarter,
    /// Half a point.
    Half,
}

impl PublishStep {
    /// The step that this many hundredths of a point are, if rule P-2 allows it.
    pub fn from_hundredths(hundredths: i64) -> Option<PublishStep> {
        match hundredths {
            25 => Some(PublishStep::Quarter),
            50 => Some(PublishStep::Half),
            _ => None,
        }
    }

    /// The step in hundredths of a point.
    pub fn hundredths(self) -> i64 {
        match self {
            PublishStep::Quarter => 25,
            PublishStep::Half => 50,
        }
    }
}

/// What a methodology decides about scoring, as written; [`Rules::new`] checks it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleValues {
    /// The scale of every item.
    pub scale: Scale,
    /// The criteria in the order of the instrument.
    pub criteria: Vec<Criterion>,
    /// Below this many reviews a result is `insufficient`; at least [`DISPLAY_MIN_FLOOR`].
    pub display_min: usize,
    /// Below this many reviews a result is `indicative`; at least [`DECISION_MIN_FLOOR`] and `display_min`.
    pub decision_min: usize,
    /// Below this many reviews kept after setting aside a result is `indicative`, too; at least [`KEPT_MIN_FLOOR`].
    ///
    /// It is no number of reviews of its own, since the number kept falls with every fourth review: 11 keep 7, 12 keep 6.
    pub kept_min: usize,
    /// The grid of published figures.
    pub publish_step: PublishStep,
    /// The mark that means "as the standard expects", in hundredths of a point: 300 on a scale from 1 to 5.
    pub expected_hundredths: i64,
}

/// Rules of scoring that cannot be wrong, with the common denominator that makes every value a whole number.
///
/// A criterion's mark is the mean of its answered items and counts when at least half of its items are answered. Such
/// means have the common denominator `mark_unit`, keys (weighted means of them) have `mark_unit * weight_unit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    values: RuleValues,
    weights: Vec<i64>,
    item_count: usize,
    mark_unit: i64,
    weight_unit: i64,
}

impl Rules {
    /// Checks what a methodology says.
    ///
    /// Refused as `invalid`, with all faults at once and pointers named like the fields of [`RuleValues`]. Weights and
    /// item counts whose common denominator is too large for exact arithmetic are refused at `/criteria`: choose
    /// weights with a small sum once their common divisor is taken out (20, 20, 30, 30 is 2, 2, 3, 3).
    pub fn new(values: RuleValues) -> Result<Rules> {
        let mut faults = faults_of_scale(values.scale, values.expected_hundredths);
        faults.extend(faults_of_counts(values.display_min, values.decision_min, values.kept_min));
        faults.extend(faults_of_criteria(&values.criteria));
        if !faults.is_empty() {
            return Err(Error::faults(Code::Invalid, faults));
        }
        let divisor = values.criteria.iter().fold(0, |divisor, criterion| gcd(divisor, u64::from(criterion.weight)));
        let reduced: Vec<u64> = values.criteria.iter().map(|c| u64::from(c.weight) / divisor).collect();
        let units = mark_unit(&values.criteria).zip(weight_unit(&reduced));
        let units = units.filter(|&(mark, weight)| {
            let resolution = mark.checked_mul(weight).and_then(|unit| unit.checked_mul(i64::from(values.scale.max)));
            resolution.is_some_and(|resolution| resolution <= RESOLUTION_MAX)
        });
        let Some((mark_unit, weight_unit)) = units else {
            return Err(Error::invalid("/criteria", Rule::Range { min: 1, max: RESOLUTION_MAX }));
        };
        Ok(Rules {
            weights: reduced.iter().map(|&weight| weight as i64).collect(),
            item_count: values.criteria.iter().map(|criterion| criterion.items).sum(),
            mark_unit,
            weight_unit,
            values,
        })
    }

    /// What the methodology says.
    pub fn values(&self) -> &RuleValues {
        &self.values
    }

    /// Whether so many reviews may ground a decision: enough were given, and enough are kept.
    pub fn is_decisive(&self, n: usize) -> bool {
        n >= self.values.decision_min && n - 2 * set_aside(n) >= self.values.kept_min
    }

    /// Whether criteria may be shown beside the overall score: none weighs more than half of all.
    ///
    /// The overall score is nearly the figure of one that does; that its criteria are held back would then say which of
    /// them its reviewers agree on.
    pub fn may_show_criteria(&self) -> bool {
        let heaviest = self.weights.iter().copied().max().unwrap_or(0);
        2 * heaviest <= self.weights.iter().sum()
    }

    /// The number of items, which is the length of a review's row.
    pub fn item_count(&self) -> usize {
        self.item_count
    }

    /// The common denominator of criterion marks, keys and their differences.
    pub(super) fn unit(&self) -> i64 {
        self.mark_unit * self.weight_unit
    }

    /// The common denominator of criterion marks alone.
    pub(super) fn mark_unit(&self) -> i64 {
        self.mark_unit
    }

    /// What the weighted mean over the answered criteria adds to the denominator: a multiple of every sum of weights.
    pub(super) fn weight_unit(&self) -> i64 {
        self.weight_unit
    }

    /// Whether a review's row counts as a review: it answers at least one criterion.
    pub fn is_answered(&self, row: &[u8]) -> bool {
        let mut rest = row;
        self.values.criteria.iter().any(|criterion| {
            let (items, after) = rest.split_at_checked(criterion.items).unwrap_or_default();
            rest = after;
            items.iter().filter(|mark| **mark != NO_BASIS).count() >= answered_min(criterion.items)
        })
    }

    /// The criteria, each with its weight after division by the common divisor.
    pub(super) fn weighted_criteria(&self) -> impl Iterator<Item = (&Criterion, i64)> {
        self.values.criteria.iter().zip(self.weights.iter().copied())
    }
}

/// The fewest answered items with which a criterion counts: at least half of them.
pub fn answered_min(items: usize) -> usize {
    items.div_ceil(2)
}

/// The marks of one subject: one row per review, one byte per item, criteria in the order of the rules.
///
/// The order of the rows carries nothing and changes no bit of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Panel {
    marks: Vec<u8>,
}

impl Panel {
    /// Takes the rows of a subject, laid end to end.
    ///
    /// The ballot box has checked every mark already, so a mark off the scale, a broken row or more than
    /// [`REVIEWS_MAX`] reviews is an internal error.
    pub fn new(rules: &Rules, marks: Vec<u8>) -> Result<Panel> {
        let Scale { min, max, step } = rules.values.scale;
        let is_mark = |mark: u8| mark == NO_BASIS || (min..=max).contains(&mark) && (mark - min).is_multiple_of(step);
        if !marks.len().is_multiple_of(rules.item_count) {
            return Err(Error::internal("a panel holds a row of the wrong length"));
        }
        if marks.len() / rules.item_count > REVIEWS_MAX {
            return Err(Error::internal("a panel holds more reviews than can be scored"));
        }
        if !marks.iter().all(|&mark| is_mark(mark)) {
            return Err(Error::internal("a panel holds a mark that is not on the scale"));
        }
        Ok(Panel { marks })
    }

    /// The rows laid end to end.
    pub(super) fn marks(&self) -> &[u8] {
        &self.marks
    }

    /// How many rows there are, empty ones among them.
    pub(super) fn review_count(&self, rules: &Rules) -> usize {
        self.marks.len() / rules.item_count
    }

    /// The rows, one per review.
    pub(super) fn rows(&self, rules: &Rules) -> impl Iterator<Item = &[u8]> {
        self.marks.chunks_exact(rules.item_count)
    }
}

fn faults_of_scale(scale: Scale, expected_hundredths: i64) -> Vec<Fault> {
    let Scale { min, max, step } = scale;
    if step == 0 || min >= max || max == NO_BASIS || !(max - min).is_multiple_of(step) {
        return vec![Fault::at("/scale", Rule::Mismatch { other: "step" })];
    }
    let (lowest, highest) = (i64::from(min) * 100, i64::from(max) * 100);
    if (lowest..=highest).contains(&expected_hundredths) {
        return Vec::new();
    }
    vec![Fault::at("/expected_hundredths", Rule::Range { min: lowest, max: highest })]
}

fn faults_of_counts(display_min: usize, decision_min: usize, kept_min: usize) -> Vec<Fault> {
    let mut faults = Vec::new();
    if display_min < DISPLAY_MIN_FLOOR {
        faults.push(Fault::at("/display_min", Rule::Floor { min: DISPLAY_MIN_FLOOR as i64 }));
    }
    if decision_min < DECISION_MIN_FLOOR {
        faults.push(Fault::at("/decision_min", Rule::Floor { min: DECISION_MIN_FLOOR as i64 }));
    }
    if decision_min < display_min {
        faults.push(Fault::at("/decision_min", Rule::Order { other: "display_min" }));
    }
    if kept_min < KEPT_MIN_FLOOR {
        faults.push(Fault::at("/kept_min", Rule::Floor { min: KEPT_MIN_FLOOR as i64 }));
    }
    faults
}

fn faults_of_criteria(criteria: &[Criterion]) -> Vec<Fault> {
    if criteria.is_empty() || criteria.len() > CRITERIA_MAX {
        return vec![Fault::at("/criteria", Rule::Length { min: 1, max: CRITERIA_MAX as u64 })];
    }
    let mut faults = Vec::new();
    for (place, criterion) in criteria.iter().enumerate() {
        if criteria.iter().take(place).any(|earlier| earlier.code == criterion.code) {
            faults.push(Fault::at(format!("/criteria/{place}/code"), Rule::Duplicate));
        }
        if criterion.weight == 0 {
            faults.push(Fault::at(format!("/criteria/{place}/weight"), Rule::Floor { min: 1 }));
        }
        if !(1..=ITEMS_MAX).contains(&criterion.items) {
            faults.push(Fault::at(format!("/criteria/{place}/items"), Rule::Length { min: 1, max: ITEMS_MAX as u64 }));
        }
    }
    faults
}

/// The least common multiple of every number of answered items with which some criterion counts.
fn mark_unit(criteria: &[Criterion]) -> Option<i64> {
    let counts = criteria.iter().flat_map(|criterion| answered_min(criterion.items)..=criterion.items);
    least_common_multiple(counts.map(|count| count as u64))
}

/// The least common multiple of every sum of weights that some set of answered criteria can have.
fn weight_unit(weights: &[u64]) -> Option<i64> {
    let total: u64 = weights.iter().sum();
    if total > WEIGHT_SUM_MAX {
        return None;
    }
    let mut sums = std::collections::BTreeSet::from([0]);
    for weight in weights {
        let with_it: Vec<u64> = sums.iter().map(|sum| sum + weight).collect();
        sums.extend(with_it);
    }
    least_common_multiple(sums.into_iter().filter(|&sum| sum > 0))
}

fn least_common_multiple(numbers: impl Iterator<Item = u64>) -> Option<i64> {
    let mut multiple: u64 = 1;
    for number in numbers {
        multiple = multiple.checked_mul(number / gcd(multiple, number))?;
    }
    i64::try_from(multiple).ok()
}
