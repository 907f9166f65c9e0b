//! Everything about a review by which reviews could be put in order: columns and places of the rows that hold it, its
//! offsets in raw files, its place in what is published.
//!
//! What a newcomer would get wrong: the list is found and not written. A new column, a new table or a file left behind is
//! looked at without anybody having thought of it.

use std::collections::{BTreeMap, HashMap};

use ejf::credential::encoding::to_base64url;

use super::finder::Finder;
use crate::evidence::{Evidence, Table, Value};
use crate::population::{TrueReview, Truth};

/// An attribute has to be there for so many reviews to be compared.
const REVIEWS_MIN: usize = 20;

/// One attribute, for the reviews in the order of their arrival.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribute {
    pub name: String,
    pub values: Vec<Option<u128>>,
}

/// The reviews by what their rows can be recognised by.
pub struct Known(HashMap<Vec<u8>, usize>);

impl Known {
    pub fn new(reviews: &[TrueReview]) -> Known {
        let mut known = HashMap::new();
        for (number, review) in reviews.iter().enumerate() {
            for bytes in [review.epk, review.leaf] {
                known.insert(bytes.to_vec(), number);
                known.insert(to_base64url(&bytes).into_bytes(), number);
            }
        }
        Known(known)
    }

    /// The review that a row holds.
    pub fn of(&self, values: &[Value]) -> Option<usize> {
        values.iter().find_map(|value| self.0.get(value.bytes()).copied())
    }
}

/// All attributes of the reviews.
pub fn all(evidence: &Evidence, truth: &Truth) -> Vec<Attribute> {
    let known = Known::new(&truth.reviews);
    let mut found: BTreeMap<String, Vec<Option<u128>>> = BTreeMap::new();
    let count = truth.reviews.len();
    for (place, tables) in [("box", &evidence.of_box), ("registry", &evidence.of_registry)] {
        for table in tables {
            of_table(place, table, &known, count, &mut found);
        }
    }
    in_files(evidence, truth, &mut found);
    let is_common = |values: &[Option<u128>]| values.iter().flatten().count() >= REVIEWS_MIN.min(count);
    found.into_iter().filter(|(_, values)| is_common(values)).map(|(name, values)| Attribute { name, values }).collect()
}

fn of_table(place: &str, table: &Table, known: &Known, count: usize, found: &mut BTreeMap<String, Vec<Option<u128>>>) {
    for row in &table.rows {
        let Some(number) = known.of(&row.values) else { continue };
        let mut put = |name: &str, value: u128| {
            let name = format!("{place} {}.{name}", table.name);
            found.entry(name).or_insert_with(|| vec![None; count])[number] = Some(value);
        };
        for (name, at) in &row.places {
            put(name, u128::from(*at));
        }
        for (column, value) in table.columns.iter().zip(&row.values) {
            if let Some(value) = orderable(value) {
                put(&column.name, value);
            }
        }
    }
}

/// A value as a number that is ordered like it: texts and bytes by what they begin with.
pub fn orderable(value: &Value) -> Option<u128> {
    match value {
        Value::Null => None,
        Value::Int(number) => Some((i128::from(*number) - i128::from(i64::MIN)).cast_unsigned()),
        Value::Real(number) => Some((number * 1e6) as u128),
        Value::Text(_) | Value::Blob(_) => {
            let mut first = [0; 16];
            for (to, from) in first.iter_mut().zip(value.bytes()) {
                *to = *from;
            }
            Some(u128::from_be_bytes(first))
        }
    }
}

/// The first and the last place of each review's key, leaf and signature in every file and in the output.
fn in_files(evidence: &Evidence, truth: &Truth, found: &mut BTreeMap<String, Vec<Option<u128>>>) {
    let count = truth.reviews.len();
    let mut needles = Vec::with_capacity(count * 6);
    for review in &truth.reviews {
        for bytes in [review.epk.as_slice(), &review.leaf, &review.sig] {
            needles.push(bytes[..32].to_vec());
            needles.push(to_base64url(bytes).into_bytes()[..40].to_vec());
        }
    }
    let finder = Finder::new(needles);
    let of = |needle: usize| (needle / 6, ["key", "key", "leaf", "leaf", "signature", "signature"][needle % 6]);
    let mut look = |name: &str, bytes: &[u8]| {
        let places = finder.find(bytes);
        for (needle, at) in &places {
            let (number, kind) = of(*needle);
            let first = found.entry(format!("file {name}, first {kind}")).or_insert_with(|| vec![None; count]);
            first[number].get_or_insert(*at as u128);
            let last = found.entry(format!("file {name}, last {kind}")).or_insert_with(|| vec![None; count]);
            last[number] = Some(*at as u128);
        }
        places
    };
    look("output", &evidence.output);
    let mut in_folders: BTreeMap<String, Vec<Option<u128>>> = BTreeMap::new();
    // In the order of their names, in which a log's segments were written.
    for (order, file) in evidence.files.iter().enumerate() {
        for (needle, at) in look(&file.name, &file.bytes) {
            let (number, kind) = of(needle);
            let name = format!("folder {}, first {kind}", file.folder());
            let first = in_folders.entry(name).or_insert_with(|| vec![None; count]);
            first[number].get_or_insert((order as u128) << 64 | at as u128);
        }
    }
    found.append(&mut in_folders);
}

#[cfg(test)]
pub mod tests {
    use chrono::DateTime;
    use ejf::credential::encoding::Bytes;

    use super::*;
    use crate::dice::Dice;
    use crate::evidence::{Column, RawFile, Row};

    /// Reviews with keys that tell nothing, of so many authors in turn.
    pub fn reviews(count: u8, authors: u8) -> Vec<TrueReview> {
        let mut dice = Dice::new(u64::from(count));
        let review = |number: u8| TrueReview {
            epk: dice.bytes(),
            leaf: dice.bytes(),
            sig: dice.bytes(),
            subject_ref: Bytes([number % 7; 16]),
            author: format!("judge-{}", number % authors),
            at: DateTime::from_timestamp(1_803_000_000 + 7200 * i64::from(number), 0).unwrap(),
        };
        (0..count).map(review).collect()
    }

    #[test]
    fn a_column_a_place_and_an_offset_are_found_unasked() {
        let truth = Truth { reviews: reviews(30, 5), ..Truth::default() };
        let row = |(at, review): (usize, &TrueReview)| Row {
            values: vec![Value::Blob(review.epk.to_vec()), Value::Int(at as i64)],
            places: vec![("ctid", 1000 - at as u64)],
        };
        let column = |name: &str| Column { name: name.to_owned(), kind: "blob".to_owned() };
        let table = Table {
            name: "review".to_owned(),
            columns: vec![column("epk"), column("id")],
            rows: truth.reviews.iter().enumerate().map(row).collect(),
            sql: String::new(),
        };
        let mut bytes = vec![0; 10];
        for review in &truth.reviews {
            bytes.extend(to_base64url(&review.leaf).as_bytes());
        }
        let file = RawFile { name: "left".to_owned(), bytes, modified: 0, changed: 0 };
        let evidence = Evidence { of_box: vec![table], files: vec![file], ..Evidence::default() };

        let all = all(&evidence, &truth);

        let names: Vec<&str> = all.iter().map(|attribute| attribute.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "box review.ctid",
                "box review.epk",
                "box review.id",
                "file left, first leaf",
                "file left, last leaf",
                "folder , first leaf"
            ]
        );
        let order = |name: &str| {
            let values = &all.iter().find(|attribute| attribute.name == name).unwrap().values;
            let values: Vec<u128> = values.iter().map(|value| value.unwrap()).collect();
            crate::analysis::order::kendall(&values).unwrap().tau
        };
        assert!(order("box review.id") > 0.99 && order("box review.ctid") < -0.99);
        assert!(order("file left, first leaf") > 0.99);
    }
}
