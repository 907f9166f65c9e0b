//! A file that takes row after row. What a newcomer would get wrong: to hold the rows. They go to the disk as they come, in
//! files without a name, so that none stays behind whatever happens.

use std::fs::{DirBuilder, File};
use std::io::{BufWriter, Seek, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use chrono::{DateTime, Utc};
use csv::{Terminator, WriterBuilder};
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Workbook, Worksheet};

use super::cells::{Cell, cells, guarded};
use crate::domain::exports::Format;
use crate::error::{Error, Result};
use crate::texts::Language;

/// What tells a spreadsheet that the text is UTF-8.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
/// The longest text of a spreadsheet's cell, in UTF-16 units.
const CELL_UNITS_MAX: usize = 32_767;

/// A file in the making.
pub struct Sheet {
    columns: Vec<String>,
    kind: Kind,
}

enum Kind {
    Csv(Box<csv::Writer<BufWriter<File>>>),
    Ndjson(BufWriter<File>),
    Xlsx { book: Box<Workbook>, next_row: u32, file: File },
}

impl Sheet {
    /// An empty file with a line of column names where the form has one; it lies in `folder`, without a name.
    pub fn begin(
        format: Format,
        language: Language,
        columns: Vec<String>,
        folder: &Path,
        now: DateTime<Utc>,
    ) -> Result<Sheet> {
        DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(Error::internal)?;
        let file = tempfile::tempfile_in(folder).map_err(Error::internal)?;
        let kind = match format {
            Format::Csv => {
                let mut file = BufWriter::new(file);
                file.write_all(BYTE_ORDER_MARK).map_err(Error::internal)?;
                let separator = match language {
                    Language::Kk | Language::Ru => b';',
                    Language::En => b',',
                };
                let mut writer =
                    WriterBuilder::new().delimiter(separator).terminator(Terminator::CRLF).from_writer(file);
                writer.write_record(&columns).map_err(Error::internal)?;
                Kind::Csv(Box::new(writer))
            }
            Format::Ndjson => Kind::Ndjson(BufWriter::new(file)),
            Format::Xlsx => Kind::Xlsx { book: Box::new(begin_book(&columns, folder, now)?), next_row: 1, file },
        };
        Ok(Sheet { columns, kind })
    }

    /// Adds a row, which is a JSON object.
    pub fn add(&mut self, json: &str) -> Result<()> {
        match &mut self.kind {
            Kind::Csv(writer) => {
                for cell in cells(json, &self.columns)? {
                    match cell {
                        Cell::Empty => writer.write_field(""),
                        Cell::Text(text) => writer.write_field(guarded(&text).as_bytes()),
                        Cell::Number(number) => writer.write_field(number),
                        Cell::Truth(truth) => writer.write_field(truth.to_string()),
                    }
                    .map_err(Error::internal)?;
                }
                writer.write_record(None::<&[u8]>).map_err(Error::internal)
            }
            Kind::Ndjson(file) => writeln!(file, "{json}").map_err(Error::internal),
            Kind::Xlsx { book, next_row, .. } => {
                let sheet = book.worksheet_from_index(0).map_err(Error::internal)?;
                for (at, cell) in (0..).zip(cells(json, &self.columns)?) {
                    write_cell(sheet, *next_row, at, cell)?;
                }
                *next_row += 1;
                Ok(())
            }
        }
    }

    /// The whole file, to be read from its beginning.
    pub fn end(self) -> Result<File> {
        let mut file = match self.kind {
            Kind::Csv(writer) => unbuffered(writer.into_inner().map_err(|error| Error::internal(error.to_string()))?)?,
            Kind::Ndjson(file) => unbuffered(file)?,
            Kind::Xlsx { mut book, mut file, .. } => {
                book.save_to_writer(&mut file).map_err(Error::internal)?;
                file
            }
        };
        file.rewind().map_err(Error::internal)?;
        Ok(file)
    }
}

fn unbuffered(file: BufWriter<File>) -> Result<File> {
    file.into_inner().map_err(|error| Error::internal(error.into_error()))
}

/// A workbook with one sheet, whose head stays in sight. The same rows at the same time give the same bytes.
fn begin_book(columns: &[String], folder: &Path, now: DateTime<Utc>) -> Result<Workbook> {
    let made_at = ExcelDateTime::from_timestamp(now.timestamp()).map_err(Error::internal)?;
    let mut book = Workbook::new();
    book.set_tempdir(folder).map_err(Error::internal)?;
    book.set_properties(&DocProperties::new().set_creation_datetime(&made_at));
    let sheet = book.add_worksheet_with_constant_memory().map_err(Error::internal)?;
    sheet.set_freeze_panes(1, 0).map_err(Error::internal)?;
    for (at, column) in (0..).zip(columns) {
        sheet.write_string(0, at, column).map_err(Error::internal)?;
    }
    Ok(book)
}

/// A text is written as text, so no formula is read out of it. What is longer than a spreadsheet takes is cut, with a sign
/// of it: the other forms have it whole.
fn write_cell(sheet: &mut Worksheet, row: u32, column: u16, cell: Cell) -> Result<()> {
    match cell {
        Cell::Empty => return Ok(()),
        Cell::Text(text) => sheet.write_string(row, column, fitting(text)),
        Cell::Number(number) => {
            let number: f64 = number.parse().map_err(Error::internal)?;
            sheet.write_number(row, column, number)
        }
        Cell::Truth(truth) => sheet.write_boolean(row, column, truth),
    }
    .map(drop)
    .map_err(Error::internal)
}

fn fitting(text: String) -> String {
    if text.encode_utf16().count() <= CELL_UNITS_MAX {
        return text;
    }
    let mut units = 1;
    let kept = text.chars().take_while(|c| {
        units += c.len_utf16();
        units <= CELL_UNITS_MAX
    });
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_a_cell_and_what_is_cut_says_so() {
        assert_eq!(fitting("ә".repeat(CELL_UNITS_MAX)).chars().count(), CELL_UNITS_MAX);
        let cut = fitting("ә".repeat(CELL_UNITS_MAX + 1));
        assert_eq!(cut.chars().count(), CELL_UNITS_MAX);
        assert!(cut.ends_with("ә…"));
    }
}
