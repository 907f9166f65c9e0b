//! Lists as files: their forms, and how an order of one stands. What a newcomer would get wrong: to take a file for a copy
//! that may be kept. It is made for a purpose, for one person, and expires.

use crate::coded;

/// The most rows of a file that is answered at once; longer ones are ordered.
pub const ROWS_AT_ONCE_MAX: usize = 10_000;
/// The most rows of a file that is ordered: a spreadsheet has no more.
pub const ROWS_MAX: usize = 1_048_575;
/// Hours for which a file is kept after it was ordered.
pub const KEPT_HOURS: i64 = 24;

coded! {
    /// The form of a file.
    Format {
        /// Separated values, for a spreadsheet: UTF-8 with a byte order mark, `;` in Kazakh and Russian, `,` in English.
        Csv = "csv",
        /// A JSON object a line, as on a page.
        Ndjson = "ndjson",
        /// A workbook of Office Open XML with one sheet.
        Xlsx = "xlsx",
    }
}

impl Format {
    /// Its media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Csv => "text/csv",
            Format::Ndjson => "application/x-ndjson",
            Format::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        }
    }
}

coded! {
    /// How an order stands.
    ExportState {
        /// It waits for its turn, or is being made.
        Queued = "queued",
        /// The file can be downloaded.
        Done = "done",
        /// There is no file; `error` says why.
        Failed = "failed",
        /// The file was kept for its time and is deleted.
        Expired = "expired",
    }
}
