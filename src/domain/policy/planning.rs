//! The law of calendars, leaves, plans, requests and notices; the rest is in the module above.

use super::{Actor, StaffRole, allow, not_found_for_judges};
use crate::domain::caller::Caller;
use crate::domain::ids::{AccountId, JudgeId};
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::may_write_files;
use crate::error::{Code, Result};

/// Working-day calendars are entered by secretaries.
pub fn may_enter_calendars(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// Plans are made, changed and put forward by secretaries, two of whom approve one.
pub fn may_write_plans(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// Plans, whoever is due, and the figures of both are read by secretaries and auditors.
pub fn may_read_plans(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

/// The clocks of a judge are read by those who plan, by auditors, and by that judge; for other judges nothing is there. They
/// tell of leaves and suspensions: for others than the judge it is a reading of the file, for an evaluation.
pub fn may_read_clocks(actor: &Actor, judge_id: JudgeId) -> Result<FilePurpose> {
    if actor.judge_id == Some(judge_id) {
        return Ok(FilePurpose::OwnFile);
    }
    not_found_for_judges(actor, may_read_plans(actor))?;
    Ok(FilePurpose::Evaluation)
}

/// Requests for an evaluation are recorded by whoever writes files, and by a judge for the own person: a wish of the judge,
/// or an application that the judge files here.
pub fn may_request_evaluation(caller: &Caller, judge_id: JudgeId) -> Result<()> {
    match caller {
        Caller::Person(actor) if actor.judge_id == Some(judge_id) => Ok(()),
        Caller::Person(actor) => not_found_for_judges(actor, may_write_files(caller)),
        Caller::Machine(_) => may_write_files(caller),
    }
}

/// All notices with their deliveries are read by secretaries, who hand them over, and by auditors.
pub fn may_read_notices(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

/// One notice is read by the same, and by the person that it is for, if it is shown at all; to others there is none.
pub fn may_read_notice(actor: &Actor, account_id: AccountId, is_shown: bool) -> Result<()> {
    let is_let_in = may_read_notices(actor).is_ok() || (is_shown && actor.account_id == account_id);
    if is_let_in { Ok(()) } else { Err(Code::NotFound.into()) }
}

/// Deliveries are recorded, and mails sent again, by secretaries.
pub fn may_deliver_notices(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SessionId;

    fn actor(staff_role: Option<StaffRole>, judge: Option<u128>) -> Actor {
        let judge_id = judge.map(|number| JudgeId(uuid::Uuid::from_u128(number)));
        let account_id = AccountId(uuid::Uuid::nil());
        Actor { account_id, session_id: SessionId(uuid::Uuid::nil()), staff_role, judge_id }
    }

    #[test]
    fn secretaries_plan_and_auditors_look_on_and_nobody_else_of_the_staff_does() {
        for role in StaffRole::ALL.iter().copied() {
            let actor = actor(Some(role), None);
            let (is_secretary, is_auditor) = (role == StaffRole::Secretary, role == StaffRole::Auditor);
            for law in [may_enter_calendars, may_write_plans, may_deliver_notices] {
                assert_eq!(law(&actor).is_ok(), is_secretary, "{role}");
            }
            for law in [may_read_plans, may_read_notices] {
                assert_eq!(law(&actor).is_ok(), is_secretary || is_auditor, "{role}");
            }
            assert_eq!(may_read_clocks(&actor, JudgeId(uuid::Uuid::nil())).is_ok(), is_secretary || is_auditor);
        }
    }

    #[test]
    fn a_judge_asks_and_looks_for_the_own_person_and_nobody_elses_clock_is_there() {
        let judge = actor(None, Some(1));
        let (own, other) = (JudgeId(uuid::Uuid::from_u128(1)), JudgeId(uuid::Uuid::from_u128(2)));
        assert_eq!(may_read_clocks(&judge, own).unwrap(), FilePurpose::OwnFile);
        assert_eq!(may_read_clocks(&judge, other).unwrap_err().code(), Code::NotFound);
        let caller = Caller::Person(judge.clone());
        assert!(may_request_evaluation(&caller, own).is_ok());
        assert_eq!(may_request_evaluation(&caller, other).unwrap_err().code(), Code::NotFound);
        for law in [may_enter_calendars, may_write_plans, may_read_plans, may_read_notices, may_deliver_notices] {
            assert!(law(&judge).is_err());
        }
    }

    #[test]
    fn a_notice_is_there_for_its_person_and_the_staff_and_one_of_submission_for_the_staff_alone() {
        let judge = actor(None, Some(1));
        assert!(may_read_notice(&judge, judge.account_id, true).is_ok());
        assert_eq!(may_read_notice(&judge, judge.account_id, false).unwrap_err().code(), Code::NotFound);
        let other = AccountId(uuid::Uuid::from_u128(9));
        assert_eq!(may_read_notice(&judge, other, true).unwrap_err().code(), Code::NotFound);
        assert!(may_read_notice(&actor(Some(StaffRole::Secretary), None), other, false).is_ok());
        assert!(may_read_notice(&actor(Some(StaffRole::Member), None), other, true).is_err());
    }
}
