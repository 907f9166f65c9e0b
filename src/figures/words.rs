//! The words of the field in the reader's language, for what is drawn and printed. What a newcomer would get wrong: a code
//! that the catalogue of texts does not know is shown as it is, never left out; a source may use kinds of its own.

use chrono::{Datelike, NaiveDate};

use super::numbers::decimal;
use crate::domain::derived::figures::DerivedUnit;
use crate::texts::{Arg, Language, named, text};

/// Stands where there is nothing to say.
pub const NOTHING: &str = "—";

/// Who says it: the words, dates and numbers of one language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Voice(pub Language);

impl Voice {
    /// The text of a key without variables.
    pub fn say(self, key: &str) -> String {
        text(self.0, key, &[])
    }

    /// The text of a key with its variables.
    pub fn tell(self, key: &str, args: &[(&'static str, &str)]) -> String {
        let args: Vec<(&'static str, Arg<'_>)> = args.iter().map(|(name, value)| (*name, Arg::Text(value))).collect();
        text(self.0, key, &args)
    }

    /// The words for a code, from the list `file-<list>`; the code itself where the list has none.
    pub fn word(self, list: &str, code: &str) -> String {
        named(self.0, &format!("file-{list}"), code).unwrap_or(code).to_owned()
    }

    /// The words for a category of cases: "civil cases", or "appeal: civil cases".
    pub fn category(self, code: &str) -> String {
        for instance in ["appeal", "cassation"] {
            if let Some(rest) = code.strip_prefix(instance).and_then(|rest| rest.strip_prefix('_')) {
                return format!("{}: {}", self.word("instance", instance), self.word("category", rest));
            }
        }
        self.word("category", code)
    }

    /// The unit behind a number; nothing where it is a part of one.
    pub fn unit(self, unit: DerivedUnit) -> String {
        match unit {
            DerivedUnit::Share => String::new(),
            DerivedUnit::Percent | DerivedUnit::Days | DerivedUnit::Ratio => self.word("unit", unit.as_str()),
        }
    }

    /// A day as its reader writes it.
    pub fn date(self, day: NaiveDate) -> String {
        match self.0 {
            Language::Kk | Language::Ru => format!("{:02}.{:02}.{}", day.day(), day.month(), day.year()),
            Language::En => day.to_string(),
        }
    }

    /// A day that may not be there.
    pub fn day(self, day: Option<NaiveDate>) -> String {
        day.map_or_else(|| NOTHING.to_owned(), |day| self.date(day))
    }

    /// A text that may not be there.
    pub fn or_nothing(self, text: Option<&str>) -> String {
        text.unwrap_or(NOTHING).to_owned()
    }

    /// A name in this language: there is none in English for everything, and the Russian one then stands.
    pub fn name(self, kk: &str, ru: &str, en: Option<&str>) -> String {
        match self.0 {
            Language::Kk => kk.to_owned(),
            Language::Ru => ru.to_owned(),
            Language::En => en.unwrap_or(ru).to_owned(),
        }
    }

    /// A number of so many decimals.
    pub fn number(self, value: i64, decimals: u8) -> String {
        decimal(self.0, value, decimals)
    }
}
