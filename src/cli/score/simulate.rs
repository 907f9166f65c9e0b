//! `ejf score simulate`: the simulated courts scored by the product's own engine, and what that gives beside the targets.
//! A newcomer would read a figure without its error; the repetitions tell how far chance alone moves it, by leaving out
//! one at a time.

use std::fmt::Write as _;
use std::io::Write as _;

use clap::Args;
use indicatif::ProgressBar;

use super::Refusal;
use super::world::{Attack, CRITERIA, Court, Expectation, JUDGES, MAX, MIN, WORLDS, World, rules};
use crate::cli::{DONE, WRONG};
use crate::domain::scoring::interval::{Certainty, Interval};
use crate::domain::scoring::rules::{Panel, Rules};
use crate::domain::scoring::{PanelScore, pool, score_each};
use crate::error::Result;

/// The sizes of panels.
const SIZES: [usize; 5] = [5, 7, 10, 15, 20];
/// The size that most targets speak of.
const SIZE: usize = 10;
/// Steps of a point on the grid that figures are published on.
const QUARTERS: f64 = 4.0;
/// So many errors of simulation beyond a bar are no longer chance.
const ERRORS: f64 = 2.0;

/// The arguments of `ejf score simulate`.
#[derive(Args)]
pub(super) struct SimulateArguments {
    /// Settles every figure.
    #[arg(long, value_name = "N")]
    seed: u64,
    /// Courts of each kind and size; with few the errors are large.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(2..=10_000))]
    repetitions: u16,
    /// Two repetitions of two kinds and two sizes, to see that it runs; the figures mean nothing.
    #[arg(long, conflicts_with = "repetitions")]
    quick: bool,
}

/// How much is simulated.
struct Extent {
    worlds: &'static [World],
    sizes: &'static [usize],
    repetitions: usize,
}

impl Extent {
    fn of(arguments: &SimulateArguments) -> Extent {
        match arguments.quick {
            true => Extent { worlds: WORLDS.get(..2).unwrap_or_default(), sizes: &[5, SIZE], repetitions: 2 },
            false => Extent { worlds: &WORLDS, sizes: &SIZES, repetitions: usize::from(arguments.repetitions) },
        }
    }
}

/// What one repetition comes to: sums over judges of the squared errors of two estimates, and of how intervals did.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    judges: f64,
    /// Of the overall score: the plain mean, the product.
    overall: [f64; 2],
    /// Of all criteria.
    criteria: [f64; 2],
    /// Of the first criterion.
    first: [f64; 2],
    covered: f64,
    criteria_covered: f64,
    width: f64,
    /// Of the interval as it is published, its ends outward to the grid.
    published_covered: f64,
    published_width: f64,
    zero_widths: f64,
}

/// The squared errors of the plain mean and the product, summed.
type Squares = fn(&Tally) -> [f64; 2];

/// The repetitions of one kind of court, panel size and attack.
struct Cell {
    world: usize,
    n: usize,
    attack: Attack,
    repetitions: Vec<Tally>,
}

/// A line of the outcome.
struct Line {
    number: &'static str,
    what: String,
    /// The plain mean's figure and the product's, where both have one.
    beside: Option<[f64; 2]>,
    measured: f64,
    error: f64,
    bar: f64,
    /// Which side of the bar is good.
    side: Side,
    unit: &'static str,
}

#[derive(Clone, Copy, PartialEq)]
enum Side {
    AtMost,
    AtLeast,
}

/// Simulates and prints: 1 where a bar is missed by more than chance explains.
pub(super) fn print(arguments: &SimulateArguments) -> std::result::Result<u8, Refusal> {
    let extent = Extent::of(arguments);
    let cells = simulate(arguments.seed, &extent)?;
    let lines = lines(&cells);
    let mut text = format!(
        "seed {}, {} repetitions, {JUDGES} judges, {CRITERIA} criteria, scale 1..5\n\n{:4}{:74}{:>8}{:>8}{:>10}{:>8}{:>11}\n",
        arguments.seed, extent.repetitions, "", "target", "mean", "product", "measured", "+-", "bar"
    );
    lines.iter().for_each(|line| line.write(&mut text));
    text.push_str(&as_published(&cells).unwrap_or_default());
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(if lines.iter().any(|line| line.word() == "missed") { WRONG } else { DONE })
}

fn simulate(seed: u64, extent: &Extent) -> Result<Vec<Cell>> {
    let Extent { worlds, sizes, repetitions } = *extent;
    let rules = rules()?;
    // indicatif draws it on a terminal alone.
    let bar = ProgressBar::new((worlds.len() * sizes.len()) as u64);
    let mut cells = Vec::new();
    for (place, world) in worlds.iter().enumerate() {
        let expectation = Expectation::of_world(world);
        for &n in sizes {
            let aimed = (n == SIZE).then_some(Attack::Aimed);
            let attacks: Vec<Attack> = Attack::USUAL.into_iter().chain(aimed).collect();
            let mut of_size: Vec<Cell> = attacks
                .iter()
                .map(|&attack| Cell { world: place, n, attack, repetitions: Vec::with_capacity(repetitions) })
                .collect();
            for repetition in 0..repetitions {
                let court = world.court(&expectation, seed, place, n, repetition);
                for cell in &mut of_size {
                    cell.repetitions.push(tally(&rules, &court, cell.attack)?);
                }
            }
            cells.append(&mut of_size);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    Ok(cells)
}

/// Scores a court under an attack and compares with what honest colleagues are expected to say.
fn tally(rules: &Rules, court: &Court, attack: Attack) -> Result<Tally> {
    let mut panels = Vec::with_capacity(JUDGES);
    let mut means = Vec::with_capacity(JUDGES);
    for (judge, (reviews, coins)) in court.reviews.iter().zip(&court.coins).enumerate() {
        let mut reviews = reviews.clone();
        if judge < attack.judges() {
            attack.strike(&mut reviews, *coins);
        }
        let mean_of = |place: usize| {
            let marks = reviews.iter().filter_map(|review| review.get(place));
            marks.map(|mark| f64::from(*mark)).sum::<f64>() / reviews.len() as f64
        };
        means.push(std::array::from_fn::<f64, CRITERIA, _>(mean_of));
        panels.push(Panel::new(rules, reviews.concat())?);
    }
    let spread = pool(rules, &panels, 1)?;
    let mut tally = Tally::default();
    let mut judges = court.targets.iter().zip(&means).take(attack.judges());
    score_each(rules, &panels, &spread, |score| {
        if let Some((targets, means)) = judges.next() {
            tally.add(score, targets, means);
        }
        Ok(())
    })?;
    Ok(tally)
}

impl Tally {
    fn add(&mut self, score: &PanelScore, targets: &[f64; CRITERIA], means: &[f64; CRITERIA]) {
        let Some(overall) = &score.overall else { return };
        self.judges += 1.0;
        let mean = |values: &[f64; CRITERIA]| values.iter().sum::<f64>() / CRITERIA as f64;
        let target = mean(targets);
        add_squares(&mut self.overall, [mean(means) - target, overall.level.score.value() - target]);
        let aware = overall.certainty.aware;
        self.covered += f64::from(u8::from((aware.lo..=aware.hi).contains(&target)));
        self.width += aware.hi - aware.lo;
        let (lo, hi) = published(aware);
        self.published_covered += f64::from(u8::from((lo..=hi).contains(&target)));
        self.published_width += hi - lo;
        let is_flat = |certainty: &Certainty| {
            let [ordinary, aware] = [certainty.ordinary, certainty.aware];
            f64::from(u8::from(ordinary.lo >= ordinary.hi || aware.lo >= aware.hi))
        };
        self.zero_widths += is_flat(&overall.certainty);
        let criteria = score.criteria.iter().zip(targets).zip(means);
        for (place, ((criterion, target), mean)) in criteria.enumerate() {
            let Some((profile, certainty)) = &criterion.figures else { continue };
            let errors = [mean - target, profile.score.value() - target];
            add_squares(&mut self.criteria, errors);
            if place == 0 {
                add_squares(&mut self.first, errors);
            }
            let aware = certainty.aware;
            self.criteria_covered += f64::from(u8::from((aware.lo..=aware.hi).contains(target)));
            self.zero_widths += is_flat(certainty);
        }
    }

    fn plus(mut self, other: &Tally, sign: f64) -> Tally {
        self.judges += sign * other.judges;
        for (own, other) in
            [(&mut self.overall, other.overall), (&mut self.criteria, other.criteria), (&mut self.first, other.first)]
        {
            own.iter_mut().zip(other).for_each(|(own, other)| *own += sign * other);
        }
        self.covered += sign * other.covered;
        self.criteria_covered += sign * other.criteria_covered;
        self.width += sign * other.width;
        self.published_covered += sign * other.published_covered;
        self.published_width += sign * other.published_width;
        self.zero_widths += sign * other.zero_widths;
        self
    }
}

/// The ends of an interval as they are published: outward to a quarter of a point, on the scale.
fn published(aware: Interval) -> (f64, f64) {
    let quarters = |value: f64| value * QUARTERS;
    let on_scale = |value: f64| (value / QUARTERS).clamp(f64::from(MIN), f64::from(MAX));
    (on_scale(quarters(aware.lo).floor()), on_scale(quarters(aware.hi).ceil()))
}

fn add_squares(sums: &mut [f64; 2], errors: [f64; 2]) {
    sums.iter_mut().zip(errors).for_each(|(sum, error)| *sum += error * error);
}

impl Cell {
    fn whole(&self) -> Tally {
        self.repetitions.iter().fold(Tally::default(), |sum, tally| sum.plus(tally, 1.0))
    }

    /// A figure of all repetitions, and its error by the jackknife.
    fn measure(&self, figure: impl Fn(&Tally) -> f64) -> (f64, f64) {
        let whole = self.whole();
        let without: Vec<f64> = self.repetitions.iter().map(|tally| figure(&whole.plus(tally, -1.0))).collect();
        let count = without.len() as f64;
        let mean = without.iter().sum::<f64>() / count;
        let squares: f64 = without.iter().map(|value| (value - mean).powi(2)).sum();
        (figure(&whole), ((count - 1.0) / count * squares).sqrt())
    }
}

/// The targets with what was measured.
fn lines(cells: &[Cell]) -> Vec<Line> {
    let mut lines = Vec::new();
    let tuned = |attack: Attack| cells.iter().find(|cell| (cell.world, cell.n, cell.attack) == (0, SIZE, attack));
    let changes: [(&'static str, &str, Attack, Squares, f64, f64); 7] = [
        ("1", "overall RMSE, 20 % retaliate", Attack::Retaliation, |tally| tally.overall, 1.0, -42.0),
        ("2", "overall RMSE, 20 % are friends", Attack::Friends, |tally| tally.overall, 1.0, -5.0),
        ("3", "overall RMSE, 20 % are either", Attack::Mixed, |tally| tally.overall, 1.0, -24.0),
        ("4", "overall RMSE, everybody honest", Attack::Honest, |tally| tally.overall, 1.0, 12.0),
        ("5", "criterion RMSE, 20 % retaliate", Attack::Retaliation, |tally| tally.criteria, 8.0, -37.0),
        ("5", "criterion RMSE, 20 % are friends", Attack::Friends, |tally| tally.criteria, 8.0, -2.0),
        ("5", "criterion RMSE, 20 % aim at this criterion", Attack::Aimed, |tally| tally.first, 1.0, -43.0),
    ];
    for (number, what, attack, squares, per_judge, bar) in changes {
        let Some(cell) = tuned(attack) else { continue };
        let change = |tally: &Tally| {
            let [mean, product] = squares(tally);
            100.0 * ((product / mean).sqrt() - 1.0)
        };
        let (measured, error) = cell.measure(change);
        let whole = cell.whole();
        let beside = squares(&whole).map(|sum| (sum / (whole.judges * per_judge)).sqrt());
        let what = format!("{what}, n = {SIZE}, against the plain mean");
        lines.push(Line { number, what, beside: Some(beside), measured, error, bar, side: Side::AtMost, unit: "%" });
    }
    lines.extend(coverage(cells, "in the tuned world", 0.95, |cell| cell.world == 0));
    lines.extend(coverage(cells, "in all worlds", 0.94, |_| true));
    let flat: f64 = cells.iter().map(|cell| cell.whole().zero_widths).sum();
    let what = "intervals of no width, all worlds and sizes".to_owned();
    let side = Side::AtMost;
    lines.push(Line { number: "7", what, beside: None, measured: flat, error: 0.0, bar: 0.0, side, unit: "" });
    if let Some(cell) = tuned(Attack::Honest) {
        let (measured, error) = cell.measure(|tally| tally.width / tally.judges);
        let what = format!("mean width of the interval, everybody honest, n = {SIZE}");
        lines.push(Line { number: "8", what, beside: None, measured, error, bar: 1.10, side, unit: "" });
    }
    lines
}

/// The cell in which the aware interval contains the truth least often, of overall scores and of criteria.
fn coverage(cells: &[Cell], where_: &str, bar: f64, is_meant: impl Fn(&Cell) -> bool) -> Option<Line> {
    let usual = cells.iter().filter(|cell| cell.attack != Attack::Aimed && is_meant(cell));
    let measured = usual.flat_map(|cell| {
        let overall = cell.measure(|tally| tally.covered / tally.judges);
        let criteria = cell.measure(|tally| tally.criteria_covered / (tally.judges * CRITERIA as f64));
        [(overall, "overall", cell), (criteria, "criteria", cell)]
    });
    let ((measured, error), figure, cell) = measured.min_by(|(a, ..), (b, ..)| a.0.total_cmp(&b.0))?;
    let world = WORLDS.get(cell.world).map_or("", |world| world.name);
    let what = format!("coverage {where_}, the worst: {figure}, {world}, {}, n = {}", cell.attack.name(), cell.n);
    Some(Line { number: "6", what, beside: None, measured, error, bar, side: Side::AtLeast, unit: "" })
}

/// What is published is rounded outward and so covers more, and is wider: both, since one without the other flatters.
fn as_published(cells: &[Cell]) -> Option<String> {
    let usual = cells.iter().filter(|cell| cell.attack != Attack::Aimed);
    let covered = usual.map(|cell| (cell.measure(|tally| tally.published_covered / tally.judges), cell));
    let ((covered, covered_error), cell) = covered.min_by(|(a, _), (b, _)| a.0.total_cmp(&b.0))?;
    let world = WORLDS.get(cell.world).map_or("", |world| world.name);
    let honest = cells.iter().find(|cell| (cell.world, cell.n, cell.attack) == (0, SIZE, Attack::Honest))?;
    let (width, width_error) = honest.measure(|tally| tally.published_width / tally.judges);
    Some(format!(
        "\nas published, outward to a quarter of a point: coverage {covered:.3} +- {covered_error:.3} at the worst \
         ({world}, {}, n = {}), width {width:.3} +- {width_error:.3}\n",
        cell.attack.name(),
        cell.n
    ))
}

impl Line {
    /// How the figure stands to its bar.
    fn word(&self) -> &'static str {
        let beyond = match self.side {
            Side::AtMost => self.measured - self.bar,
            Side::AtLeast => self.bar - self.measured,
        };
        match beyond {
            beyond if beyond <= 0.0 => "met",
            beyond if beyond <= ERRORS * self.error => "within error",
            _ => "missed",
        }
    }

    fn write(&self, out: &mut String) {
        let decimals = if self.unit == "%" { 1 } else { 3 };
        let [mean, product] =
            self.beside.map_or([String::new(), String::new()], |beside| beside.map(|v| format!("{v:.3}")));
        let Line { number, what, measured, error, bar, unit, .. } = self;
        let sign = if self.side == Side::AtMost { "<=" } else { ">=" };
        let bar = format!("{sign} {bar:.decimals$}");
        let word = self.word();
        // Writing into a String cannot fail.
        let _ = writeln!(
            out,
            "{number:4}{what:74}{mean:>8}{product:>8}{measured:>10.decimals$}{unit:1}{error:>7.decimals$}{bar:>11}  {word}"
        );
    }
}
