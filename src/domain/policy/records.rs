//! The law of access to the file's sections, its documents and its access history; the rest is in the module above.

use super::{Actor, StaffRole, allow, not_found_for_judges};
use crate::domain::ids::JudgeId;
use crate::error::{Code, Result};

/// What a judge declared is confirmed by secretaries.
pub fn may_confirm_records(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// Who reaches the age limit is listed by secretaries alone: it tells birth dates.
pub fn may_list_age_limits(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// Documents are put into a file by its judge and by secretaries; for other judges the file does not exist.
pub fn may_add_documents(actor: &Actor, judge_id: JudgeId) -> Result<()> {
    if actor.judge_id == Some(judge_id) {
        return Ok(());
    }
    not_found_for_judges(actor, allow(actor.is(StaffRole::Secretary)))
}

/// Who read a file is told to its judge alone; auditors have the audit log.
pub fn may_read_access_history(actor: &Actor, judge_id: JudgeId) -> Result<()> {
    if actor.judge_id == Some(judge_id) {
        return Ok(());
    }
    not_found_for_judges(actor, Err(Code::Forbidden.into()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, SessionId};

    fn actor(staff_role: Option<StaffRole>, judge: Option<u128>) -> Actor {
        let judge_id = judge.map(|number| JudgeId(uuid::Uuid::from_u128(number)));
        Actor {
            account_id: AccountId(uuid::Uuid::nil()),
            session_id: SessionId(uuid::Uuid::nil()),
            staff_role,
            judge_id,
        }
    }

    #[test]
    fn documents_come_from_the_judge_and_from_secretaries_and_the_history_is_the_judges_alone() {
        let own = JudgeId(uuid::Uuid::from_u128(1));
        for role in StaffRole::ALL.iter().copied() {
            let is_secretary = role == StaffRole::Secretary;
            assert_eq!(may_add_documents(&actor(Some(role), None), own).is_ok(), is_secretary, "{role}");
            assert_eq!(may_confirm_records(&actor(Some(role), None)).is_ok(), is_secretary, "{role}");
            assert_eq!(may_list_age_limits(&actor(Some(role), None)).is_ok(), is_secretary, "{role}");
            assert_eq!(may_read_access_history(&actor(Some(role), None), own).unwrap_err().code(), Code::Forbidden);
        }
        assert!(may_add_documents(&actor(None, Some(1)), own).is_ok());
        assert!(may_read_access_history(&actor(None, Some(1)), own).is_ok());
        assert!(may_confirm_records(&actor(None, Some(1))).is_err());
        assert!(may_list_age_limits(&actor(None, Some(1))).is_err());
        assert_eq!(may_add_documents(&actor(None, Some(2)), own).unwrap_err().code(), Code::NotFound);
        assert_eq!(may_read_access_history(&actor(None, Some(2)), own).unwrap_err().code(), Code::NotFound);
    }

    #[test]
    fn a_member_who_is_a_judge_adds_documents_to_the_own_file_and_to_no_other() {
        let member = actor(Some(StaffRole::Member), Some(7));
        assert!(may_add_documents(&member, JudgeId(uuid::Uuid::from_u128(7))).is_ok());
        let other = may_add_documents(&member, JudgeId(uuid::Uuid::from_u128(8)));
        assert_eq!(other.unwrap_err().code(), Code::Forbidden);
    }
}
