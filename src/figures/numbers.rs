//! Numbers as readers of a language write them. A newcomer would hand a float to a formatter; a value is a whole number of
//! units in the last decimal, so that the same value is the same text everywhere.

use crate::texts::Language;

/// A number of so many decimals: `375` with two is "3,75" in Kazakh and Russian and "3.75" in English. No thousands marks.
pub fn decimal(language: Language, value: i64, decimals: u8) -> String {
    let separator = match language {
        Language::Kk | Language::Ru => ',',
        Language::En => '.',
    };
    let decimals = usize::from(decimals);
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = decimals + 1);
    let (whole, rest) = digits.split_at(digits.len() - decimals);
    let sign = if value < 0 { "−" } else { "" };
    if rest.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}{separator}{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_its_language_does_with_all_its_decimals() {
        for (language, value, decimals, text) in [
            (Language::Kk, 375, 2, "3,75"),
            (Language::Ru, 400, 2, "4,00"),
            (Language::En, 400, 2, "4.00"),
            (Language::En, 5, 3, "0.005"),
            (Language::Ru, 0, 1, "0,0"),
            (Language::Kk, -120, 1, "−12,0"),
            (Language::En, 30_000, 0, "30000"),
            (Language::En, i64::MIN, 0, "−9223372036854775808"),
        ] {
            assert_eq!(decimal(language, value, decimals), text);
        }
    }
}
