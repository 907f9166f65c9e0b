//! How a row names what it is about: a judge or a court by id, or by another system's name. A newcomer's usual mistake is to
//! ask the database for each row; a file speaks of the same judge many times.

use std::str::FromStr;

use super::Run;
use super::cells::{Column, Fields};
use crate::db::Conn;
use crate::domain::ids::{CourtId, JudgeId};
use crate::domain::judge_file::ExternalId;
use crate::error::{Result, Rule};
use crate::store;
use crate::store::external_ids::Named;

/// What a row names a thing by.
enum Name {
    Id(String),
    External(ExternalId),
}

/// The fields that name a thing.
struct Columns {
    id: &'static str,
    value: &'static str,
    system: &'static str,
}

const JUDGE: Columns = Columns { id: "judge_id", value: "judge_external_id", system: "judge_source_system" };
const COURT: Columns = Columns { id: "court_id", value: "court_external_id", system: "court_source_system" };

/// The columns that name a judge.
pub(super) const JUDGE_COLUMNS: [Column; 3] =
    [Column::text(JUDGE.id, ""), Column::text(JUDGE.value, "J-20417"), Column::text(JUDGE.system, "toerelik")];

const AN_ID: Rule = Rule::Format { expected: "UUID" };

impl Run<'_> {
    /// The judge that a row is about; `None` with a fault noted where it names nobody, or somebody who is not there.
    pub(super) fn judge(&mut self, conn: &mut Conn, fields: &mut Fields<'_>) -> Result<Option<JudgeId>> {
        let Some((key, name)) = name(fields, &JUDGE) else { return Ok(None) };
        if let Some(known) = self.judges.get(&key) {
            return Ok(Some(*known));
        }
        let Some(id) = find_id::<JudgeId>(conn, fields, Named::Judge, &name, &JUDGE)? else { return Ok(None) };
        if store::judges::find(conn, id)?.is_none() {
            fields.fault(place(&name, &JUDGE), Rule::Missing);
            return Ok(None);
        }
        self.judges.insert(key, id);
        Ok(Some(id))
    }

    /// The court that a row names; `None` with a fault noted where it names none, or one that is not there.
    pub(super) fn court(&mut self, conn: &mut Conn, fields: &mut Fields<'_>) -> Result<Option<CourtId>> {
        let Some((key, name)) = name(fields, &COURT) else { return Ok(None) };
        if let Some(known) = self.courts.get(&key) {
            return Ok(Some(*known));
        }
        let Some(id) = find_id::<CourtId>(conn, fields, Named::Court, &name, &COURT)? else { return Ok(None) };
        if store::courts::find(conn, id)?.is_none() {
            fields.fault(place(&name, &COURT), Rule::Missing);
            return Ok(None);
        }
        self.courts.insert(key, id);
        Ok(Some(id))
    }
}

/// What a row names a thing by, with a key under which it is remembered.
fn name(fields: &mut Fields<'_>, columns: &Columns) -> Option<(String, Name)> {
    let (id, value) = (fields.text(columns.id), fields.text(columns.value));
    // Where nothing else is said, the system that tells of the record names the thing as well.
    let system = fields.text(columns.system).or_else(|| fields.text("source_system"));
    match (id, value, system) {
        (Some(id), None, _) => Some((id.clone(), Name::Id(id))),
        (None, Some(value), Some(source_system)) => {
            Some((format!("{source_system}\0{value}"), Name::External(ExternalId { source_system, value })))
        }
        (Some(_), Some(_), _) => {
            fields.fault(columns.value, Rule::Mismatch { other: columns.id });
            None
        }
        (None, Some(_), None) => None,
        (None, None, _) => {
            fields.fault(columns.id, Rule::Required);
            None
        }
    }
}

/// The id as the row gives it, or as the other system's name leads to it.
fn find_id<T: FromStr>(
    conn: &mut Conn,
    fields: &mut Fields<'_>,
    named: Named,
    name: &Name,
    columns: &Columns,
) -> Result<Option<T>> {
    let text = match name {
        Name::Id(id) => id.clone(),
        Name::External(external_id) => match store::external_ids::find_object(conn, named, external_id)? {
            Some(id) => id,
            None => {
                fields.fault(columns.value, Rule::Missing);
                return Ok(None);
            }
        },
    };
    let id = text.parse();
    if id.is_err() {
        fields.fault(columns.id, AN_ID);
    }
    // The fault is noted.
    Ok(id.ok())
}

fn place(name: &Name, columns: &Columns) -> &'static str {
    match name {
        Name::Id(_) => columns.id,
        Name::External(_) => columns.value,
    }
}
