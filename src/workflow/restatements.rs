//! Records that are restated: a newer one takes the place of the old, which stays readable. What a newcomer would get
//! wrong: to tell a client that a record is another system's; to it, that record is not there.

use crate::db::Conn;
use crate::domain::caller::Caller;
use crate::domain::ids::{ActId, JudgeId, ObservationId, PositionId};
use crate::domain::judge_file::RecordStatus;
use crate::error::{Code, Error, Result, Rule};
use crate::store;
use crate::store::acts::Act;
use crate::store::observations::Observation;
use crate::store::positions::Position;

/// A record that names the one it replaces.
pub trait Restated: Sized {
    /// Its id.
    type Id: Copy;

    /// The record that it replaces, if any.
    fn replaced(&self) -> Option<Self::Id>;
    /// Whose file it is in, the system that told it, and how it stands.
    fn standing(&self) -> (JudgeId, &str, RecordStatus);
    /// The first field in which it must be as the old one, and is not.
    fn differs(&self, old: &Self) -> Option<&'static str>;
    /// The record with this id.
    fn find(conn: &mut Conn, id: Self::Id) -> Result<Option<Self>>;
    /// Sets how the record with this id stands.
    fn set_status(conn: &mut Conn, id: Self::Id, status: RecordStatus) -> Result<()>;
}

/// Takes the record that `new` names, if any, out of force, for `new` to take its place; how `new` stands then.
///
/// # Errors
/// As [`status_after`].
pub fn take_out_of_force<R: Restated>(conn: &mut Conn, caller: &Caller, new: &R) -> Result<RecordStatus> {
    let status = status_after(conn, caller, new)?;
    if let Some(old_id) = new.replaced() {
        R::set_status(conn, old_id, RecordStatus::Corrected)?;
    }
    Ok(status)
}

/// How `new` stands once it has taken the place of the record that it names, if any: a dispute outlives a restatement.
/// Nothing is changed.
///
/// # Errors
/// 422 where there is no such record of the judge that the caller speaks for, or it is of another thing; 409
/// `already_superseded` where it is not in force.
pub fn status_after<R: Restated>(conn: &mut Conn, caller: &Caller, new: &R) -> Result<RecordStatus> {
    let (judge_id, _, own_status) = new.standing();
    let Some(old_id) = new.replaced() else { return Ok(own_status) };
    let is_known = |old: &R| {
        let (of, source_system, _) = old.standing();
        of == judge_id && caller.speaks_for(source_system)
    };
    let old = R::find(conn, old_id)?.filter(is_known);
    let old = old.ok_or_else(|| Error::invalid("/supersedes_id", Rule::Missing))?;
    if let Some(other) = new.differs(&old) {
        return Err(Error::invalid("/supersedes_id", Rule::Mismatch { other }));
    }
    let (.., status) = old.standing();
    if !status.is_in_force() {
        return Err(Code::AlreadySuperseded.into());
    }
    Ok(status.of_successor())
}

/// The first field of which it is said that it differs.
fn first<const N: usize>(fields: [(&'static str, bool); N]) -> Option<&'static str> {
    fields.into_iter().find(|(_, differs)| *differs).map(|(field, _)| field)
}

impl Restated for Act {
    type Id = ActId;

    fn replaced(&self) -> Option<ActId> {
        self.supersedes_id
    }

    fn standing(&self) -> (JudgeId, &str, RecordStatus) {
        (self.judge_id, &self.source_system, self.status)
    }

    fn differs(&self, old: &Act) -> Option<&'static str> {
        first([
            ("case_no", old.case_no != self.case_no),
            ("act_date", old.act_date != self.act_date),
            ("instance", old.instance != self.instance),
        ])
    }

    fn find(conn: &mut Conn, id: ActId) -> Result<Option<Act>> {
        store::acts::find(conn, id)
    }

    fn set_status(conn: &mut Conn, id: ActId, status: RecordStatus) -> Result<()> {
        store::acts::set_status(conn, id, status)
    }
}

impl Restated for Observation {
    type Id = ObservationId;

    fn replaced(&self) -> Option<ObservationId> {
        self.supersedes_id
    }

    fn standing(&self) -> (JudgeId, &str, RecordStatus) {
        (self.judge_id, &self.source_system, self.status)
    }

    fn differs(&self, old: &Observation) -> Option<&'static str> {
        first([
            ("indicator_code", old.indicator_code != self.indicator_code),
            ("category", old.category != self.category),
            ("period", old.period_start != self.period_start),
        ])
    }

    fn find(conn: &mut Conn, id: ObservationId) -> Result<Option<Observation>> {
        store::observations::find(conn, id)
    }

    fn set_status(conn: &mut Conn, id: ObservationId, status: RecordStatus) -> Result<()> {
        store::observations::set_status(conn, id, status)
    }
}

impl Restated for Position {
    type Id = PositionId;

    fn replaced(&self) -> Option<PositionId> {
        self.supersedes_id
    }

    fn standing(&self) -> (JudgeId, &str, RecordStatus) {
        (self.judge_id, &self.source_system, self.status)
    }

    fn differs(&self, old: &Position) -> Option<&'static str> {
        first([("kind", old.kind != self.kind)])
    }

    fn find(conn: &mut Conn, id: PositionId) -> Result<Option<Position>> {
        store::positions::find(conn, id)
    }

    fn set_status(conn: &mut Conn, id: PositionId, status: RecordStatus) -> Result<()> {
        store::positions::set_status(conn, id, status)
    }
}
