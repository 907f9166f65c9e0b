//! The law of extracts: who issues, sees and fetches them; the rest is in the module above.

use super::{Actor, StaffRole, allow, not_found_for_judges};
use crate::domain::caller::{Caller, Scope};
use crate::domain::ids::{ClientId, JudgeId};
use crate::error::{Code, Result};

/// Extracts are issued and revoked by secretaries.
pub fn may_issue_extracts(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// What extracts of a file were issued is read by secretaries and by its judge; for other judges the file does not exist.
pub fn may_list_extracts(actor: &Actor, judge_id: JudgeId) -> Result<()> {
    if actor.judge_id == Some(judge_id) {
        return Ok(());
    }
    not_found_for_judges(actor, allow(actor.is(StaffRole::Secretary)))
}

/// Extracts are read by people as [`may_list_extracts`] says, and fetched by systems with `results:read`; which of them are
/// theirs, [`may_read_extract`] says.
pub fn may_ask_for_extracts(caller: &Caller) -> Result<()> {
    match caller {
        // People learn by the answer that there is none for them.
        Caller::Person(_) => Ok(()),
        Caller::Machine(machine) => allow(machine.may(Scope::ResultsRead)),
    }
}

/// An extract is read by secretaries, by its judge, and by the one system that it was issued to; for everybody else there is
/// none: 404.
pub fn may_read_extract(caller: &Caller, judge_id: JudgeId, recipient: Option<ClientId>) -> Result<()> {
    let is_let_in = match caller {
        Caller::Person(actor) => actor.judge_id == Some(judge_id) || actor.is(StaffRole::Secretary),
        Caller::Machine(machine) => machine.may(Scope::ResultsRead) && recipient == Some(machine.client_id),
    };
    if is_let_in { Ok(()) } else { Err(Code::NotFound.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::caller::Machine;
    use crate::domain::ids::{AccountId, SessionId};
    use uuid::Uuid;

    fn actor(staff_role: Option<StaffRole>, judge: Option<u128>) -> Actor {
        let judge_id = judge.map(|number| JudgeId(Uuid::from_u128(number)));
        Actor { account_id: AccountId(Uuid::nil()), session_id: SessionId(Uuid::nil()), staff_role, judge_id }
    }

    fn machine(number: u128, scopes: &[Scope]) -> Caller {
        let client_id = ClientId(Uuid::from_u128(number));
        Caller::Machine(Machine { client_id, source_system: "hr".to_owned(), scopes: scopes.to_vec() })
    }

    #[test]
    fn secretaries_issue_and_they_and_the_judge_see() {
        let own = JudgeId(Uuid::from_u128(1));
        for role in StaffRole::ALL.iter().copied() {
            let is_secretary = role == StaffRole::Secretary;
            assert_eq!(may_issue_extracts(&actor(Some(role), None)).is_ok(), is_secretary, "{role}");
            assert_eq!(may_list_extracts(&actor(Some(role), None), own).is_ok(), is_secretary, "{role}");
            let read = may_read_extract(&Caller::Person(actor(Some(role), None)), own, None);
            assert_eq!(read.is_ok(), is_secretary, "{role}");
        }
        assert!(may_issue_extracts(&actor(None, Some(1))).is_err());
        assert!(may_list_extracts(&actor(None, Some(1)), own).is_ok());
        assert_eq!(may_list_extracts(&actor(None, Some(2)), own).unwrap_err().code(), Code::NotFound);
        let other = may_read_extract(&Caller::Person(actor(None, Some(2))), own, None);
        assert_eq!(other.unwrap_err().code(), Code::NotFound);
    }

    #[test]
    fn a_system_fetches_what_was_issued_to_it_with_the_scope_for_it_and_nothing_else() {
        let own = JudgeId(Uuid::from_u128(1));
        let issued_to = Some(ClientId(Uuid::from_u128(7)));
        assert!(may_read_extract(&machine(7, &[Scope::ResultsRead]), own, issued_to).is_ok());
        for (caller, to) in [
            (machine(8, &[Scope::ResultsRead]), issued_to),
            (machine(7, &[Scope::ResultsRead]), None),
            (machine(7, &[Scope::FileWrite, Scope::EventsRead, Scope::Scim]), issued_to),
        ] {
            assert_eq!(may_read_extract(&caller, own, to).unwrap_err().code(), Code::NotFound);
        }
        for scope in Scope::ALL {
            assert_eq!(may_ask_for_extracts(&machine(7, &[*scope])).is_ok(), *scope == Scope::ResultsRead);
        }
    }
}
