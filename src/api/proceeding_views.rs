//! What is told of what follows the count of an evaluation. A newcomer's usual mistake is to show the judge a draft, or anybody
//! a vote that others may still follow: a view is made for a sight, and leaves out what that sight does not cover.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::deciding::{AppealOutcome, Count, DecisionStatus, Reasoning, Vote};
use crate::domain::evaluation::{EvaluationAct, EvaluationState};
use crate::domain::ids::{AccountId, AppealId, DecisionId, EvaluationId, HearingId, RecusalRequestId, ReportId};
use crate::domain::policy::deciding::ProceedingsSight;
use crate::error::{Error, Result};
use crate::store::decisions::{Appeal, CastVote, Decision};
use crate::store::proceedings::{EvaluationMove, Hearing, Report, Response};
use crate::store::recusals::{RecusalRequest, RecusalStatus};
use crate::workflow::decisions::content;

/// Bytes of a report or a decision: twenty criteria with the longest texts.
pub const REASONING_BYTES_MAX: usize = 1024 * 1024;

/// A step of the evaluation's own course.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"act": "serve_report", "from_state": "drafting", "to_state": "responding", "account_id": null, "second_account_id": null, "reason": null, "moved_at": "2027-06-01T05:00:00Z"}))]
pub struct EvaluationMoveView {
    /// What was done.
    act: EvaluationAct,
    /// The state left.
    from_state: EvaluationState,
    /// The state entered.
    to_state: EvaluationState,
    /// By whom; null where a clock did it, and for the judge.
    account_id: Option<AccountId>,
    /// The second person where two were needed, or null.
    second_account_id: Option<AccountId>,
    /// Why, or null.
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// When.
    moved_at: DateTime<Utc>,
}

impl EvaluationMoveView {
    /// The view of a step.
    pub fn new(row: EvaluationMove, sight: ProceedingsSight) -> Self {
        let shown = |account: Option<AccountId>| account.filter(|_| sight == ProceedingsSight::Whole);
        EvaluationMoveView {
            act: row.act,
            from_state: row.from_state,
            to_state: row.to_state,
            account_id: shown(row.account_id),
            second_account_id: shown(row.second_account_id),
            reason: row.reason,
            moved_at: row.moved_at.and_utc(),
        }
    }
}

/// A version of the report.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "number": 1, "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "reasoning": {"criteria": [{"code": "reasoning", "reasons": "The acts answer each main argument.", "advice": "Keep to the shorter form of acts."}], "number_use": "The figures were one ground among others.", "evidence_ids": []}, "drafted_at": "2027-06-01T05:00:00Z", "served_at": null}))]
pub struct ReportView {
    /// Its id.
    id: ReportId,
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// Which version, from 1.
    #[schema(minimum = 1)]
    number: i32,
    /// The rapporteur.
    account_id: AccountId,
    /// What it says.
    reasoning: Reasoning,
    /// When it was written.
    drafted_at: DateTime<Utc>,
    /// When it was served on the judge, or null.
    served_at: Option<DateTime<Utc>>,
}

impl ReportView {
    /// The view of a version.
    pub fn new(row: Report) -> Result<Self> {
        Ok(ReportView {
            id: row.id,
            evaluation_id: row.evaluation_id,
            number: row.number,
            account_id: row.account_id,
            reasoning: serde_json::from_str(&row.content).map_err(Error::internal)?,
            drafted_at: row.drafted_at.and_utc(),
            served_at: row.served_at.map(|at| at.and_utc()),
        })
    }
}

/// The judge's answer to a report.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"report_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "answer": null, "wants_hearing": false, "filed_at": "2027-06-10T05:00:00Z"}))]
pub struct ResponseView {
    /// The report.
    report_id: ReportId,
    /// What the judge says; null where the judge waives an answer.
    #[schema(max_length = 10000)]
    answer: Option<String>,
    /// Whether the judge asks to be heard.
    wants_hearing: bool,
    /// When it was filed.
    filed_at: DateTime<Utc>,
}

impl From<Response> for ResponseView {
    fn from(row: Response) -> Self {
        ResponseView {
            report_id: row.report_id,
            answer: row.answer,
            wants_hearing: row.wants_hearing,
            filed_at: row.filed_at.and_utc(),
        }
    }
}

/// A hearing.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "report_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "held_on": "2027-06-25", "is_remote": true, "is_judge_present": null, "present_ids": [], "minutes": null, "recorded_at": null}))]
pub struct HearingView {
    /// Its id.
    id: HearingId,
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// The report that it is on.
    report_id: ReportId,
    /// The day.
    held_on: NaiveDate,
    /// Whether it is held by video.
    is_remote: bool,
    /// Whether the judge was there; null until it is on record.
    is_judge_present: Option<bool>,
    /// The members who were there.
    #[schema(max_items = 60)]
    present_ids: Vec<AccountId>,
    /// What was said, or null.
    #[schema(max_length = 20000)]
    minutes: Option<String>,
    /// When it was put on record, or null.
    recorded_at: Option<DateTime<Utc>>,
}

impl HearingView {
    /// The view of a hearing with the members who were there.
    pub fn new(row: Hearing, present: &[(HearingId, AccountId)]) -> Self {
        HearingView {
            id: row.id,
            evaluation_id: row.evaluation_id,
            report_id: row.report_id,
            held_on: row.held_on,
            is_remote: row.is_remote,
            is_judge_present: row.is_judge_present,
            present_ids: present
                .iter()
                .filter(|(hearing, _)| *hearing == row.id)
                .map(|(_, account)| *account)
                .collect(),
            minutes: row.minutes,
            recorded_at: row.recorded_at.map(|at| at.and_utc()),
        }
    }
}

/// One member's vote.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "vote": "against", "dissent": "The records do not bear it out."}))]
pub struct VoteView {
    /// The member.
    account_id: AccountId,
    /// How.
    vote: Vote,
    /// Why, of a vote against, or null.
    #[schema(max_length = 5000)]
    dissent: Option<String>,
}

impl From<CastVote> for VoteView {
    fn from(row: CastVote) -> Self {
        VoteView { account_id: row.account_id, vote: row.vote, dissent: row.dissent }
    }
}

/// How the votes on a decision stand.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"voters": 5, "for_count": 4, "against_count": 1, "judge_count": 4, "dissents": ["The records do not bear it out."], "votes": []}))]
pub struct VotesView {
    /// How many have voted.
    voters: u32,
    /// How many for it; null until the vote has ended.
    for_count: Option<u32>,
    /// How many against it; null until the vote has ended.
    against_count: Option<u32>,
    /// How many voters are judges.
    judge_count: u32,
    /// What those against it say, without names; empty until the vote has ended.
    #[schema(max_items = 60)]
    dissents: Vec<String>,
    /// Each vote; empty until the vote has ended, and for the judge.
    #[schema(max_items = 60)]
    votes: Vec<VoteView>,
}

impl VotesView {
    fn new(votes: Vec<CastVote>, has_ended: bool, sight: ProceedingsSight) -> Self {
        let count = Count::of(votes.iter().map(|vote| (vote.vote, vote.is_judge)));
        let shown = |number: u32| has_ended.then_some(number);
        let mut dissents: Vec<String> =
            votes.iter().filter(|_| has_ended).filter_map(|vote| vote.dissent.clone()).collect();
        // In no order of voters.
        dissents.sort();
        let is_named = has_ended && sight == ProceedingsSight::Whole;
        VotesView {
            voters: count.for_count + count.against_count,
            for_count: shown(count.for_count),
            against_count: shown(count.against_count),
            judge_count: count.judge_count,
            dissents,
            votes: votes.into_iter().filter(|_| is_named).map(VoteView::from).collect(),
        }
    }
}

/// A decision of the commission, or of the appeal panel on an appeal.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "number": 1, "report_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "appeal_id": null, "appeal_outcome": null, "outcome": "fit", "reasons": null, "reasoning": {"criteria": [{"code": "reasoning", "reasons": "The acts answer each main argument.", "advice": "Keep to the shorter form of acts."}], "number_use": "The figures were one ground among others.", "evidence_ids": []}, "relies_on_peer_result": true, "status": "adopted", "proposed_by": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "proposed_at": "2027-06-28T05:00:00Z", "settled_at": "2027-06-29T05:00:00Z", "digest": "UNhY4JhezH9gQYqvDMWrWH9CwlcKiECVqejMrND2VFw", "served_on": null, "in_force_on": null, "valid_until": null, "votes": {"voters": 5, "for_count": 4, "against_count": 1, "judge_count": 4, "dissents": [], "votes": []}}))]
pub struct DecisionView {
    /// Its id.
    id: DecisionId,
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// Which one of the evaluation, from 1.
    #[schema(minimum = 1)]
    number: i32,
    /// The report that the commission decided after; null on an appeal.
    report_id: Option<ReportId>,
    /// The appeal that it is on, or null.
    appeal_id: Option<AppealId>,
    /// How the appeal is decided, or null.
    appeal_outcome: Option<AppealOutcome>,
    /// The outcome, of the methodology; null where an appeal is decided without a new one.
    #[schema(max_length = 32)]
    outcome: Option<String>,
    /// The reasons on an appeal, or null.
    #[schema(max_length = 5000)]
    reasons: Option<String>,
    /// The reasons for each criterion; null where there is no outcome.
    reasoning: Option<Reasoning>,
    /// Whether the peer result is a ground.
    relies_on_peer_result: bool,
    /// Where it stands.
    status: DecisionStatus,
    /// Who proposed it.
    proposed_by: AccountId,
    /// When.
    proposed_at: DateTime<Utc>,
    /// When the vote ended, or null.
    settled_at: Option<DateTime<Utc>>,
    /// SHA-256, base64url, of what was adopted, or null.
    #[schema(min_length = 43, max_length = 43)]
    digest: Option<String>,
    /// When it was served on the judge, or null.
    served_on: Option<NaiveDate>,
    /// From which day on it is in force, or null.
    in_force_on: Option<NaiveDate>,
    /// The last day on which it serves competitions, or null.
    valid_until: Option<NaiveDate>,
    /// The votes.
    votes: VotesView,
}

impl DecisionView {
    /// The view of a decision with the votes on it.
    pub fn new(row: Decision, votes: Vec<CastVote>, sight: ProceedingsSight) -> Result<Self> {
        let content = content(&row)?;
        Ok(DecisionView {
            id: row.id,
            evaluation_id: row.evaluation_id,
            number: row.number,
            report_id: row.report_id,
            appeal_id: row.appeal_id,
            appeal_outcome: row.appeal_outcome,
            outcome: row.outcome,
            reasons: content.reasons,
            reasoning: content.reasoning,
            relies_on_peer_result: content.relies_on_peer_result,
            votes: VotesView::new(votes, row.settled_at.is_some(), sight),
            status: row.status,
            proposed_by: row.proposed_by,
            proposed_at: row.proposed_at.and_utc(),
            settled_at: row.settled_at.map(|at| at.and_utc()),
            digest: row.digest,
            served_on: row.served_on,
            in_force_on: row.in_force_on,
            valid_until: row.valid_until,
        })
    }
}

/// An appeal.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "decision_number": 1, "grounds": "The hearing was held without notice.", "filed_at": "2027-07-10T05:00:00Z", "recount_asked_at": null, "decided_at": null}))]
pub struct AppealView {
    /// Its id.
    id: AppealId,
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// The decision appealed against, by its number.
    #[schema(minimum = 1)]
    decision_number: i32,
    /// The judge's grounds.
    #[schema(max_length = 10000)]
    grounds: String,
    /// When it was filed.
    filed_at: DateTime<Utc>,
    /// When the appeal panel asked for a recount, or null.
    recount_asked_at: Option<DateTime<Utc>>,
    /// When it was decided, or null.
    decided_at: Option<DateTime<Utc>>,
}

impl From<Appeal> for AppealView {
    fn from(row: Appeal) -> Self {
        AppealView {
            id: row.id,
            evaluation_id: row.evaluation_id,
            decision_number: row.decision_number,
            grounds: row.grounds,
            filed_at: row.filed_at.and_utc(),
            recount_asked_at: row.recount_asked_at.map(|at| at.and_utc()),
            decided_at: row.decided_at.map(|at| at.and_utc()),
        }
    }
}

/// A request of the judge that a member step back.
#[derive(Serialize, ToSchema)]
#[schema(example = json!({"id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "evaluation_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b11", "account_id": "019477a2-5c1e-7b3d-9e10-4f2a6c8d0b14", "ground": "We were opposing parties in a civil case in 2025.", "status": "open", "reason": null, "filed_at": "2027-03-03T05:00:00Z", "decided_by": null, "decided_at": null}))]
pub struct RecusalRequestView {
    /// Its id.
    id: RecusalRequestId,
    /// The evaluation.
    evaluation_id: EvaluationId,
    /// The member.
    account_id: AccountId,
    /// The judge's reasons.
    #[schema(max_length = 2000)]
    ground: String,
    /// Where it stands.
    status: RecusalStatus,
    /// The reasons of the decision, or null.
    #[schema(max_length = 2000)]
    reason: Option<String>,
    /// When it was filed.
    filed_at: DateTime<Utc>,
    /// Who decided it, or null.
    decided_by: Option<AccountId>,
    /// When, or null.
    decided_at: Option<DateTime<Utc>>,
}

impl From<RecusalRequest> for RecusalRequestView {
    fn from(row: RecusalRequest) -> Self {
        RecusalRequestView {
            id: row.id,
            evaluation_id: row.evaluation_id,
            account_id: row.account_id,
            ground: row.ground,
            status: row.status,
            reason: row.reason,
            filed_at: row.filed_at.and_utc(),
            decided_by: row.decided_by,
            decided_at: row.decided_at.map(|at| at.and_utc()),
        }
    }
}
