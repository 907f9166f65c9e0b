//! Rows of the first sheet of a workbook. A newcomer's usual mistake is to open it first: a small archive can hold
//! gigabytes, so it is unpacked into nothing, with a limit, before anything is built of it.

use std::io::{Cursor, Read};

use calamine::{DataRef, Reader, Xlsx, open_workbook_from_rs};

use super::cells::{Cell, Column, SourceRow};
use super::source::{Ended, FEW_ROWS, Unreadable, arranged, places};
use crate::domain::imports::ROWS_MAX;
use crate::error::{Fault, Result, Rule};

/// Bytes that a workbook may unpack to.
const UNPACKED_BYTES_MAX: u64 = 200 * 1024 * 1024;
/// Columns of a sheet that are looked at.
const COLUMNS_MAX: usize = 200;

const A_WORKBOOK: Rule = Rule::Format { expected: "an XLSX workbook" };
const SMALL_ENOUGH: Rule = Rule::Format { expected: "an XLSX workbook that unpacks to 200 MiB at most" };

/// A row under way: its number, from 0, and its cells by their place.
struct Gathering {
    row: u32,
    cells: Vec<Cell>,
}

/// What the cells of a sheet become.
struct Gatherer<'a> {
    columns: &'static [Column],
    each: &'a mut dyn FnMut(SourceRow) -> Result<()>,
    head: Option<Vec<usize>>,
}

/// Reads the rows; the head is the first row with anything in it.
pub fn read(bytes: &[u8], columns: &'static [Column], each: &mut dyn FnMut(SourceRow) -> Result<()>) -> Result<Ended> {
    match unpacked_bytes(bytes) {
        Some(size) if size <= UNPACKED_BYTES_MAX => {}
        Some(_) => return Ok(Err(Unreadable::at(1, SMALL_ENOUGH))),
        None => return Ok(Err(Unreadable::at(1, A_WORKBOOK))),
    }
    let opened: std::result::Result<Xlsx<_>, _> = open_workbook_from_rs(Cursor::new(bytes));
    let Ok(mut workbook) = opened else { return Ok(Err(Unreadable::at(1, A_WORKBOOK))) };
    let Some(name) = workbook.sheet_names().first().cloned() else { return Ok(Err(Unreadable::at(1, A_WORKBOOK))) };
    let Ok(mut reader) = workbook.worksheet_cells_reader(&name) else {
        return Ok(Err(Unreadable::at(1, A_WORKBOOK)));
    };
    let mut gatherer = Gatherer { columns, each, head: None };
    let mut gathering = Gathering { row: 0, cells: Vec::new() };
    loop {
        let Ok(cell) = reader.next_cell() else {
            return Ok(Err(Unreadable::at(i64::from(gathering.row) + 1, A_WORKBOOK)));
        };
        let Some(cell) = cell else { break };
        let (row, place) = cell.get_position();
        if row != gathering.row {
            let done = std::mem::replace(&mut gathering, Gathering { row, cells: Vec::new() });
            if let Err(unreadable) = gatherer.take(done)? {
                return Ok(Err(unreadable));
            }
        }
        if row > ROWS_MAX.unsigned_abs() {
            return Ok(Err(Unreadable::at(i64::from(row) + 1, FEW_ROWS)));
        }
        let place = usize::try_from(place).unwrap_or(COLUMNS_MAX);
        if place < COLUMNS_MAX {
            gathering.cells.resize(gathering.cells.len().max(place + 1), Cell::Empty);
            if let Some(slot) = gathering.cells.get_mut(place) {
                *slot = of_sheet(cell.get_value());
            }
        }
    }
    if let Err(unreadable) = gatherer.take(gathering)? {
        return Ok(Err(unreadable));
    }
    Ok(if gatherer.head.is_some() { Ok(()) } else { Err(Unreadable::at(1, Rule::Required)) })
}

impl Gatherer<'_> {
    fn take(&mut self, gathering: Gathering) -> Result<Ended> {
        let Gathering { row, mut cells } = gathering;
        while cells.last() == Some(&Cell::Empty) {
            cells.pop();
        }
        if cells.is_empty() {
            return Ok(Ok(()));
        }
        let Some(head) = &self.head else {
            let names: Vec<String> = cells.iter().map(|cell| name(cell).trim().to_owned()).collect();
            return Ok(places(&names, self.columns).map(|places| self.head = Some(places)));
        };
        let fault = (cells.len() > head.len())
            .then(|| Fault::at("", Rule::Length { min: head.len() as u64, max: head.len() as u64 }));
        let taken = if fault.is_some() { 0 } else { cells.len() };
        let cells = arranged(self.columns, head, cells.into_iter().take(taken));
        (self.each)(SourceRow { number: i64::from(row) + 1, cells, fault })?;
        Ok(Ok(()))
    }
}

fn name(cell: &Cell) -> &str {
    match cell {
        Cell::Text(text) => text,
        Cell::Empty | Cell::Digits(_) | Cell::Amount(_) | Cell::Day(_) | Cell::Other => "",
    }
}

fn of_sheet(value: &DataRef<'_>) -> Cell {
    match value {
        DataRef::Empty => Cell::Empty,
        DataRef::Int(number) => Cell::Digits(number.to_string()),
        DataRef::Float(number) => Cell::Amount(*number),
        DataRef::String(text) => of_text(text),
        DataRef::SharedString(text) => of_text(text),
        DataRef::DateTime(instant) => instant.as_datetime().map_or(Cell::Other, |at| Cell::Day(at.date())),
        DataRef::DateTimeIso(text) => of_text(text.split('T').next().unwrap_or_default()),
        DataRef::Bool(_) | DataRef::DurationIso(_) | DataRef::Error(_) => Cell::Other,
    }
}

fn of_text(text: &str) -> Cell {
    if text.is_empty() { Cell::Empty } else { Cell::Text(text.to_owned()) }
}

/// How much an archive unpacks to, as far as it may; whatever its directory says. `None` for what is no archive.
fn unpacked_bytes(bytes: &[u8]) -> Option<u64> {
    // No archive, or an entry that is damaged: either way no workbook.
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).ok()?;
    let mut total = 0;
    for at in 0..archive.len() {
        let entry = archive.by_index(at).ok()?;
        let left = UNPACKED_BYTES_MAX + 1 - total;
        total += std::io::copy(&mut entry.take(left), &mut std::io::sink()).ok()?;
        if total > UNPACKED_BYTES_MAX {
            break;
        }
    }
    Some(total)
}
