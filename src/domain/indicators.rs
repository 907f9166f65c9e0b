//! Indicators of a judge's work, and what an observed value of one must hold to. What a newcomer would get wrong: an
//! observation is never a judgement. Reversal rates and all that concerns the content of decisions are shown with
//! their reasons and may never enter a score, whatever the catalogue says (Kyiv Recommendations, CCJE Opinion 17).

use std::collections::BTreeSet;
use std::sync::OnceLock;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::coded;
use crate::domain::calendar::Period;
use crate::domain::methodology::Text;
use crate::error::{Error, Fault, Result, Rule};

/// The standard catalogue as committed, in JSON.
pub const DEFAULT_JSON: &str = include_str!("../../indicators/default.json");

/// The category of values that are not split by kind of case, such as working days.
pub const CATEGORY_ALL: &str = "all";

/// The category of materials, which are kept apart from cases.
pub const CATEGORY_MATERIALS: &str = "materials";

/// The highest denominator: above every count of the catalogue, and far from where products of two would overflow.
pub const DENOMINATOR_MAX: i64 = 1_000_000_000;

/// Words in a code that mark an indicator as one on the review of acts by higher courts.
const CONTENT_WORDS: &[&str] = &[
    "reversal",
    "reversed",
    "appeal",
    "appealed",
    "cassation",
    "upheld",
    "amended",
    "cancelled",
    "quashed",
    "remitted",
    "overturned",
    "outcome",
    "special",
];

/// The source whose values always concern the content of decisions.
const HIGHER_COURT: &str = "higher_court";

/// A defined measure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"code": "resolved", "name": {"kk": "Қаралғаны", "ru": "Рассмотрено", "en": "Resolved"}, "unit": "case", "scale": 0, "min": 0, "max": 30000, "direction": "none", "is_scorable": false, "source": "court_information_system", "kind": "count", "in_force_from": "2000-01-01", "in_force_to": null}))]
pub struct Indicator {
    /// Its name in JSON; lower-case letters, digits and `_`.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,39}$", max_length = 40, example = "resolved")]
    pub code: String,
    /// Its name for people.
    pub name: Text,
    /// What is counted or measured, as a code with a text of its own.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,39}$", max_length = 40, example = "case")]
    pub unit: String,
    /// Decimals: a numerator is in units of 10 to the power of minus this; 0 to 3.
    #[schema(minimum = 0, maximum = 3, example = 0)]
    pub scale: u8,
    /// The lowest numerator, in the same scaled integers.
    #[schema(example = 0)]
    pub min: i64,
    /// The highest numerator, in the same scaled integers.
    #[schema(example = 30000)]
    pub max: i64,
    /// Which direction is better, if any.
    pub direction: Direction,
    /// Whether a methodology may let it enter a score. False in the whole standard catalogue, and always false for what
    /// concerns the content of decisions.
    pub is_scorable: bool,
    /// The system of record that it comes from, as a code.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,39}$", max_length = 40, example = "court_information_system")]
    pub source: String,
    /// What kind of number it is.
    pub kind: IndicatorKind,
    /// The first day of the first period that it may be observed for.
    pub in_force_from: NaiveDate,
    /// The last day of the last such period; none while it is open-ended.
    #[serde(default)]
    pub in_force_to: Option<NaiveDate>,
}

coded! {
    /// Which direction of an indicator is better.
    Direction {
        /// More is better.
        Higher = "higher",
        /// Less is better.
        Lower = "lower",
        /// Context: neither is better.
        None = "none",
    }
}

coded! {
    /// What kind of number an indicator is.
    IndicatorKind {
        /// Things counted; where a denominator is given, they are part of those.
        Count = "count",
        /// Time.
        Duration = "duration",
        /// A sum or mean with weights.
        Weighted = "weighted",
    }
}

/// A value as a source reports it, before it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewObservation {
    /// The code of the indicator.
    pub indicator_code: String,
    /// The kind of case: a specialisation, `appeal_…`, `cassation_…`, `materials` or `all`.
    pub category: String,
    /// The quarter.
    pub period: Period,
    /// The value, or the numerator of a ratio, in the indicator's scaled integers.
    pub numerator: i64,
    /// The denominator of a ratio; none where the value is no ratio.
    pub denominator: Option<i64>,
}

/// Whether an observation keeps the rules of form and range of its indicator.
///
/// What needs the stored file is not checked here: that the category exists ([`Catalogue::has_category`]), that the
/// judge held office, that no value stands for the period yet.
///
/// # Errors
/// All faults, at `/indicator_code`, `/category`, `/period`, `/numerator` and `/denominator`.
pub fn check_observation(indicator: &Indicator, new: &NewObservation) -> std::result::Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    if new.indicator_code != indicator.code {
        faults.push(Fault::at("/indicator_code", Rule::Missing));
    }
    if !is_code(&new.category) {
        faults.push(Fault::at("/category", Rule::Format { expected: "a category such as civil, appeal_civil or all" }));
    }
    let ends_in_force = indicator.in_force_to.is_none_or(|last| new.period.ends_on() <= last);
    if new.period.starts_on() < indicator.in_force_from || !ends_in_force {
        faults.push(Fault::at("/period", Rule::Mismatch { other: "indicator_code" }));
    }
    if !(indicator.min..=indicator.max).contains(&new.numerator) {
        faults.push(Fault::at("/numerator", Rule::Range { min: indicator.min, max: indicator.max }));
    }
    match new.denominator {
        Some(denominator) if !(1..=DENOMINATOR_MAX).contains(&denominator) => {
            faults.push(Fault::at("/denominator", Rule::Range { min: 1, max: DENOMINATOR_MAX }));
        }
        Some(denominator) if indicator.kind == IndicatorKind::Count && new.numerator > denominator => {
            faults.push(Fault::at("/numerator", Rule::Mismatch { other: "denominator" }));
        }
        Some(_) | None => {}
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

/// Whether a definition is sound and keeps the rule that content enters no score.
///
/// # Errors
/// All faults, each at its member.
pub fn check_indicator(indicator: &Indicator) -> std::result::Result<(), Vec<Fault>> {
    let mut faults = Vec::new();
    let members = [("/code", &indicator.code), ("/unit", &indicator.unit), ("/source", &indicator.source)];
    for (pointer, code) in members {
        if !is_code(code) {
            faults.push(Fault::at(pointer, Rule::Format { expected: "1 to 40 of a-z, 0-9 and _, a letter first" }));
        }
    }
    let languages = [("/name/kk", Some(&indicator.name.kk)), ("/name/ru", Some(&indicator.name.ru))];
    for (pointer, name) in languages.into_iter().chain([("/name/en", indicator.name.en.as_ref())]) {
        let Some(name) = name else { continue };
        if name.trim().is_empty() {
            faults.push(Fault::at(pointer, Rule::Required));
        } else if name.chars().count() > 200 {
            faults.push(Fault::at(pointer, Rule::Length { min: 1, max: 200 }));
        }
    }
    if indicator.scale > 3 {
        faults.push(Fault::at("/scale", Rule::Range { min: 0, max: 3 }));
    }
    if indicator.min > indicator.max {
        faults.push(Fault::at("/max", Rule::Order { other: "min" }));
    }
    if indicator.is_scorable && indicator.concerns_content() {
        faults.push(Fault::at("/is_scorable", Rule::Fixed));
    }
    if indicator.in_force_to.is_some_and(|last| last < indicator.in_force_from) {
        faults.push(Fault::at("/in_force_to", Rule::Order { other: "in_force_from" }));
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}

impl Indicator {
    /// Whether it concerns the content of decisions: it comes from a higher court, or its code speaks of review by one.
    ///
    /// Deliberately wide: a false alarm costs a flag, a miss would let independence be punished by a number.
    pub fn concerns_content(&self) -> bool {
        self.source == HIGHER_COURT || names_content(&self.code)
    }
}

/// Whether a code speaks of the review of acts by a higher court, or of what a decision says.
pub fn names_content(code: &str) -> bool {
    code.split('_').any(|word| CONTENT_WORDS.contains(&word))
}

/// The indicators and categories that a service starts with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Specialisations of judges and kinds of case.
    pub specialisations: Vec<String>,
    /// The definitions, in the order in which they are shown.
    pub indicators: Vec<Indicator>,
}

impl Catalogue {
    /// The standard catalogue that comes with the service, read once.
    ///
    /// # Errors
    /// [`Error::Internal`] when the committed file cannot be read, which a test rules out.
    pub fn standard() -> Result<&'static Catalogue> {
        static STANDARD: OnceLock<Catalogue> = OnceLock::new();
        if let Some(catalogue) = STANDARD.get() {
            return Ok(catalogue);
        }
        let catalogue = serde_json::from_str(DEFAULT_JSON).map_err(Error::internal)?;
        Ok(STANDARD.get_or_init(|| catalogue))
    }

    /// Whether a category exists: a specialisation, alone or at appeal or cassation, `materials` or `all`.
    pub fn has_category(&self, category: &str) -> bool {
        let bare = category.strip_prefix("appeal_").or_else(|| category.strip_prefix("cassation_")).unwrap_or(category);
        matches!(category, CATEGORY_ALL | CATEGORY_MATERIALS) || self.specialisations.iter().any(|known| known == bare)
    }

    /// All faults of all definitions, each under `/indicators/<index>`.
    pub fn validate(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut seen = BTreeSet::new();
        for (index, indicator) in self.indicators.iter().enumerate() {
            if !seen.insert(&indicator.code) {
                faults.push(Fault::at(format!("/indicators/{index}/code"), Rule::Duplicate));
            }
            for fault in check_indicator(indicator).err().into_iter().flatten() {
                let place = match fault.place {
                    crate::error::Place::Pointer(pointer) => format!("/indicators/{index}{pointer}"),
                    crate::error::Place::Parameter(name) => format!("/indicators/{index}/{name}"),
                };
                faults.push(Fault::at(place, fault.rule));
            }
        }
        faults
    }
}

fn is_code(code: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    code.len() <= 40 && code.starts_with(|first: char| first.is_ascii_lowercase()) && code.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Place;

    fn indicator(code: &str) -> Indicator {
        Catalogue::standard().unwrap().indicators.iter().find(|indicator| indicator.code == code).unwrap().clone()
    }

    fn observation(code: &str, numerator: i64, denominator: Option<i64>) -> NewObservation {
        NewObservation {
            indicator_code: code.into(),
            category: "civil".into(),
            period: Period::parse("2025-Q3").unwrap(),
            numerator,
            denominator,
        }
    }

    fn faults(indicator: &Indicator, new: &NewObservation) -> Vec<(String, &'static str)> {
        let found = check_observation(indicator, new).err().unwrap_or_default().into_iter();
        found
            .map(|fault| match fault.place {
                Place::Pointer(pointer) => (pointer, fault.rule.code()),
                Place::Parameter(name) => panic!("{name} is no pointer"),
            })
            .collect()
    }

    #[test]
    fn the_standard_catalogue_is_sound_and_complete() {
        let catalogue = Catalogue::standard().unwrap();
        assert_eq!(catalogue.validate(), []);
        let codes: Vec<&str> = catalogue.indicators.iter().map(|indicator| indicator.code.as_str()).collect();
        let expected = "pending_start incoming resolved pending_end transferred_in transferred_out pending_age_le3 \
             pending_age_le6 pending_age_le12 pending_age_gt12 working_days weighted_workload term_violations_judge \
             term_violations_party term_violations_expert term_violations_stay term_violations_system \
             term_violations_unknown hearings settled_mediated special_rulings";
        assert_eq!(codes, expected.split_whitespace().collect::<Vec<_>>());
        assert!(catalogue.indicators.iter().all(|indicator| indicator.name.en.is_some() && !indicator.is_scorable));
    }

    #[test]
    fn only_breaches_for_which_the_judge_answers_have_a_direction_among_term_violations() {
        let catalogue = Catalogue::standard().unwrap();
        let judged: Vec<&str> = (catalogue.indicators.iter())
            .filter(|indicator| indicator.code.starts_with("term_violations") && indicator.direction != Direction::None)
            .map(|indicator| indicator.code.as_str())
            .collect();
        assert_eq!(judged, ["term_violations_judge"]);
    }

    #[test]
    fn values_at_both_ends_of_the_range_are_taken_and_beyond_refused() {
        let resolved = indicator("resolved");
        for value in [0, 30_000] {
            assert_eq!(faults(&resolved, &observation("resolved", value, None)), []);
        }
        for value in [-1, 30_001, i64::MIN, i64::MAX] {
            assert_eq!(faults(&resolved, &observation("resolved", value, None)), [("/numerator".into(), "range")]);
        }
        assert_eq!(
            faults(&indicator("working_days"), &observation("working_days", 67, None)),
            [("/numerator".into(), "range")]
        );
    }

    #[test]
    fn a_denominator_is_positive_and_a_count_is_part_of_it() {
        let late = indicator("term_violations_judge");
        let with =
            |numerator, denominator| faults(&late, &observation("term_violations_judge", numerator, denominator));
        assert_eq!(with(3, Some(3)), []);
        assert_eq!(with(3, Some(0)), [("/denominator".into(), "range")]);
        assert_eq!(with(3, Some(DENOMINATOR_MAX + 1)), [("/denominator".into(), "range")]);
        assert_eq!(with(4, Some(3)), [("/numerator".into(), "mismatch")]);
        let weighted = indicator("weighted_workload");
        assert_eq!(faults(&weighted, &observation("weighted_workload", 12_500, Some(60))), []);
    }

    #[test]
    fn all_faults_of_an_observation_are_told_at_once() {
        let mut late = indicator("hearings");
        late.in_force_from = "2026-01-01".parse().unwrap();
        let mut new = observation("resolved", -1, Some(-1));
        new.category = "Civil".into();
        let expected = [
            ("/indicator_code", "missing"),
            ("/category", "format"),
            ("/period", "mismatch"),
            ("/numerator", "range"),
            ("/denominator", "range"),
        ];
        assert_eq!(faults(&late, &new), expected.map(|(pointer, rule)| (pointer.to_owned(), rule)));
    }

    #[test]
    fn what_concerns_the_content_of_decisions_can_never_be_scorable() {
        for code in ["reversal_of_appealed", "appeal_rate", "acts_upheld", "cancelled_remitted", "special_rulings"] {
            let scorable = Indicator { code: code.into(), is_scorable: true, ..indicator("resolved") };
            assert_eq!(check_indicator(&scorable), Err(vec![Fault::at("/is_scorable", Rule::Fixed)]), "{code}");
        }
        let from_above = Indicator { source: HIGHER_COURT.into(), is_scorable: true, ..indicator("resolved") };
        assert_eq!(check_indicator(&from_above), Err(vec![Fault::at("/is_scorable", Rule::Fixed)]));
        let harmless = Indicator { is_scorable: true, ..indicator("resolved") };
        assert_eq!(check_indicator(&harmless), Ok(()));
    }

    #[test]
    fn a_definition_is_refused_at_each_faulty_member() {
        let sound = indicator("resolved");
        let cases = [
            ("/code", Indicator { code: "Resolved".into(), ..sound.clone() }),
            ("/unit", Indicator { unit: String::new(), ..sound.clone() }),
            ("/source", Indicator { source: "a b".into(), ..sound.clone() }),
            ("/scale", Indicator { scale: 4, ..sound.clone() }),
            ("/max", Indicator { max: -1, ..sound.clone() }),
            ("/in_force_to", Indicator { in_force_to: "1999-01-01".parse().ok(), ..sound.clone() }),
            ("/name/kk", Indicator { name: Text { kk: " ".into(), ..sound.name.clone() }, ..sound.clone() }),
        ];
        for (pointer, broken) in cases {
            let found = check_indicator(&broken).unwrap_err();
            assert_eq!(found.iter().map(|fault| &fault.place).collect::<Vec<_>>(), [&Place::Pointer(pointer.into())]);
        }
    }

    #[test]
    fn categories_are_specialisations_with_or_without_an_instance() {
        let catalogue = Catalogue::standard().unwrap();
        for category in ["civil", "appeal_civil", "cassation_criminal", "materials", "all"] {
            assert!(catalogue.has_category(category), "{category}");
        }
        for category in ["cvil", "appeal_", "appeal_cassation_civil", "appeal_all", ""] {
            assert!(!catalogue.has_category(category), "{category}");
        }
    }
}
