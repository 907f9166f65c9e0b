//! The law of events: who reads them, who says that a withdrawal is known, and who keeps the endpoints that they are sent to.

use super::{Actor, StaffRole, allow};
use crate::domain::caller::{Caller, Scope};
use crate::domain::ids::ClientId;
use crate::error::{Code, Result};

/// Whose events somebody reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSight {
    /// All of them.
    All,
    /// What every system is told, and what this one alone is told.
    Of(ClientId),
}

impl EventSight {
    /// The system that reads, where it is one.
    pub fn client(self) -> Option<ClientId> {
        match self {
            EventSight::All => None,
            EventSight::Of(client_id) => Some(client_id),
        }
    }
}

/// Events are read by machine clients with `events:read`, none of them what another one alone is told, and by auditors.
pub fn may_read_events(caller: &Caller) -> Result<EventSight> {
    match caller {
        Caller::Person(actor) => allow(actor.is(StaffRole::Auditor)).map(|()| EventSight::All),
        Caller::Machine(machine) => allow(machine.may(Scope::EventsRead)).map(|()| EventSight::Of(machine.client_id)),
    }
}

/// That an event is known is said by the machine client that was told, for itself.
pub fn may_acknowledge_events(caller: &Caller) -> Result<ClientId> {
    match caller {
        Caller::Machine(machine) if machine.may(Scope::EventsRead) => Ok(machine.client_id),
        Caller::Person(_) | Caller::Machine(_) => Err(Code::Forbidden.into()),
    }
}

/// Which system has not said that it knows of a withdrawal is read by secretaries, who ask it, and by auditors.
pub fn may_read_acknowledgements(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

/// Endpoints are made, changed, tried and given new secrets by administrators alone, as machine clients are.
pub fn may_manage_webhooks(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Administrator))
}

/// Endpoints and how deliveries stand are read by administrators, secretaries and auditors; a delivery names no judge.
pub fn may_read_webhooks(actor: &Actor) -> Result<()> {
    may_resend_deliveries(actor).or_else(|_| allow(actor.is(StaffRole::Auditor)))
}

/// What was given up, or did not get there though the receiver said so, is sent again by administrators and secretaries.
pub fn may_resend_deliveries(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Administrator) || actor.is(StaffRole::Secretary))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::caller::Machine;
    use crate::domain::ids::{AccountId, SessionId};
    use uuid::Uuid;

    fn machine(scopes: &[Scope]) -> Caller {
        let client_id = ClientId(Uuid::nil());
        Caller::Machine(Machine { client_id, source_system: "hr".to_owned(), scopes: scopes.to_vec() })
    }

    fn staff(staff_role: Option<StaffRole>) -> Actor {
        let (account_id, session_id) = (AccountId(Uuid::nil()), SessionId(Uuid::nil()));
        Actor { account_id, session_id, staff_role, judge_id: None }
    }

    #[test]
    fn events_are_for_systems_with_the_scope_and_for_auditors_and_for_nobody_else() {
        for scope in Scope::ALL {
            let is_reader = *scope == Scope::EventsRead;
            assert_eq!(may_read_events(&machine(&[*scope])).is_ok(), is_reader, "{scope}");
            assert_eq!(may_acknowledge_events(&machine(&[*scope])).is_ok(), is_reader, "{scope}");
        }
        let of = EventSight::Of(ClientId(Uuid::nil()));
        assert_eq!(may_read_events(&machine(&[Scope::EventsRead])).unwrap(), of);
        for role in StaffRole::ALL.iter().copied().map(Some).chain([None]) {
            let person = Caller::Person(staff(role));
            assert_eq!(may_read_events(&person).is_ok(), role == Some(StaffRole::Auditor), "{role:?}");
            assert!(may_acknowledge_events(&person).is_err(), "{role:?}");
        }
    }

    #[test]
    fn each_law_of_deliveries_lets_through_exactly_the_roles_it_names() {
        use StaffRole::{Administrator, Auditor, Secretary};
        type Law = fn(&Actor) -> Result<()>;
        let laws: [(Law, &[StaffRole]); 4] = [
            (may_read_acknowledgements, &[Secretary, Auditor]),
            (may_manage_webhooks, &[Administrator]),
            (may_read_webhooks, &[Administrator, Secretary, Auditor]),
            (may_resend_deliveries, &[Administrator, Secretary]),
        ];
        for (at, (law, lets_through)) in laws.into_iter().enumerate() {
            for role in StaffRole::ALL.iter().copied().map(Some).chain([None]) {
                let is_let_through = role.is_some_and(|role| lets_through.contains(&role));
                assert_eq!(law(&staff(role)).is_ok(), is_let_through, "{at}: {role:?}");
            }
        }
    }
}
