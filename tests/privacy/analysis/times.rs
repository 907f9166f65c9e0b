//! L-4: is there a time about any review? Declared types, values of columns and of the JSON in them, and every window of
//! eight or four bytes of what is binary, against windows of the same length at other times.
//!
//! What a newcomer would get wrong: random bytes hit any window now and then. A hit counts where the run's own days are
//! hit more than days in which nothing happened.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use ejf::credential::encoding::from_base64url;
use serde_json::Value as Json;
use uuid::Uuid;

use super::attributes::Known;
use crate::evidence::{Evidence, RawFile, Table, Value};
use crate::population::Truth;

/// Shifted windows on each side.
const CONTROLS: i64 = 10;
/// Microseconds from 1970 to 2000, where PostgreSQL's time begins.
const POSTGRES_EPOCH: i64 = 946_684_800_000_000;
/// The fewest hits that can stand for a timed attribute.
const HITS_MIN: u64 = 5;

/// What was found in one place, written in one way.
#[derive(Debug, Clone, PartialEq)]
pub struct Timed {
    pub place: String,
    pub hits: u64,
}

/// From when to when.
pub type Span = (DateTime<Utc>, DateTime<Utc>);

/// Times of reviews as an insider may read them: when it was, at the earliest and at the latest.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    pub name: String,
    pub spans: Vec<Option<Span>>,
}

/// Columns of the box whose type is a time.
pub fn declared(tables: &[Table]) -> Vec<Timed> {
    let is_timed = |kind: &str| ["time", "date", "interval"].iter().any(|word| kind.to_lowercase().contains(word));
    let columns = tables.iter().flat_map(|table| {
        table
            .columns
            .iter()
            .filter(|column| is_timed(&column.kind))
            .map(|column| format!("{}.{}", table.name, column.name))
    });
    columns.map(|place| Timed { place, hits: 1 }).collect()
}

/// Files of the box, of the publication folder and of a proxy that were written or changed while reviews were taken. The
/// database itself bears the time of the last rewriting, which comes at every turn and not for a review.
pub fn files(evidence: &Evidence, truth: &Truth) -> Vec<Timed> {
    let machine_at = |at: DateTime<Utc>| {
        let next = truth.clock.partition_point(|(_, shown)| *shown < at);
        truth.clock.get(next).map(|(machine, _)| *machine)
    };
    let ends = truth.reviews.first().zip(truth.reviews.last());
    let Some((from, to)) = ends.and_then(|(a, b)| machine_at(a.at).zip(machine_at(b.at))) else { return Vec::new() };
    let is_ours =
        |file: &&RawFile| file.name.starts_with("ballot.db") || file.name.starts_with("public") || file.is_of_proxy();
    let is_within = |file: &&RawFile| (from..=to).contains(&file.modified) || (from..=to).contains(&file.changed);
    let written = evidence.files.iter().filter(is_ours).filter(is_within);
    written.map(|file| Timed { place: format!("times of file {}", file.name), hits: 1 }).collect()
}

/// Places about reviews in which the run's days are hit more than others.
pub fn scan(evidence: &Evidence, truth: &Truth) -> Vec<Timed> {
    let known = Known::new(&truth.reviews);
    let (Some(first), Some(last)) =
        (truth.reviews.iter().map(|review| review.at).min(), truth.reviews.iter().map(|review| review.at).max())
    else {
        return Vec::new();
    };
    let margin = TimeDelta::hours(1);
    let mut counts: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    let windows = Windows::new(first - margin, last + margin);
    for (place, tables) in [("box", &evidence.of_box), ("registry", &evidence.of_registry)] {
        for table in tables {
            for row in table.rows.iter().filter(|row| known.of(&row.values).is_some()) {
                for (column, value) in table.columns.iter().zip(&row.values) {
                    windows.count(&format!("{place} {}.{}", table.name, column.name), value, &mut counts);
                }
            }
        }
    }
    let stands_out = |hits: &[u64]| {
        let (own, others) = (hits[0], &hits[1..]);
        let mean = others.iter().sum::<u64>() as f64 / others.len() as f64;
        let is_beyond = own > others.iter().copied().max().unwrap_or(0) && own as f64 > mean + 5.0 * mean.sqrt();
        own >= HITS_MIN && is_beyond
    };
    counts
        .into_iter()
        .filter(|(_, hits)| stands_out(hits))
        .map(|(place, hits)| Timed { place, hits: hits[0] })
        .collect()
}

/// The run's span, then spans of the same length before and after it.
struct Windows {
    spans: Vec<(i64, i64)>,
    /// Hits in bytes: what stands in many rows, such as the key of a subject, is one thing that may hit by chance.
    seen: RefCell<HashSet<(String, i64)>>,
}

impl Windows {
    fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Windows {
        let (from, span) = (from.timestamp_micros(), (to - from).num_microseconds().unwrap());
        let mut windows = vec![(from, from + span)];
        for shift in (-CONTROLS..=CONTROLS).filter(|shift| *shift != 0) {
            windows.push((from + shift * span, from + (shift + 1) * span));
        }
        Windows { spans: windows, seen: RefCell::default() }
    }

    fn count(&self, place: &str, value: &Value, counts: &mut BTreeMap<String, Vec<u64>>) {
        match value {
            Value::Null => {}
            Value::Int(number) => self.count_number(place, *number, counts),
            Value::Real(number) => self.count_number(place, *number as i64, counts),
            Value::Text(text) => self.count_text(place, text, counts),
            Value::Blob(bytes) => match serde_json::from_slice::<Json>(bytes) {
                Ok(document) => self.count_json(place, &document, counts),
                Err(_) => self.count_bytes(place, bytes, counts),
            },
        }
    }

    fn count_json(&self, place: &str, document: &Json, counts: &mut BTreeMap<String, Vec<u64>>) {
        match document {
            Json::Object(members) => {
                members.iter().for_each(|(name, member)| self.count_json(&format!("{place}/{name}"), member, counts));
            }
            Json::Array(items) => items.iter().for_each(|item| self.count_json(place, item, counts)),
            Json::String(text) => self.count_text(place, text, counts),
            Json::Number(number) => self.count_number(place, number.as_i64().unwrap_or_default(), counts),
            Json::Null | Json::Bool(_) => {}
        }
    }

    fn count_text(&self, place: &str, text: &str, counts: &mut BTreeMap<String, Vec<u64>>) {
        if let Ok(document) = serde_json::from_str::<Json>(text)
            && !document.is_string()
        {
            return self.count_json(place, &document, counts);
        }
        if let Some((from, to)) = read_text(text) {
            // The middle of what the text leaves open.
            self.hit(&format!("{place}, text"), from + (to - from) / 2, counts);
        } else if let Ok(bytes) = from_base64url(text) {
            self.count_bytes(&format!("{place}, decoded"), &bytes, counts);
        }
    }

    fn count_number(&self, place: &str, number: i64, counts: &mut BTreeMap<String, Vec<u64>>) {
        for (unit, micros) in readings(number) {
            self.hit(&format!("{place}, {unit}"), micros, counts);
        }
    }

    fn count_bytes(&self, place: &str, bytes: &[u8], counts: &mut BTreeMap<String, Vec<u64>>) {
        for window in bytes.windows(8) {
            let window: [u8; 8] = window.try_into().unwrap();
            for (order, number) in [("big", i64::from_be_bytes(window)), ("little", i64::from_le_bytes(window))] {
                for (unit, micros) in readings(number).filter(|(unit, _)| *unit != "seconds") {
                    self.hit_once(&format!("{place}, 8 bytes {order} {unit}"), micros, counts);
                }
            }
        }
        for window in bytes.windows(4) {
            let window: [u8; 4] = window.try_into().unwrap();
            for (order, number) in [("big", u32::from_be_bytes(window)), ("little", u32::from_le_bytes(window))] {
                self.hit_once(&format!("{place}, 4 bytes {order} seconds"), i64::from(number) * 1_000_000, counts);
            }
        }
        for window in bytes.windows(16) {
            if let Some(micros) = read_uuid(window) {
                self.hit_once(&format!("{place}, UUID"), micros, counts);
            }
        }
    }

    fn hit_once(&self, place: &str, micros: i64, counts: &mut BTreeMap<String, Vec<u64>>) {
        let is_near = self.spans.iter().any(|(from, to)| (*from..*to).contains(&micros));
        if is_near && self.seen.borrow_mut().insert((place.to_owned(), micros)) {
            self.hit(place, micros, counts);
        }
    }

    fn hit(&self, place: &str, micros: i64, counts: &mut BTreeMap<String, Vec<u64>>) {
        for (at, (from, to)) in self.spans.iter().enumerate() {
            if (*from..*to).contains(&micros) {
                counts.entry(place.to_owned()).or_insert_with(|| vec![0; self.spans.len()])[at] += 1;
                return;
            }
        }
    }
}

/// The instants that a number may mean, in microseconds since 1970.
fn readings(number: i64) -> impl Iterator<Item = (&'static str, i64)> {
    [
        ("seconds", number.checked_mul(1_000_000)),
        ("milliseconds", number.checked_mul(1000)),
        ("microseconds", Some(number)),
        ("PostgreSQL microseconds", number.checked_add(POSTGRES_EPOCH)),
        ("days", number.checked_mul(86_400_000_000)),
    ]
    .into_iter()
    .filter_map(|(unit, micros)| Some((unit, micros?)))
}

/// The microseconds of a UUID of version 1 or 7.
fn read_uuid(bytes: &[u8]) -> Option<i64> {
    let uuid = Uuid::from_slice(bytes).ok()?;
    let is_timed = matches!(uuid.get_version_num(), 1 | 7) && uuid.get_variant() == uuid::Variant::RFC4122;
    let (seconds, nanos) = uuid.get_timestamp().filter(|_| is_timed)?.to_unix();
    i64::try_from(seconds).ok()?.checked_mul(1_000_000)?.checked_add(i64::from(nanos) / 1000)
}

/// The span of microseconds that a text means, if it is a date, a time, a number or a UUID that has one.
fn read_text(text: &str) -> Option<(i64, i64)> {
    if let Ok(day) = text.parse::<NaiveDate>() {
        let from = day.and_time(NaiveTime::MIN).and_utc().timestamp_micros();
        return Some((from, from + 86_400_000_000));
    }
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"];
    let instant = forms.iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok());
    let instant =
        instant.map(|at| at.and_utc()).or_else(|| DateTime::parse_from_rfc3339(text).ok().map(|at| at.to_utc()));
    let micros = instant.map(|at| at.timestamp_micros()).or_else(|| read_uuid(Uuid::parse_str(text).ok()?.as_bytes()));
    micros.map(|micros| (micros, micros))
}

/// Every column about reviews, read as a time in each way; the linker takes what it can of it.
pub fn estimates(evidence: &Evidence, truth: &Truth) -> Vec<Estimate> {
    let known = Known::new(&truth.reviews);
    let mut found: BTreeMap<String, Estimate> = BTreeMap::new();
    let mut put = |name: String, number: usize, from: i64, to: i64| {
        let instant = |micros| DateTime::from_timestamp_micros(micros);
        let empty = || Estimate { name: name.clone(), spans: vec![None; truth.reviews.len()] };
        let estimate = found.entry(name.clone()).or_insert_with(empty);
        estimate.spans[number] = instant(from).zip(instant(to));
    };
    for (place, tables) in [("box", &evidence.of_box), ("registry", &evidence.of_registry)] {
        for table in tables {
            for row in &table.rows {
                let Some(number) = known.of(&row.values) else { continue };
                for (column, value) in table.columns.iter().zip(&row.values) {
                    let name = format!("{place} {}.{}", table.name, column.name);
                    match value {
                        Value::Int(value) => {
                            readings(*value).for_each(|(unit, at)| put(format!("{name} as {unit}"), number, at, at));
                        }
                        Value::Text(text) => {
                            if let Some((from, to)) = read_text(text) {
                                put(name, number, from, to);
                            }
                        }
                        Value::Blob(bytes) if bytes.len() == 16 => {
                            if let Some(at) = read_uuid(bytes) {
                                put(name, number, at, at);
                            }
                        }
                        Value::Null | Value::Real(_) | Value::Blob(_) => {}
                    }
                }
            }
        }
    }
    found.extend(from_files(evidence, truth).into_iter().map(|estimate| (estimate.name.clone(), estimate)));
    let (from, to) = (truth.clock.first(), truth.clock.last());
    let is_of_the_run = |estimate: &Estimate| {
        let (Some((_, from)), Some((_, to))) = (from, to) else { return true };
        let inside = |span: &Span| span.1 >= *from && span.0 <= *to;
        estimate.spans.iter().flatten().any(inside)
    };
    found.into_values().filter(is_of_the_run).collect()
}

/// For each raw file, and for all of a folder: the first PostgreSQL time of the run that follows a review's key, such as
/// that of its commit.
fn from_files(evidence: &Evidence, truth: &Truth) -> Vec<Estimate> {
    let needles = truth.reviews.iter().map(|review| review.epk.to_vec()).collect();
    let finder = super::finder::Finder::new(needles);
    let empty = || vec![None; truth.reviews.len()];
    let mut found: BTreeMap<String, Vec<Option<Span>>> = BTreeMap::new();
    for file in &evidence.files {
        let places = finder.find(&file.bytes);
        let times = if places.is_empty() { Vec::new() } else { machine_times(file, truth) };
        for (number, at) in places {
            let following = times.get(times.partition_point(|(place, _)| *place < at));
            let Some(shown) = following.and_then(|(_, micros)| shown_at(truth, *micros)) else { continue };
            for name in [format!("times in file {}", file.name), format!("times in folder {}", file.folder())] {
                found.entry(name).or_insert_with(empty)[number].get_or_insert((shown, shown));
            }
        }
    }
    found.into_iter().map(|(name, spans)| Estimate { name, spans }).collect()
}

/// The times of the run, as PostgreSQL writes them, with their places in a file.
fn machine_times(file: &RawFile, truth: &Truth) -> Vec<(usize, i64)> {
    let (Some((from, _)), Some((to, _))) = (truth.clock.first(), truth.clock.last()) else { return Vec::new() };
    let (mut times, mut at, bytes) = (Vec::new(), 0, &file.bytes);
    // The highest byte of such a time is zero for some centuries; a plain loop, as a debug build makes iterators calls.
    while at + 8 <= bytes.len() {
        if bytes[at + 7] == 0 && bytes[at + 6] != 0 {
            let micros = i64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) + POSTGRES_EPOCH;
            if (from..=to).contains(&&micros) {
                times.push((at, micros));
            }
        }
        at += 1;
    }
    times
}

/// What the services' clock showed when the machine's said this.
fn shown_at(truth: &Truth, micros: i64) -> Option<DateTime<Utc>> {
    let next = truth.clock.partition_point(|(machine, _)| *machine <= micros);
    truth.clock.get(next.saturating_sub(1)).map(|(_, shown)| *shown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::attributes::tests::reviews;
    use crate::dice::Dice;
    use crate::evidence::{Column, Row};

    type Way = fn(DateTime<Utc>) -> Value;

    fn found(value: impl Fn(DateTime<Utc>, &mut Dice) -> Value) -> Vec<Timed> {
        let truth = Truth { reviews: reviews(200, 9), ..Truth::default() };
        let mut dice = Dice::new(5);
        let rows = truth.reviews.iter().map(|review| Row {
            values: vec![Value::Blob(review.epk.to_vec()), value(review.at, &mut dice)],
            places: Vec::new(),
        });
        let column = |name: &str| Column { name: name.to_owned(), kind: "blob".to_owned() };
        let columns = vec![column("epk"), column("more")];
        let table = Table { name: "review".to_owned(), columns, rows: rows.collect(), sql: String::new() };
        scan(&Evidence { of_box: vec![table], ..Evidence::default() }, &truth)
    }

    #[test]
    fn every_way_to_write_a_time_is_found() {
        let uuid = |at: DateTime<Utc>| {
            let seconds = u64::try_from(at.timestamp()).unwrap();
            Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0))
        };
        let ways: [(&str, Way); 8] = [
            ("seconds", |at| Value::Int(at.timestamp())),
            ("milliseconds", |at| Value::Int(at.timestamp_millis())),
            ("text", |at| Value::Text(at.to_rfc3339())),
            ("text", |at| Value::Text(at.date_naive().to_string())),
            ("8 bytes big milliseconds", |at| {
                Value::Blob([&[0xff; 3], &at.timestamp_millis().to_be_bytes()[..]].concat())
            }),
            ("PostgreSQL", |at| Value::Blob((at.timestamp_micros() - POSTGRES_EPOCH).to_le_bytes().to_vec())),
            ("4 bytes little seconds", |at| Value::Blob(u32::try_from(at.timestamp()).unwrap().to_le_bytes().to_vec())),
            ("days", |at| Value::Blob(format!("{{\"day\":{}}}", at.timestamp() / 86_400).into_bytes())),
        ];
        for (name, way) in ways {
            let timed = found(|at, _| way(at));
            assert!(timed.iter().any(|timed| timed.place.contains(name) && timed.hits > 150), "{name}: {timed:?}");
        }
        assert!(
            found(|at, _| Value::Blob(uuid(at).as_bytes().to_vec())).iter().any(|timed| timed.place.ends_with("UUID"))
        );
    }

    #[test]
    fn random_bytes_and_small_numbers_are_no_times() {
        assert_eq!(found(|_, dice| Value::Blob(dice.bytes::<448>().to_vec())), []);
        assert_eq!(found(|_, dice| Value::Int(dice.below(20).cast_signed())), []);
    }

    #[test]
    fn a_commit_that_follows_a_row_dates_it() {
        let reviews = reviews(40, 9);
        let machine = |number: usize| 1_900_000_000_000_000 + 1_000_000 * number as i64;
        let clock = reviews.iter().enumerate().map(|(number, review)| (machine(number), review.at)).collect();
        let mut bytes = Vec::new();
        for (number, review) in reviews.iter().enumerate() {
            bytes.extend(review.epk);
            bytes.extend((machine(number) - POSTGRES_EPOCH).to_le_bytes());
        }
        let file = RawFile { name: "wal".to_owned(), bytes, modified: 0, changed: 0 };
        let truth = Truth { reviews, clock, ..Truth::default() };
        let evidence = Evidence { files: vec![file], ..Evidence::default() };
        let estimates = estimates(&evidence, &truth);
        let estimate = estimates.iter().find(|estimate| estimate.name == "times in file wal").unwrap();
        let is_right = |(number, span): (usize, &Option<Span>)| span.unwrap().0 == truth.reviews[number].at;
        assert!(estimate.spans.iter().enumerate().all(is_right));
    }
}
