//! The records of a file as they stood at the end of an earlier day. What a newcomer would get wrong: this opens nothing.
//! What may not be shown today is not in these rows, whatever the day that is asked for.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, NaiveDateTime};

use crate::domain::ids::{ActId, RecordId, is_made_before};
use crate::domain::judge_file::{Check, CorrectionStatus, RecordStatus};
use crate::domain::known::{Course, end_of};
use crate::domain::sections::ConfirmationState;
use crate::error::Result;
use crate::store::acts::{Act, Attribution};
use crate::store::conflicts::Conflict;
use crate::store::corrections::CorrectionRequest;
use crate::store::file_records::FileRecord;
use crate::store::observations::Observation;
use crate::store::positions::Position;

/// The instant at which a day is over, where one is asked for; 400 for a day to come.
pub fn end_of_day(known_on: Option<NaiveDate>, today: NaiveDate) -> Result<Option<NaiveDateTime>> {
    let mut check = Check::default();
    if let Some(day) = known_on {
        check.past_date("known_on", day, today);
    }
    check.parameters()?;
    Ok(known_on.map(end_of))
}

/// The instant before which a file is looked at, and what was disputed then.
pub struct Past {
    instant: NaiveDateTime,
    disputed: HashSet<RecordId>,
}

/// Which record each of some records replaced, and when; by the ids of the replaced and of those that replaced them.
struct Replacements {
    ended: HashMap<RecordId, NaiveDateTime>,
    earlier: HashMap<RecordId, RecordId>,
}

impl Replacements {
    /// Of the ids, the replaced ones and the times of reception.
    fn of(rows: impl Iterator<Item = (RecordId, Option<RecordId>, NaiveDateTime)>) -> Replacements {
        let (mut ended, mut earlier) = (HashMap::new(), HashMap::new());
        for (id, replaced, received_at) in rows {
            if let Some(replaced) = replaced {
                ended.insert(replaced, received_at);
                earlier.insert(id, replaced);
            }
        }
        Replacements { ended, earlier }
    }

    /// The record and those that it took the place of.
    fn back_from(&self, id: RecordId) -> impl Iterator<Item = RecordId> {
        std::iter::successors(Some(id), |id| self.earlier.get(id).copied())
    }
}

/// Rows of one kind that were known then, as they stood; a restated record carried the dispute of the one before it.
macro_rules! stood {
    ($past:ident, $rows:ident) => {{
        let ids = $rows.iter();
        let ids = ids.map(|row| (RecordId(row.id.0), row.supersedes_id.map(|old| RecordId(old.0)), row.received_at));
        let replacements = Replacements::of(ids);
        let rows = $rows.into_iter().filter_map(|mut row| {
            row.status = $past.status(&replacements, RecordId(row.id.0), row.received_at, row.status)?;
            Some(row)
        });
        rows.collect()
    }};
}

impl Past {
    /// The past before an instant, with the records that a request was open for, those of sections by their first versions,
    /// too.
    pub fn new(instant: NaiveDateTime, disputed: impl IntoIterator<Item = RecordId>) -> Past {
        Past { instant, disputed: disputed.into_iter().collect() }
    }

    /// Records of sections that were in force then.
    pub fn records(&self, rows: Vec<FileRecord>) -> Vec<FileRecord> {
        rows.into_iter().filter_map(|row| self.record(row)).collect()
    }

    fn record(&self, row: FileRecord) -> Option<FileRecord> {
        let FileRecord { received_at, ended_at, status, .. } = row;
        let was_disputed = self.disputed.contains(&row.first_id);
        let status = Course { received_at, ended_at, was_disputed, status }.status_before(self.instant)?;
        if !status.is_in_force() {
            return None;
        }
        let was_confirmed = row.confirmed_at.is_some_and(|at| at < self.instant);
        let row = if row.confirmation == ConfirmationState::Confirmed && !was_confirmed {
            FileRecord { confirmation: ConfirmationState::Awaited, confirmed_by: None, confirmed_at: None, ..row }
        } else {
            row
        };
        Some(FileRecord { status, ended_at: None, end_reason: None, ..row })
    }

    fn status(
        &self,
        replacements: &Replacements,
        id: RecordId,
        received_at: NaiveDateTime,
        status: RecordStatus,
    ) -> Option<RecordStatus> {
        let was_disputed = replacements.back_from(id).any(|id| self.disputed.contains(&id));
        let ended_at = replacements.ended.get(&id).copied();
        Course { received_at, ended_at, was_disputed, status }.status_before(self.instant)
    }

    /// Posts that were known then, as they stood.
    pub fn positions(&self, rows: Vec<Position>) -> Vec<Position> {
        stood!(self, rows)
    }

    /// Observed values that were known then, as they stood.
    pub fn observations(&self, rows: Vec<Observation>) -> Vec<Observation> {
        stood!(self, rows)
    }

    /// Reviewed acts that were known then, as they stood, with what members had found by then.
    pub fn acts(&self, rows: Vec<(Act, Vec<Attribution>)>) -> Vec<(Act, Vec<Attribution>)> {
        let mut found: HashMap<ActId, Vec<Attribution>> = HashMap::with_capacity(rows.len());
        let mut acts = Vec::with_capacity(rows.len());
        for (act, of_act) in rows {
            found.insert(act.id, of_act);
            acts.push(act);
        }
        let acts: Vec<Act> = stood!(self, acts);
        let known = |mut found: Vec<Attribution>| {
            found.retain(|finding| finding.decided_at < self.instant);
            found
        };
        let with_found = |act: Act| {
            let found = known(found.remove(&act.id).unwrap_or_default());
            (act, found)
        };
        acts.into_iter().map(with_found).collect()
    }

    /// Conflicts that had been declared then.
    pub fn conflicts(&self, mut rows: Vec<Conflict>) -> Vec<Conflict> {
        rows.retain(|row| is_made_before(row.id.0, self.instant));
        rows
    }

    /// Requests for correction that were filed then, as they stood.
    pub fn corrections(&self, rows: Vec<CorrectionRequest>) -> Vec<CorrectionRequest> {
        let stood = |row: CorrectionRequest| {
            if row.filed_at >= self.instant {
                return None;
            }
            if !row.was_open_before(self.instant) {
                return Some(row);
            }
            let status = CorrectionStatus::Open;
            Some(CorrectionRequest { status, reason: None, decided_by: None, decided_at: None, version: 1, ..row })
        };
        rows.into_iter().filter_map(stood).collect()
    }
}
