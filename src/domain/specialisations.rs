//! In what a post or a court is specialised (`domain.md` 6.1). What a newcomer would get wrong: a set says nothing where it
//! is empty. That nothing was told is not that cases of all kinds are heard.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::domain::indicators::Catalogue;
use crate::domain::judge_file::Check;
use crate::error::Rule;

/// The code of a specialisation, as it stands in lists of codes; describes their elements in the document.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[a-z][a-z0-9_]{0,39}$", min_length = 1, max_length = 40)]
pub struct SpecialisationCode(pub String);

/// Codes of the catalogue, each once and in the order of the alphabet; kept with spaces between them.
#[derive(
    Debug,
    Clone,
    Default,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    diesel::expression::AsExpression,
    diesel::deserialize::FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[serde(transparent)]
pub struct Specialisations(BTreeSet<String>);

crate::stored_as_text!(Specialisations);

impl Specialisations {
    /// The codes.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Notes at `pointer` where one is not in the catalogue; what may be named is said with it.
    pub fn check(&self, check: &mut Check, pointer: &str, catalogue: &Catalogue) {
        let is_known = self.0.iter().all(|code| catalogue.specialisations.contains(code));
        check.rule(is_known, pointer, known(catalogue));
    }
}

/// What is said of a code that the catalogue does not have.
pub fn known(catalogue: &Catalogue) -> Rule {
    Rule::OneOf { allowed: catalogue.specialisations.join(", ").into() }
}

impl fmt::Display for Specialisations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, code) in self.codes().enumerate() {
            f.write_str(if place == 0 { "" } else { " " })?;
            f.write_str(code)?;
        }
        Ok(())
    }
}

/// Reads codes between spaces, commas or semicolons, as a cell of a table has them; of an exported one, between the marks of
/// its list, too.
impl FromStr for Specialisations {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Specialisations, Infallible> {
        let is_between = |letter: char| letter.is_whitespace() || matches!(letter, ',' | ';' | '[' | ']' | '"');
        Ok(Specialisations(text.split(is_between).filter(|code| !code.is_empty()).map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_however_they_are_divided_and_kept_once_each_in_one_order() {
        let read = |text: &str| text.parse::<Specialisations>().unwrap().to_string();
        assert_eq!(read("juvenile; civil,civil  economic"), "civil economic juvenile");
        assert_eq!(read(" ; "), "");
        assert_eq!(read(r#"["juvenile","civil"]"#), "civil juvenile");
        assert_eq!(read(&read("military criminal")), "criminal military");
    }

    #[test]
    fn one_that_the_catalogue_does_not_have_is_refused_with_those_that_it_has() {
        let catalogue = Catalogue::standard().unwrap();
        let faults = |text: &str| {
            let mut check = Check::default();
            text.parse::<Specialisations>().unwrap().check(&mut check, "/specialisations", catalogue);
            check.done()
        };
        assert!(faults("").is_ok() && faults("civil juvenile").is_ok());
        // A kind of case that is no specialisation, and one at appeal.
        for unknown in ["materials", "civil appeal_civil", "Civil"] {
            assert!(faults(unknown).is_err(), "{unknown}");
        }
    }
}
