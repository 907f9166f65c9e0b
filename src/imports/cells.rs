//! The cells of a row, whatever the file they come from, and how a type reads its fields out of them. A newcomer's usual
//! mistake is to guess: a number that a spreadsheet has rounded, cut or split by thousands is refused and explained,
//! never mended.

use chrono::NaiveDate;
use unicode_normalization::UnicodeNormalization;

use crate::domain::imports::Charset;
use crate::domain::specialisations::Specialisations;
use crate::error::{Fault, Rule};

/// What is said of an IIN that a spreadsheet has made a number of.
const IIN_AS_TEXT: Rule =
    Rule::Format { expected: "all 12 digits as text: a spreadsheet cuts zeros and writes exponents" };
/// What is said of a name whose letters the encoding does not have.
const KAZAKH_LETTERS: Rule =
    Rule::Format { expected: "a name with its Kazakh letters, which Windows-1251 lacks: save the file as UTF-8" };
const WHOLE_NUMBER: Rule = Rule::Format { expected: "a whole number without thousands marks" };
const DAY: Rule = Rule::Format { expected: "a date such as 2026-09-30 or 30.09.2026" };
const TEXT: Rule = Rule::Format { expected: "text: the cell holds a number that is not exact" };

/// The greatest whole number up to which every whole number is exact as a float.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// A field that a type of record has in a file.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Its name in the head, which is its name in JSON.
    pub name: &'static str,
    /// Whether it is text: there an exported file has a guard, which is taken off.
    pub is_text: bool,
    /// What the template shows.
    pub example: &'static str,
}

impl Column {
    /// A field of text.
    pub const fn text(name: &'static str, example: &'static str) -> Column {
        Column { name, is_text: true, example }
    }

    /// A number or a date.
    pub const fn value(name: &'static str, example: &'static str) -> Column {
        Column { name, is_text: false, example }
    }
}

/// A cell as the file has it.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    /// Nothing, which is null.
    Empty,
    /// Text, of which CSV has nothing else.
    Text(String),
    /// A number as JSON writes it.
    Digits(String),
    /// A number as a spreadsheet keeps it.
    Amount(f64),
    /// A day as a spreadsheet keeps it.
    Day(NaiveDate),
    /// What no field takes.
    Other,
}

/// A row of a file.
#[derive(Debug)]
pub struct SourceRow {
    /// Its number, as the file counts: lines of a text, rows of a sheet.
    pub number: i64,
    /// A cell for each column of the type, in their order.
    pub cells: Vec<Cell>,
    /// What is wrong with its form; then the cells are not read.
    pub fault: Option<Fault>,
}

/// The fields of one row. Every fault is noted, so that all are told at once.
pub struct Fields<'a> {
    columns: &'static [Column],
    row: &'a SourceRow,
    charset: Option<Charset>,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// The fields of a row of a file in this encoding.
    pub fn of(columns: &'static [Column], row: &'a SourceRow, charset: Option<Charset>) -> Fields<'a> {
        Fields { columns, row, charset, faults: row.fault.iter().cloned().collect() }
    }

    /// Notes a fault of a field, unless the row's very form is wrong: then its fields are not there to be read.
    pub fn fault(&mut self, name: &str, rule: Rule) {
        if self.row.fault.is_none() {
            self.faults.push(Fault::at(format!("/{name}"), rule));
        }
    }

    /// A field that must be there, read by `read`.
    pub fn needed<T>(&mut self, name: &str, read: impl Fn(&mut Self, &str) -> Option<T>) -> Option<T> {
        if matches!(self.cell(name), Cell::Empty) {
            self.fault(name, Rule::Required);
        }
        read(self, name)
    }

    /// A text.
    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.cell(name).clone() {
            Cell::Empty => None,
            Cell::Text(text) => self.checked(name, text),
            Cell::Amount(number) if is_exact(number) => Some(format!("{number:.0}")),
            Cell::Amount(_) => self.refused(name, TEXT),
            Cell::Digits(_) | Cell::Day(_) | Cell::Other => self.refused(name, Rule::Type),
        }
    }

    /// An IIN as it is written, which may still be none.
    pub fn iin(&mut self, name: &str) -> Option<String> {
        match self.cell(name).clone() {
            Cell::Text(text) => {
                let is_cut = text.len() < 12 && text.bytes().all(|byte| byte.is_ascii_digit());
                let is_number = text.contains(['E', 'e', '+', ',', '.']);
                if is_cut || is_number { self.refused(name, IIN_AS_TEXT) } else { Some(text) }
            }
            Cell::Amount(number) if is_exact(number) && number >= 1e11 => Some(format!("{number:.0}")),
            Cell::Amount(_) | Cell::Digits(_) => self.refused(name, IIN_AS_TEXT),
            Cell::Empty => None,
            Cell::Day(_) | Cell::Other => self.refused(name, Rule::Type),
        }
    }

    /// A word of a list, or another text that is read into a type.
    pub fn word<T: std::str::FromStr>(&mut self, name: &str, rule: Rule) -> Option<T> {
        let text = self.text(name)?;
        match text.parse() {
            Ok(word) => Some(word),
            Err(_) => self.refused(name, rule),
        }
    }

    /// Codes of specialisations; none where the cell is empty.
    pub fn codes(&mut self, name: &str) -> Specialisations {
        self.text(name).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    /// A whole number; a fraction of no more than two zeros is none, as three could be thousands.
    pub fn whole(&mut self, name: &str) -> Option<i64> {
        match self.cell(name).clone() {
            Cell::Empty => None,
            Cell::Text(text) => match whole(&text) {
                Some(number) => Some(number),
                None => self.refused(name, WHOLE_NUMBER),
            },
            Cell::Digits(digits) => match digits.parse() {
                Ok(number) => Some(number),
                Err(_) => self.refused(name, Rule::Type),
            },
            // Exact by the guard.
            Cell::Amount(number) if is_exact(number) => Some(number as i64),
            Cell::Amount(_) => self.refused(name, WHOLE_NUMBER),
            Cell::Day(_) | Cell::Other => self.refused(name, Rule::Type),
        }
    }

    /// A day.
    pub fn day(&mut self, name: &str) -> Option<NaiveDate> {
        match self.cell(name).clone() {
            Cell::Empty => None,
            Cell::Day(day) => Some(day),
            Cell::Text(text) => match day(&text) {
                Some(day) => Some(day),
                None => self.refused(name, DAY),
            },
            Cell::Digits(_) | Cell::Amount(_) | Cell::Other => self.refused(name, DAY),
        }
    }

    /// Whether nothing is wrong so far.
    pub fn is_sound(&self) -> bool {
        self.faults.is_empty()
    }

    /// All that is wrong; empty for a row that can be read.
    pub fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    fn cell(&self, name: &str) -> &'a Cell {
        let at = self.columns.iter().position(|column| column.name == name);
        at.and_then(|at| self.row.cells.get(at)).unwrap_or(&Cell::Empty)
    }

    fn refused<T>(&mut self, name: &str, rule: Rule) -> Option<T> {
        self.fault(name, rule);
        None
    }

    /// A text in the form in which bodies are read, if its letters have come through.
    fn checked(&mut self, name: &str, text: String) -> Option<String> {
        if self.charset == Some(Charset::Windows1251) && name.ends_with("_kk") && text.contains('?') {
            return self.refused(name, KAZAKH_LETTERS);
        }
        Some(text.nfc().collect())
    }
}

/// Whether a number of a spreadsheet is whole and told to the last digit.
fn is_exact(number: f64) -> bool {
    number.fract() == 0.0 && number.abs() < EXACT_MAX
}

fn whole(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, "0"));
    let is_plain = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let is_zero = matches!(fraction, "0" | "00");
    let digits = whole.strip_prefix('-').unwrap_or(whole);
    if is_plain(digits) && is_zero { whole.parse().ok() } else { None }
}

fn day(text: &str) -> Option<NaiveDate> {
    let is_plain = |text: &str, mark: char, places: [usize; 2]| {
        text.len() == 10
            && text.char_indices().all(|(at, c)| if places.contains(&at) { c == mark } else { c.is_ascii_digit() })
    };
    if is_plain(text, '-', [4, 7]) {
        return text.parse().ok();
    }
    if is_plain(text, '.', [2, 5]) {
        return NaiveDate::parse_from_str(text, "%d.%m.%Y").ok();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_whole_and_a_mark_of_thousands_is_none() {
        for (text, number) in [("214", Some(214)), ("-3", Some(-3)), ("7,0", Some(7)), ("7.00", Some(7))] {
            assert_eq!(whole(text), number, "{text}");
        }
        for text in ["1 214", "1.214", "1,000", "1\u{a0}214", "1'214", "7,5", "", "-", "+7", "1e3", "1,0,0", "٣"] {
            assert_eq!(whole(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_has_one_of_two_forms() {
        let expected = NaiveDate::from_ymd_opt(2026, 9, 30);
        assert_eq!((day("2026-09-30"), day("30.09.2026")), (expected, expected));
        for text in ["30.9.2026", "30/09/2026", "2026-09-31", "09.30.2026", "2026-9-30", "30.09.26", ""] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn an_iin_that_a_spreadsheet_has_spoilt_is_refused_and_one_of_twelve_digits_is_read() {
        const COLUMNS: &[Column] = &[Column::text("iin", "")];
        let read = |cell: Cell| {
            let row = SourceRow { number: 2, cells: vec![cell], fault: None };
            let mut fields = Fields::of(COLUMNS, &row, None);
            (fields.iin("iin"), fields.into_faults())
        };
        let text = |text: &str| Cell::Text(text.to_owned());
        for cell in [text("850101424712"), Cell::Amount(850_101_424_712.0)] {
            assert_eq!(read(cell), (Some("850101424712".to_owned()), Vec::new()));
        }
        let cut =
            [text("61211600012"), text("8,50101E+11"), Cell::Amount(61_211_600_012.0), Cell::Amount(8.5e11 + 0.5)];
        for cell in cut {
            assert_eq!(read(cell), (None, vec![Fault::at("/iin", IIN_AS_TEXT)]));
        }
    }
}
