//! The law of who reads what became of a file of records; who may send one stands in the module above. A newcomer's usual
//! mistake is to let every machine client read every file: of those of others, it learns nothing.

use super::{StaffRole, allow};
use crate::domain::caller::{Caller, Scope};
use crate::error::Result;

/// What became of a file of records is read by those who may send one, and by auditors; a client reads of its own files,
/// and others do not exist for it.
pub fn may_read_imports(caller: &Caller) -> Result<()> {
    allow(match caller {
        Caller::Person(actor) => actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor),
        Caller::Machine(machine) => machine.may(Scope::FileWrite),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::caller::Machine;
    use crate::domain::ids::ClientId;

    #[test]
    fn a_machine_client_reads_what_became_of_files_where_it_may_send_them() {
        for scope in Scope::ALL {
            let machine = Machine {
                client_id: ClientId(uuid::Uuid::nil()),
                source_system: "hr".to_owned(),
                scopes: vec![*scope],
            };
            let is_allowed = may_read_imports(&Caller::Machine(machine)).is_ok();
            assert_eq!(is_allowed, *scope == Scope::FileWrite, "{scope}");
        }
    }
}
