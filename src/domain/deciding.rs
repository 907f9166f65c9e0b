//! What a report and a decision must say, and what may ground one. What a newcomer would get wrong: a number never decides. A
//! peer result that is too thin, or whose interval reaches the standard, grounds nothing that burdens the judge; members then
//! name other evidence, or conclude that the data are insufficient (`domain.md` 7.4, invariant 7).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::coded;
use crate::domain::judge_file::Check;
use crate::domain::methodology::{Instrument, Outcome};
use crate::domain::scoring::publication::{Band, Published};
use crate::error::Rule;
use crate::error::hint::Hint;

/// The longest text of a report or a decision for one criterion, in characters.
pub const REASONS_LENGTH_MAX: usize = 5_000;
/// The shortest; fewer characters give no reason.
const REASONS_LENGTH_MIN: usize = 10;
/// How many records a report or a decision may rest on.
pub const EVIDENCE_MAX: usize = 100;

coded! {
    /// How an appeal is decided (`privacy.md` 12, P-3): the peer result stands or falls as a whole.
    AppealOutcome {
        /// The decision stays as it is.
        Upheld = "upheld",
        /// Another outcome takes its place.
        Changed = "changed",
        /// Other members draft and decide anew.
        Remitted = "remitted",
        /// The peer result is taken out as a whole; other members draft and decide anew without it.
        PeerPartAnnulled = "peer_part_annulled",
        /// The judge is evaluated anew, with a new panel of reviewers.
        NewEvaluationOrdered = "new_evaluation_ordered",
    }
}

coded! {
    /// How a member votes.
    Vote {
        /// For the decision as proposed.
        For = "for",
        /// Against it.
        Against = "against",
    }
}

coded! {
    /// Where a decision stands.
    DecisionStatus {
        /// It is put to the vote.
        Proposed = "proposed",
        /// It found no majority.
        Rejected = "rejected",
        /// It is what the panel decided.
        Adopted = "adopted",
        /// The appeal panel put another one in its place, or sent it back.
        Replaced = "replaced",
        /// It was quashed.
        Revoked = "revoked",
    }
}

/// What is said of one criterion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CriterionReasons {
    /// The criterion's code in the methodology.
    #[schema(max_length = 32, example = "reasoning")]
    pub code: String,
    /// The reasons.
    #[schema(min_length = 10, max_length = 5000)]
    pub reasons: String,
    /// Concrete advice to the judge.
    #[schema(min_length = 10, max_length = 5000)]
    pub advice: String,
}

/// What a report, or a decision on a judge, says and rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reasoning {
    /// Reasons and advice for each criterion of the subject's instrument, each once.
    #[schema(min_items = 1, max_items = 20)]
    pub criteria: Vec<CriterionReasons>,
    /// How numbers were used, in words; that a machine decided nothing is not enough.
    #[schema(min_length = 10, max_length = 5000)]
    pub number_use: String,
    /// The records of the file, reviewed acts, values and posts that it rests on; none that is disputed.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub evidence_ids: Vec<Uuid>,
}

/// Notes what is wrong with reasons, in whatever text.
pub fn check_reasons(check: &mut Check, pointer: &str, text: &str) {
    check.text(pointer, text, REASONS_LENGTH_MAX);
    let is_long_enough = text.trim().chars().count() >= REASONS_LENGTH_MIN;
    let length = Rule::Length { min: REASONS_LENGTH_MIN as u64, max: REASONS_LENGTH_MAX as u64 };
    check.rule(is_long_enough || text.trim().is_empty(), pointer, length);
}

impl Reasoning {
    /// Notes what is wrong with it under `pointer`: every criterion of the instrument once, with reasons and advice.
    pub fn check(&self, check: &mut Check, pointer: &str, instrument: &Instrument) {
        for (index, one) in self.criteria.iter().enumerate() {
            let at = format!("{pointer}/criteria/{index}");
            check.rule(instrument.criteria.contains(&one.code), &format!("{at}/code"), Rule::Missing);
            let is_again = self.criteria.iter().take(index).any(|earlier| earlier.code == one.code);
            check.rule(!is_again, &format!("{at}/code"), Rule::Duplicate);
            check_reasons(check, &format!("{at}/reasons"), &one.reasons);
            check_reasons(check, &format!("{at}/advice"), &one.advice);
        }
        let is_whole = instrument.criteria.iter().all(|code| self.criteria.iter().any(|one| one.code == *code));
        let allowed = format!("a list that holds {}", instrument.criteria.join(", "));
        check.rule(is_whole, &format!("{pointer}/criteria"), Rule::OneOf { allowed: allowed.into() });
        check_reasons(check, &format!("{pointer}/number_use"), &self.number_use);
        let most = Rule::Length { min: 0, max: EVIDENCE_MAX as u64 };
        check.rule(self.evidence_ids.len() <= EVIDENCE_MAX, &format!("{pointer}/evidence_ids"), most);
    }
}

/// What is known when a decision on a judge is put to the vote.
#[derive(Debug, Clone)]
pub struct Grounds<'a> {
    /// The outcome proposed.
    pub outcome: &'a Outcome,
    /// Whether the peer result is a ground for it.
    pub relies_on_peer_result: bool,
    /// The peer result as published; none where there is none, or it was annulled.
    pub result: Option<&'a Published>,
    /// How many records it rests on.
    pub evidence_count: usize,
    /// Whether the judge was heard after this report, or could have been.
    pub was_hearing_held: bool,
    /// Whether the judge asked to be heard on this report.
    pub is_hearing_wanted: bool,
}

/// What stands in the way of putting a decision to the vote; empty where nothing does.
pub fn unmet(grounds: &Grounds<'_>) -> Vec<Hint> {
    let mut unmet = Vec::new();
    let is_unfavourable = grounds.outcome.is_unfavourable;
    if !grounds.was_hearing_held && is_unfavourable {
        unmet.push(Hint::new("hearing_before_burden"));
    } else if !grounds.was_hearing_held && grounds.is_hearing_wanted {
        unmet.push(Hint::new("hearing_was_asked_for"));
    }
    match (grounds.relies_on_peer_result, grounds.result) {
        (true, Some(Published::Ok { overall, .. })) => {
            if is_unfavourable && overall.band != Band::Below {
                unmet.push(Hint::new("interval_reaches_standard"));
            }
        }
        // Statements ground advice. Nothing that burdens the judge rests on them, whatever the methodology says.
        (true, Some(Published::Developmental { .. })) if !is_unfavourable => {}
        (
            true,
            Some(Published::Developmental { .. } | Published::Indicative { .. } | Published::Insufficient {}) | None,
        ) => {
            unmet.push(Hint::new("peer_result_grounds_nothing"));
        }
        (false, _) => {
            if is_unfavourable && grounds.evidence_count == 0 {
                unmet.push(Hint::new("evidence_before_burden"));
            }
        }
    }
    unmet
}

/// How a vote ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// Votes for.
    pub for_count: u32,
    /// Votes against.
    pub against_count: u32,
    /// Voters who are judges.
    pub judge_count: u32,
}

impl Count {
    /// The count of votes, each with whether its voter is a judge.
    pub fn of(votes: impl Iterator<Item = (Vote, bool)>) -> Count {
        let mut count = Count { for_count: 0, against_count: 0, judge_count: 0 };
        for (vote, is_judge) in votes {
            match vote {
                Vote::For => count.for_count += 1,
                Vote::Against => count.against_count += 1,
            }
            count.judge_count += u32::from(is_judge);
        }
        count
    }

    /// What keeps the vote from ending; empty where it may.
    pub fn unmet(self, quorum: u32) -> Vec<Hint> {
        let voters = self.for_count + self.against_count;
        let mut unmet = Vec::new();
        if voters < quorum {
            unmet.push(Hint::new("votes_too_few").text("count", voters).text("least", quorum));
        }
        if self.judge_count * 2 <= voters {
            unmet.push(Hint::new("judges_no_majority").text("judges", self.judge_count).text("count", voters));
        }
        unmet
    }

    /// Whether more are for it than against; a tie decides nothing.
    pub fn is_adopted(self) -> bool {
        self.for_count > self.against_count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::methodology::Methodology;
    use crate::domain::scoring::publication::Figure;

    fn ok(band: Band) -> Published {
        let overall = Figure { n: 12, point: 250, lo: 200, hi: 275, band };
        Published::Ok { overall, criteria: Vec::new(), statements: Vec::new() }
    }

    /// The keys of what stands in the way.
    fn keys(outcome: &str, result: Option<&Published>, change: impl Fn(&mut Grounds<'_>)) -> Vec<&'static str> {
        let methodology = Methodology::standard().unwrap();
        let mut grounds = Grounds {
            outcome: methodology.outcome(outcome).unwrap(),
            relies_on_peer_result: true,
            result,
            evidence_count: 0,
            was_hearing_held: true,
            is_hearing_wanted: false,
        };
        change(&mut grounds);
        unmet(&grounds).into_iter().map(|hint| hint.key).collect()
    }

    #[test]
    fn an_interval_that_reaches_the_standard_forces_other_evidence_for_what_burdens_the_judge() {
        for outcome in ["unfit_professional", "transfer_recommended"] {
            for band in [Band::Above, Band::NotDistinguishable] {
                assert_eq!(keys(outcome, Some(&ok(band)), |_| {}), ["interval_reaches_standard"]);
                assert_eq!(keys("fit", Some(&ok(band)), |_| {}), [""; 0]);
            }
            assert_eq!(keys(outcome, Some(&ok(Band::Below)), |_| {}), [""; 0]);
            let without_numbers = |grounds: &mut Grounds<'_>| grounds.relies_on_peer_result = false;
            assert_eq!(keys(outcome, Some(&ok(Band::Below)), without_numbers), ["evidence_before_burden"]);
        }
    }

    #[test]
    fn a_thin_or_annulled_peer_result_grounds_nothing_at_all() {
        for result in [Some(Published::Insufficient {}), Some(Published::Indicative { band: Band::Below }), None] {
            for outcome in ["fit", "unfit_professional"] {
                assert_eq!(keys(outcome, result.as_ref(), |_| {}), ["peer_result_grounds_nothing"]);
            }
            assert_eq!(keys("insufficient_data", result.as_ref(), |one| one.relies_on_peer_result = false), [""; 0]);
        }
    }

    #[test]
    fn statements_ground_advice_and_nothing_that_burdens_the_judge() {
        let told = Published::Developmental { statements: vec!["s01".to_owned()] };
        assert_eq!(keys("fit_with_training", Some(&told), |_| {}), [""; 0]);
        assert_eq!(keys("unfit_professional", Some(&told), |_| {}), ["peer_result_grounds_nothing"]);
    }

    #[test]
    fn nobody_is_burdened_unheard_and_whoever_asked_is_heard() {
        let unheard = |grounds: &mut Grounds<'_>| grounds.was_hearing_held = false;
        assert_eq!(keys("unfit_professional", Some(&ok(Band::Below)), unheard), ["hearing_before_burden"]);
        assert_eq!(keys("fit", Some(&ok(Band::Below)), unheard), [""; 0]);
        let asked = |grounds: &mut Grounds<'_>| {
            grounds.was_hearing_held = false;
            grounds.is_hearing_wanted = true;
        };
        assert_eq!(keys("fit", Some(&ok(Band::Above)), asked), ["hearing_was_asked_for"]);
    }

    #[test]
    fn a_vote_needs_its_quorum_and_a_majority_of_judges_and_a_tie_decides_nothing() {
        let count = |votes: &[(Vote, bool)]| Count::of(votes.iter().copied());
        let three = [(Vote::For, true), (Vote::For, true), (Vote::Against, false)];
        assert_eq!(count(&three), Count { for_count: 2, against_count: 1, judge_count: 2 });
        assert!(count(&three).unmet(3).is_empty() && count(&three).is_adopted());
        assert_eq!(count(&three).unmet(4).first().unwrap().key, "votes_too_few");
        let half = [(Vote::For, true), (Vote::Against, false)];
        assert_eq!(count(&half).unmet(2).first().unwrap().key, "judges_no_majority");
        assert!(!count(&half).is_adopted());
        assert_eq!(count(&[]).unmet(0).first().unwrap().key, "judges_no_majority");
    }

    #[test]
    fn reasons_are_asked_for_each_criterion_of_the_instrument_and_for_no_other() {
        let methodology = Methodology::standard().unwrap();
        let instrument = methodology.instrument("judge-1").unwrap();
        let long = "Дәлелдемелер жеткілікті.".to_owned();
        let one = |code: &str| CriterionReasons { code: code.into(), reasons: long.clone(), advice: long.clone() };
        let mut reasoning = Reasoning {
            criteria: instrument.criteria.iter().map(|code| one(code)).collect(),
            number_use: long.clone(),
            evidence_ids: Vec::new(),
        };
        let faults = |reasoning: &Reasoning| {
            let mut check = Check::default();
            reasoning.check(&mut check, "", instrument);
            check.done().err().map(|error| format!("{error:?}")).unwrap_or_default()
        };
        assert_eq!(faults(&reasoning), "");
        reasoning.criteria.push(one("leadership"));
        assert!(faults(&reasoning).contains("/criteria/5/code"));
        reasoning.criteria.truncate(4);
        reasoning.criteria[0].reasons = "short".to_owned();
        let found = faults(&reasoning);
        assert!(found.contains("/criteria/0/reasons") && found.contains("\"/criteria\""), "{found}");
    }
}
