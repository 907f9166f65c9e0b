//! The law of how long records are kept and of their end; the rest is in the module above.

use super::{Actor, StaffRole, allow};
use crate::error::Result;

/// How long records are kept is drafted by secretaries, adopted by two of them; so are holds set and lifted, and so is the
/// destruction of what was kept for its time asked for.
pub fn may_keep_retention(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// What is due, what holds it back and what was destroyed is read by secretaries and auditors, without a word of the records.
pub fn may_read_retention(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, JudgeId, SessionId};

    #[test]
    fn records_end_by_secretaries_and_auditors_look_on() {
        let id = uuid::Uuid::nil();
        let actor =
            |staff_role, judge_id| Actor { account_id: AccountId(id), session_id: SessionId(id), staff_role, judge_id };
        for role in StaffRole::ALL {
            let (keeps, reads) = (may_keep_retention, may_read_retention);
            assert_eq!(keeps(&actor(Some(*role), None)).is_ok(), *role == StaffRole::Secretary, "{role}");
            let is_let_in = matches!(role, StaffRole::Secretary | StaffRole::Auditor);
            assert_eq!(reads(&actor(Some(*role), None)).is_ok(), is_let_in, "{role}");
        }
        let judge = actor(None, Some(JudgeId(id)));
        assert!(may_keep_retention(&judge).is_err() && may_read_retention(&judge).is_err());
    }
}
