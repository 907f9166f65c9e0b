//! Rows out of a file, one after the other, so that a long file takes no more memory than a short one beside its own
//! bytes. A newcomer's usual mistake is to mend a file on the way: one whose quotes do not close or whose bytes are no
//! text is refused as a whole, as nobody can tell where its rows end.

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use encoding_rs::{Decoder, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1251};
use zeroize::Zeroizing;

use super::cells::{Cell, Column, SourceRow};
use super::{lines, sheet, table};
use crate::domain::imports::{Charset, FileFormat, ROWS_MAX};
use crate::error::{Fault, Result, Rule};

/// Bytes that are decoded at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// What is said of a file that is no text in its encoding.
pub const NOT_TEXT: Rule = Rule::Format { expected: "text in the encoding that the file has or that charset names" };
/// What is said of a file with an odd number of quotes.
pub const OPEN_QUOTE: Rule = Rule::Format { expected: "quotes that are closed" };

/// What is said of a file that is too long.
pub const FEW_ROWS: Rule = Rule::Format { expected: "at most 100 000 rows" };

/// A file of records.
#[derive(Clone)]
pub struct Source {
    format: FileFormat,
    charset: Option<Charset>,
    bytes: Arc<Zeroizing<Vec<u8>>>,
}

/// What makes a whole file unreadable, and at which row.
#[derive(Debug, Clone)]
pub struct Unreadable {
    /// The row; 1 for the head.
    pub row: i64,
    /// What is wrong, and at which field where it is one.
    pub fault: Fault,
}

/// How reading a file ended: at its end, or where it cannot be read further.
pub type Ended = std::result::Result<(), Unreadable>;

impl Unreadable {
    /// At a row, without a field.
    pub fn at(row: i64, rule: Rule) -> Unreadable {
        Unreadable { row, fault: Fault::at("", rule) }
    }
}

impl Source {
    /// A file in the encoding that `named` says, or that its bytes tell: a byte order mark, else UTF-8 where they are
    /// that, else Windows-1251.
    pub fn new(format: FileFormat, bytes: Zeroizing<Vec<u8>>, named: Option<Charset>) -> Source {
        let charset = match format {
            FileFormat::Csv => Some(named.unwrap_or_else(|| told_by(&bytes))),
            FileFormat::Ndjson => Some(Charset::Utf8),
            FileFormat::Xlsx => None,
        };
        Source { format, charset, bytes: Arc::new(bytes) }
    }

    /// The encoding of a text file.
    pub fn charset(&self) -> Option<Charset> {
        self.charset
    }

    /// Reads a file to its end and takes nothing in: how many rows it has, or why it cannot be taken in at all.
    pub fn look_through(&self, columns: &'static [Column]) -> Result<std::result::Result<i32, Unreadable>> {
        let mut count = 0;
        let mut too_long = None;
        let ended = self.read(columns, &mut |row| {
            count += 1;
            if count == ROWS_MAX + 1 {
                too_long = Some(Unreadable::at(row.number, FEW_ROWS));
            }
            Ok(())
        })?;
        Ok(match (ended, too_long) {
            (Ok(()), None) => Ok(count),
            (Err(unreadable), None) | (_, Some(unreadable)) => Err(unreadable),
        })
    }

    /// Reads the rows for a type with these columns and hands each to `each`, until the end or until it fails.
    pub fn read(&self, columns: &'static [Column], each: &mut dyn FnMut(SourceRow) -> Result<()>) -> Result<Ended> {
        match self.format {
            FileFormat::Csv => table::read(self.text(), columns, each),
            FileFormat::Ndjson => lines::read(BufReader::new(self.text()), columns, each),
            FileFormat::Xlsx => sheet::read(&self.bytes, columns, each),
        }
    }

    fn text(&self) -> Text<'_> {
        let encoding = match self.charset {
            Some(Charset::Utf8) | None => UTF_8,
            Some(Charset::Windows1251) => WINDOWS_1251,
            Some(Charset::Utf16Le) => UTF_16LE,
            Some(Charset::Utf16Be) => UTF_16BE,
        };
        Text {
            rest: &self.bytes,
            decoder: encoding.new_decoder_with_bom_removal(),
            decoded: Vec::new(),
            at: 0,
            quotes: 0,
        }
    }
}

fn told_by(bytes: &[u8]) -> Charset {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => Charset::Utf8,
        [0xFF, 0xFE, ..] => Charset::Utf16Le,
        [0xFE, 0xFF, ..] => Charset::Utf16Be,
        bytes if std::str::from_utf8(bytes).is_ok() => Charset::Utf8,
        _ => Charset::Windows1251,
    }
}

/// The text of a file in UTF-8, decoded as it is read.
pub struct Text<'a> {
    rest: &'a [u8],
    decoder: Decoder,
    decoded: Vec<u8>,
    at: usize,
    quotes: usize,
}

impl Text<'_> {
    /// Whether every quote that was read so far is closed.
    pub fn is_closed(&self) -> bool {
        self.quotes.is_multiple_of(2)
    }

    fn decode_more(&mut self) -> std::io::Result<()> {
        self.at = 0;
        self.decoded.clear();
        while self.decoded.is_empty() && !self.rest.is_empty() {
            let (chunk, rest) = self.rest.split_at(self.rest.len().min(CHUNK_BYTES));
            let room = self.decoder.max_utf8_buffer_length(chunk.len()).unwrap_or(CHUNK_BYTES * 4);
            self.decoded.resize(room, 0);
            let (_, _, written, is_broken) = self.decoder.decode_to_utf8(chunk, &mut self.decoded, rest.is_empty());
            if is_broken {
                return Err(std::io::ErrorKind::InvalidData.into());
            }
            self.decoded.truncate(written);
            self.rest = rest;
        }
        self.quotes += self.decoded.iter().filter(|byte| **byte == b'"').count();
        Ok(())
    }
}

impl Read for Text<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let ready = self.fill_buf()?;
        let count = ready.len().min(into.len());
        let (from, to) = (ready.get(..count), into.get_mut(..count));
        if let (Some(from), Some(to)) = (from, to) {
            to.copy_from_slice(from);
        }
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Text<'_> {
    fn fill_buf(&mut self) -> std::io::Result<&[u8]> {
        if self.at >= self.decoded.len() {
            self.decode_more()?;
        }
        Ok(self.decoded.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

/// Which column of the type each place of a file's head is; or the name that is none, or stands twice.
pub fn places(head: &[String], columns: &[Column]) -> std::result::Result<Vec<usize>, Unreadable> {
    let mut places: Vec<usize> = Vec::with_capacity(head.len());
    for name in head {
        // Never the name as it stands: it may be a value, where the file has no head.
        let Some(at) = columns.iter().position(|column| column.name == name) else {
            let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
            let rule = Rule::OneOf { allowed: names.join(", ").into() };
            return Err(Unreadable::at(1, rule));
        };
        if places.contains(&at) {
            return Err(Unreadable { row: 1, fault: Fault::at(format!("/{name}"), Rule::Duplicate) });
        }
        places.push(at);
    }
    Ok(places)
}

/// The cells in the order of the columns; those that the file has no place for are empty.
pub fn arranged(columns: &[Column], places: &[usize], cells: impl Iterator<Item = Cell>) -> Vec<Cell> {
    let mut arranged = vec![Cell::Empty; columns.len()];
    for (place, cell) in places.iter().zip(cells) {
        if let Some(slot) = arranged.get_mut(*place) {
            *slot = cell;
        }
    }
    arranged
}
