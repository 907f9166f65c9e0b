//! The law of the yearly figures; the rest is in the module above.

use super::{Actor, StaffRole, allow};
use crate::error::Result;

/// The figures of a year are made for the Council's report by secretaries.
pub fn may_make_statistics(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// They are read by secretaries and by auditors, who watch for bias (`domain.md` 5).
pub fn may_read_statistics(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, JudgeId, SessionId};

    #[test]
    fn secretaries_make_the_figures_of_a_year_and_auditors_read_them_too() {
        let id = uuid::Uuid::nil();
        let actor =
            |staff_role, judge_id| Actor { account_id: AccountId(id), session_id: SessionId(id), staff_role, judge_id };
        for role in StaffRole::ALL {
            let (is_secretary, is_auditor) = (*role == StaffRole::Secretary, *role == StaffRole::Auditor);
            assert_eq!(may_make_statistics(&actor(Some(*role), None)).is_ok(), is_secretary, "{role}");
            assert_eq!(may_read_statistics(&actor(Some(*role), None)).is_ok(), is_secretary || is_auditor, "{role}");
        }
        assert!(may_make_statistics(&actor(None, Some(JudgeId(id)))).is_err());
        assert!(may_read_statistics(&actor(None, Some(JudgeId(id)))).is_err());
    }
}
