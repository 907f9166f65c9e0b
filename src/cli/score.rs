//! `ejf score`: the engine of the results as a filter, for whoever has marks in a file. A newcomer would let it write half
//! of its rows before a fault is found; nothing is written until every line was read.

mod grid;
mod input;
mod marks;
mod output;
mod reliability;
mod rows;
mod simulate;
mod world;

use std::io::{self, BufWriter};
use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DONE, USAGE, complain};
use crate::domain::scoring::rules::{DECISION_MIN_FLOOR, DISPLAY_MIN_FLOOR, REVIEWS_MAX};
use crate::error::{Error, Result};
use grid::Points;
use input::InputArguments;
use output::{Extent, Format, Output, Row};
use rows::{CONFIDENCE, Method, Settings};
use simulate::SimulateArguments;

/// Score marks from a file: level and profile with exact fractions and intervals, as the results of a cycle are made.
///
/// For each subject, ascending, a row with the overall score and an empty criterion, then one for each criterion:
/// subject,criterion,n,g,h,score_num,score_den,score,sigma2,sigma2_mod,df,lo,hi,aware_lo,aware_hi,band_lo,band_hi,
/// res_lo,res_hi,status. The score is exact as score_num/score_den, in lowest terms, and has 17 significant digits in
/// score, as every number here that is not whole. In a criterion's row the variances are those of its profile. Intervals
/// are not clipped to the scale. What does not apply is empty; with status insufficient everything is. Neither the order
/// of lines nor the raters' names change a byte. All marks are pooled as one cycle. Memory: 16 bytes for a mark and about
/// 100 for a name; ten million marks take 0.2 GB, or 0.4 where raters have two million names. A figure beside the published
/// one discloses reviews: the output without --publish is for whoever may see the marks.
/// Example: ejf score marks.csv --scale 1..5 > scores.csv
#[derive(Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(super) struct ScoreArguments {
    #[command(subcommand)]
    command: Option<ScoreCommand>,
    #[command(flatten)]
    filter: FilterArguments,
}

#[derive(Subcommand)]
enum ScoreCommand {
    /// Print what the marks say of themselves as JSON: agreement, variance by its sources, how sure scores are and would be
    /// with other panels, how reviewers used the form.
    ///
    /// Figures of the cycle as a whole, for the people who look after the method; a figure that cannot be had says why.
    /// Criteria weigh the same. Flags open a look at the assignment and delete nothing. Under linked stand those that need
    /// one rater's marks of several subjects, ICC(2) and severity by ITU-T P.913, where at least half of all pairs of
    /// subject and rater have a review: no blind cycle has them, and nobody is named.
    /// Example: ejf score reliability marks.csv --scale 1..5
    Reliability(InputArguments),
    /// Simulate courts in which some reviewers cheat, score them, and print what comes out beside the targets.
    ///
    /// Five kinds of courts of 300 judges who review each other on eight criteria; errors and coverage are over the judges
    /// who are attacked, 30 % of them, against the mark that an honest colleague is expected to give. +- is the error of
    /// simulation. Exit 1 where a bar is missed by more than two of them.
    /// Example: ejf score simulate --seed 7
    Simulate(SimulateArguments),
}

#[derive(Args)]
struct FilterArguments {
    #[command(flatten)]
    input: InputArguments,
    /// The whole-number weights of the criteria: CSV with the columns criterion and weight. Without it all weigh the same.
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Below this many reviews nothing is shown; from 5 with level-profile, whose constants begin there, else from 1.
    #[arg(long, value_name = "N", default_value_t = DISPLAY_MIN_FLOOR)]
    min_show: usize,
    /// Below this many reviews a score is indicative; from 10 with --publish, and never below --min-show.
    #[arg(long, value_name = "N", default_value_t = DECISION_MIN_FLOOR)]
    min_decide: usize,
    /// level-profile, or for comparison mean, median, trimmed:0.2, trimmed-fractional:0.2, winsorized:0.2, interquartile,
    /// hodges-lehmann, huber, biweight, mad-filter, least-trimmed or kept-reviews. These give n, score and, where they have an interval,
    /// lo and hi: of the reviews' own means in the overall row, of its marks in a criterion's. kept-reviews sets the same whole
    /// reviews aside for every row.
    #[arg(long, value_name = "NAME", default_value = "level-profile")]
    estimator: Method,
    /// The confidence of every interval.
    #[arg(long, value_name = "SHARE", default_value_t = CONFIDENCE, value_parser = confidence)]
    confidence: f64,
    /// The mark that means "as the standard expects". It adds the columns verdict (above, below, not_distinguishable) and
    /// resilient (true where that word depends on no g reviews; for those who decide, never published).
    #[arg(long, value_name = "MARK")]
    expected: Option<Points>,
    /// Let out what may be published and nothing else: words below --min-decide, then points half up to a quarter, the
    /// interval (in aware_lo and aware_hi) outward to it, at most five criteria, the column verdict. The standard is
    /// --expected, else the middle of the scale. No criteria where reviewers agree too much on one, or one weighs more than half.
    #[arg(long)]
    publish: bool,
    /// The shape of the output.
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
}

/// Why a command under `ejf score` ended early.
#[derive(Debug)]
enum Refusal {
    /// Something about the input or the options, in lines for the user.
    Told(Vec<String>),
    /// The output takes no more.
    Unwritten(io::Error),
    /// A bug or a broken machine.
    Failed(Error),
}

impl From<String> for Refusal {
    fn from(line: String) -> Refusal {
        Refusal::Told(vec![line])
    }
}

impl From<io::Error> for Refusal {
    fn from(cause: io::Error) -> Refusal {
        Refusal::Unwritten(cause)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal::Failed(error)
    }
}

/// Where rows go.
type Sink<'a> = &'a mut dyn FnMut(&Row<'_>) -> io::Result<()>;

/// Scores: 0 done, 2 where the input or an option cannot be used.
pub(super) fn run(arguments: ScoreArguments) -> Result<u8> {
    let outcome = match arguments.command {
        Some(ScoreCommand::Reliability(input)) => reliability::print(&input).map(|()| DONE),
        Some(ScoreCommand::Simulate(simulation)) => simulate::print(&simulation),
        None => filter(&arguments.filter).map(|()| DONE),
    };
    match outcome {
        Ok(code) => Ok(code),
        // A closed pipe is the reader's choice and no fault.
        Err(Refusal::Unwritten(cause)) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(DONE),
        Err(Refusal::Unwritten(cause)) => Err(Error::internal(cause)),
        Err(Refusal::Failed(error)) => Err(error),
        Err(Refusal::Told(lines)) => {
            lines.iter().for_each(|line| complain(&format!("ejf: {line}")));
            Ok(USAGE)
        }
    }
}

fn filter(arguments: &FilterArguments) -> std::result::Result<(), Refusal> {
    check(arguments)?;
    let (grid, marks) = input::read(&arguments.input)?;
    if arguments.publish && !grid.is_whole() {
        return Err("--publish takes a scale of whole marks: its grid is a quarter of a point".to_owned().into());
    }
    let weights = match &arguments.weights {
        Some(file) => input::read_weights(file, &marks.criteria)?,
        None => vec![1; marks.criteria.len()],
    };
    let settings = Settings {
        grid,
        min_show: arguments.min_show,
        min_decide: arguments.min_decide,
        confidence: arguments.confidence,
        weights,
        expected: arguments.expected,
    };
    let extent = match (arguments.publish, arguments.expected) {
        (true, _) => Extent::Verdict,
        (false, Some(_)) => Extent::Resilience,
        (false, None) => Extent::Figures,
    };
    // Before the first byte is written, as a refusal must leave no half output behind.
    let rules = match arguments.estimator {
        Method::LevelProfile => settings.rules(&marks)?,
        Method::KeptReviews | Method::Estimator(_) => None,
    };
    let mut output = Output::begin(BufWriter::new(io::stdout().lock()), arguments.format, extent)?;
    let sink: Sink<'_> = &mut |row| output.row(row);
    match (arguments.estimator, &rules) {
        (Method::Estimator(estimator), _) => rows::estimated(estimator, &settings, &marks, sink)?,
        (Method::KeptReviews, _) => rows::kept_reviews(&settings, &marks, sink)?,
        (Method::LevelProfile, Some(rules)) if arguments.publish => rows::published(rules, &marks, sink)?,
        (Method::LevelProfile, Some(rules)) => rows::level_profile(rules, &settings, &marks, sink)?,
        // Without a criterion there is no mark, so no subject.
        (Method::LevelProfile, None) => {}
    }
    Ok(output.end()?)
}

/// Options that contradict each other.
fn check(arguments: &FilterArguments) -> std::result::Result<(), String> {
    let FilterArguments { min_show, min_decide, estimator, confidence, expected, publish, .. } = *arguments;
    let is_level_profile = estimator == Method::LevelProfile;
    let show_floor = if is_level_profile { DISPLAY_MIN_FLOOR } else { 1 };
    let faults = [
        (min_show < show_floor, format!("--min-show is at least {show_floor} here")),
        (min_show > REVIEWS_MAX, format!("--min-show is at most {REVIEWS_MAX}")),
        (min_decide < min_show, "--min-decide is not below --min-show".to_owned()),
        (
            publish && min_decide < DECISION_MIN_FLOOR,
            format!("--publish needs --min-decide from {DECISION_MIN_FLOOR} up"),
        ),
        (
            publish && !is_level_profile,
            "--publish lets out level-profile alone: other figures disclose reviews".to_owned(),
        ),
        (publish && confidence != CONFIDENCE, format!("--publish lets out intervals of confidence {CONFIDENCE} alone")),
        (expected.is_some() && !is_level_profile, "--expected goes with level-profile".to_owned()),
    ];
    match faults.into_iter().find(|(is_fault, _)| *is_fault) {
        Some((_, fault)) => Err(fault),
        None => Ok(()),
    }
}

fn confidence(text: &str) -> std::result::Result<f64, String> {
    let form = || "expected a number between 0 and 1, such as 0.95".to_owned();
    let share: f64 = text.parse().map_err(|_| form())?;
    if share > 0.0 && share < 1.0 { Ok(share) } else { Err(form()) }
}
