//! Decisions: proposed by one member, voted on by the panel, settled by count, served with their reasons. A newcomer's usual
//! mistake is to look at the numbers when votes are counted; what may ground a decision is checked before anybody votes on it.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::reports::{answered, instrument, record};
use super::{appeals, course, notices};
use crate::credential::encoding::to_base64url;
use crate::credential::jcs;
use crate::db::Conn;
use crate::domain::deciding::{AppealOutcome, Count, DecisionStatus, Grounds, Reasoning, Vote, unmet};
use crate::domain::evaluation::{EvaluationAct, EvaluationState};
use crate::domain::ids;
use crate::domain::ids::{AppealId, DecisionId, EvaluationId, ReportId};
use crate::domain::judge_file::Check;
use crate::domain::notices::NoticeKind;
use crate::domain::pauses::Limit;
use crate::domain::policy::{Actor, StaffRole};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::decisions::{CastVote, Decision};
use crate::store::recusals::RecusalStatus;
use crate::workflow::course::{Course, Seat};

/// What a decision says, as it is stored and digested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The reasons on an appeal.
    pub reasons: Option<String>,
    /// The reasons for each criterion, where there is an outcome.
    pub reasoning: Option<Reasoning>,
    /// Whether the peer result is a ground.
    pub relies_on_peer_result: bool,
}

/// An outcome with what it rests on.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The outcome, of the methodology.
    pub outcome: String,
    /// The reasons.
    pub reasoning: Reasoning,
    /// Whether the peer result is a ground.
    pub relies_on_peer_result: bool,
}

/// What a decision says.
pub fn content(decision: &Decision) -> Result<Content> {
    serde_json::from_str(&decision.content).map_err(Error::internal)
}

/// Puts a decision of the commission to the vote.
///
/// # Errors
/// 404 for whom it is not there; 403 unless the rapporteur; 409 `wrong_phase`; 409 `guard_not_met` with everything that stands
/// in the way; 422 for an unknown outcome, missing reasons, unusable evidence; 409 `already_exists` while another waits.
pub fn propose(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationId,
    proposal: &Proposal,
    now: DateTime<Utc>,
) -> Result<Decision> {
    let (mut course, seat) = course::load_seated(conn, actor, id, StaffRole::Member, now)?;
    if !seat.is_rapporteur {
        return Err(Code::Forbidden.into());
    }
    course::check(&course, EvaluationAct::ProposeDecision)?;
    let (report, answer) = answered(conn, &course)?;
    let hearing = course::hearing_of(conn, &report)?;
    let was_hearing_held = hearing.is_some_and(|hearing| hearing.recorded_at.is_some());
    if course.evaluation.state == EvaluationState::Hearing && !was_hearing_held {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("hearing_not_recorded")));
    }
    let is_hearing_wanted = answer.is_some_and(|answer| answer.wants_hearing);
    check_proposal(conn, &course, "", proposal, (was_hearing_held, is_hearing_wanted))?;
    check_recusals_decided(conn, id, StaffRole::Member)?;
    let content = Content {
        reasons: None,
        reasoning: Some(proposal.reasoning.clone()),
        relies_on_peer_result: proposal.relies_on_peer_result,
    };
    let outcome = Some(proposal.outcome.clone());
    let decision = insert(conn, actor, &course, (Some(report.id), None), (None, outcome), &content, now)?;
    course::enter(conn, &mut course, EvaluationAct::ProposeDecision, None, course::alone(actor.account_id), now)?;
    record(conn, actor, "propose_decision", "decision", decision.id, &course, now)?;
    Ok(decision)
}

/// Checks an outcome with its reasons and grounds, which stand under the pointer `at`.
pub fn check_proposal(
    conn: &mut Conn,
    course: &Course,
    at: &str,
    proposal: &Proposal,
    (was_hearing_held, is_hearing_wanted): (bool, bool),
) -> Result<()> {
    let outcome = course.methodology.outcome(&proposal.outcome);
    let outcome = outcome.ok_or_else(|| Error::invalid(format!("{at}/outcome"), Rule::Missing))?;
    let mut check = Check::default();
    proposal.reasoning.check(&mut check, &format!("{at}/reasoning"), instrument(course)?);
    check.done()?;
    course::check_evidence(conn, course, &format!("{at}/reasoning/evidence_ids"), &proposal.reasoning.evidence_ids)?;
    let decisions = store::decisions::of_evaluation(conn, course.evaluation.id)?;
    let result = match store::results::find(conn, course.evaluation.id)? {
        Some(row) if !course::is_peer_part_annulled(&decisions) => Some(row.release()?),
        Some(_) | None => None,
    };
    let unmet = unmet(&Grounds {
        outcome,
        relies_on_peer_result: proposal.relies_on_peer_result,
        result: result.as_ref().map(|release| release.published()),
        evidence_count: proposal.reasoning.evidence_ids.len(),
        was_hearing_held,
        is_hearing_wanted,
    });
    if unmet.is_empty() { Ok(()) } else { Err(Error::hints(Code::GuardNotMet, unmet)) }
}

/// Writes a proposal of a panel.
pub fn insert(
    conn: &mut Conn,
    actor: &Actor,
    course: &Course,
    (report_id, appeal_id): (Option<ReportId>, Option<AppealId>),
    (appeal_outcome, outcome): (Option<AppealOutcome>, Option<String>),
    content: &Content,
    now: DateTime<Utc>,
) -> Result<Decision> {
    let number = course::next_number(&store::decisions::of_evaluation(conn, course.evaluation.id)?)?;
    let decision = Decision {
        id: DecisionId(ids::new_at(now)),
        evaluation_id: course.evaluation.id,
        number,
        report_id,
        appeal_id,
        appeal_outcome,
        outcome,
        content: serde_json::to_string(content).map_err(Error::internal)?,
        status: DecisionStatus::Proposed,
        proposed_by: actor.account_id,
        proposed_at: now.naive_utc(),
        settled_at: None,
        digest: None,
        served_on: None,
        in_force_on: None,
        valid_until: None,
    };
    store::decisions::insert(conn, &decision)?;
    Ok(decision)
}

/// The role whose members vote on a decision.
fn panel_of(decision: &Decision) -> StaffRole {
    if decision.appeal_id.is_some() { StaffRole::AppealMember } else { StaffRole::Member }
}

/// A decision that waits for votes.
///
/// # Errors
/// 409 `guard_not_met` where its vote has ended, or the evaluation has left the state in which it was proposed.
fn check_open(decision: &Decision, course: &Course) -> Result<()> {
    if decision.status != DecisionStatus::Proposed {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("vote_has_ended")));
    }
    let act = if decision.appeal_id.is_some() { EvaluationAct::Uphold } else { EvaluationAct::AdoptDecision };
    course::check(course, act)
}

/// Casts a member's vote.
///
/// # Errors
/// 404 for whom the evaluation is not there; 403 for a member of the other panel, or who had part in what is appealed
/// against; 409 `guard_not_met` after the vote has ended, and for a member who was not at the hearing; 409 `already_exists`
/// for a second vote; 422 for a dissent of who votes for it.
pub fn vote(
    conn: &mut Conn,
    actor: &Actor,
    id: DecisionId,
    (vote, dissent): (Vote, Option<String>),
    now: DateTime<Utc>,
) -> Result<CastVote> {
    let decision = store::decisions::find(conn, id)?;
    let evaluation_id = decision.as_ref().map_or(EvaluationId(id.0), |decision| decision.evaluation_id);
    let seat = course::find_seat(conn, actor, evaluation_id)?;
    let decision = decision.ok_or(Code::NotFound)?;
    let (course, seat) = course::load_seat(conn, actor, seat, panel_of(&decision), now)?;
    check_open(&decision, &course)?;
    if dissent.is_some() && vote == Vote::For {
        return Err(Error::invalid("/dissent", Rule::Mismatch { other: "vote" }));
    }
    check_may_vote(conn, actor, &decision)?;
    let Seat { is_judge, .. } = seat;
    let cast =
        CastVote { decision_id: id, account_id: actor.account_id, vote, is_judge, dissent, voted_at: now.naive_utc() };
    store::decisions::insert_vote(conn, &cast)?;
    record(conn, actor, "vote_on_decision", "decision", id, &course, now)?;
    Ok(cast)
}

fn check_may_vote(conn: &mut Conn, actor: &Actor, decision: &Decision) -> Result<()> {
    if decision.appeal_id.is_some() {
        return appeals::check_had_no_part(conn, actor, decision.evaluation_id);
    }
    let Some((report, _)) = course::served_report(conn, decision.evaluation_id)? else { return Ok(()) };
    let Some(hearing) = course::hearing_of(conn, &report)?.filter(|one| one.recorded_at.is_some()) else {
        return Ok(());
    };
    let present = store::proceedings::present(conn, decision.evaluation_id)?;
    if present.contains(&(hearing.id, actor.account_id)) {
        return Ok(());
    }
    Err(Error::hinted(Code::GuardNotMet, Hint::new("voter_was_not_at_hearing")))
}

/// Refuses to take somebody from a panel that votes, and to seat somebody in it once enough have voted: whoever could do so then
/// would choose the outcome. Before that somebody can be added, since a vote that finds no quorum could not end otherwise.
///
/// # Errors
/// 409 `guard_not_met`; the hint names what can be done instead.
pub fn check_panel_is_free(
    conn: &mut Conn,
    id: EvaluationId,
    role: StaffRole,
    is_added: bool,
    now: DateTime<Utc>,
) -> Result<()> {
    let decisions = store::decisions::of_evaluation(conn, id)?;
    let is_voting = |one: &&Decision| one.status == DecisionStatus::Proposed && panel_of(one) == role;
    let Some(decision) = decisions.iter().find(is_voting) else { return Ok(()) };
    if is_added {
        let course = course::load(conn, id, now)?;
        let (_, unmet) = count(conn, &course, decision)?;
        if !unmet.is_empty() {
            return Ok(());
        }
    }
    Err(Error::hinted(Code::GuardNotMet, Hint::new("members_are_voting")))
}

/// Refuses while a request that one of a panel step back is open.
///
/// # Errors
/// 409 `guard_not_met`.
fn check_recusals_decided(conn: &mut Conn, id: EvaluationId, role: StaffRole) -> Result<()> {
    let panel = store::members::of_role(conn, id, role)?;
    let is_seated = |account| panel.iter().any(|(member, _)| *member == account);
    let requests = store::recusals::of_evaluation(conn, id)?;
    if requests.iter().any(|request| request.status == RecusalStatus::Open && is_seated(request.account_id)) {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("recusals_open")));
    }
    Ok(())
}

/// The votes on a decision, and what keeps the vote from ending. Whoever was recused or has left since voting does not count.
fn count(conn: &mut Conn, course: &Course, decision: &Decision) -> Result<(Count, Vec<Hint>)> {
    let panel = store::members::of_role(conn, decision.evaluation_id, panel_of(decision))?;
    let is_seated = |account| panel.iter().any(|(member, _)| *member == account);
    let votes = store::decisions::votes(conn, decision.evaluation_id)?;
    let counted = votes.iter().filter(|one| one.decision_id == decision.id && is_seated(one.account_id));
    let counted = Count::of(counted.map(|one| (one.vote, one.is_judge)));
    let unmet = counted.unmet(quorum(conn, course, decision, panel.len())?);
    Ok((counted, unmet))
}

/// Ends a vote: with a majority for it the decision is what the panel decided, else it is rejected and another may be proposed.
/// One on an appeal is rejected as well where a recount has found wrong what it would leave in place.
///
/// # Errors
/// 404; 409 `wrong_phase`; 409 `guard_not_met` where the vote has ended, without a quorum or a majority of judges, while a
/// request that one of the panel step back is open, and while a recount that was asked for is not stated.
pub fn settle(conn: &mut Conn, actor: &Actor, id: DecisionId, now: DateTime<Utc>) -> Result<Decision> {
    let decision = store::decisions::find(conn, id)?.ok_or(Code::NotFound)?;
    let mut course = course::load(conn, decision.evaluation_id, now)?;
    check_open(&decision, &course)?;
    check_recusals_decided(conn, decision.evaluation_id, panel_of(&decision))?;
    let (counted, unmet) = count(conn, &course, &decision)?;
    if !unmet.is_empty() {
        return Err(Error::hints(Code::GuardNotMet, unmet));
    }
    if counted.is_adopted() && appeals::stands_recounted(conn, &course, &decision)? {
        let digest = digest(&decision)?;
        store::decisions::settle(conn, id, DecisionStatus::Adopted, Some(&digest), now.naive_utc())?;
        match decision.appeal_id {
            Some(appeal) => appeals::apply(conn, actor, &mut course, appeal, &decision, now)?,
            None => {
                let mover = course::alone(actor.account_id);
                course::enter(conn, &mut course, EvaluationAct::AdoptDecision, None, mover, now)?;
            }
        }
    } else {
        store::decisions::settle(conn, id, DecisionStatus::Rejected, None, now.naive_utc())?;
    }
    record(conn, actor, "settle_decision", "decision", id, &course, now)?;
    store::decisions::find(conn, id)?.ok_or_else(|| Error::internal("a decision vanished"))
}

/// How many of a panel of so many must have voted.
fn quorum(conn: &mut Conn, course: &Course, decision: &Decision, assigned: usize) -> Result<u32> {
    let deciding = course.methodology.deciding();
    if decision.appeal_id.is_none() {
        return Ok(deciding.quorum(u32::try_from(assigned).map_err(Error::internal)?));
    }
    let decisions = store::decisions::of_evaluation(conn, decision.evaluation_id)?;
    let is_grave = appeals::is_grave(course, &decisions)?;
    Ok(deciding.appeal_quorum(is_grave))
}

/// SHA-256, base64url, of what is decided, in canonical JSON.
fn digest(decision: &Decision) -> Result<String> {
    #[derive(Serialize)]
    struct Decided<'a> {
        evaluation_id: String,
        number: i32,
        appeal_outcome: Option<&'a str>,
        outcome: Option<&'a str>,
        content: Content,
    }
    let decided = Decided {
        evaluation_id: decision.evaluation_id.to_string(),
        number: decision.number,
        appeal_outcome: decision.appeal_outcome.map(AppealOutcome::as_str),
        outcome: decision.outcome.as_deref(),
        content: content(decision)?,
    };
    Ok(to_base64url(&Sha256::digest(jcs::canonical(&decided)?)))
}

/// Serves a decision on the judge, whose time to appeal begins with the day of delivery.
///
/// # Errors
/// 404; 409 `wrong_phase`; 422 for a day before the decision or in the future.
pub fn serve(
    conn: &mut Conn,
    actor: &Actor,
    id: EvaluationId,
    served_on: NaiveDate,
    now: DateTime<Utc>,
) -> Result<Decision> {
    let mut course = course::load(conn, id, now)?;
    course::check(&course, EvaluationAct::ServeDecision)?;
    let decisions = store::decisions::of_evaluation(conn, id)?;
    let decision =
        course::standing(&decisions).ok_or_else(|| Error::internal("nothing was decided that is to be served"))?;
    let decided_on = course::day(&course, decision.settled_at.unwrap_or(decision.proposed_at));
    if served_on < decided_on || served_on > course.today {
        let expected = "a day from that of the decision to today";
        return Err(Error::invalid("/served_on", Rule::Format { expected }));
    }
    store::decisions::serve(conn, decision.id, served_on)?;
    course::enter(conn, &mut course, EvaluationAct::ServeDecision, None, course::alone(actor.account_id), now)?;
    record(conn, actor, "serve_decision", "decision", decision.id, &course, now)?;
    let last = appeal_due(conn, &course, served_on)?;
    notices::of_course(conn, NoticeKind::DecisionServed, &course.evaluation, (served_on, last), now)?;
    store::decisions::find(conn, decision.id)?.ok_or_else(|| Error::internal("a decision vanished"))
}

/// The last day to appeal against a decision that was served on a day; none while a pause lasts whose end is not known.
pub fn appeal_due(conn: &mut Conn, course: &Course, served_on: NaiveDate) -> Result<Option<NaiveDate>> {
    let limit = Limit::WorkingDays(course.methodology.time_limits.appeal_filing_working_days);
    Ok(course::own_deadline(conn, course, served_on, limit)?.due_on)
}
