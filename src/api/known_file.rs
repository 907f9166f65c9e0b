//! The records of a file as they stood at the end of an earlier day. What a newcomer would get wrong: this opens nothing.
//! What may not be shown today is not in these rows, whatever the day that is asked for.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, NaiveDateTime};

use crate::domain::ids::RecordId;
use crate::domain::judge_file::{Check, CorrectionStatus};
use crate::domain::known::{Course, end_of};
use crate::domain::sections::ConfirmationState;
use crate::error::Result;
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

impl Past {
    /// The past before an instant, with the records that a request was open for.
    pub fn new(instant: NaiveDateTime, disputed: impl IntoIterator<Item = RecordId>) -> Past {
        Past { instant, disputed: disputed.into_iter().collect() }
    }

    /// Records of sections that were in force then.
    pub fn records(&self, rows: Vec<FileRecord>) -> Vec<FileRecord> {
        rows.into_iter().filter_map(|row| self.record(row)).collect()
    }

    fn record(&self, row: FileRecord) -> Option<FileRecord> {
        let FileRecord { received_at, ended_at, status, .. } = row;
        let was_disputed = self.disputed.contains(&row.id);
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

    /// Posts that were known then, as they stood.
    pub fn positions(&self, rows: Vec<Position>) -> Vec<Position> {
        let ended: HashMap<_, _> = rows.iter().filter_map(|row| Some((row.supersedes_id?, row.received_at))).collect();
        let stood = |row: Position| {
            let course = Course {
                received_at: row.received_at,
                ended_at: ended.get(&row.id).copied(),
                was_disputed: self.disputed.contains(&RecordId(row.id.0)),
                status: row.status,
            };
            Some(Position { status: course.status_before(self.instant)?, ..row })
        };
        rows.into_iter().filter_map(stood).collect()
    }

    /// Observed values that were known then, as they stood.
    pub fn observations(&self, rows: Vec<Observation>) -> Vec<Observation> {
        let ended: HashMap<_, _> = rows.iter().filter_map(|row| Some((row.supersedes_id?, row.received_at))).collect();
        let stood = |row: Observation| {
            let course = Course {
                received_at: row.received_at,
                ended_at: ended.get(&row.id).copied(),
                was_disputed: self.disputed.contains(&RecordId(row.id.0)),
                status: row.status,
            };
            Some(Observation { status: course.status_before(self.instant)?, ..row })
        };
        rows.into_iter().filter_map(stood).collect()
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
