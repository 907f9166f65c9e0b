//! How long each kind of record of a file is kept: data, adopted by two persons, and never a constant here. What a newcomer
//! would get wrong: posts and the judge's name have no period. They are public acts of appointment, and the day on which an
//! office ended is told from them; reviews end by their methodology, and results are part of what was sealed.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::coded;
use crate::domain::calendar::months_before;
use crate::domain::methodology::Text;
use crate::domain::sections::Section;
use crate::error::{Fault, Rule};

/// The longest period: a hundred years.
const KEPT_MONTHS_MAX: u32 = 1200;
/// The longest legal basis, in characters.
const BASIS_LENGTH_MAX: usize = 1000;

coded! {
    /// A kind of record that has a period of its own.
    RetentionCategory {
        /// Degrees.
        Education = "education",
        /// Languages.
        Language = "language",
        /// Awards and other incentives.
        Incentive = "incentive",
        /// Courses.
        Training = "training",
        /// Teaching.
        Teaching = "teaching",
        /// Publications.
        Publication = "publication",
        /// Work on laws and rules.
        RuleMaking = "rule_making",
        /// Times in which powers were suspended.
        Suspension = "suspension",
        /// Penalties.
        Discipline = "discipline",
        /// Complaints.
        Complaint = "complaint",
        /// Findings on ethics.
        EthicsFinding = "ethics_finding",
        /// What the judge says.
        JudgeStatement = "judge_statement",
        /// How the judge marked the own work.
        SelfAssessment = "self_assessment",
        /// Documents with their bytes.
        Document = "document",
        /// Observed values.
        Observation = "observation",
        /// Reviews of acts by higher courts, with what members found of them.
        Act = "act",
        /// Decided requests for correction.
        CorrectionRequest = "correction_request",
        /// Extracts, which hold a copy of facts.
        Extract = "extract",
    }
}

coded! {
    /// What is held of a judge and has no period in any edition: it is never destroyed here.
    Permanent {
        /// Who the judge is, with the names in other systems and what is known of the person.
        Identity = "identity",
        /// Posts, which are public acts of appointment.
        Position = "position",
        /// Declared conflicts, which say why somebody was not drawn.
        Conflict = "conflict",
        /// Evaluations with what led to them, panels, challenges and results; reviews end by the methodology.
        Evaluation = "evaluation",
        /// Leaves: without them it could not be told why the clocks of an evaluation stood still.
        Leave = "leave",
        /// The account that the judge logs in with.
        Account = "account",
        /// Who read the file, and what was done to it.
        AccessEntry = "access_entry",
        /// What other systems were told, by ids and codes: a feed with gaps would not be one that nothing is missed in.
        Event = "event",
        /// Holds, and what is left of records that were destroyed.
        RetentionTrail = "retention_trail",
    }
}

coded! {
    /// What begins the time for which a record is kept.
    RetentionStart {
        /// That it was recorded, or last restated.
        Recorded = "recorded",
        /// The last day of its effect; of what was withdrawn or revoked, the day of that; of an observed value, the end of its
        /// quarter.
        EffectEnded = "effect_ended",
        /// The end of the judge's office: no post is held or known to follow.
        EndOfOffice = "end_of_office",
        /// That it was decided; of requests alone.
        Decided = "decided",
    }
}

coded! {
    /// Why a record whose time is over is kept all the same.
    KeptBecause {
        /// A hold is on it, on the file or on an evaluation.
        Held = "held",
        /// Its correction is asked for and not decided.
        Disputed = "disputed",
        /// The judge is being evaluated, and the file is what that rests on.
        UnderEvaluation = "under_evaluation",
    }
}

/// Where the records of a kind lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptAs {
    /// Among the records of the file's sections.
    Record(Section),
    /// Among the observed values.
    Observation,
    /// Among the reviews of acts.
    Act,
    /// Among the requests for correction.
    CorrectionRequest,
    /// Among the extracts.
    Extract,
}

/// For how long one kind of record is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"category": "discipline", "starts_with": "effect_ended", "kept_months": 36, "legal_basis": {"kk": "Сақтау мерзімдерінің тізбесі, 12-тармақ", "ru": "Перечень сроков хранения, пункт 12", "en": "List of retention periods, item 12"}}))]
pub struct RetentionRule {
    /// The kind of record.
    pub category: RetentionCategory,
    /// What begins its time.
    pub starts_with: RetentionStart,
    /// How many months from then on; null where it is kept for good.
    #[schema(minimum = 1, maximum = 1200)]
    pub kept_months: Option<u32>,
    /// By which law, in all three languages.
    pub legal_basis: Text,
}

/// How long each kind of record is kept: one rule for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rules": [{"category": "education", "starts_with": "end_of_office", "kept_months": 900, "legal_basis": {"kk": "Тізбе, 3-тармақ", "ru": "Перечень, пункт 3", "en": "List, item 3"}}, {"category": "language", "starts_with": "end_of_office", "kept_months": 900, "legal_basis": {"kk": "Тізбе, 3-тармақ", "ru": "Перечень, пункт 3", "en": "List, item 3"}}, {"category": "incentive", "starts_with": "end_of_office", "kept_months": 900, "legal_basis": {"kk": "Тізбе, 3-тармақ", "ru": "Перечень, пункт 3", "en": "List, item 3"}}, {"category": "training", "starts_with": "effect_ended", "kept_months": 120, "legal_basis": {"kk": "Тізбе, 4-тармақ", "ru": "Перечень, пункт 4", "en": "List, item 4"}}, {"category": "teaching", "starts_with": "recorded", "kept_months": 120, "legal_basis": {"kk": "Тізбе, 4-тармақ", "ru": "Перечень, пункт 4", "en": "List, item 4"}}, {"category": "publication", "starts_with": "recorded", "kept_months": 120, "legal_basis": {"kk": "Тізбе, 4-тармақ", "ru": "Перечень, пункт 4", "en": "List, item 4"}}, {"category": "rule_making", "starts_with": "recorded", "kept_months": 120, "legal_basis": {"kk": "Тізбе, 4-тармақ", "ru": "Перечень, пункт 4", "en": "List, item 4"}}, {"category": "suspension", "starts_with": "effect_ended", "kept_months": 60, "legal_basis": {"kk": "Тізбе, 5-тармақ", "ru": "Перечень, пункт 5", "en": "List, item 5"}}, {"category": "discipline", "starts_with": "effect_ended", "kept_months": 36, "legal_basis": {"kk": "Тізбе, 6-тармақ", "ru": "Перечень, пункт 6", "en": "List, item 6"}}, {"category": "complaint", "starts_with": "recorded", "kept_months": 36, "legal_basis": {"kk": "Тізбе, 6-тармақ", "ru": "Перечень, пункт 6", "en": "List, item 6"}}, {"category": "ethics_finding", "starts_with": "recorded", "kept_months": 36, "legal_basis": {"kk": "Тізбе, 6-тармақ", "ru": "Перечень, пункт 6", "en": "List, item 6"}}, {"category": "judge_statement", "starts_with": "recorded", "kept_months": 60, "legal_basis": {"kk": "Тізбе, 7-тармақ", "ru": "Перечень, пункт 7", "en": "List, item 7"}}, {"category": "self_assessment", "starts_with": "recorded", "kept_months": 60, "legal_basis": {"kk": "Тізбе, 7-тармақ", "ru": "Перечень, пункт 7", "en": "List, item 7"}}, {"category": "document", "starts_with": "end_of_office", "kept_months": 900, "legal_basis": {"kk": "Тізбе, 3-тармақ", "ru": "Перечень, пункт 3", "en": "List, item 3"}}, {"category": "observation", "starts_with": "effect_ended", "kept_months": 180, "legal_basis": {"kk": "Тізбе, 8-тармақ", "ru": "Перечень, пункт 8", "en": "List, item 8"}}, {"category": "act", "starts_with": "recorded", "kept_months": 180, "legal_basis": {"kk": "Тізбе, 8-тармақ", "ru": "Перечень, пункт 8", "en": "List, item 8"}}, {"category": "correction_request", "starts_with": "decided", "kept_months": 60, "legal_basis": {"kk": "Тізбе, 7-тармақ", "ru": "Перечень, пункт 7", "en": "List, item 7"}}, {"category": "extract", "starts_with": "effect_ended", "kept_months": 60, "legal_basis": {"kk": "Тізбе, 9-тармақ", "ru": "Перечень, пункт 9", "en": "List, item 9"}}]}))]
pub struct RetentionRules {
    /// A rule for each kind of record, and no second one.
    #[schema(min_items = 18, max_items = 18)]
    pub rules: Vec<RetentionRule>,
}

impl RetentionCategory {
    /// Where its records lie.
    pub fn kept_as(self) -> KeptAs {
        let section = match self {
            RetentionCategory::Education => Section::Education,
            RetentionCategory::Language => Section::Language,
            RetentionCategory::Incentive => Section::Incentive,
            RetentionCategory::Training => Section::Training,
            RetentionCategory::Teaching => Section::Teaching,
            RetentionCategory::Publication => Section::Publication,
            RetentionCategory::RuleMaking => Section::RuleMaking,
            RetentionCategory::Suspension => Section::Suspension,
            RetentionCategory::Discipline => Section::Discipline,
            RetentionCategory::Complaint => Section::Complaint,
            RetentionCategory::EthicsFinding => Section::EthicsFinding,
            RetentionCategory::JudgeStatement => Section::JudgeStatement,
            RetentionCategory::SelfAssessment => Section::SelfAssessment,
            RetentionCategory::Document => Section::Document,
            RetentionCategory::Observation => return KeptAs::Observation,
            RetentionCategory::Act => return KeptAs::Act,
            RetentionCategory::CorrectionRequest => return KeptAs::CorrectionRequest,
            RetentionCategory::Extract => return KeptAs::Extract,
        };
        KeptAs::Record(section)
    }

    /// Whether that there is such a record is told to nobody but the judge: a penalty that expired or a complaint that was
    /// not founded must not be told from a list of what goes.
    pub fn is_confidential(self) -> bool {
        matches!(
            self,
            RetentionCategory::Discipline
                | RetentionCategory::Complaint
                | RetentionCategory::EthicsFinding
                | RetentionCategory::CorrectionRequest
                | RetentionCategory::JudgeStatement
        )
    }

    fn may_start_with(self, start: RetentionStart) -> bool {
        match start {
            RetentionStart::EndOfOffice => true,
            RetentionStart::Decided => self == RetentionCategory::CorrectionRequest,
            RetentionStart::Recorded => self != RetentionCategory::CorrectionRequest,
            RetentionStart::EffectEnded => {
                !matches!(self, RetentionCategory::CorrectionRequest | RetentionCategory::Act)
            }
        }
    }
}

impl RetentionRule {
    /// The last day on which the time may have begun for it to be over on `day`; none where it is never over.
    pub fn begun_by(&self, day: NaiveDate) -> Option<NaiveDate> {
        self.kept_months.map(|months| months_before(day, months))
    }
}

impl RetentionRules {
    /// The rule of a kind of record.
    pub fn of(&self, category: RetentionCategory) -> Option<&RetentionRule> {
        self.rules.iter().find(|rule| rule.category == category)
    }

    /// The kinds of record that these rules never end: they are kept for good, or, where an edition is older than a kind, there
    /// is no rule for it.
    pub fn without_period(&self) -> Vec<RetentionCategory> {
        let has_none = |category: &RetentionCategory| self.of(*category).and_then(|rule| rule.kept_months).is_none();
        RetentionCategory::ALL.iter().copied().filter(has_none).collect()
    }

    /// Every fault, by pointer.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (index, rule) in self.rules.iter().enumerate() {
            let place = format!("/rules/{index}");
            if self.rules.iter().take(index).any(|earlier| earlier.category == rule.category) {
                faults.push(Fault::at(format!("{place}/category"), Rule::Duplicate));
            }
            if !rule.category.may_start_with(rule.starts_with) {
                faults.push(Fault::at(format!("{place}/starts_with"), Rule::Mismatch { other: "category" }));
            }
            if rule.kept_months.is_some_and(|months| !(1..=KEPT_MONTHS_MAX).contains(&months)) {
                let range = Rule::Range { min: 1, max: i64::from(KEPT_MONTHS_MAX) };
                faults.push(Fault::at(format!("{place}/kept_months"), range));
            }
            let Text { kk, ru, en } = &rule.legal_basis;
            for (language, text) in [("kk", Some(kk)), ("ru", Some(ru)), ("en", en.as_ref())] {
                let is_said =
                    text.is_some_and(|text| !text.trim().is_empty() && text.chars().count() <= BASIS_LENGTH_MAX);
                if !is_said {
                    let length = Rule::Length { min: 1, max: BASIS_LENGTH_MAX as u64 };
                    faults.push(Fault::at(format!("{place}/legal_basis/{language}"), length));
                }
            }
        }
        if RetentionCategory::ALL.iter().any(|category| self.of(*category).is_none()) {
            faults.push(Fault::at("/rules", Rule::Missing));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(category: RetentionCategory) -> RetentionRule {
        let legal_basis = Text { kk: "Тізбе".into(), ru: "Перечень".into(), en: Some("List".into()) };
        RetentionRule { category, starts_with: RetentionStart::EndOfOffice, kept_months: Some(12), legal_basis }
    }

    fn whole() -> RetentionRules {
        RetentionRules { rules: RetentionCategory::ALL.iter().copied().map(rule).collect() }
    }

    fn found(change: impl Fn(&mut RetentionRules)) -> Vec<&'static str> {
        let mut rules = whole();
        change(&mut rules);
        rules.faults().iter().map(|fault| fault.rule.code()).collect()
    }

    #[test]
    fn each_kind_has_one_rule_with_a_basis_in_three_languages_and_a_beginning_that_it_can_have() {
        assert!(found(|_| {}).is_empty());
        assert_eq!(found(|rules| drop(rules.rules.pop())), ["missing"]);
        assert_eq!(found(|rules| rules.rules[1] = rule(RetentionCategory::Education)), ["duplicate", "missing"]);
        assert_eq!(found(|rules| rules.rules[0].legal_basis.en = None), ["length"]);
        assert_eq!(found(|rules| rules.rules[0].kept_months = Some(0)), ["range"]);
        assert_eq!(found(|rules| rules.rules[0].starts_with = RetentionStart::Decided), ["mismatch"]);
        assert!(found(|rules| rules.rules[0].kept_months = None).is_empty(), "kept for good");
        let mut rules = whole();
        rules.rules[0].kept_months = None;
        rules.rules.pop();
        assert_eq!(rules.without_period(), [RetentionCategory::Education, RetentionCategory::Extract]);
    }

    #[test]
    fn every_section_has_a_kind_and_nothing_goes_a_day_early() {
        for section in Section::ALL {
            let kept = KeptAs::Record(*section);
            assert!(RetentionCategory::ALL.iter().any(|category| category.kept_as() == kept), "{section}");
        }
        let begun_by = |months, day: &str| {
            let rule = RetentionRule { kept_months: months, ..rule(RetentionCategory::Act) };
            rule.begun_by(day.parse().unwrap()).map(|day| day.to_string())
        };
        assert_eq!(begun_by(Some(12), "2027-01-11").as_deref(), Some("2026-01-11"));
        assert_eq!(begun_by(Some(1), "2027-02-28").as_deref(), Some("2027-01-28"), "a 31 January waits for March");
        assert_eq!(begun_by(None, "2027-01-11"), None);
    }
}
