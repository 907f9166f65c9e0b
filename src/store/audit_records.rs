//! Audit entries as they lie in their columns, for the tree over them. A newcomer's usual mistake is to read them as
//! [`AuditEntry`](super::audit::AuditEntry): whatever a parser takes for equal, such as an id in capitals, would then
//! change unseen, and an id in capitals is found by no filter.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::Bool;

use super::schema::audit_entries;
use crate::db::Conn;
use crate::error::Result;
use crate::on;

/// The value of one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// NULL.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text; an instant as `2027-01-11T04:30:00.000000000Z`.
    Text(String),
}

/// A type of the columns.
trait Stored {
    /// How SQLite names the form in which such a value lies in its file.
    const SQLITE_FORM: &'static str;

    /// The value for the tree.
    fn cell(self) -> Cell;
}

macro_rules! columns {
    ($($name:ident: $type:ty,)*) => {
        /// An entry: every column of the table, in its order. A column more does not compile until it stands here.
        #[derive(Debug, Clone, Queryable)]
        pub struct Record { $($name: $type,)* }

        impl Record {
            /// All columns by name.
            pub fn into_columns(self) -> Vec<(&'static str, Cell)> {
                vec![$((stringify!($name), self.$name.cell()),)*]
            }
        }

        /// Each column with the form that SQLite keeps its values in.
        const COLUMNS: &[(&str, &str)] = &[$((stringify!($name), <$type as Stored>::SQLITE_FORM),)*];
    };
}

columns! {
    sequence: i64,
    id: String,
    occurred_at: NaiveDateTime,
    account_id: Option<String>,
    client_id: Option<String>,
    act: String,
    object_type: String,
    object_id: String,
    judge_id: Option<String>,
    purpose: Option<String>,
    digest: Option<String>,
    reading_number: Option<i64>,
}

impl Record {
    /// Its place in the order of commits; from 1 in a log that is whole.
    pub fn sequence(&self) -> i64 {
        self.sequence
    }
}

impl Stored for i64 {
    const SQLITE_FORM: &'static str = "integer";

    fn cell(self) -> Cell {
        Cell::Integer(self)
    }
}

impl Stored for String {
    const SQLITE_FORM: &'static str = "text";

    fn cell(self) -> Cell {
        Cell::Text(self)
    }
}

impl Stored for NaiveDateTime {
    const SQLITE_FORM: &'static str = "text";

    fn cell(self) -> Cell {
        Cell::Text(self.format("%Y-%m-%dT%H:%M:%S%.9fZ").to_string())
    }
}

impl<T: Stored> Stored for Option<T> {
    const SQLITE_FORM: &'static str = T::SQLITE_FORM;

    fn cell(self) -> Cell {
        self.map_or(Cell::Null, Stored::cell)
    }
}

/// Entries by number, after `after` (without it from the least, which may be none that the service gave), at most `limit`.
pub fn list(conn: &mut Conn, after: Option<i64>, limit: i64) -> Result<Vec<Record>> {
    Ok(on!(conn, |c| {
        let mut query = audit_entries::table.order(audit_entries::sequence).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(audit_entries::sequence.gt(after));
        }
        query.load(c)
    })?)
}

/// The number of the last entry.
pub fn last(conn: &mut Conn) -> Result<Option<i64>> {
    Ok(on!(conn, |c| { audit_entries::table.select(diesel::dsl::max(audit_entries::sequence)).get_result(c) })?)
}

/// The number of the first entry with a value in a form that the service never writes.
///
/// SQLite keeps a form with each value: bytes in place of a text read the same, but no filter finds them, so a reading of
/// a judge's file could be hidden from the judge. PostgreSQL has one form for each column.
pub fn find_disguised(conn: &mut Conn) -> Result<Option<i64>> {
    let Conn::Sqlite(c) = conn else { return Ok(None) };
    let is_odd = |(name, form): &(&str, &str)| format!("typeof({name}) NOT IN ('{form}', 'null')");
    let any_odd = COLUMNS.iter().map(is_odd).collect::<Vec<_>>().join(" OR ");
    Ok(audit_entries::table
        .filter(diesel::dsl::sql::<Bool>(&format!("({any_odd})")))
        .select(audit_entries::sequence)
        .order(audit_entries::sequence)
        .first(c)
        .optional()?)
}
