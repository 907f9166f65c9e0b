//! Rows of NDJSON: a JSON object on each line. What a newcomer would get wrong: serde keeps the last of two equal members
//! without a word, so that two readers could see two different rows.

use std::fmt;
use std::io::{BufRead, Read};

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::cells::{Cell, Column, SourceRow};
use super::source::{Ended, NOT_TEXT, Unreadable};
use crate::error::{Fault, Result, Rule};

/// Bytes of a line.
const LINE_BYTES_MAX: u64 = 64 * 1024;

/// The members of an object, in their order, repeated ones included.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Members, D::Error> {
        struct Of;
        impl<'de> Visitor<'de> for Of {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Of)
    }
}

/// Reads the rows; empty lines are none.
pub fn read(
    mut text: impl BufRead,
    columns: &'static [Column],
    each: &mut dyn FnMut(SourceRow) -> Result<()>,
) -> Result<Ended> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = text.by_ref().take(LINE_BYTES_MAX + 1).read_until(b'\n', &mut line);
        let Ok(count) = read else { return Ok(Err(Unreadable::at(number, NOT_TEXT))) };
        if count == 0 {
            break;
        }
        if line.len() as u64 > LINE_BYTES_MAX {
            return Ok(Err(Unreadable::at(number, Rule::Length { min: 1, max: LINE_BYTES_MAX })));
        }
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let row = match serde_json::from_slice::<Members>(&line) {
            Ok(Members(members)) => row(number, members, columns),
            Err(_) => faulty(number, columns, Fault::at("", Rule::Format { expected: "JSON" })),
        };
        each(row)?;
    }
    Ok(Ok(()))
}

fn row(number: i64, members: Vec<(String, Value)>, columns: &[Column]) -> SourceRow {
    let mut cells: Vec<Option<Cell>> = vec![None; columns.len()];
    for (name, value) in members {
        let slot = columns.iter().position(|column| column.name == name).and_then(|at| cells.get_mut(at));
        // A name that is none of ours is not repeated: it may be anything.
        let Some(slot) = slot else { return faulty(number, columns, Fault::at("", Rule::Unknown)) };
        if slot.is_some() {
            return faulty(number, columns, Fault::at(format!("/{name}"), Rule::Duplicate));
        }
        *slot = Some(match value {
            Value::Null => Cell::Empty,
            Value::String(text) => Cell::Text(text),
            Value::Number(number) => Cell::Digits(number.to_string()),
            Value::Bool(_) | Value::Array(_) | Value::Object(_) => Cell::Other,
        });
    }
    let cells = cells.into_iter().map(|cell| cell.unwrap_or(Cell::Empty)).collect();
    SourceRow { number, cells, fault: None }
}

fn faulty(number: i64, columns: &[Column], fault: Fault) -> SourceRow {
    SourceRow { number, cells: vec![Cell::Empty; columns.len()], fault: Some(fault) }
}
