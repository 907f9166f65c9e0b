//! The audit log: one entry in the transaction of each write and of each read of a person's file. A newcomer's usual
//! mistake is to number entries by a database sequence: a slow transaction would commit a smaller number after a reader
//! passed it. The number is taken here, inside the writer's transaction, so it follows the order of commits.

use chrono::NaiveDateTime;
use diesel::prelude::*;

use super::schema::audit_entries;
use crate::db::Conn;
use crate::domain::caller::CallerId;
use crate::domain::ids::{AccountId, AuditEntryId, ClientId, JudgeId};
use crate::domain::judge_file::FilePurpose;
use crate::error::Result;
use crate::on;

/// An entry; never holds marks, texts, names or who reviews whom.
#[derive(Debug, Clone, Queryable, Selectable, Insertable)]
#[diesel(table_name = audit_entries, treat_none_as_default_value = false)]
pub struct AuditEntry {
    /// Its place in the order of commits, from 1.
    pub sequence: i64,
    /// Its id.
    pub id: AuditEntryId,
    /// When; the date alone (midnight) for the collection of credentials.
    pub occurred_at: NaiveDateTime,
    /// Which person; nobody for machine clients and for the service itself.
    pub account_id: Option<AccountId>,
    /// Which machine client.
    pub client_id: Option<ClientId>,
    /// What, by its `verb_noun`.
    pub act: String,
    /// The kind of thing it was done to.
    pub object_type: String,
    /// The id of that thing.
    pub object_id: String,
    /// Whose file it concerns, if anybody's: judges read who looked at theirs.
    pub judge_id: Option<JudgeId>,
    /// Why a person's file was read.
    pub purpose: Option<String>,
    /// The digest of what was confirmed by two persons.
    pub digest: Option<String>,
}

/// What a write tells about itself; the number and id are given when it is recorded.
#[derive(Debug, Clone)]
pub struct NewEntry<'a> {
    /// Which person.
    pub account_id: Option<AccountId>,
    /// Which machine client.
    pub client_id: Option<ClientId>,
    /// What, by its `verb_noun`.
    pub act: &'a str,
    /// The kind of thing.
    pub object_type: &'a str,
    /// The id of the thing.
    pub object_id: String,
    /// Whose file it concerns.
    pub judge_id: Option<JudgeId>,
    /// Why a person's file was read.
    pub purpose: Option<&'a str>,
    /// The digest of what was confirmed by two persons.
    pub digest: Option<String>,
}

impl<'a> NewEntry<'a> {
    /// An entry of `account_id` reading a judge's file, or a part of it, by the operation `act`.
    pub fn reading(account_id: AccountId, act: &'a str, judge_id: JudgeId, purpose: FilePurpose) -> Self {
        let entry = NewEntry::new(Some(account_id), act, "judge", judge_id).of_judge(judge_id);
        NewEntry { purpose: Some(purpose.as_str()), ..entry }
    }

    /// An entry of `account_id` doing `act` to a thing.
    pub fn new(account_id: Option<AccountId>, act: &'a str, object_type: &'a str, object_id: impl ToString) -> Self {
        let object_id = object_id.to_string();
        let (client_id, judge_id, purpose, digest) = (None, None, None, None);
        NewEntry { account_id, client_id, act, object_type, object_id, judge_id, purpose, digest }
    }

    /// An entry of a person or a machine client doing `act` to a thing.
    pub fn by(caller: CallerId, act: &'a str, object_type: &'a str, object_id: impl ToString) -> Self {
        let entry = NewEntry::new(caller.account(), act, object_type, object_id);
        NewEntry { client_id: caller.client(), ..entry }
    }

    /// The same, concerning a judge's file.
    pub fn of_judge(self, judge_id: JudgeId) -> Self {
        NewEntry { judge_id: Some(judge_id), ..self }
    }
}

/// Records an entry and returns its number.
pub fn record(conn: &mut Conn, entry: NewEntry<'_>, now: chrono::DateTime<chrono::Utc>) -> Result<i64> {
    let last: Option<i64> =
        on!(conn, |c| { audit_entries::table.select(diesel::dsl::max(audit_entries::sequence)).get_result(c) })?;
    let sequence = last.unwrap_or(0) + 1;
    let row = AuditEntry {
        sequence,
        id: AuditEntryId(crate::domain::ids::new_at(now)),
        occurred_at: now.naive_utc(),
        account_id: entry.account_id,
        client_id: entry.client_id,
        act: entry.act.to_owned(),
        object_type: entry.object_type.to_owned(),
        object_id: entry.object_id,
        judge_id: entry.judge_id,
        purpose: entry.purpose.map(str::to_owned),
        digest: entry.digest,
    };
    on!(conn, |c| { diesel::insert_into(audit_entries::table).values(&row).execute(c) })?;
    Ok(sequence)
}

/// Entries by number, after `after`, at most `limit`; of one judge's file where `judge` is given.
pub fn list(conn: &mut Conn, judge: Option<JudgeId>, after: Option<i64>, limit: i64) -> Result<Vec<AuditEntry>> {
    Ok(on!(conn, |c| {
        let mut query = audit_entries::table
            .select(AuditEntry::as_select())
            .order(audit_entries::sequence)
            .limit(limit)
            .into_boxed();
        if let Some(judge) = judge {
            query = query.filter(audit_entries::judge_id.eq(judge));
        }
        if let Some(after) = after {
            query = query.filter(audit_entries::sequence.gt(after));
        }
        query.load(c)
    })?)
}

/// How often others read a judge's file or a part of it; the judge's own readings are not counted.
pub fn count_reads(conn: &mut Conn, judge: JudgeId) -> Result<i64> {
    Ok(on!(conn, |c| {
        audit_entries::table
            .filter(audit_entries::judge_id.eq(judge))
            .filter(audit_entries::purpose.ne(FilePurpose::OwnFile.as_str()))
            .count()
            .get_result(c)
    })?)
}

/// The latest readings of a judge's file by others, newest first.
pub fn latest_reads(conn: &mut Conn, judge: JudgeId, limit: i64) -> Result<Vec<AuditEntry>> {
    Ok(on!(conn, |c| {
        audit_entries::table
            .filter(audit_entries::judge_id.eq(judge))
            .filter(audit_entries::purpose.ne(FilePurpose::OwnFile.as_str()))
            .select(AuditEntry::as_select())
            .order(audit_entries::sequence.desc())
            .limit(limit)
            .load(c)
    })?)
}
