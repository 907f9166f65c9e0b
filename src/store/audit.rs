//! The audit log: one entry in the transaction of each write and of each read of a person's file. A newcomer's usual
//! mistake is to number entries by a database sequence: a slow transaction would commit a smaller number after a reader
//! passed it. The number is taken here, inside the writer's transaction, so it follows the order of commits.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::dsl::max;
use diesel::prelude::*;

use super::schema::{accounts, audit_entries, clients, judges};
use crate::db::Conn;
use crate::domain::caller::CallerId;
use crate::domain::ids::{AccountId, AuditEntryId, ClientId, JudgeId, new_at};
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::StaffRole;
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
    /// The digest of what was confirmed by two persons, granted to an account or a machine client, or put in as a document.
    pub digest: Option<String>,
    /// Which reading of this judge's file by somebody else it is, from 1; none for other acts.
    pub reading_number: Option<i64>,
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
    /// The digest of what was confirmed by two persons, granted to an account or a machine client, or put in as a document.
    pub digest: Option<String>,
}

impl<'a> NewEntry<'a> {
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

    /// The same, with the digest of what was confirmed or granted.
    pub fn of_digest(self, digest: String) -> Self {
        NewEntry { digest: Some(digest), ..self }
    }

    /// The same, concerning a judge's file.
    pub fn of_judge(self, judge_id: JudgeId) -> Self {
        NewEntry { judge_id: Some(judge_id), ..self }
    }
}

/// How the log stood when a judge's file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// How often others had read the file or a part of it; the judge's own readings are not counted.
    pub reading_count: i64,
    /// The number of the last entry that concerns the judge and is no reading: it grows with every write to the file.
    pub last_write: Option<i64>,
}

/// Records an entry.
pub fn record(conn: &mut Conn, entry: NewEntry<'_>, now: DateTime<Utc>) -> Result<()> {
    let last: Option<i64> = on!(conn, |c| { audit_entries::table.select(max(audit_entries::sequence)).get_result(c) })?;
    insert(conn, entry, last, None, now)
}

/// Records the same act on the files of many judges, an entry each.
pub fn record_for_judges(conn: &mut Conn, entry: &NewEntry<'_>, judges: &[JudgeId], now: DateTime<Utc>) -> Result<()> {
    let last: Option<i64> = on!(conn, |c| { audit_entries::table.select(max(audit_entries::sequence)).get_result(c) })?;
    for (judge_id, before) in judges.iter().zip(last.unwrap_or(0)..) {
        insert(conn, entry.clone().of_judge(*judge_id), Some(before), None, now)?;
    }
    Ok(())
}

/// Records that somebody reads a judge's file, or a part of it, by the operation `act`, and tells how the log stood
/// before. A judge's own readings are recorded and not counted.
pub fn record_reading(
    conn: &mut Conn,
    account_id: AccountId,
    act: &str,
    judge_id: JudgeId,
    purpose: FilePurpose,
    now: DateTime<Utc>,
) -> Result<Before> {
    let (last, before) = before(conn, judge_id)?;
    let number = (purpose != FilePurpose::OwnFile).then_some(before.reading_count + 1);
    let entry = NewEntry::new(Some(account_id), act, "judge", judge_id).of_judge(judge_id);
    insert(conn, NewEntry { purpose: Some(purpose.as_str()), ..entry }, last, number, now)?;
    Ok(before)
}

/// Records that facts of a judge's file left it as an extract, or that one was read, for a purpose of extracts or of the file: a
/// reading that the judge sees among the others.
pub fn record_extract(
    conn: &mut Conn,
    judge: JudgeId,
    entry: NewEntry<'_>,
    purpose: &str,
    now: DateTime<Utc>,
) -> Result<()> {
    let (last, before) = before(conn, judge)?;
    let entry = NewEntry { purpose: Some(purpose), ..entry.of_judge(judge) };
    insert(conn, entry, last, Some(before.reading_count + 1), now)
}

/// The last number of the log, and how it stands for a judge.
fn before(conn: &mut Conn, judge_id: JudgeId) -> Result<(Option<i64>, Before)> {
    let of_judge = audit_entries::table.filter(audit_entries::judge_id.eq(judge_id));
    let readings = of_judge.filter(audit_entries::reading_number.is_not_null());
    let writes = of_judge.filter(audit_entries::purpose.is_null());
    let (last, reading, last_write): (Option<i64>, Option<i64>, Option<i64>) = on!(conn, |c| {
        diesel::select((
            audit_entries::table.select(max(audit_entries::sequence)).single_value(),
            readings.select(max(audit_entries::reading_number)).single_value(),
            writes.select(max(audit_entries::sequence)).single_value(),
        ))
        .get_result(c)
    })?;
    Ok((last, Before { reading_count: reading.unwrap_or(0), last_write }))
}

/// Records at once that somebody reads the files of several judges, or what names them, by the operation `act`; all of them
/// others than the reader.
pub fn record_readings(
    conn: &mut Conn,
    account_id: AccountId,
    act: &str,
    judges: &[JudgeId],
    purpose: FilePurpose,
    now: DateTime<Utc>,
) -> Result<()> {
    if judges.is_empty() {
        return Ok(());
    }
    let last: Option<i64> = on!(conn, |c| { audit_entries::table.select(max(audit_entries::sequence)).get_result(c) })?;
    let counted: Vec<(Option<JudgeId>, Option<i64>)> = on!(conn, |c| {
        audit_entries::table
            .filter(audit_entries::judge_id.eq_any(judges))
            .filter(audit_entries::reading_number.is_not_null())
            .group_by(audit_entries::judge_id)
            .select((audit_entries::judge_id, max(audit_entries::reading_number)))
            .load(c)
    })?;
    let before = |judge: JudgeId| counted.iter().find(|(of, _)| *of == Some(judge)).and_then(|(_, number)| *number);
    let rows = (last.unwrap_or(0)..).zip(judges).map(|(last, judge)| {
        let entry = NewEntry::new(Some(account_id), act, "judge", judge).of_judge(*judge);
        let entry = NewEntry { purpose: Some(purpose.as_str()), ..entry };
        row(entry, Some(last), Some(before(*judge).unwrap_or(0) + 1), now)
    });
    let rows: Vec<AuditEntry> = rows.collect();
    on!(conn, |c| { diesel::insert_into(audit_entries::table).values(&rows).execute(c) })?;
    Ok(())
}

fn insert(
    conn: &mut Conn,
    entry: NewEntry<'_>,
    last: Option<i64>,
    reading_number: Option<i64>,
    now: DateTime<Utc>,
) -> Result<()> {
    let row = row(entry, last, reading_number, now);
    on!(conn, |c| { diesel::insert_into(audit_entries::table).values(&row).execute(c) })?;
    Ok(())
}

/// The row of an entry that follows the entry of number `last`.
fn row(entry: NewEntry<'_>, last: Option<i64>, reading_number: Option<i64>, now: DateTime<Utc>) -> AuditEntry {
    AuditEntry {
        sequence: last.unwrap_or(0) + 1,
        id: AuditEntryId(new_at(now)),
        occurred_at: now.naive_utc(),
        account_id: entry.account_id,
        client_id: entry.client_id,
        act: entry.act.to_owned(),
        object_type: entry.object_type.to_owned(),
        object_id: entry.object_id,
        judge_id: entry.judge_id,
        purpose: entry.purpose.map(str::to_owned),
        digest: entry.digest,
        reading_number,
    }
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

/// A reading of a judge's file by somebody else, with who that is.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The entry.
    pub entry: AuditEntry,
    /// The reader's name: a judge's in Russian, as personnel acts have it, else the account's.
    pub full_name: Option<String>,
    /// The reader's staff role, as it is now.
    pub staff_role: Option<StaffRole>,
    /// What people call the machine client that read.
    pub client_name: Option<String>,
}

/// An entry with the names that a reader goes by as a judge and by the account, the role, or the name of a machine client.
type ReadingRow = (AuditEntry, Option<String>, Option<String>, Option<StaffRole>, Option<String>);

/// The readings of a judge's file by others, newest first, those before the reading of number `before` where one is given.
pub fn readings(conn: &mut Conn, judge: JudgeId, before: Option<i64>, limit: i64) -> Result<Vec<Reading>> {
    let rows: Vec<ReadingRow> = on!(conn, |c| {
        let mut query = audit_entries::table
            .left_join(accounts::table.on(audit_entries::account_id.eq(accounts::id.nullable())))
            .left_join(judges::table.on(accounts::judge_id.eq(judges::id.nullable())))
            .left_join(clients::table.on(audit_entries::client_id.eq(clients::id.nullable())))
            .filter(audit_entries::judge_id.eq(judge).and(audit_entries::reading_number.is_not_null()))
            .select((
                AuditEntry::as_select(),
                judges::full_name_ru.nullable(),
                accounts::full_name.nullable(),
                accounts::staff_role.nullable(),
                clients::name.nullable(),
            ))
            .order(audit_entries::reading_number.desc())
            .limit(limit)
            .into_boxed();
        if let Some(before) = before {
            query = query.filter(audit_entries::reading_number.lt(before));
        }
        query.load(c)
    })?;
    let reading = |(entry, of_judge, of_account, staff_role, client_name): ReadingRow| {
        let full_name: Option<String> = of_judge.or(of_account);
        Reading { entry, full_name, staff_role, client_name }
    };
    Ok(rows.into_iter().map(reading).collect())
}
