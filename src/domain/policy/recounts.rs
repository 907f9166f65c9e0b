//! The law of who reads what auditors found; who may recount stands in the module above. A newcomer's usual mistake is to
//! leave the judge out: who is judged by figures may know that they were recounted, and by how many.

use super::{Actor, may_read_cycles};
use crate::domain::cycle::Phase;
use crate::error::{Code, Result};

/// What auditors stated is read by whoever reads cycles and, once the cycle reports, by the judges who are evaluated in it
/// (`privacy.md` 12, P-6); to other judges there is nothing: 404. `phase` is `None` where there is no such cycle.
pub fn may_read_recounts(actor: &Actor, phase: Option<Phase>, is_subject: bool) -> Result<()> {
    let is_told = is_subject && matches!(phase, Some(Phase::Reporting | Phase::Closed));
    match may_read_cycles(actor) {
        Err(_) if is_told => Ok(()),
        Err(_) if actor.judge_id.is_some() => Err(Code::NotFound.into()),
        allowed => allowed,
    }
}

#[cfg(test)]
mod tests {
    use super::super::StaffRole;
    use super::*;
    use crate::domain::ids::{AccountId, JudgeId, SessionId};

    #[test]
    fn staff_read_what_auditors_found_and_judges_that_of_their_own_cycle_once_it_reports() {
        let id = uuid::Uuid::nil();
        let actor =
            |staff_role, judge_id| Actor { account_id: AccountId(id), session_id: SessionId(id), staff_role, judge_id };
        let told = |actor: &Actor, phase, is_subject| {
            may_read_recounts(actor, phase, is_subject).map_err(|refused| refused.code())
        };
        let judge = actor(None, Some(JudgeId(id)));
        assert_eq!(told(&judge, Some(Phase::Reporting), true), Ok(()));
        assert_eq!(told(&judge, Some(Phase::Closed), true), Ok(()));
        for (phase, is_subject) in [(Some(Phase::Reporting), false), (Some(Phase::Sealed), true), (None, true)] {
            assert_eq!(told(&judge, phase, is_subject), Err(Code::NotFound), "{phase:?}");
        }
        for role in StaffRole::ALL {
            let expected = if *role == StaffRole::Administrator { Err(Code::Forbidden) } else { Ok(()) };
            assert_eq!(told(&actor(Some(*role), None), Some(Phase::Sealed), false), expected, "{role}");
        }
    }
}
