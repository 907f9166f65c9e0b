//! Files of courts. What a newcomer would get wrong: a court that is on record under the row's name and differs is refused,
//! as no operation changes a court.

use chrono::{DateTime, NaiveDate, Utc};

use super::cells::{Column, Fields, SourceRow};
use super::{Kind, Run, one_of};
use crate::db::Conn;
use crate::domain::caller::Caller;
use crate::domain::ids::{self, CourtId, ImportId};
use crate::domain::judge_file::{CourtLevel, ExternalId};
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::batches::{Dependants, Extent, Undone};
use crate::store::courts::Court;
use crate::store::external_ids::Named;
use crate::store::reconciliation::Recorded;
use crate::workflow::checks::check_court;

/// Courts.
pub(super) struct Courts;

const COLUMNS: &[Column] = &[
    Column::text("name_kk", "Алмалы аудандық соты"),
    Column::text("name_ru", "Алмалинский районный суд"),
    Column::text("name_en", ""),
    Column::text("level", "district"),
    Column::text("region", "almaty_city"),
    Column::value("posts", "24"),
    Column::text("specialisations", "civil"),
    Column::text("source_system", "toerelik"),
    Column::text("source_record_id", "7101"),
];

impl Kind for Courts {
    fn columns(&'static self) -> &'static [Column] {
        COLUMNS
    }

    fn take(&'static self, conn: &mut Conn, run: &mut Run<'_>, rows: &[SourceRow]) -> Result<()> {
        for row in rows {
            let mut fields = run.fields(COLUMNS, row);
            let Some((court, external_id)) = read(run, &mut fields)? else {
                run.refuse_for(row.number, fields.into_faults());
                continue;
            };
            if let Err(error) = settle(conn, run, &court, &external_id) {
                run.refuse(row.number, error)?;
            }
        }
        Ok(())
    }

    fn recorded(&self, conn: &mut Conn, source_system: &str, _period: Option<NaiveDate>) -> Result<Vec<Recorded>> {
        store::reconciliation::named(conn, Named::Court, source_system)
    }

    fn dependants(&self, conn: &mut Conn, batch: ImportId, _since: NaiveDate) -> Result<Vec<Dependants>> {
        store::batches::dependants_of_courts(conn, batch)
    }

    fn extent(&self, conn: &mut Conn, batch: ImportId) -> Result<Extent> {
        store::batches::extent_of_courts(conn, batch)
    }

    fn undo(&self, conn: &mut Conn, batch: ImportId, _by: &Caller, _now: DateTime<Utc>) -> Result<Undone> {
        store::batches::undo_courts(conn, batch)
    }
}

/// The court of a row with its name in the source, or `None` with faults noted.
fn read(run: &Run<'_>, fields: &mut Fields<'_>) -> Result<Option<(Court, ExternalId)>> {
    let name_kk = fields.needed("name_kk", |fields, name| fields.text(name));
    let name_ru = fields.needed("name_ru", |fields, name| fields.text(name));
    let name_en = fields.text("name_en");
    let levels = one_of(CourtLevel::ALL.iter().map(|level| level.as_str()));
    let level = fields.needed("level", |fields, name| fields.word::<CourtLevel>(name, levels.clone()));
    let region = fields.needed("region", |fields, name| fields.text(name));
    let posts = fields.needed("posts", |fields, name| fields.whole(name));
    let specialisations = fields.codes("specialisations");
    let source_system = fields.needed("source_system", |fields, name| fields.text(name));
    let value = fields.needed("source_record_id", |fields, name| fields.text(name));
    if !fields.is_sound() {
        return Ok(None);
    }
    let (Some(name_kk), Some(name_ru), Some(level), Some(region), Some(posts), Some(source_system), Some(value)) =
        (name_kk, name_ru, level, region, posts, source_system, value)
    else {
        return Err(Error::internal("a field that is not there has no fault"));
    };
    let court = Court {
        id: CourtId(ids::new_at(run.terms.now)),
        name_kk,
        name_ru,
        name_en,
        level,
        region,
        // What is beyond is refused as out of range all the same.
        posts: i32::try_from(posts).unwrap_or(-1),
        version: 1,
        batch_id: Some(run.terms.import_id),
        specialisations,
    };
    Ok(Some((court, ExternalId { source_system, value })))
}

/// Adds a court, unless it is on record as it is.
fn settle(conn: &mut Conn, run: &mut Run<'_>, court: &Court, external_id: &ExternalId) -> Result<()> {
    check_court(&run.terms.caller, court, Some(external_id))?;
    if let Some(id) = store::external_ids::find_object(conn, Named::Court, external_id)? {
        let old = store::courts::find(conn, id.parse().map_err(Error::internal)?)?;
        let is_same = old.is_some_and(|old| told(&old) == told(court));
        if !is_same {
            return Err(Code::AlreadyExists.into());
        }
        run.tally.unchanged += 1;
        run.count(&external_id.source_system);
        return Ok(());
    }
    store::courts::insert(conn, court)?;
    store::external_ids::insert(conn, Named::Court, &court.id.to_string(), external_id)?;
    run.tally.new += 1;
    run.count(&external_id.source_system);
    Ok(())
}

/// What a file tells of a court.
fn told(court: &Court) -> impl PartialEq + '_ {
    let Court { name_kk, name_ru, name_en, level, region, posts, specialisations, .. } = court;
    (name_kk, name_ru, name_en, *level, region, *posts, specialisations)
}
