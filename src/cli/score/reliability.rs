//! `ejf score reliability`: marks in, the cycle's figures about itself out. A newcomer would name the reviewers who are
//! flagged; the figures are of the cycle as a whole and name nobody. Those that link what one rater gave to several
//! subjects stand apart, as no blind cycle can have them.

use std::io::Write;

use serde::Serialize;

use super::Refusal;
use super::grid::Grid;
use super::input::{self, InputArguments};
use super::marks::Marks;
use crate::domain::analysis::linked::Linked;
use crate::domain::analysis::report::Report;
use crate::domain::analysis::{Panel, key};
use crate::domain::scoring::rules::NO_BASIS;
use crate::error::Error;

/// What is printed: the figures, and which criteria the lists in them follow.
#[derive(Serialize)]
struct Printed<'a> {
    criteria: &'a [String],
    #[serde(flatten)]
    report: Report,
    linked: Linked,
}

/// Prints the figures as JSON.
pub(super) fn print(arguments: &InputArguments) -> Result<(), Refusal> {
    let (grid, marks) = input::read(arguments)?;
    let panels = panels(&grid, &marks);
    let linked = Linked::of(&keys(&panels, &marks));
    let printed = Printed { criteria: &marks.criteria, report: Report::of(panels, grid.marks()), linked };
    let mut text = serde_json::to_string_pretty(&printed).map_err(Error::internal)?;
    text.push('\n');
    Ok(std::io::stdout().lock().write_all(text.as_bytes())?)
}

fn panels(grid: &Grid, marks: &Marks) -> Vec<Panel> {
    let criteria = marks.criteria.len().max(1);
    let mark = |mark: &u8| (*mark != NO_BASIS).then(|| grid.points(f64::from(*mark)));
    let sheet = |row: &[u8]| row.iter().map(mark).collect();
    marks.subjects.iter().map(|subject| subject.rows.chunks_exact(criteria).map(sheet).collect()).collect()
}

/// By subject, the keys with the numbers of their raters.
fn keys(panels: &[Panel], marks: &Marks) -> Vec<Vec<(usize, f64)>> {
    let of_subject = |(panel, raters): (&Panel, &Vec<u32>)| {
        let keys = panel.iter().zip(raters).filter_map(|(sheet, rater)| Some((*rater as usize, key(sheet)?)));
        keys.collect()
    };
    panels.iter().zip(marks.subjects.iter().map(|subject| &subject.raters)).map(of_subject).collect()
}
