//! A list with its filters, as one caller may see it: the rows behind a page, and behind a file of the whole. What a
//! newcomer would get wrong: to read the rows of a file by a query of its own. There is one way to a row, so that a file
//! cannot show what the page would not.

use std::collections::BTreeSet;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::members;
use crate::db::Conn;
use crate::domain::ids::JudgeId;
use crate::domain::judge_file::FilePurpose;
use crate::domain::policy::Actor;
use crate::error::{Code, Error, Result};
use crate::store;
use crate::store::audit::NewEntry;

/// One row, as every form of the list shows it.
pub struct Row {
    /// Where it stands in the list's order; what a cursor holds.
    pub key: String,
    /// Its members as JSON.
    pub json: String,
    /// The judge whom it names, where that is recorded.
    judge_id: Option<JudgeId>,
}

type Rows = dyn Fn(&mut Conn, Option<&str>, i64) -> Result<Vec<Row>> + Send + Sync;
type Admission = dyn Fn(&mut Conn, &Actor) -> Result<FilePurpose> + Send + Sync;

/// Whose file is read with the list, and when that goes on record.
enum Reading {
    /// Nobody's.
    Nobodys,
    /// Nobody's, and yet each page and each file is on record.
    Recorded,
    /// One judge's: each page and each file is a reading of it, once the caller is let in.
    Of(JudgeId, Box<Admission>),
    /// That of each judge whom a file of the whole list names; a page shows a few names, which is no reading.
    OfNamed(FilePurpose),
    /// That of each judge whom a row is about, on a page as in a file.
    OfEach(FilePurpose),
}

/// A list with its filters.
pub struct List {
    operation: &'static str,
    name: String,
    columns: Vec<String>,
    reading: Reading,
    rows: Box<Rows>,
}

impl List {
    /// The list of an operation; `name` tells it with its filters from all others. `find` gives rows in the order of `key`,
    /// those after the key that it is given, at most so many; a row is shown as `view`, whose members are the columns.
    pub fn new<K, R, V>(
        operation: &'static str,
        name: impl Into<String>,
        find: impl Fn(&mut Conn, Option<K>, i64) -> Result<Vec<R>> + Send + Sync + 'static,
        key: impl Fn(&R) -> K + Send + Sync + 'static,
        view: impl Fn(R) -> V + Send + Sync + 'static,
    ) -> List
    where
        K: FromStr + ToString,
        V: Serialize + ToSchema,
    {
        List::build(operation, name.into(), Reading::Nobodys, find, key, |_| None, view)
    }

    /// The same of rows that name judges: a file of them is a reading of each one's file.
    pub fn of_names<K, R, V>(
        operation: &'static str,
        name: impl Into<String>,
        find: impl Fn(&mut Conn, Option<K>, i64) -> Result<Vec<R>> + Send + Sync + 'static,
        key: impl Fn(&R) -> K + Send + Sync + 'static,
        judge: impl Fn(&R) -> JudgeId + Send + Sync + 'static,
        view: impl Fn(R) -> V + Send + Sync + 'static,
    ) -> List
    where
        K: FromStr + ToString,
        V: Serialize + ToSchema,
    {
        let reading = Reading::OfNamed(FilePurpose::Personnel);
        List::build(operation, name.into(), reading, find, key, move |row| Some(judge(row)), view)
    }

    fn build<K, R, V>(
        operation: &'static str,
        name: String,
        reading: Reading,
        find: impl Fn(&mut Conn, Option<K>, i64) -> Result<Vec<R>> + Send + Sync + 'static,
        key: impl Fn(&R) -> K + Send + Sync + 'static,
        judge: impl Fn(&R) -> Option<JudgeId> + Send + Sync + 'static,
        view: impl Fn(R) -> V + Send + Sync + 'static,
    ) -> List
    where
        K: FromStr + ToString,
        V: Serialize + ToSchema,
    {
        let rows = move |conn: &mut Conn, after: Option<&str>, limit: i64| {
            let after = after.map(str::parse).transpose().map_err(|_| Error::from(Code::BadCursor))?;
            let found = find(conn, after, limit)?.into_iter().map(|row| {
                let (key, judge_id) = (key(&row).to_string(), judge(&row));
                let json = serde_json::to_string(&view(row)).map_err(Error::internal)?;
                Ok(Row { key, json, judge_id })
            });
            found.collect()
        };
        List { operation, name, columns: members_of::<V>(), reading, rows: Box::new(rows) }
    }

    /// The list as a part of a judge's file: `admit` says for which purpose the caller reads it, or that there is none.
    pub fn in_file(
        self,
        judge_id: JudgeId,
        admit: impl Fn(&mut Conn, &Actor) -> Result<FilePurpose> + Send + Sync + 'static,
    ) -> List {
        List { reading: Reading::Of(judge_id, Box::new(admit)), ..self }
    }

    /// The list as records of a judge's file, for whoever may read the file, for the purpose `asked`.
    pub fn of_records(self, judge_id: JudgeId, asked: Option<FilePurpose>) -> List {
        self.in_file(judge_id, move |conn, actor| {
            let purpose = members::file_purpose(conn, actor, judge_id, asked)?;
            store::judges::find(conn, judge_id)?.ok_or(Code::NotFound)?;
            Ok(purpose)
        })
    }

    /// The list with another purpose, where it is a reading of each judge whom it names; 403 where it is called one's own.
    pub fn for_purpose(self, purpose: FilePurpose) -> Result<List> {
        let reading = match self.reading {
            Reading::OfNamed(_) | Reading::OfEach(_) if purpose == FilePurpose::OwnFile => {
                return Err(Code::Forbidden.into());
            }
            Reading::OfNamed(_) => Reading::OfNamed(purpose),
            Reading::OfEach(_) => Reading::OfEach(purpose),
            other @ (Reading::Nobodys | Reading::Recorded | Reading::Of(..)) => other,
        };
        Ok(List { reading, ..self })
    }

    /// Whether the caller is let in, found before a file is ordered: whatever the list refuses, this does.
    pub fn check(&self, conn: &mut Conn, actor: &Actor) -> Result<()> {
        if let Reading::Of(_, admit) = &self.reading {
            admit(conn, actor)?;
        }
        self.rows(conn, None, 1).map(drop)
    }

    /// The list whose pages, too, are readings of the file of each judge whom a row names.
    pub fn read_by_page(self, purpose: FilePurpose) -> List {
        List { reading: Reading::OfEach(purpose), ..self }
    }

    /// The list whose pages are on record as such, though they are of nobody's file.
    pub fn recorded(self) -> List {
        List { reading: Reading::Recorded, ..self }
    }

    /// The list and its filters: a cursor belongs to them.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the list is of, as a file is named: `judges`.
    pub fn noun(&self) -> &str {
        self.operation.strip_prefix("list_").unwrap_or(self.operation)
    }

    /// The members of a row, in order.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Rows after a key, at most `limit`, past any guard and record: for those two, and for a look at how they are found.
    pub fn rows(&self, conn: &mut Conn, after: Option<&str>, limit: i64) -> Result<Vec<Row>> {
        (self.rows)(conn, after, limit)
    }

    /// Whether a page is recorded, so that it is read where is written.
    pub fn records_pages(&self) -> bool {
        matches!(self.reading, Reading::Recorded | Reading::Of(..) | Reading::OfEach(_))
    }

    /// A page, recorded where it has to be.
    pub fn page(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        after: Option<&str>,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Row>> {
        match &self.reading {
            Reading::Nobodys | Reading::OfNamed(_) => self.rows(conn, after, limit),
            Reading::Recorded => {
                let rows = self.rows(conn, after, limit)?;
                let entry = NewEntry::new(Some(actor.account_id), self.operation, "list", self.operation);
                store::audit::record(conn, entry, now)?;
                Ok(rows)
            }
            Reading::Of(judge_id, admit) => {
                let purpose = admit(conn, actor)?;
                store::audit::record_reading(conn, actor.account_id, self.operation, *judge_id, purpose, now)?;
                self.rows(conn, after, limit)
            }
            Reading::OfEach(purpose) => {
                let rows = self.rows(conn, after, limit)?;
                // The surplus row only tells that there is a next page.
                let shown = rows.get(..usize::try_from(limit - 1).unwrap_or(0)).unwrap_or(&rows);
                record(conn, actor, self.operation, shown, *purpose, now)?;
                Ok(rows)
            }
        }
    }

    /// Whether a part of a file is recorded; the first one always is.
    pub fn records_part(&self, after: Option<&str>) -> bool {
        after.is_none() || matches!(self.reading, Reading::OfNamed(_) | Reading::OfEach(_))
    }

    /// A part of a file of the whole list; the first one records the export.
    pub fn part(
        &self,
        conn: &mut Conn,
        actor: &Actor,
        after: Option<&str>,
        limit: i64,
        now: DateTime<Utc>,
    ) -> Result<Vec<Row>> {
        let act = format!("export_{}", self.noun());
        match &self.reading {
            Reading::Of(judge_id, admit) => {
                let purpose = admit(conn, actor)?;
                if after.is_none() {
                    store::audit::record_reading(conn, actor.account_id, &act, *judge_id, purpose, now)?;
                }
            }
            Reading::Nobodys | Reading::Recorded | Reading::OfNamed(_) | Reading::OfEach(_) => {
                if after.is_none() {
                    let entry = NewEntry::new(Some(actor.account_id), &act, "list", self.operation);
                    store::audit::record(conn, entry, now)?;
                }
            }
        }
        let rows = self.rows(conn, after, limit)?;
        if let Reading::OfNamed(purpose) | Reading::OfEach(purpose) = self.reading {
            record(conn, actor, &act, &rows, purpose, now)?;
        }
        Ok(rows)
    }
}

/// Records a reading of the file of each judge whom the rows name, but for the caller's own.
fn record(
    conn: &mut Conn,
    actor: &Actor,
    act: &str,
    rows: &[Row],
    purpose: FilePurpose,
    now: DateTime<Utc>,
) -> Result<()> {
    let named: BTreeSet<JudgeId> = rows.iter().filter_map(|row| row.judge_id).collect();
    let named: Vec<JudgeId> = named.into_iter().filter(|judge| actor.judge_id != Some(*judge)).collect();
    store::audit::record_readings(conn, actor.account_id, act, &named, purpose, now)
}

/// The members of a view, by its schema, in the order in which they are written.
fn members_of<V: ToSchema>() -> Vec<String> {
    match <V as PartialSchema>::schema() {
        RefOr::T(Schema::Object(object)) => object.properties.keys().cloned().collect(),
        _ => Vec::new(),
    }
}
