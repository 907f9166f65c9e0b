//! Tables and lists of facts on their pages. What a newcomer would get wrong: the head that a table has again on its next page
//! is ornament. Read aloud a second time, it would be a row of the table.

use super::face::{Face, POINT, Weight};
use super::layout::{Mark, Role, SIDE, Sheet, Style, TEXT_WIDTH, set_lines};
use super::{Column, Side, Table};
use crate::error::Result;

const CELL: Style = Style { size: 8 * POINT, pitch: 10_600, weight: Weight::Regular, is_faint: false };
const HEAD: Style = Style { weight: Weight::Bold, ..CELL };
const FACT: Style = Style { size: 9_500, pitch: 13_500, ..CELL };
/// Between a cell's text and its edges.
const PAD: i64 = 3 * POINT;
/// A rule between rows.
const RULE: i64 = 400;
/// A row is as high as a page at most; what is longer goes on in rows of its own, without being cut.
const LINES_MAX: usize = 50;

/// A cell broken into lines.
struct Cell {
    lines: Vec<String>,
    x: i64,
    width: i64,
    side: Side,
}

/// Sets names with what they are.
pub fn facts(sheet: &mut Sheet, facts: &[(String, String)]) -> Result<()> {
    let table = sheet.part(Role::Table, None);
    let body = sheet.part(Role::TableBody, Some(table));
    let split = TEXT_WIDTH * 34 / 100;
    for (name, what) in facts {
        let names = Cell {
            lines: set_lines(name, split - 2 * PAD, Style { weight: Weight::Bold, ..FACT })?,
            x: SIDE,
            width: split,
            side: Side::Left,
        };
        let whats = Cell {
            lines: set_lines(what, TEXT_WIDTH - split - 2 * PAD, FACT)?,
            x: SIDE + split,
            width: TEXT_WIDTH - split,
            side: Side::Left,
        };
        sheet.keep_together(height(&[&names, &whats], FACT));
        let row = sheet.part(Role::Row, Some(body));
        let name = sheet.part(Role::RowName, Some(row));
        put(sheet, &names, Style { weight: Weight::Bold, ..FACT }, Some(name))?;
        let what = sheet.part(Role::Cell, Some(row));
        put(sheet, &whats, FACT, Some(what))?;
        sheet.y += height(&[&names, &whats], FACT) - PAD;
    }
    sheet.y += 6 * POINT;
    Ok(())
}

/// Sets a table; one without rows is its head alone.
pub fn table(sheet: &mut Sheet, table: &Table) -> Result<()> {
    let titles: Vec<String> = table.columns.iter().map(|column| column.title.clone()).collect();
    let head = cells(&table.columns, &titles, HEAD)?;
    let structure = sheet.part(Role::Table, None);
    sheet.keep_together(height_of(&head, HEAD) + 3 * CELL.pitch);
    let head_part = sheet.part(Role::TableHead, Some(structure));
    let row = sheet.part(Role::Row, Some(head_part));
    let names: Vec<Option<usize>> = head.iter().map(|_| Some(sheet.part(Role::ColumnName, Some(row)))).collect();
    put_head(sheet, &head, &names)?;
    let ornament = vec![None; head.len()];
    let body = sheet.part(Role::TableBody, Some(structure));
    for row in &table.rows {
        let style = Style { weight: if row.is_marked { Weight::Bold } else { Weight::Regular }, ..CELL };
        let mut cells = cells(&table.columns, &row.cells, style)?;
        let structure = sheet.part(Role::Row, Some(body));
        let roles = (0..cells.len()).map(|at| if at == 0 { Role::RowName } else { Role::Cell });
        let parts: Vec<Option<usize>> = roles.map(|role| Some(sheet.part(role, Some(structure)))).collect();
        // A text of several pages is set in pieces, each of which fits on one.
        while !cells.iter().all(|cell| cell.lines.is_empty()) {
            let rest = cells.iter_mut().map(|cell| {
                let tail = cell.lines.split_off(cell.lines.len().min(LINES_MAX));
                Cell { lines: tail, x: cell.x, width: cell.width, side: cell.side }
            });
            let rest: Vec<Cell> = rest.collect();
            let height = height_of(&cells, style);
            if sheet.keep_together(height) {
                put_head(sheet, &head, &ornament)?;
            }
            if row.is_marked {
                sheet.put(None, Mark::Box { x: SIDE - 4 * POINT, y: sheet.y, width: 2 * POINT, height, grey: 0x1a });
            }
            put_row(sheet, &cells, style, &parts)?;
            cells = rest;
        }
    }
    sheet.y += 8 * POINT;
    Ok(())
}

fn put_head(sheet: &mut Sheet, head: &[Cell], parts: &[Option<usize>]) -> Result<()> {
    let height = height_of(head, HEAD);
    sheet.put(None, Mark::Box { x: SIDE, y: sheet.y, width: TEXT_WIDTH, height, grey: 0xe9 });
    put_row(sheet, head, HEAD, parts)
}

/// A row with the rule under it.
fn put_row(sheet: &mut Sheet, cells: &[Cell], style: Style, parts: &[Option<usize>]) -> Result<()> {
    for (cell, part) in cells.iter().zip(parts) {
        put(sheet, cell, style, *part)?;
    }
    sheet.y += height_of(cells, style);
    sheet.put(None, Mark::Box { x: SIDE, y: sheet.y - RULE, width: TEXT_WIDTH, height: RULE, grey: 0xa0 });
    Ok(())
}

fn cells(columns: &[Column], texts: &[String], style: Style) -> Result<Vec<Cell>> {
    let shares: i64 = columns.iter().map(|column| i64::from(column.share)).sum();
    let mut x = SIDE;
    let mut cells = Vec::new();
    for (column, text) in columns.iter().zip(texts) {
        let width = TEXT_WIDTH * i64::from(column.share) / shares.max(1);
        let lines = set_lines(text, width - 2 * PAD, style)?;
        cells.push(Cell { lines, x, width, side: column.side });
        x += width;
    }
    Ok(cells)
}

fn height_of(cells: &[Cell], style: Style) -> i64 {
    height(&cells.iter().collect::<Vec<_>>(), style)
}

fn height(cells: &[&Cell], style: Style) -> i64 {
    let lines = cells.iter().map(|cell| cell.lines.len()).max().unwrap_or(0) as i64;
    lines * style.pitch + 2 * PAD
}

/// The text of a cell, from the sheet's present height down.
fn put(sheet: &mut Sheet, cell: &Cell, style: Style, part: Option<usize>) -> Result<()> {
    let face = Face::of(style.weight)?;
    let mut baseline = sheet.y + PAD + style.size;
    for line in &cell.lines {
        let x = match cell.side {
            Side::Left => cell.x + PAD,
            Side::Right => cell.x + cell.width - PAD - face.width(line, style.size),
        };
        sheet.put(part, Mark::Text { x, baseline, style, text: format!("{line} ") });
        baseline += style.pitch;
    }
    Ok(())
}
