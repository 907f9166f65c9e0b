//! The law of extracts: who issues, sees and fetches them; the rest is in the module above.

use super::{Actor, StaffRole, allow, may_read_file, not_found_for_judges};
use crate::domain::caller::{Caller, Scope};
use crate::domain::ids::{ClientId, JudgeId};
use crate::domain::judge_file::FilePurpose;
use crate::error::{Code, Result};

/// Extracts are issued and revoked by secretaries.
pub fn may_issue_extracts(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// What extracts of a file were issued is read by secretaries and by its judge, for a purpose as the file is; for other judges
/// the file does not exist.
pub fn may_list_extracts(actor: &Actor, judge_id: JudgeId, asked: Option<FilePurpose>) -> Result<FilePurpose> {
    if actor.judge_id != Some(judge_id) {
        not_found_for_judges(actor, allow(actor.is(StaffRole::Secretary)))?;
    }
    may_read_file(actor, judge_id, asked, false)
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
/// none: 404. People read it for a purpose as they read the file; a system reads it for what it was issued for, which is none
/// of the file's purposes.
pub fn may_read_extract(
    caller: &Caller,
    judge_id: JudgeId,
    recipient: Option<ClientId>,
    asked: Option<FilePurpose>,
) -> Result<Option<FilePurpose>> {
    match caller {
        Caller::Person(actor) if actor.judge_id == Some(judge_id) || actor.is(StaffRole::Secretary) => {
            may_read_file(actor, judge_id, asked, false).map(Some)
        }
        Caller::Machine(machine) if machine.may(Scope::ResultsRead) && recipient == Some(machine.client_id) => {
            allow(asked.is_none()).map(|()| None)
        }
        Caller::Person(_) | Caller::Machine(_) => Err(Code::NotFound.into()),
    }
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
            let why = Some(FilePurpose::Personnel);
            assert_eq!(may_list_extracts(&actor(Some(role), None), own, why).is_ok(), is_secretary, "{role}");
            let read = may_read_extract(&Caller::Person(actor(Some(role), None)), own, None, why);
            assert_eq!(read.is_ok(), is_secretary, "{role}");
        }
        assert!(may_issue_extracts(&actor(None, Some(1))).is_err());
        assert_eq!(may_list_extracts(&actor(None, Some(1)), own, None).unwrap(), FilePurpose::OwnFile);
        assert_eq!(may_list_extracts(&actor(None, Some(2)), own, None).unwrap_err().code(), Code::NotFound);
        let other = may_read_extract(&Caller::Person(actor(None, Some(2))), own, None, None);
        assert_eq!(other.unwrap_err().code(), Code::NotFound);
        let secretary = actor(Some(StaffRole::Secretary), None);
        assert_eq!(may_list_extracts(&secretary, own, None).unwrap_err().code(), Code::Malformed);
        let unnamed = may_read_extract(&Caller::Person(secretary), own, None, None);
        assert_eq!(unnamed.unwrap_err().code(), Code::Malformed);
    }

    #[test]
    fn a_system_fetches_what_was_issued_to_it_with_the_scope_for_it_and_nothing_else() {
        let own = JudgeId(Uuid::from_u128(1));
        let issued_to = Some(ClientId(Uuid::from_u128(7)));
        let reader = machine(7, &[Scope::ResultsRead]);
        assert_eq!(may_read_extract(&reader, own, issued_to, None).unwrap(), None);
        let why = Some(FilePurpose::Personnel);
        assert_eq!(may_read_extract(&reader, own, issued_to, why).unwrap_err().code(), Code::Forbidden);
        for (caller, to) in [
            (machine(8, &[Scope::ResultsRead]), issued_to),
            (machine(7, &[Scope::ResultsRead]), None),
            (machine(7, &[Scope::FileWrite, Scope::EventsRead, Scope::Scim]), issued_to),
        ] {
            assert_eq!(may_read_extract(&caller, own, to, None).unwrap_err().code(), Code::NotFound);
        }
        for scope in Scope::ALL {
            assert_eq!(may_ask_for_extracts(&machine(7, &[*scope])).is_ok(), *scope == Scope::ResultsRead);
        }
    }
}
