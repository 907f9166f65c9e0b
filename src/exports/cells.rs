//! The cells of a row. What a newcomer would get wrong: a text that begins like a formula is one to a spreadsheet, so that
//! whoever may write a name could run something on the reader's machine.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// One cell.
#[derive(Debug, PartialEq)]
pub enum Cell {
    /// Nothing: null.
    Empty,
    /// A text, or a list or an object as JSON.
    Text(String),
    /// A number, as it is written.
    Number(String),
    /// True or false.
    Truth(bool),
}

/// The cells of a row, which is a JSON object, in the order of the columns.
pub fn cells(json: &str, columns: &[String]) -> Result<Vec<Cell>> {
    let members: BTreeMap<Cow<'_, str>, &RawValue> = serde_json::from_str(json).map_err(Error::internal)?;
    columns
        .iter()
        .map(|column| members.get(column.as_str()).map_or(Ok(Cell::Empty), |value| cell(value.get())))
        .collect()
}

fn cell(json: &str) -> Result<Cell> {
    Ok(match json.as_bytes().first() {
        None | Some(b'n') => Cell::Empty,
        Some(b't') => Cell::Truth(true),
        Some(b'f') => Cell::Truth(false),
        Some(b'"') => Cell::Text(serde_json::from_str(json).map_err(Error::internal)?),
        Some(b'[' | b'{') => Cell::Text(json.to_owned()),
        Some(_) => Cell::Number(json.to_owned()),
    })
}

/// A text as a cell that no spreadsheet takes for a formula: with `'` before it where it begins like one, or with `'`
/// itself, so that taking exactly that one off gives the text back.
pub fn guarded(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\'', '\t', '\r']) {
        return Cow::Owned(format!("'{text}"));
    }
    Cow::Borrowed(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_in_the_order_of_the_columns() {
        let columns = ["b", "a", "d", "c", "e", "absent"].map(str::to_owned);
        let row = r#"{"a":"Әлия \"=\"","b":-7,"c":null,"d":[{"x":"y"}],"e":true}"#;
        let expected = vec![
            Cell::Number("-7".to_owned()),
            Cell::Text("Әлия \"=\"".to_owned()),
            Cell::Text(r#"[{"x":"y"}]"#.to_owned()),
            Cell::Empty,
            Cell::Truth(true),
            Cell::Empty,
        ];
        assert_eq!(cells(row, &columns).unwrap(), expected);
    }

    #[test]
    fn every_text_comes_back_when_one_mark_is_taken_off() {
        let begun = ["=1+1", "+7", "-7", "@SUM", "'", "''", "'x", "\tx", "\rx"];
        for text in begun {
            assert_eq!(guarded(text), format!("'{text}"));
        }
        for text in ["", "a=1", "Әлия", "1-2", "\nx"] {
            assert_eq!(guarded(text), text);
        }
    }
}
