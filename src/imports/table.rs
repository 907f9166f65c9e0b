//! Rows of CSV. A newcomer's usual mistake is to leave the guard of an exported text where it is, or to take it off twice:
//! one leading `'` goes, so that what was exported comes back as it was.

use csv::StringRecord;

use super::cells::{Cell, Column, SourceRow};
use super::source::{Ended, NOT_TEXT, OPEN_QUOTE, Text, Unreadable, arranged, places};
use crate::error::{Error, Fault, Result, Rule};

/// What parts the cells of a file: whichever stands most often in its head.
const SEPARATORS: [u8; 3] = [b';', b',', b'\t'];

/// Reads the rows; the head is the first line.
pub fn read(
    mut text: Text<'_>,
    columns: &'static [Column],
    each: &mut dyn FnMut(SourceRow) -> Result<()>,
) -> Result<Ended> {
    let separator = match separator(&mut text) {
        Ok(separator) => separator,
        Err(_) => return Ok(Err(Unreadable::at(1, NOT_TEXT))),
    };
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).flexible(true).has_headers(false).from_reader(text);
    let mut record = StringRecord::new();
    let mut head: Option<Vec<usize>> = None;
    let mut line = 1;
    loop {
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {}
            Err(cause) if matches!(cause.kind(), csv::ErrorKind::Io(_) | csv::ErrorKind::Utf8 { .. }) => {
                return Ok(Err(Unreadable::at(line, NOT_TEXT)));
            }
            Err(cause) => return Err(Error::internal(cause)),
        }
        let place = record.position().map_or(0, csv::Position::line);
        line = i64::try_from(place).map_err(Error::internal)?;
        let Some(places_of_head) = &head else {
            let names: Vec<String> = record.iter().map(|name| name.trim().to_owned()).collect();
            match places(&names, columns) {
                Ok(places) => head = Some(places),
                Err(unreadable) => return Ok(Err(unreadable)),
            }
            continue;
        };
        let fault = (record.len() != places_of_head.len()).then(|| {
            Fault::at("", Rule::Length { min: places_of_head.len() as u64, max: places_of_head.len() as u64 })
        });
        let taken = if fault.is_some() { 0 } else { record.len() };
        let cells = record.iter().take(taken).zip(places_of_head).map(|(text, at)| cell(text, columns.get(*at)));
        each(SourceRow { number: line, cells: arranged(columns, places_of_head, cells), fault })?;
    }
    if head.is_none() {
        return Ok(Err(Unreadable::at(1, Rule::Required)));
    }
    if !reader.get_ref().is_closed() {
        return Ok(Err(Unreadable::at(line, OPEN_QUOTE)));
    }
    Ok(Ok(()))
}

/// The separator of a file, told from what has come of its first line.
fn separator(text: &mut Text<'_>) -> std::io::Result<u8> {
    use std::io::BufRead;
    let start = text.fill_buf()?;
    let mut is_quoted = false;
    let mut counts = SEPARATORS.map(|separator| (0, separator));
    for byte in start {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' if !is_quoted => break,
            byte if !is_quoted => {
                for (count, _) in counts.iter_mut().filter(|(_, separator)| separator == byte) {
                    *count += 1;
                }
            }
            _ => {}
        }
    }
    let most = counts.into_iter().rev().max_by_key(|(count, _)| *count);
    Ok(most.map_or(b',', |(_, separator)| separator))
}

fn cell(text: &str, column: Option<&Column>) -> Cell {
    if text.is_empty() {
        return Cell::Empty;
    }
    let is_text = column.is_some_and(|column| column.is_text);
    let bare = text.strip_prefix('\'').filter(|_| is_text).unwrap_or(text);
    Cell::Text(bare.to_owned())
}
