//! Appeals, and what follows from them: the decision stands, another takes its place, others decide anew, or the judge is
//! evaluated anew. A newcomer's usual mistake is to take reviews out and compute again; the peer result stands or falls as a
//! whole (`privacy.md` 12, P-3), and a recount is of the same sealed reviews, without a name.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, Utc};

use super::cycles::Mover;
use super::decisions::{self, Content, Proposal, appeal_due};
use super::reports::record;
use super::{course, notices};
use crate::db::Conn;
use crate::domain::calendar::months_after;
use crate::domain::deciding::{AppealOutcome, DecisionStatus, check_reasons};
use crate::domain::evaluation::EvaluationAct;
use crate::domain::events::EventKind;
use crate::domain::ids;
use crate::domain::ids::{AccountId, AppealId, CycleId, EvaluationId, EvaluationRequestId};
use crate::domain::judge_file::Check;
use crate::domain::methodology::Outcome;
use crate::domain::notices::NoticeKind;
use crate::domain::planning::RequestKind;
use crate::domain::policy::{Actor, StaffRole};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::decisions::{Appeal, Decision};
use crate::store::evaluation_requests::EvaluationRequest;
use crate::store::events::NewEvent;
use crate::store::recounts::RecountOutcome;
use crate::store::recusals::BarCause;
use crate::workflow::course::Course;

/// The system of record of requests that a decision here makes.
const SOURCE_SYSTEM: &str = "ejf";

/// Files the judge's appeal, which suspends the effect of the decision.
///
/// # Errors
/// 404 for everybody but the judge; 409 `wrong_phase`; 410 `window_closed`.
pub fn file(conn: &mut Conn, actor: &Actor, id: EvaluationId, grounds: &str, now: DateTime<Utc>) -> Result<Appeal> {
    let mut course = course::load_own(conn, actor, id, now)?;
    course::check(&course, EvaluationAct::FileAppeal)?;
    let decisions = store::decisions::of_evaluation(conn, id)?;
    let decision = appealable(&decisions)?;
    let served_on = decision.served_on.unwrap_or(course.today);
    if let Some(last) = appeal_due(conn, &course, served_on)?.filter(|last| course.today > *last) {
        return Err(Error::hinted(Code::WindowClosed, Hint::new("appeal_too_late").text("day", last)));
    }
    let appeal = Appeal {
        id: AppealId(ids::new_at(now)),
        evaluation_id: id,
        decision_number: decision.number,
        grounds: grounds.to_owned(),
        filed_at: now.naive_utc(),
        recount_asked_at: None,
        recount_asked_by: None,
        decided_at: None,
    };
    store::decisions::insert_appeal(conn, &appeal)?;
    course::enter(conn, &mut course, EvaluationAct::FileAppeal, None, course::alone(actor.account_id), now)?;
    record(conn, actor, "create_appeal", "appeal", appeal.id, &course, now)?;
    Ok(appeal)
}

fn appealable(decisions: &[Decision]) -> Result<&Decision> {
    course::standing(decisions).ok_or_else(|| Error::internal("a served decision is missing"))
}

/// Whether the decision that stands burdens the judge.
pub fn is_grave(course: &Course, decisions: &[Decision]) -> Result<bool> {
    Ok(outcome_of(course, appealable(decisions)?)?.is_unfavourable)
}

fn outcome_of<'a>(course: &'a Course, decision: &Decision) -> Result<&'a Outcome> {
    let code = decision.outcome.as_deref().unwrap_or_default();
    course.methodology.outcome(code).ok_or_else(|| Error::internal("a decision has no outcome of its methodology"))
}

/// 403 for whoever drafted, proposed or voted in the evaluation before the appeal (`domain.md` 5, rule 3).
pub fn check_had_no_part(conn: &mut Conn, actor: &Actor, id: EvaluationId) -> Result<()> {
    if had_part(conn, id)?.contains(&actor.account_id) { Err(Code::Forbidden.into()) } else { Ok(()) }
}

/// Who of the commission had part in what was drafted and decided.
fn had_part(conn: &mut Conn, id: EvaluationId) -> Result<BTreeSet<AccountId>> {
    let mut accounts: BTreeSet<AccountId> =
        store::proceedings::reports(conn, id)?.iter().map(|report| report.account_id).collect();
    let decisions = store::decisions::of_evaluation(conn, id)?;
    let of_commission: BTreeSet<_> = decisions.iter().filter(|one| one.appeal_id.is_none()).map(|one| one.id).collect();
    accounts.extend(decisions.iter().filter(|one| one.appeal_id.is_none()).map(|one| one.proposed_by));
    let votes = store::decisions::votes(conn, id)?;
    accounts.extend(votes.iter().filter(|vote| of_commission.contains(&vote.decision_id)).map(|vote| vote.account_id));
    Ok(accounts)
}

/// An appeal that is not decided, for a member of its panel.
fn load_open(conn: &mut Conn, actor: &Actor, id: AppealId, now: DateTime<Utc>) -> Result<(Appeal, Course)> {
    let appeal = store::decisions::find_appeal(conn, id)?;
    let evaluation_id = appeal.as_ref().map_or(EvaluationId(id.0), |appeal| appeal.evaluation_id);
    let seat = course::find_seat(conn, actor, evaluation_id)?;
    let appeal = appeal.ok_or(Code::NotFound)?;
    let (course, _) = course::load_seat(conn, actor, seat, StaffRole::AppealMember, now)?;
    course::check(&course, EvaluationAct::Uphold)?;
    if appeal.decided_at.is_some() {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("appeal_is_decided")));
    }
    check_had_no_part(conn, actor, appeal.evaluation_id)?;
    Ok((appeal, course))
}

/// Asks the auditors to recount the sealed reviews anew; until one who has not done so yet states a result, the appeal is not
/// decided. What was stated for an earlier appeal of the cycle serves.
///
/// # Errors
/// As for a proposal; 409 `already_exists` where it was asked for.
pub fn ask_recount(conn: &mut Conn, actor: &Actor, id: AppealId, now: DateTime<Utc>) -> Result<Appeal> {
    let (appeal, course) = load_open(conn, actor, id, now)?;
    if appeal.recount_asked_at.is_some() {
        return Err(Code::AlreadyExists.into());
    }
    store::decisions::ask_recount(conn, id, actor.account_id, now.naive_utc())?;
    record(conn, actor, "ask_for_recount", "appeal", id, &course, now)?;
    store::decisions::find_appeal(conn, id)?.ok_or_else(|| Error::internal("an appeal vanished"))
}

/// What auditors have stated on appeals against decisions of a cycle. A recount is of all its reviews, so that one stated for
/// another appeal serves as well: each auditor states one and the same result once.
pub fn recounted(conn: &mut Conn, cycle: CycleId) -> Result<Vec<RecountOutcome>> {
    match store::decisions::recount_first_asked_at(conn, cycle)? {
        Some(since) => store::recounts::stated_since(conn, cycle, since),
        None => Ok(Vec::new()),
    }
}

/// Whether an outcome would leave a result in place that a recount found wrong.
fn keeps_what_is_wrong(outcome: AppealOutcome, stated: &[RecountOutcome]) -> bool {
    let keeps = matches!(outcome, AppealOutcome::Upheld | AppealOutcome::Changed);
    keeps && stated.contains(&RecountOutcome::Mismatch)
}

/// Whether what was found by a recount lets a decision of the panel stand. What it voted for before it knew falls, so that it
/// can decide anew.
///
/// # Errors
/// 409 `guard_not_met` while a recount that was asked for is not stated.
pub fn stands_recounted(conn: &mut Conn, course: &Course, decision: &Decision) -> Result<bool> {
    let Some((appeal, outcome)) = decision.appeal_id.zip(decision.appeal_outcome) else { return Ok(true) };
    let is_asked = store::decisions::find_appeal(conn, appeal)?.is_some_and(|appeal| appeal.recount_asked_at.is_some());
    let stated = recounted(conn, course.evaluation.cycle_id)?;
    if is_asked && stated.is_empty() {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("recount_not_stated")));
    }
    Ok(!keeps_what_is_wrong(outcome, &stated))
}

/// Puts a decision on an appeal to the vote.
///
/// # Errors
/// 404 for whom it is not there; 403 for another role and for who had part before; 409 `wrong_phase`; 409 `guard_not_met` for
/// an outcome that leaves a result in place which a recount found wrong; 422 where there is an outcome without being asked for,
/// or none where one is, and for an outcome that burdens a judge whom the first did not.
pub fn propose(
    conn: &mut Conn,
    actor: &Actor,
    id: AppealId,
    (outcome, reasons): (AppealOutcome, &str),
    changed: Option<&Proposal>,
    now: DateTime<Utc>,
) -> Result<Decision> {
    let (appeal, course) = load_open(conn, actor, id, now)?;
    let mut check = Check::default();
    check_reasons(&mut check, "/reasons", reasons);
    check.rule(
        (outcome == AppealOutcome::Changed) == changed.is_some(),
        "/changed",
        Rule::Mismatch { other: "outcome" },
    );
    check.done()?;
    if keeps_what_is_wrong(outcome, &recounted(conn, course.evaluation.cycle_id)?) {
        return Err(Error::hinted(Code::GuardNotMet, Hint::new("recount_differs")));
    }
    if let Some(proposal) = changed {
        let decisions = store::decisions::of_evaluation(conn, appeal.evaluation_id)?;
        let before = outcome_of(&course, appealable(&decisions)?)?;
        let after = course.methodology.outcome(&proposal.outcome);
        let is_worse = after.is_some_and(|after| after.is_unfavourable) && !before.is_unfavourable;
        if is_worse || before.code == proposal.outcome {
            return Err(Error::invalid("/changed/outcome", Rule::Mismatch { other: "appeal" }));
        }
        // A judge whom the first decision burdened was heard before it.
        decisions::check_proposal(conn, &course, "/changed", proposal, (true, false))?;
    }
    let content = Content {
        reasons: Some(reasons.to_owned()),
        reasoning: changed.map(|proposal| proposal.reasoning.clone()),
        relies_on_peer_result: changed.is_some_and(|proposal| proposal.relies_on_peer_result),
    };
    let new_outcome = changed.map(|proposal| proposal.outcome.clone());
    let of = (None, Some(appeal.id));
    let decision = decisions::insert(conn, actor, &course, of, (Some(outcome), new_outcome), &content, now)?;
    record(conn, actor, "propose_appeal_decision", "decision", decision.id, &course, now)?;
    Ok(decision)
}

/// Carries out what the appeal panel decided.
pub fn apply(
    conn: &mut Conn,
    actor: &Actor,
    course: &mut Course,
    appeal: AppealId,
    decision: &Decision,
    now: DateTime<Utc>,
) -> Result<()> {
    let id = course.evaluation.id;
    let mover = course::alone(actor.account_id);
    let decisions = store::decisions::of_evaluation(conn, id)?;
    let first = appealable(&decisions)?.clone();
    let outcome = decision.appeal_outcome.ok_or_else(|| Error::internal("an appeal was decided without an outcome"))?;
    let act = match outcome {
        AppealOutcome::Upheld => EvaluationAct::Uphold,
        AppealOutcome::Changed => EvaluationAct::Change,
        AppealOutcome::Remitted => EvaluationAct::Remit,
        AppealOutcome::PeerPartAnnulled => EvaluationAct::AnnulPeerPart,
        AppealOutcome::NewEvaluationOrdered => EvaluationAct::OrderNewEvaluation,
    };
    course::enter(conn, course, act, None, mover, now)?;
    store::decisions::end_appeal(conn, appeal, now.naive_utc())?;
    if outcome != AppealOutcome::Upheld {
        store::decisions::set_status(conn, first.id, DecisionStatus::Replaced)?;
    }
    match outcome {
        AppealOutcome::Upheld => put_in_force(conn, course, &first, now)?,
        AppealOutcome::Changed => {
            let adopted = store::decisions::find(conn, decision.id)?;
            let adopted = adopted.ok_or_else(|| Error::internal("a decision vanished"))?;
            put_in_force(conn, course, &adopted, now)?;
        }
        AppealOutcome::Remitted | AppealOutcome::PeerPartAnnulled => bar_who_had_part(conn, id)?,
        AppealOutcome::NewEvaluationOrdered => request_repeat(conn, actor.account_id, course, decision, None, now)?,
    }
    let today = (course.today, Some(course.today));
    notices::of_course(conn, NoticeKind::AppealDecided, &course.evaluation, today, now)
}

/// Takes the evaluation from all who had part in it, for good.
pub fn bar_who_had_part(conn: &mut Conn, id: EvaluationId) -> Result<()> {
    for account in had_part(conn, id)? {
        store::recusals::bar(conn, id, account, BarCause::HadPart, None)?;
        store::members::delete(conn, id, account)?;
    }
    Ok(())
}

/// Puts a decision in force today, and tells the systems that ask for outcomes.
fn put_in_force(conn: &mut Conn, course: &Course, decision: &Decision, now: DateTime<Utc>) -> Result<()> {
    // What was said for development is the judge's own: no competition is told of it.
    let is_reusable = !course.methodology.is_developmental();
    let valid_until = is_reusable.then(|| months_after(course.today, course.methodology.time_limits.validity_months));
    store::decisions::put_in_force(conn, decision.id, course.today, valid_until)?;
    store::evaluations::set_final(conn, course.evaluation.id, Some(course.today))?;
    let outcome = outcome_of(course, decision)?;
    let of = |kind| NewEvent {
        evaluation_id: Some(course.evaluation.id),
        ..NewEvent::new(kind, course.evaluation.judge_id)
    };
    let document_digest = decision.digest.as_deref();
    let finalised = NewEvent {
        outcome_code: Some(&outcome.code),
        valid_until,
        document_digest,
        ..of(EventKind::EvaluationFinalised)
    };
    store::events::append(conn, finalised, now)?;
    if outcome.needs_training {
        store::events::append(conn, NewEvent { document_digest, ..of(EventKind::TrainingRecommended) }, now)?;
        // What training came to is told by the next evaluation, and by nothing before.
        let due_on = months_after(course.today, course.methodology.time_limits.repeat_after_months());
        request_repeat(conn, decision.proposed_by, course, decision, Some(due_on), now)?;
    }
    Ok(())
}

/// Notes that the judge is to be evaluated anew as a decision says, at once or from a day on, where no such request waits
/// already. By whom it was decided: a decision may come into force by the clock alone.
fn request_repeat(
    conn: &mut Conn,
    by: AccountId,
    course: &Course,
    decision: &Decision,
    due_on: Option<NaiveDate>,
    now: DateTime<Utc>,
) -> Result<()> {
    let judge = course.evaluation.judge_id;
    if store::evaluation_requests::is_open(conn, judge, RequestKind::Repeat)? {
        return Ok(());
    }
    let request = EvaluationRequest {
        id: EvaluationRequestId(ids::new_at(now)),
        judge_id: judge,
        kind: RequestKind::Repeat,
        filed_on: course.today,
        reference: Some(decision.id.to_string()),
        source_system: SOURCE_SYSTEM.to_owned(),
        received_at: now.naive_utc(),
        recorded_by: Some(by),
        recorded_by_client: None,
        is_open: true,
        ended_at: None,
        end_reason: None,
        due_on,
    };
    store::evaluation_requests::insert(conn, &request)?;
    let entry = store::audit::NewEntry::new(Some(by), "create_evaluation_request", "evaluation_request", request.id);
    store::audit::record(conn, entry.of_judge(judge), now)
}

/// Puts a served decision in force, as the time to appeal is over: by a person, or by the clock where there is none.
///
/// # Errors
/// 404; 409 `wrong_phase`; 409 `guard_not_met` with the day on which the time to appeal is over.
pub fn finalise(conn: &mut Conn, by: Option<AccountId>, id: EvaluationId, now: DateTime<Utc>) -> Result<Decision> {
    let mut course = course::load(conn, id, now)?;
    course::check(&course, EvaluationAct::Finalise)?;
    let decisions = store::decisions::of_evaluation(conn, id)?;
    let decision = appealable(&decisions)?;
    let served_on = decision.served_on.ok_or_else(|| Error::internal("a served decision has no day of service"))?;
    let hint = match appeal_due(conn, &course, served_on)? {
        Some(last) if course.today > last => None,
        Some(last) => Some(Hint::new("wait_until_over").text("day", last)),
        None => Some(Hint::new("appeal_time_paused").text("judge", course.evaluation.judge_id)),
    };
    if let Some(hint) = hint {
        return Err(Error::hinted(Code::GuardNotMet, hint));
    }
    let mover = by.map(|account_id| Mover { account_id, second: None, reason: None });
    course::enter(conn, &mut course, EvaluationAct::Finalise, None, mover, now)?;
    put_in_force(conn, &course, decision, now)?;
    let entry = store::audit::NewEntry::new(by, "finalise_evaluation", "evaluation", id);
    store::audit::record(conn, entry.of_judge(course.evaluation.judge_id), now)?;
    let today = (course.today, Some(course.today));
    notices::of_course(conn, NoticeKind::DecisionInForce, &course.evaluation, today, now)?;
    store::decisions::find(conn, decision.id)?.ok_or_else(|| Error::internal("a decision vanished"))
}
