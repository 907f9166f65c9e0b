//! The records that replaced one another, of whatever kind. What a newcomer would get wrong: what is said of one of them,
//! above all that it is disputed, does not end with it; the record that takes its place is asked for here.

use std::collections::VecDeque;

use diesel::prelude::*;

use super::schema::{acts, file_records, judge_particulars, observations, positions};
use crate::db::Conn;
use crate::domain::ids::RecordId;
use crate::domain::judge_file::RecordStatus;
use crate::domain::sections::{RecordRef, RecordType};
use crate::error::Result;
use crate::on;

/// One of the records that replaced one another.
#[derive(Debug, Clone, Copy, Queryable)]
pub struct Version {
    /// Its id.
    pub id: RecordId,
    /// The record that it replaces.
    supersedes_id: Option<RecordId>,
    /// How it stands.
    pub status: RecordStatus,
}

/// A record, if there is one, and the one that replaced it, if there is one.
macro_rules! beside {
    ($conn:expr, $table:ident, $id:expr) => {
        on!($conn, |c| {
            $table::table
                .filter($table::id.eq($id).or($table::supersedes_id.eq($id)))
                .select(($table::id, $table::supersedes_id, $table::status))
                .load::<Version>(c)
        })?
    };
}

/// The record with those that it replaced and those that replaced it, the first one first; none where there is no such
/// record.
pub fn of(conn: &mut Conn, record: RecordRef) -> Result<Vec<Version>> {
    let RecordRef { record_type, record_id } = record;
    let mut beside = |id: RecordId| -> Result<(Option<Version>, Option<Version>)> {
        let found = match record_type {
            RecordType::Act => beside!(conn, acts, id),
            RecordType::Observation => beside!(conn, observations, id),
            RecordType::Particulars => beside!(conn, judge_particulars, id),
            RecordType::Position => beside!(conn, positions, id),
            RecordType::Record => beside!(conn, file_records, id),
        };
        let named = found.iter().find(|version| version.id == id).copied();
        Ok((named, found.into_iter().find(|version| version.supersedes_id == Some(id))))
    };
    let (named, mut later) = beside(record_id)?;
    let mut versions: VecDeque<Version> = named.into_iter().collect();
    let mut earlier = named.and_then(|version| version.supersedes_id);
    while let Some(id) = earlier {
        let (before, _) = beside(id)?;
        if let Some(before) = before {
            versions.push_front(before);
        }
        earlier = before.and_then(|version| version.supersedes_id);
    }
    while let Some(after) = later {
        versions.push_back(after);
        (_, later) = beside(after.id)?;
    }
    Ok(versions.into())
}
