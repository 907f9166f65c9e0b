//! Derived indicators beside comparable judges, with their figures, and what higher courts did with the judge's acts. What a
//! newcomer would get wrong: rates of review are read off the wire, like by everybody else. They can be shown, and nothing
//! here could do more with them.

use serde::Deserialize;

use super::{Present, column, section, source, status};
use crate::domain::acts::ActReason;
use crate::domain::derived::comparison::{ComparedQuartiles, NoComparison};
use crate::domain::derived::figures::{DerivedFigure, DerivedUnit};
use crate::domain::derived::reviews::ReviewRateCode;
use crate::domain::derived::{CategoryFigures, NoFigure};
use crate::error::{Error, Result};
use crate::figures::derived_figure;
use crate::figures::words::{NOTHING, Voice};
use crate::paper::{Block, Depth, Row, Table};
use crate::store;
use crate::store::acts::{Act, Attribution};

/// What the wire tells of the review of acts in a category.
#[derive(Deserialize)]
struct Reviews {
    reviewed_act_count: i64,
    reversed_act_count: i64,
    disputed_act_count: i64,
    reasons: Vec<Reason>,
    rates: Vec<Rate>,
}

#[derive(Deserialize)]
struct Reason {
    reason_code: ActReason,
    act_count: i64,
}

#[derive(Deserialize)]
struct Rate {
    code: ReviewRateCode,
    scale: u8,
    numerator: Option<i64>,
    denominator: Option<i64>,
    value: Option<i64>,
    interval_lower: Option<i64>,
    interval_upper: Option<i64>,
    no_figure: Option<NoFigure>,
}

/// The derived indicators of the last four quarters, each category with its figures and rates.
pub fn derived(present: &Present, voice: Voice) -> Result<Vec<Block>> {
    let period = present.span.to_string();
    let derived = &present.derived.derived;
    let mut blocks = vec![
        Block::Heading(Depth::Section, voice.tell("file-section-derived", &[("period", &period)])),
        Block::Note(voice.say("file-note-derived")),
    ];
    if derived.categories.is_empty() {
        blocks.push(Block::Paragraph(voice.say("file-nothing")));
    }
    let workload = &derived.workload;
    let thousandths = |value: Option<i64>| value.map_or_else(|| NOTHING.to_owned(), |value| voice.number(value, 3));
    blocks.push(Block::Facts(vec![
        (
            voice.say("file-fact-workload"),
            measured(workload.value, workload.scale, workload.unit, workload.no_figure, voice),
        ),
        (voice.say("file-fact-weighted_workload"), thousandths(workload.weighted_workload)),
        (
            voice.say("file-fact-working_days"),
            workload.working_days.map_or_else(|| NOTHING.to_owned(), |days| days.to_string()),
        ),
        (
            voice.say("file-fact-workload_compared"),
            compared(workload.comparison.as_ref(), workload.no_comparison, workload.scale, voice),
        ),
    ]));
    for category in &derived.categories {
        blocks.push(Block::Heading(Depth::Part, voice.category(&category.category)));
        blocks.push(figures_table(&category.figures, voice));
        for figure in category.figures.iter().filter(|figure| figure.comparison.is_some()) {
            blocks.push(Block::Picture(derived_figure::draw(figure, &category.category, &period, voice.0)?));
        }
        blocks.extend(reviews(category, voice)?);
    }
    if !derived.mismatches.is_empty() {
        let lines = derived.mismatches.iter().map(|mismatch| {
            let (expected, recorded) = (mismatch.expected.to_string(), mismatch.recorded.to_string());
            let args = [
                ("category", voice.category(&mismatch.category)),
                ("quarter", mismatch.quarter.to_string()),
                ("expected", expected),
                ("recorded", recorded),
            ];
            let args: Vec<(&'static str, &str)> = args.iter().map(|(name, value)| (*name, value.as_str())).collect();
            voice.tell("file-mismatch", &args)
        });
        blocks.push(Block::Note(lines.collect::<Vec<_>>().join("\n")));
    }
    Ok(blocks)
}

fn figures_table(figures: &[DerivedFigure], voice: Voice) -> Block {
    let rows = figures.iter().map(|figure| {
        let parts = figure.numerator.zip(figure.denominator);
        let disputed: Vec<String> = figure.disputed_quarters.iter().map(ToString::to_string).collect();
        let quarters = if disputed.is_empty() {
            figure.quarters.len().to_string()
        } else {
            format!("{} ({}: {})", figure.quarters.len(), voice.say("file-left_out"), disputed.join(", "))
        };
        let cells = vec![
            voice.word("derived", figure.code.as_str()),
            measured(figure.value, figure.scale, figure.unit, figure.no_figure, voice),
            parts.map_or_else(|| NOTHING.to_owned(), |(part, whole)| format!("{part} / {whole}")),
            quarters,
            compared(figure.comparison.as_ref(), figure.no_comparison, figure.scale, voice),
        ];
        Row { cells, is_marked: !disputed.is_empty() }
    });
    let columns = vec![
        column(voice, "file-column-indicator", 32),
        column(voice, "file-column-value", 22),
        column(voice, "file-column-parts", 16),
        column(voice, "file-column-quarters", 14),
        column(voice, "file-column-compared", 34),
    ];
    Block::Table(Table { columns, rows: rows.collect() })
}

/// The rates of review of a category; for people to look at with the reasons.
fn reviews(category: &CategoryFigures, voice: Voice) -> Result<Vec<Block>> {
    let wire = serde_json::to_value(&category.reviews).map_err(Error::internal)?;
    let reviews: Reviews = serde_json::from_value(wire).map_err(Error::internal)?;
    if reviews.reviewed_act_count + reviews.disputed_act_count == 0 {
        return Ok(Vec::new());
    }
    let rows = reviews.rates.iter().map(|rate| {
        let interval = rate.interval_lower.zip(rate.interval_upper);
        let cells = vec![
            voice.word("review_rate", rate.code.as_str()),
            measured(rate.value, rate.scale, DerivedUnit::Share, rate.no_figure, voice),
            interval.map_or_else(
                || NOTHING.to_owned(),
                |(lower, upper)| format!("{} – {}", voice.number(lower, rate.scale), voice.number(upper, rate.scale)),
            ),
            rate.numerator.zip(rate.denominator).map_or_else(|| NOTHING.to_owned(), |(a, b)| format!("{a} / {b}")),
        ];
        Row { cells, is_marked: false }
    });
    let columns = vec![
        column(voice, "file-column-review_rate", 40),
        column(voice, "file-column-value", 28),
        column(voice, "file-column-interval", 24),
        column(voice, "file-column-parts", 18),
    ];
    let table = Block::Table(Table { columns, rows: rows.collect() });
    let reasons = reviews.reasons.iter();
    let reasons =
        reasons.map(|one| format!("{}: {}", voice.word("act_reason", one.reason_code.as_str()), one.act_count));
    let counts = [
        ("reviewed", reviews.reviewed_act_count.to_string()),
        ("reversed", reviews.reversed_act_count.to_string()),
        ("disputed", reviews.disputed_act_count.to_string()),
        ("reasons", reasons.collect::<Vec<_>>().join("; ")),
    ];
    let counts: Vec<(&'static str, &str)> = counts.iter().map(|(name, value)| (*name, value.as_str())).collect();
    Ok(vec![table, Block::Note(voice.tell("file-note-reviews", &counts))])
}

/// A value with its unit, or why there is none.
fn measured(value: Option<i64>, scale: u8, unit: DerivedUnit, none: Option<NoFigure>, voice: Voice) -> String {
    match (value, none) {
        (Some(value), _) => {
            let (number, unit) = (voice.number(value, scale), voice.unit(unit));
            if unit.is_empty() { number } else { format!("{number}\u{a0}{unit}") }
        }
        (None, Some(reason)) => voice.word("no_figure", reason.as_str()),
        (None, None) => NOTHING.to_owned(),
    }
}

/// The quartiles with the number of judges, or why there are none.
fn compared(found: Option<&ComparedQuartiles>, none: Option<NoComparison>, scale: u8, voice: Voice) -> String {
    match (found, none) {
        (Some(found), _) => {
            let number = |value| voice.number(value, scale);
            let quartiles = [found.lower_quartile, found.median, found.upper_quartile].map(number).join(" – ");
            format!("{quartiles} ({}+)", found.judge_count_at_least)
        }
        (None, Some(reason)) => voice.word("no_comparison", reason.as_str()),
        (None, None) => NOTHING.to_owned(),
    }
}

/// What higher courts did, an act a row.
pub fn acts(reviewed: &[(Act, Vec<Attribution>)], voice: Voice) -> Vec<Block> {
    let rows = reviewed.iter().map(|(act, found)| {
        let (state, is_marked) = status(voice, act.status);
        let found = store::acts::attributable(found);
        let reason = act.reason_code.map(|reason| voice.word("act_reason", reason.as_str()));
        let cells = vec![
            act.case_no.clone(),
            voice.category(&act.category),
            voice.date(act.act_date),
            format!(
                "{}: {}",
                voice.word("instance", act.instance.as_str()),
                voice.word("act_outcome", act.outcome.as_str())
            ),
            reason.unwrap_or_else(|| NOTHING.to_owned()),
            voice.word("attributable", found.as_str()),
            source(voice, &act.source_system, act.as_of),
            state,
        ];
        Row { cells, is_marked }
    });
    let columns = vec![
        column(voice, "file-column-case", 24),
        column(voice, "file-column-category", 16),
        column(voice, "file-column-act_date", 14),
        column(voice, "file-column-outcome", 22),
        column(voice, "file-column-reason", 22),
        column(voice, "file-column-attributable", 16),
        column(voice, "file-column-source", 16),
        column(voice, "file-column-status", 15),
    ];
    let note = Some(voice.say("file-note-acts"));
    section(voice.say("file-section-acts"), note, columns, rows.collect(), voice)
}
