//! Observed values: those in force by category, year and quarter, and those that were replaced. What a newcomer would get wrong:
//! a value that is missing is a dash and never a zero, and one that is disputed says so beside the number.

use std::collections::{BTreeMap, BTreeSet};

use super::{File, column, section, source, status};
use crate::api::record_views::period;
use crate::domain::judge_file::RecordStatus;
use crate::error::Result;
use crate::figures::words::{NOTHING, Voice};
use crate::paper::{Block, Column, Depth, Row, Table};
use crate::store::observations::Observation;

/// The values of one indicator in the four quarters of a year.
#[derive(Default)]
struct Year {
    quarters: [Option<String>; 4],
    sources: BTreeSet<String>,
    is_disputed: bool,
}

/// The values in force, a table for each category and year, and after them those that were replaced.
pub fn statistics(file: &File, voice: Voice) -> Result<Vec<Block>> {
    let mut tables: BTreeMap<(&str, i32), BTreeMap<&str, Year>> = BTreeMap::new();
    let mut replaced = Vec::new();
    for value in &file.rows.observations {
        if !value.status.is_in_force() {
            replaced.push(replaced_row(file, value, voice)?);
            continue;
        }
        let quarter = period(value.period_start)?;
        let table = tables.entry((value.category.as_str(), quarter.year())).or_default();
        let year = table.entry(value.indicator_code.as_str()).or_default();
        let is_disputed = value.status == RecordStatus::Disputed;
        let shown = shown(file, value, voice);
        let said = if is_disputed { format!("{shown} {}", voice.say("file-disputed-mark")) } else { shown };
        if let Some(place) = year.quarters.get_mut(quarter.quarter() as usize - 1) {
            *place = Some(said);
        }
        year.sources.insert(source(voice, &value.source_system, value.as_of));
        year.is_disputed |= is_disputed;
    }
    let mut blocks = vec![Block::Heading(Depth::Section, voice.say("file-section-statistics"))];
    if tables.is_empty() {
        blocks.push(Block::Paragraph(voice.say("file-nothing")));
    } else {
        blocks.push(Block::Note(voice.say("file-note-statistics")));
    }
    for ((category, year), indicators) in tables {
        blocks.push(Block::Heading(Depth::Part, format!("{}, {year}", voice.category(category))));
        let rows = indicators.into_iter().map(|(code, year)| {
            let mut cells = vec![name(file, code, voice)];
            cells.extend(year.quarters.into_iter().map(|value| value.unwrap_or_else(|| NOTHING.to_owned())));
            // Of several, the last tells the latest state.
            cells.push(year.sources.into_iter().next_back().unwrap_or_default());
            Row { cells, is_marked: year.is_disputed }
        });
        let mut columns = vec![column(voice, "file-column-indicator", 38)];
        columns.extend(["I", "II", "III", "IV"].map(|quarter| Column::number(quarter.to_owned(), 13)));
        columns.push(Column::number(voice.say("file-column-source"), 22));
        blocks.push(Block::Table(Table { columns, rows: rows.collect() }));
    }
    if !replaced.is_empty() {
        let columns = vec![
            column(voice, "file-column-indicator", 34),
            column(voice, "file-column-category", 24),
            column(voice, "file-column-quarter", 12),
            Column::number(voice.say("file-column-value"), 14),
            column(voice, "file-column-source", 22),
            column(voice, "file-column-status", 14),
        ];
        blocks.extend(section(voice.say("file-section-replaced"), None, columns, replaced, voice));
    }
    Ok(blocks)
}

fn replaced_row(file: &File, value: &Observation, voice: Voice) -> Result<Row> {
    let (state, is_marked) = status(voice, value.status);
    let cells = vec![
        name(file, &value.indicator_code, voice),
        voice.category(&value.category),
        period(value.period_start)?.to_string(),
        shown(file, value, voice),
        source(voice, &value.source_system, value.as_of),
        state,
    ];
    Ok(Row { cells, is_marked })
}

/// A value with its decimals, and of a ratio both parts.
fn shown(file: &File, value: &Observation, voice: Voice) -> String {
    let decimals = file.indicators.get(&value.indicator_code).map_or(0, |indicator| indicator.scale);
    let number = voice.number(value.numerator, decimals);
    value.denominator.map_or(number.clone(), |denominator| format!("{number} / {denominator}"))
}

fn name(file: &File, code: &str, voice: Voice) -> String {
    let named = file.indicators.get(code).map(|indicator| &indicator.name);
    named.map_or_else(|| code.to_owned(), |name| voice.name(&name.kk, &name.ru, name.en.as_deref()))
}
