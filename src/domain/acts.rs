//! What higher courts did with a judge's acts. What a newcomer would get wrong: a changed act is not a fault. It counts
//! once, as the last instance left it; it is shown with its reason, and only what members found attributable, with
//! reasons, may be named in a report. None of it may ever enter a score (Kyiv Recommendations, CCJE Opinion 17).

use std::collections::BTreeMap;

use chrono::NaiveDate;

use crate::coded;
use crate::domain::calendar::Period;
use crate::domain::iin::Iin;
use crate::domain::indicators::Catalogue;
use crate::domain::judge_file::{CODE_40, Check, NAME_LENGTH_MAX, RecordStatus, is_code};
use crate::error::Rule;

/// The longest number of a case, in characters.
pub const CASE_NO_LENGTH_MAX: usize = 64;

coded! {
    /// Which instance reviewed an act; the later one stands.
    ActInstance {
        /// On appeal.
        Appeal = "appeal",
        /// In cassation.
        Cassation = "cassation",
    }
}

coded! {
    /// What became of an act.
    ActOutcome {
        /// It stands.
        Upheld = "upheld",
        /// It was amended.
        Amended = "amended",
        /// It was cancelled and decided anew.
        CancelledNewDecision = "cancelled_new_decision",
        /// It was cancelled and the case sent back.
        CancelledRemitted = "cancelled_remitted",
        /// It was cancelled in part.
        PartiallyCancelled = "partially_cancelled",
        /// The parties settled before the higher court.
        SettledOnAppeal = "settled_on_appeal",
    }
}

impl ActOutcome {
    /// Whether the higher court amended or cancelled the act, in whole or in part.
    pub fn is_reversal(self) -> bool {
        match self {
            ActOutcome::Amended
            | ActOutcome::CancelledNewDecision
            | ActOutcome::CancelledRemitted
            | ActOutcome::PartiallyCancelled => true,
            ActOutcome::Upheld | ActOutcome::SettledOnAppeal => false,
        }
    }
}

coded! {
    /// Why an act did not stand as it was.
    ActReason {
        /// Substantive law was applied wrongly.
        MaterialLawError = "material_law_error",
        /// Procedure was breached.
        ProceduralError = "procedural_error",
        /// The evidence was assessed otherwise.
        EvidenceAssessment = "evidence_assessment",
        /// Evidence that was not before the judge.
        NewEvidence = "new_evidence",
        /// The law or the settled practice changed after the act.
        ChangeOfLawOrPractice = "change_of_law_or_practice",
        /// The parties settled.
        PartySettlement = "party_settlement",
        /// The higher court assesses the same differently; no error is named.
        DisagreementInAssessment = "disagreement_in_assessment",
        /// Anything else.
        Other = "other",
    }
}

coded! {
    /// Whether the judge answers for what was changed, as members found it.
    Attributable {
        /// Yes; only this may be named in a report.
        Yes = "yes",
        /// No.
        No = "no",
        /// Nobody has found either way: as every record begins.
        Undetermined = "undetermined",
    }
}

impl Attributable {
    /// Whether a report may name the act.
    pub fn may_be_named(self) -> bool {
        match self {
            Attributable::Yes => true,
            Attributable::No | Attributable::Undetermined => false,
        }
    }
}

/// The review of an act as a source reports it, before it is recorded.
#[derive(Debug, Clone, Copy)]
pub struct ReportedReview<'a> {
    /// The number of the case.
    pub case_no: &'a str,
    /// The kind of case.
    pub category: &'a str,
    /// The day of the judge's act.
    pub act_date: NaiveDate,
    /// The day of the appeal against it.
    pub appealed_on: NaiveDate,
    /// What became of it.
    pub outcome: ActOutcome,
    /// Why, unless it was upheld.
    pub reason_code: Option<ActReason>,
    /// The decision of the Judicial Jury on a gross breach, which is all that is kept of it.
    pub jury_decision_ref: Option<&'a str>,
    /// The day whose state the source told.
    pub as_of: NaiveDate,
}

/// Notes every fault of a reported review.
pub fn check_review(check: &mut Check, new: &ReportedReview<'_>, catalogue: &Catalogue, today: NaiveDate) {
    check.text("/case_no", new.case_no, CASE_NO_LENGTH_MAX);
    // This column is not encrypted, and some systems name cases by a party.
    let is_iin = Iin::parse(new.case_no.trim()).is_ok();
    check.rule(!is_iin, "/case_no", Rule::Format { expected: "an identifier other than an IIN" });
    if is_code(new.category, 40) {
        check.rule(catalogue.has_category(new.category), "/category", Rule::Missing);
    } else {
        check.rule(false, "/category", CODE_40);
    }
    check.past_date("/act_date", new.act_date, today);
    check.past_date("/appealed_on", new.appealed_on, today);
    check.rule(new.appealed_on >= new.act_date, "/appealed_on", Rule::Order { other: "act_date" });
    let is_reason_known = new.outcome == ActOutcome::Upheld || new.reason_code.is_some();
    check.rule(is_reason_known, "/reason_code", Rule::Required);
    check.optional_text("/jury_decision_ref", new.jury_decision_ref, NAME_LENGTH_MAX);
    check.past_date("/as_of", new.as_of, today);
    check.rule(new.as_of >= new.appealed_on, "/as_of", Rule::Order { other: "appealed_on" });
}

/// What counting needs of one review in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// The number of the case.
    pub case_no: String,
    /// The kind of case.
    pub category: String,
    /// The day of the judge's act.
    pub act_date: NaiveDate,
    /// Which instance.
    pub instance: ActInstance,
    /// What became of the act there.
    pub outcome: ActOutcome,
    /// Why, unless it was upheld.
    pub reason_code: Option<ActReason>,
    /// How the record stands: in force, disputed or not.
    pub status: RecordStatus,
}

/// What became of the reviewed acts of one quarter in one category.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReviewCounts {
    /// The acts on whose review higher courts decided.
    pub decided: i64,
    /// Those that do not stand as they were, by reason; one whose source told none counts as `other`.
    pub reversed: BTreeMap<ActReason, i64>,
    /// The acts of which a record is disputed, which are in no other count.
    pub disputed: i64,
}

impl ReviewCounts {
    /// How many acts were amended or cancelled, in whole or in part.
    pub fn reversed_count(&self) -> i64 {
        self.reversed.values().sum()
    }

    /// Adds what another quarter holds.
    pub fn add(&mut self, other: &ReviewCounts) {
        self.decided += other.decided;
        self.disputed += other.disputed;
        for (reason, count) in &other.reversed {
            *self.reversed.entry(*reason).or_default() += count;
        }
    }
}

/// What became of one judge's acts, by category and the quarter of the act.
///
/// Each act counts once, whatever number of instances looked at it, and as the last of them left it: what cassation
/// upheld stands, though it was changed on appeal. An act with a disputed record is left out as a whole.
pub fn count_reviews(reviews: &[Review]) -> BTreeMap<(String, Period), ReviewCounts> {
    let mut acts: BTreeMap<(&str, NaiveDate), Vec<&Review>> = BTreeMap::new();
    for review in reviews {
        acts.entry((&review.case_no, review.act_date)).or_default().push(review);
    }
    let mut counts: BTreeMap<(String, Period), ReviewCounts> = BTreeMap::new();
    for ((_, act_date), reviews) in acts {
        let last = reviews.iter().max_by_key(|review| review.instance);
        let (Some(last), Some(quarter)) = (last, Period::containing(act_date)) else { continue };
        let count = counts.entry((last.category.clone(), quarter)).or_default();
        if reviews.iter().any(|review| review.status == RecordStatus::Disputed) {
            count.disputed += 1;
            continue;
        }
        count.decided += 1;
        if last.outcome.is_reversal() {
            *count.reversed.entry(last.reason_code.unwrap_or(ActReason::Other)).or_default() += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn review(case_no: &str, instance: ActInstance, outcome: ActOutcome) -> Review {
        Review {
            case_no: case_no.into(),
            category: "civil".into(),
            act_date: day("2026-05-04"),
            instance,
            outcome,
            reason_code: outcome.is_reversal().then_some(ActReason::ProceduralError),
            status: RecordStatus::Active,
        }
    }

    fn counted(reviews: &[Review]) -> ReviewCounts {
        let counts = count_reviews(reviews);
        assert_eq!(counts.len(), 1);
        counts[&("civil".to_owned(), Period::parse("2026-Q2").unwrap())].clone()
    }

    #[test]
    fn an_act_counts_once_and_as_the_last_instance_left_it() {
        let appeal = |outcome| review("2-17/2026", ActInstance::Appeal, outcome);
        let cassation = |outcome| review("2-17/2026", ActInstance::Cassation, outcome);
        let cases = [
            (vec![appeal(ActOutcome::Amended)], 1),
            (vec![appeal(ActOutcome::Amended), cassation(ActOutcome::Upheld)], 0),
            (vec![cassation(ActOutcome::CancelledRemitted), appeal(ActOutcome::Upheld)], 1),
            (vec![appeal(ActOutcome::SettledOnAppeal)], 0),
        ];
        for (reviews, reversed) in cases {
            let counts = counted(&reviews);
            assert_eq!((counts.decided, counts.reversed_count()), (1, reversed), "{reviews:?}");
        }
    }

    #[test]
    fn an_act_with_a_disputed_record_is_in_no_count_but_that_of_the_disputed() {
        let appeal = review("2-17/2026", ActInstance::Appeal, ActOutcome::Amended);
        let mut cassation = review("2-17/2026", ActInstance::Cassation, ActOutcome::Upheld);
        cassation.status = RecordStatus::Disputed;
        let other = review("2-18/2026", ActInstance::Appeal, ActOutcome::PartiallyCancelled);
        let counts = counted(&[appeal, cassation, other]);
        assert_eq!((counts.decided, counts.reversed_count(), counts.disputed), (1, 1, 1));
        assert_eq!(counts.reversed, BTreeMap::from([(ActReason::ProceduralError, 1)]));
    }

    #[test]
    fn amended_and_cancelled_acts_are_reversed_and_no_others() {
        let reversed: Vec<&str> = ActOutcome::ALL.iter().filter(|o| o.is_reversal()).map(|o| o.as_str()).collect();
        assert_eq!(reversed, ["amended", "cancelled_new_decision", "cancelled_remitted", "partially_cancelled"]);
    }

    #[test]
    fn only_what_is_attributable_may_be_named() {
        let named: Vec<_> = Attributable::ALL.iter().filter(|word| word.may_be_named()).collect();
        assert_eq!(named, [&Attributable::Yes]);
    }

    #[test]
    fn a_reason_is_asked_for_unless_the_act_was_upheld() {
        let catalogue = Catalogue::standard().unwrap();
        for outcome in ActOutcome::ALL {
            let new = ReportedReview {
                case_no: "2-17/2026",
                category: "civil",
                act_date: day("2026-05-04"),
                appealed_on: day("2026-05-20"),
                outcome: *outcome,
                reason_code: None,
                jury_decision_ref: None,
                as_of: day("2026-09-01"),
            };
            let mut check = Check::default();
            check_review(&mut check, &new, catalogue, day("2027-01-11"));
            let refused = check.done().map_err(|error| error.code()).err();
            let expected = (*outcome != ActOutcome::Upheld).then_some(Code::Invalid);
            assert_eq!(refused, expected, "{outcome}");
        }
    }
}
