//! The rows of a whole file, as they are or as they stood at the end of an earlier day. What a newcomer would get wrong: this opens nothing.
//! What may not be shown today is not in these rows, whatever the day that is asked for.

use std::collections::{HashMap, HashSet};

use chrono::{NaiveDate, NaiveDateTime};

use crate::db::Conn;
use crate::domain::ids::{ActId, JudgeId, RecordId, is_made_before};
use crate::domain::judge_file::{Check, CorrectionStatus, ExternalId, RecordStatus};
use crate::domain::known::{Course, end_of};
use crate::domain::sections::{ConfirmationState, Section};
use crate::domain::service::service_years_hundredths;
use crate::domain::spans::Span;
use crate::error::{Code, Result};
use crate::store;
use crate::store::acts::{Act, Attribution};
use crate::store::audit::Reading;
use crate::store::conflicts::Conflict;
use crate::store::corrections::{CorrectionRequest, Requested, Sight};
use crate::store::file_records::FileRecord;
use crate::store::judges::Judge;
use crate::store::observations::Observation;
use crate::store::particulars::Particulars;
use crate::store::positions::Position;

/// How many records of one kind a whole file has at most: forty years at forty values a quarter, three times over.
pub const RECORDS_MAX: i64 = 20_000;
/// How many of the latest readings a whole file names.
const READINGS_MAX: i64 = 100;

/// All rows of a file.
pub struct Rows {
    /// Who.
    pub judge: Judge,
    /// The judge's names in other systems.
    pub external_ids: Vec<ExternalId>,
    /// What is known of the person, with what was superseded.
    pub particulars: Vec<Particulars>,
    /// The posts, with those that were superseded.
    pub positions: Vec<Position>,
    /// The observed values, with those that were superseded.
    pub observations: Vec<Observation>,
    /// What higher courts did with acts, and what members found of it.
    pub acts: Vec<(Act, Vec<Attribution>)>,
    /// The records in force of the other sections.
    pub records: Vec<FileRecord>,
    /// The requests for correction that the reader sees.
    pub corrections: Vec<CorrectionRequest>,
    /// The conflicts that the judge has declared; none where they are not for the reader.
    pub conflicts: Option<Vec<Conflict>>,
    /// The latest readings by others, newest first.
    pub readings: Vec<Reading>,
}

impl Rows {
    /// Loads a file in eight queries; 404 without the judge.
    pub fn load(
        conn: &mut Conn,
        id: JudgeId,
        instant: Option<NaiveDateTime>,
        sight: Sight,
        today: NaiveDate,
        shows_conflicts: bool,
    ) -> Result<Rows> {
        let (judge, external_ids, mut particulars) = store::particulars::person(conn, id)?.ok_or(Code::NotFound)?;
        let mut positions = store::positions::list(conn, id, None, RECORDS_MAX)?;
        let mut observations = store::observations::list(conn, id, None, None, RECORDS_MAX)?;
        let mut acts = store::acts::with_attributions(conn, id, RECORDS_MAX)?;
        let conflicts = shows_conflicts.then(|| store::conflicts::declared_by_judge(conn, id, RECORDS_MAX));
        let mut conflicts = conflicts.transpose()?;
        let requests = store::corrections::with_first_versions(conn, id, today, RECORDS_MAX)?;
        let mut corrections = Vec::with_capacity(requests.len());
        let mut disputed: Vec<RecordId> = Vec::new();
        for Requested { request, first_id, is_record_shown } in requests {
            // A record was disputed whoever sees the request for it.
            if instant.is_some_and(|instant| request.was_open_before(instant)) {
                disputed.extend(first_id.into_iter().chain([request.record_id]));
            }
            if sight.shows(&request, is_record_shown) {
                corrections.push(request);
            }
        }
        let records = match instant {
            None => store::file_records::in_force(conn, id, today, RECORDS_MAX)?,
            Some(instant) => {
                let past = Past::new(instant, disputed);
                particulars = past.particulars(particulars);
                positions = past.positions(positions);
                observations = past.observations(observations);
                acts = past.acts(acts);
                corrections = past.corrections(corrections);
                conflicts = conflicts.map(|rows| past.conflicts(rows));
                past.records(store::file_records::list(conn, id, None, Some(instant), today, None, RECORDS_MAX)?)
            }
        };
        let readings = store::audit::readings(conn, id, None, READINGS_MAX)?;
        Ok(Rows {
            judge,
            external_ids,
            particulars,
            positions,
            observations,
            acts,
            records,
            corrections,
            conflicts,
            readings,
        })
    }

    /// How long the judge has served until `day`, in hundredths of a year, by the posts in force and the suspensions.
    pub fn service_years_hundredths(&self, day: NaiveDate) -> i64 {
        let posts = self.positions.iter().filter(|post| post.status.is_in_force());
        let posts: Vec<Span> = posts.map(|post| (post.starts_on, post.ends_on)).collect();
        let suspensions = self.records.iter().filter(|record| record.section == Section::Suspension);
        let suspensions: Vec<Span> =
            suspensions.filter_map(|record| Some((record.effective_from?, record.effective_to))).collect();
        service_years_hundredths(&posts, &suspensions, day)
    }

    /// How often others read the file or a part of it before.
    pub fn reading_count(&self) -> i64 {
        self.readings.first().and_then(|latest| latest.entry.reading_number).unwrap_or(0)
    }
}

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

    /// What was known of the person then, as it stood.
    pub fn particulars(&self, rows: Vec<Particulars>) -> Vec<Particulars> {
        stood!(self, rows)
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
