//! What may leave the service on a judge: final facts, for a purpose, to a recipient, for a time. What a newcomer would get
//! wrong: to add "just the figure". An extract has no mark, no indicator, no count and nothing that is disputed or under
//! appeal; its only numbers are its form and the year of a degree, and a test reads every member of it.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::coded;
use crate::domain::calendar::days_before;
use crate::domain::ids::{EvaluationId, ExtractId, JudgeId};
use crate::domain::judge_file::{Check, NAME_LENGTH_MAX, PositionKind};
use crate::domain::sections::career::{EducationFields, IncentiveFields, TrainingFields, TrainingResult};
use crate::domain::sections::conduct::{DisciplineAppeal, DisciplineFields, EthicsFindingFields, Penalty};
use crate::domain::sections::{Content, Section};
use crate::error::Rule;

/// The form of the facts that are signed.
const FORM: u8 = 1;
/// The longest time for which an extract is good, in days: a year, so that no copy outlives what it says by much.
pub const DAYS_MAX: u32 = 366;
/// How many facts of a kind an extract may have.
pub const FACTS_MAX: usize = 500;

coded! {
    /// What an extract is for (`domain.md` 10); the Judicial Jury is no recipient and has no purpose here.
    ExtractPurpose {
        /// A competition for a first post.
        Competition = "competition",
        /// Promotion to a higher court.
        Promotion = "promotion",
        /// The personnel reserve.
        Reserve = "reserve",
        /// The post of a court or panel chair.
        Chair = "chair",
        /// The extension of the age limit.
        AgeLimit = "age_limit",
    }
}

coded! {
    /// Why an extract was revoked.
    Revocation {
        /// A record that it rests on was corrected.
        RecordCorrected = "record_corrected",
        /// A fact that it states was quashed.
        FactQuashed = "fact_quashed",
        /// What it was for has ended.
        PurposeEnded = "purpose_ended",
        /// It should not have been issued.
        IssuedInError = "issued_in_error",
    }
}

coded! {
    /// How an extract stands.
    ExtractState {
        /// It holds.
        Valid = "valid",
        /// Its time is over.
        Expired = "expired",
        /// It was revoked.
        Revoked = "revoked",
    }
}

impl ExtractPurpose {
    /// Whether the purpose needs facts of a section; posts and the first appointment go with every purpose.
    fn needs(self, section: Section) -> bool {
        let needed: &[Section] = match self {
            ExtractPurpose::Competition => {
                &[Section::Education, Section::Training, Section::Incentive, Section::Discipline]
            }
            ExtractPurpose::Promotion => &[Section::Training, Section::Incentive, Section::Discipline],
            ExtractPurpose::Chair => &[Section::EthicsFinding, Section::Discipline],
            ExtractPurpose::Reserve | ExtractPurpose::AgeLimit => &[],
        };
        needed.contains(&section)
    }
}

/// How an extract stands on a day.
pub fn state(is_revoked: bool, expires_on: NaiveDate, today: NaiveDate) -> ExtractState {
    if is_revoked {
        ExtractState::Revoked
    } else if today > expires_on {
        ExtractState::Expired
    } else {
        ExtractState::Valid
    }
}

/// Notes what is wrong with the recipient and the last day of an extract to be issued.
pub fn check_order(check: &mut Check, recipient: &str, expires_on: NaiveDate, today: NaiveDate) {
    check.text("/recipient", recipient, NAME_LENGTH_MAX);
    check.rule(!recipient.contains(['\n', '\r', '\t']), "/recipient", Rule::Format { expected: "text of one line" });
    check.date("/expires_on", expires_on);
    let is_in_time = expires_on > today && days_before(expires_on, DAYS_MAX) <= today;
    check.rule(is_in_time, "/expires_on", Rule::Format { expected: "a day within the next 366 days" });
}

/// Whom the facts are of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractJudge {
    /// The judge.
    pub judge_id: JudgeId,
    /// The full name in Kazakh.
    #[schema(max_length = 200)]
    pub full_name_kk: String,
    /// The full name in Russian.
    #[schema(max_length = 200)]
    pub full_name_ru: String,
    /// The full name in English, or null.
    #[schema(max_length = 200)]
    pub full_name_en: Option<String>,
    /// The day of the first appointment to a judge's post.
    pub first_appointed_on: NaiveDate,
}

/// A post held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractPost {
    /// The court in Kazakh.
    #[schema(max_length = 200)]
    pub court_name_kk: String,
    /// The court in Russian.
    #[schema(max_length = 200)]
    pub court_name_ru: String,
    /// The court in English, or null.
    #[schema(max_length = 200)]
    pub court_name_en: Option<String>,
    /// What kind of post.
    pub kind: PositionKind,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day, or null while it is held.
    pub ends_on: Option<NaiveDate>,
    /// The act of appointment, or null.
    #[schema(max_length = 200)]
    pub act_ref: Option<String>,
}

/// A course, without its score and hours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractCourse {
    /// Which course.
    #[schema(max_length = 200)]
    pub course: String,
    /// Who gave it.
    #[schema(max_length = 200)]
    pub provider: String,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day.
    pub ends_on: NaiveDate,
    /// How it ended.
    pub result: TrainingResult,
}

/// A penalty in force that nobody appeals against.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractPenalty {
    /// The Jury's decision.
    #[schema(max_length = 200)]
    pub decision_ref: String,
    /// Which penalty.
    pub penalty: Penalty,
    /// When it was decided.
    pub decided_on: NaiveDate,
    /// From which day on it is in force.
    pub in_force_on: Option<NaiveDate>,
    /// The day on which it expires, or null.
    pub expires_on: Option<NaiveDate>,
}

/// A violation of the ethics code that a commission found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractEthicsFinding {
    /// Which commission.
    #[schema(max_length = 200)]
    pub commission: String,
    /// Under which article of the code.
    #[schema(max_length = 200)]
    pub article: String,
    /// When.
    pub decided_on: NaiveDate,
}

/// The final outcome of an evaluation that is still valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractEvaluation {
    /// The evaluation.
    pub evaluation_id: EvaluationId,
    /// The outcome, by its code in the methodology.
    #[schema(max_length = 32)]
    pub outcome: String,
    /// What it says in Kazakh.
    #[schema(max_length = 1000)]
    pub outcome_kk: String,
    /// What it says in Russian.
    #[schema(max_length = 1000)]
    pub outcome_ru: String,
    /// What it says in English, or null.
    #[schema(max_length = 1000)]
    pub outcome_en: Option<String>,
    /// From which day on it is in force.
    pub in_force_on: NaiveDate,
    /// The last day on which it serves.
    pub valid_until: NaiveDate,
    /// SHA-256 of the decision, base64url.
    #[schema(min_length = 43, max_length = 43)]
    pub decision_digest: String,
}

/// What is signed: the facts with what they are for, to whom and until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtractFacts {
    /// The form of this object: 1.
    #[schema(minimum = 1, maximum = 1)]
    pub v: u8,
    /// The extract.
    pub extract_id: ExtractId,
    /// What it is for; good for nothing else.
    pub purpose: ExtractPurpose,
    /// For whom.
    #[schema(max_length = 200)]
    pub recipient: String,
    /// The day on which it was issued.
    pub issued_on: NaiveDate,
    /// The last day on which it is good.
    pub expires_on: NaiveDate,
    /// Of whom.
    pub judge: ExtractJudge,
    /// The posts held.
    #[schema(max_items = 500)]
    pub posts: Vec<ExtractPost>,
    /// Degrees.
    #[schema(max_items = 500)]
    pub education: Vec<EducationFields>,
    /// Courses.
    #[schema(max_items = 500)]
    pub training: Vec<ExtractCourse>,
    /// Incentives.
    #[schema(max_items = 500)]
    pub incentives: Vec<IncentiveFields>,
    /// Penalties in force.
    #[schema(max_items = 500)]
    pub discipline: Vec<ExtractPenalty>,
    /// Findings on ethics.
    #[schema(max_items = 500)]
    pub ethics_findings: Vec<ExtractEthicsFinding>,
    /// The last final outcome of an evaluation that is still valid; left out where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<ExtractEvaluation>,
}

impl ExtractFacts {
    /// The facts without those of sections.
    pub fn new(
        extract_id: ExtractId,
        purpose: ExtractPurpose,
        recipient: String,
        [issued_on, expires_on]: [NaiveDate; 2],
        judge: ExtractJudge,
        posts: Vec<ExtractPost>,
    ) -> ExtractFacts {
        ExtractFacts {
            v: FORM,
            extract_id,
            purpose,
            recipient,
            issued_on,
            expires_on,
            judge,
            posts,
            education: Vec::new(),
            training: Vec::new(),
            incentives: Vec::new(),
            discipline: Vec::new(),
            ethics_findings: Vec::new(),
            evaluation: None,
        }
    }

    /// Takes in what of a record is a final fact that the purpose needs; of any other record, nothing.
    ///
    /// The record must be in force, shown today and undisputed, as a report may rest on it.
    pub fn take(&mut self, content: Content) {
        if !self.purpose.needs(content.section()) {
            return;
        }
        match content {
            Content::Education(fields) => self.education.push(fields),
            Content::Incentive(fields) => self.incentives.push(fields),
            Content::Training(TrainingFields { course, provider, starts_on, ends_on, result, .. }) => {
                self.training.push(ExtractCourse { course, provider, starts_on, ends_on, result });
            }
            // Under appeal it is in force and not final.
            Content::Discipline(fields) if fields.appeal == DisciplineAppeal::Pending => {}
            Content::Discipline(DisciplineFields {
                decision_ref,
                penalty,
                decided_on,
                in_force_on,
                expires_on,
                ..
            }) => {
                self.discipline.push(ExtractPenalty { decision_ref, penalty, decided_on, in_force_on, expires_on });
            }
            Content::EthicsFinding(EthicsFindingFields { commission, article, decided_on, .. }) => {
                self.ethics_findings.push(ExtractEthicsFinding { commission, article, decided_on });
            }
            Content::Language(_)
            | Content::Teaching(_)
            | Content::Publication(_)
            | Content::RuleMaking(_)
            | Content::Suspension(_)
            | Content::Complaint(_)
            | Content::JudgeStatement(_)
            | Content::SelfAssessment(_)
            | Content::Document(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn an_extract_is_good_through_its_last_day_unless_it_was_revoked() {
        let last = day("2027-03-31");
        assert_eq!(state(false, last, last), ExtractState::Valid);
        assert_eq!(state(false, last, day("2027-04-01")), ExtractState::Expired);
        assert_eq!(state(true, last, day("2027-01-01")), ExtractState::Revoked);
        assert_eq!(state(true, last, day("2027-04-01")), ExtractState::Revoked);
    }

    #[test]
    fn an_extract_lasts_a_year_at_most_and_has_a_recipient() {
        let refused = |recipient: &str, expires_on: &str| {
            let mut check = Check::default();
            check_order(&mut check, recipient, day(expires_on), day("2027-01-11"));
            check.done().is_err()
        };
        assert!(!refused("Жоғары Сот Кеңесі", "2027-01-12") && !refused("Жоғары Сот Кеңесі", "2028-01-12"));
        assert!(refused("Жоғары Сот Кеңесі", "2027-01-11") && refused("Жоғары Сот Кеңесі", "2028-01-13"));
        assert!(refused(" ", "2027-02-01") && refused("a\nb", "2027-02-01"));
    }
}
