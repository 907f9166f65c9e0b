//! The figure of a result: the score of all criteria together with its interval, and each criterion's below it. What a
//! newcomer would get wrong: it is drawn from what the gate let out and the words of the methodology, and from nothing
//! else; a word of an indicative result stands on no axis, where its place would tell more than the word.

use super::drawing::{Column, Drawing, FULL, MARGIN, MARKER_RADIUS, Marker, Picture, Size, Stroke, WIDTH, Words};
use super::numbers::decimal;
use crate::domain::methodology::{Methodology, Scale};
use crate::domain::scoring::Status;
use crate::domain::scoring::gate::Release;
use crate::domain::scoring::publication::{Band, CriterionFigure, Figure, Published};
use crate::error::{Error, Result};
use crate::texts::{Arg, Language, text};

/// The names, and under them the numbers of reviews.
const NAMES: Column = Column { x: MARGIN, width: 272 };
/// The axes, each with its numbers under it.
const PLOT: Column = Column { x: 304, width: 384 };
/// The numbers, which may be wider than the axis above them.
const NUMBERS: Column = Column { x: PLOT.x, width: WIDTH - MARGIN - PLOT.x };

/// What of a result its reader may see.
#[derive(Debug, Clone, Copy)]
pub enum Shown<'a> {
    /// All that was published.
    Release(&'a Release),
    /// What it may be used for, and nothing else.
    Status(Status),
}

/// Draws what may be seen of a result under the methodology that it was made by; the same input gives the same picture, of
/// at most 20 KB as SVG.
///
/// # Errors
/// Internal error: a result of other criteria or another scale than the methodology's.
pub fn draw(methodology: &Methodology, shown: Shown<'_>, language: Language) -> Result<Picture> {
    let published = match shown {
        Shown::Release(release) => release.published(),
        Shown::Status(status) => return Ok(status_figure(status, language)),
    };
    match published {
        Published::Insufficient {} => Ok(status_figure(Status::Insufficient, language)),
        Published::Indicative { band } => {
            let words = format!("{}: {}", say(language, "figure-overall"), band_words(*band, language));
            Ok(statement(language, Some(marker(*band)), &words, &say(language, "figure-indicative-note")))
        }
        Published::Developmental { .. } => Ok(status_figure(Status::Developmental, language)),
        Published::Ok { overall, criteria, .. } => profile(methodology, overall, criteria, language),
    }
}

/// What a result may be used for, in words alone.
fn status_figure(status: Status, language: Language) -> Picture {
    let (words, note) = match status {
        Status::Ok => ("figure-status-ok", "figure-status-note"),
        Status::Indicative => ("figure-status-indicative", "figure-status-note"),
        Status::Insufficient => ("figure-insufficient", "figure-insufficient-note"),
        Status::Developmental => ("figure-developmental", "figure-developmental-note"),
    };
    statement(language, None, &say(language, words), &say(language, note))
}

/// One statement in a box, and what to make of it.
fn statement(language: Language, marker: Option<Marker>, words: &str, note: &str) -> Picture {
    let mut drawing = Drawing::new(language);
    let title = say(language, "figure-result-title");
    let top = drawing.paragraph(FULL, MARGIN, Size::Title, &Words::new(title.as_str(), language)) + 12;
    let left = MARGIN + if marker.is_some() { 44 } else { 16 };
    let inside = Column { x: left, width: WIDTH - MARGIN - 16 - left };
    let bottom = drawing.paragraph(inside, top + 12, Size::Title, &Words::new(words, language)) + 12;
    if let Some(marker) = marker {
        drawing.marker(marker, (MARGIN + 24, top + 12 + Size::Title.pitch() / 2));
    }
    drawing.frame((MARGIN, top), FULL.width, bottom - top);
    let end = drawing.paragraph(FULL, bottom + 10, Size::Body, &Words::new(note, language));
    drawing.finish("result", &title, &format!("{words}. {note}"), end + MARGIN)
}

fn profile(
    methodology: &Methodology,
    overall: &Figure,
    criteria: &[CriterionFigure],
    language: Language,
) -> Result<Picture> {
    let scale = methodology.scale.ok_or_else(|| Error::internal("a result has figures that no scale is for"))?;
    let axis = Axis::new(scale)?;
    let mut drawing = Drawing::new(language);
    let title = say(language, "figure-result-title");
    let mut top = drawing.paragraph(FULL, MARGIN, Size::Title, &Words::new(title.as_str(), language)) + 4;
    let key = Words::new(say_scale(scale, "figure-result-key", language), language);
    top = drawing.paragraph(FULL, top, Size::Small, &key) + 8;
    top = axis.head(&mut drawing, language, top);

    let mut told = vec![say_scale(scale, "figure-result-scale", language)];
    let all = Words::new(say(language, "figure-overall"), language);
    top = axis.row(&mut drawing, &Row { name: &all, figure: overall, stroke: Stroke::MainRange }, language, top);
    told.push(sentence(&all, overall, language));
    drawing.line((MARGIN, top), (WIDTH - MARGIN, top), Stroke::Axis);
    top += 10;
    for criterion in criteria {
        let known = methodology.criteria.iter().find(|known| known.code == criterion.code);
        let known = known.ok_or_else(|| Error::internal("a result has a criterion that its methodology lacks"))?;
        let name = Words::of_name(&known.name, language);
        let row = Row { name: &name, figure: &criterion.figure, stroke: Stroke::Range };
        top = axis.row(&mut drawing, &row, language, top);
        told.push(sentence(&name, &criterion.figure, language));
    }
    let note = say(language, "figure-result-note");
    let end = drawing.paragraph(FULL, top + 2, Size::Small, &Words::new(note.as_str(), language));
    told.push(note);
    Ok(drawing.finish("result", &title, &told.join(" "), end + MARGIN))
}

/// The methodology's scale, from the left of the plot to its right.
struct Axis {
    scale: Scale,
    min: i64,
    span: i64,
}

/// One figure with what it is of.
struct Row<'a> {
    name: &'a Words,
    figure: &'a Figure,
    stroke: Stroke,
}

impl Axis {
    fn new(scale: Scale) -> Result<Axis> {
        let (min, max) = (i64::from(scale.min) * 100, i64::from(scale.max) * 100);
        if max <= min {
            return Err(Error::internal("a methodology whose scale has no length"));
        }
        Ok(Axis { scale, min, span: max - min })
    }

    /// Where so many hundredths of a point lie.
    fn x(&self, hundredths: i64) -> i64 {
        PLOT.x + (hundredths - self.min).clamp(0, self.span) * PLOT.width / self.span
    }

    fn expected_x(&self) -> i64 {
        self.x(i64::from(self.scale.expected) * 100)
    }

    /// The marks of the scale, and the standard among them; gives where the first row may begin.
    fn head(&self, drawing: &mut Drawing, language: Language, top: i64) -> i64 {
        let first = top + Size::Small.font();
        drawing.label(self.expected_x(), first, Size::Small, &say(language, "figure-standard"));
        for mark in self.scale.marks() {
            let x = self.x(i64::from(mark) * 100);
            drawing.label(x, first + Size::Small.pitch(), Size::Small, &mark.to_string());
        }
        top + 2 * Size::Small.pitch() + 4
    }

    /// A name with its interval and numbers; gives where the next row may begin.
    fn row(&self, drawing: &mut Drawing, row: &Row<'_>, language: Language, top: i64) -> i64 {
        let Figure { n, point, lo, hi, band } = *row.figure;
        let middle = top + 12;
        let marks: Vec<i64> = self.scale.marks().iter().map(|mark| self.x(i64::from(*mark) * 100)).collect();
        drawing.line((PLOT.x, middle), (PLOT.x + PLOT.width, middle), Stroke::Axis);
        drawing.ticks(&marks, middle - 4, 8);
        drawing.line((self.expected_x(), middle - 12), (self.expected_x(), middle + 12), Stroke::Dashed);
        drawing.line((self.x(lo), middle), (self.x(hi), middle), row.stroke);
        for end in [lo, hi] {
            drawing.line((self.x(end), middle - 6), (self.x(end), middle + 6), Stroke::Range);
        }
        drawing.marker(marker(band), (self.x(point), middle));

        let [point, lo, hi] = [point, lo, hi].map(|hundredths| decimal(language, hundredths, 2));
        let numbers = format!("{point} ({lo}–{hi}); {}", band_words(band, language));
        let under = middle + 12 + MARKER_RADIUS / 2;
        let right = drawing.paragraph(NUMBERS, under, Size::Small, &Words::new(numbers, language));
        let under = drawing.paragraph(NAMES, top, Size::Body, row.name);
        let reviews = text(language, "figure-reviews", &[("n", Arg::Text(&n.to_string()))]);
        let left = drawing.paragraph(NAMES, under, Size::Small, &Words::new(reviews, language));
        left.max(right) + 10
    }
}

/// A figure in words.
fn sentence(name: &Words, figure: &Figure, language: Language) -> String {
    let [point, lo, hi] = [figure.point, figure.lo, figure.hi].map(|hundredths| decimal(language, hundredths, 2));
    let (band, n) = (band_words(figure.band, language), figure.n.to_string());
    let args = [
        ("name", Arg::Text(name.text())),
        ("point", Arg::Text(&point)),
        ("lo", Arg::Text(&lo)),
        ("hi", Arg::Text(&hi)),
        ("band", Arg::Text(&band)),
        ("n", Arg::Text(&n)),
    ];
    text(language, "figure-row", &args)
}

fn say(language: Language, key: &str) -> String {
    text(language, key, &[])
}

fn say_scale(scale: Scale, key: &str, language: Language) -> String {
    let [min, max, expected] = [scale.min, scale.max, scale.expected].map(|mark| mark.to_string());
    let args = [("min", Arg::Text(&min)), ("max", Arg::Text(&max)), ("expected", Arg::Text(&expected))];
    text(language, key, &args)
}

fn band_words(band: Band, language: Language) -> String {
    let key = match band {
        Band::Above => "figure-band-above",
        Band::Below => "figure-band-below",
        Band::NotDistinguishable => "figure-band-not_distinguishable",
    };
    say(language, key)
}

fn marker(band: Band) -> Marker {
    match band {
        Band::Above => Marker::Up,
        Band::Below => Marker::Down,
        Band::NotDistinguishable => Marker::Dot,
    }
}
