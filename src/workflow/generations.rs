//! What two persons do to a frozen manifest: new keys for one subject, or later days for all. Either begins the next
//! generation, which is then frozen. A newcomer's usual mistake is to help one reviewer alone: a credential for one would
//! allow two reviews and make a set of one, so the whole panel collects anew.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::cycles::{self, Loaded, Mover};
use super::issuance::newest_manifest;
use super::manifests::phase_needed;
use super::recusals::{RecusalReason, next_assignment};
use crate::coded;
use crate::credential::manifest::Manifest;
use crate::db::Conn;
use crate::domain::cycle::Phase;
use crate::domain::cycle::dates::CycleDates;
use crate::domain::cycle::extension::{Extension, extended};
use crate::domain::ids::{AssignmentId, CycleId, EvaluationId};
use crate::error::hint::Hint;
use crate::error::{Code, Error, Fault, Result, Rule};
use crate::store;
use crate::store::assignments::AssignmentState;
use crate::store::cycles::Cycle;
use crate::store::evaluations::Evaluation;

coded! {
    /// Why the keys of one subject are replaced.
    BumpReason {
        /// A reviewer of the panel has lost the card. Whose it was is written nowhere: all collect anew.
        LostCard = "lost_card",
        /// A reviewer leaves the panel after collecting; the next of the reserve takes the place.
        Recusal = "recusal",
    }
}

/// What is asked for beside the subject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bump {
    /// Why.
    pub reason: BumpReason,
    /// Who leaves, for a recusal.
    pub assignment_id: Option<AssignmentId>,
    /// Why that person leaves, for a recusal.
    pub recusal_reason: Option<RecusalReason>,
}

/// The state that an approval of a bump covers: that of the cycle.
pub fn state(conn: &mut Conn, id: EvaluationId) -> Result<String> {
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    cycles::state(conn, evaluation.cycle_id.0)
}

fn unmet<T>(hint: Hint) -> Result<T> {
    Err(Error::hinted(Code::GuardNotMet, hint))
}

/// The manifest in force of a cycle that has one and is not sealed.
fn manifest_in_force(conn: &mut Conn, cycle: &Cycle) -> Result<Manifest> {
    if !matches!(cycle.phase, Phase::Drawn | Phase::Issuance | Phase::Submission) {
        return Err(phase_needed(cycle, Phase::Issuance));
    }
    match newest_manifest(conn, cycle)? {
        Some(text) => Manifest::parse(&text),
        None => unmet(Hint::new("manifest_not_frozen")),
    }
}

/// Whether the keys of a subject can be replaced now.
///
/// # Errors
/// 404; 409 `wrong_phase`; 409 `guard_not_met` with the move that would help: once reviews are taken, where no day is
/// left to collect on, and where nobody holds what would be void; 422 for another panel's assignment.
pub fn check_bump(
    conn: &mut Conn,
    id: EvaluationId,
    parameters: &str,
    now: DateTime<Utc>,
) -> Result<(Evaluation, Loaded, Bump)> {
    let bump: Bump = serde_json::from_str(parameters).map_err(Error::internal)?;
    let evaluation = store::evaluations::find(conn, id)?.ok_or(Code::NotFound)?;
    let loaded = cycles::load(conn, evaluation.cycle_id)?;
    let manifest = manifest_in_force(conn, &loaded.cycle)?;
    let today = loaded.today(now);
    if today >= manifest.dates.submit_open {
        return unmet(Hint::new("keys_are_settled").text("day", manifest.dates.submit_open));
    }
    if today >= loaded.dates.issue_close {
        return unmet(Hint::new("no_day_to_collect").text("day", loaded.dates.issue_close));
    }
    // Another round's panel has had its say.
    if evaluation.last_round != loaded.cycle.round {
        return unmet(Hint::new("subject_not_in_round").text("round", loaded.cycle.round));
    }
    let counts = store::issuance::panel_counts(conn, &[id])?;
    if counts.iter().all(|count| count.issued_count == 0) {
        return unmet(Hint::new("nobody_collected"));
    }
    if let Some(leaving) = bump.assignment_id {
        let of_panel = (id, loaded.cycle.round);
        let found = store::assignments::find(conn, leaving)?;
        let found = found.filter(|found| (found.evaluation_id, found.round) == of_panel);
        let unknown = || Error::faults(Code::Invalid, vec![Fault::at("/assignment_id", Rule::Missing)]);
        if found.ok_or_else(unknown)?.state != AssignmentState::Issued {
            return unmet(Hint::new("assignment_not_collected"));
        }
    }
    Ok((evaluation, loaded, bump))
}

/// Voids every credential of a subject, exchanges who leaves, and begins the next generation with new keys for it.
///
/// # Errors
/// As [`check_bump`].
pub fn bump(conn: &mut Conn, id: EvaluationId, parameters: &str, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let (evaluation, Loaded { mut cycle, methodology, .. }, bump) = check_bump(conn, id, parameters, now)?;
    if let Some(leaving) = bump.assignment_id {
        let (issued, left) = (AssignmentState::Issued, AssignmentState::Recused);
        let why = bump.recusal_reason.ok_or(Code::ApprovalStale)?;
        store::assignments::set_state(conn, leaving, issued, left, Some(why.as_str()))?;
        if let Some(next) = next_assignment(conn, &cycle, &evaluation, &methodology, now)? {
            store::assignments::set_state(conn, next, AssignmentState::Reserve, AssignmentState::Drawn, None)?;
        }
    }
    store::assignments::reopen(conn, id, cycle.round)?;
    begin(conn, &mut cycle)?;
    store::issuance::insert_key_bump(conn, id, cycle.round, cycle.generation)?;
    let entry = store::audit::NewEntry::new(Some(mover.account_id), "bump_subject", "evaluation", id);
    store::audit::record(conn, entry, now)?;
    Ok(())
}

/// Begins the next generation, where none is begun: several acts can be frozen as one.
fn begin(conn: &mut Conn, cycle: &mut Cycle) -> Result<()> {
    if cycle.manifest_digest.take().is_some() {
        cycle.generation += 1;
    }
    store::cycles::update(conn, cycle)
}

/// Whether the days of a cycle can be moved so.
///
/// # Errors
/// 404; 409 `wrong_phase`; else as [`extended`].
pub fn check_extension(
    conn: &mut Conn,
    id: CycleId,
    parameters: &str,
    now: DateTime<Utc>,
) -> Result<(Cycle, CycleDates)> {
    let extension: Extension = serde_json::from_str(parameters).map_err(Error::internal)?;
    let loaded = cycles::load(conn, id)?;
    manifest_in_force(conn, &loaded.cycle)?;
    let dates = extended(
        &loaded.dates,
        &extension,
        &loaded.methodology,
        &store::work_calendars::load(conn)?,
        loaded.today(now),
    )?;
    Ok((loaded.cycle, dates))
}

/// Moves the days of a cycle and begins the next generation, with the same keys.
///
/// # Errors
/// As [`check_extension`].
pub fn extend(conn: &mut Conn, id: CycleId, parameters: &str, mover: Mover<'_>, now: DateTime<Utc>) -> Result<()> {
    let (mut cycle, dates) = check_extension(conn, id, parameters, now)?;
    store::cycles::set_dates(conn, id, &dates)?;
    begin(conn, &mut cycle)?;
    let entry = store::audit::NewEntry::new(Some(mover.account_id), "extend_cycle", "cycle", id);
    store::audit::record(conn, entry, now)?;
    super::notices::days_moved(conn, id, now)?;
    Ok(())
}
