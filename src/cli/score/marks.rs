//! Marks from CSV to rows, a review each. A newcomer would keep the order of the lines: reviews are grouped by rater and
//! sorted by name, so that shuffled lines give the same bytes.
//!
//! A mark costs sixteen bytes while it is read, and a name about a hundred, once. The lines are kept as numbers, since a
//! mark given twice is found only after sorting.

use std::collections::HashMap;
use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::grid::Grid;
use crate::domain::scoring::rules::{CRITERIA_MAX, NO_BASIS};

/// The columns, each of which must be there once, in any order.
const COLUMNS: [&str; 4] = ["subject", "rater", "criterion", "mark"];
/// The most faults that are told.
const FAULTS_MAX: usize = 20;
/// Read at once.
const BUFFER_BYTES: usize = 1 << 20;

/// All marks of one input.
#[derive(Debug)]
pub(super) struct Marks {
    /// The criteria by name, ascending by their bytes.
    pub criteria: Vec<String>,
    /// The subjects by name, ascending by their bytes.
    pub subjects: Vec<Subject>,
}

/// The reviews of one subject.
#[derive(Debug)]
pub(super) struct Subject {
    /// The name.
    pub name: String,
    /// One row per review with at least one mark, a byte per criterion; in no order that means anything.
    pub rows: Vec<u8>,
    /// By row, the number of its rater.
    pub raters: Vec<u32>,
}

/// Why an input is not scored.
#[derive(Debug)]
pub(super) enum Unreadable {
    /// It cannot be read at all.
    Broken(io::Error),
    /// What is wrong with it, ascending by line; at most [`FAULTS_MAX`].
    Faulty(Vec<Fault>),
}

/// Something wrong with a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Fault {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub what: String,
}

/// A mark as it is read. Sorted, the marks of a review lie together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Answer {
    subject: u32,
    rater: u32,
    criterion: u16,
    line: u32,
    mark: u8,
}

/// Names with numbers in the order of their appearance.
#[derive(Default)]
struct Names {
    numbers: HashMap<Box<str>, u32>,
    last: (Vec<u8>, u32),
}

/// The names in the columns that hold any.
#[derive(Default)]
struct Columns {
    subjects: Names,
    raters: Names,
    criteria: Names,
}

/// Reads an input, whose marks lie on `grid`.
pub(super) fn read(input: impl Read, grid: &Grid) -> Result<Marks, Unreadable> {
    // With both kinds of line ends the reader would tell the line before; the carriage return is taken off here.
    let mut reader = ReaderBuilder::new()
        .flexible(true)
        .terminator(Terminator::Any(b'\n'))
        .buffer_capacity(BUFFER_BYTES)
        .from_reader(input);
    let header = reader.byte_headers().map_err(broken)?.clone();
    let places = places(&header).map_err(|what| Unreadable::Faulty(vec![Fault { line: 1, what }]))?;
    let mut names = Columns::default();
    let (mut answers, mut faults) = (Vec::new(), Vec::new());
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record).map_err(broken)? {
        if record.as_slice() == b"\r" {
            continue;
        }
        let line = record.position().map_or(0, csv::Position::line);
        match names.answer(&record, places, line, grid) {
            Ok(answer) => answers.push(answer),
            Err(what) if faults.len() < FAULTS_MAX => faults.push(Fault { line, what }),
            Err(_) => break,
        }
    }
    let Columns { subjects, criteria, .. } = names;
    let (criteria, criterion_ranks) = criteria.sorted();
    let (subjects, subject_ranks) = subjects.sorted();
    for answer in &mut answers {
        answer.subject = rank(&subject_ranks, answer.subject);
        answer.criterion = rank(&criterion_ranks, u32::from(answer.criterion)) as u16;
    }
    answers.sort_unstable();
    faults.extend(doubles(&answers, &subjects, &criteria));
    if !faults.is_empty() {
        faults.sort_unstable();
        faults.truncate(FAULTS_MAX);
        return Err(Unreadable::Faulty(faults));
    }
    let subjects = rows(&answers, subjects, criteria.len());
    Ok(Marks { criteria, subjects })
}

/// The place of each of [`COLUMNS`] in the header, or what is wrong with it.
fn places(header: &ByteRecord) -> Result<[usize; 4], String> {
    // Spreadsheets put a mark of the byte order before the first name.
    let names: Vec<&[u8]> =
        header.iter().map(|name| whole(name.strip_prefix("\u{feff}".as_bytes()).unwrap_or(name))).collect();
    let expected = COLUMNS.join(",");
    let place = |column: &str| names.iter().position(|name| *name == column.as_bytes());
    let places = COLUMNS.map(place);
    if let [Some(subject), Some(rater), Some(criterion), Some(mark)] = places
        && names.len() == COLUMNS.len()
    {
        return Ok([subject, rater, criterion, mark]);
    }
    let unknown = names.iter().find(|name| !COLUMNS.iter().any(|column| column.as_bytes() == **name));
    let found = unknown.map_or_else(String::new, |name| format!("; found {:?}", String::from_utf8_lossy(name)));
    Err(format!("the header must name the columns {expected}, each once, with commas between{found}"))
}

/// A field without the carriage return that ends some lines.
fn whole(field: &[u8]) -> &[u8] {
    field.strip_suffix(b"\r").unwrap_or(field)
}

fn read_mark(text: &[u8], grid: &Grid) -> Result<u8, String> {
    if text.is_empty() {
        return Ok(NO_BASIS);
    }
    grid.mark(text).ok_or_else(|| format!("{:?} is no mark of the scale {grid}", String::from_utf8_lossy(text)))
}

fn rank(ranks: &[u32], number: u32) -> u32 {
    ranks.get(number as usize).copied().unwrap_or(u32::MAX)
}

/// The marks that a rater gave a second time.
fn doubles<'a>(
    answers: &'a [Answer],
    subjects: &'a [Box<str>],
    criteria: &'a [String],
) -> impl Iterator<Item = Fault> + 'a {
    let is_double = |a: &Answer, b: &Answer| (a.subject, a.rater, a.criterion) == (b.subject, b.rater, b.criterion);
    let pairs = answers.windows(2).filter_map(move |pair| match pair {
        [first, second] if is_double(first, second) => Some((first, second)),
        _ => None,
    });
    pairs.map(move |(first, second)| {
        let subject = subjects.get(second.subject as usize).map_or("", |name| name);
        let criterion = criteria.get(usize::from(second.criterion)).map_or("", String::as_str);
        let what = format!("the rater marked {subject:?} on {criterion:?} before, on line {}", first.line);
        Fault { line: u64::from(second.line), what }
    })
}

/// The rows of every subject, from answers in their order.
fn rows(answers: &[Answer], names: Vec<Box<str>>, criteria: usize) -> Vec<Subject> {
    let mut subjects: Vec<Subject> = {
        let subject = |name: Box<str>| Subject { name: name.into(), rows: Vec::new(), raters: Vec::new() };
        names.into_iter().map(subject).collect()
    };
    for of_subject in answers.chunk_by(|a, b| a.subject == b.subject) {
        let Some(subject) = of_subject.first().and_then(|answer| subjects.get_mut(answer.subject as usize)) else {
            continue;
        };
        let has_mark = |review: &&[Answer]| review.iter().any(|answer| answer.mark != NO_BASIS);
        let reviews = || of_subject.chunk_by(|a, b| a.rater == b.rater).filter(has_mark);
        subject.rows.reserve_exact(reviews().count() * criteria);
        for review in reviews() {
            let start = subject.rows.len();
            subject.rows.resize(start + criteria, NO_BASIS);
            subject.raters.extend(review.first().map(|answer| answer.rater));
            for answer in review {
                if let Some(place) = subject.rows.get_mut(start + usize::from(answer.criterion)) {
                    *place = answer.mark;
                }
            }
        }
    }
    subjects
}

impl Columns {
    /// The mark of a line, or what is wrong with it.
    fn answer(&mut self, record: &ByteRecord, places: [usize; 4], line: u64, grid: &Grid) -> Result<Answer, String> {
        if record.len() != COLUMNS.len() {
            return Err(format!("{} fields where the header has {}", record.len(), COLUMNS.len()));
        }
        let [subject, rater, criterion, mark] = places.map(|place| whole(record.get(place).unwrap_or_default()));
        let criterion = u16::try_from(self.criteria.number("criterion", criterion)?).unwrap_or(u16::MAX);
        if usize::from(criterion) >= CRITERIA_MAX {
            return Err(format!("one criterion more than the {CRITERIA_MAX} that are scored together"));
        }
        Ok(Answer {
            subject: self.subjects.number("subject", subject)?,
            rater: self.raters.number("rater", rater)?,
            criterion,
            line: u32::try_from(line).map_err(|_| "more lines than can be counted".to_owned())?,
            mark: read_mark(mark, grid)?,
        })
    }
}

impl Names {
    /// The number of a name; most lines repeat the name of the line before.
    fn number(&mut self, column: &str, name: &[u8]) -> Result<u32, String> {
        if self.last.0 == name && !name.is_empty() {
            return Ok(self.last.1);
        }
        let text = std::str::from_utf8(name).map_err(|_| format!("the {column} is not UTF-8"))?;
        if text.is_empty() {
            return Err(format!("the {column} is empty"));
        }
        let number = match self.numbers.get(text) {
            Some(number) => *number,
            None => {
                let next = u32::try_from(self.numbers.len()).map_err(|_| format!("too many names of a {column}"))?;
                self.numbers.insert(text.into(), next);
                next
            }
        };
        self.last.0.clear();
        self.last.0.extend_from_slice(name);
        self.last.1 = number;
        Ok(number)
    }

    /// The names ascending, and the place of each number among them.
    fn sorted<N: From<Box<str>> + Ord>(self) -> (Vec<N>, Vec<u32>) {
        let mut named: Vec<(N, u32)> = self.numbers.into_iter().map(|(name, number)| (name.into(), number)).collect();
        named.sort_unstable();
        let mut ranks = vec![0; named.len()];
        for ((_, number), place) in named.iter().zip(0..) {
            if let Some(rank) = ranks.get_mut(*number as usize) {
                *rank = place;
            }
        }
        (named.into_iter().map(|(name, _)| name).collect(), ranks)
    }
}

fn broken(cause: csv::Error) -> Unreadable {
    Unreadable::Broken(io::Error::other(cause))
}

#[cfg(test)]
mod tests {
    use super::super::grid::Points;
    use super::*;

    fn read_text(text: &str) -> Result<Marks, Unreadable> {
        read(text.as_bytes(), &Grid::new("1..5".parse().unwrap(), Points::ONE).unwrap())
    }

    fn faults(text: &str) -> Vec<(u64, String)> {
        let Err(Unreadable::Faulty(faults)) = read_text(text) else { panic!("no fault in {text}") };
        faults.into_iter().map(|fault| (fault.line, fault.what)).collect()
    }

    #[test]
    fn a_mark_takes_sixteen_bytes() {
        assert_eq!(size_of::<Answer>(), 16);
    }

    #[test]
    fn reviews_are_rows_with_the_criteria_in_the_order_of_their_names() {
        let marks =
            read_text("mark,criterion,rater,subject\r\n4,B,r1,s2\r\n3,A,r1,s2\r\n\r\n,A,r2,s2\r\n5,A,r1,\"s1\"\r\n")
                .unwrap();

        assert_eq!(marks.criteria, ["A", "B"]);
        let rows: Vec<(&str, &[u8])> =
            marks.subjects.iter().map(|subject| (subject.name.as_str(), subject.rows.as_slice())).collect();
        assert_eq!(rows, [("s1", &[5, NO_BASIS][..]), ("s2", &[3, 4])]);
    }

    #[test]
    fn lines_are_told_with_line_feeds_and_with_both_ends() {
        for end in ["\n", "\r\n"] {
            let lines =
                ["subject,rater,criterion,mark", "s,r1,A,4", "s,r2,A,6", "\"s\nt\",r2,A,4", "s,r3,A,x", "s,r2,A,3"];

            let lines: Vec<u64> = faults(&lines.join(end)).into_iter().map(|(line, _)| line).collect();

            assert_eq!(lines, [3, 6], "{end:?}");
        }
    }

    #[test]
    fn no_more_faults_are_told_than_a_reader_can_use() {
        let text = format!("subject,rater,criterion,mark\n{}", "s,r,A,9\n".repeat(30));

        assert_eq!(faults(&text).len(), FAULTS_MAX);
    }
}
