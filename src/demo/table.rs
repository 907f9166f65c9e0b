//! How the demonstration shows what came out: one line a judge, what the lines add up to, the decision, the timings. A
//! newcomer would sort by result; judges are never ranked, so the order is that of the external ids.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::{Value, json};

use super::comparison::{Estimates, Known, Shift};
use super::deciding::Decided;
use super::reviewers::{Review, Temper};
use crate::domain::scoring::publication::{Band, Figure, Published};

/// Width of the column of names, in characters.
const NAME_WIDTH: usize = 34;

/// One judge's line.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Line {
    external_id: String,
    full_name_kk: String,
    full_name_ru: String,
    /// Reviews sent, which the demonstration knows and a real service never shows below ten.
    sent_count: usize,
    friendly_count: usize,
    hostile_count: usize,
    /// What the service answered.
    result: Published,
    estimates_hundredths: Estimates,
    moved_hundredths: Option<Shift>,
    is_trimming_worse: bool,
}

/// Seconds of one step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    /// What was done.
    pub step: &'static str,
    /// How long it took.
    pub seconds: f64,
}

impl Line {
    /// The line of a judge, from what was sent and what the service answered.
    pub fn new(judge: (&str, &str, &str), reviews: &[Review], known: &Known, result: Published) -> Line {
        let count = |temper| reviews.iter().filter(|review| review.temper == temper).count();
        Line {
            external_id: judge.0.to_owned(),
            full_name_kk: judge.1.to_owned(),
            full_name_ru: judge.2.to_owned(),
            sent_count: reviews.len(),
            friendly_count: count(Temper::Friendly),
            hostile_count: count(Temper::Hostile),
            result,
            estimates_hundredths: known.estimates,
            moved_hundredths: known.shift,
            is_trimming_worse: known.shift.is_some_and(|shift| shift.is_trimming_worse()),
        }
    }
}

/// The whole output for a program: the same seed gives the same `results` and the same `decision`, and other timings.
pub(super) fn json(lines: &[Line], decided: &Decided, timings: &[Timing]) -> Value {
    let timings: serde_json::Map<String, Value> = timings
        .iter()
        .map(|timing| (format!("{}_seconds", timing.step.replace(' ', "_")), json!(rounded(timing.seconds))))
        .collect();
    json!({"results": lines, "decision": decided, "timings": timings})
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1000.0).round() / 1000.0
}

/// The whole output for a reader.
pub(super) fn table(lines: &[Line], decided: &Decided, timings: &[Timing]) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = writeln!(
        out,
        "{:5} {:NAME_WIDTH$} {:>2} {:12} {:31} {:>6} {:>6} {:>9} {:>12} {:>12}",
        "id", "judge", "n", "status", "result", "mean", "level", "dishonest", "mean moved", "level moved"
    );
    for line in lines {
        let _ = writeln!(out, "{}", row(line));
    }
    out.push('\n');
    out.push_str(&legend(lines));
    out.push('\n');
    out.push_str(&end(decided));
    out.push('\n');
    for timing in timings {
        let _ = writeln!(out, "{:32} {:>7.1} s", timing.step, timing.seconds);
    }
    out
}

fn row(line: &Line) -> String {
    let (status, result) = words(&line.result);
    let estimates = line.estimates_hundredths;
    let moved = |of: fn(&Shift) -> i64| line.moved_hundredths.map_or(String::new(), |shift| signed(of(&shift)));
    let mark = if line.is_trimming_worse { "*" } else { " " };
    format!(
        "{:5} {:NAME_WIDTH$} {:>2} {status:12} {result:31} {:>6} {:>6} {:>9} {:>12} {:>11}{mark}",
        line.external_id,
        line.full_name_kk,
        line.sent_count,
        points(estimates.plain_mean),
        estimates.level.map_or("-".to_owned(), points),
        dishonest(line),
        moved(|shift| shift.plain_mean),
        moved(|shift| shift.level),
    )
    .trim_end()
    .to_owned()
}

fn dishonest(line: &Line) -> String {
    match (line.friendly_count, line.hostile_count) {
        (0, 0) => String::new(),
        (friendly, 0) => format!("{friendly} up"),
        (0, hostile) => format!("{hostile} down"),
        (friendly, hostile) => format!("{friendly}up {hostile}dn"),
    }
}

fn words(result: &Published) -> (&'static str, String) {
    match result {
        Published::Insufficient {} => ("insufficient", "insufficient data".to_owned()),
        Published::Developmental { .. } => ("developmental", "statements alone".to_owned()),
        Published::Indicative { band } => ("indicative", band_word(*band).to_owned()),
        Published::Ok { overall, .. } => ("ok", figure(overall)),
    }
}

fn figure(figure: &Figure) -> String {
    format!("{} ({}-{}) {}", points(figure.point), points(figure.lo), points(figure.hi), band_word(figure.band))
}

fn band_word(band: Band) -> &'static str {
    match band {
        Band::Above => "above",
        Band::Below => "below",
        Band::NotDistinguishable => "as expected",
    }
}

/// Hundredths as points.
fn points(hundredths: i64) -> String {
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn signed(hundredths: i64) -> String {
    let sign = if hundredths < 0 { '-' } else { '+' };
    format!("{sign}{}", points(hundredths.abs()))
}

/// A kind of panel by what is dishonest in it, and how its lines are told.
type Group = (&'static str, fn(&Line) -> bool);

/// What the columns mean, and what setting reviews aside came to.
fn legend(lines: &[Line]) -> String {
    let mut out = String::from(
        "Result: the score, the interval that allows for dishonest reviews, and how it stands to the standard (3);\n\
         \"as expected\" says that the two cannot be told apart. Only this column would ever leave a real service.\n\
         Mean, level and the rest are known here because the demonstration wrote the reviews itself: the plain mean,\n\
         the level of \"level and profile\", and how far the dishonest reviews moved each. * trimming did worse: friends are\n\
         no outliers where marks are high, and no rule survives more of them than it sets aside on a side (three of 14).\n",
    );
    let groups: [Group; 4] = [
        ("two inflated", |line| line.friendly_count == 2 && line.hostile_count == 0),
        ("two hostile", |line| line.friendly_count == 0 && line.hostile_count == 2),
        ("one of each", |line| line.friendly_count == 1 && line.hostile_count == 1),
        ("four inflated", |line| line.friendly_count > 3),
    ];
    for (name, is_in) in groups {
        let shifts: Vec<Shift> =
            lines.iter().filter(|line| is_in(line)).filter_map(|line| line.moved_hundredths).collect();
        let Ok(count) = i64::try_from(shifts.len()) else { continue };
        if count == 0 {
            continue;
        }
        let mean = |of: fn(&Shift) -> i64| points(shifts.iter().map(|shift| of(shift).abs()).sum::<i64>() / count);
        let worse = shifts.iter().filter(|shift| shift.is_trimming_worse()).count();
        let (plain, level) = (mean(|shift| shift.plain_mean), mean(|shift| shift.level));
        let _ = writeln!(
            out,
            "{name:14} {count:>3} judges: moved by {plain} (plain mean) and {level} (level) on average; worse in {worse}"
        );
    }
    out
}

/// How the evaluation that was decided ended.
fn end(decided: &Decided) -> String {
    let Decided { external_id, outcome, voters, for_count, judge_count, .. } = decided;
    let Decided { served_on, appeal_until, in_force_on, valid_until, extract, .. } = decided;
    format!(
        "{external_id} went on to its end: the report was served, the judge waived an answer, and the commission found \"{outcome}\"\n\
         by {for_count} votes of {voters}, {judge_count} of them judges. Served on {served_on}, not appealed until {appeal_until}, in force from\n\
         {in_force_on} to {valid_until}. Other systems were told, and an extract of it is found to be {extract}.\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(result: Published, moved_hundredths: Option<Shift>) -> Line {
        Line {
            external_id: "S001".to_owned(),
            full_name_kk: "Әлімова Айгүл Серікқызы".to_owned(),
            full_name_ru: "Алимова Айгуль Сериковна".to_owned(),
            sent_count: 12,
            friendly_count: 0,
            hostile_count: 2,
            result,
            estimates_hundredths: Estimates { plain_mean: 281, level: Some(305) },
            moved_hundredths,
            is_trimming_worse: moved_hundredths.is_some_and(|shift| shift.is_trimming_worse()),
        }
    }

    #[test]
    fn a_row_shows_the_published_result_and_what_the_demo_knows() {
        let overall = Figure { n: 12, point: 300, lo: 250, hi: 375, band: Band::NotDistinguishable };
        let shift = Shift { plain_mean: -33, level: -8 };
        let shown = row(&line(Published::Ok { overall, criteria: Vec::new(), statements: Vec::new() }, Some(shift)));
        for part in
            ["S001", "Әлімова", "12 ok", "3.00 (2.50-3.75) as expected", "2.81", "3.05", "2 down", "-0.33", "-0.08"]
        {
            assert!(shown.contains(part), "{part} in {shown}");
        }
        assert!(!shown.ends_with('*'));
    }

    #[test]
    fn a_case_in_which_trimming_does_worse_is_starred_and_counted() {
        let band = Published::Indicative { band: Band::Below };
        let worse = line(band.clone(), Some(Shift { plain_mean: -10, level: -12 }));
        assert!(row(&worse).ends_with("-0.12*"));
        assert!(
            legend(&[worse]).contains("1 judges: moved by 0.10 (plain mean) and 0.12 (level) on average; worse in 1")
        );
    }

    fn decided() -> Decided {
        let day = |text: &str| text.parse().unwrap();
        Decided {
            external_id: "S001".to_owned(),
            outcome: "fit".to_owned(),
            voters: 5,
            for_count: 5,
            judge_count: 4,
            served_on: day("2027-05-10"),
            appeal_until: day("2027-05-24"),
            in_force_on: day("2027-05-25"),
            valid_until: day("2029-05-25"),
            extract: "valid".to_owned(),
        }
    }

    #[test]
    fn the_end_says_who_decided_what_and_from_when_it_holds() {
        let told = end(&decided());
        for part in
            ["S001", "\"fit\"", "5 votes of 5, 4 of them judges", "2027-05-24", "2027-05-25 to 2029-05-25", "valid"]
        {
            assert!(told.contains(part), "{part} in {told}");
        }
    }

    #[test]
    fn programs_get_results_the_decision_and_timings() {
        let timings = [Timing { step: "making keys", seconds: 1.234_56 }];
        let value = json(&[line(Published::Insufficient {}, None)], &decided(), &timings);
        assert_eq!(value["results"][0]["result"]["status"], "insufficient");
        assert_eq!(value["decision"]["in_force_on"], "2027-05-25");
        assert_eq!(value["timings"]["making_keys_seconds"], 1.235);
    }
}
