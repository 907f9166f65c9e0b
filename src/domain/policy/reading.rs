//! The law of access to reading packs. A newcomer's usual mistake is to let members of the commission read them: they decide
//! on what reviewers found, and act rows with their reasons are shown to them in the file.

use super::{Actor, StaffRole, allow};
use crate::domain::ids::JudgeId;
use crate::domain::judge_file::FilePurpose;
use crate::error::{Code, Result};

/// Lists of acts are filled, acts drawn, texts put in and checked, and packs frozen by secretaries; what needs another person
/// by another one.
pub fn may_prepare_packs(actor: &Actor) -> Result<()> {
    allow(actor.staff_role == Some(StaffRole::Secretary))
}

/// How far packs are is read by secretaries and auditors.
pub fn may_list_packs(actor: &Actor) -> Result<()> {
    allow(matches!(actor.staff_role, Some(StaffRole::Secretary | StaffRole::Auditor)))
}

/// What a pack holds is read by its subject, by secretaries, who make it, and by auditors; the answer is the purpose that
/// the reading is recorded under. To everybody else there is none: 404.
pub fn may_read_pack(actor: &Actor, subject: JudgeId) -> Result<FilePurpose> {
    if actor.judge_id == Some(subject) {
        return Ok(FilePurpose::OwnFile);
    }
    match actor.staff_role {
        Some(StaffRole::Secretary | StaffRole::Auditor) => Ok(FilePurpose::Evaluation),
        Some(StaffRole::Administrator | StaffRole::Member | StaffRole::AppealMember) | None => {
            Err(Code::NotFound.into())
        }
    }
}

/// The texts themselves are read by the subject and by secretaries; auditors have digests of them.
pub fn may_read_text(actor: &Actor, subject: JudgeId) -> Result<FilePurpose> {
    let purpose = may_read_pack(actor, subject)?;
    let is_own = purpose == FilePurpose::OwnFile;
    if is_own || may_prepare_packs(actor).is_ok() { Ok(purpose) } else { Err(Code::NotFound.into()) }
}

/// An act is objected to by the judge whose act it is; to everybody else it is not there.
pub fn may_object(actor: &Actor, subject: JudgeId) -> Result<()> {
    if actor.judge_id == Some(subject) { Ok(()) } else { Err(Code::NotFound.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::{AccountId, SessionId};

    fn actor(staff_role: Option<StaffRole>, judge: Option<u128>) -> Actor {
        Actor {
            account_id: AccountId(uuid::Uuid::nil()),
            session_id: SessionId(uuid::Uuid::nil()),
            staff_role,
            judge_id: judge.map(|number| JudgeId(uuid::Uuid::from_u128(number))),
        }
    }

    #[test]
    fn a_pack_is_made_by_secretaries_and_read_by_them_auditors_and_its_subject_alone() {
        let subject = JudgeId(uuid::Uuid::from_u128(1));
        for role in StaffRole::ALL.iter().copied() {
            let staff = actor(Some(role), None);
            let (makes, reads) =
                (role == StaffRole::Secretary, matches!(role, StaffRole::Secretary | StaffRole::Auditor));
            assert_eq!(may_prepare_packs(&staff).is_ok(), makes, "{role}");
            assert_eq!(may_list_packs(&staff).is_ok(), reads, "{role}");
            assert_eq!(may_read_pack(&staff, subject).is_ok(), reads, "{role}");
            assert_eq!(may_read_text(&staff, subject).is_ok(), makes, "{role}");
            assert_eq!(may_object(&staff, subject).unwrap_err().code(), Code::NotFound, "{role}");
        }
        assert_eq!(may_read_pack(&actor(None, Some(1)), subject).unwrap(), FilePurpose::OwnFile);
        assert!(may_object(&actor(None, Some(1)), subject).is_ok());
        assert!(may_read_text(&actor(None, Some(1)), subject).is_ok());
        assert_eq!(may_read_pack(&actor(None, Some(2)), subject).unwrap_err().code(), Code::NotFound);
        assert_eq!(may_object(&actor(None, Some(2)), subject).unwrap_err().code(), Code::NotFound);
        assert!(may_prepare_packs(&actor(None, Some(1))).is_err());
    }

    #[test]
    fn a_member_who_is_the_subject_reads_the_own_pack() {
        let subject = JudgeId(uuid::Uuid::from_u128(1));
        assert!(may_read_pack(&actor(Some(StaffRole::Member), Some(1)), subject).is_ok());
    }
}
