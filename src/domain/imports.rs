//! The words of an import: a file of records of one type, taken in as one batch. What a newcomer would get wrong: a row of
//! a file is no second kind of record. It keeps the rules of the record that is added alone, and is refused by them.

use crate::coded;
use crate::error::{Code, Rule};

/// Bytes of a file of records.
pub const FILE_BYTES_MAX: usize = 20 * 1024 * 1024;

/// Rows of a file below its head.
pub const ROWS_MAX: i32 = 100_000;

/// Findings that are kept of one file; the counts tell of all.
pub const FINDINGS_MAX: i64 = 10_000;

coded! {
    /// What the rows of a file are.
    ImportType {
        /// Courts.
        Courts = "courts",
        /// Judges.
        Judges = "judges",
        /// Posts that judges hold and held.
        Positions = "positions",
        /// Observed values of indicators.
        Observations = "observations",
        /// Observed values of all indicators of a judge, a kind of case and a quarter in one row.
        Statistics = "statistics",
        /// Degrees.
        Education = "education",
        /// Languages.
        Languages = "languages",
        /// Awards and other incentives.
        Incentives = "incentives",
        /// Courses.
        Training = "training",
        /// Teaching.
        Teaching = "teaching",
        /// Publications.
        Publications = "publications",
        /// Work on laws and rules.
        RuleMaking = "rule_making",
        /// Times in which a judge's powers were suspended.
        Suspensions = "suspensions",
        /// Penalties of the Judicial Jury.
        Discipline = "discipline",
        /// Complaints.
        Complaints = "complaints",
        /// Findings of commissions on judicial ethics.
        EthicsFindings = "ethics_findings",
        /// Reviews of judges' acts by higher courts.
        Acts = "acts",
    }
}

coded! {
    /// What becomes of a file with faults.
    ImportMode {
        /// Nothing is taken in where any row is refused.
        Atomic = "atomic",
        /// The rows that keep the rules are taken in.
        Partial = "partial",
    }
}

coded! {
    /// Whether anything is taken in at all.
    DryRun {
        /// It is.
        No = "false",
        /// Nothing is: the file is checked and counted alone.
        Yes = "true",
        /// It is, unless there is a refusal or even a warning.
        IfWarning = "if_warning",
    }
}

coded! {
    /// How a file is written.
    FileFormat {
        /// Comma-separated values, or separated by semicolons or tabs.
        Csv = "csv",
        /// A JSON object on each line.
        Ndjson = "ndjson",
        /// A workbook, of which the first sheet is read.
        Xlsx = "xlsx",
    }
}

coded! {
    /// How a text file is encoded.
    Charset {
        /// UTF-8, with a byte order mark or without.
        Utf8 = "utf-8",
        /// Windows-1251, which lacks eight letters of Kazakh.
        Windows1251 = "windows-1251",
        /// UTF-16 with the lower byte first.
        Utf16Le = "utf-16le",
        /// UTF-16 with the higher byte first.
        Utf16Be = "utf-16be",
    }
}

coded! {
    /// What is worth a look in a row that keeps the rules.
    Warning {
        /// It changes what was recorded for a quarter that is over.
        RestatesClosedQuarter = "restates_closed_quarter",
        /// The judge disputes the value that it takes the place of.
        RestatesDisputed = "restates_disputed",
        /// Its quarter is not over, so the value will change.
        QuarterNotOver = "quarter_not_over",
        /// The pending at the end are not those at the start with what came and less what went.
        PendingIdentity = "pending_identity",
        /// The ages of the pending do not add up to the pending at the end.
        PendingAges = "pending_ages",
    }
}

/// What is told of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Complaint {
    /// A field breaks a rule: the row is refused.
    Rule(Rule),
    /// The row as a whole is refused.
    Refusal(Code),
    /// The row is taken, with something to look at and what tells more about it.
    Warning(Warning, String),
}

impl Complaint {
    /// Its name on the wire.
    pub fn code(&self) -> &'static str {
        match self {
            Complaint::Rule(rule) => rule.code(),
            Complaint::Refusal(code) => code.as_str(),
            Complaint::Warning(warning, _) => warning.as_str(),
        }
    }

    /// What its text is filled with.
    pub fn argument(&self) -> Option<String> {
        match self {
            Complaint::Rule(rule) => rule.argument(),
            Complaint::Refusal(_) => None,
            Complaint::Warning(_, argument) => Some(argument.clone()),
        }
    }

    /// Whether the row is taken all the same.
    pub fn is_warning(&self) -> bool {
        matches!(self, Complaint::Warning(..))
    }
}

/// How many rows of a file fared how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows read.
    pub read: i64,
    /// Rows that are new records.
    pub new: i64,
    /// Rows that say what is on record.
    pub unchanged: i64,
    /// Rows that take the place of what is on record.
    pub restated: i64,
    /// Rows refused.
    pub refused: i64,
    /// Warnings.
    pub warnings: i64,
}

impl Tally {
    /// Whether nothing speaks against taking the file in, where nothing may.
    pub fn is_spotless(&self) -> bool {
        self.refused == 0 && self.warnings == 0
    }
}
