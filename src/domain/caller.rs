//! Who makes a request: a person or a machine client. What a newcomer would get wrong: a handler takes an `Actor`, which
//! only a person can be, so machines are refused before it runs; one that takes a [`Caller`] lets machines in, and must
//! ask [`policy`](crate::domain::policy) for the scope.

use crate::coded;
use crate::domain::ids::{AccountId, ClientId};
use crate::domain::judge_file::{Check, ExternalId};
use crate::domain::policy::Actor;
use crate::error::Rule;

coded! {
    /// What a machine client may do (`domain.md` 5); whatever is not named here, none may.
    Scope {
        /// Add courts, judges, posts, observations, reviewed acts and records of its own system; read none of them back.
        FileWrite = "file:write",
        /// Fetch the extracts that were issued to it.
        ResultsRead = "results:read",
        /// Read the events that the client is told, and say that it knows of a withdrawal.
        EventsRead = "events:read",
        /// Keep accounts by SCIM; no operation takes it yet.
        Scim = "scim",
    }
}

/// Whether a text may be the name that a person logs in with: 3 to 64 of `a-z 0-9 . _ -`.
pub fn is_login_name(text: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    (3..=64).contains(&text.len()) && text.chars().all(is_plain)
}

/// Who acts, as the audit log and the keys of repeats name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallerId {
    /// A person, by account.
    Account(AccountId),
    /// A machine client.
    Client(ClientId),
}

impl CallerId {
    /// The account, where it is a person.
    pub fn account(self) -> Option<AccountId> {
        match self {
            CallerId::Account(id) => Some(id),
            CallerId::Client(_) => None,
        }
    }

    /// The client, where it is a machine.
    pub fn client(self) -> Option<ClientId> {
        match self {
            CallerId::Account(_) => None,
            CallerId::Client(id) => Some(id),
        }
    }
}

impl std::fmt::Display for CallerId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CallerId::Account(id) => id.fmt(f),
            CallerId::Client(id) => id.fmt(f),
        }
    }
}

/// A machine client, as the registry has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// The client.
    pub client_id: ClientId,
    /// The one system of record that it speaks for.
    pub source_system: String,
    /// What its token was issued for and the client may still do.
    pub scopes: Vec<Scope>,
}

impl Machine {
    /// Whether it may do what the scope stands for.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }
}

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    /// Somebody with an account.
    Person(Actor),
    /// Another system.
    Machine(Machine),
}

impl Caller {
    /// Who acts, for the audit log and for repeats.
    pub fn id(&self) -> CallerId {
        match self {
            Caller::Person(actor) => actor.id(),
            Caller::Machine(machine) => CallerId::Client(machine.client_id),
        }
    }

    /// Whether it may tell what this system of record says: people for any, a machine for its own alone.
    pub fn speaks_for(&self, source_system: &str) -> bool {
        match self {
            Caller::Person(_) => true,
            Caller::Machine(machine) => machine.source_system == source_system,
        }
    }

    /// Notes a fault where a machine names another system of record than its own.
    pub fn check_source(&self, check: &mut Check, pointer: &str, named: &str) {
        let Caller::Machine(machine) = self else { return };
        let own = Rule::OneOf { allowed: machine.source_system.clone().into() };
        check.rule(named == machine.source_system, pointer, own);
    }

    /// Notes a fault where a machine adds a thing without its own system's name for it: nobody could tell whose it is.
    pub fn check_external_id(&self, check: &mut Check, pointer: &str, id: Option<&ExternalId>) {
        match id {
            Some(id) => self.check_source(check, &format!("{pointer}/source_system"), &id.source_system),
            None => check.rule(matches!(self, Caller::Person(_)), pointer, Rule::Required),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::SessionId;
    use crate::domain::policy::{StaffRole, may_write_files};

    fn machine(scopes: &[Scope]) -> Caller {
        let client_id = ClientId(uuid::Uuid::nil());
        Caller::Machine(Machine { client_id, source_system: "hr".to_owned(), scopes: scopes.to_vec() })
    }

    fn secretary() -> Caller {
        let id = uuid::Uuid::nil();
        let staff_role = Some(StaffRole::Secretary);
        Caller::Person(Actor { account_id: AccountId(id), session_id: SessionId(id), staff_role, judge_id: None })
    }

    fn is_refused(caller: &Caller, named: Option<&str>) -> bool {
        let id = named.map(|system| ExternalId { source_system: system.to_owned(), value: "1".to_owned() });
        let mut check = Check::default();
        caller.check_external_id(&mut check, "/external_id", id.as_ref());
        check.done().is_err()
    }

    #[test]
    fn files_are_written_with_one_scope_and_no_other() {
        for scope in Scope::ALL {
            assert_eq!(may_write_files(&machine(&[*scope])).is_ok(), *scope == Scope::FileWrite, "{scope}");
        }
        assert!(may_write_files(&machine(&[])).is_err());
    }

    #[test]
    fn a_machine_tells_of_its_own_system_alone_and_a_person_of_any() {
        let hr = machine(&[Scope::FileWrite]);
        assert!(!is_refused(&hr, Some("hr")) && is_refused(&hr, Some("toerelik")) && is_refused(&hr, None));
        assert!(hr.speaks_for("hr") && !hr.speaks_for("toerelik"));
        assert!(!is_refused(&secretary(), Some("toerelik")) && !is_refused(&secretary(), None));
        assert!(secretary().speaks_for("toerelik"));
    }

    #[test]
    fn a_caller_is_named_by_one_id() {
        assert_eq!(
            (machine(&[]).id().account(), machine(&[]).id().client()),
            (None, Some(ClientId(uuid::Uuid::nil())))
        );
        assert_eq!((secretary().id().account().is_some(), secretary().id().client()), (true, None));
    }
}
