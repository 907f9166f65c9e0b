//! A version of the methodology: the criteria, items, statements, scale, counts, time limits, outcomes and texts of an
//! evaluation, as data. What a newcomer would get wrong: none of this may become a constant in code, because the law
//! behind it is not public and changes; code holds only the floors that no methodology may undercut ([`validation`]).

pub mod calibration;
pub mod deciding;
pub mod limits;
pub mod reading;
pub mod validation;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::methodology::calibration::{CalibrationCase, CalibrationMark};
use crate::domain::methodology::deciding::Deciding;
use crate::domain::methodology::limits::{Counts, SupplementaryRound, TimeLimits};
use crate::domain::methodology::reading::ReadingPackRules;
use crate::error::{Error, Result};

/// The default methodology as committed, in JSON; our own design, which says so in its `legal_refs`.
pub const DEFAULT_JSON: &str = include_str!("../../methodologies/default.json");
/// The developmental methodology as committed, in JSON: the same criteria and statements without numbers.
pub const DEVELOPMENTAL_JSON: &str = include_str!("../../methodologies/developmental.json");

/// One version of a methodology; immutable once published.
///
/// Integers only and at most five levels deep, so that its canonical JSON (RFC 8785) has one digest everywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!(Methodology::standard().ok()))]
pub struct Methodology {
    /// Names the methodology across its versions; lower-case letters, digits, `-` and `_`.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,31}$", max_length = 32, example = "default")]
    pub code: String,
    /// The version, from 1.
    #[schema(minimum = 1, maximum = 100000, example = 1)]
    pub version: u32,
    /// What people call it.
    pub title: Text,
    /// Which languages are drafts; a methodology with a draft is published only if that is accepted explicitly.
    pub text_states: TextStates,
    /// The acts and standards that criteria refer to; 1 to 50.
    #[schema(min_items = 1, max_items = 50)]
    pub legal_refs: Vec<LegalRef>,
    /// The first day on which a cycle may start under it.
    pub in_force_from: NaiveDate,
    /// The last such day; none while it is open-ended.
    #[serde(default)]
    pub in_force_to: Option<NaiveDate>,
    /// The question above the items.
    pub lead: Text,
    /// What a reviewer is asked to recall, and to leave out, before marking.
    pub preparation: Text,
    /// The marks that can be given. Without them the methodology is developmental: reviews tick statements alone, no score
    /// exists, and no outcome may burden the judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// What each mark means, and what "no basis" means; one for each mark and one without. None without a scale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 12)]
    pub anchors: Vec<Anchor>,
    /// What is evaluated; 1 to 20.
    #[schema(min_items = 1, max_items = 20)]
    pub criteria: Vec<Criterion>,
    /// The behaviours that are marked, in the order in which forms show them; 1 to 100. None without a scale.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub items: Vec<Item>,
    /// The closed list of statements that replaces free text; at most 60, and without a scale at least one.
    #[schema(max_items = 60)]
    pub statements: Vec<Statement>,
    /// The forms: which criteria a subject is asked about; 1 to 10.
    #[schema(min_items = 1, max_items = 10)]
    pub instruments: Vec<Instrument>,
    /// Invented cases by which reviewers practise; none where there is no practice, at most 5.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 5)]
    pub calibration_cases: Vec<CalibrationCase>,
    /// How items are marked by those cases, and why, in the order in which they are asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 100)]
    pub calibration_marks: Vec<CalibrationMark>,
    /// How reviews are set aside. None without a scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trim_rule: Option<TrimRule>,
    /// Panel sizes, minimum counts and caps.
    pub counts: Counts,
    /// The second round for subjects with too few reviews; none where "insufficient data" stands at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplementary: Option<SupplementaryRound>,
    /// The acts that reviewers of a subject are given to read; none where they are given none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reading_pack: Option<ReadingPackRules>,
    /// The step to which results are published, in hundredths of a point: 25 or 50. Finer is refused, since many fine
    /// figures of one release come near the marks themselves. None without a scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 25, maximum = 50, example = 25)]
    pub publish_step: Option<u32>,
    /// How many versions of one review a credential may send, the first included; 2 to 20. Two at least: revision
    /// until the close is the remedy against coercion.
    #[schema(minimum = 2, maximum = 20, example = 20)]
    pub max_seq: u32,
    /// Periods and deadlines.
    pub time_limits: TimeLimits,
    /// How many take part in a decision; where it is left out, as our own design says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deciding: Option<Deciding>,
    /// The outcomes that a decision may have; `insufficient_data` is always among them.
    #[schema(min_items = 1, max_items = 30)]
    pub outcomes: Vec<Outcome>,
    /// What reviewers are promised, and what no system can promise.
    pub promise: Text,
    /// How a review stays anonymous, for readers who know no cryptography.
    pub explanation: Text,
}

/// A text in Kazakh and Russian, of equal standing, and in English where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Text {
    /// Kazakh; mandatory. Absent is read as empty, so that the fault names the field.
    #[serde(default)]
    #[schema(required = true, min_length = 1, max_length = 4000)]
    pub kk: String,
    /// Russian; mandatory, like Kazakh.
    #[serde(default)]
    #[schema(required = true, min_length = 1, max_length = 4000)]
    pub ru: String,
    /// English, for the foreign reader; readers without it are shown Russian.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 4000)]
    pub en: Option<String>,
}

impl Text {
    /// The English text, or the Russian where there is none.
    pub fn en_or_ru(&self) -> &str {
        self.en.as_deref().unwrap_or(&self.ru)
    }
}

/// For each language, whether a native legal editor has approved the texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TextStates {
    /// The Kazakh texts.
    pub kk: TextState,
    /// The Russian texts.
    pub ru: TextState,
    /// The English texts.
    pub en: TextState,
}

/// Whether texts may be put before judges.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TextState {
    /// Not yet approved by a native legal editor.
    Draft,
    /// Approved.
    Final,
}

/// The code of a part of a methodology, as it stands in lists of codes; describes their elements in the document.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[a-z][a-z0-9_-]{0,31}$", min_length = 1, max_length = 32)]
pub struct CodeText(pub String);

/// An act or standard that a criterion rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LegalRef {
    /// What criteria call it.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,31}$", max_length = 32, example = "kyiv_2010")]
    pub code: String,
    /// The citation.
    pub text: Text,
}

/// The marks: `min`, `min + step`, … up to `max`. "No basis" is no mark and never counts as 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    /// The lowest mark, 0 to 100.
    #[schema(minimum = 0, maximum = 100, example = 1)]
    pub min: u8,
    /// The highest mark, at most ten steps above the lowest.
    #[schema(minimum = 2, maximum = 100, example = 5)]
    pub max: u8,
    /// The distance between neighbouring marks, from 1.
    #[schema(minimum = 1, maximum = 50, example = 1)]
    pub step: u8,
    /// The mark that means "as the standard expects". Strictly inside the scale: trimming works where honest marks sit
    /// mid-scale and does harm near an end.
    #[schema(minimum = 1, maximum = 99, example = 3)]
    pub expected: u8,
}

impl Scale {
    /// Whether a value is a mark of this scale.
    pub fn contains(self, mark: u8) -> bool {
        (self.min..=self.max).contains(&mark)
            && mark.checked_sub(self.min).and_then(|above| above.checked_rem(self.step)) == Some(0)
    }

    /// All marks, ascending; empty when the step is 0.
    pub fn marks(self) -> Vec<u8> {
        (self.min..=self.max).filter(|mark| self.contains(*mark)).collect()
    }
}

/// What a mark means in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// The mark; null for "no basis to judge".
    #[schema(minimum = 0, maximum = 100)]
    pub mark: Option<u8>,
    /// Its meaning.
    pub text: Text,
}

/// Something that is evaluated by several items.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Criterion {
    /// Its name in JSON and in results.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,31}$", max_length = 32, example = "reasoning")]
    pub code: String,
    /// Its name for people.
    pub name: Text,
    /// Its share in a review's own mean, relative to the other criteria; 1 to 1000. None without a scale.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1000, example = 1)]
    pub weight: Option<u32>,
    /// Codes of `legal_refs`, at least one: an indicator without a basis in law is the first thing critics name.
    #[schema(min_items = 1, max_items = 20, value_type = Vec<CodeText>)]
    pub legal_refs: Vec<String>,
}

/// One observable behaviour that gets a mark. Never the outcome or merits of a decision, never an overall impression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Its name in reviews and manifests.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,31}$", max_length = 32, example = "k1")]
    pub code: String,
    /// The criterion that it belongs to.
    #[schema(max_length = 32, example = "reasoning")]
    pub criterion: String,
    /// The behaviour in words.
    pub text: Text,
}

/// One neutral statement that a reviewer may tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Its name in reviews and manifests.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,31}$", max_length = 32, example = "s01")]
    pub code: String,
    /// What was seen, without praise or blame.
    pub text: Text,
    /// The statement that may not be ticked together with this one; each names the other.
    #[serde(default)]
    #[schema(max_length = 32, example = "s02")]
    pub opposite: Option<String>,
}

/// A form: the criteria that a kind of subject is asked about, with all their items and all statements.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Instrument {
    /// Its name in manifests.
    #[schema(pattern = "^[a-z][a-z0-9_-]{0,31}$", max_length = 32, example = "judge-1")]
    pub instrument_id: String,
    /// Codes of its criteria, 1 to 20, each once.
    #[schema(min_items = 1, max_items = 20, value_type = Vec<CodeText>)]
    pub criteria: Vec<String>,
}

/// How whole reviews are set aside before the rest is averaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrimRule {
    /// The algorithm; `level_profile` is the only one there is.
    #[schema(pattern = "^level_profile$", max_length = 32, example = "level_profile")]
    pub name: String,
    /// For each full so many reviews, one at each end is set aside; 4, for which the interval table is made.
    #[schema(minimum = 4, maximum = 4, example = 4)]
    pub reviews_per_cut: u32,
}

/// What a decision may say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Its name in events and extracts.
    #[schema(pattern = "^[a-z][a-z0-9_]{0,31}$", max_length = 32, example = "fit")]
    pub code: String,
    /// Its meaning.
    pub text: Text,
    /// Whether it burdens the judge: it then needs a hearing, and a peer result that is below `decision_min` or whose
    /// interval crosses a threshold cannot ground it.
    pub is_unfavourable: bool,
    /// Whether training goes with it: it is recommended to the Academy, and an evaluation follows that.
    #[serde(default, skip_serializing_if = "is_false")]
    pub needs_training: bool,
}

/// What is left out of a document, so that one written before the member existed keeps its digest.
#[allow(clippy::trivially_copy_pass_by_ref, reason = "the form that serde asks for")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

/// What the scoring engine needs to know of one criterion of an instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CriterionItems<'a> {
    /// The criterion's code.
    pub code: &'a str,
    /// Its weight, 1 to 1000.
    pub weight: u32,
    /// The codes of its items, in the methodology's order.
    pub items: Vec<&'a str>,
}

impl Methodology {
    /// The default methodology that comes with the service.
    ///
    /// # Errors
    /// [`Error::Internal`] when the committed file cannot be read, which a test rules out.
    pub fn standard() -> Result<Methodology> {
        serde_json::from_str(DEFAULT_JSON).map_err(Error::internal)
    }

    /// Whether it is without numbers: its reviews give statements and its decisions advice, and there is no score.
    pub fn is_developmental(&self) -> bool {
        self.scale.is_none()
    }

    /// Whether a cycle may start on a day.
    pub fn in_force_on(&self, date: NaiveDate) -> bool {
        date >= self.in_force_from && self.in_force_to.is_none_or(|last| date <= last)
    }

    /// Whether any language is a draft; publishing then needs that to be accepted explicitly.
    pub fn has_draft_texts(&self) -> bool {
        !self.draft_languages().is_empty()
    }

    /// The languages that are drafts, of `kk`, `ru`, `en`.
    pub fn draft_languages(&self) -> Vec<&'static str> {
        let states = [("kk", self.text_states.kk), ("ru", self.text_states.ru), ("en", self.text_states.en)];
        states.into_iter().filter(|(_, state)| *state == TextState::Draft).map(|(language, _)| language).collect()
    }

    /// The instrument of an id.
    pub fn instrument(&self, instrument_id: &str) -> Option<&Instrument> {
        self.instruments.iter().find(|instrument| instrument.instrument_id == instrument_id)
    }

    /// The items of an instrument in the order in which forms and manifests list them: the methodology's own.
    ///
    /// `None` when there is no such instrument.
    pub fn items_of(&self, instrument_id: &str) -> Option<Vec<&Item>> {
        let instrument = self.instrument(instrument_id)?;
        Some(self.items.iter().filter(|item| instrument.criteria.contains(&item.criterion)).collect())
    }

    /// The criteria of an instrument with weights and items, in the methodology's order, for the scoring engine.
    ///
    /// `None` when there is no such instrument, or one of its criteria has no weight.
    pub fn criteria_of(&self, instrument_id: &str) -> Option<Vec<CriterionItems<'_>>> {
        let instrument = self.instrument(instrument_id)?;
        let asked = self.criteria.iter().filter(|criterion| instrument.criteria.contains(&criterion.code));
        asked
            .map(|criterion| {
                Some(CriterionItems {
                    code: &criterion.code,
                    weight: criterion.weight?,
                    items: self.items_in(&criterion.code).map(|item| item.code.as_str()).collect(),
                })
            })
            .collect()
    }

    /// How many take part in a decision.
    pub fn deciding(&self) -> Deciding {
        self.deciding.unwrap_or(Deciding::STANDARD)
    }

    /// The outcome of a code.
    pub fn outcome(&self, code: &str) -> Option<&Outcome> {
        self.outcomes.iter().find(|outcome| outcome.code == code)
    }

    /// The statement of a code.
    pub fn statement(&self, code: &str) -> Option<&Statement> {
        self.statements.iter().find(|statement| statement.code == code)
    }

    fn items_in<'a>(&'a self, criterion: &'a str) -> impl Iterator<Item = &'a Item> {
        self.items.iter().filter(move |item| item.criterion == criterion)
    }
}

#[cfg(test)]
mod tests;
