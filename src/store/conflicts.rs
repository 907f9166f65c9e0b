//! Declared conflicts between two judges. A pair has one form, the smaller id first, so that it is found from both sides.

use chrono::NaiveDate;
use diesel::prelude::*;

use super::schema::{accounts, conflicts};
use crate::db::Conn;
use crate::domain::ids::{AccountId, ConflictId, JudgeId};
use crate::domain::judge_file::ConflictKind;
use crate::error::{Code, OnUnique, Result};
use crate::on;

/// A conflict.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = conflicts, treat_none_as_default_value = false)]
pub struct Conflict {
    /// Its id.
    pub id: ConflictId,
    /// The judge of the two whose id is smaller.
    pub judge_id: JudgeId,
    /// The other one.
    pub other_judge_id: JudgeId,
    /// Why the two may not evaluate one another.
    pub kind: ConflictKind,
    /// The first day.
    pub starts_on: NaiveDate,
    /// The last day; none while it lasts.
    pub ends_on: Option<NaiveDate>,
    /// Who declared it.
    pub declared_by: AccountId,
}

/// Adds a conflict; 409 `already_exists` where the same account has declared it.
pub fn insert(conn: &mut Conn, conflict: &Conflict) -> Result<()> {
    on!(conn, |c| { diesel::insert_into(conflicts::table).values(conflict).execute(c) })
        .on_unique(Code::AlreadyExists)?;
    Ok(())
}

/// Whether a conflict of this pair, in whatever order, is in force on a day.
pub fn is_declared(conn: &mut Conn, pair: [JudgeId; 2], day: NaiveDate) -> Result<bool> {
    let [one, other] = pair;
    Ok(on!(conn, |c| {
        let found = conflicts::table
            .filter(conflicts::judge_id.eq(one.min(other)).and(conflicts::other_judge_id.eq(one.max(other))))
            .filter(conflicts::starts_on.le(day))
            .filter(conflicts::ends_on.is_null().or(conflicts::ends_on.ge(day)))
            .select(conflicts::id);
        diesel::select(diesel::dsl::exists(found)).get_result(c)
    })?)
}

/// The conflicts that a judge has declared, by id; what others declared of the judge is not among them.
pub fn declared_by_judge(conn: &mut Conn, judge: JudgeId, limit: i64) -> Result<Vec<Conflict>> {
    Ok(on!(conn, |c| {
        conflicts::table
            .inner_join(accounts::table.on(accounts::id.eq(conflicts::declared_by)))
            .filter(conflicts::judge_id.eq(judge).or(conflicts::other_judge_id.eq(judge)))
            .filter(accounts::judge_id.eq(judge))
            .select(Conflict::as_select())
            .order(conflicts::id)
            .limit(limit)
            .load(c)
    })?)
}

/// Conflicts by id, after `after`, at most `limit`.
pub fn list(conn: &mut Conn, after: Option<ConflictId>, limit: i64) -> Result<Vec<Conflict>> {
    Ok(on!(conn, |c| {
        let mut query = conflicts::table.select(Conflict::as_select()).order(conflicts::id).limit(limit).into_boxed();
        if let Some(after) = after {
            query = query.filter(conflicts::id.gt(after));
        }
        query.load(c)
    })?)
}
