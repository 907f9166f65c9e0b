//! The law of who finds a judge answerable for what a higher court changed, and of who reads sums over courts; the rest is in
//! the module above.

use super::{Actor, StaffRole, allow};
use crate::error::Result;

/// Whether a judge answers for it is found by members; that an evaluation of the judge is assigned to them, the handler
/// asks the registry.
pub fn may_attribute_acts(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Member))
}

/// Sums over the courts of a region are read by secretaries, who may read each file behind them.
pub fn may_read_overviews(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, JudgeId, SessionId};

    #[test]
    fn members_find_a_judge_answerable_and_secretaries_read_sums_and_nobody_else_does() {
        let id = uuid::Uuid::nil();
        let actor =
            |staff_role, judge_id| Actor { account_id: AccountId(id), session_id: SessionId(id), staff_role, judge_id };
        for role in StaffRole::ALL {
            let is_member = *role == StaffRole::Member;
            assert_eq!(may_attribute_acts(&actor(Some(*role), None)).is_ok(), is_member, "{role}");
            let is_secretary = *role == StaffRole::Secretary;
            assert_eq!(may_read_overviews(&actor(Some(*role), None)).is_ok(), is_secretary, "{role}");
        }
        assert!(may_read_overviews(&actor(None, Some(JudgeId(id)))).is_err());
        assert!(may_attribute_acts(&actor(None, Some(JudgeId(id)))).is_err());
    }
}
