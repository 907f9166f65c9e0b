//! To which members an evaluation is assigned, and what they may read by it. A newcomer's usual mistake is to check a
//! member when a decision is voted on: whoever may not act on a judge must not have read that judge's file before either.

use chrono::{DateTime, NaiveDate, Utc};

use super::{cycles, decisions};
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::evaluation::EvaluationState;
use crate::domain::ids::{AccountId, CycleId, EvaluationId, JudgeId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy;
use crate::domain::policy::{Actor, StaffRole};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::evaluations::Evaluation;
use crate::store::members::EvaluationMember;

/// Assigns an evaluation to a member; the judge who the member is, if any.
///
/// # Errors
/// 404 without the evaluation; 409 `wrong_phase` when it is over; 422 where the account is none of an open member; 409
/// `guard_not_met` where this member may not act on the subject, and once enough of the panel have voted on
/// a decision; 409 `already_exists` for a second rapporteur, too.
pub fn assign(
    conn: &mut Conn,
    actor: &Actor,
    member: &EvaluationMember,
    now: DateTime<Utc>,
) -> Result<Option<JudgeId>> {
    let evaluation = store::evaluations::find(conn, member.evaluation_id)?.ok_or(Code::NotFound)?;
    let today = check_under_way(conn, &evaluation, now)?;
    let account = store::accounts::find(conn, member.account_id)?
        .filter(|account| !account.is_closed && policy::is_of_commission(account.staff_role))
        .ok_or_else(|| Error::invalid("/account_id", Rule::Missing))?;
    // The appeal panel reads what others drafted.
    if member.is_rapporteur && account.staff_role != Some(StaffRole::Member) {
        return Err(Error::invalid("/is_rapporteur", Rule::Mismatch { other: "account_id" }));
    }
    let refused = |hint: Hint| Err(Error::hinted(Code::GuardNotMet, hint));
    if store::recusals::is_barred(conn, member.evaluation_id, member.account_id)? {
        return refused(Hint::new("member_is_barred"));
    }
    if store::members::count(conn, member.evaluation_id)? >= store::members::MEMBERS_MAX {
        return refused(Hint::new("members_full").text("most", store::members::MEMBERS_MAX));
    }
    if let Some(role) = account.staff_role {
        decisions::check_panel_is_free(conn, member.evaluation_id, role, true, now)?;
    }
    if let Some(judge) = account.judge_id {
        check_may_act(conn, evaluation.cycle_id, evaluation.judge_id, judge, today)?;
    }
    store::members::insert(conn, member)?;
    record(conn, actor, "assign_member", &evaluation, member.account_id, now)?;
    Ok(account.judge_id)
}

/// Takes an evaluation from a member.
///
/// # Errors
/// 404 where it is not assigned to the account; 409 `wrong_phase` when it is over; 409 `guard_not_met` while the panel votes.
pub fn remove(conn: &mut Conn, actor: &Actor, id: EvaluationId, account: AccountId, now: DateTime<Utc>) -> Result<()> {
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    if !store::members::is_assigned(conn, id, account)? {
        return Err(Code::NotFound.into());
    }
    check_under_way(conn, &evaluation, now)?;
    if let Some(role) = store::accounts::find(conn, account)?.and_then(|account| account.staff_role) {
        decisions::check_panel_is_free(conn, id, role, false, now)?;
    }
    store::members::delete(conn, id, account)?;
    record(conn, actor, "remove_member", &evaluation, account, now)
}

/// The calendar day where the evaluation takes place, while it does: who had part in it stays on record afterwards.
fn check_under_way(conn: &mut Conn, evaluation: &Evaluation, now: DateTime<Utc>) -> Result<NaiveDate> {
    let loaded = cycles::load(conn, evaluation.cycle_id)?;
    let is_over = matches!(loaded.cycle.phase, Phase::Closed | Phase::Cancelled);
    if is_over || evaluation.state == EvaluationState::Cancelled {
        return Err(Error::hinted(Code::WrongPhase, Hint::new("members_are_settled")));
    }
    Ok(loaded.today(now))
}

/// Why a member who is a judge stands too near to another judge to act on them, if so (`domain.md` 5, rule 2): the same
/// person, a colleague by any post that either holds today, or somebody in a declared conflict. The hint is for the
/// secretary alone, who reads declared conflicts anyway.
pub fn nearness(conn: &mut Conn, judge: JudgeId, member: JudgeId, today: NaiveDate) -> Result<Option<Hint>> {
    if member == judge {
        return Ok(Some(Hint::new("member_is_subject")));
    }
    let posts = store::positions::held_on(conn, judge, today)?;
    let member_posts = store::positions::held_on(conn, member, today)?;
    if posts.iter().any(|post| member_posts.iter().any(|own| own.court_id == post.court_id)) {
        return Ok(Some(Hint::new("member_of_same_court")));
    }
    let is_in_conflict = store::conflicts::is_declared(conn, [judge, member], today)?;
    Ok(is_in_conflict.then(|| Hint::new("member_in_conflict")))
}

/// Whether a member who is a judge may act on the subject.
fn check_may_act(conn: &mut Conn, cycle: CycleId, subject: JudgeId, member: JudgeId, today: NaiveDate) -> Result<()> {
    let refused = |hint: Hint| Err(Error::hinted(Code::GuardNotMet, hint));
    if let Some(hint) = nearness(conn, subject, member, today)? {
        return refused(hint);
    }
    // The pools leave the commission out; this is somebody who joined it after they were made.
    if store::pools::is_eligible(conn, cycle, member)? {
        return refused(Hint::new("member_in_pool"));
    }
    Ok(())
}

fn record(
    conn: &mut Conn,
    actor: &Actor,
    act: &str,
    evaluation: &Evaluation,
    account: AccountId,
    now: DateTime<Utc>,
) -> Result<()> {
    let object = format!("{}/{account}", evaluation.id);
    let entry = store::audit::NewEntry::new(Some(actor.account_id), act, "evaluation_member", object);
    store::audit::record(conn, entry.of_judge(evaluation.judge_id), now)?;
    Ok(())
}

/// The purpose under which somebody reads a judge's file or a part of it; the law is [`policy::may_read_file`].
pub fn file_purpose(conn: &mut Conn, actor: &Actor, judge: JudgeId, asked: Option<FilePurpose>) -> Result<FilePurpose> {
    let is_assigned = is_assigned(conn, actor, judge)?;
    policy::may_read_file(actor, judge, asked, is_assigned)
}

/// Only the commission is looked up: nobody else is assigned, and most readers are secretaries.
fn is_assigned(conn: &mut Conn, actor: &Actor, judge: JudgeId) -> Result<bool> {
    Ok(policy::is_of_commission(actor.staff_role) && store::members::is_under_way(conn, judge, actor.account_id)?)
}
