//! Files of records: how they are read, and how their rows become records. One place for each type of record: a file
//! beside this one that gives its columns and takes its rows in, and its line in [`kind`].
//!
//! A whole file is one transaction. It could not be chunks whose batch is hidden until its end: every reader of every
//! record would have to look for the batch. Nor rows set down elsewhere and copied at the end: the copy waits for the
//! indexes of the real table as long as the rows themselves do. What bounds the time for which other writers wait is the
//! size of a file. A newcomer's usual mistake is to check rows against each other by hand: each is checked by what the
//! rows before it have left in the database, and a dry run is the same work, undone.

mod acts;
pub mod cells;
mod courts;
mod judges;
mod lines;
mod observations;
mod positions;
mod references;
mod sections;
mod sheet;
pub mod source;
mod statistics;
mod table;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};

use crate::cipher::Cipher;
use crate::db::Conn;
use crate::domain::calendar::{KAZAKHSTAN_UTC_OFFSET_MINUTES, date_at};
use crate::domain::caller::Caller;
use crate::domain::ids::{CourtId, ImportId, JobId, JudgeId};
use crate::domain::imports::{Charset, Complaint, FINDINGS_MAX, ImportType, Tally, Warning};
use crate::domain::indicators::Indicator;
use crate::error::{Error, Fault, Place, Result, Rule};
use crate::store;
use crate::store::batches::{Dependants, Extent, Undone};
use crate::store::imports::Finding;
use crate::store::observations::Observation;
use crate::store::reconciliation::{Group, Recorded, Totals};
use crate::workflow::jobs::Bell;

use cells::{Column, Fields, SourceRow};
use source::{Source, Unreadable};

/// Rows that are taken in at a time.
pub const BATCH_ROWS: usize = 500;

/// A type of record that files may hold.
pub trait Kind: Sync {
    /// Its fields.
    fn columns(&'static self) -> &'static [Column];

    /// Takes rows in, or notes why one is refused; a refused row has changed nothing.
    fn take(&'static self, conn: &mut Conn, run: &mut Run<'_>, rows: &[SourceRow]) -> Result<()>;

    /// What a source has on record, for a quarter where the records are of quarters.
    fn recorded(&self, conn: &mut Conn, source_system: &str, period: Option<NaiveDate>) -> Result<Vec<Recorded>>;

    /// What rests on the records of a batch, so that it cannot be taken back.
    fn dependants(&self, conn: &mut Conn, batch: ImportId, since: NaiveDate) -> Result<Vec<Dependants>>;

    /// What taking the records of a batch back would do.
    fn extent(&self, conn: &mut Conn, batch: ImportId) -> Result<Extent>;

    /// Takes the records of a batch back.
    fn undo(&self, conn: &mut Conn, batch: ImportId, by: &Caller, now: DateTime<Utc>) -> Result<Undone>;
}

/// What is to be known of a type of record.
pub fn kind(record_type: ImportType) -> &'static dyn Kind {
    match record_type {
        ImportType::Courts => &courts::Courts,
        ImportType::Judges => &judges::Judges,
        ImportType::Positions => &positions::Positions,
        ImportType::Observations => &observations::Observations,
        ImportType::Statistics => &statistics::Statistics,
        ImportType::Education => &sections::EDUCATION,
        ImportType::Languages => &sections::LANGUAGES,
        ImportType::Incentives => &sections::INCENTIVES,
        ImportType::Training => &sections::TRAINING,
        ImportType::Teaching => &sections::TEACHING,
        ImportType::Publications => &sections::PUBLICATIONS,
        ImportType::RuleMaking => &sections::RULE_MAKING,
        ImportType::Suspensions => &sections::SUSPENSIONS,
        ImportType::Discipline => &sections::DISCIPLINE,
        ImportType::Complaints => &sections::COMPLAINTS,
        ImportType::EthicsFindings => &sections::ETHICS_FINDINGS,
        ImportType::Acts => &acts::Acts,
    }
}

/// What is said of a word that is none of a list.
fn one_of(words: impl Iterator<Item = &'static str>) -> Rule {
    Rule::OneOf { allowed: words.collect::<Vec<_>>().join(", ").into() }
}

/// What is said of a text that is no quarter.
fn a_quarter() -> Rule {
    Rule::Format { expected: "a quarter from 2000-Q1 on, such as 2025-Q3" }
}

/// The head of a file of this type, and an invented row below it.
pub fn template(record_type: ImportType, separator: char) -> String {
    let columns = kind(record_type).columns();
    let line =
        |cell: fn(&Column) -> &'static str| columns.iter().map(cell).collect::<Vec<_>>().join(&separator.to_string());
    format!("\u{feff}{}\r\n{}\r\n", line(|column| column.name), line(|column| column.example))
}

/// What does not change while the rows of a file are taken in.
#[derive(Clone)]
pub struct Terms {
    /// The import.
    pub import_id: ImportId,
    /// Who sent it.
    pub caller: Caller,
    /// The cipher of columns.
    pub cipher: Cipher,
    /// The instant at which all rows are received.
    pub now: DateTime<Utc>,
    /// How the file is encoded.
    pub charset: Option<Charset>,
    /// The work.
    pub job_id: JobId,
    /// Where it is told how far the work is, while nothing of it is committed.
    pub bell: Arc<Bell>,
}

impl Terms {
    /// The day in Kazakhstan.
    fn today(&self) -> NaiveDate {
        date_at(self.now, KAZAKHSTAN_UTC_OFFSET_MINUTES)
    }
}

/// The rows of a file on their way in, within one transaction.
pub struct Run<'a> {
    terms: &'a Terms,
    tally: Tally,
    findings: Vec<Finding>,
    /// Whose files are written to.
    touched: BTreeSet<JudgeId>,
    indicators: HashMap<String, Option<Indicator>>,
    judges: HashMap<String, JudgeId>,
    courts: HashMap<String, CourtId>,
    totals: Totals,
}

/// How rows fared, when they are through.
#[derive(Clone)]
pub struct Passed {
    /// The counts.
    pub tally: Tally,
    /// What was found, as far as it is kept.
    pub findings: Vec<Finding>,
    /// What was told, by source and quarter.
    pub totals: Totals,
}

impl<'a> Run<'a> {
    /// Goes on where `tally` stands.
    pub fn new(terms: &'a Terms, tally: Tally) -> Run<'a> {
        Run {
            terms,
            tally,
            findings: Vec::new(),
            touched: BTreeSet::new(),
            indicators: HashMap::new(),
            judges: HashMap::new(),
            courts: HashMap::new(),
            totals: Totals::default(),
        }
    }

    /// Takes in all rows of a file that is known to be readable to its end.
    pub fn take_file(&mut self, conn: &mut Conn, kind: &'static dyn Kind, source: &Source) -> Result<()> {
        let mut batch = Vec::with_capacity(BATCH_ROWS);
        let ended = source.read(kind.columns(), &mut |row| {
            batch.push(row);
            if batch.len() < BATCH_ROWS {
                return Ok(());
            }
            self.take_rows(conn, kind, &batch)?;
            self.terms.bell.tell(self.terms.job_id, self.tally.read);
            batch.clear();
            Ok(())
        })?;
        self.take_rows(conn, kind, &batch)?;
        ended.map_err(|_| Error::internal("a file that was read to its end breaks off"))
    }

    /// Takes in some rows.
    pub fn take_rows(&mut self, conn: &mut Conn, kind: &'static dyn Kind, rows: &[SourceRow]) -> Result<()> {
        self.tally.read += i64::try_from(rows.len()).map_err(Error::internal)?;
        let before = self.findings.len();
        kind.take(conn, self, rows)?;
        // What is found when rows are put in comes after what is found when they are read; it is told in the file's order.
        self.findings.get_mut(before..).unwrap_or_default().sort_by_key(|finding| finding.row_number);
        Ok(())
    }

    /// Notes that a file cannot be read to its end.
    pub fn break_off(&mut self, unreadable: Unreadable) {
        let Unreadable { row, fault } = unreadable;
        self.refuse_for(row, vec![fault]);
    }

    /// Ends: an audit entry for each judge whose file was written to, and one where there is none.
    pub fn pass(self, conn: &mut Conn) -> Result<Passed> {
        let entry = store::audit::NewEntry::by(self.terms.caller.id(), "apply_import", "import", self.terms.import_id);
        let judges: Vec<JudgeId> = self.touched.into_iter().collect();
        if judges.is_empty() {
            store::audit::record(conn, entry, self.terms.now)?;
        } else {
            store::audit::record_for_judges(conn, &entry, &judges, self.terms.now)?;
        }
        Ok(Passed { tally: self.tally, findings: self.findings, totals: self.totals })
    }

    /// The counts so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// Ends without a trace, where all is undone.
    pub fn abandon(self) -> Passed {
        Passed { tally: self.tally, findings: self.findings, totals: self.totals }
    }

    /// Puts what is on record now beside what the file tells.
    pub fn reconcile(&mut self, conn: &mut Conn, kind: &dyn Kind) -> Result<()> {
        reconcile(conn, kind, &mut self.totals)
    }

    /// Counts a row that is on record when the file is through, under its source.
    fn count(&mut self, source_system: &str) {
        let source_system = source_system.to_owned();
        self.totals.add(Group { source_system, period_start: None, indicator_code: None }, None);
    }

    /// The same for a value, under its quarter and indicator as well.
    fn count_value(&mut self, value: &Observation) {
        let group = Group {
            source_system: value.source_system.clone(),
            period_start: Some(value.period_start),
            indicator_code: Some(value.indicator_code.clone()),
        };
        self.totals.add(group, Some(value.numerator));
    }

    fn fields<'r>(&self, columns: &'static [Column], row: &'r SourceRow) -> Fields<'r> {
        Fields::of(columns, row, self.terms.charset)
    }

    /// Refuses a row for faults of its fields.
    fn refuse_for(&mut self, row: i64, faults: Vec<Fault>) {
        self.tally.refused += 1;
        for fault in faults {
            let (Place::Pointer(pointer) | Place::Parameter(pointer)) = fault.place;
            self.note(row, pointer, &Complaint::Rule(fault.rule));
        }
    }

    /// Refuses a row as the record added alone would be; what is our own fault ends the whole work.
    fn refuse(&mut self, row: i64, error: Error) -> Result<()> {
        match error {
            Error::Refused(refusal) if refusal.faults.is_empty() => {
                self.tally.refused += 1;
                self.note(row, String::new(), &Complaint::Refusal(refusal.code));
            }
            // A record added alone names its source in an object of its own, a row does not.
            Error::Refused(refusal) => {
                let faults = refusal.faults.into_iter().map(flat).collect();
                self.refuse_for(row, faults);
            }
            Error::Sql(_) | Error::Internal(_) => return Err(error),
        }
        Ok(())
    }

    fn warn(&mut self, row: i64, pointer: &str, warning: Warning, change: String) {
        self.tally.warnings += 1;
        self.note(row, pointer.to_owned(), &Complaint::Warning(warning, change));
    }

    fn note(&mut self, row_number: i64, pointer: String, complaint: &Complaint) {
        let number = i64::try_from(self.findings.len()).unwrap_or(FINDINGS_MAX) + 1;
        if number > FINDINGS_MAX {
            return;
        }
        self.findings.push(Finding {
            import_id: self.terms.import_id,
            number,
            row_number,
            pointer,
            code: complaint.code().to_owned(),
            argument: complaint.argument(),
            is_warning: complaint.is_warning(),
        });
    }
}

/// Puts what is on record beside what a file tells: for each source and quarter that it speaks of, and with what it leaves
/// out of them.
pub fn reconcile(conn: &mut Conn, kind: &dyn Kind, totals: &mut Totals) -> Result<()> {
    for (source_system, period_start) in totals.sources() {
        for Recorded { indicator_code, count, total } in kind.recorded(conn, &source_system, period_start)? {
            let source_system = source_system.clone();
            totals.set_recorded(Group { source_system, period_start, indicator_code }, count, total);
        }
    }
    Ok(())
}

/// A fault at a member of an object of the record, such as its external id or its section, is one of the column that the
/// member comes from.
fn flat(fault: Fault) -> Fault {
    let Place::Pointer(pointer) = &fault.place else { return fault };
    let column = match pointer.as_str() {
        "/external_id" | "/external_id/value" => "/source_record_id",
        "/external_id/source_system" => "/source_system",
        other => match other.strip_prefix("/content/").and_then(|inner| inner.find('/').map(|at| inner.split_at(at))) {
            Some((_section, column)) => column,
            None => other,
        },
    };
    Fault::at(column, fault.rule)
}
