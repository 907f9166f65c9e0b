//! The names that other systems have for courts and judges. A name belongs to one thing of its kind: the table's key.

use diesel::prelude::*;

use super::schema::external_ids;
use crate::coded;
use crate::db::Conn;
use crate::domain::judge_file::ExternalId;
use crate::error::{Code, OnUnique, Result};
use crate::on;

coded! {
    /// What a name is for.
    Named {
        /// A court.
        Court = "court",
        /// A judge.
        Judge = "judge",
    }
}

/// Gives a thing a name; 409 `already_exists` where the name is another's.
pub fn insert(conn: &mut Conn, named: Named, object_id: &str, id: &ExternalId) -> Result<()> {
    on!(conn, |c| {
        diesel::insert_into(external_ids::table)
            .values((
                external_ids::object_type.eq(named),
                external_ids::source_system.eq(&id.source_system),
                external_ids::value.eq(&id.value),
                external_ids::object_id.eq(object_id),
            ))
            .execute(c)
    })
    .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// The id of the thing with this name.
pub fn find_object(conn: &mut Conn, named: Named, id: &ExternalId) -> Result<Option<String>> {
    Ok(on!(conn, |c| {
        external_ids::table
            .find((named, &id.source_system, &id.value))
            .select(external_ids::object_id)
            .first(c)
            .optional()
    })?)
}

/// The names of all these things, each with the id of its thing; at most 1,000.
pub fn list_of(conn: &mut Conn, object_ids: &[String]) -> Result<Vec<(String, ExternalId)>> {
    let rows: Vec<(String, String, String)> = on!(conn, |c| {
        external_ids::table
            .filter(external_ids::object_id.eq_any(object_ids))
            .order((external_ids::object_id, external_ids::source_system, external_ids::value))
            .select((external_ids::object_id, external_ids::source_system, external_ids::value))
            .limit(1_000)
            .load(c)
    })?;
    Ok(rows.into_iter().map(|(id, source_system, value)| (id, ExternalId { source_system, value })).collect())
}
