//! What reviewers of the demonstration think of each judge, before severity and noise: real ratings, moved to our scale.
//! A newcomer would take a rating of 7.7 of ten for a mark of 3.85; lawyers call a typical judge 7.7, and here that is
//! "as the standard expects", a 3.

use crate::error::{Error, Result};

/// The ratings; their source is named in the folder.
const RATINGS: &str = include_str!("data/us_judge_ratings.csv");

/// The mark that a typical judge has on every item.
pub(super) const TYPICAL_MARK: f64 = 3.0;

/// Points of a rating that make one mark.
const POINTS_PER_MARK: f64 = 2.0;

/// One measure of the ratings, with the rating of a typical judge: the median of the 43, in tenths of a point.
pub(super) struct Measure {
    code: &'static str,
    typical_tenths: u32,
}

const fn measure(code: &'static str, typical_tenths: u32) -> Measure {
    Measure { code, typical_tenths }
}

/// The twelve measures, in the order of the columns.
pub(super) const MEASURES: [Measure; 12] = [
    measure("CONT", 73),
    measure("INTG", 81),
    measure("DMNR", 77),
    measure("DILG", 78),
    measure("CFMG", 76),
    measure("DECI", 77),
    measure("PREP", 77),
    measure("FAMI", 76),
    measure("ORAL", 75),
    measure("WRIT", 76),
    measure("PHYS", 81),
    measure("RTEN", 78),
];

/// Which measure stands in for each item of the instrument `judge-1`, in its order. The nearest in meaning where there
/// is one; every measure is used, so that all of the data is seen. It is a stand-in: nobody was asked these items.
pub(super) const ITEM_MEASURES: [(&str, &str); 15] = [
    ("k1", "WRIT"),
    ("k2", "DILG"),
    ("k3", "FAMI"),
    ("o1", "CFMG"),
    ("o2", "PREP"),
    ("o3", "DECI"),
    ("c1", "DMNR"),
    ("c2", "WRIT"),
    ("c3", "DMNR"),
    ("i1", "INTG"),
    ("i2", "INTG"),
    ("i3", "RTEN"),
    ("l1", "ORAL"),
    ("l2", "CONT"),
    ("l3", "PHYS"),
];

/// The marks that an unbiased reviewer would give on average, one for each item.
pub(super) type Expected = [f64; ITEM_MEASURES.len()];

/// One rated judge.
pub(super) struct Rated {
    /// The ratings, in the order of [`MEASURES`].
    ratings: [f64; MEASURES.len()],
}

impl Rated {
    /// The marks that unbiased reviewers give on average.
    pub fn expected(&self) -> Expected {
        ITEM_MEASURES.map(|(_, code)| {
            let measured = MEASURES.iter().zip(self.ratings).find(|(measure, _)| measure.code == code);
            measured.map_or(TYPICAL_MARK, |(measure, rating)| {
                expected_mark(rating, f64::from(measure.typical_tenths) / 10.0)
            })
        })
    }

    /// Values for the judge's file, by indicator: the ratings know neither cases nor quarters, so these are invented in
    /// proportion to the ratings that come nearest.
    pub fn observations(&self) -> [(&'static str, i64); 4] {
        let rating = |code| {
            MEASURES
                .iter()
                .zip(self.ratings)
                .find(|(measure, _)| measure.code == code)
                .map_or(0.0, |(_, rating)| rating)
        };
        let whole = |value: f64| value.round() as i64;
        [
            ("incoming", whole(20.0 * rating("CONT"))),
            ("resolved", whole(10.0 * (rating("CONT") + rating("CFMG")))),
            ("working_days", whole(55.0 + rating("PHYS"))),
            ("term_violations_judge", whole(10.6 - rating("DECI"))),
        ]
    }
}

/// All 43 rated judges.
pub(super) fn rated_judges() -> Result<Vec<Rated>> {
    let mut reader = csv::Reader::from_reader(RATINGS.as_bytes());
    let mut judges = Vec::new();
    for row in reader.records() {
        let row = row.map_err(Error::internal)?;
        let mut ratings = [0.0; MEASURES.len()];
        // The first column holds the number of the row.
        for (rating, text) in ratings.iter_mut().zip(row.iter().skip(1)) {
            *rating = text.parse().map_err(Error::internal)?;
        }
        judges.push(Rated { ratings });
    }
    Ok(judges)
}

fn expected_mark(rating: f64, typical: f64) -> f64 {
    (TYPICAL_MARK + (rating - typical) / POINTS_PER_MARK).clamp(1.0, 5.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::methodology::Methodology;

    fn columns() -> Vec<(String, Vec<f64>)> {
        let mut reader = csv::Reader::from_reader(RATINGS.as_bytes());
        let header = reader.headers().unwrap().clone();
        let rows: Vec<_> = reader.records().map(|row| row.unwrap()).collect();
        let column = |place: usize| rows.iter().map(|row| row[place].parse().unwrap()).collect();
        header.iter().enumerate().skip(1).map(|(place, name)| (name.to_owned(), column(place))).collect()
    }

    #[test]
    fn a_typical_rating_is_the_median_of_the_43() {
        for ((name, mut ratings), measure) in columns().into_iter().zip(MEASURES) {
            ratings.sort_by(f64::total_cmp);
            assert_eq!((name.as_str(), ratings.len()), (measure.code, 43));
            assert_eq!((ratings[21] * 10.0).round(), f64::from(measure.typical_tenths), "{name}");
        }
    }

    #[test]
    fn a_typical_judge_is_a_three_on_every_item() {
        for measure in MEASURES {
            let typical = f64::from(measure.typical_tenths) / 10.0;
            assert_eq!(expected_mark(typical, typical), 3.0, "{}", measure.code);
        }
        let judges: Vec<Expected> = rated_judges().unwrap().iter().map(Rated::expected).collect();
        for item in 0..ITEM_MEASURES.len() {
            let mut marks: Vec<f64> = judges.iter().map(|judge| judge[item]).collect();
            marks.sort_by(f64::total_cmp);
            assert_eq!((marks[21] * 100.0).round() / 100.0, 3.0, "{}", ITEM_MEASURES[item].0);
        }
    }

    #[test]
    fn the_table_maps_every_measure_and_every_item_of_the_default_instrument() {
        let methodology = Methodology::standard().unwrap();
        let items: Vec<&str> = methodology.items_of("judge-1").unwrap().iter().map(|item| item.code.as_str()).collect();
        assert_eq!(ITEM_MEASURES.map(|(item, _)| item).to_vec(), items);
        for measure in MEASURES {
            assert!(ITEM_MEASURES.iter().any(|(_, code)| *code == measure.code), "{} is unused", measure.code);
        }
    }

    #[test]
    fn better_ratings_are_higher_marks_within_the_scale() {
        assert_eq!(expected_mark(9.0, 7.0), 4.0);
        assert_eq!(expected_mark(3.0, 7.0), 1.0);
        assert_eq!(expected_mark(0.0, 7.0), 1.0);
        let judges = rated_judges().unwrap();
        assert!(judges.iter().flat_map(Rated::expected).all(|mark| (1.0..=5.0).contains(&mark)));
    }

    #[test]
    fn a_file_gets_values_that_its_indicators_allow() {
        for (code, value) in rated_judges().unwrap().iter().flat_map(Rated::observations) {
            let max = if code == "working_days" { 66 } else { 30_000 };
            assert!((0..=max).contains(&value), "{code} {value}");
        }
    }

    #[test]
    fn the_ratings_hold_no_name() {
        assert!(RATINGS.lines().skip(1).all(|line| line.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ',')));
    }
}
