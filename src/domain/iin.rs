//! The individual identification number (IIN; ИИН, ЖСН): length, digits and check digit, and nothing more. What a
//! newcomer would get wrong: the digits look like a birth date and a sex, but since Government Resolution 853 of
//! 26 August 2013 they need not match the person, so neither may be derived from them or compared with them.

use std::fmt;

use zeroize::Zeroizing;

use crate::error::Rule;

/// How many digits an IIN has.
pub const LENGTH: usize = 12;

const FIRST_WEIGHTS: [u32; 11] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
const SECOND_WEIGHTS: [u32; 11] = [3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 2];

/// An IIN whose check digit is right. Personal data: it is encrypted at rest, never logged, and looked up by a keyed
/// hash; everywhere else a judge is a `JudgeId`.
///
/// It has no `Display` and its `Debug` hides the digits, so that no log line or panic can carry it by accident; the
/// memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Iin(Zeroizing<String>);

impl Iin {
    /// Reads an IIN as a person or a system of record writes it: 12 ASCII digits, no blanks.
    ///
    /// # Errors
    /// [`Rule::Length`] when there are not 12 characters, [`Rule::Format`] when one is no digit, [`Rule::CheckDigit`]
    /// when the last digit does not follow from the others.
    pub fn parse(text: &str) -> Result<Iin, Rule> {
        if text.chars().count() != LENGTH {
            return Err(Rule::Length { min: LENGTH as u64, max: LENGTH as u64 });
        }
        let Some((first_eleven, last)) = digits(text).and_then(|all| all.split_last().map(|(l, f)| (f.to_vec(), *l)))
        else {
            return Err(Rule::Format { expected: "12 digits" });
        };
        if check_digit(&first_eleven) != Some(last) {
            return Err(Rule::CheckDigit);
        }
        Ok(Iin(Zeroizing::new(text.to_owned())))
    }

    /// Completes eleven digits by their check digit, for invented people in demonstrations and tests.
    ///
    /// `None` when the prefix is not eleven digits, or when no IIN with it exists (about one prefix in 121).
    pub fn with_check_digit(prefix: &str) -> Option<Iin> {
        let first_eleven = digits(prefix)?;
        if first_eleven.len() != LENGTH - 1 {
            return None;
        }
        let last = check_digit(&first_eleven)?;
        Some(Iin(Zeroizing::new(format!("{prefix}{last}"))))
    }

    /// The twelve digits, for the encrypted column and the keyed hash; to be passed on nowhere else.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Iin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Iin(hidden)")
    }
}

fn digits(text: &str) -> Option<Vec<u32>> {
    // `to_digit` takes ASCII alone; `char::is_numeric` would let Arabic digits in.
    text.chars().map(|character| character.to_digit(10)).collect()
}

/// The check digit of eleven digits; `None` when both passes give 10, for then no such IIN exists.
fn check_digit(first_eleven: &[u32]) -> Option<u32> {
    let pass =
        |weights: &[u32; 11]| first_eleven.iter().zip(weights).map(|(digit, weight)| digit * weight).sum::<u32>() % 11;
    [pass(&FIRST_WEIGHTS), pass(&SECOND_WEIGHTS)].into_iter().find(|sum| *sum < 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_valid_in_the_first_or_second_pass_are_accepted() {
        for number in ["850101424712", "061211600012", "850101409686"] {
            assert_eq!(Iin::parse(number).map(|iin| iin.as_str().to_owned()), Ok(number.to_owned()));
        }
    }

    #[test]
    fn a_wrong_check_digit_is_told_apart_from_a_wrong_form() {
        assert_eq!(Iin::parse("850101424713"), Err(Rule::CheckDigit));
        assert_eq!(Iin::parse("85010142471"), Err(Rule::Length { min: 12, max: 12 }));
        assert_eq!(Iin::parse("8501014247120"), Err(Rule::Length { min: 12, max: 12 }));
        assert_eq!(Iin::parse("85010142471x"), Err(Rule::Format { expected: "12 digits" }));
        assert_eq!(Iin::parse("85010142471٢"), Err(Rule::Format { expected: "12 digits" }));
    }

    #[test]
    fn for_any_eleven_digits_at_most_one_check_digit_is_right() {
        for prefix in ["85010142471", "06121160001", "85010140968", "00000000000", "99999999999"] {
            let accepted = (0..10).filter(|last| Iin::parse(&format!("{prefix}{last}")).is_ok()).count();
            assert_eq!(accepted, 1, "{prefix}");
        }
        assert!((0..10).all(|last| Iin::parse(&format!("85010137748{last}")) == Err(Rule::CheckDigit)));
    }

    #[test]
    fn a_prefix_is_completed_where_a_check_digit_exists() {
        assert_eq!(
            Iin::with_check_digit("06121160001").map(|iin| iin.as_str().to_owned()).as_deref(),
            Some("061211600012")
        );
        assert_eq!(Iin::with_check_digit("85010137748"), None);
        assert_eq!(Iin::with_check_digit("8501013774"), None);
        assert_eq!(Iin::with_check_digit("850101x7748"), None);
    }

    #[test]
    fn debug_output_holds_no_digit() {
        let shown = format!("{:?}", Iin::parse("850101424712"));
        assert!(!shown.contains(|character: char| character.is_ascii_digit()), "{shown}");
    }
}
