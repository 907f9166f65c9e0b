//! The whole access law in one place: who may do what. Deny by default: a `may_…` that does not say yes says no.
//! A newcomer's usual mistake is to ask for a role in a handler; the handler asks here, and the test of every operation
//! with every role reads the same law.

pub mod acts;
pub mod deciding;
pub mod events;
pub mod extracts;
pub mod imports;
pub mod planning;
pub mod reading;
pub mod records;
pub mod recounts;
pub mod retention;
pub mod statistics;

use crate::coded;
use crate::domain::caller::{Caller, CallerId, Scope};
use crate::domain::cycle::Phase;
use crate::domain::ids::{AccountId, JudgeId, SessionId};
use crate::domain::judge_file::FilePurpose;
use crate::error::{Code, Error, Fault, Result, Rule};

coded! {
    /// The role of a member of the Council's staff or of a commission (`domain.md` 5); they exclude one another.
    StaffRole {
        /// Technical staff: accounts, keys, configuration; no business data.
        Administrator = "administrator",
        /// Council staff: plans cycles, fills files, serves acts.
        Secretary = "secretary",
        /// A commission member: reads assigned evaluations, drafts, votes.
        Member = "member",
        /// A member of the appeal panel.
        AppealMember = "appeal_member",
        /// Independent: verifies draws, seals, logs; recounts.
        Auditor = "auditor",
    }
}

/// Who makes a request: an account with what it may be, as the registry has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account.
    pub account_id: AccountId,
    /// The log-in by which it is here.
    pub session_id: SessionId,
    /// Its staff role, if any.
    pub staff_role: Option<StaffRole>,
    /// The judge it is the account of, if any.
    pub judge_id: Option<JudgeId>,
}

impl Actor {
    fn is(&self, role: StaffRole) -> bool {
        self.staff_role == Some(role)
    }

    /// Who acts, for the audit log and for repeats.
    pub fn id(&self) -> CallerId {
        CallerId::Account(self.account_id)
    }

    /// The judge whose account this is; 403 for staff without a judge's account.
    pub fn judge(&self) -> Result<JudgeId> {
        self.judge_id.ok_or_else(|| Code::Forbidden.into())
    }
}

fn allow(is_allowed: bool) -> Result<()> {
    if is_allowed { Ok(()) } else { Err(Code::Forbidden.into()) }
}

/// Accounts are made, changed and closed by administrators alone.
pub fn may_manage_accounts(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Administrator))
}

/// Accounts are listed by administrators and read by auditors.
pub fn may_read_accounts(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Administrator) || actor.is(StaffRole::Auditor))
}

/// Machine clients are made, changed, closed and given new secrets by administrators alone.
pub fn may_manage_clients(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Administrator))
}

/// Machine clients are listed by administrators and auditors.
pub fn may_read_clients(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Administrator) || actor.is(StaffRole::Auditor))
}

/// The audit log is read by auditors alone.
pub fn may_read_audit_log(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Auditor))
}

/// Acts of two persons are asked for and confirmed by secretaries; auditors may look on.
pub fn may_read_approvals(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

/// See [`may_read_approvals`].
pub fn may_confirm_approvals(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// Keys, manifest, ledgers and results of a cycle are asked for by secretaries.
pub fn may_run_issuance(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// How many credentials are collected is read by secretaries and auditors.
pub fn may_read_issuance(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

/// Long work is watched by those who may ask for it, and by auditors.
pub fn may_read_jobs(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

/// How much of a result somebody sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultSight {
    /// All that may be published.
    Full,
    /// Only what it may be used for.
    Status,
}

/// A result is read by auditors, who recount it; once the cycle reports, by the subject and by the members and appeal
/// members to whom the evaluation is assigned; its status by secretaries. Nothing lies before the commission that the
/// judge cannot see (`privacy.md` 12, P-1). Nobody reads their own in another role, and to everybody else there is none:
/// 404.
pub fn may_read_result(actor: &Actor, subject: JudgeId, phase: Phase, is_assigned: bool) -> Result<ResultSight> {
    let is_shown = matches!(phase, Phase::Reporting | Phase::Closed);
    if actor.judge_id == Some(subject) {
        return if is_shown { Ok(ResultSight::Full) } else { Err(Code::NotFound.into()) };
    }
    match actor.staff_role {
        Some(StaffRole::Auditor) => Ok(ResultSight::Full),
        Some(StaffRole::Member | StaffRole::AppealMember) if is_assigned && is_shown => Ok(ResultSight::Full),
        Some(StaffRole::Secretary) => Ok(ResultSight::Status),
        Some(StaffRole::Administrator | StaffRole::Member | StaffRole::AppealMember) | None => {
            Err(Code::NotFound.into())
        }
    }
}

/// Evaluations are assigned to members by secretaries.
pub fn may_assign_members(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// Whom an evaluation is assigned to is read by secretaries and auditors, and by its subject, who must be able to object;
/// to everybody else it is not there.
pub fn may_read_members(actor: &Actor, subject: JudgeId) -> Result<()> {
    let is_let_in = actor.judge_id == Some(subject) || actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor);
    if is_let_in { Ok(()) } else { Err(Code::NotFound.into()) }
}

/// Whether somebody is of the commission or its appeal panel: they alone are assigned to evaluations.
pub fn is_of_commission(staff_role: Option<StaffRole>) -> bool {
    matches!(staff_role, Some(StaffRole::Member | StaffRole::AppealMember))
}

/// Methodologies are drafted and put forward by secretaries.
pub fn may_write_methodologies(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// Drafts of methodologies are read by all staff but administrators; published ones by everybody.
pub fn may_read_draft_methodologies(actor: &Actor) -> Result<()> {
    allow(actor.staff_role.is_some_and(|role| role != StaffRole::Administrator))
}

/// Cycles are planned, moved and cancelled by secretaries; the moves that need two persons by two of them.
pub fn may_run_cycles(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// Cycles, evaluations and pools are read by all staff but administrators, who have no business data.
pub fn may_read_cycles(actor: &Actor) -> Result<()> {
    allow(actor.staff_role.is_some_and(|role| role != StaffRole::Administrator))
}

/// Challenges are decided by members of the commission.
pub fn may_decide_challenges(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Member))
}

/// The seed and the record of a draw are opened to auditors alone: with the pool, they are the panel.
pub fn may_open_draws(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Auditor))
}

/// Sealed bundles are opened to auditors alone, who state how their recount ended: a bundle holds every review.
pub fn may_recount(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Auditor))
}

/// How many reviews were accepted is read by members of the commission and auditors, after the seal.
pub fn may_read_accepted_counts(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Member) || actor.is(StaffRole::Auditor))
}

/// Courts and the catalogue of indicators are read by everybody but administrators, who have no business data.
pub fn may_read_catalogues(actor: &Actor) -> Result<()> {
    allow(actor.judge_id.is_some() || (actor.staff_role.is_some() && !actor.is(StaffRole::Administrator)))
}

/// Courts, judges and the records of files are written by secretaries, and by machine clients with `file:write`; of what
/// source a client may tell, [`Caller::check_source`] says.
pub fn may_write_files(caller: &Caller) -> Result<()> {
    allow(match caller {
        Caller::Person(actor) => actor.is(StaffRole::Secretary),
        Caller::Machine(machine) => machine.may(Scope::FileWrite),
    })
}

/// Who is a judge, by name: secretaries and auditors. It is what stands in public acts, and no part of the file.
pub fn may_list_judges(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

/// One judge by name: the same, and the judge; for other judges nothing is there.
pub fn may_read_judge(actor: &Actor, judge_id: JudgeId) -> Result<()> {
    if actor.judge_id == Some(judge_id) { Ok(()) } else { not_found_for_judges(actor, may_list_judges(actor)) }
}

/// A judge is found by IIN or by another system's name by secretaries alone, for a purpose, which nobody's own file is.
pub fn may_look_up_judges(actor: &Actor, purpose: FilePurpose) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) && purpose != FilePurpose::OwnFile)
}

/// A judge's file, and every part of it, is read by that judge, and by others for a purpose that they name; the answer is the
/// purpose that the reading is recorded under, which the judge sees. Nobody's purpose is guessed.
///
/// Secretaries read it; members and appeal members for the evaluation while one of that judge is assigned to them (`is_assigned`);
/// otherwise it does not exist for them. Auditors see who read, not what.
pub fn may_read_file(
    actor: &Actor,
    judge_id: JudgeId,
    asked: Option<FilePurpose>,
    is_assigned: bool,
) -> Result<FilePurpose> {
    let is_own = actor.judge_id == Some(judge_id);
    let is_of_commission = is_of_commission(actor.staff_role);
    match asked {
        None | Some(FilePurpose::OwnFile) if is_own => Ok(FilePurpose::OwnFile),
        Some(FilePurpose::Evaluation | FilePurpose::Personnel | FilePurpose::Correction) if is_own => {
            Err(Code::Forbidden.into())
        }
        _ if is_of_commission && !is_assigned => Err(Code::NotFound.into()),
        Some(FilePurpose::Personnel | FilePurpose::Correction) if is_of_commission => Err(Code::Forbidden.into()),
        _ if !is_of_commission && !actor.is(StaffRole::Secretary) => {
            not_found_for_judges(actor, Err(Code::Forbidden.into()))
        }
        None => Err(Error::faults(Code::Malformed, vec![Fault::parameter("purpose", Rule::Required)])),
        Some(FilePurpose::OwnFile) => Err(Code::Forbidden.into()),
        Some(purpose) => Ok(purpose),
    }
}

/// The correction of a record is asked for by the judge whose file it is in.
pub fn may_request_correction(actor: &Actor, judge_id: JudgeId) -> Result<()> {
    if actor.judge_id == Some(judge_id) {
        return Ok(());
    }
    not_found_for_judges(actor, Err(Code::Forbidden.into()))
}

/// Requests for correction are decided by secretaries.
pub fn may_decide_corrections(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary))
}

/// A conflict is declared by a secretary for anyone, and by a judge for pairs with that judge in them.
pub fn may_declare_conflict(actor: &Actor, pair: [JudgeId; 2]) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.judge_id.is_some_and(|judge_id| pair.contains(&judge_id)))
}

/// Conflicts are confidential: secretaries and auditors.
pub fn may_read_conflicts(actor: &Actor) -> Result<()> {
    allow(actor.is(StaffRole::Secretary) || actor.is(StaffRole::Auditor))
}

/// To a judge without a staff role, another judge's file does not exist: "not yours" would tell that it does.
fn not_found_for_judges<T>(actor: &Actor, verdict: Result<T>) -> Result<T> {
    if actor.staff_role.is_none() { Err(Code::NotFound.into()) } else { verdict }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn actor(staff_role: Option<StaffRole>) -> Actor {
        let id = uuid::Uuid::nil();
        let judge_id = if staff_role.is_none() { Some(JudgeId(id)) } else { None };
        Actor { account_id: AccountId(id), session_id: SessionId(id), staff_role, judge_id }
    }

    /// Each law with the staff roles that it lets through; everybody else is refused.
    #[test]
    fn each_law_lets_through_exactly_the_roles_it_names() {
        use StaffRole::{Administrator, AppealMember, Auditor, Member, Secretary};
        type Law = fn(&Actor) -> Result<()>;
        let laws: &[(&str, Law, &[StaffRole])] = &[
            ("may_manage_accounts", may_manage_accounts, &[Administrator]),
            ("may_read_accounts", may_read_accounts, &[Administrator, Auditor]),
            ("may_manage_clients", may_manage_clients, &[Administrator]),
            ("may_read_clients", may_read_clients, &[Administrator, Auditor]),
            ("may_read_audit_log", may_read_audit_log, &[Auditor]),
            ("may_read_approvals", may_read_approvals, &[Secretary, Auditor]),
            ("may_confirm_approvals", may_confirm_approvals, &[Secretary]),
            ("may_run_issuance", may_run_issuance, &[Secretary]),
            ("may_read_issuance", may_read_issuance, &[Secretary, Auditor]),
            ("may_read_jobs", may_read_jobs, &[Secretary, Auditor]),
            ("may_write_methodologies", may_write_methodologies, &[Secretary]),
            ("may_run_cycles", may_run_cycles, &[Secretary]),
            ("may_read_cycles", may_read_cycles, &[Secretary, Member, AppealMember, Auditor]),
            ("may_assign_members", may_assign_members, &[Secretary]),
            ("may_decide_challenges", may_decide_challenges, &[Member]),
            ("may_open_draws", may_open_draws, &[Auditor]),
            ("may_read_draft_methodologies", may_read_draft_methodologies, &[Secretary, Member, AppealMember, Auditor]),
            ("may_write_files", |actor| may_write_files(&Caller::Person(actor.clone())), &[Secretary]),
            (
                "may_read_imports",
                |actor| imports::may_read_imports(&Caller::Person(actor.clone())),
                &[Secretary, Auditor],
            ),
            ("may_list_judges", may_list_judges, &[Secretary, Auditor]),
            ("may_look_up_judges", |actor| may_look_up_judges(actor, FilePurpose::Personnel), &[Secretary]),
            ("may_decide_corrections", may_decide_corrections, &[Secretary]),
            ("may_read_conflicts", may_read_conflicts, &[Secretary, Auditor]),
        ];
        for (name, law, roles) in laws {
            for role in StaffRole::ALL {
                assert_eq!(law(&actor(Some(*role))).is_ok(), roles.contains(role), "{name} for {role}");
            }
            assert!(law(&actor(None)).is_err(), "{name} for a judge");
        }
    }

    fn judge(number: u128) -> JudgeId {
        JudgeId(uuid::Uuid::from_u128(number))
    }

    /// The code with which a law refuses, or nothing.
    fn refusal<T>(verdict: Result<T>) -> Option<Code> {
        verdict.err().map(|error| error.code())
    }

    #[test]
    fn catalogues_are_closed_to_administrators_alone() {
        for role in StaffRole::ALL {
            let is_closed = may_read_catalogues(&actor(Some(*role))).is_err();
            assert_eq!(is_closed, *role == StaffRole::Administrator, "{role}");
        }
        assert!(may_read_catalogues(&actor(None)).is_ok());
    }

    #[test]
    fn a_file_is_open_to_its_judge_as_the_own_one_alone() {
        let own = actor(None);
        assert_eq!(may_read_file(&own, judge(0), None, false).unwrap(), FilePurpose::OwnFile);
        assert_eq!(may_read_file(&own, judge(0), Some(FilePurpose::OwnFile), false).unwrap(), FilePurpose::OwnFile);
        for purpose in [FilePurpose::Evaluation, FilePurpose::Personnel, FilePurpose::Correction] {
            assert_eq!(refusal(may_read_file(&own, judge(0), Some(purpose), false)), Some(Code::Forbidden));
        }
    }

    #[test]
    fn to_another_judge_a_file_does_not_exist() {
        for asked in [None, Some(FilePurpose::OwnFile), Some(FilePurpose::Evaluation)] {
            assert_eq!(refusal(may_read_file(&actor(None), judge(1), asked, false)), Some(Code::NotFound));
        }
        assert_eq!(refusal(may_read_judge(&actor(None), judge(1))), Some(Code::NotFound));
        assert_eq!(refusal(may_request_correction(&actor(None), judge(1))), Some(Code::NotFound));
        assert!(may_read_judge(&actor(None), judge(0)).is_ok());
        assert!(may_request_correction(&actor(None), judge(0)).is_ok());
    }

    #[test]
    fn a_secretary_reads_a_file_for_a_purpose_that_is_named_and_nobody_else_of_the_staff_does() {
        let evaluation = Some(FilePurpose::Evaluation);
        let secretary = actor(Some(StaffRole::Secretary));
        assert_eq!(may_read_file(&secretary, judge(1), evaluation, false).unwrap(), FilePurpose::Evaluation);
        assert_eq!(refusal(may_read_file(&secretary, judge(1), None, false)), Some(Code::Malformed));
        assert_eq!(
            refusal(may_read_file(&secretary, judge(1), Some(FilePurpose::OwnFile), false)),
            Some(Code::Forbidden)
        );
        for role in [StaffRole::Administrator, StaffRole::Auditor] {
            for is_assigned in [false, true] {
                let verdict = may_read_file(&actor(Some(role)), judge(1), evaluation, is_assigned);
                assert_eq!(refusal(verdict), Some(Code::Forbidden));
            }
        }
        for role in StaffRole::ALL {
            assert_eq!(refusal(may_request_correction(&actor(Some(*role)), judge(1))), Some(Code::Forbidden));
        }
    }

    #[test]
    fn a_member_reads_the_file_that_is_assigned_for_the_evaluation_alone_and_to_others_it_does_not_exist() {
        let every = FilePurpose::ALL.iter().copied().map(Some).chain([None]);
        for (role, asked) in
            [StaffRole::Member, StaffRole::AppealMember].into_iter().flat_map(|r| every.clone().map(move |p| (r, p)))
        {
            let member = actor(Some(role));
            assert_eq!(refusal(may_read_file(&member, judge(1), asked, false)), Some(Code::NotFound), "{asked:?}");
            let expected = match asked {
                Some(FilePurpose::Evaluation) => None,
                None => Some(Code::Malformed),
                Some(FilePurpose::OwnFile | FilePurpose::Personnel | FilePurpose::Correction) => Some(Code::Forbidden),
            };
            assert_eq!(refusal(may_read_file(&member, judge(1), asked, true)), expected, "{asked:?}");
        }
    }

    #[test]
    fn the_members_of_an_evaluation_are_named_to_its_subject_and_not_to_other_judges() {
        assert!(may_read_members(&actor(None), judge(0)).is_ok());
        assert_eq!(refusal(may_read_members(&actor(None), judge(1))), Some(Code::NotFound));
        for role in StaffRole::ALL {
            let is_let_in = matches!(role, StaffRole::Secretary | StaffRole::Auditor);
            assert_eq!(may_read_members(&actor(Some(*role)), judge(1)).is_ok(), is_let_in, "{role}");
        }
    }

    #[test]
    fn a_member_who_is_a_judge_reads_the_own_file_and_no_other() {
        let member = Actor { judge_id: Some(judge(7)), ..actor(Some(StaffRole::Member)) };
        assert_eq!(may_read_file(&member, judge(7), None, false).unwrap(), FilePurpose::OwnFile);
        assert_eq!(refusal(may_read_file(&member, judge(8), None, false)), Some(Code::NotFound));
        assert!(may_request_correction(&member, judge(7)).is_ok());
    }

    #[test]
    fn a_conflict_is_declared_by_a_secretary_or_by_a_judge_of_the_pair() {
        assert!(may_declare_conflict(&actor(Some(StaffRole::Secretary)), [judge(1), judge(2)]).is_ok());
        assert!(may_declare_conflict(&actor(None), [judge(1), judge(0)]).is_ok());
        assert_eq!(refusal(may_declare_conflict(&actor(None), [judge(1), judge(2)])), Some(Code::Forbidden));
        for role in StaffRole::ALL.iter().filter(|role| **role != StaffRole::Secretary) {
            assert!(may_declare_conflict(&actor(Some(*role)), [judge(1), judge(2)]).is_err(), "{role}");
        }
    }

    #[test]
    fn a_result_is_shown_to_its_subject_and_its_members_when_the_cycle_reports_and_never_earlier_in_another_role() {
        let subject = JudgeId(uuid::Uuid::nil());
        let other = JudgeId(uuid::Uuid::max());
        let own = |role| Actor { judge_id: Some(subject), ..actor(role) };
        for phase in Phase::ALL {
            let is_shown = matches!(phase, Phase::Reporting | Phase::Closed);
            let read = |actor: &Actor, judge, is_assigned| may_read_result(actor, judge, *phase, is_assigned);
            for role in [None, Some(StaffRole::Member), Some(StaffRole::AppealMember)] {
                assert_eq!(read(&own(role), subject, true).is_ok(), is_shown, "{phase} {role:?}");
            }
            assert!(read(&own(None), other, false).is_err());
            assert!(read(&actor(Some(StaffRole::Administrator)), subject, true).is_err());
            for role in [StaffRole::Member, StaffRole::AppealMember] {
                let sight = read(&actor(Some(role)), subject, true).ok();
                assert_eq!(sight, is_shown.then_some(ResultSight::Full), "{phase} {role:?}");
                assert_eq!(refusal(read(&actor(Some(role)), subject, false)), Some(Code::NotFound));
            }
            assert_eq!(read(&actor(Some(StaffRole::Secretary)), subject, false).unwrap(), ResultSight::Status);
            assert_eq!(read(&actor(Some(StaffRole::Auditor)), subject, false).unwrap(), ResultSight::Full);
        }
    }
}
