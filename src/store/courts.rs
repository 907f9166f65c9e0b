//! Courts. Their names in other systems lie in [`super::external_ids`].

use diesel::prelude::*;

use super::schema::courts;
use crate::db::Conn;
use crate::domain::ids::{CourtId, ImportId};
use crate::domain::judge_file::CourtLevel;
use crate::domain::specialisations::Specialisations;
use crate::error::Result;
use crate::on;

/// A court.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = courts, treat_none_as_default_value = false)]
pub struct Court {
    /// Its id.
    pub id: CourtId,
    /// Its name in Kazakh.
    pub name_kk: String,
    /// Its name in Russian.
    pub name_ru: String,
    /// Its name in English, if any.
    pub name_en: Option<String>,
    /// Its level.
    pub level: CourtLevel,
    /// The region it belongs to.
    pub region: String,
    /// How many posts of judges it has, 0 to 400.
    pub posts: i32,
    /// Grows by one with each change.
    pub version: i64,
    /// The import that it came in with; none where it was added by itself.
    pub batch_id: Option<ImportId>,
    /// In what it is specialised; empty where it is not, or nothing is told.
    pub specialisations: Specialisations,
}

/// Adds a court.
pub fn insert(conn: &mut Conn, court: &Court) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(courts::table).values(court).execute(c) })?;
    Ok(())
}

/// The court with this id.
pub fn find(conn: &mut Conn, id: CourtId) -> Result<Option<Court>> {
    Ok(on!(conn, |c| { courts::table.find(id).select(Court::as_select()).first(c).optional() })?)
}

/// The version of the court with this id.
pub fn version(conn: &mut Conn, id: CourtId) -> Result<Option<i64>> {
    Ok(on!(conn, |c| { courts::table.find(id).select(courts::version).first(c).optional() })?)
}

/// Courts by id, after `after`, at most `limit`; of one region or level where one is given.
pub fn list(
    conn: &mut Conn,
    region: Option<&str>,
    level: Option<CourtLevel>,
    after: Option<CourtId>,
    limit: i64,
) -> Result<Vec<Court>> {
    Ok(on!(conn, |c| {
        let mut query = courts::table.select(Court::as_select()).order(courts::id).limit(limit).into_boxed();
        if let Some(region) = region {
            query = query.filter(courts::region.eq(region.to_owned()));
        }
        if let Some(level) = level {
            query = query.filter(courts::level.eq(level));
        }
        if let Some(after) = after {
            query = query.filter(courts::id.gt(after));
        }
        query.load(c)
    })?)
}
