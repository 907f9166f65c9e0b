//! The records of a batch, taken back whatever their table. What a newcomer would get wrong: what is put back in force comes
//! last, once all of the batch are out of the way, as no two records in force may be of the same thing.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;

use super::{Extent, Undone};
use crate::db::Conn;
use crate::domain::caller::CallerId;
use crate::domain::ids::{self, ActId, ImportId, JudgeId, ObservationId, ParticularsId, PositionId, RecordId};
use crate::domain::judge_file::RecordStatus;
use crate::error::{Error, Result};
use crate::on;
use crate::store;
use crate::store::acts::Act;
use crate::store::file_records::FileRecord;
use crate::store::observations::Observation;
use crate::store::particulars::Particulars;
use crate::store::positions::Position;
use crate::store::schema::{acts, file_records, judge_particulars, observations, positions};

/// Records of one batch at a time.
const PAGE: i64 = 1000;
/// A restatement of what is disputed is itself disputed, and is taken back like any other.
const IN_FORCE: [RecordStatus; 2] = [RecordStatus::Active, RecordStatus::Disputed];

/// A record that came in with a batch, or that one restated.
pub trait Batched: Sized {
    /// Whose files a batch has written to.
    fn judges(conn: &mut Conn, batch: ImportId) -> Result<Vec<JudgeId>>;
    /// What taking a batch back would do.
    fn extent(conn: &mut Conn, batch: ImportId) -> Result<Extent>;
    /// Some records of a batch that are in force in place of others.
    fn restating(conn: &mut Conn, batch: ImportId) -> Result<Vec<Self>>;
    /// The record whose place this one took.
    fn previous(&self, conn: &mut Conn) -> Result<Option<Self>>;
    /// The batch that it came in with.
    fn batch(&self) -> Option<ImportId>;
    /// Takes it out of force.
    fn end(&self, conn: &mut Conn, status: RecordStatus, now: NaiveDateTime) -> Result<()>;
    /// Says again what `old` said, in place of this one; a dispute over this one goes on over that.
    fn restore(&self, conn: &mut Conn, old: Self, by: CallerId, now: DateTime<Utc>) -> Result<()>;
    /// Withdraws all of a batch that is still in force; how many that were.
    fn withdraw_rest(conn: &mut Conn, batch: ImportId, now: NaiveDateTime) -> Result<usize>;
}

/// Takes records back: new ones are withdrawn, restated ones say again what they said before.
pub fn undo<T: Batched>(conn: &mut Conn, batch: ImportId, by: CallerId, now: DateTime<Utc>) -> Result<Undone> {
    let mut undone = Undone { judges: T::judges(conn, batch)?, ..Undone::default() };
    let mut restored = Vec::new();
    loop {
        let page = T::restating(conn, batch)?;
        if page.is_empty() {
            break;
        }
        for restating in page {
            let mut old = restating.previous(conn)?;
            // A file may restate its own rows.
            while let Some(own) = old.take_if(|old| old.batch() == Some(batch)) {
                old = own.previous(conn)?;
            }
            let status = if old.is_some() { RecordStatus::Corrected } else { RecordStatus::Withdrawn };
            restating.end(conn, status, now.naive_utc())?;
            undone.withdrawn += 1;
            restored.extend(old.map(|old| (restating, old)));
        }
    }
    undone.withdrawn += i64::try_from(T::withdraw_rest(conn, batch, now.naive_utc())?).map_err(Error::internal)?;
    for (restating, old) in restored {
        restating.restore(conn, old, by, now)?;
        undone.restored += 1;
    }
    Ok(undone)
}

/// The queries of a table, which are the same for each but for its name.
macro_rules! queries {
    ($table:ident, $row:ident) => {
        fn judges(conn: &mut Conn, batch: ImportId) -> Result<Vec<JudgeId>> {
            let of_batch = $table::table.filter($table::batch_id.eq(batch));
            Ok(on!(conn, |c| { of_batch.select($table::judge_id).distinct().load(c) })?)
        }

        fn extent(conn: &mut Conn, batch: ImportId) -> Result<Extent> {
            let of_batch = diesel::alias!($table as of_batch);
            let own = of_batch.filter(of_batch.field($table::batch_id).eq(batch)).select(of_batch.field($table::id));
            let is_of_batch = $table::batch_id.eq(batch);
            // Of those that a file has for one thing, the first alone took the place of a record of another batch.
            let is_first = $table::supersedes_id.is_not_null().and($table::supersedes_id.assume_not_null().ne_all(own));
            let (withdraws, restores) = on!(conn, |c| {
                let in_force = $table::table.filter(is_of_batch.and($table::status.eq_any(IN_FORCE)));
                let withdraws = in_force.count().get_result(c)?;
                let restores = $table::table.filter(is_of_batch.and(is_first)).count().get_result(c)?;
                Ok::<_, diesel::result::Error>((withdraws, restores))
            })?;
            Ok(Extent { withdraws, restores })
        }

        fn restating(conn: &mut Conn, batch: ImportId) -> Result<Vec<Self>> {
            Ok(on!(conn, |c| {
                $table::table
                    .filter($table::batch_id.eq(batch).and($table::status.eq_any(IN_FORCE)))
                    .filter($table::supersedes_id.is_not_null())
                    .order($table::id)
                    .select($row::as_select())
                    .limit(PAGE)
                    .load(c)
            })?)
        }

        fn batch(&self) -> Option<ImportId> {
            self.batch_id
        }
    };
}

/// What a table adds whose records tell of their end by the record that took their place.
macro_rules! ends_without_an_instant {
    ($table:ident, $module:ident) => {
        fn previous(&self, conn: &mut Conn) -> Result<Option<Self>> {
            self.supersedes_id.map_or(Ok(None), |id| store::$module::find(conn, id))
        }

        fn end(&self, conn: &mut Conn, status: RecordStatus, _now: NaiveDateTime) -> Result<()> {
            store::$module::set_status(conn, self.id, status)
        }

        fn withdraw_rest(conn: &mut Conn, batch: ImportId, _now: NaiveDateTime) -> Result<usize> {
            Ok(on!(conn, |c| {
                diesel::update($table::table)
                    .filter($table::batch_id.eq(batch).and($table::status.eq_any(IN_FORCE)))
                    .set($table::status.eq(RecordStatus::Withdrawn))
                    .execute(c)
            })?)
        }
    };
}

/// How a record is said again.
macro_rules! says_again {
    ($row:ident, $id:ident, $module:ident) => {
        fn restore(&self, conn: &mut Conn, old: Self, by: CallerId, now: DateTime<Utc>) -> Result<()> {
            let restored = $row {
                id: $id(ids::new_at(now)),
                received_at: now.naive_utc(),
                recorded_by: by.account(),
                recorded_by_client: by.client(),
                status: self.status.of_successor(),
                supersedes_id: Some(self.id),
                batch_id: None,
                ..old
            };
            store::$module::insert(conn, &restored)
        }
    };
}

impl Batched for Observation {
    queries!(observations, Observation);
    ends_without_an_instant!(observations, observations);
    says_again!(Observation, ObservationId, observations);
}

impl Batched for Position {
    queries!(positions, Position);
    ends_without_an_instant!(positions, positions);
    says_again!(Position, PositionId, positions);
}

impl Batched for Particulars {
    queries!(judge_particulars, Particulars);
    ends_without_an_instant!(judge_particulars, particulars);
    says_again!(Particulars, ParticularsId, particulars);
}

impl Batched for Act {
    queries!(acts, Act);
    ends_without_an_instant!(acts, acts);
    says_again!(Act, ActId, acts);
}

impl Batched for FileRecord {
    queries!(file_records, FileRecord);

    fn previous(&self, conn: &mut Conn) -> Result<Option<Self>> {
        self.supersedes_id.map_or(Ok(None), |id| store::file_records::find(conn, self.judge_id, id))
    }

    fn end(&self, conn: &mut Conn, status: RecordStatus, now: NaiveDateTime) -> Result<()> {
        store::file_records::end(conn, self.id, status, now, None)
    }

    fn restore(&self, conn: &mut Conn, old: Self, by: CallerId, now: DateTime<Utc>) -> Result<()> {
        let restored = FileRecord {
            id: RecordId(ids::new_at(now)),
            received_at: now.naive_utc(),
            recorded_by: by.account(),
            recorded_by_client: by.client(),
            status: self.status.of_successor(),
            supersedes_id: Some(self.id),
            ended_at: None,
            end_reason: None,
            batch_id: None,
            ..old
        };
        store::file_records::insert(conn, &restored)
    }

    fn withdraw_rest(conn: &mut Conn, batch: ImportId, now: NaiveDateTime) -> Result<usize> {
        Ok(on!(conn, |c| {
            diesel::update(file_records::table)
                .filter(file_records::batch_id.eq(batch).and(file_records::status.eq_any(IN_FORCE)))
                .set((file_records::status.eq(RecordStatus::Withdrawn), file_records::ended_at.eq(now)))
                .execute(c)
        })?)
    }
}
