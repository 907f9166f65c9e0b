//! The phases of a cycle, the only legal moves between them, and the guards of each. What a newcomer would get wrong:
//! windows open and close by date alone, whatever the phase says; a move records what the dates have already done and
//! can be late, but never early.

pub mod clocks;
pub mod dates;
pub mod extension;
pub mod retention;

use chrono::NaiveDate;

use crate::coded;
use crate::domain::calendar::{days_after, days_before};
use crate::domain::cycle::dates::CycleDates;
use crate::domain::ids::JudgeId;
use crate::domain::methodology::Methodology;
use crate::domain::pool::judge_without_post;
use crate::domain::reading::PackGap;
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result};

coded! {
    /// Where a cycle stands.
    Phase {
        /// The secretary picks methodology, subjects and dates.
        Draft = "draft",
        /// Notices are served and sources imported.
        Announced = "announced",
        /// Subjects read their file and ask corrections.
        FileReview = "file_review",
        /// Eligible pools are shown and challenged, conflicts declared.
        PoolReview = "pool_review",
        /// Panels are drawn, keys made, the manifest frozen.
        Drawn = "drawn",
        /// Reviewers collect their credentials.
        Issuance = "issuance",
        /// The ballot box takes anonymous reviews.
        Submission = "submission",
        /// The tree is published, receipts are checked, auditors recount.
        Sealed = "sealed",
        /// Results are fixed and every evaluation goes its own way.
        Reporting = "reporting",
        /// All evaluations are final or cancelled.
        Closed = "closed",
        /// Ended without results.
        Cancelled = "cancelled",
    }
}

impl Hint {
    /// Adds a variable that is a phase of a cycle.
    #[must_use]
    pub fn phase(self, name: &'static str, phase: Phase) -> Hint {
        self.word(name, "phase", phase.as_str())
    }
}

impl Phase {
    /// The phase that regularly follows; `None` at the end.
    pub fn next(self) -> Option<Phase> {
        MOVES.iter().find(|step| step.from == self && step.course == Course::Forward).map(|step| step.to)
    }
}

coded! {
    /// Why a judge is evaluated.
    EvaluationKind {
        /// After the first year in office.
        FirstYear = "first_year",
        /// At the regular interval.
        Periodic = "periodic",
        /// On entering the personnel reserve.
        Reserve = "reserve",
        /// On applying for a higher post.
        Promotion = "promotion",
        /// On applying to be a chair.
        Chair = "chair",
        /// After training, in place of an earlier one.
        Repeat = "repeat",
        /// On the judge's own request.
        OnRequest = "on_request",
    }
}

impl EvaluationKind {
    /// Whether judges are chosen by it, for the reserve, a higher post or the chair of a court.
    pub fn is_for_selection(self) -> bool {
        match self {
            EvaluationKind::Reserve | EvaluationKind::Promotion | EvaluationKind::Chair => true,
            EvaluationKind::FirstYear
            | EvaluationKind::Periodic
            | EvaluationKind::Repeat
            | EvaluationKind::OnRequest => false,
        }
    }
}

/// Who must agree to a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// One person.
    OnePerson,
    /// Two different persons, the second confirming the digest of the act.
    TwoPersons,
}

/// Whether a move follows the regular course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Course {
    /// To the next phase.
    Forward,
    /// To an end without results.
    Cancelling,
    /// Back to a draw, for those with too few reviews.
    Supplementary,
}

/// One legal move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// The phase left.
    pub from: Phase,
    /// The phase entered.
    pub to: Phase,
    /// Who must agree.
    pub consent: Consent,
    /// Whether it is the regular next one.
    pub course: Course,
}

impl Move {
    /// Whether a second person must confirm.
    pub fn needs_two_persons(&self) -> bool {
        match self.consent {
            Consent::OnePerson => false,
            Consent::TwoPersons => true,
        }
    }
}

const fn step(from: Phase, to: Phase, consent: Consent) -> Move {
    Move { from, to, consent, course: Course::Forward }
}

const fn cancelling(from: Phase) -> Move {
    Move { from, to: Phase::Cancelled, consent: Consent::TwoPersons, course: Course::Cancelling }
}

/// All legal moves. Opening the cycle, the draw, the seal, closing and cancelling need two persons. A sealed cycle is
/// cancelled only where the box is proven to have broken its promise: else its result stands or falls by the decision on it.
/// What ends with a close cannot be had again, the reviews above all, though nothing is to come of its evaluations any more.
pub const MOVES: &[Move] = &[
    step(Phase::Draft, Phase::Announced, Consent::TwoPersons),
    step(Phase::Announced, Phase::FileReview, Consent::OnePerson),
    step(Phase::FileReview, Phase::PoolReview, Consent::OnePerson),
    step(Phase::PoolReview, Phase::Drawn, Consent::TwoPersons),
    step(Phase::Drawn, Phase::Issuance, Consent::OnePerson),
    step(Phase::Issuance, Phase::Submission, Consent::OnePerson),
    step(Phase::Submission, Phase::Sealed, Consent::TwoPersons),
    step(Phase::Sealed, Phase::Reporting, Consent::OnePerson),
    step(Phase::Reporting, Phase::Closed, Consent::TwoPersons),
    cancelling(Phase::Draft),
    cancelling(Phase::Announced),
    cancelling(Phase::FileReview),
    cancelling(Phase::PoolReview),
    cancelling(Phase::Drawn),
    cancelling(Phase::Issuance),
    cancelling(Phase::Submission),
    cancelling(Phase::Sealed),
];

/// The one move backwards, once in a cycle: a supplementary round for subjects with too few reviews. It has an act of its
/// own, so that a draw is never made again by mistake.
pub const SUPPLEMENT: &Move =
    &Move { from: Phase::Sealed, to: Phase::Drawn, consent: Consent::TwoPersons, course: Course::Supplementary };

/// The legal move from one phase to another, with the consent it needs; [`SUPPLEMENT`] is not among them.
///
/// # Errors
/// [`Code::WrongPhase`], the hint naming the phase the cycle is in and the move that would help.
pub fn may_move(from: Phase, to: Phase) -> Result<&'static Move> {
    if let Some(legal) = MOVES.iter().find(|candidate| candidate.from == from && candidate.to == to) {
        return Ok(legal);
    }
    let hint = match from.next() {
        None => Hint::new("phase_is_last").phase("phase", from),
        Some(_) if from == to => Hint::new("phase_is_this_already").phase("phase", from),
        Some(next) if to > next => {
            Hint::new("phase_comes_first").phase("phase", from).phase("next", next).phase("wanted", to)
        }
        Some(next) => Hint::new("phase_is_past").phase("phase", from).phase("next", next).phase("wanted", to),
    };
    Err(Error::hinted(Code::WrongPhase, hint))
}

/// The fewest auditors who must find the results equal before a cycle reports: whoever publishes never vouches alone.
const RECOUNTS_MIN: u32 = 2;

/// So many judges are named in one refusal; the others come up once these are settled.
pub const HINTS_OF_A_KIND_MAX: usize = 10;

/// What the store knows about a cycle when somebody asks to move it. Counts of what is *not* settled, so that 0 is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The day of the request, at the methodology's offset.
    pub today: NaiveDate,
    /// The round of collection, from 1.
    pub round: i32,
    /// Evaluations of the cycle that are not cancelled.
    pub subjects_count: u32,
    /// Whether the methodology is published and in force on the day the cycle starts.
    pub is_methodology_in_force: bool,
    /// The day on which the last notice was served.
    pub last_notice_on: Option<NaiveDate>,
    /// Subjects whose reading pack has no acts drawn yet.
    pub packs_undrawn: u32,
    /// The reading packs that are not frozen.
    pub packs_unfrozen: Vec<PackGap>,
    /// Challenges not decided with reasons.
    pub challenges_open: u32,
    /// Subjects whose eligible pool is smaller than the panel after exclusions.
    pub pools_too_small: u32,
    /// Subjects who hold no post any more.
    pub subjects_without_post: Vec<JudgeId>,
    /// Whether the draw was replayed from its record with the same outcome.
    pub is_draw_replayed: bool,
    /// Whether the manifest is published with the box's note.
    pub is_manifest_published: bool,
    /// Issuers whose ledger is not published.
    pub ledgers_missing: u32,
    /// Subjects with fewer than `issued_min` credentials while a ledger is missing; with all of them published it is
    /// decided that such a subject's peer part is `insufficient`.
    pub gates_undecided: u32,
    /// Whether the box has published the checkpoint of the seal.
    pub is_checkpoint_published: bool,
    /// Whether the results are computed and stored.
    pub is_result_stored: bool,
    /// Subjects whose result may not ground a decision, while results are stored.
    pub subjects_short: u32,
    /// Auditors who found the stored results equal.
    pub recounts_equal: u32,
    /// Promises of the box that are proven broken.
    pub complaints_proven: u32,
    /// The day on which the box was sealed; the days for complaints run from it where it was sealed late.
    pub sealed_on: Option<NaiveDate>,
    /// Evaluations neither final nor cancelled: a decision, an appeal or the time for it is still to come.
    pub evaluations_open: u32,
}

/// Whether the guards of a move are met; the move itself must come from [`may_move`].
///
/// # Errors
/// [`Code::GuardNotMet`], with a hint for every guard that is not met, which says what to do about it.
pub fn check_guards(step: &Move, facts: &Facts, dates: &CycleDates, methodology: &Methodology) -> Result<()> {
    let unmet = unmet_guards(step, facts, dates, methodology);
    if unmet.is_empty() { Ok(()) } else { Err(Error::hints(Code::GuardNotMet, unmet)) }
}

/// The guards of a move that are not met, each as a sentence that says what to do.
pub fn unmet_guards(step: &Move, facts: &Facts, dates: &CycleDates, methodology: &Methodology) -> Vec<Hint> {
    let mut unmet = Vec::new();
    let mut need = |is_met: bool, hint: Hint| {
        if !is_met {
            unmet.push(hint);
        }
    };
    let today = facts.today;
    let is_first = facts.round == 1;
    let complaints_end = {
        let since_seal = facts.sealed_on.map(|day| days_after(day, methodology.time_limits.complaint_days));
        since_seal.map_or(dates.challenge_close, |last| last.max(dates.challenge_close))
    };
    match step.course {
        Course::Forward => {}
        Course::Cancelling if step.from == Phase::Sealed => {
            need(facts.complaints_proven > 0, Hint::new("sealed_stands"));
            return unmet;
        }
        Course::Cancelling => {
            // Else guarded by persons and reasons, not by facts.
            need(is_first, Hint::new("sealed_round_stands"));
            return unmet;
        }
        Course::Supplementary => {
            need(methodology.supplementary.is_some(), Hint::new("supplement_not_provided"));
            need(is_first, Hint::new("supplement_only_once"));
            need(facts.is_result_stored, Hint::new("results_not_stored"));
            need(!facts.is_result_stored || facts.subjects_short > 0, Hint::new("nobody_is_short"));
            let proven = facts.complaints_proven;
            need(proven == 0, Hint::new("complaints_proven").text("count", proven));
            need(today > complaints_end, Hint::new("wait_until_over").text("day", complaints_end));
            return unmet;
        }
    }
    let over = |last: NaiveDate| (today > last, Hint::new("wait_until_over").text("day", last));
    let begun = |first: NaiveDate| (today >= first, Hint::new("wait_until").text("day", first));
    match step.from {
        Phase::Draft => {
            need(facts.is_methodology_in_force, Hint::new("methodology_not_in_force"));
            let (count, least) = (facts.subjects_count, methodology.counts.subjects_min);
            need(count >= least, Hint::new("subjects_too_few").text("count", count).text("least", least));
            need(today <= dates.starts_on, Hint::new("start_is_past").text("day", dates.starts_on));
            let faults = dates.validate(methodology).len();
            need(faults == 0, Hint::new("dates_not_in_order").text("count", faults));
        }
        Phase::Announced => {
            let latest = days_before(dates.submit_open, methodology.time_limits.notice_days_min);
            let is_in_time = facts.last_notice_on.is_none_or(|served| served <= latest);
            need(is_in_time, Hint::new("notices_late").text("day", latest));
            let (has_begun, hint) = begun(dates.file_review_open);
            need(has_begun, hint);
        }
        Phase::FileReview => {
            // A correction that is asked for marks its record as disputed at once, so none can hold the move up.
            let (is_over, hint) = over(dates.file_review_close);
            need(is_over, hint);
            // The judge has all of the pool's review to object to an act.
            let undrawn = facts.packs_undrawn;
            need(undrawn == 0, Hint::new("reading_acts_undrawn").text("count", undrawn));
        }
        Phase::PoolReview => {
            // Evaluations may have been cancelled since the opening; a tiny cycle points at its reviewers.
            let (count, least) = (facts.subjects_count, methodology.counts.subjects_min);
            need(count >= least, Hint::new("subjects_left_too_few").text("count", count).text("least", least));
            for judge in facts.subjects_without_post.iter().take(HINTS_OF_A_KIND_MAX) {
                need(false, judge_without_post(*judge));
            }
            let (open, small) = (facts.challenges_open, facts.pools_too_small);
            need(open == 0, Hint::new("challenges_open").text("count", open));
            need(small == 0, Hint::new("pools_too_small").text("count", small));
            let (is_over, hint) = over(dates.pool_challenge_close);
            need(is_over, hint);
        }
        Phase::Drawn => {
            need(facts.is_draw_replayed, Hint::new("draw_not_replayed"));
            need(facts.is_manifest_published, Hint::new("manifest_not_published"));
            for gap in facts.packs_unfrozen.iter().take(HINTS_OF_A_KIND_MAX) {
                need(false, gap.hint());
            }
            let (has_begun, hint) = begun(dates.issue_open);
            need(has_begun, hint);
        }
        Phase::Issuance => {
            let (missing, undecided) = (facts.ledgers_missing, facts.gates_undecided);
            need(missing == 0, Hint::new("ledgers_missing").text("count", missing));
            need(undecided == 0, Hint::new("gates_undecided").text("count", undecided));
            let (has_begun, hint) = begun(dates.submit_open);
            need(has_begun, hint);
        }
        Phase::Submission => {
            // An extension during submission leaves its manifest and its ledgers to be published.
            need(facts.is_manifest_published, Hint::new("manifest_not_published"));
            let missing = facts.ledgers_missing;
            need(missing == 0, Hint::new("ledgers_missing").text("count", missing));
            let (is_over, hint) = over(dates.submit_close);
            need(is_over, hint);
        }
        Phase::Sealed => {
            need(facts.is_checkpoint_published, Hint::new("checkpoint_not_published"));
            need(facts.is_result_stored, Hint::new("results_not_stored"));
            let missing = RECOUNTS_MIN.saturating_sub(facts.recounts_equal);
            need(missing == 0, Hint::new("recounts_missing").text("count", missing));
            let proven = facts.complaints_proven;
            need(proven == 0, Hint::new("complaints_proven").text("count", proven));
            let (is_over, hint) = over(complaints_end);
            need(is_over, hint);
        }
        Phase::Reporting => {
            let open = facts.evaluations_open;
            need(open == 0, Hint::new("evaluations_open").text("count", open));
            let proven = facts.complaints_proven;
            need(proven == 0, Hint::new("complaints_proven").text("count", proven));
        }
        Phase::Closed | Phase::Cancelled => {}
    }
    unmet
}

#[cfg(test)]
mod tests;
