//! Education, incentives, training and suspensions: what systems of record tell of a career.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Effect, SectionFields, at};
use crate::coded;
use crate::domain::judge_file::{CODE_40, Check, NAME_LENGTH_MAX, is_code};
use crate::error::Rule;

/// A degree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"degree": "LL.M.", "institution": "Қазақ ұлттық университеті", "year": 2008}))]
pub struct EducationFields {
    /// Which degree.
    #[schema(min_length = 1, max_length = 200)]
    pub degree: String,
    /// Where.
    #[schema(min_length = 1, max_length = 200)]
    pub institution: String,
    /// In which year; not in the future.
    #[schema(minimum = 1900, maximum = 2999)]
    pub year: i32,
}

coded! {
    /// How well somebody has a language: the levels of the Common European Framework of Reference, which KAZTEST uses, too.
    LanguageLevel {
        /// Beginner.
        A1 = "A1",
        /// Elementary.
        A2 = "A2",
        /// Intermediate.
        B1 = "B1",
        /// Upper intermediate.
        B2 = "B2",
        /// Advanced.
        C1 = "C1",
        /// Proficient.
        C2 = "C2",
    }
}

/// A language that a judge has a certificate of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"language": "kk", "level": "C1", "certified_on": "2024-05-18"}))]
pub struct LanguageFields {
    /// Which, by its code of ISO 639: two or three letters.
    #[schema(min_length = 2, max_length = 3, pattern = "^[a-z]{2,3}$")]
    pub language: String,
    /// How well.
    pub level: LanguageLevel,
    /// The day of the certificate; not in the future.
    pub certified_on: NaiveDate,
}

/// An award or another incentive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "letter_of_thanks", "act_ref": "Order 12 of 5 December 2025", "awarded_on": "2025-12-05"}))]
pub struct IncentiveFields {
    /// Its kind, by the source's code.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    pub kind: String,
    /// The act by which it was given, or null.
    #[schema(min_length = 1, max_length = 200)]
    pub act_ref: Option<String>,
    /// When; not in the future.
    pub awarded_on: NaiveDate,
}

coded! {
    /// How a course ended.
    TrainingResult {
        /// Attended; nothing was examined.
        Attended = "attended",
        /// Passed.
        Passed = "passed",
        /// Failed.
        Failed = "failed",
    }
}

/// A course.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"course": "Reasoning of judicial acts", "provider": "Academy of Justice", "hours": 40, "starts_on": "2026-03-02", "ends_on": "2026-03-06", "result": "passed", "score": 88}))]
pub struct TrainingFields {
    /// Which course.
    #[schema(min_length = 1, max_length = 200)]
    pub course: String,
    /// Who gave it.
    #[schema(min_length = 1, max_length = 200)]
    pub provider: String,
    /// How many hours.
    #[schema(minimum = 1, maximum = 1000)]
    pub hours: i32,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day; not in the future.
    pub ends_on: NaiveDate,
    /// How it ended.
    pub result: TrainingResult,
    /// The score of its examination, or null.
    #[schema(minimum = 0, maximum = 100)]
    pub score: Option<i32>,
}

/// A time in which the judge's powers were suspended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"starts_on": "2024-05-06", "ends_on": "2024-09-01", "reason": "secondment", "act_ref": null}))]
pub struct SuspensionFields {
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day, or null while it lasts.
    pub ends_on: Option<NaiveDate>,
    /// Why, by the source's code; never a diagnosis.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    pub reason: String,
    /// The act, or null.
    #[schema(min_length = 1, max_length = 200)]
    pub act_ref: Option<String>,
}

/// A whole number from `min` to `max`.
fn check_range(check: &mut Check, pointer: &str, value: i32, min: i32, max: i32) {
    let rule = Rule::Range { min: i64::from(min), max: i64::from(max) };
    check.rule((min..=max).contains(&value), pointer, rule);
}

impl SectionFields for EducationFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        check.text(&at(place, "degree"), &self.degree, NAME_LENGTH_MAX);
        check.text(&at(place, "institution"), &self.institution, NAME_LENGTH_MAX);
        check_range(check, &at(place, "year"), self.year, 1900, today.year());
    }
}

impl SectionFields for LanguageFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        let is_named =
            (2..=3).contains(&self.language.len()) && self.language.bytes().all(|letter| letter.is_ascii_lowercase());
        let form = Rule::Format { expected: "a code of ISO 639 such as kk, ru or en" };
        check.rule(is_named, &at(place, "language"), form);
        check.past_date(&at(place, "certified_on"), self.certified_on, today);
    }

    fn effect(&self) -> Effect {
        Effect::always(Some(self.certified_on), None)
    }
}

impl SectionFields for IncentiveFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        check.rule(is_code(&self.kind, 40), &at(place, "kind"), CODE_40);
        check.optional_text(&at(place, "act_ref"), self.act_ref.as_deref(), NAME_LENGTH_MAX);
        check.past_date(&at(place, "awarded_on"), self.awarded_on, today);
    }

    fn effect(&self) -> Effect {
        Effect::always(Some(self.awarded_on), None)
    }
}

impl SectionFields for TrainingFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        check.text(&at(place, "course"), &self.course, NAME_LENGTH_MAX);
        check.text(&at(place, "provider"), &self.provider, NAME_LENGTH_MAX);
        check_range(check, &at(place, "hours"), self.hours, 1, 1000);
        check.date(&at(place, "starts_on"), self.starts_on);
        check.past_date(&at(place, "ends_on"), self.ends_on, today);
        check.rule(self.ends_on >= self.starts_on, &at(place, "ends_on"), Rule::Order { other: "starts_on" });
        if let Some(score) = self.score {
            check_range(check, &at(place, "score"), score, 0, 100);
        }
    }

    fn effect(&self) -> Effect {
        Effect::always(Some(self.starts_on), Some(self.ends_on))
    }
}

impl SectionFields for SuspensionFields {
    fn check(&self, check: &mut Check, place: &str, _today: NaiveDate) {
        check.date(&at(place, "starts_on"), self.starts_on);
        if let Some(ends_on) = self.ends_on {
            check.date(&at(place, "ends_on"), ends_on);
            check.rule(ends_on >= self.starts_on, &at(place, "ends_on"), Rule::Order { other: "starts_on" });
        }
        check.rule(is_code(&self.reason, 40), &at(place, "reason"), CODE_40);
        check.optional_text(&at(place, "act_ref"), self.act_ref.as_deref(), NAME_LENGTH_MAX);
    }

    fn effect(&self) -> Effect {
        Effect::always(Some(self.starts_on), self.ends_on)
    }
}
