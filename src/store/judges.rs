//! Judges. A newcomer's usual mistake is to read the IIN with the rest: a [`Judge`] has none. It goes in sealed, with a
//! keyed hash beside it for look-ups, and nothing here takes it out again.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::schema::{external_ids, judges};
use crate::db::Conn;
use crate::domain::ids::{ImportId, JudgeId};
use crate::domain::judge_file::ExternalId;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A judge, as everybody but the look-up by IIN sees one.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = judges, treat_none_as_default_value = false)]
pub struct Judge {
    /// The id.
    pub id: JudgeId,
    /// The full name in Kazakh.
    pub full_name_kk: String,
    /// The full name in Russian.
    pub full_name_ru: String,
    /// The full name in English, if any.
    pub full_name_en: Option<String>,
    /// The day of the first appointment to a judge's post.
    pub first_appointed_on: NaiveDate,
    /// Grows by one with each change.
    pub version: i64,
    /// The import that the judge came in with; none where added alone.
    pub batch_id: Option<ImportId>,
}

/// An IIN as it is kept.
#[derive(Debug, Clone)]
pub struct KeptIin {
    /// Encrypted, with the judge's id as context.
    pub sealed: Vec<u8>,
    /// The keyed hash.
    pub hash: Vec<u8>,
}

/// Adds a judge; 409 `already_exists` where the IIN is on record.
pub fn insert(conn: &mut Conn, judge: &Judge, iin: &KeptIin) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(judges::table)
            .values((judge, judges::iin_sealed.eq(&iin.sealed), judges::iin_hash.eq(&iin.hash)))
            .execute(c)
    })
    .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The judge with this id.
pub fn find(conn: &mut Conn, id: JudgeId) -> Result<Option<Judge>> {
    Ok(on!(conn, |c| { judges::table.find(id).select(Judge::as_select()).first(c).optional() })?)
}

/// Judges by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<JudgeId>, limit: i64) -> Result<Vec<Judge>> {
    Ok(on!(conn, |c| {
        let mut query = judges::table.select(Judge::as_select()).order(judges::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(judges::id.gt(after));
        }
        query.load(c)
    })?)
}

/// The judge with this id and the judge's names in other systems, in one query.
pub fn find_named(conn: &mut Conn, id: JudgeId) -> Result<Option<(Judge, Vec<ExternalId>)>> {
    let rows: Vec<(Judge, Option<String>, Option<String>)> = on!(conn, |c| {
        judges::table
            .left_join(external_ids::table.on(external_ids::object_id.eq(judges::id)))
            .filter(judges::id.eq(id))
            .order((external_ids::source_system, external_ids::value))
            .select((Judge::as_select(), external_ids::source_system.nullable(), external_ids::value.nullable()))
            .limit(1_000)
            .load(c)
    })?;
    let mut named = None;
    for (judge, source_system, value) in rows {
        let (_, names) = named.get_or_insert_with(|| (judge, Vec::new()));
        names.extend(source_system.zip(value).map(|(source_system, value)| ExternalId { source_system, value }));
    }
    Ok(named)
}

/// The judge whose IIN has this keyed hash.
pub fn find_by_iin_hash(conn: &mut Conn, hash: &[u8]) -> Result<Option<Judge>> {
    Ok(on!(conn, |c| {
        judges::table.filter(judges::iin_hash.eq(hash)).select(Judge::as_select()).first(c).optional()
    })?)
}
