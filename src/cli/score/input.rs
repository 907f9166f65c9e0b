//! The input of the commands under `ejf score`: where marks and weights come from, how far reading has come, what is told
//! of faults. A newcomer would draw the bar into a pipe; it is drawn on a terminal alone.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Refusal;
use super::grid::{Ends, Grid, Points};
use super::marks::{self, Marks, Unreadable};

/// The greatest weight of a criterion.
const WEIGHT_MAX: u32 = 10_000;

/// Where marks come from.
#[derive(Args)]
pub(super) struct InputArguments {
    /// The marks as CSV, or - for standard input: the columns subject, rater, criterion and mark in any order, named in the
    /// first line, and no other. An empty mark is "no basis to judge". A rater marks a subject once on a criterion.
    #[arg(value_name = "FILE", required = true)]
    file: Option<PathBuf>,
    /// The lowest and the highest mark.
    #[arg(long, value_name = "MIN..MAX", default_value = "1..5")]
    scale: Ends,
    /// The distance of neighbouring marks; what lies between two is refused.
    #[arg(long, value_name = "POINTS", default_value = "1")]
    step: Points,
}

/// Reads the marks and the scale that they lie on.
pub(super) fn read(arguments: &InputArguments) -> Result<(Grid, Marks), Refusal> {
    let grid = Grid::new(arguments.scale, arguments.step).map_err(|fault| format!("--scale: {fault}"))?;
    let file = arguments.file.as_deref().unwrap_or(Path::new("-"));
    let marks = read_marks(file, &grid)?;
    Ok((grid, marks))
}

fn read_marks(file: &Path, grid: &Grid) -> Result<Marks, Refusal> {
    let (input, size): (Box<dyn Read>, Option<u64>) = if file == Path::new("-") {
        (Box::new(io::stdin().lock()), None)
    } else {
        let opened = File::open(file).map_err(|cause| unreadable(file, &cause))?;
        let size = opened.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        (Box::new(opened), size)
    };
    let bar = bar(size);
    let read = marks::read(bar.wrap_read(input), grid);
    bar.finish_and_clear();
    read.map_err(|fault| match fault {
        Unreadable::Broken(cause) => unreadable(file, &cause).into(),
        Unreadable::Faulty(faults) => {
            let lines = faults.iter().map(|fault| format!("{}, line {}: {}", file.display(), fault.line, fault.what));
            Refusal::Told(lines.collect())
        }
    })
}

/// A bar over the bytes read; indicatif draws it on a terminal alone.
fn bar(size: Option<u64>) -> ProgressBar {
    let bar = size.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
    let template = "{elapsed_precise} {wide_bar} {bytes}/{total_bytes}";
    // A template that cannot be read leaves the plain bar.
    if let (Some(_), Ok(style)) = (size, ProgressStyle::with_template(template)) {
        bar.set_style(style);
    }
    bar
}

/// The weights in the order of `criteria`, each of which must have one; those of other criteria count for nothing.
pub(super) fn read_weights(file: &Path, criteria: &[String]) -> Result<Vec<u32>, Refusal> {
    let mut reader = csv::Reader::from_path(file).map_err(|cause| unreadable(file, &io::Error::other(cause)))?;
    let at = |line: u64, what: String| format!("{}, line {line}: {what}", file.display());
    let header = reader.headers().map_err(|cause| unreadable(file, &io::Error::other(cause)))?;
    if header != ["criterion", "weight"].as_slice() {
        return Err(at(1, "the header must be criterion,weight".to_owned()).into());
    }
    let mut weights = vec![None; criteria.len()];
    for record in reader.records() {
        let record = record.map_err(|cause| unreadable(file, &io::Error::other(cause)))?;
        let line = record.position().map_or(0, csv::Position::line);
        let (name, text) = (record.get(0).unwrap_or_default(), record.get(1).unwrap_or_default());
        let weight = text.parse().ok().filter(|weight| (1..=WEIGHT_MAX).contains(weight));
        let weight = weight.ok_or_else(|| at(line, format!("{text:?} is no whole number from 1 to {WEIGHT_MAX}")))?;
        let place = criteria.iter().position(|criterion| criterion == name);
        let Some(place) = place.and_then(|place| weights.get_mut(place)) else { continue };
        if place.replace(weight).is_some() {
            return Err(at(line, format!("{name:?} has a weight already")).into());
        }
    }
    let named = criteria.iter().zip(weights);
    let lacking = |criterion: &String| format!("{}: no weight for {criterion:?}", file.display());
    Ok(named.map(|(criterion, weight)| weight.ok_or_else(|| lacking(criterion))).collect::<Result<Vec<_>, _>>()?)
}

fn unreadable(file: &Path, cause: &io::Error) -> String {
    let name = if file == Path::new("-") { "standard input".into() } else { file.to_string_lossy() };
    format!("{name} cannot be read: {cause}")
}
