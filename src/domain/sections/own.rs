//! What the judge puts into the own file: teaching, publications and rule-making, which the staff confirm, and the judge's
//! own words and marks, which stand beside what they concern. Nothing averages a self-assessment into anything.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Effect, RecordRef, SectionFields, at};
use crate::domain::ids::{EvaluationId, RecordId};
use crate::domain::judge_file::{CODE_40, Check, NAME_LENGTH_MAX, is_code};
use crate::error::Rule;

/// The longest text of a judge, in characters.
const TEXT_LENGTH_MAX: usize = 10_000;
/// How many documents a statement may have with it.
const ATTACHMENTS_MAX: usize = 10;
/// How many items an instrument may have, so how many own marks there can be.
const MARKS_MAX: usize = 100;

/// Teaching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "lecture", "title": "Evidence in administrative cases", "held_on": "2026-04-17", "hours": 6}))]
pub struct TeachingFields {
    /// Its kind, by a code.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    pub kind: String,
    /// What was taught.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// When; not in the future.
    pub held_on: NaiveDate,
    /// How many hours, or null.
    #[schema(minimum = 1, maximum = 1000)]
    pub hours: Option<i32>,
}

/// A publication.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "article", "title": "On the reasons of a judgment", "published_on": "2025-09-01", "reference": "Заң және заман, 2025, № 9"}))]
pub struct PublicationFields {
    /// Its kind, by a code.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    pub kind: String,
    /// What it is called.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// When; not in the future.
    pub published_on: NaiveDate,
    /// Where it is found, or null.
    #[schema(min_length = 1, max_length = 500)]
    pub reference: Option<String>,
}

/// Work on laws and rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"kind": "working_group", "title": "Draft rules on the exchange of case files", "done_on": "2026-02-10", "reference": null}))]
pub struct RuleMakingFields {
    /// Its kind, by a code.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z][a-z0-9_]{0,39}$")]
    pub kind: String,
    /// Which law or rules.
    #[schema(min_length = 1, max_length = 200)]
    pub title: String,
    /// When; not in the future.
    pub done_on: NaiveDate,
    /// Where it is found, or null.
    #[schema(min_length = 1, max_length = 500)]
    pub reference: Option<String>,
}

/// What the judge says, on the file or on one of its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "In the third quarter I sat in two courts.", "about": null, "attachments": []}))]
pub struct JudgeStatementFields {
    /// The judge's words.
    #[schema(min_length = 1, max_length = 10_000)]
    pub text: String,
    /// The record of the own file that it stands beside, or null where it concerns the file.
    pub about: Option<RecordRef>,
    /// Documents of the own file that go with it.
    #[serde(default)]
    #[schema(max_items = 10)]
    pub attachments: Vec<RecordId>,
}

/// The judge's own mark for one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"item": "k1", "value": 3}))]
pub struct OwnMark {
    /// The item of the instrument, by its code.
    #[schema(min_length = 1, max_length = 32, pattern = "^[a-z][a-z0-9_]{0,31}$")]
    pub item: String,
    /// A mark of the methodology's scale, or null for "no basis".
    #[schema(minimum = 0, maximum = 100)]
    pub value: Option<u8>,
}

/// How the judge marks the own work, on the items that reviewers mark; shown beside their result and never mixed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b15", "items": [{"item": "k1", "value": 3}], "text": "The year of the move to the new building."}))]
pub struct SelfAssessmentFields {
    /// The own evaluation that it goes with; one self-assessment an evaluation.
    pub evaluation_id: EvaluationId,
    /// The own marks, each item once; those left out are not marked.
    #[schema(max_items = 100)]
    pub items: Vec<OwnMark>,
    /// The judge's words, or null.
    #[schema(min_length = 1, max_length = 10_000)]
    pub text: Option<String>,
}

/// Kind and title, which the three declared sections share.
fn check_declared(check: &mut Check, place: &str, kind: &str, title: &str) {
    check.rule(is_code(kind, 40), &at(place, "kind"), CODE_40);
    check.text(&at(place, "title"), title, NAME_LENGTH_MAX);
}

impl SectionFields for TeachingFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        check_declared(check, place, &self.kind, &self.title);
        check.past_date(&at(place, "held_on"), self.held_on, today);
        let is_possible = self.hours.is_none_or(|hours| (1..=1000).contains(&hours));
        check.rule(is_possible, &at(place, "hours"), Rule::Range { min: 1, max: 1000 });
    }

    fn effect(&self) -> Effect {
        Effect::always(Some(self.held_on), Some(self.held_on))
    }
}

impl SectionFields for PublicationFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        check_declared(check, place, &self.kind, &self.title);
        check.past_date(&at(place, "published_on"), self.published_on, today);
        check.optional_text(&at(place, "reference"), self.reference.as_deref(), 500);
    }

    fn effect(&self) -> Effect {
        Effect::always(Some(self.published_on), None)
    }
}

impl SectionFields for RuleMakingFields {
    fn check(&self, check: &mut Check, place: &str, today: NaiveDate) {
        check_declared(check, place, &self.kind, &self.title);
        check.past_date(&at(place, "done_on"), self.done_on, today);
        check.optional_text(&at(place, "reference"), self.reference.as_deref(), 500);
    }

    fn effect(&self) -> Effect {
        Effect::always(Some(self.done_on), None)
    }
}

impl SectionFields for JudgeStatementFields {
    fn check(&self, check: &mut Check, place: &str, _today: NaiveDate) {
        check.text(&at(place, "text"), &self.text, TEXT_LENGTH_MAX);
        let is_short = self.attachments.len() <= ATTACHMENTS_MAX;
        check.rule(is_short, &at(place, "attachments"), Rule::Length { min: 0, max: ATTACHMENTS_MAX as u64 });
    }
}

impl SectionFields for SelfAssessmentFields {
    /// Whether an item is one of the instrument, and a mark one of its scale, depends on the evaluation's methodology.
    fn check(&self, check: &mut Check, place: &str, _today: NaiveDate) {
        let is_said = !self.items.is_empty() || self.text.is_some();
        check.rule(is_said, &at(place, "items"), Rule::Required);
        let is_short = self.items.len() <= MARKS_MAX;
        check.rule(is_short, &at(place, "items"), Rule::Length { min: 0, max: MARKS_MAX as u64 });
        let mut seen = std::collections::BTreeSet::new();
        for (index, mark) in self.items.iter().enumerate().take(MARKS_MAX) {
            check.rule(seen.insert(&mark.item), &format!("{place}/items/{index}/item"), Rule::Duplicate);
        }
        check.optional_text(&at(place, "text"), self.text.as_deref(), TEXT_LENGTH_MAX);
    }
}
