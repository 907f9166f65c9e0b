//! The law of what follows the count; the rest is in the module above. That a member is not the subject, not too near to the
//! judge and had no part before is looked up with the evaluation (`workflow::course`).

use super::{Actor, StaffRole, allow};
use crate::domain::ids::JudgeId;
use crate::error::{Code, Result};

/// Reports and decisions of the commission are drafted and proposed by its members.
pub fn may_draft(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Member))
}

/// Decisions are voted on, requests about members are decided, and members step back, in the commission and the appeal panel.
pub fn may_sit(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Member) || actor.is(StaffRole::AppealMember))
}

/// Appeals are decided by the appeal panel, which may ask for a recount.
pub fn may_decide_appeals(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::AppealMember))
}

/// Hearings are arranged, votes ended, reports and decisions served by secretaries, who have no vote.
pub fn may_run_proceedings(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// How much of the proceedings somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProceedingsSight {
    /// All of it, but votes on what is still voted on.
    Whole,
    /// What was served on the judge and what the judge filed.
    Own,
}

/// Proceedings are read by secretaries, auditors, members to whom the evaluation is assigned, and the judge; to everybody else
/// there are none. Nobody reads their own in another role.
pub fn may_read_proceedings(actor: &Actor, subject: JudgeId, is_assigned: bool) -> Result<ProceedingsSight> {
    if actor.judge_id == Some(subject) {
        return Ok(ProceedingsSight::Own);
    }
    match actor.staff_role {
        Some(StaffRole::Secretary | StaffRole::Auditor) => Ok(ProceedingsSight::Whole),
        Some(StaffRole::Member | StaffRole::AppealMember) if is_assigned => Ok(ProceedingsSight::Whole),
        Some(StaffRole::Administrator | StaffRole::Member | StaffRole::AppealMember) | None => {
            Err(Code::NotFound.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, SessionId};

    fn actor(staff_role: Option<StaffRole>, judge: Option<u128>) -> Actor {
        let judge_id = judge.map(|number| JudgeId(uuid::Uuid::from_u128(number)));
        let account_id = AccountId(uuid::Uuid::nil());
        Actor { account_id, session_id: SessionId(uuid::Uuid::nil()), staff_role, judge_id }
    }

    #[test]
    fn each_law_lets_through_exactly_the_roles_it_names() {
        use StaffRole::{AppealMember, Member, Secretary};
        type Law = fn(&Actor) -> Result<()>;
        let laws: [(Law, &[StaffRole]); 4] = [
            (may_draft, &[Member]),
            (may_sit, &[Member, AppealMember]),
            (may_decide_appeals, &[AppealMember]),
            (may_run_proceedings, &[Secretary]),
        ];
        for (law, roles) in laws {
            for role in StaffRole::ALL {
                assert_eq!(law(&actor(Some(*role), None)).is_ok(), roles.contains(role), "{role}");
            }
            assert!(law(&actor(None, Some(1))).is_err());
        }
    }

    #[test]
    fn proceedings_are_there_for_whoever_acts_in_them_and_the_own_ones_for_the_judge_in_any_role() {
        let (own, other) = (JudgeId(uuid::Uuid::from_u128(1)), JudgeId(uuid::Uuid::from_u128(2)));
        for role in [None, Some(StaffRole::Member), Some(StaffRole::AppealMember)] {
            for is_assigned in [false, true] {
                let found = may_read_proceedings(&actor(role, Some(1)), own, is_assigned).unwrap();
                assert_eq!(found, ProceedingsSight::Own);
            }
            assert!(may_read_proceedings(&actor(role, Some(1)), other, false).is_err(), "{role:?}");
        }
        for role in StaffRole::ALL.iter().copied() {
            let found = may_read_proceedings(&actor(Some(role), None), own, true).ok();
            let is_let_in = role != StaffRole::Administrator;
            assert_eq!(found, is_let_in.then_some(ProceedingsSight::Whole), "{role}");
        }
    }
}
